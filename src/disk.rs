//! Atomic writes: after a crash, a file has either its new or its old bytes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use uuid::Uuid;

/// Replaces a file and waits until its bytes are on the disk. After an error the file is unchanged.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_file_name(format!("{}.tmp", Uuid::new_v4().simple()));
    let written = File::create_new(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // The first error is returned.
        fs::remove_file(&temporary).ok();
    }
    renamed
}

/// Waits until the names in a folder are on the disk. Windows has no such call.
pub(crate) fn sync(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}
