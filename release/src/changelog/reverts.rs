//! Commits that were taken back before anybody saw them: neither they nor their reverts have a place in a release's notes.

use std::collections::{HashMap, HashSet};

use crate::git::Commit;

/// The beginning of lines that name ids, as `git revert` writes them; with an `s` for several.
const BY_ID: &str = "this reverts commit";
/// The footer that names them below a subject `revert: …` (conventionalcommits.org).
const REFS: &str = "refs:";

/// The reverted commits of a release and their reverts, among its commits, oldest first. `exists` says of an id that is not
/// among them whether the repository has it.
pub(super) fn cancelled<'a>(commits: &[&'a Commit], exists: &dyn Fn(&str) -> bool) -> Vec<&'a Commit> {
    let mut gone: HashSet<String> = HashSet::new();
    // The newest first: a revert that was itself reverted takes nothing back.
    for (at, revert) in commits.iter().enumerate().rev() {
        if gone.contains(&revert.id) {
            continue;
        }
        let left: Vec<&Commit> =
            commits.iter().filter(|c| c.id != revert.id && !gone.contains(&c.id)).copied().collect();
        let ids = ids(&revert.message);
        let mut found: Vec<&Commit> =
            left.iter().filter(|c| ids.iter().any(|id| c.id.starts_with(id))).copied().collect();
        // A squashed revert names no id, and one that was rebased names an id that leads nowhere.
        if !ids.iter().any(|id| left.iter().any(|c| c.id.starts_with(id)) || exists(id)) {
            let earlier = commits.get(..at).unwrap_or_default().iter().rev().filter(|c| !gone.contains(&c.id));
            found = earlier.copied().find(|c| takes_back(&revert.message, &c.message)).into_iter().collect();
        }
        for commit in &found {
            gone.extend(merged(commits, commit));
            gone.insert(commit.id.clone());
        }
        // One that takes back something older too has to be told.
        if !found.is_empty() && found.len() >= ids.len() {
            gone.insert(revert.id.clone());
        }
    }
    commits.iter().filter(|c| gone.contains(&c.id)).copied().collect()
}

/// The ids that a message says it reverts, or their begins; not that of the parent which the revert of a merge names too. They
/// stand at the begin of a line: in the middle of a sentence they are a quotation.
fn ids(message: &str) -> Vec<String> {
    let text = message.to_ascii_lowercase();
    let is_typed = text.starts_with("revert:") || text.starts_with("revert(");
    let begins = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let lists = begins.filter_map(|at| {
        let line = text.get(at..)?;
        let by_id = line.strip_prefix(BY_ID).map(|list| list.strip_prefix('s').unwrap_or(list));
        by_id.or_else(|| line.strip_prefix(REFS).filter(|_| is_typed))
    });
    lists.flat_map(listed).collect()
}

/// The ids with which a list begins: parted by blanks, ends of lines, commas and `and`.
fn listed(list: &str) -> Vec<String> {
    let words = list.split([' ', '\n', ',']).filter(|word| !word.is_empty() && *word != "and");
    let id = |word: &str| word.trim_end_matches(['.', ';']).to_owned();
    let is_id = |id: &String| id.len() >= 7 && id.bytes().all(|b| b.is_ascii_hexdigit());
    words.map(id).take_while(is_id).collect()
}

/// Whether a revert means the commit of that message, by its subject: `Revert "…"`, `Reapply "…"`, `revert: …`.
fn takes_back(revert: &str, message: &str) -> bool {
    let subject = |message: &str| message.lines().next().unwrap_or_default().trim().to_owned();
    let (revert, meant) = (subject(revert), subject(message));
    // GitHub puts the number of the pull request behind the quotation.
    let quoted = |kind: &str| {
        let rest = revert.strip_prefix(kind)?.strip_prefix(" \"")?;
        rest.rfind('"').and_then(|end| rest.get(..end)).map(str::to_owned)
    };
    if let Some(quoted) = quoted("Revert") {
        return meant == quoted;
    }
    if let Some(quoted) = quoted("Reapply") {
        return meant.starts_with(&format!("Revert \"{quoted}\""));
    }
    let plain = revert.split_once(": ").filter(|(kind, _)| *kind == "revert" || kind.starts_with("revert("));
    plain.is_some_and(|(_, rest)| meant == rest.trim())
}

/// Returns the commits of a merge that its first parent does not have.
pub(super) fn merged(commits: &[&Commit], merge: &Commit) -> HashSet<String> {
    let parents: HashMap<&str, &[String]> = commits.iter().map(|c| (c.id.as_str(), c.parents.as_slice())).collect();
    let reach = |from: &[String]| {
        let mut found: HashSet<String> = HashSet::new();
        let mut waiting: Vec<&String> = from.iter().collect();
        while let Some(id) = waiting.pop() {
            let Some((id, parents)) = parents.get_key_value(id.as_str()) else { continue };
            if found.insert((*id).to_owned()) {
                waiting.extend(parents.iter());
            }
        }
        found
    };
    let [first, others @ ..] = merge.parents.as_slice() else { return HashSet::new() };
    if others.is_empty() {
        return HashSet::new();
    }
    let before = reach(std::slice::from_ref(first));
    reach(others).into_iter().filter(|id| !before.contains(id)).collect()
}
