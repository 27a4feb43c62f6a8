//! `plan --tag` with 0 means that it can be built: trees that cannot are refused, each by its own finding.

use std::fs;
use std::process::Command;

use super::{assert_only, made_for};
use crate::rehearse::{command, project, run, text};
use crate::support::World;

/// A world whose working tree is changed, committed and tagged.
fn world(change: impl FnOnce(&World)) -> World {
    let mut world = World::new();
    change(&world);
    world.commit("feat: begin");
    world.tag("v0.1.0");
    world
}

/// What stops the plan of a changed tree, and the words that say why.
fn stops(kind: &str, words: &[&str], change: impl FnOnce(&World)) {
    let world = world(change);
    assert_only(&world, kind, words);
    let output = run(world.root(), &["plan", "--tag", "v0.1.0"]);
    assert_eq!(output.status.code(), Some(2), "{kind}: {}", text(&output.stdout));
}

fn edit_table(from: &'static str, to: &'static str) -> impl FnOnce(&World) {
    move |world| world.edit("sayna-release.toml", from, to)
}

#[test]
fn an_empty_release_is_refused() {
    stops("target-none", &["no [[target]]"], |world| {
        let table = world.read("sayna-release.toml");
        let (targets, image) = (table.find("[[target]]").unwrap(), table.find("[image]").unwrap());
        let build = table.find("[build]").unwrap();
        assert!(image < build);
        world.write("sayna-release.toml", &format!("target = []\n{}{}", &table[..targets], &table[build..]));
    });
    let platforms = "platforms = [{ os = \"linux\", arch = \"amd64\", target = \"x86_64-unknown-linux-gnu\" }]";
    stops("platform-none", &["no platform"], edit_table(platforms, "platforms = []"));
    stops("repository-none", &["no repository"], edit_table("[\"docker.io/saynaai/sayna\"]", "[]"));
}

#[test]
fn a_file_that_a_stage_reads_is_there_and_in_git() {
    let remove = |name: &'static str| move |world: &World| fs::remove_file(world.path(name)).unwrap();
    stops("licences", &["deny.toml", "[licenses] allow"], remove("deny.toml"));
    stops("flake-missing", &["x86_64-unknown-linux-gnu", "flake.nix", "cargo"], remove("flake.nix"));
    for file in ["LICENSE", "Cargo.lock", "deny.toml", "flake.nix"] {
        stops("file-ignored", &[file, "git add --force"], |world| world.write(".gitignore", &format!("/{file}\n")));
    }
    stops("licence-file", &["COPYING"], |world| {
        world.edit("Cargo.toml", "license = \"Apache-2.0\"", "license = \"Apache-2.0\"\nlicense-file = \"COPYING\"");
    });
}

/// A world of which Git ignores one file, which is there.
fn ignoring(file: &str, text: &str, change: impl FnOnce(&World)) {
    stops("file-ignored", &[file, "git add --force"], |world| {
        change(world);
        world.write(file, text);
        world.write(".gitignore", &format!("/{file}\n"));
    });
}

#[test]
fn a_source_that_git_ignores_is_in_no_clone_and_is_refused() {
    let main = |text: &'static str| move |world: &World| world.write("src/main.rs", text);
    ignoring("src/main.rs", "fn main() {}\n", |_| ());
    ignoring("build.rs", "fn main() {}\n", |_| ());
    ignoring("src/lib.rs", "", |_| ());
    ignoring("src/audio.rs", "", main("mod audio;\nfn main() {}\n"));
    ignoring("src/audio/mod.rs", "", main("pub(crate) mod audio ;\nfn main() {}\n"));
    ignoring("src/audio/wave.rs", "", |world| {
        world.write("src/main.rs", "mod audio;\nfn main() {}\n");
        world.write("src/audio.rs", "mod wave;\n");
    });
    ignoring("src/own.txt", "x", main("fn main() { print!(include_str!(\"own.txt\")); }\n"));
    ignoring(
        "data/own.bin",
        "x",
        main("const X: &[u8] = include_bytes!(\n    \"../data/own.bin\"\n);\nfn main() { let _ = X; }\n"),
    );
    ignoring("src/odd.inc", "", main("#[path = \"odd.inc\"]\nmod odd;\nfn main() {}\n"));
}

