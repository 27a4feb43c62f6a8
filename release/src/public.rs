//! Which versions are public. Git's tags do not say: one may be a mistake, or spent by a release that never came about.

use std::collections::BTreeSet;

use semver::Version;

use crate::forge::Forge;
use crate::name::Tag;
use crate::table::Release;

/// So many tags are named in a sentence.
const NAMED: usize = 5;

/// The versions that a forge has released, where they are known.
#[derive(Debug, Clone)]
pub enum Public {
    /// Nothing, and why.
    Unknown(String),
    /// The versions that have a public release.
    Known(BTreeSet<Version>),
}

impl Default for Public {
    fn default() -> Self {
        Self::Unknown("no forge was asked".to_owned())
    }
}

impl Public {
    /// Asks a forge.
    pub fn on(forge: &dyn Forge, release: &Release) -> Self {
        match forge.published() {
            Ok(tags) => Self::Known(tags.iter().filter_map(|tag| release.version_of_tag(tag)).collect()),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }

    /// Whether a version is known not to be public.
    pub fn lacks(&self, version: &Version) -> bool {
        matches!(self, Self::Known(versions) if !versions.contains(version))
    }
}

/// The stable versions among the tags of Git or of a forge, sorted.
pub fn stable<'a, T: IntoIterator<Item = &'a String>>(tags: T, release: &Release) -> Vec<Version> {
    let mut versions: Vec<Version> = tags.into_iter().filter_map(|tag| release.version_of_tag(tag)).collect();
    versions.retain(|version| version.pre.is_empty());
    versions.sort();
    versions
}

/// Versions that have nothing but a Git tag, newest first, in a sentence.
pub fn not_counted(versions: &[&Version]) -> Option<String> {
    let newest: Vec<String> = versions.iter().rev().take(NAMED).map(|version| Tag::of(version).to_string()).collect();
    let more = versions.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    match newest.as_slice() {
        [] => None,
        [one] => Some(format!("the Git tag {one} does not count: it is not public")),
        several => Some(format!("the Git tags {}{more} do not count: they are not public", several.join(", "))),
    }
}
