//! SBOM: what one target's binary really links, as a CycloneDX 1.6 document (ECMA-424).
//!
//! A function of the plan, the graph, the native inputs and the binary's digest: no clock, no random number, no path of
//! this machine. The same release gives the same bytes anywhere.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::digest::Digest;
use crate::graph::{Crate, Graph, Id, Origin};
use crate::image::Inventory;
use crate::licences::Linked;
use crate::plan::Plan;
use crate::table::Model;
use crate::triple::Triple;

mod cyclonedx;
pub mod image;
mod native;
mod purl;
mod system;

use cyclonedx::{
    Aggregate, Component, Composition, Dependency, Document, Hash, Kind, Licence, Metadata, Pedigree, Property,
    Reference, ReferenceKind, Tools,
};

/// The reason for a crate's pedigree.
const IN_PROJECT: &str = "from the project's repository, not from a package registry";
const IN_GIT: &str = "from a Git repository, not from a package registry";

/// The inputs of a document.
#[derive(Debug)]
pub struct Input<'a> {
    /// The release.
    pub plan: &'a Plan,
    /// The target.
    pub target: &'a Triple,
    /// The compiler that built the binary.
    pub rustc: &'a Version,
    /// The crates that the binary links.
    pub graph: &'a Graph,
    /// The native inputs that it was built with.
    pub natives: &'a [Linked<'a>],
    /// The model files that it loads.
    pub models: &'a [&'a Model],
    /// Of the executable.
    pub binary: Digest,
    /// All files of the image around it; `None` of an executable alone.
    pub system: Option<&'a Inventory>,
}

/// The reason why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The commit's time is not a date.
    #[error("the commit's time, {seconds} seconds after 1970, is not a date: {source}")]
    Time {
        /// The time.
        seconds: i64,
        /// The error of the calendar.
        source: jiff::Error,
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
    /// The pinned digest of a native input is not a SHA-256.
    #[error("the sha256 of {name} for {target} is neither 64 hex digits nor sha256-<base64>: {found:?}")]
    NativeDigest {
        /// The input.
        name: String,
        /// The target.
        target: Triple,
        /// As written.
        found: String,
    },
    /// A platform's document that is not of this program's form.
    #[error("the SBOM of {name} is not one that this program wrote")]
    Platform {
        /// The platform.
        name: String,
    },
    /// The document could not be written as JSON.
    #[error("cannot write the document as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Time { .. } => Some("set SOURCE_DATE_EPOCH to the seconds since 1970 that are meant".to_owned()),
            Self::Expression { component, .. } => {
                Some(format!("take another version of {component}, or ask its authors for an SPDX `license`"))
            }
            Self::NativeDigest { .. } => {
                Some("`sha256sum` of the downloaded file prints what belongs in sayna-release.toml".to_owned())
            }
            Self::Platform { .. } => Some("remove the part and build it again".to_owned()),
            Self::Json(_) => None,
        }
    }
}

/// The document's bytes: pretty-printed JSON and a final newline.
pub fn document(input: &Input<'_>) -> Result<Vec<u8>, Error> {
    let package = package(input)?;
    let root = package.bom_ref.clone();
    let mut components = vec![standard_library(input.rustc)];
    for krate in &input.graph.crates {
        components.push(of_crate(krate, input.plan)?);
    }
    for native in input.natives {
        components.push(native::component(native, input.target)?);
    }
    for model in input.models {
        components.push(of_model(model)?);
    }
    let mut compositions = Vec::new();
    if let Some(inventory) = input.system {
        let known = input.models.iter().map(|model| model.sha256).chain([input.binary]).collect();
        let system = system::components(inventory, &known);
        let aggregate = if system.complete { Aggregate::Complete } else { Aggregate::Incomplete };
        compositions.push(Composition { aggregate, assemblies: vec![root.clone()], dependencies: vec![root.clone()] });
        components.extend(system.components);
    }
    components.sort_by(|a, b| a.bom_ref.cmp(&b.bom_ref));
    let document = Document {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: metadata(input, package)?,
        dependencies: dependencies(input.graph, &root, &components),
        components,
        compositions,
    };
    document.into_bytes()
}

