//! Tag, version and commit: whether this checkout is the one that the tag means, and whether the version may follow those
//! that were released before. Pure functions over what Git and Cargo said.

use std::collections::BTreeMap;

use semver::Version;

use super::package::Package;
use super::problem::Problem;
use crate::changelog::{Asked, Notes};
use crate::name::{Tag, short};
use crate::public::{self, Public};
use crate::table::Release;

/// The tags around HEAD.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// Full id.
    pub(super) commit: &'a str,
    /// Every tag and its commit.
    pub(super) tags: &'a BTreeMap<String, String>,
    /// The tag that was named on the command line.
    pub(super) named: Option<&'a str>,
    /// `v` and the package's version.
    pub(super) expected: &'a str,
    /// The table's word on tags.
    pub(super) release: &'a Release,
}

impl Head<'_> {
    /// Whether the expected tag is on HEAD.
    pub(super) fn is_tagged(&self) -> bool {
        self.tags.get(self.expected).is_some_and(|commit| commit == self.commit)
    }

    /// The tag against the package's version, and HEAD against the tag's commit.
    pub(super) fn check(&self, package: &Package, notes: &Notes) -> Vec<Problem> {
        let mut problems = Vec::new();
        let is_version = |tag: &str| self.release.version_of_tag(tag).is_some();
        let here = || self.tags.iter().filter(|(tag, commit)| *commit == self.commit && is_version(tag));
        let tag = match self.named {
            Some(tag) => Some(tag),
            None if self.is_tagged() => Some(self.expected),
            None => here().map(|(tag, _)| tag.as_str()).max_by_key(|tag| Tag::version_of(tag)),
        };
        if let Some(tag) = tag {
            problems.extend(self.against_package(tag, package));
        }
        let elsewhere = self.tags.get(tag.unwrap_or(self.expected)).filter(|commit| *commit != self.commit);
        if let Some(commit) = elsewhere {
            problems.push(self.elsewhere(tag.unwrap_or(self.expected), commit, package, notes));
        } else if tag.is_none() {
            let expected = self.expected;
            problems.push(Problem::new("head-untagged", "HEAD carries no release tag").hint(format!(
                "when all else is right: `git tag -a {expected} -m {expected} && git push origin {expected}`"
            )));
        }
        problems
    }

    fn against_package(&self, tag: &str, package: &Package) -> Option<Problem> {
        let expected = self.expected;
        match Tag::version_of(tag) {
            None => Some(
                Problem::new("tag-form", format!("the tag {tag:?} is not `v` and a SemVer version"))
                    .hint(format!("the tag of this version is {expected}")),
            ),
            Some(version) if version != package.version => Some(
                Problem::new("tag-version", format!("the tag is {tag}, but Cargo.toml says {}", package.version))
                    .hint(format!("tag it {expected}, or set the version to {version} in Cargo.toml and Cargo.lock")),
            ),
            Some(_) => None,
        }
    }

    fn elsewhere(&self, tag: &str, commit: &str, package: &Package, notes: &Notes) -> Problem {
        let spent = &package.version;
        let next = Version::new(spent.major, spent.minor, spent.patch + u64::from(spent.pre.is_empty()));
        let asked = notes.asked.as_ref().map_or(&next, |asked| (&asked.version).max(&next));
        let message = format!("{tag} is the tag of commit {}, but HEAD is {}", short(commit), short(self.commit));
        Problem::new("head-not-tagged", message).hint(format!(
            "`git checkout {tag}` to release that commit, or raise the version to {asked} to release this one; a tag is never \
             moved"
        ))
    }

    /// Facts that need no action: a tag that is assumed, or that does not exist yet.
    pub(super) fn facts(&self) -> Vec<Problem> {
        let expected = self.expected;
        match self.named {
            None if !self.is_tagged() => {
                vec![Problem::new(
                    "tag-assumed",
                    format!("no tag was named and none is on HEAD: {expected} is assumed"),
                )]
            }
            Some(tag) if !self.tags.contains_key(tag) => {
                vec![Problem::new("tag-missing", format!("the tag {tag} does not exist yet"))]
            }
            _ => Vec::new(),
        }
    }
}

