//! An image that another program put together: held against the plan, and given the annotations that it lacks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::layer::{self, Found};
use super::{Assembled, Error, annotations, platform, seal};
use crate::atomic::At as _;
use crate::oci::{self, Config, annotation};
use crate::part::InsideEntry;
use crate::plan::{Plan, PlannedPlatform};

/// As many links in a row as Linux follows.
const HOPS: usize = 40;

/// Makes the layout of one image the plan's. It stays where it is; its manifest becomes another one.
pub fn adopt(plan: &Plan, planned: &PlannedPlatform, layout: &Path) -> Result<Assembled, Error> {
    let there = oci::Layout::open(layout)?;
    let index = there.index()?;
    let [entry] = index.manifests.as_slice() else {
        return Err(Error::NotOne { layout: layout.to_owned(), found: index.manifests.len() });
    };
    let manifest = there.manifest(entry.digest)?;
    agrees(plan, planned, &there.config(manifest.config.digest)?)?;
    let layers = manifest.layers.iter().map(|layer| (there.blob_path(layer.digest), layer.media_type.as_str()));
    let binary = executable(&layers.collect::<Vec<_>>(), &format!("/app/{}", plan.name), u64::MAX)?;
    let compressed = manifest.layers.iter().map(|l| l.size).sum();
    let described = seal(plan, planned, manifest, layout)?;
    if described.digest != entry.digest {
        let old = there.blob_path(entry.digest);
        fs::remove_file(&old).at("remove", &old)?;
    }
    Ok(Assembled { binary, manifest: described.digest, manifest_size: described.size, compressed })
}

/// The configuration's own words on platform, version, commit and what it runs.
fn agrees(plan: &Plan, planned: &PlannedPlatform, config: &Config) -> Result<(), Error> {
    let wanted = platform(planned);
    let found = oci::Platform { architecture: config.architecture.clone(), os: config.os.clone() };
    let differs = |what: &str, found: String, wanted: &str| {
        Err(Error::Differs { what: what.to_owned(), found, wanted: wanted.to_owned() })
    };
    if found != wanted {
        return differs("platform", found.to_string(), &wanted.to_string());
    }
    let meant = annotations(plan);
    for key in [annotation::VERSION, annotation::REVISION] {
        let (found, wanted) = (config.config.labels.get(key), meant.get(key));
        if found != wanted {
            let found = found.map_or("not there", String::as_str).to_owned();
            return differs(&format!("label {key}"), found, wanted.map_or("", String::as_str));
        }
    }
    let entrypoint = format!("/app/{}", plan.name);
    if config.config.entrypoint.first() == Some(&entrypoint) {
        return Ok(());
    }
    differs("entrypoint", config.config.entrypoint.join(" "), &entrypoint)
}

/// The file that a path of an image leads to, through links: its own path in the image, size and digest. `layers` are the
/// compressed layers with their media types, the lowest first, each of at most `limit` bytes when it is unpacked.
pub fn executable(layers: &[(PathBuf, &str)], path: &str, limit: u64) -> Result<InsideEntry, Error> {
    let mut found: BTreeMap<String, (usize, Found)> = BTreeMap::new();
    for (number, (blob, media_type)) in layers.iter().enumerate() {
        let paths =
            File::open(blob).and_then(|file| layer::paths(file, media_type, limit)).at("read the layer", blob)?;
        // A later layer lies above the earlier ones.
        found.extend(paths.into_iter().map(|(path, what)| (path, (number, what))));
    }
    let nowhere = || Error::Nowhere { path: path.to_owned() };
    let name = resolved(&found, path).ok_or_else(nowhere)?;
    let number = found.get(&name).map(|(number, _)| *number);
    let (blob, media_type) = number.and_then(|n| layers.get(n)).ok_or_else(nowhere)?;
    let file = File::open(blob).and_then(|file| layer::find(file, media_type, &name, limit));
    let (digest, size) = file.at("read the layer", blob)?.ok_or_else(nowhere)?;
    Ok(InsideEntry { name, size, digest })
}

/// Follows links, of folders on the way too, to a file.
fn resolved(found: &BTreeMap<String, (usize, Found)>, path: &str) -> Option<String> {
    let words = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
    let (mut left, mut done, mut hops) = (words(path), Vec::new(), 0);
    while let Some(word) = left.pop() {
        match word.as_str() {
            "" | "." => continue,
            ".." => {
                done.pop();
                continue;
            }
            _ => done.push(word),
        }
        let Some((_, Found::Link(to))) = found.get(&done.join("/")) else { continue };
        hops += 1;
        if hops > HOPS {
            return None;
        }
        if to.starts_with('/') {
            done.clear();
        } else {
            done.pop();
        }
        left.extend(words(to));
    }
    let name = done.join("/");
    matches!(found.get(&name), Some((_, Found::File))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_to_a_file_and_never_round_and_round() {
        let link = |to: &str| Found::Link(to.to_owned());
        let all = [
            ("app", Found::Other),
            ("app/sayna", link("../bin/sayna")),
            ("bin", link("/nix/store/env/bin")),
            ("nix/store/env/bin/sayna", link("/nix/store/one/bin/sayna")),
            ("nix/store/one/bin/sayna", Found::File),
            ("app/round", link("round")),
            ("app/gone", link("/nix/store/two/bin/sayna")),
        ];
        let all: BTreeMap<_, _> = all.into_iter().map(|(path, what)| (path.to_owned(), (0, what))).collect();
        assert_eq!(resolved(&all, "/app/sayna").as_deref(), Some("nix/store/one/bin/sayna"));
        for nowhere in ["/app/round", "/app/gone", "/app", "/", "/app/none"] {
            assert_eq!(resolved(&all, nowhere), None, "{nowhere}");
        }
    }
}
