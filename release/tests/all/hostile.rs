//! Releases made to harm those who verify them: against the program itself, as a stranger would run it.

mod archives;
mod execution;
mod names;
mod printing;
mod sizes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sayna_release::digest::Digest;
use sayna_release::manifest::Manifest;
use sayna_release::name::SUMS;
use sayna_release::notes;
use sayna_release::sums;
use serde_json::Value;

use crate::small_release::Release;

/// The program, outside of any checkout, with colours as on a terminal.
fn program(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.current_dir(folder).args(arguments).env("CLICOLOR_FORCE", "1");
    command.output().unwrap()
}

/// `verify` of a release as a stranger: exit status and everything that was printed.
fn verify(release: &Release, more: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| release.folder.path().join(name).display().to_string();
    let (forge, registry) = (format!("dir:{}", path("forge")), format!("oci:{}", path("registry")));
    let arguments = ["verify", "--tag", "v1.2.3", "--forge", &forge, "--registry", &registry];
    let output = program(folder.path(), &[&arguments, more].concat());
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).unwrap())
}

fn assets(release: &Release) -> PathBuf {
    release.folder.path().join("forge/published/v1.2.3/assets")
}

/// Changes the manifest, with its checksum.
fn change(release: &Release, change: impl FnOnce(&mut Value)) {
    let path = assets(release).join("sayna-1.2.3.release.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    let bytes = serde_json::to_vec(&manifest).unwrap();
    fs::write(&path, &bytes).unwrap();
    let line = format!("{}  sayna-1.2.3.release.json\n", Digest::of(&bytes).hex());
    fs::write(path.with_extension("json.sha256"), line).unwrap();
    // The text of the release and the list of digests go with it, where this is a manifest at all.
    if let Ok(manifest) = Manifest::read(&bytes) {
        fs::write(assets(release).join(SUMS), sums::text(&manifest, Digest::of(&bytes))).unwrap();
        let text = notes::text(&release.plan.notes, &manifest);
        fs::write(release.folder.path().join("forge/published/v1.2.3/notes.md"), text).unwrap();
    }
}
