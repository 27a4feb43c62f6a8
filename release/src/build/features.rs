//! Which features a machine can build, by the native inputs that it has.

use std::path::PathBuf;

use super::Job;
use crate::digest::Digest;
use crate::part::{Input, LeftOut};
use crate::table::{Model, Native, Supply, Table};
use crate::triple::Triple;

/// The native inputs that a binary with those features links; what it loads at run time is in no archive.
pub fn natives<'a>(table: &'a Table, features: &[String]) -> Vec<&'a Native> {
    let linked = |n: &&Native| matches!(n.supply, Supply::Download(_)) && features.contains(n.feature.get_ref());
    table.native.iter().filter(linked).collect()
}

/// The model files that a binary with those features loads.
pub fn models<'a>(table: &'a Table, features: &[String]) -> Vec<&'a Model> {
    table.models.iter().filter(|model| features.contains(&model.feature)).collect()
}

/// All that those features need and no Cargo.lock has.
pub(super) fn inputs(table: &Table, triple: &Triple, features: &[String]) -> Vec<Input> {
    let natives =
        table.native.iter().filter(|native| features.contains(native.feature.get_ref())).map(|native| Input {
            name: native.name.get_ref().clone(),
            version: Some(native.version.clone()),
            feature: native.feature.get_ref().clone(),
            digest: match &native.supply {
                // One that is no digest is a problem of the plan's.
                Supply::Download(it) => it.sha256.get(triple).and_then(|pin| Digest::from_pin(pin.get_ref()).ok()),
                Supply::Nixpkgs => None,
            },
            licence: native.licence.get_ref().clone(),
            inside: matches!(native.supply, Supply::Download(_)),
        });
    let models = models(table, features).into_iter().map(|model| Input {
        name: model.name.clone(),
        version: None,
        feature: model.feature.clone(),
        digest: Some(model.sha256),
        licence: model.licence.clone(),
        inside: false,
    });
    let mut inputs: Vec<Input> = natives.chain(models).collect();
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    inputs
}

/// Which of the wanted features this machine can build for the target, and which it must leave out.
pub(super) fn features(job: &Job<'_>, triple: &Triple, wanted: &[String]) -> (Vec<String>, Vec<LeftOut>) {
    let mut on = Vec::new();
    let mut left_out = Vec::new();
    for feature in wanted {
        let mut needed = job.table.native.iter().filter(|n| n.feature.get_ref() == feature);
        match needed.find_map(|native| lacking(job, native, triple)) {
            None => on.push(feature.clone()),
            Some(reason) => left_out.push(LeftOut { feature: feature.clone(), reason }),
        }
    }
    (on, left_out)
}

/// Returns the reason why this machine lacks a native input, or `None` where it has it.
fn lacking(job: &Job<'_>, native: &Native, triple: &Triple) -> Option<String> {
    let name = native.name.get_ref();
    let Supply::Download(download) = &native.supply else { return None };
    if !download.sha256.contains_key(triple) {
        return Some(format!("there is no {name} for {triple}"));
    }
    let variable = native.env.as_ref()?;
    if job.fetched.contains_key(variable) {
        return None;
    }
    let folder = std::env::var_os(variable).map(PathBuf::from);
    match folder {
        Some(folder) if folder.is_dir() => None,
        Some(folder) => Some(format!("{variable} names {}, which is no folder", folder.display())),
        None => Some(format!("this machine has no {name}: {variable} is not set")),
    }
}
