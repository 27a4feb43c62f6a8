//! `OpenVEX` 0.2.0: statements that an advisory does not affect the project.

use std::path::Path;

use serde::Deserialize;

use super::{Advisory, Error};
use crate::atomic::At as _;
use crate::bounded;

/// Larger documents are refused, in bytes.
const LARGEST: u64 = 4 << 20;
/// The one status that excuses an advisory. `fixed` is about the version that has the fix.
const NOT_AFFECTED: &str = "not_affected";

/// A document of statements.
#[derive(Debug, Default, Deserialize)]
pub struct Vex {
    #[serde(rename = "@context")]
    context: String,
    statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    status: String,
    #[serde(default)]
    products: Vec<Product>,
}

#[derive(Debug, Deserialize)]
struct Vulnerability {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Product {
    #[serde(rename = "@id", default)]
    id: String,
    #[serde(default)]
    subcomponents: Vec<Product>,
}

impl Vex {
    /// Reads a document.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = bounded::read(path, LARGEST)?;
        let form = |reason: String| Error::Vex { path: path.to_owned(), reason };
        let vex: Self = serde_json::from_slice(&bytes).map_err(|e| form(e.to_string()))?;
        if vex.context == "https://openvex.dev/ns" || vex.context.starts_with("https://openvex.dev/ns/v") {
            return Ok(vex);
        }
        Err(form(format!("its @context is {:?}, expected https://openvex.dev/ns/v0.2.0", vex.context)))
    }

    /// Reads the document at `path` where one is there.
    pub fn read_if_there(path: &Path) -> Result<Option<Self>, Error> {
        let there = path.try_exists().at("look for", path)?;
        there.then(|| Self::read(path)).transpose()
    }

    /// Whether statements name each component that the advisory was found in, and none of them says anything else than that it is
    /// not affected.
    pub fn excuses(&self, advisory: &Advisory) -> bool {
        let of_it = |s: &&Statement| {
            let mut names = std::iter::once(&s.vulnerability.name).chain(&s.vulnerability.aliases);
            names.any(|name| advisory.has_name(name))
        };
        let statements: Vec<&Statement> = self.statements.iter().filter(of_it).collect();
        let excused = |purl: &String| {
            let mut about = statements.iter().filter(|s| s.covers(purl)).peekable();
            about.peek().is_some() && about.all(|s| s.status == NOT_AFFECTED)
        };
        !advisory.components.is_empty() && advisory.components.keys().all(excused)
    }
}

impl Statement {
    /// A statement is about the components that it names, as products or inside of one. It never excuses all of a product.
    fn covers(&self, purl: &str) -> bool {
        let inner = self.products.iter().flat_map(|p| &p.subcomponents);
        self.products.iter().chain(inner).any(|product| names(&product.id, purl))
    }
}

/// Whether an identifier in a statement names a component: by name, and by version where it has one.
fn names(id: &str, purl: &str) -> bool {
    let id = super::sboms::bare(id);
    id == purl || purl.split_once('@').is_some_and(|(name, _)| name == id)
}
