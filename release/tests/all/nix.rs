//! The builder `nix`, against the real Nix and a flake of a few lines: parts, explained failures, and the choice of it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sayna_release::part::{BinaryPart, ImagePart, LAYOUT, Part};
use sayna_release::table::Builder;
use sayna_release::{image, oci};
use serde_json::Value;

use crate::rehearse::{built_by_nix, project};
use crate::support::{World, names, running_rustc};

const FLAKE: &str = include_str!("toy.nix");
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// A project of one file with a flake.
fn with_flake(from: &str, to: &str) -> World {
    let mut world = project();
    assert!(FLAKE.contains(from), "the flake has no {from:?}");
    built_by_nix(&world);
    world.write("flake.nix", &FLAKE.replacen(from, to, 1));
    world.commit("feat(nix): a flake");
    world
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.args(arguments).current_dir(root).stdin(Stdio::null());
    command.env_remove("CARGO_TARGET_DIR").env_remove("SOURCE_DATE_EPOCH").env("NO_COLOR", "1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs, and gives standard error; no link to a result is left.
fn said(world: &World, arguments: &[&str], status: i32) -> String {
    let output = command(world.root(), arguments).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}{}", text(&output.stdout));
    assert!(fs::symlink_metadata(world.path("result")).is_err(), "a link to the result was left behind");
    said
}

fn binary(world: &World) -> BinaryPart {
    let Some(Part::Binary(part)) = Part::read(&world.path("dist").join(TRIPLE)).unwrap() else { panic!("no part") };
    part
}

#[test]
#[ignore = "needs nix"]
fn a_build_ends_in_a_part_and_leaves_nothing_else() {
    let world = with_flake("", "");
    let line = format!("{TRIPLE}: built by nix\n");
    assert!(said(&world, &["build", "--builder", "nix"], 0).contains(&line));
    let part = binary(&world);
    assert_eq!((part.built.by, part.built.rustc.to_string()), (Builder::Nix, running_rustc()));
    let folder = world.path("dist").join(TRIPLE);
    part.check(&folder).unwrap();
    let names = names(&folder);
    let stem = format!("sayna-0.1.0-{TRIPLE}");
    assert_eq!(
        names,
        ["part.json".to_owned(), format!("{stem}.cdx.json"), format!("{stem}.tar.gz"), format!("{stem}.tar.gz.sha256")]
    );
    let sbom = fs::read_to_string(folder.join(&part.sbom.name)).unwrap();
    assert!(sbom.contains(&part.binary.digest.hex()), "{sbom}");
    let mode =
        |name: &str| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.join(name)).unwrap().permissions());
    assert_eq!(mode(&part.archive.name) & 0o7777, 0o644);
    // Auto takes Nix too; a changed tree may be built, and is another archive.
    world.write("README.md", "# Changed\n");
    assert!(said(&world, &["build"], 0).contains(&line));
    let changed = binary(&world);
    assert_eq!(changed.binary, part.binary);
    assert_ne!(changed.archive.digest, part.archive.digest);
    assert!(said(&world, &["build", "--builder", "cargo"], 0).contains("built by cargo: --builder cargo says so"));
    assert_eq!(binary(&world).built.by, Builder::Cargo);
}

#[test]
#[ignore = "needs nix"]
fn the_sbom_has_the_libraries_inside_what_nix_linked() {
    let native = "\n[[native]]\nname = \"libwebrtc\"\nversion = \"1\"\nlicence = \"BSD-3-Clause\"\nfor = \"livekit\"\n\
                  licences = \"LICENSE.md\"\nenv = \"SAYNA_TEST_NATIVE\"\nurl = \"https://example.invalid/x.zip\"\n\
                  sha256 = { x86_64-unknown-linux-gnu = \"\" }\n";
    let with_native = |from: &str, to: &str| {
        let mut world = with_flake(from, to);
        world.edit("Cargo.toml", "default = []", "default = []\nlivekit = []");
        world.edit("sayna-release.toml", "features = []", "features = [\"livekit\"]");
        world.write("sayna-release.toml", &(world.read("sayna-release.toml") + native));
        world.commit("feat(livekit): rooms");
        world
    };
    let world = with_native("", "");
    said(&world, &["build", "--builder", "nix"], 0);
    let sbom = fs::read(world.path("dist").join(TRIPLE).join(&binary(&world).sbom.name)).unwrap();
    let sbom: Value = serde_json::from_slice(&sbom).unwrap();
    let inside = sbom["components"].as_array().unwrap().iter().find(|c| c["name"] == "libwebrtc").unwrap();
    assert_eq!(inside["components"][0]["name"], "tiny", "{inside}");
    let world = with_native(">$out/LICENSE.md", ">$out/other");
    let why = said(&world, &["build", "--builder", "nix"], 1);
    assert!(why.contains("-libwebrtc/LICENSE.md is missing"), "{why}");
}

