//! Faults of this machine are not those of a release: what is said, and the exit status.

mod network;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::rehearse::project;
use crate::small_release::Release;

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").envs(variables.iter().copied());
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn where_nothing_can_be_asked_nothing_is_said_of_the_release() {
    let folder = tempfile::tempdir().unwrap();
    let broken = [("SAYNA_CA_FILE", "/nonexistent"), ("GITHUB_TOKEN", "x")];
    for arguments in
        [&["verify", "--tag", "v1.2.3"][..], &["verify"], &["verify", "--fetch", "sayna-1.2.3.release.json"]]
    {
        let output = run(folder.path(), arguments, &broken);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains("/nonexistent"), "{}", text(&output));
    }
}

/// A signature of a moment that this machine's clock has not reached.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_clock_that_is_behind_is_named_and_not_the_signature() {
    let release = Release::attested();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    let file = assets.join(release.plan.names().attestations());
    let bundles = fs::read_to_string(&file).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let later = format!("\"integratedTime\":\"{}\"", now + 3600);
    let changed = bundles.replace("\"integratedTime\":\"1760000000\"", &later);
    assert_ne!(changed, bundles);
    fs::write(&file, changed).unwrap();
    let root = release.root();
    let archive = release.plan.targets[0].archive.clone();
    let output = run(&assets, &["verify", &archive, "--trusted-root", root.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("signed in the future") && said.contains("this machine's clock says"), "{said}");
    // The row of a whole release.
    let report = release.verify();
    let row = report.rows.iter().find(|r| r.id == "attested").unwrap();
    assert!(row.evidence.contains("this machine's clock says"), "{row:?}");
    assert!(!report.failed() && !report.passed(), "{report:#?}");
}

#[test]
fn an_error_has_one_heading_and_in_json_none() {
    let world = project();
    world.edit("sayna-release.toml", "toolchain", "toolchian");
    for arguments in [&["plan"][..], &["build"], &["plan", "--tag", "v9.9.9"]] {
        let output = run(world.root(), arguments, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: ") && !said.contains("error: error"), "{said}");
        let output = run(world.root(), &[arguments, &["--json"]].concat(), &[]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = document["error"].as_str().unwrap();
        assert!(!error.starts_with("error") && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_path_that_is_printed_is_where_the_file_is() {
    let world = project();
    let release = Release::published();
    let binary = release.folder.path().join("sayna");
    fs::write(&binary, "any bytes").unwrap();
    fs::create_dir(world.path("sub")).unwrap();
    for (folder, out) in [("sub", "here"), ("sub", "../there"), (".", "dist"), ("sub", "/tmp/sayna-out-of-tree")] {
        let here = world.path(folder);
        let binary = binary.to_str().unwrap();
        let arguments = ["package", "--target", "x86_64-unknown-linux-gnu", "--binary", binary, "--out", out];
        let output = run(&here, &arguments, &[]);
        assert!(output.status.success(), "{}", text(&output));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let path = line.split("  ").next().unwrap();
            assert!(here.join(path).is_file(), "{folder} {out}: {line}");
        }
    }
    fs::remove_dir_all("/tmp/sayna-out-of-tree").unwrap();
}
