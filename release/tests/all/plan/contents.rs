//! What the table names against what there is.

use sayna_release::plan::output;

use super::{assert_only, kinds, made, made_for, with_file, with_table};
use crate::support::{World, golden};

#[test]
fn a_feature_that_does_not_exist_is_shown_at_its_line_with_the_nearest() {
    let features = "[features]\ndefault = []\nlivekit = []\nlocal = []\n";
    let mut world = World::new();
    world.edit("Cargo.toml", "[features]\ndefault = []\n", features);
    world.edit("sayna-release.toml", "features = []", "features = [\"local\", \"livekti\"]");
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_only(&world, "unknown-feature", &["livekti", "did you mean \"livekit\"?"]);
    let findings = output::findings(&made_for(&world, "v0.1.0"), false);
    golden("plan-unknown-feature.txt", &findings.replace(&world.root().display().to_string(), "ROOT"));
    assert!(output::json(&made(&world)).contains("\"line\": 11"));
    world.edit("sayna-release.toml", "\"livekti\"", "\"livekit\"");
    world.commit("fix: it");
    assert!(!kinds(&made(&world).problems).contains(&"unknown-feature"));
}

#[test]
fn a_target_has_the_features_that_its_own_features_bring() {
    // One that brings another of the package's has both; what it brings of a dependency is no feature.
    let features = "default = []\nmodels = []\nvad = [\"models\", \"dep:rten\"]\nlocal = [\"vad\", \"rten?/random\"]";
    let world = with_file("Cargo.toml", "default = []", features);
    world.edit("sayna-release.toml", "features = []", "features = [\"local\"]");
    let targets = made(&world).plan.targets;
    assert_eq!(
        (&targets[0].features, &targets[1].features),
        (&["local", "models", "vad"].map(str::to_owned).to_vec(), &vec![])
    );
}

#[test]
fn a_file_that_is_missing_or_outside_is_a_problem() {
    let world = with_table("\"LICENSE\"", "\"LICENCE\"");
    assert_only(&world, "file-missing", &["LICENCE", "did you mean \"LICENSE\"?"]);
    for outside in ["../LICENSE", "/etc/hostname", "", "./LICENSE/.."] {
        let world = with_table("\"LICENSE\"", &format!("{outside:?}"));
        assert_only(&world, "file-outside", &["below the top folder"]);
    }
}

/// A project whose archives hold files of a tree, from this list of files.
fn with_tree(tree: &str, files: &str) -> World {
    let mut world = World::new();
    for file in ["packaging/sayna/man/sayna.1", "packaging/sayna/completions/_sayna", "packaging/sayna-other/README"] {
        world.write(file, "x");
    }
    world.edit("sayna-release.toml", "\"LICENSE\"]", &format!("\"LICENSE\", {files}]\ntree = {tree:?}"));
    world.commit("feat: begin");
    world.tag("v0.1.0");
    world
}

#[test]
fn files_of_the_tree_are_packed_by_their_path_below_it() {
    let both = "\"packaging/sayna/man/sayna.1\", \"packaging/sayna/completions/_sayna\"";
    let world = with_tree("packaging/sayna", &format!("{both}, \"packaging/sayna-other/README\""));
    assert_eq!(kinds(&made(&world).problems), Vec::<&str>::new());
    let table = made(&world).source.table;
    let packed: Vec<&str> = table.programs().next().unwrap().packed().map(|(name, _)| name).collect();
    let other = "packaging/sayna-other/README";
    assert_eq!(packed, ["README.md", "LICENSE", "man/sayna.1", "completions/_sayna", other]);
    assert_only(&with_tree("packaging/sayna", "\"packaging/sayna/man/sayna.1\""), "tree-unlisted", &["_sayna"]);
    assert_only(&with_tree("packaging/none", both), "tree-empty", &["packaging/none"]);
    assert_only(&with_tree("packaging/sayna/man/sayna.1", both), "tree-empty", &["sayna.1"]);
    for outside in
        ["..", "/etc", "", ".", "packaging/sayna/", "packaging//sayna", "./packaging/sayna", "packaging/./sayna"]
    {
        assert_only(&with_tree(outside, both), "tree-outside", &["below the top folder"]);
    }
    assert_only(&with_tree("packaging/sayna", &format!("{both}, \"man/sayna.1\"")), "file-missing", &["man/sayna.1"]);
}

#[test]
fn a_file_of_the_tree_that_stands_twice_in_the_archive_is_a_problem() {
    let mut world = World::new();
    world.write("packaging/sayna/readme.md", "x");
    world.edit(
        "sayna-release.toml",
        "\"LICENSE\"]",
        "\"LICENSE\", \"packaging/sayna/readme.md\"]\ntree = \"packaging/sayna\"",
    );
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_only(&world, "file-twice", &["readme.md", "twice"]);
}

