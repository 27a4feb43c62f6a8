//! The program from outside, on a project of one file: a whole release in seconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sayna_release::digest::Digest;
use sayna_release::part::{self, Part};
use serde_json::Value;

use crate::fixture::tree;
use crate::support::{World, names};

mod messages;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod statement;

const PROGRAM: &str = r#"fn main() {
    println!("sayna {}", env!("CARGO_PKG_VERSION"));
    println!("features: none");
}
"#;

/// A project that has everything a release needs.
pub(crate) fn project() -> World {
    let mut world = World::new();
    world.write("src/main.rs", PROGRAM);
    world.write(".gitignore", "/target/\n/dist/\n");
    fs::remove_file(world.path("flake.nix")).unwrap();
    world.edit("sayna-release.toml", "builder = \"nix\"", "builder = \"cargo\"");
    let libs = r#"libs = ["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libgcc_s.so.1"]"#;
    world.edit("sayna-release.toml", r#"libs = ["libc.so.6"]"#, libs);
    world.commit("feat: begin");
    world
}

/// The first target is built by Nix, where a flake is written.
pub(crate) fn built_by_nix(world: &World) {
    let text = world.read("sayna-release.toml");
    world.write("sayna-release.toml", &text.replacen("builder = \"cargo\"", "builder = \"nix\"", 1));
}

pub(crate) fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(arguments).current_dir(root).stdin(Stdio::null());
    // The test's own target folder must not be the project's.
    command.env_remove("CARGO_TARGET_DIR").env("NO_COLOR", "1");
    command
}

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Output {
    command(root, arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(root: &Path, arguments: &[&str]) -> String {
    let output = run(root, arguments);
    assert!(output.status.success(), "{arguments:?}: {}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn rehearsed(root: &Path) -> Value {
    serde_json::from_str(&succeeds(root, &["rehearse", "--twice", "--json"])).unwrap()
}

fn folder(summary: &Value) -> PathBuf {
    summary["folder"].as_str().unwrap().into()
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_rehearsal_makes_everything_twice_and_a_second_one_nothing() {
    let mut world = project();
    let first = rehearsed(world.root());
    assert_eq!((&first["passed"], &first["reproduced"]), (&Value::Bool(true), &Value::Bool(true)));
    // A rehearsal is not signed: its rows of attestations are not among those that hold.
    let (rows, stages) = (first["report"]["rows"].as_array().unwrap(), first["stages"].as_array().unwrap());
    let of = |verdict: &str| rows.iter().filter(|row| row["verdict"] == verdict).count();
    let note = stages.iter().rfind(|stage| stage["name"] == "verify").unwrap()["note"].as_str().unwrap();
    assert!(of("not-here") > 0 && note.starts_with(&format!("{} rows hold", of("ok"))), "{note}");
    assert!(note.ends_with(&format!("{} not here", of("not-here"))), "{note}");
    let folder = folder(&first);
    let assets = folder.join("forge/published/v0.1.0/assets");
    let names = names(&assets);
    let stem = "sayna-0.1.0-x86_64-unknown-linux-gnu";
    let expected = [
        "SHA256SUMS".to_owned(),
        format!("{stem}.cdx.json"),
        format!("{stem}.tar.gz"),
        format!("{stem}.tar.gz.sha256"),
        "sayna-0.1.0.release.json".to_owned(),
        "sayna-0.1.0.release.json.sha256".to_owned(),
    ];
    assert_eq!(names, expected);
    assert!(folder.join("registry/index.json").is_file());
    assert_eq!(fs::read_to_string(folder.join("forge/latest")).unwrap(), "v0.1.0\n");
    let left_out = first["plan"]["left_out"].as_array().unwrap();
    assert_eq!(left_out[0]["what"], "x86_64-pc-windows-msvc");

    let published = [tree(&folder.join("forge")), tree(&folder.join("registry"))];
    let second = rehearsed(world.root());
    let notes: Vec<&str> = second["stages"].as_array().unwrap().iter().map(|s| s["note"].as_str().unwrap()).collect();
    assert!(notes.iter().any(|n| n.ends_with("there already")), "{notes:?}");
    assert!(notes.contains(&"nothing left to do") && second["reproduced"] == true, "{notes:?}");
    assert!(!second["stages"].as_array().unwrap().iter().any(|s| s["name"] == "again"), "{second}");
    assert!([tree(&folder.join("forge")), tree(&folder.join("registry"))] == published);

    // Later commits, with the tag behind them and a changed tree, are rehearsed as well.
    world.tag("v0.1.0");
    for n in 0..3 {
        world.write("README.md", &format!("# Sayna {n}\n"));
        world.commit(&format!("docs: say {n}"));
    }
    world.write("README.md", "# Changed\n");
    let third = rehearsed(world.root());
    assert_eq!(third["passed"], true);
    let reasons = third["would_refuse"].to_string();
    assert!(reasons.contains("v0.1.0") && reasons.contains("differ"), "{reasons}");
    // A change in the documents gives another archive and the same binary.
    let binary = |summary: &Value| {
        let path = self::folder(summary).join("parts/x86_64-unknown-linux-gnu");
        let Some(Part::Binary(part)) = Part::read(&path).unwrap() else { panic!("no part") };
        (part.binary.digest, part.archive.digest)
    };
    assert_eq!(binary(&first).0, binary(&third).0);
    assert_ne!(binary(&first).1, binary(&third).1);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_killed_rehearsal_is_finished_by_the_next_one() {
    let world = project();
    for marker in ["parts/x86_64-unknown-linux-gnu/part.json", "forge/draft", "registry/index.json", "forge/latest"] {
        let mut child =
            command(world.root(), &["rehearse"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let rehearsal = world.path("dist/rehearsal");
        let reached = || {
            let folders = fs::read_dir(&rehearsal).into_iter().flatten();
            folders.map(|e| e.unwrap().path().join(marker)).any(|path| path.exists())
        };
        while !reached() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // Already gone is fine too: the next one has less to do then.
        child.kill().ok();
        child.wait().unwrap();
    }
    let summary = rehearsed(world.root());
    assert_eq!((&summary["passed"], &summary["reproduced"]), (&Value::Bool(true), &Value::Bool(true)));
    let leftovers = tree(&world.path("dist/rehearsal"));
    let partial = leftovers
        .iter()
        .find(|(path, _)| path.to_string_lossy().contains("/forge/") && path.to_string_lossy().contains("partial"));
    assert!(partial.is_none(), "{partial:?}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn single_commands_give_the_bytes_of_the_rehearsal() {
    let world = project();
    world.tag("v0.1.0");
    let root = world.root();
    let triple = "x86_64-unknown-linux-gnu";
    succeeds(root, &["build", "--tag", "v0.1.0"]);
    succeeds(root, &["image", "--tag", "v0.1.0"]);
    let Some(Part::Binary(part)) = Part::read(&root.join("dist").join(triple)).unwrap() else { panic!("no part") };
    let Some(Part::Image(image)) = Part::read(&root.join("dist/linux-amd64")).unwrap() else { panic!("no part") };
    assert_eq!((image.binary.digest, image.binary.size), (part.binary.digest, part.binary.size));
    // An image takes the archive's executable, and packs nothing again.
    let program = root.join("target").join(triple).join("release/sayna");
    fs::rename(&program, root.join("target/kept")).unwrap();
    fs::remove_dir_all(root.join("dist/linux-amd64")).unwrap();
    succeeds(root, &["image", "--tag", "v0.1.0"]);
    assert!(!program.exists(), "`image` compiled the program again");
    fs::rename(root.join("target/kept"), &program).unwrap();
    // `package` on its own gives the same archive, and `sbom` the same document.
    let binary = root.join("target").join(triple).join("release/sayna").display().to_string();
    succeeds(root, &["package", "--target", triple, "--binary", &binary, "--out", "again"]);
    let entry = part::FileEntry::of(&root.join("again"), &part.archive.name).unwrap();
    assert_ne!(entry.digest, part.checksum.digest);
    fs::remove_dir_all(root.join("again")).unwrap();
    assert_eq!(entry, part.archive);
    let sbom = succeeds(root, &["sbom", "--tag", "v0.1.0"]);
    assert_eq!(sbom.as_bytes(), fs::read(root.join("dist").join(triple).join(&part.sbom.name)).unwrap());

    let places = ["--forge", "dir:dist/forge", "--registry", "oci:dist/registry", "--here"];
    let with = |command: &[&'static str]| [command, &["--tag", "v0.1.0"], &places].concat();
    let refused = run(root, &with(&["publish"]));
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("--allow-host-parts"));
    let dry = succeeds(root, &with(&["publish", "--allow-host-parts", "--dry-run"]));
    assert!(dry.contains("would make the release public") && !root.join("dist/forge/draft").exists(), "{dry}");
    let waiting = run(root, &with(&["verify"]));
    assert_eq!(waiting.status.code(), Some(1));
    succeeds(root, &with(&["publish", "--allow-host-parts"]));
    let again = succeeds(root, &with(&["publish", "--allow-host-parts"]));
    assert_eq!(again.matches("nothing to do").count(), 2, "{again}");
    let statement = root.join("dist/statement");
    let checklist = succeeds(root, &with(&["verify", "--reproduce", "--statement", "dist/statement"]));
    statement::states_what_was_rebuilt(&statement, &part);
    assert!(checklist.contains("awaiting promotion") && checklist.contains("bit-identical"), "{checklist}");
    assert!(succeeds(root, &with(&["promote", "--dry-run"])).contains("would set"));
    assert!(!root.join("dist/forge/latest").exists());
    succeeds(root, &with(&["promote"]));
    assert_eq!(fs::read_to_string(root.join("dist/forge/latest")).unwrap(), "v0.1.0\n");
    let report: Value = serde_json::from_str(&succeeds(root, &[with(&["verify"]), vec!["--json"]].concat())).unwrap();
    let verdicts: Vec<&str> =
        report["rows"].as_array().unwrap().iter().map(|r| r["verdict"].as_str().unwrap()).collect();
    let ids: Vec<&str> = report["rows"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    let expected = |id: &&str| {
        if ["attested", "stated", "program", "referrers", "rebuilt"].contains(id) { "not-here" } else { "ok" }
    };
    assert_eq!(verdicts, ids.iter().map(expected).collect::<Vec<_>>());
    assert_eq!(verdicts.len(), 23);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_binary_that_says_other_than_the_manifest_is_found() {
    for (line, found) in [
        ("features: livekit", "features: it says \"livekit\", the manifest \"\""),
        ("toolchain: rustc 1.2.3 (0123456 2016-01-01)", "toolchain: it says \"1.2.3\""),
        ("native inputs: b, a", "native inputs: it says \"a, b\", the manifest \"\""),
        ("models: ears.onnx", "models: it says \"ears.onnx\", the manifest \"\""),
    ] {
        let mut world = project();
        world.write("src/main.rs", &PROGRAM.replace("features: none", line));
        world.commit("fix: words");
        let output = run(world.root(), &["rehearse"]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(found), "{said}");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_feature_without_its_native_input_is_left_out_and_said() {
    let mut world = project();
    world.edit("Cargo.toml", "default = []", "default = []\nlivekit = []");
    let main =
        PROGRAM.replace("fn main() {", "fn main() {\n    #[cfg(feature = \"livekit\")]\n    println!(\"livekit\");");
    world.write("src/main.rs", &main);
    world.edit("sayna-release.toml", "features = []", "features = [\"livekit\"]");
    let native = "\n[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\n\
                  env = \"SAYNA_TEST_NATIVE\"\nurl = \"https://example.invalid/{name}.zip\"\n\
                  names = { x86_64-unknown-linux-gnu = \"linux-x64\" }\n\
                  sha256 = { x86_64-unknown-linux-gnu = \"0000000000000000000000000000000000000000000000000000000000000000\" }\n";
    let table = world.read("sayna-release.toml") + native;
    world.write("sayna-release.toml", &table);
    let sum = "ab".repeat(32);
    let model = |name: &str, feature: &str| {
        serde_json::json!({"name": name, "for": feature, "url": format!("https://example.invalid/{name}"), "bytes": 1,
            "sha256": sum, "licence": "MIT", "wheel": "w-1-py3-none-any.whl", "path": name})
    };
    world.write(
        "models.json",
        &serde_json::json!([model("ears.onnx", "livekit"), model("x.onnx", "other")]).to_string(),
    );
    world.commit("feat(livekit): rooms");
    let said = succeeds(world.root(), &["build"]);
    assert!(said.contains("without livekit: this machine has no libwebrtc"), "{said}");
    let folder = world.path("dist/x86_64-unknown-linux-gnu");
    let Some(Part::Binary(part)) = Part::read(&folder).unwrap() else { panic!("no part") };
    assert_eq!((part.built.features.len(), part.built.left_out[0].feature.as_str()), (0, "livekit"));
    assert!(part.built.inputs.is_empty(), "{:?}", part.built.inputs);
    let said = succeeds(world.root(), &["rehearse"]);
    let without = "x86_64-unknown-linux-gnu, image linux/amd64 without livekit: this machine has no libwebrtc";
    assert!(said.lines().any(|line| line.trim().starts_with(without)), "{said}");
    // Where the input is there, the feature is built.
    let there = command(world.root(), &["build"]).env("SAYNA_TEST_NATIVE", world.root()).output().unwrap();
    assert!(there.status.success(), "{}", text(&there.stderr));
    let Some(Part::Binary(part)) = Part::read(&folder).unwrap() else { panic!("no part") };
    assert_eq!(part.built.features, ["livekit"]);
    let inputs: Vec<_> = part.built.inputs.iter().map(|i| (i.name.as_str(), i.digest.unwrap().hex())).collect();
    assert_eq!(inputs, [("ears.onnx", sum), ("libwebrtc", "00".repeat(32))]);
    let sbom = fs::read_to_string(folder.join(&part.sbom.name)).unwrap();
    assert!(sbom.contains("libwebrtc") && sbom.contains("machine-learning-model"), "{sbom}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_image_has_the_models_that_lie_here_or_says_what_it_is_without() {
    let mut world = project();
    world.edit("Cargo.toml", "default = []", "default = []\nvad = []");
    world.edit("sayna-release.toml", "features = []", "features = [\"vad\"]");
    world.write("src/main.rs", "fn main() {\n    println!(\"sayna {}\", env!(\"CARGO_PKG_VERSION\"));\n}\n");
    let bytes = "what a model is";
    let model = |name: &str, image: bool| {
        serde_json::json!({"name": name, "for": "vad", "image": image, "url": "https://example.invalid/m", "bytes": bytes.len(),
            "sha256": Digest::of(bytes.as_bytes()).hex(), "licence": "MIT", "wheel": "w-1-py3-none-any.whl", "path": name})
    };
    world.write("models.json", &serde_json::json!([model("ears.onnx", true), model("large.bin", false)]).to_string());
    world.commit("feat(stt): hear");
    let image = |models: Option<&str>| {
        let mut command = command(world.root(), &["image"]);
        models.map(|folder| command.env("SAYNA_MODELS_PATH", folder));
        let output = command.output().unwrap();
        let part = Part::read(&world.path("dist/linux-amd64")).unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr), part)
    };
    let inside = |part: &Option<Part>| {
        let Some(Part::Image(part)) = part else { panic!("no part") };
        part.built.inputs.iter().filter(|input| input.inside).map(|input| input.name.clone()).collect::<Vec<_>>()
    };
    let (status, said, part) = image(None);
    assert_eq!((status, inside(&part).len()), (Some(0), 0), "{said}");
    assert!(said.contains("without ears.onnx: SAYNA_MODELS_PATH names no folder of models"), "{said}");
    world.write("target/models/ears.onnx", bytes);
    let models = world.path("target/models").display().to_string();
    let (status, said, part) = image(Some(&models));
    assert_eq!((status, inside(&part)), (Some(0), vec!["ears.onnx".to_owned()]), "{said}");
    world.write("target/models/ears.onnx", "something else");
    let (status, said, _) = image(Some(&models));
    assert!(status == Some(1) && said.contains("models.json says") && said.contains("sayna init"), "{status:?} {said}");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn flags_variables_and_folders_come_from_the_table() {
    let world = project();
    let main = PROGRAM.replace(
        "fn main() {",
        "fn main() {\n    println!(\"{} {} {:?}\", cfg!(all_have), cfg!(native_has), option_env!(\"SAYNA_TEST_UNSET\"));",
    );
    world.write("src/main.rs", &main);
    world.edit(
        "Cargo.toml",
        "default = []",
        "default = []\nvad = []\n\n[profile.release]\ndebug = \"line-tables-only\"",
    );
    world.edit("sayna-release.toml", "features = []", "features = [\"vad\"]");
    world.edit(
        "sayna-release.toml",
        "unset = [",
        "rustflags = { linux = [\"--cfg=all_have\"] }\nunset = [\"SAYNA_TEST_UNSET\", ",
    );
    world.edit("sayna-release.toml", "source = \"/src\"", "source = \"/a-name-for-the-checkout\"");
    let native = "\n[[native]]\nname = \"model\"\nversion = \"1\"\nlicence = \"MIT\"\nfor = \"vad\"\nurl = \"https://example.invalid\"\n\
                  sha256 = { x86_64-unknown-linux-gnu = \"\" }\n\
                  rustflags = { linux = [\"--cfg=native_has\"], macos = [\"--cfg=wrong\"] }\n";
    world.write("sayna-release.toml", &(world.read("sayna-release.toml") + native));
    let output = command(world.root(), &["build"]).env("SAYNA_TEST_UNSET", "seen").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let binary = world.path("target/x86_64-unknown-linux-gnu/release/sayna");
    let said = text(&Command::new(&binary).output().unwrap().stdout);
    assert!(said.starts_with("true true None\n"), "{said}");
    let bytes = fs::read(binary).unwrap();
    let has = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    assert!(has("/a-name-for-the-checkout") && !has(&world.root().display().to_string()));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_build_that_depends_on_its_folder_is_found_and_located() {
    let mut world = project();
    // `env!` is text that no remapping of paths reaches.
    let main = PROGRAM.replace("fn main() {", "fn main() {\n    std::hint::black_box(env!(\"CARGO_MANIFEST_DIR\"));");
    world.write("src/main.rs", &main);
    world.commit("feat: know the folder");
    let output = run(world.root(), &["rehearse", "--twice"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the executable of x86_64-unknown-linux-gnu, section .r"), "{said}");
    assert!(said.contains("to see more: diffoscope ") && said.contains("the bytes DIFFER"), "{said}");
    // Both builds are kept, to be looked at; without the second one nothing is claimed.
    let once = succeeds(world.root(), &["rehearse"]);
    assert!(once.contains("not proven"), "{once}");
}

#[test]
#[cfg(unix)]
fn links_are_links_in_the_second_build_too() {
    use std::os::unix::fs::symlink;
    let mut world = project();
    world.write("texts/greeting", "good evening");
    // `is_symlink` in a build script: what a copy made of the link would be a folder.
    world.write("build.rs", "fn main() { assert!(std::path::Path::new(\"src/words\").is_symlink()) }\n");
    symlink("../texts", world.path("src/words")).unwrap();
    symlink("nowhere", world.path("dangling")).unwrap();
    let main =
        PROGRAM.replace("fn main() {", "fn main() {\n    std::hint::black_box(include_str!(\"words/greeting\"));");
    world.write("src/main.rs", &main);
    world.commit("feat: greet");
    let mkfifo = Command::new("mkfifo").arg(world.path("pipe")).status().unwrap();
    assert!(mkfifo.success());
    let summary = rehearsed(world.root());
    assert_eq!(summary["reproduced"], true, "{summary}");
}
