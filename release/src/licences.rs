//! Licences: THIRD-PARTY-LICENSES, the texts of everything that a binary links besides the package's own code.
//!
//! Each crate's SPDX expression must be met by what deny.toml allows, and each licence must have a text: the one that
//! the crate ships, else the canonical one of SPDX, which the file says. Anything less is an error, not a gap.

use std::path::{Path, PathBuf};

use indexmap::IndexSet;

use crate::atomic::PathError;
use crate::graph::{Crate, Graph};
use crate::table::{Native, Supply};

mod inside;
mod policy;
mod recognised;
mod render;
mod texts;

pub use inside::{Fault, Library, Linked, libraries};
pub(crate) use policy::canonical as canonical_expression;
use policy::{Policy, Terms};
use texts::Text;

/// The file that lists the allowed licences.
pub const POLICY_FILE: &str = "deny.toml";

/// Every Rust binary links it; its sources carry these two licences (`COPYRIGHT` in the toolchain).
const STD: (&str, &str) = ("Rust standard library", "MIT OR Apache-2.0");

/// Something linked, its terms and the texts that belong to it.
#[derive(Debug)]
struct Component {
    /// As people know it: `axum 0.8.9`.
    name: String,
    /// `None` for a text that is no licence which SPDX knows.
    terms: Option<Terms>,
    /// The holder of the copyright, where the texts do not say it.
    authors: Vec<String>,
    texts: Vec<Text>,
}

/// The reason why the file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// deny.toml or a licence file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// deny.toml is not of the form that cargo-deny reads, or allows something that is no licence.
    #[error("{}: {message}", path.display())]
    Policy {
        /// deny.toml
        path: PathBuf,
        /// The problem.
        message: String,
    },
    /// A crate whose manifest names no licence.
    #[error("{component} has no `license` in its manifest")]
    Unnamed {
        /// Name and version.
        component: String,
    },
    /// A licence that is not an SPDX expression.
    #[error("the licence {expression:?} of {component} is not an SPDX expression: {reason}")]
    Expression {
        /// Name and version.
        component: String,
        /// As written.
        expression: String,
        /// The parser's message.
        reason: String,
    },
    /// An expression that the allowed licences do not meet.
    #[error("{component} is licensed under {expression:?}, which {} does not allow", path.display())]
    Refused {
        /// Name and version.
        component: String,
        /// As written.
        expression: String,
        /// deny.toml
        path: PathBuf,
    },
    /// A native input under terms that neither deny.toml nor its entry allows.
    #[error("{input} is licensed under {expression:?}, which neither {} nor `allow` of its [[native]] allows", path.display())]
    InputRefused {
        /// Name and version.
        input: String,
        /// As written.
        expression: String,
        /// deny.toml
        path: PathBuf,
    },
    /// Nothing says where the native input is whose licences are wanted.
    #[error("the licences of {input} stand in its file {file}, and {variable} does not say where it is")]
    NoFolder {
        /// Name and version.
        input: String,
        /// The file.
        file: String,
        /// The variable.
        variable: String,
    },
    /// A native input without its file of licences.
    #[error("{} is missing: the file with the licences of the libraries inside {input}", path.display())]
    NotThere {
        /// Name and version.
        input: String,
        /// The file.
        path: PathBuf,
    },
    /// A file of licences that is not understood.
    #[error("{}, the licences of the libraries inside {input}: {fault}", path.display())]
    Inside {
        /// Name and version.
        input: String,
        /// The file.
        path: PathBuf,
        /// The problem.
        fault: Fault,
    },
    /// A library's licence that the table does not name.
    #[error("{} has {library} under {licence}, and `licence` of {input} is {expression:?}", path.display())]
    NotCovered {
        /// Name and version.
        input: String,
        /// The file.
        path: PathBuf,
        /// The library.
        library: String,
        /// Its licence.
        licence: String,
        /// As written in the table.
        expression: String,
    },
    /// Neither the crate nor SPDX has a text.
    #[error("{component} ships no licence text, and SPDX has none for {licence:?}")]
    NoText {
        /// Name and version.
        component: String,
        /// The licence.
        licence: String,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(_) => "`cargo fetch --locked` gets every crate's sources; deny.toml is at the root".to_owned(),
            Self::Policy { .. } => {
                "list SPDX identifiers under [licenses]: allow = [\"Apache-2.0\", \"MIT\"]".to_owned()
            }
            Self::Unnamed { component } | Self::Expression { component, .. } => {
                format!("take another version of {component}, or ask its authors for an SPDX `license`")
            }
            Self::Refused { component, expression, .. } => format!(
                "`cargo tree -i` shows what brings {component} in: do without it, or, if its terms suit the project, add {expression:?} to `allow`"
            ),
            Self::InputRefused { input, .. } => format!(
                "do without {input}, or, if its terms suit the project, add what deny.toml lacks to `allow` of its [[native]]"
            ),
            Self::NoFolder { input, variable, .. } => {
                format!("set {variable} to the folder that {input} was unpacked into")
            }
            Self::NotThere { input, .. } => {
                format!("unpack all of the download of {input}; no binary is released without these licences")
            }
            Self::Inside { .. } => {
                "compare the file with that of the pinned download; docs/release/how-to/provider-pin.md has its form"
                    .to_owned()
            }
            Self::NotCovered { licence, .. } => {
                format!("if these terms suit the project, add {licence} to `licence` in sayna-release.toml")
            }
            Self::NoText { component, .. } => {
                format!("take a version of {component} that ships its licence, or do without it")
            }
        })
    }
}

