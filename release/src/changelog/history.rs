//! Which commits belong to which release: by reachability from the tags, as the git-cliff program decides it.

use std::collections::HashSet;
use std::path::Path;

use git_cliff_core::commit::{Commit, Range};
use git_cliff_core::config::Config;
use git_cliff_core::release::Release;
use git_cliff_core::repo::Repository;
use git_cliff_core::tag::Tag;
use indexmap::IndexMap;
use semver::Version;

use super::{Error, Request, cannot};
use crate::git::Checkout;

/// Tags by the id of their commit, oldest first.
type Tags = IndexMap<String, Tag>;

/// Releases, oldest first, and what came before the last one.
pub(super) struct History {
    /// What git-cliff renders.
    pub(super) releases: Vec<Release<'static>>,
    /// The tag before the last release.
    pub(super) previous: Option<String>,
    /// The highest version among the last release's predecessors.
    pub(super) base: Option<Version>,
}

impl History {
    /// Everything that HEAD's history holds.
    pub(super) fn whole(root: &Path, config: &Config, upcoming: Option<&str>) -> Result<Self, Error> {
        let checkout = Checkout::open(root)?;
        let repository = open(root)?;
        let mut tags = tags_within(&checkout, &repository, config, &checkout.commit())?;
        if let Some(tag) = upcoming
            && !tags.contains_key(&checkout.commit())
            && !tags.values().any(|known| known.name == tag)
        {
            tags.insert(checkout.commit(), repository.resolve_tag(tag));
        }
        Self::walk(&repository, config, &tags, None)
    }

    /// One release: the commits from the tag before it up to its own.
    pub(super) fn of_release(root: &Path, config: &Config, request: &Request) -> Result<Self, Error> {
        let checkout = Checkout::open(root)?;
        let repository = open(root)?;
        let end = match request {
            Request::Upcoming(_) => checkout.commit(),
            Request::Tagged(tag) => {
                let missing = || Error::NoTag { tag: tag.clone(), root: root.to_owned() };
                checkout.tags()?.remove(tag).ok_or_else(missing)?
            }
        };
        let mut tags = tags_within(&checkout, &repository, config, &end)?;
        tags.shift_remove(&end);
        let range = tags.last().map_or_else(|| end.clone(), |(before, _)| format!("{before}..{end}"));
        tags.insert(end, repository.resolve_tag(request.tag()));
        Self::walk(&repository, config, &tags, Some(&range))
    }

    fn walk(repository: &Repository, config: &Config, tags: &Tags, range: Option<&str>) -> Result<Self, Error> {
        let order = config.git.topo_order_commits;
        let mut commits = repository.commits(range, None, None, order).map_err(cannot("walk the history"))?;
        repository.filter_git_blame_ignore_revs(&mut commits);
        let ids: HashSet<_> = commits.iter().map(git2::Commit::id).collect();
        let owners = repository.commit_tag_ownership(tags, &ids).map_err(cannot("walk the history"))?;
        let mut releases: Vec<Release<'static>> = Vec::new();
        // The last tag before the range: only its name is needed, for the comparison.
        let mut before_all = None;
        for (id, tag) in tags {
            let owned = commits.iter().rev().filter(|c| owners.get(&c.id()) == Some(id));
            if let Some(release) = release(owned, Some((id, tag)), releases.last().or(before_all.as_ref())) {
                releases.push(release);
            } else if releases.is_empty() {
                let (version, commit_id) = (Some(tag.name.clone()), Some(id.clone()));
                before_all = Some(Release { version, commit_id, ..Release::default() });
            }
        }
        let open = commits.iter().rev().filter(|c| !owners.contains_key(&c.id()));
        let last = release(open, None, releases.last().or(before_all.as_ref()));
        releases.extend(last);
        let previous = releases.last().and_then(|r| r.previous.as_ref()).and_then(|r| r.version.clone());
        let before =
            tags.values().rev().skip(1).filter_map(|tag| Version::parse(tag.name.trim_start_matches('v')).ok());
        Ok(Self { previous, base: before.max(), releases })
    }
}

/// A release of these commits, oldest first; `None` where there are none.
fn release<'c>(
    commits: impl Iterator<Item = &'c git2::Commit<'c>>,
    tag: Option<(&String, &Tag)>,
    before: Option<&Release<'static>>,
) -> Option<Release<'static>> {
    let mut commits: Vec<&git2::Commit<'_>> = commits.collect();
    // The tagged commit is the release's tip, whatever the walk's order was.
    commits.sort_by_key(|commit| tag.is_some_and(|(id, _)| commit.id().to_string() == *id));
    let tip = commits.last()?;
    let (id, time) = (tip.id().to_string(), tip.time().seconds());
    let commits: Vec<Commit<'static>> = commits.into_iter().map(Commit::from).collect();
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

fn open(root: &Path) -> Result<Repository, Error> {
    Repository::init(root.to_owned()).map_err(cannot("open the repository"))
}

/// The tags of releases whose commits `end`'s history contains.
fn tags_within(checkout: &Checkout, repository: &Repository, config: &Config, end: &str) -> Result<Tags, Error> {
    let pattern = &config.git.tag_pattern;
    let mut tags = repository.tags(pattern, config.git.topo_order, false).map_err(cannot("list the tags"))?;
    if config.git.use_branch_tags {
        let mut inside = HashSet::new();
        for id in tags.keys() {
            if checkout.contains(end, id)? {
                inside.insert(id.clone());
            }
        }
        tags.retain(|id, _| inside.contains(id));
    }
    Ok(tags)
}
