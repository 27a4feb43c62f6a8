//! Programs that this machine cannot run although they are as they should be: what each demands of a system is for the row
//! `audit`, which reads it from the file.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::Output;

/// Words of dynamic loaders that miss what a system has to bring: glibc, musl, NixOS' stand-in for a loader, macOS.
const LOADERS: [&str; 6] = [
    "error while loading shared libraries",
    "' not found (required by",
    "Error loading shared library",
    "NixOS cannot run dynamically linked executables",
    "Library not loaded",
    "Symbol not found",
];

/// Why this machine did not start a program; `None` where the program itself is to blame.
pub(super) fn refusal(error: &io::Error, program: &Path) -> Option<String> {
    let folder = program.parent().unwrap_or(Path::new(".")).display();
    match error.kind() {
        ErrorKind::PermissionDenied => Some(format!("this machine runs no program in {folder} ({error})")),
        // The file is there: what is missing is the loader that it names.
        ErrorKind::NotFound if program.exists() => {
            Some(format!("this machine does not have the loader that the program asks for ({error})"))
        }
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock | ErrorKind::ExecutableFileBusy => {
            Some(format!("this machine did not start it ({error})"))
        }
        _ => None,
    }
}

/// What the loader of this machine lacks, where it ended the program before it began.
pub(super) fn complaint(output: &Output) -> Option<String> {
    if output.status.success() || !output.stdout.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| LOADERS.iter().any(|words| line.contains(words)))?;
    Some(format!("this machine lacks what it links: {}", line.trim()))
}
