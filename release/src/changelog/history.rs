//! Which commits belong to which release: by reachability from the tags, as the git-cliff program decides it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use git_cliff_core::commit::{Commit, Range, Signature};
use git_cliff_core::config::Config;
use git_cliff_core::release::Release;
use git_cliff_core::tag::Tag;
use indexmap::IndexMap;
use semver::Version;

use super::{Error, Request, reverts};
use crate::atomic::At as _;
use crate::git::{self, Checkout};
use crate::name;
use crate::public::Public;
use crate::table::Table;

/// The list of commits that `git blame` passes over, and git-cliff too.
const PASSED_OVER: &str = ".git-blame-ignore-revs";

/// Tags by the id of their commit, oldest first.
type Tags = IndexMap<String, Tag>;

/// A merge and the ids of the commits that it brought.
#[derive(Debug)]
pub(super) struct Merge {
    pub(super) id: String,
    pub(super) brought: HashSet<String>,
}

/// Releases, oldest first, and what came before the last one.
pub(super) struct History {
    /// The releases that git-cliff renders.
    pub(super) releases: Vec<Release<'static>>,
    /// The tag before the last release.
    pub(super) previous: Option<String>,
    /// The highest version among the last release's predecessors.
    pub(super) base: Option<Version>,
    /// Commits of the last release that were reverted within it, and their reverts.
    pub(super) cancelled: Vec<git::Commit>,
    /// The merges of the last release, oldest first.
    pub(super) merges: Vec<Merge>,
}

impl History {
    /// Everything that HEAD's history holds.
    pub(super) fn whole(root: &Path, boundaries: &Boundaries<'_>, upcoming: Option<&str>) -> Result<Self, Error> {
        let checkout = Checkout::open(root)?;
        let head = checkout.commit();
        let mut tags = boundaries.within(&checkout, &head)?;
        if let Some(tag) = upcoming
            && !tags.contains_key(&head)
            && !tags.values().any(|known| known.name == tag)
        {
            tags.insert(head.clone(), Tag { name: tag.to_owned(), message: None });
        }
        Self::walk(&checkout, boundaries.config, &tags, &head, None)
    }

    /// One release: the commits from the tag before it up to its own.
    pub(super) fn of_release(root: &Path, boundaries: &Boundaries<'_>, request: &Request) -> Result<Self, Error> {
        let checkout = Checkout::open(root)?;
        let known = checkout.tags_within(None)?.into_iter().find(|tag| tag.name == request.tag());
        let (end, message) = match (request, known) {
            (Request::Upcoming(_), known) => (checkout.commit(), known.and_then(|tag| tag.message)),
            (Request::Tagged(_), Some(tag)) => (tag.commit, tag.message),
            (Request::Tagged(tag), None) => {
                return Err(Error::NoTag { tag: tag.clone(), root: root.to_owned() });
            }
        };
        let mut tags = boundaries.within(&checkout, &end)?;
        tags.shift_remove(&end);
        let before = tags.last().map(|(before, _)| before.clone());
        tags.insert(end.clone(), Tag { name: request.tag().to_owned(), message });
        Self::walk(&checkout, boundaries.config, &tags, &end, before.as_deref())
    }

    /// The releases among the commits that `end` has and `before` has not.
    fn walk(checkout: &Checkout, config: &Config, tags: &Tags, end: &str, before: Option<&str>) -> Result<Self, Error> {
        let commits = checkout.commits(end, before, config.git.topo_order_commits)?;
        let passed_over = passed_over(checkout, &commits)?;
        let owners = owners(&commits, tags.keys().filter(|id| !passed_over.contains(*id)));
        let counted: Vec<&git::Commit> = commits.iter().rev().filter(|c| !passed_over.contains(&c.id)).collect();
        let of = |owner: Option<&String>| {
            let owned = counted.iter().copied().filter(|c| owners.get(c.id.as_str()).copied() == owner);
            owned.collect::<Vec<_>>()
        };
        let mut releases: Vec<Release<'static>> = Vec::new();
        // The last tag before the range: only its name is needed, for the comparison.
        let mut before_all = None;
        for (id, tag) in tags {
            if let Some(release) = release(of(Some(id)), Some((id, tag)), releases.last().or(before_all.as_ref())) {
                releases.push(release);
            } else if releases.is_empty() {
                let (version, commit_id) = (Some(tag.name.clone()), Some(id.clone()));
                before_all = Some(Release { version, commit_id, ..Release::default() });
            }
        }
        let end = tags.last().filter(|(id, _)| *id == end);
        let exists = |id: &str| checkout.has_commit(id);
        let latest = of(end.map(|(id, _)| id));
        let cancelled = reverts::cancelled(&latest, &exists).into_iter().cloned().collect();
        let merges = latest.iter().filter(|commit| commit.parents.len() > 1);
        let merge = |commit: &&git::Commit| Merge { id: commit.id.clone(), brought: reverts::merged(&latest, commit) };
        let merges = merges.map(merge).collect();
        let last = release(of(None), None, releases.last().or(before_all.as_ref()));
        releases.extend(last);
        let previous = releases.last().and_then(|r| r.previous.as_ref()).and_then(|r| r.version.clone());
        let before =
            tags.values().rev().skip(1).filter_map(|tag| Version::parse(tag.name.trim_start_matches('v')).ok());
        Ok(Self { previous, base: before.max(), cancelled, merges, releases })
    }
}