#[test]
fn a_path_crate_that_git_ignores_is_refused() {
    let leaf = "[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n";
    let lock = "version = 4\n\n[[package]]\nname = \"leaf\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"sayna\"\nversion = \"0.1.0\"\ndependencies = [\"leaf\"]\n";
    for (ignored, named) in
        [("leaf/", "leaf/Cargo.toml"), ("leaf/src/lib.rs", "leaf/src/lib.rs"), ("leaf/src/part.rs", "leaf/src/part.rs")]
    {
        for table in ["[dependencies]", "[build-dependencies]"] {
            stops("file-ignored", &[named], |world| {
                world.write("leaf/Cargo.toml", leaf);
                world.write("leaf/src/lib.rs", "mod part;\n");
                world.write("leaf/src/part.rs", "");
                world.edit("Cargo.toml", "[features]", &format!("{table}\nleaf = {{ path = \"leaf\" }}\n\n[features]"));
                world.write("Cargo.lock", lock);
                world.write(".gitignore", &format!("/{ignored}\n"));
            });
        }
    }
}

#[test]
fn settings_that_git_ignores_are_refused() {
    stops("cargo-config", &["profile.release.opt-level", "commit it"], |world| {
        world.write(".cargo/config.toml", "[profile.release]\nopt-level = 0\n");
        world.write(".gitignore", "/.cargo/\n");
    });
    let toolchain = format!("[toolchain]\nchannel = {:?}\n", crate::support::running_rustc());
    ignoring("rust-toolchain.toml", &toolchain, |_| ());
}

#[test]
fn files_that_git_ignores_and_no_build_reads_stop_nothing() {
    let world = world(|world| {
        world.write("src/main.rs", "mod audio;\nfn main() { let _ = \"notes.txt\"; }\n");
        world.write("src/audio.rs", "// a model of it\n");
        for name in ["src/old.rs", "notes.txt", "target/debug/audio.rs", "audio.rs.bak", ".env"] {
            world.write(name, "mod audio;");
        }
        world.write(".gitignore", "/target\n/src/old.rs\n/notes.txt\n*.bak\n.env\n");
    });
    assert_eq!(made_for(&world, "v0.1.0").problems, []);
}

#[test]
fn files_that_cannot_lie_in_one_archive_are_refused() {
    let files = |list: &'static str| {
        move |world: &World| {
            let text = world.read("sayna-release.toml");
            let old = text.lines().find(|line| line.starts_with("files = ")).unwrap();
            world.write("sayna-release.toml", &text.replace(old, &format!("files = {list}")));
            for name in ["sayna", "readme.md", "THIRD-PARTY-LICENSES", "d/x"] {
                world.write(name, "x");
            }
        }
    };
    for (list, name) in [
        ("[\"README.md\", \"README.md\"]", "README.md"),
        ("[\"README.md\", \"readme.md\"]", "readme.md"),
        ("[\"README.md\", \"sayna\"]", "sayna"),
        ("[\"README.md\", \"THIRD-PARTY-LICENSES\"]", "THIRD-PARTY-LICENSES"),
    ] {
        stops("file-twice", &[name, "twice"], files(list));
    }
    stops("file-folder", &["\"d\" is a folder"], files("[\"README.md\", \"d\"]"));
    stops("file-empty", &["LICENSE", "empty"], |world| world.write("LICENSE", ""));
}

