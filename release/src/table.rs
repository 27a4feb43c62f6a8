//! `sayna-release.toml`: the one place that says what a release consists of.
//!
//! Reading gives typed values whose spans point back into the file, so that whatever is found wrong
//! later (a feature that does not exist, a file that is missing) is shown at its line.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
pub use toml::Spanned;

use crate::atomic::{At as _, PathError};
use crate::name::Tag;
use crate::snippet::{self, Message, Place, Severity, nearest};
use crate::triple::{Os, Triple};

mod model;
mod native;
mod product;
mod value;

pub use model::Model;
pub use native::{Download, LockedCrate, Native, Supply};
pub use product::{Product, ProductBudget, Program};
pub use value::{DottedVersion, IgnoredTags, Size};

/// The table's name, at the root of the checkout.
pub const FILE: &str = "sayna-release.toml";

/// `sayna-release.toml`, parsed and checked. Every stage reads it; none changes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `[release]`: the name, files and toolchain of the release.
    pub release: Release,
    /// The executables, one per triple.
    #[serde(rename = "target")]
    pub targets: Vec<Target>,
    /// Programs that are released beside the server.
    #[serde(rename = "product", default)]
    pub products: Vec<Product>,
    /// The container image; a project without one leaves it out.
    pub image: Option<Image>,
    /// The settings that every build shares.
    pub build: Build,
    /// Native inputs.
    #[serde(default)]
    pub native: Vec<Native>,
    /// Model files, which a file of their own names.
    #[serde(skip)]
    pub models: Vec<Model>,
    /// Sizes that belong to no target.
    #[serde(default)]
    pub budget: Budget,
    /// `[forge]`: the forge of the releases.
    pub forge: Forge,
}

/// `[release]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The package and binary that is released, also the first word of every artifact's name.
    pub name: Spanned<String>,
    /// Files packed beside the binary, relative to the root.
    pub files: Vec<Spanned<String>>,
    /// The folder whose files have their path below it in the archive: `man/sayna.1` and not `packaging/sayna/man/sayna.1`.
    pub tree: Option<Spanned<String>>,
    /// The `rustc` version that released binaries are built with.
    pub toolchain: Spanned<semver::Version>,
    /// The name of the project's cachix cache.
    pub cachix: Option<String>,
    /// Tags that look like versions and do not name one, such as dates. They are ignored in Git, on the forge and in registries.
    pub ignore_tags: Option<Spanned<IgnoredTags>>,
}

impl Release {
    /// Whether a tag is no version, whatever it looks like.
    pub fn ignores(&self, tag: &str) -> bool {
        self.ignore_tags.as_ref().is_some_and(|ignored| ignored.get_ref().has(tag))
    }

    /// The version of a tag `v1.2.3` of Git or a forge.
    pub fn version_of_tag(&self, tag: &str) -> Option<semver::Version> {
        Tag::version_of(tag).filter(|_| !self.ignores(tag))
    }

    /// The version of an image's tag `1.2.3`, which is left out where the Git tag of that version is.
    pub fn version_of_image_tag(&self, tag: &str) -> Option<semver::Version> {
        self.version_of_tag(&format!("v{tag}")).filter(|_| !self.ignores(tag))
    }
}

/// The builder of a target's binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// `nix build`, from the flake.
    Nix,
    /// `cargo build`, on the machine itself.
    Cargo,
}

/// The form of a target's archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArchiveKind {
    /// gzip-compressed tar.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// Deflated zip, for Windows.
    #[serde(rename = "zip")]
    Zip,
}

impl std::fmt::Display for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nix => "nix",
            Self::Cargo => "cargo",
        })
    }
}

impl ArchiveKind {
    /// The file name's ending, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }
}

/// `[[target]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The Rust target triple.
    pub triple: Spanned<Triple>,
    /// The GitHub runner label it is built on.
    pub runner: String,
    /// How it is built.
    pub builder: Builder,
    /// The flake's name of the system; needed where the builder is `nix`.
    pub system: Option<Spanned<String>>,
    /// Cargo features of the released binary.
    pub features: Vec<Spanned<String>>,
    /// The archive's form.
    pub archive: ArchiveKind,
    /// The oldest system that the binary must run on.
    pub floor: Floor,
    /// The libraries it may ask of that system, by the name it asks with (soname, dylib path, DLL).
    pub libs: Vec<String>,
    /// Largest allowed sizes.
    pub budget: TargetBudget,
}

/// `floor = { … }`: exactly one of the three, and the one that fits the triple (checked by `plan`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Newest glibc symbol version a Linux binary may ask for, such as `2.34`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glibc: Option<DottedVersion>,
    /// Oldest macOS, such as `14.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macos: Option<DottedVersion>,
    /// Oldest Windows, as the subsystem version that its loader compares, such as `10.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<DottedVersion>,
}

