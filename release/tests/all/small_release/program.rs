//! Programs that the tests compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A program that says its name and version, for the host.
pub(super) fn program(version: &str, folder: &Path) -> PathBuf {
    named("sayna", version, folder)
}

/// The same of another name.
pub(super) fn named(name: &str, version: &str, folder: &Path) -> PathBuf {
    compiled(&format!("fn main() {{ println!(\"{name} {version}\") }}"), folder)
}

/// A program of that source, for the host.
pub(super) fn compiled(text: &str, folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("main.rs"), folder.join("sayna"));
    fs::write(&source, text).unwrap();
    let remap = format!("--remap-path-prefix={}=/src", folder.display());
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let mut command = Command::new(rustc);
    let output = command.args(["-O", "-Cstrip=symbols", &remap, "-o"]).arg(&program).arg(&source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The program of the version that most tests release, compiled once.
pub(super) static PROGRAM: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let program = program("1.2.3", folder.path());
    (folder, program)
});