#[test]
fn sources_and_budgets_that_no_build_can_have_are_refused() {
    stops("source-missing", &["nope.rs"], |world| world.edit("Cargo.toml", "edition", "build = \"nope.rs\"\nedition"));
    stops("source-missing", &["nolib.rs"], |world| {
        world.edit("Cargo.toml", "[features]", "[lib]\npath = \"src/nolib.rs\"\n\n[features]");
    });
    stops("budget-none", &["x86_64-unknown-linux-gnu"], |world| {
        let text = world.read("sayna-release.toml");
        let begin = text.find("binary = \"").unwrap() + "binary = \"".len();
        let end = begin + text[begin..].find('"').unwrap();
        world.write("sayna-release.toml", &format!("{}0 MB{}", &text[..begin], &text[end..]));
    });
}

#[test]
fn licences_that_no_binary_could_be_packed_with_are_refused() {
    let policy = |text: &'static str| move |world: &World| world.write("deny.toml", text);
    stops("licences", &["MIT OR Apache-2.0", "allow"], policy("[licenses]\nallow = [\"Zlib\"]\n"));
    stops("licences", &["MTI"], policy("[licenses]\nallow = [\"MTI\"]\n"));
    stops("licences", &["deny.toml"], policy("[bans]\n"));
    let licence = |to: &'static str| move |world: &World| world.edit("Cargo.toml", "Apache-2.0", to);
    stops("licence-form", &["Apache 2", "SPDX"], licence("Apache 2"));
}

#[test]
fn the_binary_its_features_and_its_compiler_must_be_there() {
    stops("cargo-manifest", &["no targets specified"], |world| fs::remove_file(world.path("src/main.rs")).unwrap());
    stops("binary-missing", &["\"sayna\"", "no binary", "src/main.rs"], |world| {
        fs::rename(world.path("src/main.rs"), world.path("src/lib.rs")).unwrap();
    });
    stops("binary-missing", &["it has other"], |world| {
        world.edit("Cargo.toml", "[features]", "[[bin]]\nname = \"other\"\npath = \"src/main.rs\"\n\n[features]");
    });
    stops("cargo-manifest", &["editoin"], |world| {
        world.edit("Cargo.toml", "edition = \"2024\"", "edition = \"editoin\"");
    });
    stops("toolchain-old", &["rustc 1.999.0", "rust-version"], |world| {
        world.edit("Cargo.toml", "edition", "rust-version = \"1.999\"\nedition");
    });
    stops("toolchain-file", &["rust-toolchain.toml", "1.2.3"], |world| {
        world.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.2.3\"\n");
    });
    let required =
        "[[bin]]\nname = \"sayna\"\npath = \"src/main.rs\"\nrequired-features = [\"vad\"]\n\n[features]\nvad = []";
    let found = made_for(&world(|world| world.edit("Cargo.toml", "[features]", required)), "v0.1.0").problems;
    assert_eq!(found.iter().map(|p| p.kind).collect::<Vec<_>>(), ["binary-features"; 2]);
    stops("runner-mismatch", &["x86_64-pc-windows-msvc", "ubuntu-24.04"], edit_table("windows-2022", "ubuntu-24.04"));
}

#[test]
fn a_lock_file_that_does_not_fit_is_refused() {
    let lock = |text: &'static str| {
        move |world: &World| world.write("Cargo.lock", &format!("{}{text}", world.read("Cargo.lock")))
    };
    let one = "\n[[package]]\nname = \"hex\"\nversion = \"0.4.3\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    let needs = |world: &World, of: &str| {
        world.edit("Cargo.toml", "[features]", &format!("[dependencies]\n{of}\n\n[features]"));
    };
    stops("lock-outdated", &["sayna depends on hex", "cargo check"], |world| needs(world, "hex = \"0.4\""));
    stops("lock-outdated", &["sayna does not depend on hex"], lock("dependencies = [\"hex\"]\n"));
    stops("lock-outdated", &["sayna wants hex ^0.5", "there is 0.4.3"], |world| {
        needs(world, "hex = \"0.5\"");
        world.write("Cargo.lock", &format!("{}dependencies = [\"hex\"]\n{one}", world.read("Cargo.lock")));
    });
    stops("lock-outdated", &["other is not there"], |world| {
        world.write("other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        world.write("other/src/lib.rs", "");
        world.edit("Cargo.toml", "[features]", "[workspace]\nmembers = [\"other\"]\n\n[features]");
    });
    // A renamed, optional or development dependency is one, and the newest of two versions may be meant.
    let fits = world(|world| {
        let all =
            "more = { package = \"hex\", version = \"0.4\", optional = true }\n\n[dev-dependencies]\nhex = \"=0.4.3\"";
        needs(world, all);
        world.write("Cargo.lock", &format!("{}dependencies = [\"hex\"]\n{one}", world.read("Cargo.lock")));
    });
    assert_eq!(made_for(&fits, "v0.1.0").problems, []);
}

