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

/// Returns the reason why this machine did not start a program, or `None` where the program itself is defective.
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

/// Returns what the loader of this machine lacks, where it ended the program before it began.
pub(super) fn complaint(output: &Output) -> Option<String> {
    if output.status.success() || !output.stdout.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| LOADERS.iter().any(|words| line.contains(words)))?;
    Some(format!("this machine lacks what it links: {}", line.trim()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    /// Returns the error of starting a script with that first line and mode.
    fn started(text: &str, mode: u32) -> (io::Result<Output>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(mode)).unwrap();
        let output = Command::new(&program).output();
        let why = output.as_ref().err().and_then(|error| refusal(error, &program));
        (output, why)
    }

    #[test]
    fn a_machine_that_cannot_start_a_program_is_told_from_a_program_that_is_none() {
        let (_, why) = started("#!/bin/sh\n", 0o644);
        assert!(why.unwrap().contains("runs no program in"), "as on a file system without exec");
        let (_, why) = started("#!/nonexistent/ld-linux.so\n", 0o755);
        assert!(why.unwrap().contains("does not have the loader"), "as on NixOS");
        let (output, why) = started("\u{7f}ELF and no more", 0o755);
        assert!(output.is_err() && why.is_none(), "{output:?}");
        let missing = Command::new("/nonexistent/program").output().unwrap_err();
        assert_eq!(refusal(&missing, Path::new("/nonexistent/program")), None);
    }

    #[test]
    fn loader_errors_differ_from_program_output() {
        let complaint = |text: &str| complaint(&started(text, 0o755).0.unwrap());
        for said in [
            "program: error while loading shared libraries: libc++.so.1: cannot open shared object file",
            "program: /lib/libc.so.6: version GLIBC_2.34\u{27} not found (required by program)",
            "Could not start dynamically linked executable: NixOS cannot run dynamically linked executables",
        ] {
            let why = complaint(&format!("#!/bin/sh\necho {said:?} >&2\nexit 127\n")).unwrap();
            assert!(why.contains("this machine lacks what it links"), "{why}");
        }
        assert_eq!(complaint("#!/bin/sh\necho no configuration >&2\nexit 1\n"), None);
        assert_eq!(complaint("#!/bin/sh\necho sayna 1.2.3\n"), None);
    }
}
