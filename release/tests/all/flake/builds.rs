//! What can be built here is built, in the sandbox, by the machine's own tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::libwebrtc;
use super::tree::{Tree, ok};

#[test]
#[ignore = "needs nix"]
fn the_archive_is_built_audited_and_packed_in_the_sandbox() {
    let tree = Tree::without_features();
    let out = tree.build("archive");
    let stem = format!("sayna-{}-x86_64-unknown-linux-gnu", env!("CARGO_PKG_VERSION"));
    let sum = ok(Command::new("sha256sum").args(["-c", &format!("{stem}.tar.gz.sha256")]).current_dir(&out));
    assert!(sum.contains("OK"), "{sum}");
    let listed = ok(Command::new("tar").arg("-tvf").arg(out.join(format!("{stem}.tar.gz"))));
    assert!(listed.contains("2026-01-02") && listed.contains("THIRD-PARTY-LICENSES"), "{listed}");
    for name in ["completions/sayna.bash", "completions/_sayna", "man/sayna.1", "systemd/sayna.service"] {
        assert!(listed.contains(&format!("{stem}/{name}\n")), "{listed}");
    }
    let folder = tempfile::tempdir().unwrap();
    ok(Command::new("tar").arg("-xf").arg(out.join(format!("{stem}.tar.gz"))).current_dir(&folder));
    let program = folder.path().join(&stem).join("sayna");
    assert!(fs::read(&program).unwrap() == fs::read(tree.build("sayna").join("bin/sayna")).unwrap());
    by_the_floors_compiler(&program);
    let list = sayna_release::embedded::List::read(&program).unwrap().expect("a list of crates");
    assert_eq!(list.root(), Some(("sayna", env!("CARGO_PKG_VERSION"))));
    assert!(list.linked().iter().any(|(name, _)| *name == "tokio"), "{list:?}");
    runs_elsewhere(&program);
    assert_eq!(ok(Command::new(&program).arg("--version")), format!("sayna {}\n", env!("CARGO_PKG_VERSION")));
    // Store paths would be an error of the audit; here once more by other eyes.
    let strings = ok(Command::new("strings").arg("-a").arg(&program));
    assert!(!strings.contains("/nix/store") && !strings.contains("/build/"), "a path of the building machine");
    // Packed once more, it is the same.
    ok(&mut tree.nix(&["build", "--no-link", "--rebuild", ".#packages.x86_64-linux.archive"]));
}

/// The compiler and the linker that made it left their names. rust-overlay's toolchain brings another compiler along, which the
/// stand-in lets fail.
fn by_the_floors_compiler(program: &Path) {
    let comment = ok(Command::new("readelf").args(["--string-dump", ".comment"]).arg(program));
    assert!(comment.contains("LLD") && comment.contains("clang version"), "{comment}");
    let newest = ok(Command::new("sh")
        .arg("-c")
        .arg("objdump -T \"$0\" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1")
        .arg(program));
    assert!(["GLIBC_2.28", "GLIBC_2.29", "GLIBC_2.30"].contains(&newest.trim()), "{newest}");
}

/// On Debian 11, whose glibc is 2.31; and under the loader of Debian 13's glibc through a link with the released loader's name,
/// where there is no /lib, as in the image.
fn runs_elsewhere(program: &Path) {
    let tools = std::env::var_os("SAYNA_TOOLS")
        .map_or_else(|| std::env::home_dir().unwrap().join(".cache/sayna-tools"), PathBuf::from);
    let floor = tools.join("floor");
    let newer = tools.join("nix/tree/usr/lib/x86_64-linux-gnu");
    let bind = |from: PathBuf, to: &str| ["--ro-bind".into(), from.into_os_string(), to.into()];
    let old = ["usr", "lib", "lib64"].map(|name| bind(floor.join(name), &format!("/{name}"))).concat();
    let link = [
        "--symlink",
        "/glibc/ld-linux-x86-64.so.2",
        "/lib64/ld-linux-x86-64.so.2",
        "--setenv",
        "LD_LIBRARY_PATH",
        "/glibc",
    ];
    let new = [&bind(newer, "/glibc")[..], &link.map(Into::into)].concat();
    for system in [old, new] {
        let mut command = Command::new("bwrap");
        command.args(["--unshare-all", "--clearenv"]).args(&system).args(bind(program.to_owned(), "/sayna"));
        let said = ok(command.args(["--dev", "/dev", "--setenv", "LD_BIND_NOW", "1", "/sayna", "--version"]));
        assert_eq!(said, format!("sayna {}\n", env!("CARGO_PKG_VERSION")), "{system:?}");
    }
}

