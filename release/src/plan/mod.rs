//! Plan: tag + Cargo.toml + sayna-release.toml → everything a release consists of, decided before anything runs.
//!
//! [`make`] always gives a plan where one can be made at all; what a release may not have comes beside it as problems, all
//! of them at once. Who means a release refuses on them; a rehearsal prints them and goes on.

mod contents;
pub mod crates;
mod lists;
mod make;
mod manifests;
mod member;
mod native;
pub mod output;
mod package;
mod present;
mod problem;
mod products;
mod sources;
mod surroundings;
mod tree;
mod version;

use semver::Version;
use serde::Serialize;

use crate::digest::Digest;
use crate::name::{self, AssetNames};
use crate::part::Origin;
use crate::table::{ArchiveKind, Builder};
use crate::triple::Triple;

pub use make::{Error, Options, PlanReport, make, target};
pub use package::Error as PackageError;
pub use problem::Problem;

/// The version of the JSON document's form.
pub const SCHEMA: u32 = 1;

/// The decisions of a release: version, targets, names, notes. Made once from the checkout and the table, and never changed by
/// a later stage. `plan --format json` prints exactly this.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Version of this document's form.
    pub schema: u32,
    /// `release.name` of the table.
    pub name: String,
    /// The package's version.
    pub version: Version,
    /// `v` + version.
    pub tag: String,
    /// Full commit id.
    pub commit: String,
    /// Seconds since 1970, UTC; `SOURCE_DATE_EPOCH` wins.
    pub commit_time: i64,
    /// `clean`, or the content id of a tree with changes that are not committed.
    pub tree: String,
    /// `https://github.com/<owner>/<repository>`
    pub source: String,
    /// SPDX expression of the package.
    pub licence: String,
    /// The package's description.
    pub description: String,
    /// Digest of `flake.lock`, where the tree has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flake_lock: Option<Digest>,
    /// Derived from the version (Semantic Versioning 2.0, section 9).
    pub prerelease: bool,
    /// Whether `latest` should point at this version once it is promoted, as far as Git's tags know.
    pub latest: bool,
    /// The compiler that released binaries are built with.
    pub toolchain: Version,
    /// Every program for every target, the server first: each attaches an archive, a checksum and an SBOM.
    pub targets: Vec<PlannedTarget>,
    /// The image; `None` where the table has none.
    pub image: Option<PlannedImage>,
    /// The manifest's asset name.
    pub manifest: String,
    /// The asset name of the digests of all files.
    pub sums: String,
    /// The asset name of the attestations.
    pub attestations: String,
    /// Targets and platforms of the table that this plan leaves out, with the reason. Only a rehearsal leaves any out.
    pub left_out: Vec<NotPlanned>,
    /// The notes of this release, Markdown.
    pub notes: String,
}

/// One program for one target.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTarget {
    /// The program: a package and its binary.
    pub product: String,
    /// The folder of its part, below the folder of all parts.
    pub folder: String,
    /// The triple.
    pub triple: Triple,
    /// GitHub runner label.
    pub runner: String,
    /// How it is built.
    pub builder: Builder,
    /// The flake's name of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Cargo features, sorted.
    pub features: Vec<String>,
    /// The archive's form.
    #[serde(skip)]
    pub archive_kind: ArchiveKind,
    /// `<asset>-<version>-<triple>`: the folder inside the archive.
    pub stem: String,
    /// Asset name of the archive.
    pub archive: String,
    /// Asset name of its checksum.
    pub checksum: String,
    /// Asset name of its SBOM.
    pub sbom: String,
}

/// The image of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedImage {
    /// `host/path`
    pub repositories: Vec<String>,
    /// The tag that this version gets: the version itself.
    pub tag: String,
    /// The platforms of the index, in the table's order.
    pub platforms: Vec<PlannedPlatform>,
}

/// One platform of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPlatform {
    /// OCI `os`.
    pub os: String,
    /// OCI `architecture`.
    pub arch: String,
    /// The triple of the binary inside.
    pub target: Triple,
}

impl Plan {
    /// Returns the names of the release's assets.
    pub fn names(&self) -> AssetNames<'_> {
        AssetNames { name: &self.name, version: &self.version }
    }
}

impl PlannedPlatform {
    /// The platform's name: `linux/amd64`.
    pub fn name(&self) -> String {
        name::platform(&self.os, &self.arch)
    }

    /// The folder of the platform's part: `linux-amd64`.
    pub fn folder(&self) -> String {
        name::platform_folder(&self.os, &self.arch)
    }
}

/// Something the table has and a plan leaves out.
#[derive(Debug, Clone, Serialize)]
pub struct NotPlanned {
    /// A triple, or `linux/arm64`.
    pub what: String,
    /// Why, in a sentence for people.
    pub reason: String,
}

impl Plan {
    /// The server's entry for a triple, the program in the image.
    pub fn server(&self, triple: &Triple) -> Option<&PlannedTarget> {
        self.targets.iter().find(|target| target.triple == *triple && target.product == self.name)
    }

    /// `owner/repository`
    pub fn repository(&self) -> &str {
        self.source.trim_start_matches("https://github.com/")
    }

    /// Returns the origin that each of its parts must state.
    pub fn origin(&self) -> Origin {
        Origin {
            name: self.name.clone(),
            version: self.version.clone(),
            commit: self.commit.clone(),
            tree: self.tree.clone(),
        }
    }
}
