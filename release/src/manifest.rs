//! The release manifest, `<name>-<version>.release.json`: every digest of a release in one document (schema 1).
//!
//! It is made from the plan and the parts alone, before anything is pushed, so that a rerun on another machine writes
//! the same bytes. Who has the manifest can check all the rest.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::audit::Needs;
use crate::digest::Digest;
use crate::image::ImageIndex;
use crate::name::{self, AssetNames, FileName};
use crate::part::{BinaryPart, Built, FileEntry, ImagePart, InsideEntry, Limits};
use crate::plan::Plan;
use crate::triple::Triple;

/// The version of this document's form.
pub const SCHEMA: u32 = 1;

/// The release manifest: every digest of a release. `publish` writes it last before the draft, `verify` and `--reuse` read it
/// from the public release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`]
    pub schema: u32,
    /// The name of the package.
    pub name: String,
    /// Which version.
    pub version: Version,
    /// Its Git tag.
    pub tag: String,
    /// The commit's full id.
    pub commit: String,
    /// `clean`; a rehearsal of a changed tree has that tree's content id.
    pub tree: String,
    /// Seconds since 1970, UTC: the time inside every archive and image.
    pub commit_time: i64,
    /// The repository's URL.
    pub source: String,
    /// The compiler that the release asks for.
    pub toolchain: Version,
    /// Digest of `flake.lock`, where the tree has one.
    pub flake_lock: Option<Digest>,
    /// Digest of the changelog as the release has it, above what is made from this manifest.
    pub notes: Digest,
    /// One per program and target, the server's first.
    pub binaries: Vec<BinaryEntry>,
    /// The image; `null` where none could be built in time, or the table has none.
    pub image: Option<ImageEntry>,
}

/// One program for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryEntry {
    /// The program: the manifest's own name, or a product's.
    pub product: FileName,
    /// The triple.
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
    /// Its checksum file.
    pub checksum: FileEntry,
    /// Its SBOM.
    pub sbom: FileEntry,
}

/// The multi-platform image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageEntry {
    /// `host/path` of each registry.
    pub repositories: Vec<String>,
    /// The version's tag.
    pub tag: String,
    /// Digest of the index that the tag points at.
    pub index: Digest,
    /// One per platform, in the index's order.
    pub platforms: Vec<PlatformEntry>,
}

/// One platform of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformEntry {
    /// OCI `os`.
    pub os: String,
    /// OCI `architecture`.
    pub arch: String,
    /// How it was built.
    pub built: Built,
    /// The executable inside, by its path in the image.
    pub binary: InsideEntry,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Sum of the compressed layers in bytes.
    pub compressed: u64,
}

/// The reason why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not of this form, or it holds a name that is not one of a file.
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    /// Of another form.
    #[error("it has schema {0}, this program reads {SCHEMA}")]
    Schema(u32),
    /// Two files that are one where case does not count.
    #[error("{0:?} stands twice, or differs from another name by case alone")]
    Twice(String),
    /// An image's tag that is not the version's.
    #[error("its image has the tag {0:?}, not the version's")]
    Tag(String),
    /// Nothing that was built of the server.
    #[error("it has no binaries")]
    Empty,
    /// No commit.
    #[error("{0:?} is not a commit id")]
    Commit(String),
}

impl Manifest {
    /// Returns the names of the release's assets.
    pub fn names(&self) -> AssetNames<'_> {
        AssetNames { name: &self.name, version: &self.version }
    }

    /// The entries of the server: the program in the image, and what who names none means.
    pub fn server(&self) -> impl Iterator<Item = &BinaryEntry> {
        self.binaries.iter().filter(|binary| binary.product == self.name)
    }

    /// A folder's name for what belongs to an entry alone.
    pub fn folder(&self, entry: &BinaryEntry) -> String {
        name::part_folder(&self.name, &entry.product, &entry.target)
    }

    /// What an entry is, for people: its target, and the program where it is not the server.
    pub fn called(&self, entry: &BinaryEntry) -> String {
        name::part(&self.name, &entry.product, &entry.target)
    }

    /// Reads a document from outside: the edge at which every name, digest and id in it is parsed.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u32,
        }
        let Schema { schema } = serde_json::from_slice(bytes)?;
        if schema != SCHEMA {
            return Err(Error::Schema(schema));
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if manifest.server().next().is_none() {
            return Err(Error::Empty);
        }
        let folders: Vec<String> = manifest.binaries.iter().map(|binary| manifest.folder(binary)).collect();
        let own = manifest.names();
        let own = [name::checksum(&own.manifest()), own.manifest(), own.attestations(), name::SUMS.to_owned()];
        let made = folders.iter().chain(&own).map(String::as_str);
        if let Some(name) = name::clash(manifest.assets().map(|f| f.name.as_str()).chain(made)) {
            return Err(Error::Twice(name.to_owned()));
        }
        if !matches!(manifest.commit.len(), 40 | 64) || !manifest.commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::Commit(manifest.commit));
        }
        match &manifest.image {
            Some(image) if image.tag != manifest.version.to_string() => Err(Error::Tag(image.tag.clone())),
            _ => Ok(manifest),
        }
    }

    /// Merges the parts of all machines; both lists are in the plan's order.
    pub fn of(
        plan: &Plan,
        flake_lock: Option<Digest>,
        binaries: &[BinaryPart],
        image: Option<(&ImageIndex, &[ImagePart])>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            name: plan.name.clone(),
            version: plan.version.clone(),
            tag: plan.tag.clone(),
            commit: plan.commit.clone(),
            tree: plan.tree.clone(),
            commit_time: plan.commit_time,
            source: plan.source.clone(),
            toolchain: plan.toolchain.clone(),
            flake_lock,
            notes: Digest::of(plan.notes.as_bytes()),
            binaries: binaries.iter().map(BinaryEntry::of).collect(),
            image: plan.image.as_ref().zip(image).map(|(planned, (index, parts))| ImageEntry {
                repositories: planned.repositories.clone(),
                tag: planned.tag.clone(),
                index: index.digest,
                platforms: parts.iter().map(PlatformEntry::of).collect(),
            }),
        }
    }

    /// The document's bytes: pretty-printed JSON in this order of keys and a final newline.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Every asset that it names, with the checksum files; not the manifest itself.
    pub fn assets(&self) -> impl Iterator<Item = &FileEntry> {
        self.binaries.iter().flat_map(|b| [&b.archive, &b.checksum, &b.sbom])
    }
}

impl BinaryEntry {
    fn of(part: &BinaryPart) -> Self {
        Self {
            product: part.product.clone(),
            target: part.target.clone(),
            built: part.built.clone(),
            binary: part.binary.clone(),
            files: part.files.clone(),
            limits: part.limits.clone(),
            needs: part.needs.clone(),
            archive: part.archive.clone(),
            checksum: part.checksum.clone(),
            sbom: part.sbom.clone(),
        }
    }
}

impl PlatformEntry {
    /// The platform's name: `linux/amd64`.
    pub fn name(&self) -> String {
        name::platform(&self.os, &self.arch)
    }

    fn of(part: &ImagePart) -> Self {
        Self {
            os: part.os.clone(),
            arch: part.arch.clone(),
            built: part.built.clone(),
            binary: part.binary.clone(),
            manifest: part.manifest,
            compressed: part.compressed,
        }
    }
}
