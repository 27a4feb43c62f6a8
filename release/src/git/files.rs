//! The files of the working tree: which Git tracks, which differ from HEAD, and an id of what they hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{CLEAN, Checkout, Error};
use crate::atomic::At as _;
use crate::digest::Digest;
use crate::scratch::Scratch;

/// Git's mode of a submodule, a folder whose files belong to another repository.
const SUBMODULE: &str = "160000";
/// The mode of what is not there.
const ABSENT: &str = "000000";

/// The kind of a name in Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A symbolic link. In a checkout with `core.symlinks=false` a file stands there, which holds the link's target.
    Link,
    /// Another repository's commit.
    Submodule,
}

/// An entry of Git's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its place below the top folder.
    pub path: PathBuf,
    /// Its kind.
    pub kind: Kind,
}

/// A difference between HEAD, the index and the working tree.
pub(super) struct Change {
    pub(super) path: Vec<u8>,
    /// The kind of a file in the working tree, by its mode. Git has no mode for a new file.
    mode: Option<String>,
    /// A submodule with changes of its own.
    dirty_submodule: bool,
}

impl Checkout {
    /// The files that Git tracks, in its order.
    pub fn tracked(&self) -> Result<Vec<Tracked>, Error> {
        let what = "list the tracked files";
        let out = self.git.call(what, ["ls-files", "-z", "--cached", "--stage"]).output()?;
        let entry = |entry: &[u8]| {
            let (about, path) = split_at(entry, b'\t')?;
            let kind = match about.get(..6)? {
                b"120000" => Kind::Link,
                mode if mode == SUBMODULE.as_bytes() => Kind::Submodule,
                _ => Kind::File,
            };
            Some(Tracked { path: path_of(path), kind })
        };
        records(&out).map(|record| entry(record).ok_or_else(|| self.git.strange(what, record))).collect()
    }

    /// Files that Git ignores, relative to the root, also those of submodules, without those of one folder.
    pub fn ignored(&self, without: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
        let mut arguments: Vec<String> =
            ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", "."].map(str::to_owned).to_vec();
        arguments.extend(without.map(|folder| format!(":(exclude,literal){}", folder.display())));
        let out = self.git.call("list the ignored files", arguments).output()?;
        let mut files: Vec<PathBuf> = records(&out).map(path_of).collect();
        for Tracked { path, kind } in self.tracked()? {
            if kind == Kind::Submodule && self.has_submodule(&path) {
                let inner = Self::open(&self.root.join(&path))?.ignored(None)?;
                files.extend(inner.into_iter().map(|file| path.join(file)));
            }
        }
        Ok(files)
    }

    /// Files and links of the working tree as they are now, sorted, relative to the root: tracked ones that exist, those of
    /// submodules, and new ones that are not ignored.
    pub fn files(&self) -> Result<BTreeSet<PathBuf>, Error> {
        let mut files = BTreeSet::new();
        for Tracked { path, kind } in self.tracked()? {
            if kind != Kind::Submodule {
                files.insert(path);
            } else if self.has_submodule(&path) {
                let inner = Self::open(&self.root.join(&path))?.files()?;
                files.extend(inner.into_iter().map(|file| path.join(file)));
            }
        }
        let new = ["ls-files", "-z", "--others", "--exclude-standard"];
        let out = self.git.call("list the new files", new).output()?;
        files.extend(records(&out).map(path_of));
        // Neither a FIFO in a file's place nor a repository that is no submodule is content of this tree.
        files.retain(|path| is_content(&self.root.join(path)));
        Ok(files)
    }

    /// Whether a submodule was checked out; until then its folder is empty.
    pub fn has_submodule(&self, path: &Path) -> bool {
        self.root.join(path).join(".git").exists()
    }

    /// `clean`, or a content id: 16 hex digits of the id that Git would give to the tree if all of it were committed.
    pub fn tree(&self) -> Result<String, Error> {
        let changes = self.changes()?;
        if changes.is_empty() { Ok(CLEAN.to_owned()) } else { self.content_id(&changes) }
    }

