//! `[[product]]` in the table: what a release is refused for.

use super::add_product;
use crate::plan::{assert_only, made};
use crate::rehearse::{run, text};
use crate::support::World;

/// A tagged world with a second program, changed.
fn world(change: impl FnOnce(&World)) -> World {
    let mut world = World::new();
    add_product(&world);
    change(&world);
    world.commit("feat: begin");
    world.tag("v0.1.0");
    world
}

fn edit(from: &'static str, to: &'static str) -> impl FnOnce(&World) {
    move |world| world.edit("sayna-release.toml", from, to)
}

#[test]
fn a_second_program_is_planned_for_every_target() {
    let made = made(&world(|_| {}));
    assert!(made.problems.is_empty(), "{:#?}", made.problems);
    let archives: Vec<&str> = made.plan.targets.iter().map(|target| target.archive.as_str()).collect();
    let expected = [
        "sayna-0.1.0-x86_64-unknown-linux-gnu.tar.gz",
        "sayna-0.1.0-x86_64-pc-windows-msvc.zip",
        "sayna-release-0.1.0-x86_64-unknown-linux-gnu.tar.gz",
        "sayna-release-0.1.0-x86_64-pc-windows-msvc.zip",
    ];
    assert_eq!(archives, expected);
    let renamed = self::made(&world(edit("name = \"sayna-release\"", "name = \"sayna-release\"\nasset = \"verify\"")));
    assert!(renamed.problems.is_empty(), "{:#?}", renamed.problems);
    assert_eq!(renamed.plan.targets[2].stem, "verify-0.1.0-x86_64-unknown-linux-gnu");
    assert_eq!(renamed.plan.targets[2].folder, "sayna-release-x86_64-unknown-linux-gnu");
}

#[test]
fn a_product_that_cannot_be_released_is_refused_at_its_line() {
    let name = "name = \"sayna-release\"";
    assert_only(&world(edit(name, "name = \"sayna-releas\"")), "product-missing", &["sayna-releas", "did you mean"]);
    assert_only(&world(edit("files = [\"LICENSE\"]", "files = [\"LICENCE\"]")), "file-missing", &["LICENSE"]);
    assert_only(&world(edit("files = [\"LICENSE\"]", "files = [\"../LICENSE\"]")), "file-outside", &["below"]);
    assert_only(
        &world(edit("files = [\"LICENSE\"]", "files = [\"LICENSE\", \"LICENSE\"]")),
        "file-twice",
        &["LICENSE"],
    );
    let none = "budget = { binary = \"9 MB\", archive = \"0 MB\" }\n\n[image]";
    assert_only(
        &world(edit("budget = { binary = \"9 MB\", archive = \"4 MB\" }\n\n[image]", none)),
        "budget-none",
        &["sayna-release"],
    );
    assert_only(&world(edit(name, "name = \"sayna-release\"\nasset = \"Sayna\"")), "value-twice", &["asset"]);
    assert_only(&world(edit(name, "name = \"sayna-release\"\nasset = \"a b\"")), "artifact-name", &["a b"]);
    let version = |world: &World| world.edit("verifier/Cargo.toml", "0.1.0", "0.2.0");
    let locked = |world: &World| {
        version(world);
        let lock = world
            .read("Cargo.lock")
            .replace("\"sayna-release\"\nversion = \"0.1.0\"", "\"sayna-release\"\nversion = \"0.2.0\"");
        world.write("Cargo.lock", &lock);
    };
    assert_only(&world(locked), "product-version", &["sayna-release is 0.2.0", "sayna is 0.1.0"]);
    let renamed = |world: &World| {
        world.write(
            "verifier/Cargo.toml",
            &(world.read("verifier/Cargo.toml") + "[[bin]]\nname = \"other\"\npath = \"src/main.rs\"\n"),
        );
    };
    assert_only(&world(renamed), "binary-missing", &["other", "[[bin]]"]);
    let twice = |world: &World| world.edit("sayna-release.toml", "[image]", &format!("{}[image]", super::PRODUCT));
    assert_only(&world(twice), "value-twice", &["the programs", "sayna-release"]);
    let ignored = |world: &World| {
        world.write("NOTICE", "text\n");
        world.edit("sayna-release.toml", "files = [\"LICENSE\"]", "files = [\"LICENSE\", \"NOTICE\"]");
        world.write(".gitignore", "/NOTICE\n");
    };
    assert_only(&world(ignored), "file-ignored", &["NOTICE"]);
    let source = |world: &World| world.write(".gitignore", "/verifier/src/main.rs\n");
    assert_only(&world(source), "file-ignored", &["verifier/src/main.rs"]);
}

#[test]
fn a_name_that_is_no_file_is_an_error_of_the_table() {
    for name in ["../verifier", "", "a/b", "CON", "-x", "a\\u001bb"] {
        let text_of =
            |world: &World| world.edit("sayna-release.toml", "name = \"sayna-release\"", &format!("name = \"{name}\""));
        let output = run(world(text_of).root(), &["plan"]);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains("portable file name"), "{name:?}: {said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}