#[test]
#[ignore = "needs nix and skopeo"]
fn an_image_gets_its_annotations_and_names_the_file_behind_its_links() {
    let world = with_flake("", "");
    said(&world, &["image", "--builder", "nix"], 0);
    let folder = world.path("dist/linux-amd64");
    let Some(Part::Image(part)) = Part::read(&folder).unwrap() else { panic!("no part") };
    let ImagePart { built, binary, manifest, .. } = &part;
    assert!(built.by == Builder::Nix && !built.host_assembled);
    assert!(binary.name.starts_with("nix/store/") && binary.name.ends_with("-sayna/bin/sayna"), "{}", binary.name);
    let layout = folder.join(LAYOUT);
    image::check(&layout, *manifest).unwrap();
    let layout = oci::Layout::open(&layout).unwrap();
    let written = layout.manifest(*manifest).unwrap();
    assert_eq!(written.annotations[oci::annotation::REVISION], world.head());
    let index = layout.index().unwrap();
    assert_eq!((index.manifests.len(), index.manifests[0].digest), (1, *manifest));
    assert_eq!(index.manifests[0].annotations[oci::annotation::REF_NAME], "0.1.0");
    assert_eq!(index.manifests[0].platform.as_ref().unwrap().to_string(), "linux/amd64");
    // Manifest, configuration and layer, and nothing of what they replaced.
    assert_eq!(fs::read_dir(folder.join("layout/blobs/sha256")).unwrap().count(), 3);
    let seen =
        Command::new("skopeo").arg("inspect").arg(format!("oci:{}/layout:0.1.0", folder.display())).output().unwrap();
    assert!(seen.status.success(), "{}", text(&seen.stderr));

    world.edit("sayna-release.toml", "compression = \"gzip\"", "compression = \"zstd\"");
    said(&world, &["image", "--builder", "nix"], 0);
    let Some(Part::Image(zstd)) = Part::read(&folder).unwrap() else { panic!("no part") };
    let layout = oci::Layout::open(&folder.join(LAYOUT)).unwrap();
    assert_eq!(layout.manifest(zstd.manifest).unwrap().layers[0].media_type, oci::media::LAYER_ZSTD);
}

#[test]
#[ignore = "needs nix and skopeo"]
fn an_image_of_something_else_is_refused() {
    let cases = [
        (
            "\"architecture\":\"amd64\"",
            "\"architecture\":\"arm64\"",
            "platform is linux/arm64, the plan says linux/amd64",
        ),
        ("image.revision\":\"${revision}", "image.revision\":\"main", "image.revision is main, the plan says"),
        (
            "image.version\":\"${version}",
            "image.other\":\"${version}",
            "image.version is not there, the plan says 0.1.0",
        ),
        ("[\"/app/sayna\"]", "[\"/bin/sh\"]", "entrypoint is /bin/sh, the plan says /app/sayna"),
        ("ln -s ${sayna}/bin/sayna", "ln -s ${sayna}/bin/none", "/app/sayna leads to no file in the image"),
        ("exec skopeo", "echo no room >&2; exit 3; exec skopeo", "bin/copy-to failed: no room"),
    ];
    for (from, to, why) in cases {
        let world = with_flake(from, to);
        let said = said(&world, &["image", "--builder", "nix"], 1);
        assert!(said.contains(why), "{said}");
        assert!(!world.path("dist/linux-amd64/part.json").exists());
    }
}

