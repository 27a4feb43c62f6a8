//! `build --fetch`: native inputs are had as the table pins them, or not at all.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::io::{Cursor, Write as _};

use sayna_release::digest::Digest;
use sayna_release::package;
use sayna_release::part::{BinaryPart, Part};
use sayna_release::table::ArchiveKind;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::github::Counterpart;
use crate::rehearse::{project, run};
use crate::support::World;

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// Asks for the library as webrtc-sys does.
const BUILD: &str = r#"fn main() {
    println!("cargo::rerun-if-env-changed=LK_CUSTOM_WEBRTC");
    if std::env::var_os("CARGO_FEATURE_LIVEKIT").is_some() {
        let folder = std::env::var("LK_CUSTOM_WEBRTC").expect("no LK_CUSTOM_WEBRTC");
        let library = std::path::Path::new(&folder).join("lib/libwebrtc.a");
        assert_eq!(std::fs::read(library).unwrap(), b"library");
    }
}
"#;

/// A file of licences.
const LICENCES: &str = "# tiny\n```\nDo as &lt;you&gt; like.\n```\n\n";

fn zip(names: &[&str]) -> Vec<u8> {
    zip_of(&names.iter().map(|name| (*name, "library")).collect::<Vec<_>>())
}

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

struct Scene {
    world: World,
    hub: Counterpart,
}

impl Scene {
    /// A project with the feature, whose input is this zip.
    fn new(zip: Vec<u8>) -> Self {
        let (mut world, hub) = (project(), Counterpart::start());
        world.write("build.rs", BUILD);
        world.edit("Cargo.toml", "default = []", "default = []\nlivekit = []");
        world.edit("sayna-release.toml", "features = []", "features = [\"livekit\"]");
        let table = world.read("sayna-release.toml");
        let native = format!(
            "\n[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\n\
             env = \"LK_CUSTOM_WEBRTC\"\nurl = \"{}/linux-x64.zip\"\nsha256 = {{ {TRIPLE} = \"{}\" }}\n",
            hub.addresses.outside,
            Digest::of(&zip).hex()
        );
        world.write("sayna-release.toml", &(table + &native));
        world.commit("feat: rooms");
        hub.hub().files.insert("/linux-x64.zip".to_owned(), zip);
        Self { world, hub }
    }

