//! Folders for unfinished work. Each is held by a lock for as long as its run lives, so that a later run can tell what a
//! stopped one has left from what another one is using.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::atomic::{At as _, PARTIAL, PathError};

/// The lock inside such a folder.
const HELD: &str = ".held";
/// The prefix of folders in the system's folder for temporary files, which other programs use too.
const OWN: &str = ".sayna-release-";
/// Between being made and being locked, something is younger than this.
const YOUNG: Duration = Duration::from_secs(60);
/// Folders in folders that are looked through for leftovers.
const DEPTH: usize = 8;

/// A temporary folder. It is removed when the value is dropped, or by the next run if this one is killed.
#[derive(Debug)]
pub struct Scratch {
    // Closed before the folder is removed, as Windows removes no open file.
    _lock: File,
    folder: TempDir,
}

impl Scratch {
    /// A folder in `folder`, which is made where it is missing. What stopped runs have left there is removed.
    pub fn new_in(folder: &Path) -> Result<Self, PathError> {
        fs::create_dir_all(folder).at("create the folder", folder)?;
        let made = Self::make(folder, PARTIAL)?;
        sweep(folder, PARTIAL, |_| true);
        Ok(made)
    }

    /// The same in the system's folder for temporary files.
    pub fn temporary() -> Result<Self, PathError> {
        let folder = std::env::temp_dir();
        let made = Self::make(&folder, OWN)?;
        let own = owner(made.path());
        sweep(&folder, OWN, |path| owner(path) == own);
        Ok(made)
    }

    fn make(folder: &Path, prefix: &str) -> Result<Self, PathError> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(folder).at("write into", folder)?;
        let path = made.path().join(HELD);
        let lock = File::create(&path).at("create", &path)?;
        // Where a file system has no locks, the next run goes by the age of leftovers.
        let _unsupported = lock.try_lock();
        Ok(Self { _lock: lock, folder: made })
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what stopped runs have left anywhere below a folder of this program's.
pub fn sweep_below(folder: &Path) {
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        sweep(&folder, PARTIAL, |_| true);
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|e| depth < DEPTH && e.file_type().is_ok_and(|kind| kind.is_dir()));
        let left = below.filter(|e| !e.file_name().to_string_lossy().starts_with(PARTIAL));
        folders.extend(left.map(|e| (e.path(), depth + 1)));
    }
}

/// That something cannot be removed is no reason to stop: it is in nothing's way.
fn sweep(folder: &Path, prefix: &str, is_own: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        let named = entry.file_name().to_string_lossy().starts_with(prefix);
        let Ok(kind) = kind.map_err(drop).and_then(|kind| if named && is_own(&path) { Ok(kind) } else { Err(()) })
        else {
            continue;
        };
        let removed = if kind.is_dir() && is_left(&path.join(HELD), &path) {
            fs::remove_dir_all(&path)
        } else if kind.is_file() && is_left(&path, &path) {
            fs::remove_file(&path)
        } else {
            continue;
        };
        drop(removed);
    }
}

/// Whether no run holds the lock, and none is about to take it.
fn is_left(lock: &Path, of: &Path) -> bool {
    let is_file = fs::symlink_metadata(lock).is_ok_and(|found| found.is_file());
    let age = fs::metadata(of).and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
    let is_old = age.is_some_and(|age| age > YOUNG);
    if !is_file {
        return is_old;
    }
    let is_empty = lock == of && fs::metadata(of).is_ok_and(|found| found.len() == 0);
    match File::open(lock).map(|file| file.try_lock()) {
        Ok(Ok(())) => is_old || !is_empty,
        Ok(Err(TryLockError::WouldBlock)) => false,
        Ok(Err(TryLockError::Error(_))) | Err(_) => is_old,
    }
}

/// Returns the owner of a file as a number, on systems that have such numbers.
#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).ok().map(|found| found.uid())
}

#[cfg(not(unix))]
fn owner(_path: &Path) -> Option<u32> {
    None
}

/// A path as a person at this prompt would write it.
pub fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}
