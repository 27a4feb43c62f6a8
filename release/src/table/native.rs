//! `[[native]]`: inputs of a feature that no Cargo.lock has.

use std::collections::BTreeMap;

use semver::Version;
use serde::Deserialize;
use toml::Spanned;

use super::ByOs;
use crate::triple::Triple;

/// `[[native]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Native {
    /// Its name in messages and in the SBOM.
    pub name: Spanned<String>,
    /// Its own version or tag.
    pub version: String,
    /// SPDX expression.
    pub licence: Spanned<String>,
    /// Licences that deny.toml does not allow, and this input may have all the same.
    pub allow: Vec<Spanned<String>>,
    /// The Cargo feature that needs it.
    pub feature: Spanned<String>,
    /// The environment variable that says where it is on a machine that has it.
    pub env: Option<String>,
    /// Its origin.
    pub supply: Supply,
    /// The crate that this version of it belongs to.
    pub belongs_to: Option<LockedCrate>,
    /// Flags of `rustc` for a binary that has the feature.
    pub rustflags: ByOs,
}

/// The origin of a native input.
#[derive(Debug, Clone)]
pub enum Supply {
    /// Prebuilt, downloaded and unpacked; the binary links it.
    Download(Download),
    /// The package of that name in the locked nixpkgs. The binary loads it at run time, so no build needs it, no archive
    /// has it, and the image has it beside the binary.
    Nixpkgs,
}

/// A download per triple.
#[derive(Debug, Clone)]
pub struct Download {
    /// Its URL; `{name}` stands for a target's word in `names`.
    pub url: String,
    /// The value of `{name}`, per triple. Targets that are not listed cannot have the feature.
    pub names: BTreeMap<Triple, String>,
    /// SHA-256 of what the URL gives, per triple, as hex or `sha256-<base64>`; an empty one stops a real release.
    pub sha256: BTreeMap<Triple, Spanned<String>>,
    /// The file, at the top of what is unpacked, with the licences of the libraries inside.
    pub licences: Option<String>,
}

/// A crate and the version of it that Cargo.lock must have.
#[derive(Debug, Clone)]
pub struct LockedCrate {
    /// Its name.
    pub name: Spanned<String>,
    /// Its version.
    pub version: Version,
}

impl Download {
    /// Returns the URL of a target's file.
    pub fn url_for(&self, triple: &Triple) -> String {
        self.names.get(triple).map_or_else(|| self.url.clone(), |word| self.url.replace("{name}", word))
    }
}

impl Native {
    /// Whether a file of its download has the licences of the libraries inside.
    pub fn has_licences(&self) -> bool {
        matches!(&self.supply, Supply::Download(download) if download.licences.is_some())
    }
}

impl std::fmt::Display for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name.get_ref(), self.version)
    }
}

/// The entry as TOML has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    version: String,
    licence: Spanned<String>,
    licences: Option<String>,
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(rename = "for")]
    feature: Spanned<String>,
    env: Option<String>,
    url: Option<String>,
    #[serde(default)]
    names: BTreeMap<Triple, String>,
    sha256: Option<BTreeMap<Triple, Spanned<String>>>,
    source: Option<Place>,
    #[serde(rename = "crate")]
    krate: Option<Spanned<String>>,
    crate_version: Option<Version>,
    #[serde(default)]
    rustflags: ByOs,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Nixpkgs,
}

impl TryFrom<Written> for Native {
    type Error = String;
    fn try_from(entry: Written) -> Result<Self, String> {
        let name = entry.name.get_ref();
        if entry.licences.is_some() && (entry.url.is_none() || entry.env.is_none()) {
            return Err(format!(
                "the native input {name:?} has `licences`, a file of its download, and no `url` or `env`"
            ));
        }
        let supply = match (entry.url, entry.sha256, entry.source) {
            (Some(url), Some(sha256), None) => {
                Supply::Download(Download { url, names: entry.names, sha256, licences: entry.licences })
            }
            (None, None, Some(Place::Nixpkgs)) if entry.names.is_empty() => Supply::Nixpkgs,
            _ => return Err(format!("the native input {name:?} needs either `url` and `sha256`, or `source`")),
        };
        let belongs_to = match (entry.krate, entry.crate_version) {
            (Some(name), Some(version)) => Some(LockedCrate { name, version }),
            (None, None) => None,
            _ => return Err(format!("the native input {name:?} needs both `crate` and `crate_version`, or neither")),
        };
        let Written { name, version, licence, allow, feature, env, rustflags, .. } = entry;
        Ok(Self { name, version, licence, allow, feature, env, supply, belongs_to, rustflags })
    }
}
