//! Files that are whole or as they were, whatever happens while they are written.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use uuid::Uuid;

/// The file has these bytes and they are on the disk, or it is as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_file_name(format!("{}.tmp", Uuid::new_v4().simple()));
    let written = File::create_new(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // The error that is told is the first one.
        fs::remove_file(&temporary).ok();
    }
    renamed
}

/// The names in a folder are on the disk too, as far as the system can promise that: Windows has no such call.
pub(crate) fn sync(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}
