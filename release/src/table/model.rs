//! `models.json`: the files of models that features load at run time. The server and Nix read the same file.

use std::io;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::Error;
use crate::atomic::At as _;
use crate::digest::Digest;

/// Its name, at the root of the checkout; a project without models has none.
const FILE: &str = "models.json";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its path below a folder of models, with `/`.
    pub name: String,
    /// The Cargo feature that needs it.
    #[serde(rename = "for")]
    pub feature: String,
    /// Whether images have it inside, beside an executable that loads it.
    #[serde(default)]
    pub image: bool,
    /// The URL at its publisher, with a version that does not move.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Of its bytes.
    #[serde(deserialize_with = "hex")]
    pub sha256: Digest,
    /// SPDX expression.
    pub licence: String,
    /// A wheel that has the same bytes.
    pub wheel: String,
    /// Its path in there.
    pub path: String,
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    Digest::from_hex(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// The models of a checkout; none where it has no such file.
pub(super) fn read(root: &Path) -> Result<Vec<Model>, Error> {
    let path = root.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.at("read", &path)?,
    };
    // Its messages say the line.
    serde_json::from_str(&text).map_err(|error| Error::Syntax { message: error.to_string(), path, text, span: None })
}