#[test]
#[ignore = "needs nix"]
fn a_compiler_that_the_toolchain_propagates_does_not_go_unseen() {
    let tree = Tree::without_features();
    tree.edit("nix/crate.nix", "overrideToolchain bare", "overrideToolchain toolchain");
    tree.edit("nix/crate.nix", "env = env // tools //", "env = env //");
    let said = tree.fails(&["build", "--no-link", "--print-build-logs", ".#packages.x86_64-linux.sayna.unwrapped"]);
    assert!(said.contains("propagated-cc: cc is the one that rust-overlay propagates"), "{said}");
}

mod full {
    use super::*;

    #[test]
    #[ignore = "needs nix"]
    fn a_binary_that_is_built_once_more_is_the_same() {
        let tree = Tree::without_features();
        ok(&mut tree.nix(&["build", "--no-link", ".#packages.x86_64-linux.sayna.unwrapped"]));
        ok(&mut tree.nix(&["build", "--no-link", "--rebuild", ".#packages.x86_64-linux.sayna.unwrapped"]));
    }
}

#[test]
#[ignore = "needs nix"]
fn a_binary_that_breaks_the_floor_fails_its_build() {
    let tree = Tree::without_features();
    tree.edit("sayna-release.toml", "\"libm.so.6\", ", "");
    let said = tree.fails(&["build", "--no-link", ".#packages.x86_64-linux.sayna"]);
    assert!(said.contains("libm.so.6"), "{said}");
}

#[test]
#[ignore = "needs nix, skopeo, umoci, bubblewrap and root"]
fn the_image_runs_in_its_own_root_and_an_update_moves_one_layer() {
    let tree = Tree::without_features();
    let layers = |layout: &str| {
        let copy = tree.build("image.copyTo").join("bin/copy-to");
        ok(Command::new(copy).arg(format!("oci:{layout}:1.0.0")).current_dir(tree.root()));
        let text =
            ok(Command::new("skopeo").args(["inspect", &format!("oci:{layout}:1.0.0")]).current_dir(tree.root()));
        serde_json::from_str::<Value>(&text).unwrap()["Layers"].as_array().unwrap().clone()
    };
    let first = layers("first");
    ok(Command::new("umoci").args(["unpack", "--image", "first:1.0.0", "root"]).current_dir(tree.root()));
    let root = tree.root().join("root/rootfs");
    // The archive's executable, and the loader that it asks for. nixpkgs' loader looks for libraries beside itself; the
    // stand-in's, which is the machine's own, looks where a link leads it there.
    let released = fs::read(tree.build("sayna").join("bin/sayna")).unwrap();
    let inside = fs::canonicalize(root.join("app")).unwrap().join("sayna").read_link().unwrap();
    assert!(fs::read(&inside).unwrap() == released, "{}", inside.display());
    let loader = root.join("lib64/ld-linux-x86-64.so.2").read_link().unwrap();
    fs::create_dir_all(root.join("lib")).unwrap();
    std::os::unix::fs::symlink(loader.parent().unwrap(), root.join("lib/x86_64-linux-gnu")).unwrap();
    let run = ok(Command::new("bwrap").arg("--bind").arg(&root).args([
        "/",
        "--unshare-all",
        "--dev",
        "/dev",
        "/app/sayna",
        "--version",
    ]));
    assert_eq!(run, format!("sayna {}\n", env!("CARGO_PKG_VERSION")));
    let owner = ok(Command::new("stat").args(["--format", "%u:%g %a"]).arg(root.join("app/cache")));
    assert_eq!(owner, "65532:65532 755\n");
    tree.edit("src/cli.rs", "Real-time voice server", "Realtime voice server");
    tree.commit();
    let second = layers("second");
    assert_eq!(first.len(), second.len());
    assert_eq!(first[..first.len() - 1], second[..second.len() - 1]);
    assert_ne!(first.last(), second.last());
}