#[test]
fn a_workspace_above_the_tree_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let world = project();
    let tree = parent.path().join("tree");
    let from = world.root().display().to_string();
    let cloned = Command::new("git").args(["clone", "--quiet", &from]).arg(&tree).status().unwrap();
    assert!(cloned.success());
    let above = "[workspace]\nmembers = [\"tree\"]\n\n[profile.release]\nopt-level = 0\n";
    fs::write(parent.path().join("Cargo.toml"), above).unwrap();
    let output = command(&tree, &["plan", "--tag", "v0.1.0"]).output().unwrap();
    assert!(text(&output.stdout).contains("belongs to the workspace in"), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn linked_crates_are_checked_before_anything_is_built() {
    let linking = |manifest: &str| {
        let mut world = project();
        world.write(
            "leaf/Cargo.toml",
            &format!("[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{manifest}\n"),
        );
        world.write("leaf/src/lib.rs", "");
        world.edit("Cargo.toml", "[features]", "[dependencies]\nleaf = { path = \"leaf\" }\n\n[features]");
        world.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"leaf\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"sayna\"\nversion = \"0.1.0\"\ndependencies = [\"leaf\"]\n");
        world.commit("feat: link");
        let output = run(world.root(), &["plan", "--tag", "v0.1.0"]);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    for (manifest, words) in [
        ("", "leaf 1.0.0 has no `license` in its manifest"),
        ("license = \"LicenseRef-own\"", "leaf 1.0.0 is licensed under \"LicenseRef-own\""),
        ("license = \"GPL-3.0-only\"", "which "),
        ("license = \"MIT\"\nrust-version = \"1.999\"", "leaf 1.0.0 asks for rustc 1.999.0"),
    ] {
        let (status, said) = linking(manifest);
        assert!(status == Some(2) && said.contains(words), "{manifest}: {said}");
        assert!(said.contains("linked for x86_64-pc-windows-msvc, x86_64-unknown-linux-gnu"), "{said}");
    }
    let (status, said) = linking("license = \"MIT\"");
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn crates_that_are_not_here_are_said_and_not_asked_for() {
    let mut world = project();
    world.edit("Cargo.toml", "[features]", "[dependencies]\nhex = \"0.4\"\n\n[features]");
    let one = "\n[[package]]\nname = \"hex\"\nversion = \"0.4.3\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
               checksum = \"7f24254aa9a54b5c858eaee2f5bccdb46aaf0e486a595ed5fd8f86ba55232a70\"\n";
    let lock = "version = 4\n".to_owned()
        + one
        + "\n[[package]]\nname = \"sayna\"\nversion = \"0.1.0\"\ndependencies = [\"hex\"]\n";
    world.write("Cargo.lock", &lock);
    world.commit("feat: hex");
    let home = tempfile::tempdir().unwrap();
    let output = command(world.root(), &["plan", "--tag", "v0.1.0"]).env("CARGO_HOME", home.path()).output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains("not all crates were downloaded"), "{said}");
}

#[test]
fn a_time_that_no_zip_can_hold_is_refused() {
    let world = world(|_| ());
    let mut plan = command(world.root(), &["plan", "--tag", "v0.1.0"]);
    let output = plan.env("SOURCE_DATE_EPOCH", "0").output().unwrap();
    assert!(
        output.status.code() == Some(2) && text(&output.stdout).contains("1980 to 2107"),
        "{}",
        text(&output.stdout)
    );
}