    pub(super) fn changes(&self) -> Result<Vec<Change>, Error> {
        let what = "compare the files";
        let options = ["--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames"];
        let out = self.git.call(what, ["status"].into_iter().chain(options)).output()?;
        records(&out).map(|record| change(record).ok_or_else(|| self.git.strange(what, record))).collect()
    }

    /// Files are only hashed: no object is written into the repository, and none as large as a file anywhere.
    fn content_id(&self, changes: &[Change]) -> Result<String, Error> {
        let folder = Scratch::temporary()?;
        let (index, objects) = (folder.path().join("index"), folder.path().join("objects"));
        fs::create_dir(&objects).at("create the folder", &objects)?;
        let what = "name the content of the tree";
        let call = |arguments: &[&str]| self.git.call(what, arguments).variable("GIT_INDEX_FILE", &index);
        call(&["read-tree", "HEAD"]).output()?;
        let (there, gone): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| self.is_there(change));
        let remove = ["update-index", "--force-remove", "-z", "--stdin"];
        call(&remove).input(joined(&gone)).output()?;
        // A repository inside that is no submodule is new, and not part of this tree.
        let there: Vec<&Change> = there.into_iter().filter(|change| !change.path.ends_with(b"/")).collect();
        let add = ["update-index", "--add", "--replace", "--info-only", "-z", "--stdin"];
        call(&add).input(joined(&there)).output()?;
        let tree = call(&["write-tree", "--missing-ok"]).variable("GIT_OBJECT_DIRECTORY", &objects).line()?;
        let mut inner = String::new();
        for path in changes.iter().filter(|change| change.dirty_submodule).map(|change| &change.path) {
            let content = Self::open(&self.root.join(path_of(path)))?.tree()?;
            inner.extend([content.as_str(), " ", &String::from_utf8_lossy(path), "\0"]);
        }
        // Of a submodule the tree has the commit alone.
        let id = if inner.is_empty() { tree } else { Digest::of((tree + "\0" + &inner).as_bytes()).hex() };
        Ok(id.chars().take(16).collect())
    }

    /// Whether Git could add what the working tree has there. A FIFO, a socket or a device cannot be content.
    fn is_there(&self, change: &Change) -> bool {
        match change.mode.as_deref() {
            Some(ABSENT) => false,
            Some(SUBMODULE) => true,
            _ => change.path.ends_with(b"/") || is_content(&self.root.join(path_of(&change.path))),
        }
    }
}

fn is_content(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() || metadata.is_symlink())
}

/// One record of `git status --porcelain=v2 -z` (git-status(1), "Porcelain Format Version 2").
fn change(record: &[u8]) -> Option<Change> {
    // How many fields stand before the path, and which of them is the mode in the working tree.
    let (fields, mode) = match record.first()? {
        b'1' => (8, 5),
        b'u' => (10, 6),
        b'?' => {
            let path = record.strip_prefix(b"? ")?.to_vec();
            return Some(Change { path, mode: None, dirty_submodule: false });
        }
        _ => return None,
    };
    let parts: Vec<&[u8]> = record.splitn(fields + 1, |byte| *byte == b' ').collect();
    let (submodule, mode, path) = (parts.get(2)?, parts.get(mode)?, parts.get(fields)?);
    let dirty_submodule = submodule.first() == Some(&b'S') && submodule.iter().any(|byte| matches!(byte, b'M' | b'U'));
    Some(Change { path: path.to_vec(), mode: Some(String::from_utf8_lossy(mode).into_owned()), dirty_submodule })
}

fn records(out: &[u8]) -> impl Iterator<Item = &[u8]> {
    out.split(|byte| *byte == 0).filter(|record| !record.is_empty())
}

fn joined(changes: &[&Change]) -> Vec<u8> {
    changes.iter().flat_map(|change| change.path.iter().copied().chain([0])).collect()
}

fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Git's names are bytes; those that this system cannot have as a path are shown as well as they can be.
pub(super) fn path_of(name: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        PathBuf::from(std::ffi::OsStr::from_bytes(name))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(name).into_owned())
    }
}
