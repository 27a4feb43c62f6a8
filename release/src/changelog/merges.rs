//! Merges whose title says more than what they merge.

use std::collections::{HashMap, HashSet};

use git_cliff_core::changelog::Changelog;
use git_cliff_core::commit::Commit;
use git_cliff_core::config::Config;

use super::history::{History, Merge};
use super::{Error, HIDDEN, OTHER, UNLISTED, body_only, cannot};

/// The beginning of the titles that Git and forges give a merge.
const PLAIN: &str = "Merge ";

/// Lists the titles of merges of the last release where nothing that they merge is listed under a heading of its kind, and
/// gives the commits that the title stands for: what they merge and is in no conventional form.
pub(super) fn told(history: &mut History, config: &Config) -> Result<Vec<String>, Error> {
    let Some(last) = history.releases.last() else { return Ok(Vec::new()) };
    let titles: HashMap<&str, &Commit<'static>> = last.commits.iter().map(|c| (c.id.as_str(), c)).collect();
    let says = |merge: &&Merge| titles.get(merge.id.as_str()).is_some_and(|commit| !commit.message.starts_with(PLAIN));
    let candidates: Vec<&Merge> = history.merges.iter().filter(says).collect();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let changelog = Changelog::new(vec![last.clone()], body_only(config.clone()), None);
    let changelog = changelog.map_err(cannot("read the commits"))?;
    let commits = changelog.releases.iter().flat_map(|release| &release.commits);
    let mut groups: HashMap<&str, &str> =
        commits.filter_map(|commit| Some((commit.id.as_str(), commit.group.as_deref()?))).collect();
    let (mut told, mut stood_for) = (HashSet::new(), Vec::new());
    // The oldest first: a title inside of a merged branch is one that is listed.
    for Merge { id, brought } in candidates {
        let of = |id: &&String| groups.get(id.as_str()).copied().unwrap_or(HIDDEN);
        let others: Vec<&String> = brought.iter().filter(|id| of(id) == OTHER).collect();
        let listed = brought.iter().any(|id| ![HIDDEN, UNLISTED, OTHER].contains(&of(&id)));
        let conventional = titles.get(id.as_str()).is_some_and(|title| (*title).clone().into_conventional().is_ok());
        if listed || !(conventional || others.is_empty()) {
            continue;
        }
        for other in &others {
            groups.insert(other.as_str(), UNLISTED);
        }
        stood_for.extend(others.into_iter().cloned());
        groups.insert(id.as_str(), "listed");
        told.insert(id.clone());
    }
    for commit in history.releases.last_mut().into_iter().flat_map(|release| &mut release.commits) {
        // The rule for merges in `cliff.toml` passes by it then, and the title counts as that of any commit.
        commit.merge_commit &= !told.contains(&commit.id);
    }
    Ok(stood_for)
}