/// Cargo.lock against Cargo.toml.
pub(super) fn check_lock(package: &Package) -> Option<Problem> {
    let (name, version) = (&package.name, &package.version);
    let Some(locked) = &package.locked else {
        let hint = "run `cargo generate-lockfile` and commit Cargo.lock: releases are built with --locked";
        return Some(Problem::new("lock-missing", "there is no Cargo.lock").hint(hint));
    };
    let hint = "run `cargo update --workspace --offline` and commit Cargo.lock";
    match locked.members.get(name) {
        Some(found) if found == version => None,
        Some(found) => {
            let message = format!("Cargo.toml says {name} {version}, but Cargo.lock says {found}");
            Some(Problem::new("lock-version", message).hint(hint))
        }
        None => Some(Problem::new("lock-version", format!("Cargo.lock does not know the package {name}")).hint(hint)),
    }
}

/// The versions that this one is held against.
#[derive(Debug)]
pub(super) struct Released {
    /// Whether they are public; else they have a tag, and that is all that is known.
    is_known: bool,
    /// Those that it may not be below: what is public, else what HEAD's history has.
    before: Vec<Version>,
    /// Those that may keep `latest`: what is public, else every tag.
    all: Vec<Version>,
    /// Those that have nothing but a tag.
    tagged_alone: Vec<Version>,
}

impl Released {
    pub(super) fn new(public: &Public, before: Vec<Version>, tagged: Vec<Version>) -> Self {
        match public {
            Public::Unknown(_) => Self { is_known: false, before, all: tagged, tagged_alone: Vec::new() },
            Public::Known(versions) => {
                let stable: Vec<Version> = versions.iter().filter(|v| v.pre.is_empty()).cloned().collect();
                let tagged_alone = tagged.into_iter().filter(|v| !versions.contains(v)).collect();
                Self { is_known: true, before: stable.clone(), all: stable, tagged_alone }
            }
        }
    }

    /// The versions that have a tag and are not public, but for the one that is planned.
    pub(super) fn not_counted(&self, version: &Version) -> Option<Problem> {
        let others: Vec<&Version> = self.tagged_alone.iter().filter(|other| *other != version).collect();
        public::not_counted(&others).map(|sentence| Problem::new("tag-not-public", sentence))
    }
}

/// Compares this version with those that were released so far.
#[derive(Debug)]
pub(super) struct Order {
    /// Whether `latest` moves to it.
    pub(super) latest: bool,
    /// It is below one of its line.
    pub(super) problem: Option<Problem>,
    /// It is a back-port.
    pub(super) fact: Option<Problem>,
}

/// Holds a version against the stable ones that were released: it must be above all of its line. A line is `1.2`; a
/// version that begins a line must be above all of `1`.
pub(super) fn order(version: &Version, released: &Released) -> Order {
    let before = || released.before.iter().filter(|v| *v != version);
    let same_line = |other: &&Version| (other.major, other.minor) == (version.major, version.minor);
    let same_major = |other: &&Version| other.major == version.major;
    let line = before().filter(same_line).max().or_else(|| before().filter(same_major).max());
    let highest = released.all.iter().max().filter(|other| *other > version);
    let latest = version.pre.is_empty() && highest.is_none();
    if let Some(above) = line.filter(|other| *other > version) {
        let next = Version::new(above.major, above.minor, above.patch + 1);
        let hint = format!("the next version of that line is {next}; versions never go back");
        let (state, hint) = if released.is_known {
            ("public", hint)
        } else {
            ("tagged", hint + ", but what was never public does not count where `plan --tag` can ask the forge")
        };
        let message = format!("{version} is below {above}, which is {state} already");
        return Order { latest, problem: Some(Problem::new("version-order", message).hint(hint)), fact: None };
    }
    let fact = highest.map(|other| {
        let message = if released.is_known {
            format!("{version} is a back-port: {other} is public, so `latest` stays where it is")
        } else {
            format!(
                "{version} is a back-port if {other} is public, which has a Git tag: `latest` then stays where it is"
            )
        };
        Problem::new("back-port", message)
    });
    Order { latest, problem: None, fact }
}

/// Warns where the notes begin at a version that may not be public.
pub(super) fn since(public: &Public, notes: &Notes) -> Option<Problem> {
    let (Public::Unknown(reason), Some(tag)) = (public, &notes.previous) else { return None };
    let message = format!("the notes go back to the tag {tag}; whether it is public is not known: {reason}");
    Some(Problem::new("notes-since-tag", message))
}

