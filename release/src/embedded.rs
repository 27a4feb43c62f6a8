//! The list of crates inside an executable, in cargo-auditable's format: zlib-compressed JSON in a section that is named
//! `.dep-v0` on every system. Scanners read it from an executable without a lock file.
//!
//! The list is made from the same graph as the SBOM. A build gets it as hex digits in [`VARIABLE`], and the program has the
//! bytes in a static of that section, so no linker or object file of another format is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use object::{Object as _, ObjectSection as _};
use serde::{Deserialize, Serialize};

use crate::atomic::{At as _, PathError};
use crate::graph::{Crate, Graph, Id, Origin};

/// The variable that a build of a program reads at compile time.
pub const VARIABLE: &str = "SAYNA_DEP_V0";
/// The section's name. A Mach-O file has it in the segment `__DATA`.
pub const SECTION: &str = ".dep-v0";
/// The largest section that is read; one of five hundred crates has 5 kB.
const MOST_PACKED: usize = 1 << 20;
/// The largest list that is unpacked.
const MOST_UNPACKED: u64 = 8 << 20;
/// Crates of one list.
const MOST_PACKAGES: usize = 1 << 16;

/// A list of crates as it stands in an executable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The crates, sorted by name and version.
    pub packages: Vec<Package>,
}

/// One crate of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `crates.io`, `registry`, `git` or `local`.
    pub source: String,
    /// `build` of crates that are not linked; nothing of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The positions of its dependencies in the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<usize>,
    /// Whether it is the program's own package.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
}

/// The reason why a section is no list of crates, or not the right one.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The executable cannot be read.
    #[error(transparent)]
    File(#[from] PathError),
    /// The section is too large.
    #[error("the section {SECTION} has {found} bytes; the limit is {MOST_PACKED}")]
    TooLarge {
        /// Its size in bytes.
        found: usize,
    },
    /// It is not zlib, or is larger than it may be when it is unpacked.
    #[error("the section {SECTION} cannot be unpacked to at most {MOST_UNPACKED} bytes: {0}")]
    Packed(std::io::Error),
    /// It is not JSON of the format.
    #[error("the section {SECTION} is not cargo-auditable's JSON: {0}")]
    Json(serde_json::Error),
    /// There is no section, or it is empty.
    #[error("the executable has no list of its crates: its section {SECTION} is missing or empty")]
    Missing,
    /// The list contradicts itself.
    #[error("the section {SECTION} {0}")]
    Inside(&'static str),
    /// The executable lists other crates than it should.
    #[error("the section {SECTION} lists other crates than the dependency graph: {0}")]
    Other(String),
}

impl Fault {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Missing => Some(format!(
                "build it by `sayna-release build`, which sets {VARIABLE}; a program without a static for it, as \
                 src/embedded.rs, needs one, or `crates = false` in [build] of sayna-release.toml"
            )),
            _ => Some(format!("build the executable again by `sayna-release build`, which sets {VARIABLE}")),
        }
    }
}

impl List {
    /// The list of a program and everything that it links.
    pub fn of(graph: &Graph) -> Self {
        let mut crates: Vec<&Crate> = graph.crates.iter().chain([&graph.package]).collect();
        crates.sort_by(|a, b| a.id.cmp(&b.id));
        let positions: BTreeMap<&Id, usize> = crates.iter().enumerate().map(|(at, krate)| (&krate.id, at)).collect();
        let package = |krate: &&Crate| Package {
            name: krate.id.name.clone(),
            version: krate.id.version.to_string(),
            source: source(&krate.id.origin).to_owned(),
            kind: None,
            dependencies: krate.dependencies.iter().filter_map(|id| positions.get(id)).copied().collect(),
            root: krate.id == graph.package.id,
        };
        Self { packages: crates.iter().map(package).collect() }
    }

