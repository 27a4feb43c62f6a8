//! Files that are either whole or absent: written under a temporary name, synced, then renamed.
//!
//! Everything this program leaves behind goes through here, so that a stop at any moment
//! (Ctrl-C, `kill -9`, a full disk) costs a rerun and nothing else.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The prefix of files that are still being written. Readers skip them; a later run may remove them.
pub const PARTIAL: &str = ".partial-";

/// An operation on a path that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct PathError {
    /// The operation, as a verb: `read`, `write`, `create the folder`.
    pub what: &'static str,
    /// The path it was tried on.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// Adds the operation and the path to an I/O error.
pub trait At<T> {
    /// `what` is a verb that fits into "cannot {what} {path}".
    fn at(self, what: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { what, path: path.to_owned(), source })
    }
}

/// A file under construction; nothing stands under its real name before [`AtomicFile::commit`].
#[derive(Debug)]
pub struct AtomicFile {
    temporary: BufWriter<NamedTempFile>,
    path: PathBuf,
    mode: u32,
}

impl AtomicFile {
    /// Starts a file beside `path`, in a folder that is made where it is missing.
    pub fn create(path: &Path) -> Result<Self, PathError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).at("create the folder", folder)?;
        let temporary = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder).at("write into", folder)?;
        // By this another run sees that it is in use; file systems that have no locks write all the same.
        let _unsupported = temporary.as_file().try_lock();
        Ok(Self { temporary: BufWriter::with_capacity(1 << 18, temporary), path: path.to_owned(), mode: 0o644 })
    }

    /// Makes the finished file executable (on systems with modes).
    #[must_use]
    pub fn executable(mut self) -> Self {
        self.mode = 0o755;
        self
    }

    /// The same under another name in the same folder, for files that are named by what was written.
    pub fn commit_as(self, path: &Path) -> Result<(), PathError> {
        Self { path: path.to_owned(), ..self }.commit()
    }

    /// Syncs the file and gives it its name, replacing what had it.
    pub fn commit(self) -> Result<(), PathError> {
        let Self { temporary, path, mode } = self;
        let temporary = temporary.into_inner().map_err(io::IntoInnerError::into_error).at("write", &path)?;
        set_mode(temporary.as_file(), mode).at("set the mode of", &path)?;
        temporary.as_file().sync_all().at("sync", &path)?;
        temporary.persist(&path).map_err(|e| e.error).at("rename a finished file to", &path)?;
        sync_parent(&path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Writes a whole small file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).at("write", path)?;
    file.commit()
}

/// The same, but a file that already has these bytes is left as it is: syncing costs more than reading. Refuses a device, a pipe
/// and a folder, which a rename would replace.
pub fn ensure(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is there, and is not a regular file")).at("write", path);
    }
    let same = there.is_some_and(|there| there.len() == bytes.len() as u64);
    if same && fs::read(path).is_ok_and(|there| there == bytes) { Ok(()) } else { write(path, bytes) }
}

/// Copies a file's bytes; `executable` decides its mode.
pub fn copy(from: &Path, to: &Path, executable: bool) -> Result<(), PathError> {
    let mut source = File::open(from).at("read", from)?;
    let file = AtomicFile::create(to)?;
    let mut file = if executable { file.executable() } else { file };
    io::copy(&mut source, &mut file).at("copy to", to)?;
    file.commit()
}

/// Renames a file or folder in one step and makes the change durable.
pub fn rename(from: &Path, to: &Path) -> Result<(), PathError> {
    fs::rename(from, to).at("rename a finished folder to", to)?;
    sync_parent(to)
}

/// Removes what a stopped run left unfinished in `folder`, which the caller has locked; a missing folder has nothing.
pub fn sweep(folder: &Path) -> Result<(), PathError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.at("list", folder)?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            let path = entry.path();
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.at("remove", &path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// A rename is durable once the folder is synced; Windows has no such call for folders.
fn sync_parent(path: &Path) -> Result<(), PathError> {
    if cfg!(unix)
        && let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty())
    {
        File::open(folder).and_then(|f| f.sync_all()).at("sync", folder)?;
    }
    Ok(())
}
