//! Which features a machine can build, by the native inputs that it has.

use std::path::PathBuf;

use super::Job;
use crate::part::LeftOut;
use crate::table::{Native, Supply, Table};
use crate::triple::Triple;

/// The native inputs that a binary with those features links; what it loads at run time is in no archive.
pub fn natives<'a>(table: &'a Table, features: &[String]) -> Vec<&'a Native> {
    let linked = |n: &&Native| matches!(n.supply, Supply::Download(_)) && features.contains(n.feature.get_ref());
    table.native.iter().filter(linked).collect()
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

/// Why this machine lacks a native input; `None` where it lies ready.
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