#[test]
#[ignore = "needs nix"]
fn errors_of_nix_are_explained() {
    let cases = [
        (
            "cc -O2",
            "echo this is why >&2; exit 7; cc -O2",
            "sayna-unwrapped failed with exit code 7\n  > this is why\n  next: `nix log /nix/store/",
        ),
        (
            "sayna = sh \"sayna\" \"",
            "sayna = throw \"the pin is wrong\"; other = sh \"sayna\" \"",
            "archive` failed: the pin is wrong\n",
        ),
        ("archive = sh", "archives = sh", "Did you mean archives?"),
        ("sha256sum ${stem}.tar.gz >", "touch other; sha256sum ${stem}.tar.gz >", "holds other, sayna-0.1.0-"),
        ("sha256sum ${stem}.tar.gz >", "echo wrong >", "says \"wrong\\n\", the archive beside it has"),
        (
            "          cd $out\n          sha256sum ${stem}.tar.gz >${stem}.tar.gz.sha256",
            "",
            "holds sayna-0.1.0-x86_64-unknown-linux-gnu.tar.gz, planned is",
        ),
        ("--mtime=@${toString self.lastModified}", "--mtime=@7", "unset SOURCE_DATE_EPOCH"),
    ];
    for (from, to, why) in cases {
        let world = with_flake(from, to);
        let said = said(&world, &["build", "--builder", "nix"], 1);
        assert!(said.contains(why), "{why}: {said}");
        assert!(!world.path("dist").join(TRIPLE).join("part.json").exists());
    }
    let world = project();
    built_by_nix(&world);
    world.write("flake.nix", FLAKE);
    assert!(said(&world, &["build"], 1).contains("next: `git add` new files"));
}

#[test]
#[ignore = "needs nix and skopeo"]
fn a_rehearsal_takes_nix_and_proves_what_it_made() {
    let world = with_flake("", "");
    let output = command(world.root(), &["rehearse", "--twice", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stderr), text(&output.stdout));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["passed"], &summary["reproduced"]), (&Value::Bool(true), &Value::Bool(true)));
    assert!(summary["folder"].as_str().unwrap().ends_with("-nix"));
    let rows: Vec<&Value> = summary["report"]["rows"].as_array().unwrap().iter().collect();
    let bad: Vec<_> = rows.iter().filter(|r| !["ok", "not-here"].contains(&r["verdict"].as_str().unwrap())).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    // A second one takes what is there.
    let output = command(world.root(), &["rehearse", "--twice", "--json"]).output().unwrap();
    let second: Value = serde_json::from_slice(&output.stdout).unwrap();
    let notes: Vec<&str> = second["stages"].as_array().unwrap().iter().map(|s| s["note"].as_str().unwrap()).collect();
    assert!(notes.iter().filter(|n| n.ends_with("there already")).count() == 2, "{notes:?}");
    assert_eq!(second["reproduced"], true);

    let world = with_flake("puts(\"", "puts(\"$(date +%N) ");
    let output = command(world.root(), &["rehearse", "--twice"]).output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("two builds differ: /nix/store/") && said.contains("sayna-unwrapped made twice"), "{said}");
}

#[test]
#[ignore = "needs nix and skopeo"]
fn parts_of_nix_are_released_without_leave_and_verified_by_building_them_again() {
    let world = with_flake("", "");
    world.tag("v0.1.0");
    let places = ["--tag", "v0.1.0", "--forge", "dir:dist/forge", "--registry", "oci:dist/registry", "--here"];
    said(&world, &["build", "--tag", "v0.1.0"], 0);
    said(&world, &["image", "--tag", "v0.1.0"], 0);
    said(&world, &[&["publish"], &places[..]].concat(), 0);
    let verify = command(world.root(), &[&["verify", "--reproduce"], &places[..]].concat()).output().unwrap();
    let checklist = text(&verify.stdout);
    assert!(verify.status.success() && checklist.contains("bit-identical: linux/amd64, sayna-"), "{checklist}");
    // Another builder's bytes would prove nothing.
    let mut verify = command(world.root(), &[&["verify", "--reproduce"], &places[..]].concat());
    let verify = verify.env("PATH", path_without_nix()).output().unwrap();
    let checklist = text(&verify.stdout);
    assert!(checklist.contains("was built by nix: ") && !checklist.contains("bit-identical"), "{checklist}");
}

