//! The sets of files that the flake compiles: nothing is missing in them that the code includes.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::fixture;

use super::tree::{Tree, ok};

/// Each check that compiles more than the two programs, and what `cargo check` takes to compile the same.
const CHECKS: [(&str, &str); 4] = [
    ("clippy", "--package sayna --all-targets --features livekit,local,noise-filter,turn-detect"),
    ("clippy-release", "--package sayna-release --lib --bins"),
    ("tests", "--package sayna --all-targets --features livekit,local,noise-filter,turn-detect"),
    ("tests-release", "--package sayna-release --lib --profile test"),
];

/// Where the set of files of each of them lies.
fn sources(tree: &Tree) -> BTreeMap<String, PathBuf> {
    let names = CHECKS.map(|(name, _)| name).join(" ");
    let function = format!("c: builtins.mapAttrs (_: d: \"${{d.src}}\") {{ inherit (c) {names}; }}");
    serde_json::from_value(tree.eval("checks.x86_64-linux", &function)).unwrap()
}

/// Without `..`, and without asking the disk, which would follow links.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

#[test]
#[ignore = "needs nix"]
fn every_file_that_the_code_includes_is_in_the_set_that_compiles_it() {
    let (tree, mut seen) = (Tree::new(), 0);
    for (check, root) in sources(&tree) {
        for (path, bytes) in fixture::tree(&root) {
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = String::from_utf8(bytes).unwrap();
            for rest in ["include_str!(\"", "include_bytes!(\""].iter().flat_map(|call| text.split(call).skip(1)) {
                let included = plain(&path.parent().unwrap().join(rest.split('"').next().unwrap()));
                assert!(root.join(&included).is_file(), "{check}: {} includes {}", path.display(), included.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

mod full {
    use super::*;

    #[test]
    #[ignore = "needs nix"]
    fn each_feature_set_compiles_with_its_tests() {
        let tree = Tree::new();
        let (sources, target) = (sources(&tree), tempfile::tempdir().unwrap());
        for (check, arguments) in CHECKS {
            let folder = tempfile::tempdir().unwrap();
            let from = format!("{}/.", sources[check].display());
            ok(Command::new("cp").args(["-R", "--no-preserve=mode", &from]).arg(folder.path()));
            let mut cargo = Command::new("cargo");
            cargo.args(["check", "--quiet", "--offline", "--locked"]).args(arguments.split(' '));
            // libwebrtc cannot be had here: under this variable its build script does without.
            cargo.env("DOCS_RS", "1").env("CARGO_TARGET_DIR", target.path()).current_dir(&folder);
            let output = cargo.output().unwrap();
            assert!(output.status.success(), "{check}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
