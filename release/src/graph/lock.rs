//! The checksums of Cargo.lock.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use semver::Version;
use serde::Deserialize;

use super::{Error, Id, Origin};
use crate::atomic::At as _;
use crate::digest::Digest;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: Version,
    source: Option<String>,
    checksum: Option<String>,
}

/// Returns the checksums of Cargo.lock by crate.
pub(super) fn read(root: &Path) -> Result<BTreeMap<Id, Digest>, Error> {
    let path = root.join("Cargo.lock");
    let text = fs::read_to_string(&path).at("read", &path)?;
    let wrong = |message: String| Error::Lock { path: path.clone(), message };
    let lock: Lock = toml::from_str(&text).map_err(|e| wrong(e.message().to_owned()))?;
    let mut checksums = BTreeMap::new();
    for Locked { name, version, source, checksum } in lock.package {
        let origin = source.and_then(|source| Origin::parse(&source));
        let (Some(checksum), Some(origin)) = (checksum, origin) else { continue };
        let digest =
            Digest::from_hex(&checksum).map_err(|e| wrong(format!("the checksum of {name} {version}: {e}")))?;
        checksums.insert(Id { name, version, origin }, digest);
    }
    Ok(checksums)
}
