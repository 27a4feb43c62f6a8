//! The native inputs that a binary links, with what the file of licences beside each says.

use std::path::PathBuf;

use super::{Error, Fetched, Job, entry, natives, nix};
use crate::licences::Linked;
use crate::part::Built;
use crate::table::{Builder, Native, Table};
use crate::triple::Triple;

/// Those of a binary that was built on this machine: each lies where it was fetched to, or where its variable says.
pub(super) fn here<'a>(table: &'a Table, features: &[String], fetched: &Fetched) -> Result<Vec<Linked<'a>>, Error> {
    let folder = |native: &Native| {
        let variable = native.env.as_ref()?;
        fetched.get(variable).cloned().or_else(|| std::env::var_os(variable).map(PathBuf::from))
    };
    let read = |native| Linked::read(native, folder(native).as_deref());
    Ok(natives(table, features).into_iter().map(read).collect::<Result<_, _>>()?)
}

/// Those of a part: what Nix built has linked the flake's outputs, which are called as the inputs are.
pub(super) fn of<'a>(job: &Job<'a>, triple: &Triple, built: &Built) -> Result<Vec<Linked<'a>>, Error> {
    match built.by {
        Builder::Cargo => here(job.table, &built.features, &job.fetched),
        Builder::Nix => {
            let target = entry(job.table, triple)?;
            let read = |native: &'a Native| {
                let folder = native.has_licences().then(|| nix::native(job, target, native.name.get_ref()));
                Ok(Linked::read(native, folder.transpose()?.as_deref())?)
            };
            natives(job.table, &built.features).into_iter().map(read).collect()
        }
    }
}
