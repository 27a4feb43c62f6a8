//! Highlights above the groups, the fold below them, and versions without a tag.

use std::process::Command;

use sayna_release::changelog;

use super::{entries, git_cliff, next, notes_of, tagged};
use crate::support::World;

const HIGHLIGHTS: &str = "chore(release): highlights of 0.2.0\n\nHighlight: Calls are <b>fast</b>\n  and loud.\n\
                          Highlight: Rooms have `Vec<u8>`.";

fn begun() -> World {
    let world = World::begun();
    world.tag("v0.1.0");
    world
}

/// A feature, highlights, and changes of each internal kind.
fn mixed() -> World {
    let mut world = begun();
    world.commit("feat(livekit): rooms");
    world.commit(HIGHLIGHTS);
    for subject in ["docs: a page", "refactor(ws): one reader", "test: more of them", "ci: pin", "build: less"] {
        world.commit(subject);
    }
    world
}

#[test]
fn highlights_from_footers_stand_above_all_groups() {
    let notes = next(&mixed());
    let (_, text) = notes.markdown.split_once('\n').unwrap();
    let expected =
        "\n### Highlights\n\n- Calls are &lt;b>fast&lt;/b>   and loud.\n- Rooms have `Vec<u8>`.\n\n### Features\n";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(entries(&notes).len(), 8);
}

#[test]
fn highlights_of_a_reverted_commit_are_left_out() {
    let mut world = begun();
    world.commit("fix: stays");
    let feature = world.commit("feat: gone\n\nHighlight: It flies.");
    world.commit(&format!("Revert \"feat: gone\"\n\nThis reverts commit {feature}."));
    assert!(!next(&world).markdown.contains("Highlight"), "{}", next(&world).markdown);
}

#[test]
fn internal_changes_are_folded_below_all_groups() {
    let text = next(&mixed()).markdown;
    let (shown, folded) = text.split_once("\n<details>\n<summary>Internal</summary>\n\n").unwrap();
    assert!(shown.contains("### Features\n\n") && shown.matches("\n- ").count() == 3, "{shown}");
    let headings: Vec<_> = folded.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings, ["#### Documentation", "#### Refactoring", "#### Tests", "#### Build and CI"]);
    assert!(folded.matches("\n- ").count() == 5 && folded.ends_with("))\n\n</details>\n"), "{folded}");
}

#[test]
fn a_release_without_internal_changes_has_no_fold() {
    let mut world = begun();
    world.commit("fix: a fault");
    assert!(!next(&world).markdown.contains("details"), "{}", next(&world).markdown);
}

#[test]
fn a_release_of_internal_changes_alone_is_not_empty() {
    let mut world = begun();
    world.commit("docs: a page");
    let notes = next(&world);
    assert!(!notes.is_empty && notes.markdown.contains("\n- A page ("), "{}", notes.markdown);
}

#[test]
fn notes_that_are_cut_inside_of_the_fold_close_it() {
    let mut world = begun();
    world.commit("fix: a fault");
    let subject = "word ".repeat(900);
    for n in 0..30 {
        world.commit(&format!("test: {n} {subject}"));
    }
    let notes = next(&world);
    let length = notes.markdown.chars().count();
    assert!(notes.cut_from.is_some() && (110_000..=120_000).contains(&length), "{length}");
    assert!(
        notes.markdown.contains("\n\n</details>\n\nThese notes are cut"),
        "{:?}",
        notes.markdown.get(length - 300..)
    );
}

#[test]
fn the_written_changelog_names_a_version_without_a_tag_only_on_request() {
    let world = mixed();
    let write = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
        let output = command.current_dir(world.root()).args(["changelog", "--write"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = world.read("CHANGELOG.md");
        text.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let unreleased = "## [Unreleased](https://github.com/saynaai/sayna/compare/v0.1.0...HEAD)";
    let [first, second] = &write(&[])[..] else { panic!("two sections") };
    assert!(first == unreleased && second.starts_with("## [0.1.0]("), "{first} {second}");
    let dated = "## [0.2.0](https://github.com/saynaai/sayna/compare/v0.1.0...v0.2.0) - ";
    assert!(write(&["--tag", "v0.2.0"])[0].starts_with(dated));
    assert_eq!(write(&["--tag", "v0.1.0"])[0], unreleased, "a tag that exists names no other commits");
    world.git(&["tag", "v0.2.0"]);
    assert!(write(&[])[0].starts_with(dated));
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_gives_the_same_highlights_and_fold() {
    let world = mixed();
    assert_eq!(changelog::whole(world.root(), None).unwrap(), git_cliff(&world, &[]));
    world.git(&["tag", "v0.2.0"]);
    let text = git_cliff(&world, &["--latest", "--strip", "header"]);
    assert!(text.contains("### Highlights") && text.contains("</details>"), "{text}");
    assert_eq!(notes_of(&world, &tagged("v0.2.0")), format!("{}\n", text.trim()));
}
