//! A part: what one machine contributes to a release. `dist/<target>/`, for a product `dist/<product>-<target>/`, or for a
//! platform `dist/<os>-<arch>/` holds the files and a `part.json` (schema 1, this module) that names them. Nothing else passes between machines.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::atomic::{self, At as _, PathError};
use crate::audit::Needs;
use crate::digest::Digest;
use crate::name::{self, FileName};
use crate::table::{Floor, Target};
use crate::triple::Triple;

/// The name of a part's description.
pub const FILE: &str = "part.json";
/// The version of `part.json`'s form; another one is refused.
pub const SCHEMA: u32 = 1;
/// The folder of an image part that is an OCI image layout.
pub const LAYOUT: &str = "layout";
/// The file of an image part that is the SBOM of the executable inside.
pub const SBOM: &str = "sbom.cdx.json";

/// A file by name, size and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry<N = FileName> {
    /// The bare file name. Of a file inside an image, which is compared and never opened by this name, its path there.
    pub name: N,
    /// In bytes.
    pub size: u64,
    /// Of its bytes.
    pub digest: Digest,
}

impl FileEntry {
    /// Reads size and digest of `folder/name`.
    pub fn of(folder: &Path, name: &str) -> Result<Self, PathError> {
        let path = folder.join(name);
        let name = name.parse().map_err(io::Error::other).at("read", &path)?;
        let (digest, size) = Digest::of_file(&path).at("read", &path)?;
        Ok(Self { name, size, digest })
    }
}

/// A file inside an image, by its path there.
pub type InsideEntry = FileEntry<String>;

/// A feature of the table that this build does not have, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The Cargo feature.
    pub feature: String,
    /// Why, in a sentence for people.
    pub reason: String,
}

/// A native input, or the file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its version; a model is known by its digest alone.
    pub version: Option<String>,
    /// The Cargo feature that needs it.
    #[serde(rename = "for")]
    pub feature: String,
    /// Of the file that is downloaded; none of what the locked nixpkgs has.
    pub digest: Option<Digest>,
    /// SPDX expression.
    pub licence: String,
    /// Whether it is inside of what was built: linked, or a file of the image. What is not is found where it runs.
    #[serde(default)]
    pub inside: bool,
}

/// The builder, compiler and features of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Built {
    /// `cargo` or `nix`.
    pub by: crate::table::Builder,
    /// The compiler's version.
    pub rustc: Version,
    /// The Cargo features it has.
    pub features: Vec<String>,
    /// The features it should have had.
    pub left_out: Vec<LeftOut>,
    /// Inputs that those features need and Cargo.lock does not have, by name.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// An image whose files came from the machine that assembled it and not from pinned inputs.
    pub host_assembled: bool,
    /// Whether the executable lists its crates in the section `.dep-v0`. Where it is true, one without a list is refused.
    pub crates: bool,
}

/// The release that a part belongs to, as every part states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `release.name` of the table.
    pub name: String,
    /// The package's version.
    pub version: Version,
    /// The commit's full id.
    pub commit: String,
    /// `clean`, or the content id of a tree with changes that are not committed.
    pub tree: String,
}

/// The contribution of one machine, as `part.json` states it. `build` and `image` write it last, so a folder without one is
/// unfinished; `publish` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a machine has a dozen of them")]
pub enum Part {
    /// One program's archive, checksum and SBOM, for one target.
    Binary(BinaryPart),
    /// One platform's OCI layout.
    Image(ImagePart),
}

/// The limits of a target, as the table had them when the release was made. A later table may have others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The oldest system.
    pub floor: Floor,
    /// Allowed libraries; one that ends in `/` allows everything below it.
    pub libs: Vec<String>,
}

impl From<&Target> for Limits {
    fn from(target: &Target) -> Self {
        Self { floor: target.floor.clone(), libs: target.libs.clone() }
    }
}

