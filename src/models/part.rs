//! A file on its way: what has come of it lies beside its place, is continued after an interruption, and takes its place only
//! when it is whole and has the right digest.

use std::fs::{self, File as Handle, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::{File, InitError};
use crate::disk;

/// As much of a file as is read at once.
pub(super) const BLOCK: usize = 64 * 1024;

pub(super) struct Part<'a> {
    file: &'a File,
    /// Where it will be.
    place: PathBuf,
    path: PathBuf,
    /// Locked, so that a second `sayna init` does not write into it.
    handle: Handle,
    digest: Context,
    /// Bytes that are here.
    pub(super) bytes: u64,
}

impl<'a> Part<'a> {
    /// Goes on with what an earlier run has left, if any.
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

    /// Forgets what is here.
    pub(super) fn restart(&mut self) -> Result<(), InitError> {
        let emptied = self.handle.set_len(0).and_then(|()| self.handle.rewind());
        emptied.map_err(|source| InitError::Disk { path: self.path.clone(), source })?;
        (self.digest, self.bytes) = (Context::new(&SHA256), 0);
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.bytes == self.file.bytes
    }

    /// Takes the next bytes; more than the file has are no part of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), InitError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.file.bytes {
            let found = format!("more than {} bytes", self.file.bytes);
            return Err(self.refuse(found));
        }
        self.digest.update(bytes);
        self.handle.write_all(bytes).map_err(|source| InitError::Disk { path: self.path.clone(), source })
    }

    /// Puts the file in its place, if it is the right one.
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

    /// What is here is another file: nothing of it is kept.
    fn refuse(&self, found: String) -> InitError {
        // Wrong bytes that stay are found again by the next run.
        fs::remove_file(&self.path).ok();
        InitError::Wrong { name: self.file.name.clone(), expected: self.file.sha256.clone(), found }
    }
}

/// Whether the file there is the one of the table.
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

/// Reads to the end, which is where it then stands.
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
