//! The documents of the OCI image specification 1.1, in one order of keys, so that equal content gives equal bytes.
//! (The types of `oci-spec` keep annotations in hash maps, whose order changes from run to run.)

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic::{At as _, PathError};
use crate::digest::Digest;

/// The content of `oci-layout` ("Image Layout").
pub const LAYOUT_MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Media types ("Media Types").
pub mod media {
    /// An index of several manifests.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// One platform's manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// One platform's configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A gzip-compressed layer.
    pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A zstd-compressed layer.
    pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// The configuration of what needs none: `{}` ("Guidance for an Empty Descriptor").
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
}

/// Pre-defined annotation keys ("Annotations").
pub mod annotation {
    /// The version of the packaged software.
    pub const VERSION: &str = "org.opencontainers.image.version";
    /// The source control revision.
    pub const REVISION: &str = "org.opencontainers.image.revision";
    /// The URL of the source.
    pub const SOURCE: &str = "org.opencontainers.image.source";
    /// When the image was made, RFC 3339.
    pub const CREATED: &str = "org.opencontainers.image.created";
    /// SPDX expression.
    pub const LICENSES: &str = "org.opencontainers.image.licenses";
    /// Name for people.
    pub const TITLE: &str = "org.opencontainers.image.title";
    /// A sentence for people.
    pub const DESCRIPTION: &str = "org.opencontainers.image.description";
    /// A layout's tag.
    pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
}

/// Points at content ("Content Descriptors").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its kind.
    pub media_type: String,
    /// Of an artifact's entry in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its name.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// Of an index's entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The platform of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// As Go names it.
    pub architecture: String,
    /// As Go names it.
    pub os: String,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// Several manifests ("Image Index").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// 2
    pub schema_version: u32,
    /// [`media::INDEX`]; layouts of others may leave it out.
    #[serde(default)]
    pub media_type: String,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One platform's image ("Image Manifest").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 2
    pub schema_version: u32,
    /// [`media::MANIFEST`]
    pub media_type: String,
    /// The type of an artifact that is not an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its configuration.
    pub config: Descriptor,
    /// From the lowest to the highest.
    pub layers: Vec<Descriptor>,
    /// The manifest that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The configuration of a container ("Image Configuration").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// RFC 3339; others may leave it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created: String,
    /// As Go names it.
    pub architecture: String,
    /// As Go names it.
    pub os: String,
    /// The fields that a runtime reads.
    pub config: Execution,
    /// The layers before compression.
    pub rootfs: RootFs,
    /// One entry per layer; others may leave it out, and what is in it.
    #[serde(default)]
    pub history: Vec<History>,
}

/// The `config` object of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution {
    /// `uid:gid`
    #[serde(default)]
    pub user: String,
    /// `3001/tcp`
    #[serde(default)]
    #[expect(clippy::zero_sized_map_values, reason = "the specification says: an object of empty objects")]
    pub exposed_ports: BTreeMap<String, Empty>,
    /// `NAME=value`
    #[serde(default)]
    pub env: Vec<String>,
    /// The program and its fixed arguments.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// The working folder.
    #[serde(default)]
    pub working_dir: String,
    /// The same as the manifest's annotations, for clients that look here.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// `{}`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// The layers before compression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// `layers`
    #[serde(rename = "type")]
    pub kind: String,
    /// Digest of each layer's tar.
    pub diff_ids: Vec<Digest>,
}

/// The origin of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created: String,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_by: String,
}

impl Descriptor {
    /// Without platform and annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        let (media_type, annotations) = (media_type.to_owned(), BTreeMap::new());
        Self { media_type, artifact_type: None, digest, size, platform: None, annotations }
    }
}

impl Index {
    /// Without annotations.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        let annotations = BTreeMap::new();
        Self { schema_version: 2, media_type: media::INDEX.to_owned(), manifests, annotations }
    }
}

impl Manifest {
    /// Of an image, without annotations.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let (media_type, annotations) = (media::MANIFEST.to_owned(), BTreeMap::new());
        Self { schema_version: 2, media_type, artifact_type: None, config, layers, subject: None, annotations }
    }

    /// Its entry in the list of its subject's referrers (distribution specification, "Listing Referrers"); `digest` and
    /// `size` are those of its bytes.
    pub fn as_referrer(&self, digest: Digest, size: u64) -> Descriptor {
        let artifact_type = self.artifact_type.clone().filter(|t| !t.is_empty());
        let artifact_type = Some(artifact_type.unwrap_or_else(|| self.config.media_type.clone()));
        let annotations = self.annotations.clone();
        Descriptor { artifact_type, annotations, ..Descriptor::new(&self.media_type, digest, size) }
    }

    /// Everything that has to be there before it.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().chain([&self.config])
    }
}

/// A document's bytes: compact JSON in the order of the fields above.
pub fn to_bytes(document: &impl Serialize) -> Vec<u8> {
    // These types hold strings, numbers and maps with string keys: there is nothing that JSON cannot hold.
    serde_json::to_vec(document).unwrap_or_default()
}

/// Whether the content of `oci-layout` names the version that this program reads, however it is spaced.
pub fn is_marker(text: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, String>>(text)
        .is_ok_and(|m| m.get("imageLayoutVersion").is_some_and(|v| v == "1.0.0"))
}

/// An image layout that is read, never written: every byte is checked against its digest.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// The reason why a layout is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Not a layout of this version.
    #[error("{}: is not {LAYOUT_MARKER}", path.display())]
    Marker {
        /// The file.
        path: PathBuf,
    },
    /// Other bytes than the name says.
    #[error("{}: has {found}, its name says {expected}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its name.
        expected: Digest,
        /// Its bytes.
        found: Digest,
    },
    /// Another size than the descriptor says.
    #[error("{}: has {found} bytes, its descriptor says {expected}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// In the descriptor.
        expected: u64,
        /// On the disk.
        found: u64,
    },
    /// Not the document that it should be.
    #[error("{}: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The parser's message.
        source: serde_json::Error,
    },
}

impl Layout {
    /// Opens a folder with the marker of a layout.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let path = root.join("oci-layout");
        let marker = fs::read(&path).at("read", &path)?;
        if is_marker(&marker) { Ok(Self { root: root.to_owned() }) } else { Err(Error::Marker { path }) }
    }

    /// Returns the path of a blob.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Reads the index.
    pub fn index(&self) -> Result<Index, Error> {
        let path = self.root.join("index.json");
        let bytes = fs::read(&path).at("read", &path)?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Form { path, source })
    }

    /// Reads a manifest.
    pub fn manifest(&self, digest: Digest) -> Result<Manifest, Error> {
        self.document(digest)
    }

    /// Reads a configuration.
    pub fn config(&self, digest: Digest) -> Result<Config, Error> {
        self.document(digest)
    }

    fn document<T: serde::de::DeserializeOwned>(&self, digest: Digest) -> Result<T, Error> {
        let path = self.blob_path(digest);
        let bytes = fs::read(&path).at("read", &path)?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(Error::Changed { path, expected: digest, found });
        }
        serde_json::from_slice(&bytes).map_err(|source| Error::Form { path, source })
    }

    /// Reads a blob through and compares digest and size.
    pub fn check(&self, blob: &Descriptor) -> Result<(), Error> {
        let path = self.blob_path(blob.digest);
        let (digest, size) = Digest::of_file(&path).at("read", &path)?;
        if digest != blob.digest {
            return Err(Error::Changed { path, expected: blob.digest, found: digest });
        }
        if size == blob.size { Ok(()) } else { Err(Error::Size { path, expected: blob.size, found: size }) }
    }
}
