//! The destinations of a run.

use std::path::Path;

use crate::forge::Forge;
use crate::registry::Registry;

/// Destinations of a run: one forge and any number of registries, opened by the caller.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "trait objects of the caller's")]
pub struct Destinations<'a> {
    /// The forge.
    pub forge: &'a dyn Forge,
    /// The registries, one track each.
    pub registries: &'a [&'a dyn Registry],
    /// These are the table's own: nothing but a release's parts is accepted, and all of it is attested.
    pub is_project_origin: bool,
    /// The roots that attestations are traced back to, where the built-in ones are too old.
    pub trusted_root: Option<&'a Path>,
}
