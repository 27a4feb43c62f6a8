//! `verify --statement`: what a second build of this machine leaves for the step that signs it, and when it leaves nothing.

use std::fs;
use std::path::Path;

use sayna_release::part;
use serde_json::Value;

use super::{PROGRAM, project, run, succeeds, text};

/// The files that `actions/attest` signs.
pub(super) fn states_what_was_rebuilt(folder: &Path, part: &part::BinaryPart) {
    let subjects = fs::read_to_string(folder.join("subjects.sha256")).unwrap();
    for file in [&part.archive, &part.sbom] {
        assert!(subjects.contains(&format!("{}  {}\n", file.digest.hex(), file.name)), "{subjects}");
    }
    let predicate: Value = serde_json::from_slice(&fs::read(folder.join("predicate.json")).unwrap()).unwrap();
    assert_eq!(predicate["properties"], serde_json::json!(["SAYNA_REPRODUCED"]));
    assert_eq!(predicate["verifier"]["policies"].as_array().unwrap().len(), 1);
}

const VERIFY: [&str; 10] = [
    "verify",
    "--tag",
    "v0.1.0",
    "--forge",
    "dir:dist/forge",
    "--registry",
    "oci:dist/registry",
    "--reproduce",
    "--statement",
    "dist/statement",
];

#[test]
fn nothing_is_stated_and_nothing_of_an_earlier_run_is_left_unless_every_row_holds_and_the_bytes_are_the_same() {
    let (mut world, outside) = (project(), tempfile::tempdir().unwrap());
    // A build that depends on something outside of the checkout.
    let input = outside.path().join("input");
    fs::write(&input, "a").unwrap();
    let used = format!("fn main() {{\n    std::hint::black_box(include_str!({input:?}));");
    world.write("src/main.rs", &PROGRAM.replacen("fn main() {", &used, 1));
    world.commit("fix: input");
    world.tag("v0.1.0");
    let root = world.root();
    succeeds(root, &["build", "--tag", "v0.1.0"]);
    succeeds(root, &["image", "--tag", "v0.1.0"]);
    let places = ["--forge", "dir:dist/forge", "--registry", "oci:dist/registry", "--here", "--allow-host-parts"];
    succeeds(root, &[&["publish", "--tag", "v0.1.0"], &places[..]].concat());
    let folder = root.join("dist/statement");
    let stated = || {
        let output = run(root, &[&VERIFY[..], &["--here"]].concat());
        let said = text(&output.stdout) + &text(&output.stderr);
        let left = fs::read_dir(&folder).unwrap().count();
        assert_eq!(output.status.code(), Some(i32::from(left == 0)), "{said}");
        assert_eq!(said.contains("no statement was written"), left == 0, "{said}");
        (left, said)
    };
    let begin = || {
        fs::write(&input, "a").unwrap();
        assert_eq!(stated().0, 2);
    };
    begin();
    fs::write(&input, "b").unwrap();
    let (left, said) = stated();
    assert!(left == 0 && said.contains("built again it is sha256:"), "{said}");
    // The same bytes, of a release that is not whole.
    begin();
    let notes = root.join("dist/forge/published/v0.1.0/notes.md");
    let before = fs::read(&notes).unwrap();
    fs::write(&notes, "other notes").unwrap();
    let (left, said) = stated();
    assert!(left == 0 && said.contains("bit-identical"), "{said}");
    fs::write(&notes, before).unwrap();
    // Nothing that could be built again.
    begin();
    fs::write(root.join("src/main.rs"), "fn main() {}\n").unwrap();
    let (left, said) = stated();
    assert!(left == 0 && said.contains("clean checkout"), "{said}");
}
