//! `build --fetch`: native inputs are had as the table pins them, or not at all.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::io::{Cursor, Write as _};

use sayna_release::digest::Digest;
use sayna_release::part::{BinaryPart, Part};
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

fn zip(names: &[&str]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(b"library").unwrap();
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
fn what_is_pinned_is_fetched_once_and_built_with() {
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
fn other_bytes_no_pin_and_a_zip_of_another_form_are_refused() {
    let good = zip(&["linux-x64-release/lib/libwebrtc.a"]);
    let scene = Scene::new(good.clone());
    scene.hub.hub().files.insert("/linux-x64.zip".to_owned(), zip(&["linux-x64-release/lib/other.a"]));
    scene.refuses(&["linux-x64.zip has sha256:", "somebody replaced it"]);
    scene.world.edit("sayna-release.toml", &Digest::of(&good).hex(), "");
    scene.hub.hub().files.insert("/linux-x64.zip".to_owned(), good.clone());
    let pin = format!("{TRIPLE} = \"sha256-{}\"", Digest::of(&good).base64());
    scene.refuses(&["has an empty sha256", &pin]);
    for names in [["../escaped.a"], ["libwebrtc.a"]] {
        Scene::new(zip(&names)).refuses(&["folder"]);
    }
    Scene::new(b"no zip".to_vec()).refuses(&["linux-x64.zip"]);
}