/// A target's `budget`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetBudget {
    /// Of the executable.
    pub binary: Size,
    /// Of the archive.
    pub archive: Size,
    /// Of an executable that had to leave out a feature for want of its native input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_livekit: Option<Size>,
}

/// `[image]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The repositories that it is pushed to: `host/path`.
    pub repositories: Vec<Spanned<String>>,
    /// The platforms of the index.
    pub platforms: Vec<Platform>,
    /// Layer compression.
    pub compression: Compression,
    /// Largest allowed sum of compressed layers, per platform.
    pub budget: Size,
}

/// One entry of `image.platforms`, in the words of the OCI image specification (GOOS and GOARCH).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// `linux`
    pub os: String,
    /// `amd64`, `arm64`
    pub arch: String,
    /// The triple of the binary inside.
    pub target: Spanned<Triple>,
}

/// Layer compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// `application/vnd.oci.image.layer.v1.tar+gzip`: every client reads it.
    Gzip,
    /// `application/vnd.oci.image.layer.v1.tar+zstd`
    Zstd,
}

/// `[build]`: the settings that make one source one binary with either builder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The paths in the binary that replace folders of the machine that built it.
    pub remap: Remap,
    /// Variables by which two honest machines would build two binaries.
    pub unset: Vec<String>,
    /// Flags of `rustc` for every binary.
    #[serde(default)]
    pub rustflags: ByOs,
    /// Whether every executable must list its crates in the section `.dep-v0`.
    #[serde(default = "yes")]
    pub crates: bool,
}

const fn yes() -> bool {
    true
}

/// `build.remap`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remap {
    /// The checkout.
    pub source: String,
    /// Cargo's home.
    pub cargo: String,
    /// Cargo's target folder.
    pub target: String,
}

/// Flags by operating system.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ByOs {
    linux: Vec<String>,
    macos: Vec<String>,
    windows: Vec<String>,
}

impl ByOs {
    /// Those of one system.
    pub fn of(&self, os: Os) -> &[String] {
        match os {
            Os::Linux => &self.linux,
            Os::Macos => &self.macos,
            Os::Windows => &self.windows,
        }
    }
}

/// `[budget]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The release binary with no feature at all, on `x86_64-unknown-linux-gnu`.
    pub default_binary: Option<Size>,
}

/// `[forge]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    /// `owner/repository` on GitHub.
    pub github: Spanned<String>,
}

/// The table and the text it was read from; the text is kept to point into it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The parsed table.
    pub table: Table,
    /// Its path, for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The reason why the table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file, or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{message}")]
    Syntax {
        /// The problem.
        message: String,
        /// The file.
        path: PathBuf,
        /// Its whole text.
        text: String,
        /// The place in the text, in bytes.
        span: Option<Range<usize>>,
    },
}

impl Error {
    /// The next step: the key that was meant, where one is near.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => Some(format!("run this in the top folder of a clone, where {FILE} lies")),
            Self::Syntax { message, .. } => {
                // serde's own words: unknown field `a`, expected one of `b`, `c`.
                let mut words = message.split('`').skip(1).step_by(2);
                let unknown = words.next().filter(|_| message.starts_with("unknown "))?;
                nearest(unknown, words).map(|near| format!("did you mean `{near}`?"))
            }
        }
    }

    /// As text for people: the file, the line, and a caret under what is meant.
    pub fn render(&self, colour: bool) -> String {
        let (title, place) = match self {
            Self::File(e) => (e.to_string(), None),
            Self::Syntax { message, path, text, span } => {
                // A table that lacks a key has no other place than its beginning.
                let span = span.clone().unwrap_or(0..0);
                (message.clone(), Some(Place { path, text, span }))
            }
        };
        let hint = self.hint();
        snippet::render(&Message { severity: Severity::Error, title: &title, place, hint: hint.as_deref() }, colour)
    }
}

impl Source {
    /// Reads the table at the root of a checkout.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let path = root.join(FILE);
        let text = fs::read_to_string(&path).at("read", &path)?;
        let mut source = Self::parse(path, text)?;
        source.table.models = model::read(root)?;
        Ok(source)
    }

    /// The table that this program was built with, for use outside of a checkout.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(PathBuf::from(FILE), include_str!("../../sayna-release.toml").to_owned())
    }

    /// Parses a table that was read elsewhere; `path` is for messages.
    pub fn parse(path: PathBuf, text: String) -> Result<Self, Error> {
        match toml::from_str(&text) {
            Ok(table) => Ok(Self { table, path, text }),
            Err(e) => Err(Error::Syntax { message: e.message().to_owned(), span: e.span(), path, text }),
        }
    }
}

impl Table {
    /// The target of that triple.
    pub fn target(&self, triple: &Triple) -> Option<&Target> {
        self.targets.iter().find(|t| t.triple.get_ref() == triple)
    }
}

impl Target {
    /// Its features as plain words, in order, each once.
    pub fn feature_names(&self) -> BTreeSet<String> {
        self.features.iter().map(|f| f.get_ref().clone()).collect()
    }
}
