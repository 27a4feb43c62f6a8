//! The checkout, as Git sees it: its commit, its tags, its files and what was changed in them. Reads only, and only what
//! lies on this machine; no remote is ever asked.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository, RepositoryOpenFlags, Status, StatusOptions};
use semver::Version;

use crate::atomic::{At as _, PathError};
use crate::digest::HashingWriter;

/// What `tree` says of a working tree that holds exactly what HEAD holds.
pub const CLEAN: &str = "clean";

/// The variable that replaces the commit's time (reproducible-builds.org, "`SOURCE_DATE_EPOCH`").
pub const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// A Git working tree with at least one commit.
pub struct Checkout {
    repository: Repository,
    root: PathBuf,
    head: Oid,
    head_time: i64,
}

/// Why a folder is not a checkout that can be released from, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository begins at this folder.
    #[error("{} is not the top of a Git checkout", root.display())]
    NotACheckout {
        /// The folder.
        root: PathBuf,
        /// What Git said.
        source: git2::Error,
    },
    /// A repository without a working tree.
    #[error("{} is a bare Git repository, there are no files to release", root.display())]
    Bare {
        /// The folder.
        root: PathBuf,
    },
    /// Nothing was ever committed.
    #[error("the Git repository at {} has no commit yet", root.display())]
    NoCommit {
        /// The folder.
        root: PathBuf,
    },
    /// The folder belongs to another user and Git refuses to read it.
    #[error("Git refuses to read {}: it belongs to another user", root.display())]
    Owner {
        /// The folder.
        root: PathBuf,
        /// What Git said.
        source: git2::Error,
    },
    /// Anything else that Git could not do.
    #[error("cannot {what} in {}: {}", root.display(), source.message())]
    Git {
        /// The operation, as a verb.
        what: &'static str,
        /// The checkout.
        root: PathBuf,
        /// What Git said.
        source: git2::Error,
    },
    /// A file of the working tree.
    #[error(transparent)]
    File(#[from] PathError),
    /// No commit whose time could be taken, and no variable that says another.
    #[error("{} is not the top of a Git checkout and {EPOCH} is not set, so nothing says which time to write", root.display())]
    NoTime {
        /// The folder.
        root: PathBuf,
    },
    /// The variable's value is no time.
    #[error("{EPOCH} is {value:?}, which is not a whole number of seconds since 1970")]
    Epoch {
        /// What the variable holds.
        value: String,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotACheckout { .. } => {
                Some("run this in the top folder of a clone, or make one with `git init`".to_owned())
            }
            Self::Bare { .. } => Some("clone it, and run this in the clone".to_owned()),
            Self::NoCommit { .. } => Some("commit something first: `git add . && git commit`".to_owned()),
            Self::Owner { root, .. } => Some(format!(
                "if you trust what is in it: `git config --global --add safe.directory {}`",
                root.display()
            )),
            Self::NoTime { .. } => {
                Some(format!("set {EPOCH} to `git log -1 --format=%ct` of the commit that this tree comes from"))
            }
            Self::Epoch { .. } => Some(format!("unset {EPOCH}, or set it to `git log -1 --format=%ct`")),
            Self::Git { .. } | Self::File(_) => None,
        }
    }
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
        Err(Error::NotACheckout { root, .. }) => Err(Error::NoTime { root }),
        other => Ok(other?.head_time),
    }
}

impl fmt::Debug for Checkout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout").field("root", &self.root).field("head", &self.head).finish_non_exhaustive()
    }
}