#[test]
fn names_that_a_forge_would_change_are_a_problem() {
    let mut world = World::new();
    world.set_version("0.1.0+build.5");
    world.commit("feat: begin");
    world.tag("v0.1.0+build.5");
    assert_only(&world, "artifact-name", &["'+'"]);
    let world = with_table("name = \"sayna\"", "name = \"saina\"");
    assert_only(&world, "package-name", &["saina", "sayna"]);
}

#[test]
fn targets_must_be_consistent() {
    let world = with_table("x86_64-pc-windows-msvc", "x86_64-unknown-linux-gnu");
    let problems = made(&world).problems;
    assert_eq!(kinds(&problems), ["floor-kind", "duplicate-target", "runner-mismatch"]);
    let world = with_table("{ windows = \"10.0\" }", "{ macos = \"14.0\" }");
    assert_only(&world, "floor-kind", &["`windows`", "floor = { windows = \"10.0\" }"]);
    let world = with_table("{ glibc = \"2.34\" }", "{ glibc = \"2.34\", macos = \"14.0\" }");
    assert_only(&world, "floor-kind", &["`glibc` and nothing else"]);
    let world = with_table("{ glibc = \"2.34\" }", "{}");
    assert_only(&world, "floor-kind", &["`glibc`"]);
    let world = with_table("system = \"x86_64-linux\"\n", "");
    assert_only(&world, "system-missing", &["system = \"x86_64-linux\""]);
    let world = with_table("system = \"x86_64-linux\"\n", "system = \"aarch64-linux\"\n");
    assert_only(&world, "system-mismatch", &["x86_64-linux"]);
}

#[test]
fn every_image_platform_needs_its_linux_target() {
    let platform = |arch: &str, target: &str| format!("{{ os = \"linux\", arch = {arch:?}, target = {target:?} }}");
    let amd64 = platform("amd64", "x86_64-unknown-linux-gnu");
    let world = with_table(&amd64, &platform("arm64", "aarch64-unknown-linux-gnu"));
    assert_only(&world, "unknown-target", &["aarch64-unknown-linux-gnu"]);
    let world = with_table(&amd64, &platform("arm64", "x86_64-unknown-linux-gnu"));
    assert_only(&world, "platform-mismatch", &["linux/arm64", "x86_64-unknown-linux-gnu"]);
    let world = with_table(&amd64, &platform("amd64", "x86_64-pc-windows-msvc"));
    assert_only(&world, "platform-mismatch", &["x86_64-pc-windows-msvc"]);
    let world = with_table(&amd64, &format!("{amd64}, {amd64}"));
    assert_only(&world, "duplicate-platform", &["linux/amd64"]);
}

#[test]
fn repositories_and_forge_are_checked_by_form() {
    for wrong in ["sayna", "docker.io/Saynaai/sayna", "docker.io/saynaai/sayna:1", "saynaai/sayna", "docker.io//x"] {
        let world = with_table("\"docker.io/saynaai/sayna\"", &format!("{wrong:?}"));
        assert_only(&world, "repository-form", &[wrong]);
    }
    for right in ["ghcr.io/saynaai/sayna", "localhost:5000/sayna"] {
        let world = with_table("\"docker.io/saynaai/sayna\"", &format!("{right:?}"));
        assert_eq!(kinds(&made(&world).problems), [""; 0], "{right}");
    }
    let world = with_table("github = \"saynaai/sayna\"", "github = \"https://github.com/saynaai/sayna\"");
    assert_only(&world, "forge-form", &["owner/repository"]);
}

/// A world with a native input for the Linux target; `edit` changes its entry.
fn with_native(from: &str, to: &str) -> World {
    let native = "[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\nurl = \"https://example.org/{name}.zip\"\n\
        [native.names]\nx86_64-unknown-linux-gnu = \"linux-x64\"\n[native.sha256]\nx86_64-unknown-linux-gnu = \"SUM\"\n"
        .replace("SUM", &"ab".repeat(32));
    assert!(native.contains(from), "{native}");
    let mut world = World::new();
    world.edit("Cargo.toml", "default = []", "default = []\nlivekit = []");
    world.edit("sayna-release.toml", "features = []", "features = [\"livekit\"]");
    let table = world.read("sayna-release.toml");
    world.write("sayna-release.toml", &format!("{table}\n{}", native.replacen(from, to, 1)));
    world.commit("feat: begin");
    world.tag("v0.1.0");
    world
}

