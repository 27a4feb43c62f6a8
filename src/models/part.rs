//! An incomplete download. It is stored beside its final path, is resumed after an interruption, and is renamed only when it is
//! complete and has the right digest.

use std::fs::{self, File as Handle, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::{File, InitError};
use crate::disk;

/// The size of one read, in bytes.
pub(super) const BLOCK: usize = 64 * 1024;

/// An incomplete file, owned by its download. [`Part::finish`] moves it to its place.
pub(super) struct Part<'a> {
    file: &'a File,
    /// The final path.
    place: PathBuf,
    path: PathBuf,
    /// Locked, so that a second `sayna init` does not write into it.
    handle: Handle,
    digest: Context,
    /// The number of bytes that are present.
    pub(super) bytes: u64,
}

impl<'a> Part<'a> {
    /// Opens the file that an earlier run has left, or creates it.
    pub(super) fn open(file: &'a File, directory: &Path) -> Result<Self, InitError> {
        let place = directory.join(&file.name);
        let path = directory.join(format!("{}.part", file.name));
        let disk = |source| InitError::Disk { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(disk)?;
        }
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let handle = open.map_err(disk)?;
        match handle.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(InitError::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(InitError::Disk { path, source }),
        }
        let (digest, bytes) = digest_of(&handle).map_err(disk)?;
        let mut part = Self { file, place, path, handle, digest, bytes };
        if part.bytes > file.bytes {
            part.restart()?;
        }
        Ok(part)
    }

    /// Removes all bytes.
    pub(super) fn restart(&mut self) -> Result<(), InitError> {
        let emptied = self.handle.set_len(0).and_then(|()| self.handle.rewind());
        emptied.map_err(|source| InitError::Disk { path: self.path.clone(), source })?;
        (self.digest, self.bytes) = (Context::new(&SHA256), 0);
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.bytes == self.file.bytes
    }

    /// Appends bytes. Returns an error if there are more than the table says.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), InitError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.file.bytes {
            let found = format!("more than {} bytes", self.file.bytes);
            return Err(self.refuse(found));
        }
        self.digest.update(bytes);
        self.handle.write_all(bytes).map_err(|source| InitError::Disk { path: self.path.clone(), source })
    }

    /// Verifies the digest and moves the file to its place.
    pub(super) fn finish(self) -> Result<PathBuf, InitError> {
        let found = hex(&self.digest);
        if found != self.file.sha256 {
            return Err(self.refuse(format!("sha256 {found}")));
        }
        let disk = |source| InitError::Disk { path: self.path.clone(), source };
        self.handle.sync_all().map_err(disk)?;
        fs::rename(&self.path, &self.place).map_err(disk)?;
        if let Some(folder) = self.place.parent() {
            disk::sync(folder);
        }
        Ok(self.place)
    }

    /// Removes a file that is not the expected one.
    fn refuse(&self, found: String) -> InitError {
        // If this fails, the next run finds the wrong bytes again.
        fs::remove_file(&self.path).ok();
        InitError::Wrong { name: self.file.name.clone(), expected: self.file.sha256.clone(), found }
    }
}

/// Returns whether the file at this path has the size and digest of the table.
pub(super) fn is_right(path: &Path, file: &File) -> io::Result<bool> {
    let handle = match Handle::open(path) {
        Ok(handle) => handle,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    if handle.metadata()?.len() != file.bytes {
        return Ok(false);
    }
    Ok(hex(&digest_of(&handle)?.0) == file.sha256)
}

/// Reads to the end of the file and leaves its position there.
fn digest_of(mut handle: &Handle) -> io::Result<(Context, u64)> {
    let (mut digest, mut bytes) = (Context::new(&SHA256), 0);
    let mut block = vec![0; BLOCK];
    loop {
        let read = handle.read(&mut block)?;
        let Some(piece) = block.get(..read).filter(|piece| !piece.is_empty()) else { return Ok((digest, bytes)) };
        digest.update(piece);
        bytes += piece.len() as u64;
    }
}

/// Returns the digest in hexadecimal, as the table writes it.
pub(super) fn hex(digest: &Context) -> String {
    hex::encode(digest.clone().finish())
}