/// A step from the version before that is smaller than the commits ask for.
pub(super) fn check_step(version: &Version, notes: &Notes) -> Option<Problem> {
    let Asked { version: asked, commits } = notes.asked.as_ref()?;
    let previous = notes.previous.as_deref()?;
    let core = |v: &Version| (v.major, v.minor, v.patch);
    let is_small =
        core(version) < core(asked) && Tag::version_of(previous).is_some_and(|before| core(version) > core(&before));
    is_small.then(|| {
        let message = format!("the commits since {previous} ask for {asked}, but the version is {version}:");
        Problem::new("version-step", message).hint(format!("set the version to {asked}")).about(commits.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(list: &[&str]) -> Vec<Version> {
        list.iter().map(|v| Version::parse(v).unwrap()).collect()
    }

    fn held(version: &str, released: &Released) -> (bool, Option<String>, Option<String>) {
        let order = order(&Version::parse(version).unwrap(), released);
        (order.latest, order.problem.map(|p| p.message), order.fact.map(|p| p.kind.to_owned()))
    }

    fn against(version: &str, public: &[&str]) -> (bool, Option<String>, Option<String>) {
        let public = Public::Known(versions(public).into_iter().collect());
        held(version, &Released::new(&public, vec![], vec![]))
    }

    #[test]
    fn a_version_is_above_its_line_or_a_back_port_or_refused() {
        let back_port = Some("back-port".to_owned());
        let below = |a: &str, b: &str| Some(format!("{a} is below {b}, which is public already"));
        assert_eq!(against("0.1.0", &[]), (true, None, None));
        assert_eq!(against("0.1.0", &["0.1.0"]), (true, None, None));
        assert_eq!(against("1.3.1", &["1.2.9", "1.3.0"]), (true, None, None));
        assert_eq!(against("1.10.0", &["1.9.0"]), (true, None, None));
        assert_eq!(against("1.2.5", &["1.2.4", "1.3.0"]), (false, None, back_port.clone()));
        assert_eq!(against("1.4.0", &["1.3.0", "2.0.0"]), (false, None, back_port.clone()));
        assert_eq!(against("0.9.0", &["1.0.0"]), (false, None, back_port));
        assert_eq!(against("1.2.4", &["1.2.5", "1.3.0"]), (false, below("1.2.4", "1.2.5"), None));
        assert_eq!(against("0.1.15", &["0.1.16"]), (false, below("0.1.15", "0.1.16"), None));
        assert_eq!(against("1.2.0", &["1.3.0"]), (false, below("1.2.0", "1.3.0"), None));
    }

    #[test]
    fn pre_releases_never_become_latest_and_never_count() {
        assert_eq!(against("1.3.0-rc.1", &["1.2.0"]), (false, None, None));
        assert_eq!(against("1.2.1", &["1.2.0", "1.3.0-rc.1"]), (true, None, None));
        let below = Some("1.3.0-rc.2 is below 1.3.0, which is public already".to_owned());
        assert_eq!(against("1.3.0-rc.2", &["1.3.0"]), (false, below, None));
    }

    #[test]
    fn a_tag_counts_only_where_nothing_is_known_of_what_is_public() {
        let tagged = ["1.2.4", "1.2.9", "1.3.0"];
        let known = Public::Known(versions(&["1.2.4"]).into_iter().collect());
        let released = Released::new(&known, versions(&tagged), versions(&tagged));
        assert_eq!(held("1.2.5", &released), (true, None, None));
        let said = released.not_counted(&Version::new(1, 2, 5)).unwrap().message;
        assert_eq!(said, "the Git tags v1.3.0, v1.2.9 do not count: they are not public");
        let unknown = Public::default();
        let order = held("1.2.5", &Released::new(&unknown, versions(&tagged), versions(&tagged)));
        assert_eq!(order, (false, Some("1.2.5 is below 1.2.9, which is tagged already".to_owned()), None));
        // On a side branch.
        let order = held("1.2.5", &Released::new(&unknown, versions(&["1.2.4"]), versions(&tagged)));
        assert_eq!(order, (false, None, Some("back-port".to_owned())));
    }
}