    fn build(&self, more: &[&str]) -> (Option<i32>, String) {
        let arguments = [&["build", "--builder", "cargo", "--target", TRIPLE], more].concat();
        let output = run(self.world.root(), &arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn part(&self) -> BinaryPart {
        let Some(Part::Binary(part)) = Part::read(&self.world.path("dist").join(TRIPLE)).unwrap() else {
            panic!("no part")
        };
        part
    }

    /// It fails with these words and leaves nothing of the input.
    fn refuses(&self, words: &[&str]) {
        let (status, said) = self.build(&["--fetch"]);
        assert!(status == Some(1) && words.iter().all(|w| said.contains(w)), "{said}");
        let left: Vec<_> =
            std::fs::read_dir(self.world.path("dist/native")).unwrap().map(|e| e.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn pinned_inputs_are_fetched_once_and_built_with() {
    let scene = Scene::new(zip(&["linux-x64-release/lib/libwebrtc.a", "linux-x64-release/webrtc.ninja"]));
    let (status, said) = scene.build(&[]);
    assert_eq!(status, Some(0), "{said}");
    let without = scene.part().built.left_out;
    assert!(without[0].reason.contains("LK_CUSTOM_WEBRTC is not set"), "{without:?}");
    for _ in 0..2 {
        let (status, said) = scene.build(&["--fetch"]);
        assert_eq!(status, Some(0), "{said}");
        let built = scene.part().built;
        assert_eq!((built.features, built.left_out), (vec!["livekit".to_owned()], vec![]));
    }
    assert_eq!(scene.hub.hub().requests.len(), 1, "the second build has it");
}

#[test]
fn a_library_without_its_licences_is_not_linked_and_one_with_them_has_them_in_archive_and_sbom() {
    let library = "linux-x64-release/lib/libwebrtc.a";
    let licences = "licences = \"LICENSE.md\"\nurl = ";
    let bare = Scene::new(zip(&[library]));
    bare.world.edit("sayna-release.toml", "url = ", licences);
    let (status, said) = bare.build(&["--fetch"]);
    assert_eq!(status, Some(1), "{said}");
    for part in ["linux-gnu/LICENSE.md is missing", "libraries inside libwebrtc 1", "next: unpack all"] {
        assert!(said.contains(part), "{said} lacks {part}");
    }
    assert!(!bare.world.path("dist").join(TRIPLE).join("part.json").exists());
    assert!(!said.contains("Compiling"), "it was compiled first: {said}");

    let scene = Scene::new(zip_of(&[(library, "library"), ("linux-x64-release/LICENSE.md", LICENCES)]));
    scene.world.edit("sayna-release.toml", "url = ", licences);
    let (status, said) = scene.build(&["--fetch"]);
    assert_eq!(status, Some(0), "{said}");
    let (part, folder) = (scene.part(), scene.world.path("dist").join(TRIPLE));
    let sbom: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join(&part.sbom.name)).unwrap()).unwrap();
    let webrtc = sbom["components"].as_array().unwrap().iter().find(|c| c["name"] == "libwebrtc").unwrap();
    assert_eq!(webrtc["components"][0]["name"], "tiny", "{webrtc}");
    let (stem, text) = (format!("sayna-0.1.0-{TRIPLE}"), scene.world.path("dist/text"));
    let file = format!("{stem}/{}", sayna_release::name::THIRD_PARTY);
    package::extract(&folder.join(&part.archive.name), ArchiveKind::TarGz, &file, &text, u64::MAX).unwrap();
    let text = std::fs::read_to_string(text).unwrap();
    assert!(text.contains("tiny in libwebrtc 1: own text [") && text.contains("Do as <you> like."), "{text}");
    // The same where a variable names the folder, to the byte; there a missing file is refused as well.
    let first = part.archive.digest;
    let native = scene.world.path("dist/native").join(format!("libwebrtc-1-{TRIPLE}"));
    let build = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        command.args(["build", "--builder", "cargo", "--target", TRIPLE]).current_dir(scene.world.root());
        command.env_remove("CARGO_TARGET_DIR").env_remove("SOURCE_DATE_EPOCH").env("LK_CUSTOM_WEBRTC", &native);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(build().0, Some(0));
    assert_eq!(scene.part().archive.digest, first);
    std::fs::remove_file(native.join("LICENSE.md")).unwrap();
    let (status, said) = build();
    assert!(status == Some(1) && said.contains("LICENSE.md is missing"), "{said}");
}

#[test]
fn other_bytes_no_pin_and_a_zip_of_another_form_are_refused() {
    let good = zip(&["linux-x64-release/lib/libwebrtc.a"]);
    let scene = Scene::new(good.clone());
    scene.hub.hub().files.insert("/linux-x64.zip".to_owned(), zip(&["linux-x64-release/lib/other.a"]));
    scene.refuses(&["linux-x64.zip has sha256:", "it was replaced"]);
    scene.world.edit("sayna-release.toml", &Digest::of(&good).hex(), "");
    scene.hub.hub().files.insert("/linux-x64.zip".to_owned(), good.clone());
    let pin = format!("{TRIPLE} = \"sha256-{}\"", Digest::of(&good).base64());
    scene.refuses(&["has an empty sha256", &pin]);
    for names in [["../escaped.a"], ["libwebrtc.a"]] {
        Scene::new(zip(&names)).refuses(&["folder"]);
    }
    Scene::new(b"no zip".to_vec()).refuses(&["linux-x64.zip"]);
}
