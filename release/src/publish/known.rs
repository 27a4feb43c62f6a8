//! Which versions a forge and registries know, and which of them is `latest` there.

use semver::Version;

use crate::forge::{self, Forge};
use crate::oci::{self, annotation};
use crate::registry::{self, Registry};

/// The image tag that follows the newest stable version.
pub const LATEST: &str = "latest";

/// A forge or registry that cannot be read, or whose `latest` names nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The forge.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// `latest` points at something that is no public release.
    #[error("{place}: `latest` is {found:?}, which is no public version there")]
    Dangling {
        /// The forge or registry.
        place: String,
        /// What it names.
        found: String,
    },
}

/// The version of a tag of the form `v1.2.3`.
pub fn version_of_tag(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v')?).ok()
}

/// The version that is `latest` on the forge.
pub fn forge_latest(forge: &dyn Forge) -> Result<Option<Version>, Error> {
    let Some(tag) = forge.latest()? else { return Ok(None) };
    let public = forge.published()?.contains(&tag);
    match version_of_tag(&tag).filter(|_| public) {
        Some(version) => Ok(Some(version)),
        None => Err(Error::Dangling { place: forge.name(), found: tag }),
    }
}

/// The version that the image tag `latest` points at, by its index's own annotation.
pub fn registry_latest(registry: &dyn Registry) -> Result<Option<Version>, Error> {
    let Some(digest) = registry.resolve(LATEST)? else { return Ok(None) };
    let bytes = registry.manifest(digest)?;
    let dangling = || Error::Dangling { place: registry.name(), found: digest.to_string() };
    let index: oci::Index = serde_json::from_slice(&bytes).map_err(|_not_an_index| dangling())?;
    let version = index.annotations.get(annotation::VERSION).and_then(|v| Version::parse(v).ok());
    version.map(Some).ok_or_else(dangling)
}

/// Every stable version that forge, registries or Git know of.
pub fn stable(forge: &dyn Forge, registries: &[&dyn Registry], git: &[Version]) -> Result<Vec<Version>, Error> {
    let mut known: Vec<Version> = forge.published()?.iter().filter_map(|t| version_of_tag(t)).collect();
    for registry in registries {
        known.extend(registry.tags()?.iter().filter_map(|t| Version::parse(t).ok()));
    }
    known.extend(git.iter().cloned());
    known.retain(|v| v.pre.is_empty());
    known.sort();
    known.dedup();
    Ok(known)
}
