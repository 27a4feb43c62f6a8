//! The checkout, as Git sees it: its commit, its tags, its history, its files and what was changed in them. Reads only, and
//! only what lies on this machine; no remote is ever asked.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::atomic::At as _;

mod error;
mod files;
mod history;
mod program;

pub use error::Error;
pub use files::{Kind, Tracked};
pub use history::{Commit, Signature, Tag};
use program::Git;

/// The value of `tree` for a working tree without changes.
pub const CLEAN: &str = "clean";

/// The variable that replaces the commit's time (reproducible-builds.org, "`SOURCE_DATE_EPOCH`").
pub const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// A Git working tree with at least one commit.
#[derive(Debug)]
pub struct Checkout {
    git: Git,
    root: PathBuf,
    head: String,
    head_time: i64,
    shallow: bool,
}

/// The time of a release: what `SOURCE_DATE_EPOCH` says, else the commit's.
pub fn time_or(epoch: Option<&OsStr>, commit_time: i64) -> Result<i64, Error> {
    let Some(value) = epoch else { return Ok(commit_time) };
    let time = value.to_str().and_then(|text| text.parse().ok()).filter(|time: &i64| *time >= 0);
    time.ok_or_else(|| Error::Epoch { value: value.to_string_lossy().into_owned() })
}

/// The same of the tree at `root`, which needs no Git where the variable is set.
pub fn time_of(root: &Path) -> Result<i64, Error> {
    if let Some(value) = std::env::var_os(EPOCH) {
        return time_or(Some(&value), 0);
    }
    match Checkout::open(root) {
        // Sources that were unpacked inside of another repository are not of its commit.
        Err(Error::NotACheckout { root } | Error::NotTheTop { root, .. }) => Err(Error::NoTime { root }),
        other => Ok(other?.head_time),
    }
}

/// A time for people, with its number: what differs may be a fraction of a second or fifty years.
pub fn when(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| format!("{seconds} ({time})"))
}

impl Checkout {
    /// Opens the checkout whose top folder is `root`: a clone, or a further working tree of one.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let git = Git::find(root)?;
        let root = root.to_owned();
        let shallow = at_the_top(&git, &root)?;
        let what = "find HEAD";
        let head = git.call(what, ["log", "-1", "--no-show-signature", "--format=%H %ct", "HEAD", "--"]).answer()?;
        if !head.success {
            let any = git.call(what, ["rev-parse", "--verify", "--quiet", "HEAD"]).answer()?;
            return Err(if any.success { git.error(what, head.said) } else { Error::NoCommit { root } });
        }
        let text = String::from_utf8_lossy(&head.out);
        let parts = text.trim().split_once(' ').and_then(|(id, time)| Some((id.to_owned(), time.parse().ok()?)));
        let (head, head_time) = parts.ok_or_else(|| git.strange(what, &head.out))?;
        Ok(Self { git, root, head, head_time, shallow })
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The full id of HEAD's commit.
    pub fn commit(&self) -> String {
        self.head.clone()
    }

    /// HEAD's commit time in seconds since 1970.
    pub fn commit_time(&self) -> i64 {
        self.head_time
    }

    /// The release's time in seconds since 1970: HEAD's commit time, where `SOURCE_DATE_EPOCH` does not say another.
    pub fn time(&self) -> Result<i64, Error> {
        time_or(std::env::var_os(EPOCH).as_deref(), self.head_time)
    }

    /// Every tag and the full id of the commit it leads to, through annotated tags too. Tags of other things are left out.
    pub fn tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let tags = self.tags_within(None)?;
        Ok(tags.into_iter().map(|tag| (tag.name, tag.commit)).collect())
    }

    /// Whether the clone leaves out old commits, so that tags and notes cannot be trusted.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Files that differ from HEAD, sorted, with `/` between folders: changed, staged, removed, and new ones that are not
    /// ignored.
    pub fn changed(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<Vec<u8>> = self.changes()?.into_iter().map(|change| change.path).collect();
        names.sort();
        names.dedup();
        Ok(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }
}

/// Whether the clone is shallow; an error where `root` is not the top folder of a working tree.
fn at_the_top(git: &Git, root: &Path) -> Result<bool, Error> {
    let what = "find the top of the checkout";
    let questions = ["rev-parse", "--is-bare-repository", "--is-shallow-repository", "--show-toplevel"];
    let answer = git.call(what, questions).answer()?;
    let root = root.to_owned();
    // A folder's name may have line ends in it: it comes last.
    let mut lines = answer.out.splitn(3, |byte| *byte == b'\n');
    let (bare, shallow) = (lines.next() == Some(b"true"), lines.next() == Some(b"true"));
    if bare {
        return Err(Error::Bare { root });
    }
    if !answer.success {
        let said = answer.said;
        return Err(match &said {
            said if said.contains("not a git repository") => Error::NotACheckout { root },
            said if said.contains("safe.directory") => Error::Owner { root },
            _ => git.error(what, said),
        });
    }
    let top = lines.next().and_then(|line| line.strip_suffix(b"\n"));
    let top = files::path_of(top.ok_or_else(|| git.strange(what, &answer.out))?);
    let same = fs::canonicalize(&root).at("look at", &root)? == fs::canonicalize(&top).at("look at", &top)?;
    if same { Ok(shallow) } else { Err(Error::NotTheTop { root, top }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_wins_over_the_commit_and_must_be_a_time() {
        assert_eq!(time_or(None, 7).unwrap(), 7);
        assert_eq!(time_or(Some(OsStr::new("1700000000")), 7).unwrap(), 1_700_000_000);
        for wrong in ["", "yesterday", "-1", "1.5", " 3"] {
            let error = time_or(Some(OsStr::new(wrong)), 7).unwrap_err();
            assert!(error.to_string().contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
