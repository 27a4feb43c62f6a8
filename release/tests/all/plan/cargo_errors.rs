//! What `plan` says where Cargo fails: Cargo's own error, and a next step that fits its cause.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::rehearse::{command, project, text};
use crate::support::World;

/// What `plan --tag` prints, in an environment that is changed.
fn said(world: &World, change: impl FnOnce(&mut Command)) -> String {
    let mut command = command(world.root(), &["plan", "--tag", "v0.1.0"]);
    change(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// A Cargo that says this and fails, where it is asked for that.
fn failing(folder: &tempfile::TempDir, at: &str, words: &str) -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let path = folder.path().join("cargo");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n{at}) cat >&2 <<'END'\n{words}\nEND\nexit 101;;\nesac\nCARGO='{cargo}' exec '{cargo}' \"$@\"\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn said_where_cargo_says(at: &str, words: &str) -> String {
    let (world, folder) = (project(), tempfile::tempdir().unwrap());
    let cargo = failing(&folder, at, words);
    said(&world, |command| _ = command.env("CARGO", &cargo))
}

fn has(said: &str, words: &[&str], not: &[&str]) {
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    assert!(!not.iter().any(|word| said.contains(word)), "{not:?}: {said}");
}

#[test]
fn a_compiler_that_does_not_run_is_named_and_nothing_is_to_be_fetched() {
    let said = said(&project(), |command| _ = command.env("RUSTC", "/bin/false"));
    has(&said, &["/bin/false -vV", "unset RUSTC"], &["cargo fetch", "error: error"]);
}

#[test]
fn a_lock_file_of_a_newer_cargo_is_named() {
    let mut world = project();
    world.edit("Cargo.lock", "version = 4", "version = 99");
    world.commit("feat: newer");
    has(&said(&world, |_| ()), &["lock file version", "99", "use the Cargo that wrote"], &["cargo fetch"]);
}

#[test]
fn waiting_for_a_lock_is_no_part_of_an_error_and_a_strange_one_gets_no_false_advice() {
    let words =
        "    Blocking waiting for file lock on package cache\n    Updating index\nerror: the moon is in the way";
    let said = said_where_cargo_says("tree*", words);
    has(
        &said,
        &["the moon is in the way", "`cargo tree --locked` says the same"],
        &["Blocking", "cargo fetch", "error: the"],
    );
}

#[test]
fn a_toolchain_that_is_not_installed_is_one_sentence_and_a_next_step() {
    let words = "error: toolchain '1.12.3-x86_64-unknown-linux-gnu' is not installed\nhelp: run `rustup toolchain install` to install it\n\n\
                 Stack backtrace:\n   0: anyhow::error::from\n   1: rustup::config::Cfg::local_toolchain";
    for at in ["*", "tree*"] {
        let said = said_where_cargo_says(at, words);
        has(
            &said,
            &["toolchain '1.12.3-x86_64-unknown-linux-gnu' is not installed", "rustup toolchain install"],
            &["Stack", "anyhow", "cargo fetch"],
        );
    }
}

#[test]
fn a_network_that_is_not_there_is_named() {
    let words =
        "error: failed to download from `https://example.org/x`\n\nCaused by:\n  [6] Could not resolve hostname";
    has(&said_where_cargo_says("tree*", words), &["example.org", "look at the network"], &[]);
}