impl Checkout {
    /// Opens the checkout whose top folder is `root`: a clone, or a further working tree of one.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let root = root.to_owned();
        let no_search = RepositoryOpenFlags::NO_SEARCH;
        let repository = match Repository::open_ext(&root, no_search, [] as [&OsStr; 0]) {
            Ok(repository) => repository,
            Err(source) if source.code() == ErrorCode::Owner => return Err(Error::Owner { root, source }),
            Err(source) => return Err(Error::NotACheckout { root, source }),
        };
        if repository.is_bare() {
            return Err(Error::Bare { root });
        }
        let head = repository.head().and_then(|head| head.peel_to_commit()).map(|c| (c.id(), c.time().seconds()));
        match head {
            Ok((head, head_time)) => Ok(Self { repository, root, head, head_time }),
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Err(Error::NoCommit { root })
            }
            Err(source) => Err(Error::Git { what: "find HEAD", root, source }),
        }
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The full id of HEAD's commit.
    pub fn commit(&self) -> String {
        self.head.to_string()
    }

    /// The release's time in seconds since 1970: HEAD's commit time, where `SOURCE_DATE_EPOCH` does not say another.
    pub fn time(&self) -> Result<i64, Error> {
        time_or(std::env::var_os(EPOCH).as_deref(), self.head_time)
    }

    /// Every tag and the full id of the commit it leads to, through annotated tags too. Tags of other things are left out.
    pub fn tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let names = self.repository.tag_names(None).map_err(self.cannot("list the tags"))?;
        let mut tags = BTreeMap::new();
        for name in names.iter().flatten().flatten() {
            let reference = self.repository.find_reference(&format!("refs/tags/{name}"));
            if let Ok(commit) = reference.and_then(|r| r.peel_to_commit()) {
                tags.insert(name.to_owned(), commit.id().to_string());
            }
        }
        Ok(tags)
    }

    /// The stable versions among the tags of the form `v1.2.3`, sorted.
    pub fn stable_versions(&self) -> Result<Vec<Version>, Error> {
        let tags = self.tags()?;
        let mut versions: Vec<Version> =
            tags.keys().filter_map(|tag| Version::parse(tag.strip_prefix('v')?).ok()).collect();
        versions.retain(|version| version.pre.is_empty());
        versions.sort();
        Ok(versions)
    }

    /// Whether the clone leaves out old commits, so that tags and notes cannot be trusted.
    pub fn is_shallow(&self) -> bool {
        self.repository.is_shallow()
    }

    /// Whether `descendant`'s history contains `ancestor`; a commit contains itself.
    pub fn contains(&self, descendant: &str, ancestor: &str) -> Result<bool, Error> {
        let id = |text: &str| Oid::from_str(text).map_err(self.cannot("find a commit"));
        let (descendant, ancestor) = (id(descendant)?, id(ancestor)?);
        let below = self.repository.graph_descendant_of(descendant, ancestor);
        Ok(descendant == ancestor || below.map_err(self.cannot("compare commits"))?)
    }

    /// Files that differ from HEAD, sorted, with `/` between folders: changed, staged, removed, and new ones that are not
    /// ignored.
    pub fn changed(&self) -> Result<Vec<String>, Error> {
        let names = self.listed(|status| status != Status::CURRENT)?;
        Ok(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Files of the working tree as they are now, sorted, relative to the root: tracked ones that exist, and new ones that
    /// are not ignored.
    pub fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let index = self.repository.index().map_err(self.cannot("read the index"))?;
        let mut names: BTreeSet<Vec<u8>> = index.iter().map(|entry| entry.path).collect();
        names.extend(self.listed(|status| status.contains(Status::WT_NEW))?);
        // A submodule is an entry too, but a folder: its files belong to another repository.
        let is_file = |path: &PathBuf| fs::symlink_metadata(self.root.join(path)).is_ok_and(|m| !m.is_dir());
        Ok(names.iter().map(|name| path_of(name)).filter(is_file).collect())
    }

    /// `clean`, or a content id: the first 16 hex digits of a SHA-256 over every file's path, mode and bytes.
    pub fn tree(&self) -> Result<String, Error> {
        if self.changed()?.is_empty() { Ok(CLEAN.to_owned()) } else { self.content_id() }
    }

    fn content_id(&self) -> Result<String, Error> {
        let mut hash = HashingWriter::new(std::io::sink());
        for file in self.files()? {
            let path = self.root.join(&file);
            let (mode, bytes) = self.content(&file)?;
            let name = file.as_os_str().as_encoded_bytes();
            let name: Vec<u8> = name.iter().map(|b| if cfg!(windows) && *b == b'\\' { b'/' } else { *b }).collect();
            // The lengths keep one file's end from being read as another's beginning.
            let head = format!("{mode} {} {} ", name.len(), bytes.len());
            let all = [head.as_bytes(), name.as_slice(), bytes.as_slice()].concat();
            hash.write_all(&all).at("hash", &path)?;
        }
        let hex = hash.finish().0.hex();
        Ok(hex.chars().take(16).collect())
    }

    /// A file's mode as Git knows it (executable, plain, link) and its bytes.
    fn content(&self, file: &Path) -> Result<(&'static str, Vec<u8>), Error> {
        let path = self.root.join(file);
        let metadata = fs::symlink_metadata(&path).at("look at", &path)?;
        if metadata.is_symlink() {
            let target = fs::read_link(&path).at("read the link", &path)?;
            return Ok(("link", target.to_string_lossy().into_owned().into_bytes()));
        }
        let bytes = fs::read(&path).at("read", &path)?;
        Ok((if self.is_executable(file, &metadata) { "executable" } else { "plain" }, bytes))
    }

    #[cfg(unix)]
    #[expect(clippy::unused_self, reason = "systems without modes ask the index")]
    fn is_executable(&self, _file: &Path, metadata: &fs::Metadata) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o100 != 0
    }

    #[cfg(not(unix))]
    fn is_executable(&self, file: &Path, _metadata: &fs::Metadata) -> bool {
        let entry = self.repository.index().ok().and_then(|index| index.get_path(file, 0));
        entry.is_some_and(|entry| entry.mode & 0o100 != 0)
    }

    fn listed(&self, wanted: impl Fn(Status) -> bool) -> Result<BTreeSet<Vec<u8>>, Error> {
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        let statuses = self.repository.statuses(Some(&mut options)).map_err(self.cannot("compare the files"))?;
        let wanted = statuses.iter().filter(|entry| wanted(entry.status()));
        Ok(wanted.map(|entry| entry.path_bytes().to_vec()).collect())
    }

    fn cannot(&self, what: &'static str) -> impl Fn(git2::Error) -> Error + '_ {
        move |source| Error::Git { what, root: self.root.clone(), source }
    }
}

/// Git's names are bytes; those that this system cannot have as a path are shown as well as they can be.
fn path_of(name: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        PathBuf::from(OsStr::from_bytes(name))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(name).into_owned())
    }
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