fn metadata(input: &Input<'_>, component: Component) -> Result<Metadata, Error> {
    let seconds = input.plan.commit_time;
    let time = jiff::Timestamp::from_second(seconds).map_err(|source| Error::Time { seconds, source })?;
    let tool = |name: &str, version: String| Component::new(Kind::Application, name.to_owned(), version);
    let tools = vec![
        tool(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION").to_owned()),
        tool("rustc", input.rustc.to_string()),
    ];
    Ok(Metadata { timestamp: time.to_string(), tools: Tools { components: tools }, component })
}

/// Returns the subject of the document: the executable.
fn package(input: &Input<'_>) -> Result<Component, Error> {
    let (plan, package) = (input.plan, &input.graph.package);
    // The repository's tag stands for the server; a product is a package in it.
    let product = plan.targets.iter().map(|target| &target.product).find(|name| **name == package.id.name);
    let product = product.filter(|name| **name != plan.name);
    let of_server = purl::github(&plan.source, &plan.tag).filter(|_| product.is_none());
    let purl = of_server.unwrap_or_else(|| purl::of_crate(&package.id, plan));
    let name = product.unwrap_or(&plan.name).clone();
    let mut component = Component::new(Kind::Application, name, plan.version.to_string());
    component.bom_ref = bom_ref(&package.id);
    component.hashes = vec![Hash::sha256(&input.binary)];
    component.licences = licences(&package.id, package.licence.as_deref())?;
    component.purl = Some(purl);
    component.references = vec![Reference::new(ReferenceKind::Vcs, plan.source.clone())];
    let mut property = |name: &str, value: &str| {
        component.properties.push(Property { name: format!("sayna:{name}"), value: value.to_owned() });
    };
    property("commit", &plan.commit);
    input.graph.features.iter().for_each(|feature| property("feature", feature));
    property("target", input.target.as_str());
    Ok(component)
}

/// A crate. What a registry has is proved by its checksum; of every other one the commit says what it is.
fn of_crate(krate: &Crate, plan: &Plan) -> Result<Component, Error> {
    let mut component = Component::new(Kind::Library, krate.id.name.clone(), krate.id.version.to_string());
    component.bom_ref = bom_ref(&krate.id);
    component.hashes = krate.checksum.iter().map(Hash::sha256).collect();
    component.licences = licences(&krate.id, krate.licence.as_deref())?;
    component.purl = Some(purl::of_crate(&krate.id, plan));
    component.pedigree = match &krate.id.origin {
        Origin::Registry | Origin::Other { .. } => None,
        Origin::Project => Some(Pedigree::of_commit(&plan.commit, &plan.source, IN_PROJECT)),
        Origin::Git { url, commit } => Some(Pedigree::of_commit(commit, purl::repository(url), IN_GIT)),
    };
    let repository = krate.repository.iter().cloned();
    component.references = repository.map(|url| Reference::new(ReferenceKind::Vcs, url)).collect();
    Ok(component)
}

/// A model, which is a file that the binary loads and nothing that is linked.
fn of_model(model: &Model) -> Result<Component, Error> {
    let mut component = Component::new(Kind::MachineLearningModel, model.name.clone(), String::new());
    component.bom_ref = format!("model {}", model.name);
    component.hashes = vec![Hash::sha256(&model.sha256)];
    component.licences = vec![licence(&component.bom_ref, &model.licence)?];
    component.references = vec![Reference::new(ReferenceKind::Distribution, model.url.clone())];
    Ok(component)
}

/// The one library that no lock file names.
fn standard_library(rustc: &Version) -> Component {
    let mut component = Component::new(Kind::Library, "std".to_owned(), rustc.to_string());
    // No crate can have a space in its name, so this meets none.
    component.bom_ref = format!("rust std@{rustc}");
    component.licences = vec![Licence::Expression { expression: "MIT OR Apache-2.0".to_owned() }];
    component.purl = Some(purl::generic("rust-std", &rustc.to_string(), &[]));
    component
}

fn dependencies(graph: &Graph, root: &str, components: &[Component]) -> Vec<Dependency> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for krate in &graph.crates {
        edges.insert(bom_ref(&krate.id), krate.dependencies.iter().map(bom_ref).collect());
    }
    for component in components {
        let inside: BTreeSet<String> = component.components.iter().map(|library| library.bom_ref.clone()).collect();
        edges.extend(inside.iter().map(|library| (library.clone(), BTreeSet::new())));
        edges.entry(component.bom_ref.clone()).or_insert(inside);
    }
    // Whatever is no crate is the package's own: the standard library, native inputs and models.
    let crates: BTreeSet<String> = graph.crates.iter().map(|krate| bom_ref(&krate.id)).collect();
    let others = components.iter().map(|c| &c.bom_ref).filter(|other| !crates.contains(*other));
    let own = graph.package.dependencies.iter().map(bom_ref).chain(others.cloned()).collect();
    edges.insert(root.to_owned(), own);
    edges.into_iter().map(|(bom_ref, depends_on)| Dependency { bom_ref, depends_on }).collect()
}

fn licences(id: &Id, expression: Option<&str>) -> Result<Vec<Licence>, Error> {
    expression.map(|expression| licence(&id.to_string(), expression)).into_iter().collect()
}

fn licence(component: &str, expression: &str) -> Result<Licence, Error> {
    let canonical = crate::licences::canonical_expression(expression);
    canonical.map(|expression| Licence::Expression { expression }).map_err(|reason| {
        let (component, expression) = (component.to_owned(), expression.to_owned());
        Error::Expression { component, expression, reason }
    })
}

/// Of two crates with the same name and version each has its own.
fn bom_ref(id: &Id) -> String {
    let Id { name, version, origin } = id;
    match origin {
        Origin::Registry => format!("{name}@{version}"),
        other => format!("{name}@{version} {other}"),
    }
}