    /// The bytes of the section.
    pub fn section(&self) -> Result<Vec<u8>, Fault> {
        let json = serde_json::to_vec(self).map_err(Fault::Json)?;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&json).and_then(|()| encoder.finish()).map_err(Fault::Packed)
    }

    /// The hex digits for [`VARIABLE`].
    pub fn variable(graph: &Graph) -> Result<String, Fault> {
        Ok(hex::encode(Self::of(graph).section()?))
    }

    /// Reads the list of an executable; `None` where it has no such section, or an empty one.
    pub fn read(path: &Path) -> Result<Option<Self>, Fault> {
        // It may be large, so only its tables and this section are read.
        let file = object::ReadCache::new(File::open(path).at("read", path)?);
        Self::inside(&file)
    }

    /// The same of an executable in memory, or read in parts. A file without readable sections has none.
    pub fn inside<'a, R: object::ReadRef<'a>>(bytes: R) -> Result<Option<Self>, Fault> {
        let Ok(file) = object::File::parse(bytes) else { return Ok(None) };
        let Some(section) = file.section_by_name(SECTION) else { return Ok(None) };
        let size = usize::try_from(section.size()).unwrap_or(usize::MAX);
        if size > MOST_PACKED {
            return Err(Fault::TooLarge { found: size });
        }
        let Ok(data) = section.data() else {
            return Err(Fault::Inside("lies outside of the file"));
        };
        if data.is_empty() { Ok(None) } else { Self::unpack(data).map(Some) }
    }

    /// Reads a section's bytes. Linkers may fill it up with zeros.
    pub fn unpack(data: &[u8]) -> Result<Self, Fault> {
        if data.len() > MOST_PACKED {
            return Err(Fault::TooLarge { found: data.len() });
        }
        let mut json = Vec::new();
        let bounded = crate::bounded::Bounded::new(ZlibDecoder::new(data), "the list", MOST_UNPACKED);
        { bounded }.read_to_end(&mut json).map_err(Fault::Packed)?;
        let list: Self = serde_json::from_slice(&json).map_err(Fault::Json)?;
        list.check()?;
        Ok(list)
    }

    /// Refuses what a reader would have to believe: other positions than those of the list, and not one root.
    fn check(&self) -> Result<(), Fault> {
        let count = self.packages.len();
        if count > MOST_PACKAGES {
            return Err(Fault::Inside("lists more crates than 65536, which is the limit"));
        }
        if self.packages.iter().flat_map(|package| &package.dependencies).any(|at| *at >= count) {
            return Err(Fault::Inside("names a dependency that it does not list"));
        }
        if self.packages.iter().filter(|package| package.root).count() != 1 {
            return Err(Fault::Inside("has not exactly one root"));
        }
        Ok(())
    }

    /// Name and version of each linked crate but the root.
    pub fn linked(&self) -> BTreeSet<(&str, &str)> {
        let linked = self.packages.iter().filter(|package| !package.root && package.kind.as_deref() != Some("build"));
        linked.map(|package| (package.name.as_str(), package.version.as_str())).collect()
    }

    /// Name and version of the program.
    pub fn root(&self) -> Option<(&str, &str)> {
        let root = self.packages.iter().find(|package| package.root)?;
        Some((&root.name, &root.version))
    }
}

/// Compares the list of an executable with the graph that it was built from. Returns how many crates it lists; `None` where the
/// executable has no list and need not have one.
pub fn check(executable: &Path, graph: &Graph, needed: bool) -> Result<Option<usize>, Fault> {
    let Some(found) = List::read(executable)? else {
        return if needed { Err(Fault::Missing) } else { Ok(None) };
    };
    let wanted = List::of(graph);
    if found == wanted {
        return Ok(Some(found.packages.len()));
    }
    Err(Fault::Other(difference(&found.linked(), &wanted.linked())))
}

/// The first differences of two lists, in words.
pub fn difference(found: &BTreeSet<(&str, &str)>, wanted: &BTreeSet<(&str, &str)>) -> String {
    const SHOWN: usize = 5;
    let named = |(name, version): &(&str, &str)| format!("{name} {version}");
    let list = |one: &BTreeSet<_>, other: &BTreeSet<_>| {
        let all: Vec<String> = one.difference(other).map(named).collect();
        let more = all.len().saturating_sub(SHOWN);
        let shown = all.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    match (list(found, wanted), list(wanted, found)) {
        (extra, missing) if extra.is_empty() && missing.is_empty() => "the same crates with other edges".to_owned(),
        (extra, missing) if extra.is_empty() => format!("it lacks {missing}"),
        (extra, missing) if missing.is_empty() => format!("it has {extra} too"),
        (extra, missing) => format!("it has {extra} too, and lacks {missing}"),
    }
}

/// Cargo-auditable's word for an origin.
const fn source(origin: &Origin) -> &'static str {
    match origin {
        Origin::Project => "local",
        Origin::Registry => "crates.io",
        Origin::Other { .. } => "registry",
        Origin::Git { .. } => "git",
    }
}