#[test]
fn a_native_input_must_be_pinned_for_every_target_that_needs_it() {
    assert_eq!(kinds(&made(&with_native("", "")).problems), [""; 0]);
    let sum = "ab".repeat(32);
    let pinned = format!("{sum:?}");
    let fill = "curl -fsSL https://example.org/linux-x64.zip | sha256sum";
    assert_only(&with_native(&pinned, "\"\""), "native-unpinned", &["is empty", fill]);
    assert_only(&with_native(&pinned, "\"abc\""), "native-sha256", &["64 hex digits", fill]);
    let base64 = format!("\"sha256-{}=\"", "A".repeat(43));
    assert_eq!(kinds(&made(&with_native(&pinned, &base64)).problems), [""; 0]);
    let line = format!("x86_64-unknown-linux-gnu = {pinned}\n");
    assert_only(&with_native(&line, ""), "native-unpinned", &["has no sha256 for x86_64-unknown-linux-gnu", fill]);
    let names = "x86_64-unknown-linux-gnu = \"linux-x64\"\n";
    assert_only(&with_native(names, ""), "native-unavailable", &["\"livekit\""]);
    assert_only(&with_native("BSD-3-Clause", "BSD3"), "licence-form", &["BSD3"]);
    let allow = "for = \"livekit\"\nallow = [\"LGPL-2.1-or-later\", \"LicenseRef-own\", \"LGPL\"]";
    assert_only(&with_native("for = \"livekit\"", allow), "licence-form", &["`allow` of libwebrtc has \"LGPL\""]);
    assert_only(
        &with_native(names, &format!("{names}aarch64-apple-darwin = \"mac\"\n")),
        "unknown-target",
        &["aarch64-apple-darwin"],
    );
}

#[test]
fn a_native_input_of_a_feature_to_come_is_only_said() {
    let world = with_native("for = \"livekit\"", "for = \"rooms\"");
    let made = made(&world);
    assert_eq!((kinds(&made.problems), kinds(&made.facts)), (vec![], vec!["native-waits"]));
    let said = "libwebrtc waits for the feature rooms, which Cargo.toml does not have yet";
    assert_eq!(made.facts[0].message, said);
    // As soon as a target names it, it must exist.
    world.edit("sayna-release.toml", "features = [\"livekit\"]", "features = [\"rooms\"]");
    let problems = super::made(&world).problems;
    let unknown = problems.iter().filter(|p| p.kind == "unknown-feature").count();
    assert!(unknown == 2 && super::made(&world).facts.is_empty(), "{problems:#?}");
}

#[test]
fn a_native_input_from_nixpkgs_has_nothing_to_pin() {
    let mut world = with_native("url = \"https://example.org/{name}.zip\"", "source = \"nixpkgs\"");
    let table = world.read("sayna-release.toml");
    world.write("sayna-release.toml", table.split("[native.names]").next().unwrap());
    world.set_version("0.1.1");
    world.commit("fix: nothing to download");
    world.tag("v0.1.1");
    assert_eq!(kinds(&made(&world).problems), [""; 0]);
}

#[test]
fn a_native_input_belongs_to_one_locked_version_of_its_crate() {
    let with_lock = |package: &str, belongs: &str| {
        let mut world = with_native("", "");
        world.edit("sayna-release.toml", "for = \"livekit\"", &format!("for = \"livekit\"\n{belongs}"));
        world.set_version("0.1.1");
        world.write("Cargo.lock", &(world.read("Cargo.lock") + package));
        world.commit("fix: rooms");
        world.tag("v0.1.1");
        world
    };
    let belongs = "crate = \"webrtc-sys-build\"\ncrate_version = \"0.3.14\"";
    let locked = |version: &str| {
        format!(
            "\n[[package]]\nname = \"webrtc-sys-build\"\nversion = {version:?}\nsource = \"registry+https://example.org\"\n"
        )
    };
    assert_eq!(kinds(&made(&with_lock(&locked("0.3.14"), belongs)).problems), [""; 0]);
    let (both, precise) = ("belongs to webrtc-sys-build 0.3.14, but Cargo.lock has 0.3.15", "--precise 0.3.14");
    assert_only(&with_lock(&locked("0.3.15"), belongs), "native-crate", &[both, precise]);
    assert_only(&with_lock(&(locked("0.3.14") + &locked("0.3.15")), belongs), "native-crate", &["has 0.3.15"]);
    let mut world = with_lock("", belongs);
    assert_only(&world, "native-crate", &["which Cargo.lock does not have", "depend on webrtc-sys-build"]);
    // Without a target that has the feature, the crate is not needed.
    world.edit("sayna-release.toml", "features = [\"livekit\"]", "features = []");
    world.set_version("0.1.2");
    world.commit("fix: nobody has it");
    world.tag("v0.1.2");
    assert_eq!(kinds(&made(&world).problems), [""; 0]);
}