/// The tag that each commit belongs to: of those whose history has it, the first of `tags`. Tags outside of these commits
/// bound nothing.
fn owners<'a>(commits: &'a [git::Commit], tags: impl Iterator<Item = &'a String>) -> HashMap<&'a str, &'a String> {
    let parents: HashMap<&str, &[String]> = commits.iter().map(|c| (c.id.as_str(), c.parents.as_slice())).collect();
    let mut owners = HashMap::new();
    for tag in tags {
        let mut waiting = vec![tag.as_str()];
        while let Some(id) = waiting.pop() {
            let Some((id, parents)) = parents.get_key_value(id) else { continue };
            // Whatever can be reached from here has an owner too.
            if owners.contains_key(id) {
                continue;
            }
            owners.insert(*id, tag);
            waiting.extend(parents.iter().map(String::as_str));
        }
    }
    owners
}

/// The commits that the list names, and those that write nothing but the list.
fn passed_over(checkout: &Checkout, commits: &[git::Commit]) -> Result<HashSet<String>, Error> {
    let path = checkout.root().join(PASSED_OVER);
    if !path.is_file() {
        return Ok(HashSet::new());
    }
    let text = fs::read_to_string(&path).at("read", &path)?;
    let named: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if named.is_empty() {
        return Ok(HashSet::new());
    }
    let mut found = checkout.changing_only(commits, PASSED_OVER)?;
    let is_named = |id: &str| named.iter().any(|begin| id.starts_with(begin));
    found.extend(commits.iter().filter(|c| is_named(&c.id)).map(|c| c.id.clone()));
    Ok(found)
}

/// A release of these commits, oldest first; `None` where there are none.
fn release(
    mut commits: Vec<&git::Commit>,
    tag: Option<(&String, &Tag)>,
    before: Option<&Release<'static>>,
) -> Option<Release<'static>> {
    // The tagged commit is the release's tip, whatever the walk's order was.
    commits.sort_by_key(|commit| tag.is_some_and(|(id, _)| commit.id == *id));
    let tip = commits.last()?;
    let (id, time) = (tip.id.clone(), tip.committer.time);
    let commits: Vec<Commit<'static>> = commits.into_iter().map(commit).collect();
    let range = commits.first().zip(commits.last()).map(|(first, last)| Range::new(first, last));
    let previous = before.map(|release| Box::new(Release { previous: None, ..release.clone() }));
    Some(Release {
        version: tag.map(|(_, tag)| tag.name.clone()),
        message: tag.and_then(|(_, tag)| tag.message.clone()),
        commits,
        commit_id: Some(id),
        timestamp: Some(time),
        previous,
        commit_range: range,
        ..Release::default()
    })
}

/// A commit as git-cliff has it.
fn commit(commit: &git::Commit) -> Commit<'static> {
    let signature = |who: &git::Signature| Signature {
        name: Some(who.name.clone()),
        email: Some(who.email.clone()),
        timestamp: who.time,
    };
    Commit {
        id: commit.id.clone(),
        message: commit.message.clone(),
        author: signature(&commit.author),
        committer: signature(&commit.committer),
        merge_commit: commit.parents.len() > 1,
        ..Commit::default()
    }
}

/// Which tags part one release from the next.
pub(super) struct Boundaries<'a> {
    pub(super) config: &'a Config,
    pub(super) table: Option<&'a Table>,
    pub(super) public: &'a Public,
}

impl Boundaries<'_> {
    /// The tags of releases, oldest first; with `use_branch_tags` those whose commits `end`'s history has.
    fn within(&self, checkout: &Checkout, end: &str) -> Result<Tags, Error> {
        let git = &self.config.git;
        let mut tags = checkout.tags_within(git.use_branch_tags.then_some(end))?;
        tags.retain(|tag| self.counts(&tag.name));
        if !git.topo_order {
            let commits: Vec<&str> = tags.iter().map(|tag| tag.commit.as_str()).collect();
            let times = checkout.times(&commits)?;
            tags.sort_by_key(|tag| times.get(&tag.commit).copied());
        }
        Ok(tags.into_iter().map(|tag| (tag.commit, Tag { name: tag.name, message: tag.message })).collect())
    }

    /// By `cliff.toml`, by the table, and as far as it is known because its version is public.
    fn counts(&self, tag: &str) -> bool {
        let git = &self.config.git;
        let named = git.tag_pattern.as_ref().is_none_or(|pattern| pattern.is_match(tag));
        let ignored = git.ignore_tags.as_ref().is_some_and(|pattern| pattern.is_match(tag))
            || self.table.is_some_and(|table| table.release.ignores(tag));
        named && !ignored && !name::Tag::version_of(tag).is_some_and(|version| self.public.lacks(&version))
    }
}
