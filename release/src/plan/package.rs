//! The facts of Cargo.toml and Cargo.lock that the plan needs, read as text. No `cargo` runs, so a plan can be made without
//! Cargo, and nothing is resolved or downloaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Deserialize;

use crate::atomic::{At as _, PathError};

/// The package at the root.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its licence, inherited or its own.
    pub(super) licence: String,
    /// A sentence about it.
    pub(super) description: String,
    /// Its version, inherited or its own.
    pub(super) version: Version,
    /// `[features]`: what each of them brings.
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// Cargo.lock; `None` where there is no such file.
    pub(super) locked: Option<Locked>,
}

/// The versions that Cargo.lock has.
#[derive(Debug, Clone)]
pub(super) struct Locked {
    /// Of each workspace member.
    pub(super) members: BTreeMap<String, Version>,
    /// Of each crate from elsewhere.
    pub(super) crates: BTreeMap<String, Vec<Version>>,
    /// The dependencies of each workspace member: a name, and a version where there are several.
    pub(super) dependencies: BTreeMap<String, Vec<String>>,
}

impl Locked {
    /// Every version of a package that is there.
    pub(super) fn versions(&self, name: &str) -> Vec<&Version> {
        self.members.get(name).into_iter().chain(self.crates.get(name).into_iter().flatten()).collect()
    }
}

/// The reason why the package could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file, or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Not TOML, or not the form that Cargo writes.
    #[error("{}: {message}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The problem.
        message: String,
        /// Its text.
        text: String,
        /// Where, in bytes.
        span: Option<Range<usize>>,
    },
    /// A manifest of a workspace alone.
    #[error("{}: has no [package], so there is nothing to release", path.display())]
    NoPackage {
        /// The file.
        path: PathBuf,
    },
    /// A field that a release needs.
    #[error("{}: the package has no {field}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// A version that is no `SemVer`.
    #[error("{}: the package's version {found}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The value that was found, in words.
        found: String,
    },
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<ManifestPackage>,
    workspace: Option<Workspace>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct ManifestPackage {
    name: String,
    version: Option<toml::Value>,
    license: Option<toml::Value>,
    description: Option<toml::Value>,
}

#[derive(Deserialize)]
struct Workspace {
    package: Option<WorkspacePackage>,
}

#[derive(Default, Deserialize)]
struct WorkspacePackage {
    version: Option<String>,
    license: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: Version,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Package {
    /// Reads both files at the root of a checkout.
    pub(super) fn read(root: &Path) -> Result<Self, Error> {
        let path = root.join("Cargo.toml");
        let manifest: Manifest = parse(&path, fs::read_to_string(&path).at("read", &path)?)?;
        let Some(package) = manifest.package else { return Err(Error::NoPackage { path }) };
        let shared = manifest.workspace.and_then(|w| w.package).unwrap_or_default();
        let field =
            |field, own, inherited| own_or(own, inherited).ok_or_else(|| Error::Missing { path: path.clone(), field });
        let text = field("version", package.version, shared.version)?;
        let licence = field("license", package.license, shared.license)?;
        let description = field("description", package.description, shared.description)?;
        let version = Version::parse(&text);
        let version =
            version.map_err(|e| Error::Version { path: path.clone(), found: format!("{text:?} is no SemVer: {e}") })?;
        let (name, features) = (package.name, manifest.features);
        Ok(Self { name, licence, description, version, features, locked: locked(root)? })
    }

    /// These features and those of the package that they bring, each once.
    pub(super) fn with_implied(&self, features: BTreeSet<String>) -> Vec<String> {
        let mut wanted: Vec<String> = features.into_iter().collect();
        let mut all = BTreeSet::new();
        while let Some(feature) = wanted.pop() {
            let brings = self.features.get(&feature).into_iter().flatten();
            // A name that is not a feature of the package is a dependency, or a feature of one.
            wanted.extend(brings.filter(|name| self.features.contains_key(*name) && !all.contains(*name)).cloned());
            all.insert(feature);
        }
        all.into_iter().collect()
    }
}

/// A field's own text, or that of the workspace where it says `workspace = true`.
fn own_or(own: Option<toml::Value>, inherited: Option<String>) -> Option<String> {
    match own? {
        toml::Value::String(own) => Some(own),
        toml::Value::Table(table) if table.contains_key("workspace") => inherited,
        _ => None,
    }
}

fn locked(root: &Path) -> Result<Option<Locked>, Error> {
    let path = root.join("Cargo.lock");
    if !path.exists() {
        return Ok(None);
    }
    let lock: Lock = parse(&path, fs::read_to_string(&path).at("read", &path)?)?;
    let mut locked = Locked { members: BTreeMap::new(), crates: BTreeMap::new(), dependencies: BTreeMap::new() };
    for LockedPackage { name, version, source, dependencies } in lock.package {
        if source.is_some() {
            locked.crates.entry(name).or_default().push(version);
        } else {
            locked.dependencies.insert(name.clone(), dependencies);
            locked.members.insert(name, version);
        }
    }
    Ok(Some(locked))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: String) -> Result<T, Error> {
    toml::from_str(&text).map_err(|e| {
        let (message, span) = (e.message().to_owned(), e.span());
        Error::Form { path: path.to_owned(), message, text, span }
    })
}