/// A flake with an input that no machine can fetch.
fn with_input() -> World {
    let mut world =
        with_flake("outputs = { self }:", "inputs.x.url = \"http://127.0.0.1:9/x.tar.gz\";\n  outputs = { self, x }:");
    world.edit("flake.nix", "system = \"x86_64-linux\"", "system = builtins.seq x.outPath \"x86_64-linux\"");
    let url = "\"type\": \"tarball\", \"url\": \"http://127.0.0.1:9/x.tar.gz\"";
    let lock = format!(
        "{{\"nodes\": {{\"root\": {{\"inputs\": {{\"x\": \"x\"}}}}, \"x\": {{\"original\": {{{url}}}, \"locked\": {{{url}, \
         \"narHash\": \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"}}}}}}, \"root\": \"root\", \"version\": 7}}\n"
    );
    world.write("flake.lock", &lock);
    world.commit("feat(nix): an input");
    world
}

#[test]
#[ignore = "needs nix"]
fn a_rehearsal_does_without_inputs_that_cannot_be_had_and_a_build_says_so() {
    let world = with_input();
    let lock = world.read("flake.lock");
    let rehearsed = said(&world, &["rehearse"], 0);
    assert!(rehearsed.contains("built by cargo: the flake's inputs cannot be fetched: "), "{rehearsed}");
    let failed = said(&world, &["rehearse", "--builder", "nix"], 1);
    assert!(failed.contains("http://127.0.0.1:9/x.tar.gz") && failed.contains("`--builder cargo`"), "{failed}");
    assert!(said(&world, &["build"], 1).contains("`--builder cargo`"));
    assert_eq!(world.read("flake.lock"), lock);
    // Inputs that the image alone needs are missed before anything is built, too.
    world.edit("flake.nix", "builtins.seq x.outPath \"x86_64-linux\"", "\"x86_64-linux\"");
    world.edit("flake.nix", "copyTo = sh \"copy-to\"", "copyTo = sh \"copy-to-${x}\"");
    let rehearsed = said(&world, &["rehearse"], 0);
    assert!(rehearsed.contains("built by cargo: the flake's inputs cannot be fetched: "), "{rehearsed}");
}

#[test]
#[ignore = "needs nix"]
fn a_system_that_flake_or_machine_does_not_know_is_one_clear_error() {
    let mut world = with_flake("", "");
    let target = "[[target]]\ntriple = \"aarch64-unknown-linux-gnu\"\nrunner = \"ubuntu-24.04-arm\"\nbuilder = \"nix\"\n\
         system = \"aarch64-linux\"\nfeatures = []\narchive = \"tar.gz\"\nfloor = { glibc = \"2.34\" }\nlibs = []\n\
         budget = { binary = \"9 MB\", archive = \"4 MB\" }\n\n";
    world.edit("sayna-release.toml", "[image]\n", &format!("{target}[image]\n"));
    world.commit("feat: another target");
    let arm = ["build", "--target", "aarch64-unknown-linux-gnu"];
    let auto = said(&world, &arm, 1);
    assert!(
        auto.contains(
            "built by cargo: this machine's Nix builds for x86_64-linux and has no builder for aarch64-linux"
        ),
        "{auto}"
    );
    let nix = said(&world, &[&arm[..], &["--builder", "nix"]].concat(), 1);
    assert!(nix.contains("does not provide attribute") && nix.contains("'packages.aarch64-linux.archive'"), "{nix}");
}

/// The folders of PATH that have no `nix`.
fn path_without_nix() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::env::split_paths(&path).filter(|folder| !folder.join("nix").exists())).unwrap()
}

#[test]
fn without_nix_auto_is_cargo_and_nix_is_refused_with_the_way_out() {
    let world = with_flake("", "");
    let run = |arguments: &[&str]| -> Output {
        command(world.root(), arguments).env("PATH", path_without_nix()).output().unwrap()
    };
    let auto = run(&["build"]);
    assert!(auto.status.success(), "{}", text(&auto.stderr));
    let said = text(&auto.stderr);
    assert!(said.contains("built by cargo: there is no `nix` in PATH"), "{said}");
    assert_eq!(binary(&world).built.by, Builder::Cargo);
    for command in ["build", "image", "rehearse"] {
        let refused = run(&[command, "--builder", "nix"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("no `nix` in PATH") && said.contains("https://nixos.org/download"), "{said}");
    }
}