/// The text of THIRD-PARTY-LICENSES for what `graph` links, with these native inputs.
pub fn third_party(root: &Path, graph: &Graph, natives: &[Linked<'_>]) -> Result<String, Error> {
    let policy = Policy::read(root)?;
    let (name, expression) = STD;
    let mut std = canonical(&policy, name.to_owned(), expression)?;
    std.authors = vec!["The Rust Project contributors".to_owned()];
    let mut components = vec![std];
    for krate in &graph.crates {
        components.push(of_crate(&policy, krate, graph.called(&krate.id))?);
    }
    let mut natives: Vec<&Linked<'_>> = natives.iter().collect();
    natives.sort_by_key(|linked| linked.native.to_string());
    for linked in natives {
        components.extend(of_native(&policy, linked)?);
    }
    Ok(render::document(&graph.package.id.name, &components))
}

/// Returns the problems that are known before anything is resolved or built: of deny.toml, of the code that every binary
/// links, and of the native inputs.
pub fn known(root: &Path, natives: &[Native]) -> Vec<Error> {
    let policy = match Policy::read(root) {
        Ok(policy) => policy,
        Err(error) => return vec![error],
    };
    let (name, expression) = STD;
    let std = canonical(&policy, name.to_owned(), expression).map(|_component| Vec::new());
    // Text that is not an expression or identifier has a finding of its own.
    let is_known = |native: &&Native| {
        spdx::Expression::parse(native.licence.get_ref()).is_ok()
            && native.allow.iter().all(|id| spdx::Licensee::parse(id.get_ref()).is_ok())
    };
    let linked = natives.iter().filter(|native| matches!(native.supply, Supply::Download(_))).filter(is_known);
    let natives = linked.map(|native| {
        if native.has_licences() {
            // The libraries inside it stand in its file of licences, which is read where it lies.
            policy.and(&native.allow)?.check(&native.to_string(), native.licence.get_ref()).map(|_terms| Vec::new())
        } else {
            of_native(&policy, &Linked { native, libraries: Vec::new() })
        }
    });
    std::iter::once(std).chain(natives).filter_map(Result::err).collect()
}

fn of_crate(policy: &Policy, krate: &Crate, name: String) -> Result<Component, Error> {
    let Some(expression) = &krate.licence else { return Err(Error::Unnamed { component: name }) };
    let terms = policy.check(&name, expression)?;
    let mut texts = texts::shipped(krate)?;
    let mut authors = Vec::new();
    if !texts.iter().any(Text::is_whole) {
        match texts::canonical(&name, &terms) {
            Ok(canonical) => texts.extend(canonical),
            // Terms of the crate's own: what it ships is all that there is.
            Err(Error::NoText { .. }) if texts.iter().any(Text::is_licence) => {}
            Err(e) => return Err(e),
        }
        authors.clone_from(&krate.authors);
    }
    Ok(Component { name, terms: Some(terms), authors, texts })
}

/// The input, with the texts of all that is inside; then each library inside, with its own.
fn of_native(policy: &Policy, linked: &Linked<'_>) -> Result<Vec<Component>, Error> {
    let (input, expression) = (linked.native.to_string(), linked.native.licence.get_ref());
    let policy = policy.and(&linked.native.allow)?;
    let terms = policy.check(&input, expression).map_err(|error| match error {
        Error::Refused { component, expression, path } => Error::InputRefused { input: component, expression, path },
        error => error,
    })?;
    if linked.libraries.is_empty() {
        let texts = texts::canonical(&input, &terms)?;
        return Ok(vec![Component { name: input, terms: Some(terms), authors: Vec::new(), texts }]);
    }
    let text = |library: &Library| Text::Shipped(library.text.clone());
    let texts: IndexSet<Text> = linked.libraries.iter().map(text).collect();
    let texts = texts.into_iter().collect();
    let mut components = vec![Component { name: input.clone(), terms: Some(terms), authors: Vec::new(), texts }];
    for library in &linked.libraries {
        let name = format!("{} in {input}", library.name);
        let terms = library.licence.map(|licence| policy.check(&name, licence)).transpose()?;
        components.push(Component { name, terms, authors: Vec::new(), texts: vec![text(library)] });
    }
    Ok(components)
}

fn canonical(policy: &Policy, name: String, expression: &str) -> Result<Component, Error> {
    let terms = policy.check(&name, expression)?;
    let texts = texts::canonical(&name, &terms)?;
    Ok(Component { name, terms: Some(terms), authors: Vec::new(), texts })
}