/// The part of one program for one target: archive, checksum and SBOM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryPart {
    /// [`SCHEMA`]
    pub schema: u32,
    /// The release.
    pub origin: Origin,
    /// The program: a package and its binary.
    pub product: FileName,
    /// The target.
    pub target: Triple,
    /// How it was built.
    pub built: Built,
    /// The executable inside the archive.
    pub binary: FileEntry,
    /// The paths in the archive of the files beside the executable and the third-party licences, sorted.
    pub files: Vec<String>,
    /// The limits that the executable was held against.
    pub limits: Limits,
    /// The demands of the executable on a system.
    pub needs: Needs,
    /// The archive.
    pub archive: FileEntry,
    /// The archive's checksum file.
    pub checksum: FileEntry,
    /// The CycloneDX document.
    pub sbom: FileEntry,
}

/// The part of one platform: an OCI layout, and the SBOM of its executable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// [`SCHEMA`]
    pub schema: u32,
    /// The release.
    pub origin: Origin,
    /// OCI `os`.
    pub os: String,
    /// OCI `architecture`.
    pub arch: String,
    /// The triple of the binary inside.
    pub target: Triple,
    /// How it was built.
    pub built: Built,
    /// The executable inside, by its path in the image.
    pub binary: InsideEntry,
    /// Digest of the image manifest in `layout/`.
    pub manifest: Digest,
    /// Size of the manifest in bytes.
    pub manifest_size: u64,
    /// Sum of the compressed layers in bytes.
    pub compressed: u64,
    /// [`SBOM`]; what was published before is taken back without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<FileEntry>,
}

/// The reason why a part cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// `part.json` is not of this form.
    #[error("{}: not a part that this program reads: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The parser's message.
        source: serde_json::Error,
    },
    /// Another schema version.
    #[error("{}: has schema {found}, this program reads {SCHEMA}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u32,
    },
    /// A file's bytes are not those that `part.json` names.
    #[error("{}: has digest {found}, part.json says {expected}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// In `part.json`.
        expected: Digest,
        /// Of the bytes there.
        found: Digest,
    },
}

impl Part {
    /// Reads `folder/part.json`; `None` if it does not exist.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.at("read", &path)?,
        };
        let part: Self = serde_json::from_slice(&text).map_err(|source| Error::Form { path: path.clone(), source })?;
        let found = match &part {
            Self::Binary(p) => p.schema,
            Self::Image(p) => p.schema,
        };
        if found == SCHEMA { Ok(Some(part)) } else { Err(Error::Schema { path, found }) }
    }

    /// Writes `folder/part.json`, the last file of a part: a folder without it is unfinished work.
    pub fn write(&self, folder: &Path) -> Result<(), PathError> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other).at("describe", &path)?;
        text.push(b'\n');
        atomic::write(&path, &text)
    }

    /// Returns the release that it belongs to.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Binary(p) => &p.origin,
            Self::Image(p) => &p.origin,
        }
    }

    /// How it was built.
    pub fn built(&self) -> &Built {
        match self {
            Self::Binary(p) => &p.built,
            Self::Image(p) => &p.built,
        }
    }
}

impl ImagePart {
    /// The platform's name: `linux/amd64`.
    pub fn name(&self) -> String {
        name::platform(&self.os, &self.arch)
    }

    /// The folder of the platform's part: `linux-amd64`.
    pub fn folder(&self) -> String {
        name::platform_folder(&self.os, &self.arch)
    }
}

impl BinaryPart {
    /// The name of its folder.
    pub fn folder(&self) -> String {
        name::part_folder(&self.origin.name, &self.product, &self.target)
    }

    /// What it is, for people: the target, and the program where it is not the server.
    pub fn called(&self) -> String {
        name::part(&self.origin.name, &self.product, &self.target)
    }

    /// The files that a release attaches, in order.
    pub fn assets(&self) -> [&FileEntry; 3] {
        [&self.archive, &self.checksum, &self.sbom]
    }

    /// Reads every file again and compares.
    pub fn check(&self, folder: &Path) -> Result<(), Error> {
        for entry in self.assets() {
            let found = FileEntry::of(folder, &entry.name)?.digest;
            if found != entry.digest {
                let path = folder.join(&entry.name);
                return Err(Error::Changed { path, expected: entry.digest, found });
            }
        }
        Ok(())
    }
}