#[test]
#[ignore = "needs nix"]
fn the_release_program_is_wrapped_with_its_tools_and_says_what_it_can_do() {
    let tree = Tree::without_features();
    let program = tree.build("release").join("bin/sayna-release");
    let help = Command::new(&program).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stderr).contains("rehearse"), "{help:?}");
    let script = fs::read_to_string(&program).unwrap();
    assert!(["-rust-minimal-", "-gcc-wrapper-", "-nix-", "-git-"].iter().all(|tool| script.contains(tool)), "{script}");
    let audit = tree.build_check("audit");
    assert!(fs::read_to_string(audit).unwrap().contains("glibc"), "the audit's report");
    ok(Command::new("grep").arg("-q").arg("glibc").arg(tree.build_check("closure")));
}

/// A zip of libwebrtc's form, under its name and as if it had been downloaded: what is in the store under its digest is
/// not fetched. Gives the digest.
fn stored_zip(tree: &Tree, files: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("linux-x64-release");
    fs::create_dir_all(inside.join("include")).unwrap();
    fs::create_dir_all(inside.join("lib")).unwrap();
    for name in files {
        fs::write(inside.join(name), name).unwrap();
    }
    let name = "webrtc-linux-x64-release.zip";
    ok(Command::new("python3").args(["-m", "zipfile", "-c", name, "linux-x64-release"]).current_dir(&folder));
    let zip = folder.path().join(name);
    let hash = ok(&mut tree.nix(&["hash", "file", zip.to_str().unwrap()]));
    ok(&mut tree.nix(&["store", "add", "--mode", "flat", "--hash-algo", "sha256", zip.to_str().unwrap()]));
    hash.trim().to_owned()
}

#[test]
#[ignore = "needs nix"]
fn libwebrtc_is_unpacked_with_its_licences_as_its_build_script_wants_it_and_other_bytes_are_refused() {
    let tree = Tree::new();
    let download = libwebrtc();
    let pinned = download.sha256[&"x86_64-unknown-linux-gnu".parse().unwrap()].get_ref();
    let files = ["lib/libwebrtc.a", "webrtc.ninja", "desktop_capture.ninja", "LICENSE.md"];
    let whole = stored_zip(&tree, &files);
    tree.edit("sayna-release.toml", pinned, &whole);
    let out = tree.build("libwebrtc");
    assert!(files.iter().all(|name| out.join(name).is_file()));
    let unlicensed = stored_zip(&tree, &files[..3]);
    tree.edit("sayna-release.toml", &whole, &unlicensed);
    let said = tree.fails(&["build", "--no-link", ".#packages.x86_64-linux.libwebrtc"]);
    assert!(said.contains("libwebrtc: the zip has no LICENSE.md"), "{said}");
    tree.edit("sayna-release.toml", &unlicensed, pinned);
    tree.edit("sayna-release.toml", &download.url, "file:///usr/bin/env");
    let said = tree.fails(&["build", "--no-link", ".#packages.x86_64-linux.libwebrtc"]);
    assert!(said.contains("hash mismatch"), "{said}");
}

#[test]
#[ignore = "needs nix and skopeo"]
fn the_program_makes_both_parts_by_nix_and_they_are_published() {
    let tree = Tree::without_features();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        ok(command.args(arguments).args(["--json", "--root"]).arg(tree.root()).current_dir(tree.root()))
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let parts = json(&run(&["build", "--builder", "nix"]));
    for (part, product) in parts.as_array().unwrap().iter().zip(["sayna", "sayna-release"]) {
        assert_eq!(part["product"], product, "{part}");
        assert_eq!((&part["built"]["by"], &part["built"]["host_assembled"]), (&"nix".into(), &false.into()), "{part}");
    }
    assert_eq!(parts.as_array().unwrap().len(), 2, "{parts}");
    let part = json(&run(&["image", "--builder", "nix"]));
    assert!(part["binary"]["name"].as_str().unwrap().starts_with("nix/store/"), "{part}");
    let places = ["--forge", "dir:dist/forge", "--registry", "oci:dist/registry", "--here"];
    run(&[&["publish"], &places[..]].concat());
    let mut verify = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    let verify = verify.arg("verify").args(places).arg("--json").current_dir(tree.root()).output().unwrap();
    let report = json(&String::from_utf8_lossy(&verify.stdout));
    let failed: Vec<&Value> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["verdict"] != "ok" && row["verdict"] != "not-here")
        .collect();
    assert!(verify.status.success() && failed.is_empty(), "{failed:#?}");
    assert!(!tree.root().join("result").exists(), "a link to the store was left");
}
