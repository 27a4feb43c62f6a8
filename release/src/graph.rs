//! Graph: the crates that one target's binary really links, with those features, and the edges between them.
//!
//! `cargo tree` decides what is linked: it resolves features for the one package and its target alone, where
//! `cargo metadata` unifies them over the workspace, tests and build scripts. `cargo metadata` says where each crate
//! lies and what it declares, Cargo.lock what it hashes to. [`licences`](crate::licences) and [`sbom`](crate::sbom) read
//! the same graph, so they cannot disagree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};
use semver::Version;

use crate::atomic::PathError;
use crate::cargo::{Words, foreign};
use crate::children;
use crate::digest::Digest;
use crate::triple::Triple;
use tree::Shown;

mod lock;
mod origin;
mod tree;

pub use origin::Origin;

/// A crate by what tells it from every other one: each origin has a name and version once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its origin.
    pub origin: Origin,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        match &self.origin {
            Origin::Project | Origin::Registry => Ok(()),
            other => write!(f, " ({other})"),
        }
    }
}

/// One linked crate.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Name, version and origin.
    pub id: Id,
    /// Its manifest's `license`, as written there.
    pub licence: Option<String>,
    /// Its manifest's `authors`.
    pub authors: Vec<String>,
    /// Its manifest's `repository`.
    pub repository: Option<String>,
    /// SHA-256 of the file that a registry gives; `None` where the crate comes from none.
    pub checksum: Option<Digest>,
    /// The linked crates that it depends on, sorted.
    pub dependencies: BTreeSet<Id>,
    /// The oldest compiler that its manifest allows.
    pub(crate) rust_version: Option<Version>,
    /// The folder of its source on this machine; never written into anything that leaves it.
    pub(crate) folder: PathBuf,
    /// Its manifest's `license-file`, on this machine.
    pub(crate) licence_file: Option<PathBuf>,
}

/// The crates that a binary links: the package and, in [`crates`](Self::crates), everything beneath it. Licences and SBOM are
/// made from the same graph.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The package that the binary belongs to.
    pub package: Crate,
    /// Every other crate, sorted.
    pub crates: Vec<Crate>,
    /// The features that were asked for, sorted.
    pub features: Vec<String>,
}

/// The reason why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Cargo could not be started.
    #[error("cannot run cargo: {0}")]
    Run(#[source] std::io::Error),
    /// Cargo failed.
    #[error("{command} for {target}: {words}")]
    Cargo {
        /// The command.
        command: &'static str,
        /// The target.
        target: Triple,
        /// The reason.
        words: Words,
    },
    /// The output of `cargo metadata` cannot be parsed.
    #[error("cargo metadata for {target}: {source}")]
    Metadata {
        /// The target.
        target: Triple,
        /// The problem.
        source: Box<cargo_metadata::Error>,
    },
    /// A line of `cargo tree` that this program does not understand.
    #[error("cargo tree printed {line:?} where a depth, a name and a version belong")]
    TreeLine {
        /// The line.
        line: String,
    },
    /// Cargo.lock is not of the form that Cargo writes.
    #[error("{}: {message}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// The problem.
        message: String,
    },
    /// A crate that the tree has and the metadata or Cargo.lock lacks.
    #[error("{krate} is linked, but {missing_in} does not have it")]
    Unknown {
        /// The crate.
        krate: String,
        /// Which of Cargo's answers lacks it.
        missing_in: &'static str,
    },
    /// A crate in a folder of this machine that is not in the tree.
    #[error("{name} {version} comes from {}, which is outside of this tree", path.display())]
    Outside {
        /// The crate.
        name: String,
        /// Its version.
        version: Version,
        /// Its manifest.
        path: PathBuf,
    },
    /// A crate whose origin cannot be named to others.
    #[error("{name} {version} comes from {found:?}, and an SBOM can name registries, Git repositories and this tree")]
    Source {
        /// The crate.
        name: String,
        /// Its version.
        version: Version,
        /// Its source, in Cargo's words.
        found: String,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) | Self::Lock { .. } => {
                Some("`cargo generate-lockfile` writes Cargo.lock; commit it".to_owned())
            }
            Self::Cargo { command, words, .. } => Some(
                words
                    .cause
                    .map_or_else(|| format!("`{command} --locked` says the same"), |cause| cause.hint().to_owned()),
            ),
            Self::Run(_) => Some("install Rust from https://rustup.rs, or set CARGO to the path of cargo".to_owned()),
            Self::Metadata { .. } | Self::TreeLine { .. } => {
                Some("build with the toolchain that sayna-release.toml names".to_owned())
            }
            Self::Unknown { .. } => {
                Some("`cargo update --workspace` brings Cargo.lock in line with the manifests".to_owned())
            }
            Self::Outside { name, .. } | Self::Source { name, .. } => {
                Some(format!("take {name} from a registry or a Git repository, or add it to this tree"))
            }
        }
    }
}

impl Graph {
    /// Resolves what `package` links for a target with exactly these features, in the checkout at `root`.
    pub fn resolve(root: &Path, package: &str, triple: &Triple, features: &[String]) -> Result<Self, Error> {
        Self::by(&[], root, package, triple, features)
    }

    /// The same of crates that were downloaded, without any network.
    pub fn resolve_here(root: &Path, package: &str, triple: &Triple, features: &[String]) -> Result<Self, Error> {
        Self::by(&["--offline"], root, package, triple, features)
    }

    /// The linked crates whose `rust-version` is above a compiler's, and the package itself.
    pub fn asking_for_newer_than(&self, rustc: &Version) -> Vec<(&Id, &Version)> {
        let all = std::iter::once(&self.package).chain(&self.crates);
        all.filter_map(|c| Some((&c.id, c.rust_version.as_ref().filter(|least| *least > rustc)?))).collect()
    }

