//! What lies around a tree and would change its bytes: Cargo's configuration, variables, the time, the name of its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sayna_release::digest::Digest;
use sayna_release::part::{BinaryPart, Part};
use serde_json::Value;
use tempfile::TempDir;

use crate::rehearse::{command, project, text};
use crate::support::{START, World, git};

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
const SLOW: &str = "[profile.release]\nopt-level = 0\n";

/// A clone of a world in a folder of that name, below a folder that is the test's own.
fn placed(world: &World, name: &str) -> (TempDir, PathBuf) {
    let parent = tempfile::Builder::new().prefix("sayna-place-").tempdir().unwrap();
    let tree = parent.path().join(name);
    let from = world.root().display().to_string();
    let cloned = git(parent.path(), START).args(["clone", "--quiet", &from]).arg(&tree).status().unwrap();
    assert!(cloned.success());
    (parent, tree)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn part(tree: &Path) -> BinaryPart {
    let Some(Part::Binary(part)) = Part::read(&tree.join("dist").join(TRIPLE)).unwrap() else { panic!("no part") };
    part
}

/// A home of Cargo with that configuration and the downloads of this machine's.
fn home(at: &Path, config: &str) {
    write(&at.join("config.toml"), config);
    let registry = sayna_release::cargo::home().unwrap().join("registry");
    #[cfg(unix)]
    std::os::unix::fs::symlink(registry, at.join("registry")).unwrap();
}

#[test]
fn configuration_outside_of_the_tree_is_refused_by_its_file_and_key() {
    let world = project();
    for (folder, file) in [("", "config.toml"), ("above", "config"), ("above/further", "config.toml")] {
        let (parent, tree) = placed(&world, &format!("{folder}/tree").trim_start_matches('/').replace("above", "x"));
        let config = tree.parent().unwrap().join(".cargo").join(file);
        write(&config, SLOW);
        for arguments in [vec!["build"], vec!["build", "--tag", "v0.1.0"], vec!["plan", "--tag", "v0.1.0"]] {
            let output = command(&tree, &arguments).output().unwrap();
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            let names = said.contains("profile.release.opt-level") && said.contains(&config.display().to_string());
            assert!(names && said.contains("take it out"), "{said}");
        }
        drop(parent);
    }
}

#[test]
fn configuration_of_the_tree_that_leads_out_of_it_is_refused() {
    for (text, key) in [
        ("include = [\"../../o.toml\"]\n", "include"),
        ("include = [\"../untracked.toml\"]\n", "include"),
        ("include = [{ path = \"inner.toml\" }]\n", "include"),
        ("paths = [\"../crates\"]\n", "paths"),
        ("[patch.crates-io]\nhex = { path = \"../hex\" }\n", "patch.crates-io.hex.path"),
    ] {
        let mut world = project();
        world.write(".cargo/config.toml", text);
        world.write(".cargo/inner.toml", "include = [\"../../o.toml\"]\n");
        world.commit("build: configuration");
        let (parent, tree) = placed(&world, "tree");
        write(&parent.path().join("o.toml"), SLOW);
        write(&tree.join("untracked.toml"), SLOW);
        let output = command(&tree, &["plan", "--tag", "v0.1.0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {}", said(&output));
        assert!(said(&output).contains(key), "{text}: {}", said(&output));
    }
}

#[test]
fn configuration_of_the_home_is_refused_and_mirrors_in_it_are_not() {
    let (parent, tree) = placed(&project(), "tree");
    let at = parent.path().join("home");
    home(&at, "[build]\nrustflags = [\"-Cdebuginfo=2\"]\n[http]\ntimeout = 30\n");
    let plan = |home: &Path| command(&tree, &["plan", "--tag", "v0.1.0"]).env("CARGO_HOME", home).output().unwrap();
    let refused = plan(&at);
    assert_eq!(refused.status.code(), Some(2));
    let words = said(&refused);
    assert!(words.contains("build.rustflags in ") && !words.contains("http.timeout"), "{words}");
    let other = parent.path().join("other");
    home(
        &other,
        "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://m.invalid/\"\n[net]\nretry = 1\n",
    );
    let passes = plan(&other);
    assert!(passes.status.success(), "{}", said(&passes));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_file_of_the_trees_own_counts_where_git_tracks_it() {
    let mut world = project();
    world.write(".cargo/config.toml", SLOW);
    world.write(".git/info/exclude", ".cargo\n");
    let output = command(world.root(), &["build"]).output().unwrap();
    assert!(output.status.code() == Some(2) && said(&output).contains("opt-level"), "{}", said(&output));
    world.write(".git/info/exclude", "");
    world.commit("build: no optimisation");
    let summary = command(world.root(), &["rehearse", "--twice", "--json"]).output().unwrap();
    let summary: Value = serde_json::from_slice(&summary.stdout).unwrap();
    assert_eq!((&summary["passed"], &summary["reproduced"]), (&Value::Bool(true), &Value::Bool(true)), "{summary}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_second_build_sees_neither_the_parent_nor_the_home_of_the_first() {
    let world = project();
    let (parent, tree) = placed(&world, "tree");
    write(&parent.path().join(".cargo/config.toml"), SLOW);
    let output = command(&tree, &["rehearse", "--twice"]).output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("would refuse a release: Cargo reads") && words.contains("the bytes DIFFER"), "{words}");
    let (parent, tree) = placed(&world, "tree");
    let at = parent.path().join("home");
    home(&at, "[build]\nrustflags = [\"--cfg=other\", \"-Copt-level=0\"]\n[http]\ntimeout = 30\n");
    let output = command(&tree, &["rehearse", "--twice"]).env("CARGO_HOME", &at).output().unwrap();
    let words = said(&output);
    // The flags of this program win over those of a file: the bytes are the same, and the file is named all the same.
    assert!(words.contains("would refuse a release: Cargo reads") && words.contains("build.rustflags in"), "{words}");
}

/// A project with a C file, compiled by the crate that nearly all others use.
fn with_c() -> World {
    let mut world = project();
    world.edit(
        "Cargo.toml",
        "[features]",
        "[build-dependencies]\ncc = \"1\"\n\n[profile.release]\ndebug = 1\n\n[features]",
    );
    world.write("build.rs", "fn main() { cc::Build::new().file(\"hello.c\").compile(\"hello\"); }\n");
    world.write("hello.c", "#ifndef ANSWER\n#define ANSWER 42\n#endif\nconst char *file(void) { return __FILE__; }\nint answer(void) { return ANSWER; }\n");
    let main = "unsafe extern \"C\" {\n    safe fn answer() -> i32;\n    safe fn file() -> *const std::ffi::c_char;\n}\n\
                fn main() {\n    println!(\"sayna {}\", env!(\"CARGO_PKG_VERSION\"));\n    std::hint::black_box((answer(), file()));\n}\n";
    world.write("src/main.rs", main);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let lock = Command::new(cargo).current_dir(world.root()).args(["generate-lockfile", "--offline"]).output().unwrap();
    assert!(lock.status.success(), "{}", text(&lock.stderr));
    world.commit("feat: answer");
    world
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn no_variable_of_the_caller_changes_the_executable() {
    let (_parent, tree) = placed(&with_c(), "tree");
    let build = |variables: &[(&str, &str)]| {
        let output = command(&tree, &["build"]).envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        part(&tree).binary.digest
    };
    let plain = build(&[]);
    let other = build(&[
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "2"),
        ("CARGO_BUILD_RUSTFLAGS", "-Copt-level=0"),
        ("CARGO_BUILD_RUSTC_WRAPPER", "/nowhere"),
        ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-Copt-level=0"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "/nowhere"),
        ("CARGO_ENCODED_RUSTFLAGS", "-Copt-level=0"),
        ("CARGO_INCREMENTAL", "1"),
        ("RUSTFLAGS", "-Copt-level=0"),
        ("RUSTC_WRAPPER", "/nowhere"),
        ("RUSTC_WORKSPACE_WRAPPER", "/nowhere"),
        ("CC", "/nowhere"),
        ("HOST_CC", "/nowhere"),
        ("CC_x86_64_unknown_linux_gnu", "/nowhere"),
        ("CC_x86_64-unknown-linux-gnu", "/nowhere"),
        ("CFLAGS", "-DANSWER=1"),
        ("TARGET_CFLAGS", "-DANSWER=2"),
        ("HOST_CFLAGS", "-DANSWER=3"),
        ("CFLAGS_x86_64_unknown_linux_gnu", "-DANSWER=4"),
        ("CPATH", "/nowhere"),
        ("LD_RUN_PATH", "/nowhere"),
        ("AR", "/nowhere"),
    ]);
    assert_eq!(other, plain);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_folder_with_any_name_is_built_with_its_c_code_to_the_same_bytes() {
    let world = with_c();
    let mut found: Vec<Digest> = Vec::new();
    for name in ["tree", "a tree", "it's \"a\" $tree", "b=c d"] {
        let (_parent, tree) = placed(&world, name);
        let output = command(&tree, &["build"]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", said(&output));
        let binary = fs::read(tree.join("target").join(TRIPLE).join("release/sayna")).unwrap();
        let place = tree.display().to_string();
        assert!(!binary.windows(place.len()).any(|window| window == place.as_bytes()), "{name}");
        found.push(part(&tree).binary.digest);
    }
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_time_that_is_not_the_commits_is_a_warning_and_a_mismatch_names_it() {
    let world = project();
    world.tag("v0.1.0");
    let run = |arguments: &[&str], epoch: Option<&str>| {
        let mut command = command(world.root(), arguments);
        command.env_remove("SOURCE_DATE_EPOCH");
        epoch.map(|epoch| command.env("SOURCE_DATE_EPOCH", epoch));
        let output = command.output().unwrap();
        (output.status.code(), said(&output))
    };
    let plan = ["plan", "--tag", "v0.1.0"];
    let commit = format!("{START} (2026-01-02T03:04:05Z)");
    let (status, words) = run(&plan, Some("315532800"));
    assert_eq!(status, Some(0), "{words}");
    let named = format!("SOURCE_DATE_EPOCH is 315532800 (1980-01-01T00:00:00Z), the commit's time is {commit}");
    assert!(words.contains(&named) && words.contains("unset SOURCE_DATE_EPOCH"), "{words}");
    for epoch in [None, Some(START.to_string().as_str())] {
        assert!(!run(&plan, epoch).1.contains("SOURCE_DATE_EPOCH"));
    }
    let places = ["--tag", "v0.1.0", "--forge", "dir:dist/forge", "--registry", "oci:dist/registry", "--here"];
    let with = |name: &'static str| [&[name], &places[..]].concat();
    for arguments in [vec!["build"], vec!["image"], [with("publish"), vec!["--allow-host-parts"]].concat()] {
        let (status, words) = run(&arguments, Some("315532800"));
        assert_eq!(status, Some(0), "{words}");
    }
    let (status, words) = run(&with("verify"), None);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("the time 315532800 (1980-01-01T00:00:00Z)") && words.contains(&commit), "{words}");
}