#[test]
fn a_native_input_that_no_target_needs_needs_no_pin() {
    let pinned = format!("{:?}", "ab".repeat(32));
    let mut world = with_native(&pinned, "\"\"");
    assert_only(&world, "native-unpinned", &["x86_64-unknown-linux-gnu"]);
    world.edit("sayna-release.toml", "features = [\"livekit\"]", "features = []");
    world.set_version("0.1.1");
    world.commit("fix: no target has it");
    world.tag("v0.1.1");
    assert_eq!(kinds(&made(&world).problems), [""; 0]);
}

#[test]
fn empty_or_repeated_table_entries_are_refused() {
    let image = "[\"docker.io/saynaai/sayna\"]";
    let others = ["docker.io/saynaai/sayna", "index.docker.io/saynaai/sayna", "registry-1.docker.io/saynaai/sayna"];
    for other in others {
        let both = format!("[\"docker.io/saynaai/sayna\", \"{other}\"]");
        assert_only(&with_table(image, &both), "value-twice", &["image.repositories", other]);
    }
    let both = "[\"ghcr.io/saynaai/sayna\", \"GHCR.io:443/saynaai/sayna\"]";
    assert_only(&with_table(image, both), "value-twice", &["image.repositories", "GHCR.io:443"]);
    let different = made(&with_table(image, "[\"docker.io/saynaai/sayna\", \"ghcr.io/saynaai/sayna\"]"));
    assert_eq!(kinds(&different.problems), [""; 0]);
    for wrong in ["saynaai/sayna", "docker.io/sayna", "docker.io/a..b/sayna", "docker.io/saynaai/sayna:1"] {
        let found = made(&with_table(image, &format!("[{wrong:?}]"))).problems;
        assert_eq!(kinds(&found), ["repository-form"], "{wrong}");
    }
    assert_only(&with_table("[\"libc.so.6\"]", "[]"), "list-empty", &["x86_64-unknown-linux-gnu", "libs"]);
    let windows = "[\"kernel32.dll\"]";
    for (from, to, kind, word) in [
        ("[\"libc.so.6\"]", "[\"libc.so.6\", \"libc.so.6\"]", "value-twice", "libc.so.6"),
        ("[\"libc.so.6\"]", "[\"libc.so.6\", \" \"]", "value-empty", "libs"),
        (windows, "[\"kernel32.dll\", \"KERNEL32.dll\"]", "value-twice", "KERNEL32.dll"),
        ("features = []", "features = [\"default\", \"default\"]", "value-twice", "features"),
        ("runner = \"ubuntu-24.04\"", "runner = \"\"", "value-empty", "runner"),
        ("[\"RUSTFLAGS\", ", "[\"RUSTFLAGS\", \"RUSTFLAGS\", ", "value-twice", "build.unset"),
        ("[\"RUSTFLAGS\", ", "[\"\", ", "value-empty", "build.unset"),
        ("cargo = \"/cargo\"", "cargo = \"/src\"", "value-twice", "build.remap"),
        ("target = \"/target\" }", "target = \"\" }", "value-empty", "build.remap"),
        ("[forge]", "[build.rustflags]\nlinux = [\"\"]\n\n[forge]", "value-empty", "build.rustflags"),
        ("name = \"sayna\"", "name = \"sayna\"\ncachix = \"\"", "value-empty", "release.cachix"),
        ("budget = \"80 MB\"", "budget = \"0 MB\"", "budget-none", "image.budget"),
        ("archive = \"4 MB\" }", "archive = \"4 MB\", without_livekit = \"0 kB\" }", "budget-none", "x86_64"),
    ] {
        assert_only(&with_table(from, to), kind, &[word]);
    }
}

#[test]
fn native_inputs_and_models_are_there_once_and_whole() {
    let entry = |name: &str, env: &str, version: &str| {
        format!(
            "[[native]]\nname = {name:?}\nversion = {version:?}\nlicence = \"MIT\"\nfor = \"default\"\nenv = {env:?}\nsource = \"nixpkgs\"\n\n"
        )
    };
    let two = |first: String, second: String| with_table("[forge]", &format!("{first}{second}[forge]"));
    assert_only(&two(entry("a", "A", "1"), entry("a", "B", "1")), "value-twice", &["[[native]]", "\"a\""]);
    assert_only(&two(entry("a", "A", "1"), entry("b", "A", "1")), "value-twice", &["`env`", "\"A\""]);
    assert_only(&two(entry("a", "A", ""), entry("b", "B", "1")), "value-empty", &["`version` of a"]);
    let model = "{\"name\":\"m/x.onnx\",\"for\":\"default\",\"url\":\"https://example.org/x\",\"bytes\":1,\"sha256\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"licence\":\"MIT\",\"wheel\":\"w.whl\",\"path\":\"x\"}";
    let mut world = World::new();
    world.write("models.json", &format!("[{model},{model}]"));
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_only(&world, "value-twice", &["models.json", "m/x.onnx"]);
}
