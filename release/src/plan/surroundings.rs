//! Settings of this machine that would change the bytes of a release, and are in no commit.

use std::path::Path;

use super::problem::Problem;
use crate::atomic::PathError;
use crate::cargo::{self, OUTSIDE, Outside, listed};
use crate::git::{Checkout, EPOCH, when};

/// Configuration of Cargo outside of the tree.
pub(super) fn configuration(root: &Path) -> Result<Option<Problem>, PathError> {
    let Some(home) = cargo::home() else { return Ok(None) };
    let settings = Outside::of(root, &home)?.changing;
    Ok((!settings.is_empty()).then(|| {
        let message = format!("Cargo reads what is not in this tree and changes what it builds: {}", listed(&settings));
        Problem::new("cargo-config", message).hint(OUTSIDE)
    }))
}

/// A time of the environment that is not the commit's.
pub(super) fn time(checkout: &Checkout, time: i64) -> Option<Problem> {
    let commit = checkout.commit_time();
    (time != commit).then(|| {
        let message = format!(
            "{EPOCH} is {}, the commit's time is {}: archives and images get the first",
            when(time),
            when(commit)
        );
        let hint = format!("`unset {EPOCH}`; shells of Nix set it to 315532800");
        Problem::new("epoch", message).hint(hint)
    })
}
