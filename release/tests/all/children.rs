//! A program that is stopped takes its children along, the next run removes what it left, and two at once take turns.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sayna_release::lock::Lock;
use sayna_release::scratch::{Scratch, sweep_below};

use crate::rehearse::project;
use crate::support::World;

/// Cargo, but that it builds for ever, in a child of its own; it writes down both.
fn endless_cargo(world: &World) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let pids = world.path("target/pids").display().to_string();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = build ] || exec {cargo} \"$@\"\nsleep 600 &\necho $$ $! >{pids}.new\nmv {pids}.new {pids}\nwait\n"
    );
    let path = world.path("target/cargo");
    fs::create_dir_all(world.path("target")).unwrap();
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(arguments).current_dir(world.root()).env("CARGO", endless_cargo(world)).env("NO_COLOR", "1");
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A process that has ended and was not asked for yet is gone too.
fn runs(pid: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|text| !text.contains("\nState:\tZ"))
}

#[test]
#[cfg(target_os = "linux")]
fn cargo_and_its_children_end_with_the_program() {
    let world = project();
    // A test run under `nohup`, or in the background, has the others ignored.
    for signal in ["KILL", "TERM"] {
        drop(fs::remove_file(world.path("target/pids")));
        let mut child = start(&world, &["build", "--builder", "cargo"]);
        until("cargo runs", || world.path("target/pids").exists());
        let pids = world.read("target/pids");
        let pids: Vec<&str> = pids.split_whitespace().collect();
        assert!(pids.len() == 2 && pids.iter().all(|pid| runs(pid)), "{pids:?}");
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        child.wait().unwrap();
        until(signal, || !pids.iter().any(|pid| runs(pid)));
    }
}

#[test]
fn leftovers_of_a_stopped_run_are_removed_unless_another_run_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    for name in [".partial-a", "x86_64-unknown-linux-gnu/.partial-b", "rehearsal/abc/.partial-c"] {
        let left = dist.join(name);
        fs::create_dir_all(left.join("again")).unwrap();
        // As a killed run leaves it: the lock is there, and no process holds it.
        File::create(left.join(".held")).unwrap();
        fs::write(left.join("again/download"), "half").unwrap();
    }
    fs::create_dir_all(dist.join("publish")).unwrap();
    fs::write(dist.join("publish/.partial-d"), "half a file").unwrap();
    fs::write(dist.join("publish/whole"), "a file").unwrap();
    let used = Scratch::new_in(&dist.join("publish")).unwrap();
    let open = File::create(dist.join("publish/.partial-e")).unwrap();
    open.try_lock().unwrap();
    fs::write(dist.join("publish/.partial-e"), "of another run").unwrap();
    sweep_below(&dist);
    let mut names: Vec<String> =
        crate::fixture::tree(&dist).into_iter().map(|(p, _)| p.display().to_string()).collect();
    names.retain(|name| !name.ends_with("/.held"));
    assert_eq!(names, ["publish/.partial-e", "publish/whole"]);
    assert!(used.path().is_dir());
}

/// By the program: each command removes what a killed one of its kind has left.
#[test]
fn a_killed_verification_leaves_nothing_for_long() {
    let world = project();
    let left = world.path("dist/.partial-left");
    fs::create_dir_all(&left).unwrap();
    File::create(left.join(".held")).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let outside = temporary.path().join(".sayna-release-left");
    fs::create_dir_all(&outside).unwrap();
    File::create(outside.join(".held")).unwrap();
    let verify = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.current_dir(folder).env("TMPDIR", temporary.path());
        command.args(["verify", "--tag", "v0.1.0", "--forge", "dir:nowhere"]).output().unwrap()
    };
    assert_eq!(verify(world.root()).status.code(), Some(1));
    assert!(!left.exists());
    assert_eq!(verify(temporary.path()).status.code(), Some(1));
    assert!(!outside.exists());
}

#[test]
fn a_second_run_waits_for_the_first_and_says_for_which() {
    let world = project();
    let dist = world.path("dist");
    let first = Lock::take(&dist, &|_| ()).unwrap();
    for arguments in [&["rehearse", "--builder", "cargo"][..], &["build", "--builder", "cargo"]] {
        let mut second = start(&world, arguments);
        let mut lines = BufReader::new(second.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("waiting")).unwrap();
        let holder = format!("is held by process {} (", std::process::id());
        assert!(line.contains(&holder), "{line}");
        assert!(!world.path("target/pids").exists(), "it did not wait");
        second.kill().unwrap();
        second.wait().unwrap();
    }
    let mut second = start(&world, &["build", "--builder", "cargo"]);
    drop(first);
    until("the second goes on", || world.path("target/pids").exists());
    second.kill().unwrap();
    second.wait().unwrap();
}
