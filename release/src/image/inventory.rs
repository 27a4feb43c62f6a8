//! Every file of an image, read from its layers: the base of the SBOM, which so lists what is there and not what was meant.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Error, debian, layer};
use crate::atomic::At as _;
use crate::digest::Digest;
use crate::oci;

/// Entries of one layer; the closure of an image has some thousands.
const MOST: usize = 200_000;
/// Bytes that are kept of a text.
const TEXT: u64 = 1 << 20;

/// One path of an image that is no folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Digest and size of a file; `None` for a link.
    pub file: Option<(Digest, u64)>,
    /// The text of a file that describes packages; of all others nothing.
    pub text: Option<String>,
}

/// The files and links of an image by their paths without the first slash. Built from a layout or from its layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory(pub BTreeMap<String, Content>);

impl Inventory {
    /// Reads the layers of a manifest in a layout.
    pub fn of_layout(layout: &Path, manifest: Digest, limit: u64) -> Result<Self, Error> {
        let layout = oci::Layout::open(layout)?;
        let manifest = layout.manifest(manifest)?;
        let layers = manifest.layers.iter().map(|layer| (layout.blob_path(layer.digest), layer.media_type.as_str()));
        Self::of_layers(&layers.collect::<Vec<_>>(), limit)
    }

    /// Reads compressed layers with their media types, the lowest first, each of at most `limit` bytes when it is unpacked.
    pub fn of_layers(layers: &[(PathBuf, &str)], limit: u64) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for (blob, media_type) in layers {
            let entries = File::open(blob)
                .and_then(|file| layer::entries(file, media_type, limit, MOST, (describes, TEXT)))
                .at("read the layer", blob)?;
            for entry in entries.into_iter().filter(|entry| !entry.folder) {
                let text = describes(&entry.path).then(|| String::from_utf8_lossy(&entry.bytes).into_owned());
                // A later layer lies above the earlier ones.
                found.insert(entry.path, Content { file: entry.file, text });
            }
        }
        Ok(Self(found))
    }

    /// The text of a file that describes packages.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path)?.text.as_deref()
    }
}

/// Whether a file describes packages.
fn describes(path: &str) -> bool {
    let licences = path.starts_with("usr/share/doc/") && path.ends_with("/copyright");
    path == debian::RELEASE || path.starts_with(debian::ENTRIES) || licences
}
