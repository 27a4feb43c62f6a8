//! The pages that show commands of Nix: each can be run with this flake.

use std::process::Command;

use serde_json::Value;

use super::table;
use super::tree::{Tree, ok};
use crate::docs::commands;

/// The pages with commands of Nix.
const PAGES: [&str; 3] =
    ["docs/release/building.md", "docs/release/how-to/provider-pin.md", "docs/verify/reproducing.md"];

#[test]
#[ignore = "needs nix"]
fn the_commands_with_stand_ins_are_run() {
    let tree = Tree::with_true_lock();
    let lines: Vec<String> = PAGES.into_iter().flat_map(commands).filter(|l| l.contains("$(nix/stubs/with)")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(tree.root());
        ok(shell.env("NIX_CONFIG", "extra-experimental-features = nix-command flakes"));
    }
}

#[test]
#[ignore = "needs nix"]
fn every_output_input_and_cache_it_names_is_there() {
    let tree = Tree::new();
    let lock: Value = serde_json::from_str(&tree.read("flake.lock")).unwrap();
    let mut outputs = 0;
    for line in PAGES.into_iter().flat_map(commands) {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_end_matches(")\"")).collect();
        for attribute in words.iter().filter_map(|word| Some(word.split_once('#')?.1)) {
            let function = "output: if output ? drvPath then output.drvPath else builtins.attrNames output";
            tree.eval(attribute, function);
            outputs += 1;
        }
        if let Some(input) = line.strip_prefix("nix flake update ") {
            assert!(lock["nodes"]["root"]["inputs"].get(input).is_some(), "{input} is no input");
        }
        if let Some((_, cache)) = line.split_once("cachix push ") {
            assert_eq!(Some(cache), table().release.cachix.as_deref(), "{line}");
        }
    }
    assert!(outputs > 12, "only {outputs} outputs were found");
}