    fn by(options: &[&str], root: &Path, package: &str, triple: &Triple, features: &[String]) -> Result<Self, Error> {
        let asked: BTreeSet<&String> = features.iter().collect();
        // Qualified, so that a workspace member with a feature of the same name is left alone.
        let qualified: Vec<String> = asked.iter().map(|feature| format!("{package}/{feature}")).collect();
        let tree = tree::read(options, root, package, triple, &qualified)?;
        let described =
            Described { root, packages: metadata(options, root, triple, qualified)?, locked: lock::read(root)? };
        let mut crates: BTreeMap<Id, Crate> = BTreeMap::new();
        for (shown, below) in &tree.edges {
            let krate = described.krate(shown, below)?;
            crates.insert(krate.id.clone(), krate);
        }
        let root_crate = crates.remove(&described.id(&tree.root)?.0);
        let package = root_crate.ok_or_else(|| unknown(&tree.root.to_string(), METADATA))?;
        let features = asked.into_iter().cloned().collect();
        Ok(Self { package, crates: crates.into_values().collect(), features })
    }

    /// A crate's name for people, which tells it from another one of its name and version.
    pub fn called(&self, id: &Id) -> String {
        let same = |other: &Crate| other.id != *id && other.id.to_string() == id.to_string();
        if self.crates.iter().any(same) { format!("{id} ({})", id.origin) } else { id.to_string() }
    }
}

const METADATA: &str = "cargo metadata";

fn unknown(krate: &str, missing_in: &'static str) -> Error {
    Error::Unknown { krate: krate.to_owned(), missing_in }
}

/// Returns the crates of Cargo's tree, with the facts of its metadata and of Cargo.lock.
struct Described<'a> {
    root: &'a Path,
    packages: Vec<Package>,
    locked: BTreeMap<Id, Digest>,
}

impl Described<'_> {
    fn id(&self, shown: &Shown) -> Result<(Id, &Package), Error> {
        let package = self.packages.iter().find(|package| shown.is(package));
        let package = package.ok_or_else(|| unknown(&shown.to_string(), METADATA))?;
        let (name, version) = (package.name.to_string(), package.version.clone());
        let Some(source) = &package.source else {
            let manifest = package.manifest_path.as_std_path();
            if !is_below(self.root, manifest) {
                return Err(Error::Outside { name, version, path: manifest.to_owned() });
            }
            return Ok((Id { name, version, origin: Origin::Project }, package));
        };
        match Origin::parse(&source.repr) {
            Some(origin) => Ok((Id { name, version, origin }, package)),
            None => Err(Error::Source { name, version, found: source.repr.clone() }),
        }
    }

    fn krate(&self, shown: &Shown, below: &BTreeSet<Shown>) -> Result<Crate, Error> {
        let (id, package) = self.id(shown)?;
        let dependencies = below.iter().map(|shown| Ok(self.id(shown)?.0)).collect::<Result<_, Error>>()?;
        let checksum = self.locked.get(&id).copied();
        if checksum.is_none() && matches!(id.origin, Origin::Registry | Origin::Other { .. }) {
            return Err(unknown(&id.to_string(), "Cargo.lock"));
        }
        Ok(Crate::new(id, dependencies, checksum, package.clone()))
    }
}

impl Crate {
    fn new(id: Id, dependencies: BTreeSet<Id>, checksum: Option<Digest>, package: Package) -> Self {
        let licence_file = package.license_file().map(Into::into);
        let manifest: PathBuf = package.manifest_path.into();
        let folder = manifest.parent().map(Path::to_owned).unwrap_or_default();
        Self {
            id,
            licence: package.license,
            authors: package.authors,
            repository: package.repository,
            checksum,
            dependencies,
            rust_version: package.rust_version,
            folder,
            licence_file,
        }
    }
}

/// Whether a file is in the tree, whatever links lead to it. An SBOM would place another at the tree's commit, which has no such
/// crate.
fn is_below(root: &Path, path: &Path) -> bool {
    matches!((root.canonicalize(), path.canonicalize()), (Ok(root), Ok(path)) if path.starts_with(&root))
}

/// As [`MetadataCommand::exec`] does it, by a Cargo that ends with this program.
fn run(command: &MetadataCommand, triple: &Triple) -> Result<Metadata, Error> {
    let output = children::output(command.cargo_command().stdin(Stdio::null())).map_err(Error::Run)?;
    if !output.status.success() {
        return Err(failed(METADATA, triple, &output));
    }
    let document = String::from_utf8_lossy(&output.stdout);
    let document = document.lines().find(|line| line.starts_with('{')).ok_or(cargo_metadata::Error::NoJson);
    let metadata = document.and_then(MetadataCommand::parse);
    metadata.map_err(|e| Error::Metadata { target: triple.clone(), source: Box::new(e) })
}

fn failed(command: &'static str, target: &Triple, output: &Output) -> Error {
    let words = Words::read(&String::from_utf8_lossy(&output.stderr));
    Error::Cargo { command, target: target.clone(), words }
}

/// Every package that Cargo resolves for the target: more than is linked.
fn metadata(options: &[&str], root: &Path, triple: &Triple, features: Vec<String>) -> Result<Vec<Package>, Error> {
    let mut command = MetadataCommand::new();
    command.current_dir(root).manifest_path(root.join("Cargo.toml"));
    command.features(CargoOpt::NoDefaultFeatures).features(CargoOpt::SomeFeatures(features));
    let asked = ["--locked", "--filter-platform", triple.as_str()];
    command.other_options(asked.iter().chain(options).map(ToString::to_string).collect::<Vec<_>>());
    for name in foreign(triple.as_str()) {
        command.env_remove(name);
    }
    Ok(run(&command, triple)?.packages)
}
