//! One publisher at a time: an advisory lock on a file, with a note beside it that says who holds it.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::atomic::{At as _, PathError};

/// Held until dropped; the system drops it for a process that was killed.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "kept open: closing the file is what unlocks it")] File);

/// The command line of this process, for a person who waits.
fn call() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    [env!("CARGO_PKG_NAME").to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

impl Lock {
    /// Locks `folder/.lock`, waiting for another holder. `waiting` gets the name of that holder once.
    pub fn take(folder: &Path, waiting: &dyn Fn(&str)) -> Result<Self, PathError> {
        fs::create_dir_all(folder).at("create the folder", folder)?;
        let path = folder.join(".lock");
        let note = folder.join(".lock-holder");
        let file = File::options().create(true).append(true).open(&path).at("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&note).unwrap_or_else(|_gone| "another process".to_owned());
                waiting(&format!("{} is held by {}; waiting for it", folder.display(), holder.trim()));
                file.lock().at("lock", &path)?;
            }
            Err(TryLockError::Error(e)) => return Err(e).at("lock", &path),
        }
        // The note informs the process that waits. It need not survive a crash, as the lock does not.
        fs::write(&note, format!("process {} ({})\n", std::process::id(), call())).at("write", &note)?;
        Ok(Self(file))
    }
}
