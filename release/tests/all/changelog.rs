//! Notes and CHANGELOG.md.

mod groups;
mod read;
mod reverts;

use std::process::Command;

use sayna_release::changelog::{self, Notes, Request};
use sayna_release::public::Public;

use crate::support::{World, golden};

/// A history with a bit of everything: kinds, scopes, breaking changes, merges, other forms, pre-releases, a back-port.
fn everything() -> World {
    let mut world = World::begun();
    world.commit("Import the old tree");
    world.commit("chore: tidy up");
    world.tag("v0.1.0");
    world.commit("feat(stt): hear `Übermut` and 日本語 ✨ (#12)");
    world.commit("fix(ws): close the socket\n\nIt stayed open.\n\nRefs: #7");
    world.commit("perf: copy less");
    world.commit("chore(release): 0.2.0-rc.1");
    world.annotated_tag("v0.2.0-rc.1");
    world.commit("feat(api)!: rename the route\n\nCall `/v2/speak` instead of `/speak`.\n\nNothing else changes.");
    world.commit("refactor(config): one reader\n\nBREAKING CHANGE: `port` is now `server.port`.\nMove it there.");
    world.commit("chore!: drop the old cache folder");
    world.commit("docs: how to release\n");
    world.commit("chore(deps): bump tokio");
    world.commit("Revert \"perf: copy more\"\n\nThis reverts commit 1234567.");
    world.annotated_tag("v0.2.0");
    let fork = world.head();
    world.branch("topic", &fork);
    let topic = world.commit("feat(livekit): rooms");
    world.switch("main");
    world.commit("test: more of them");
    world.commit("ci: pin the actions");
    world.merge(&topic, "Merge branch 'topic'");
    world.commit("wip: something unusual");
    world.commit("style: one space");
    world.tag("v0.3.0");
    world.branch("release/0.2", &fork);
    world.commit("fix(tts): no click at the end");
    world.tag("v0.2.1");
    world.commit("fix(auth): accept the second key");
    world
}

#[test]
fn notes_group_the_commits_and_put_breaking_changes_first() {
    let world = everything();
    let notes = changelog::notes(world.root(), &Request::Tagged("v0.2.0".to_owned()), &Public::default()).unwrap();
    let ids = regexless_ids(&world);
    let mut text = notes.markdown.clone();
    for (n, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("<{n}>")).replace(&id[..7], &format!("<{n}>"));
    }
    golden("notes-0.2.0.md", &text);
    assert_eq!(notes.previous.as_deref(), Some("v0.1.0"));
    assert!(!notes.is_empty);
    assert_eq!(notes.unconventional, []);
}

/// All commit ids from the oldest of the world, whatever branch they are on.
fn regexless_ids(world: &World) -> Vec<String> {
    let ids = world.git(&["log", "--branches", "--reverse", "--format=%H"]);
    ids.lines().map(str::to_owned).collect()
}

/// What the git-cliff program says, run in the world.
fn git_cliff(world: &World, arguments: &[&str]) -> String {
    let program = std::env::var_os("SAYNA_TEST_GIT_CLIFF").unwrap_or_else(|| "git-cliff".into());
    let version = Command::new(&program).arg("--version").output();
    let version = version.expect("git-cliff 2.14.2 is needed, in PATH or named by SAYNA_TEST_GIT_CLIFF");
    assert!(String::from_utf8_lossy(&version.stdout).contains("2.14.2"), "this is another git-cliff: {version:?}");
    let output = Command::new(program).arg("--offline").args(arguments).current_dir(world.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_whole_file_has_a_section_per_stable_release_of_this_branch() {
    let world = everything();
    let headings = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("## "));
        lines.map(|line| line.split(['(', ')']).step_by(2).collect::<String>()).collect::<Vec<_>>()
    };
    world.switch("main");
    let text = changelog::whole(world.root(), None).unwrap();
    assert!(!text.contains("\n\n\n") && text.ends_with("))\n"), "one blank line between two paragraphs: {text}");
    assert!(text.starts_with("# Changelog\n\nChanges for users"), "{text}");
    assert_eq!(headings(&text), ["## [0.3.0] - 2026-01-02", "## [0.2.0] - 2026-01-02", "## [0.1.0] - 2026-01-02"]);
    world.switch("release/0.2");
    let unnamed = changelog::whole(world.root(), None).unwrap();
    assert_eq!(headings(&unnamed)[..2], ["## [Unreleased]", "## [0.2.1] - 2026-01-02"]);
    let named = changelog::whole(world.root(), Some("v0.2.2")).unwrap();
    assert_eq!(headings(&named)[..2], ["## [0.2.2] - 2026-01-02", "## [0.2.1] - 2026-01-02"]);
    assert!(named.contains("/compare/v0.2.1...v0.2.2)"), "{named}");
}

fn notes_of(world: &World, request: &Request) -> String {
    changelog::notes(world.root(), request, &Public::default()).unwrap().markdown
}

fn tagged(tag: &str) -> Request {
    Request::Tagged(tag.to_owned())
}

fn upcoming(tag: &str) -> Request {
    Request::Upcoming(tag.to_owned())
}

/// What comes after `v0.1.0`.
fn next(world: &World) -> Notes {
    changelog::notes(world.root(), &upcoming("v0.2.0"), &Public::default()).unwrap()
}

/// The lines of highlights and entries, without the links to commits.
fn entries(notes: &Notes) -> Vec<String> {
    let lines = notes.markdown.lines().filter_map(|line| line.strip_prefix("- "));
    lines.map(|line| line.rsplit_once(" ([").map_or(line, |(entry, _)| entry).to_owned()).collect()
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_gives_the_same_file() {
    let mut world = everything();
    for branch in ["main", "release/0.2"] {
        world.switch(branch);
        assert_eq!(changelog::whole(world.root(), None).unwrap(), git_cliff(&world, &[]), "{branch}");
        let whole = changelog::whole(world.root(), Some("v0.4.0")).unwrap();
        assert_eq!(whole, git_cliff(&world, &["--tag", "v0.4.0"]), "{branch}");
    }
    // A merged back-port, a second root, a commit that is ignored.
    let back_port = world.head();
    world.switch("main");
    world.merge(&back_port, "Merge branch 'release/0.2'");
    let ignored = world.commit("feat: nobody needs to know");
    world.write(".cliffignore", &format!("# by hand\n{ignored}\n"));
    world.commit(
        "fix(stt): the last one\n\nwith a body\n\nCo-authored-by: B <b@example.org>\nBREAKING-CHANGE: and a footer",
    );
    let whole = changelog::whole(world.root(), Some("v0.4.0")).unwrap();
    assert!(whole.contains("The last one") && !whole.contains("needs to know"), "{whole}");
    assert_eq!(whole, git_cliff(&world, &["--tag", "v0.4.0"]));
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_gives_the_same_notes() {
    let theirs = |world: &World, arguments: &[&str]| {
        let text = git_cliff(world, &[arguments, &["--strip", "header"]].concat());
        format!("{}\n", text.trim())
    };
    let mut world = World::begun();
    assert_eq!(notes_of(&world, &upcoming("v0.1.0")), theirs(&world, &["--unreleased", "--tag", "v0.1.0"]));
    world.tag("v0.1.0");
    assert_eq!(notes_of(&world, &tagged("v0.1.0")), theirs(&world, &["--latest"]));
    world.commit("feat: more\n\nwhy");
    assert_eq!(notes_of(&world, &upcoming("v0.1.1")), theirs(&world, &["--unreleased", "--tag", "v0.1.1"]));

    let mut world = everything();
    assert_eq!(notes_of(&world, &tagged("v0.2.1")), theirs(&world, &["v0.2.0..v0.2.1"]));
    assert_eq!(notes_of(&world, &upcoming("v0.2.2")), theirs(&world, &["--unreleased", "--tag", "v0.2.2"]));
    world.switch("main");
    assert_eq!(notes_of(&world, &tagged("v0.3.0")), theirs(&world, &["--latest"]));
    assert_eq!(notes_of(&world, &tagged("v0.3.0")), theirs(&world, &["--current"]));
    assert_eq!(notes_of(&world, &tagged("v0.2.0")), theirs(&world, &["v0.1.0..v0.2.0"]));
    world.commit("feat(nix): a flake");
    world.commit("chore: tidy");
    for tag in ["v0.4.0", "v0.4.0-rc.1"] {
        assert_eq!(notes_of(&world, &upcoming(tag)), theirs(&world, &["--unreleased", "--tag", tag]), "{tag}");
    }
    world.annotated_tag("v0.4.0-rc.1");
    world.commit("fix(nix): it builds");
    let stable = notes_of(&world, &upcoming("v0.4.0"));
    assert!(stable.contains("A flake") && stable.contains("It builds"), "since the stable one before: {stable}");
    assert_eq!(stable, theirs(&world, &["--unreleased", "--tag", "v0.4.0"]));
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_asks_for_the_same_version() {
    let bodies =
        ["fix: a", "docs: b", "feat: c", "perf!: d", "fix: e\n\nBREAKING CHANGE: f", "Something else", "chore: g"];
    for before in ["v0.1.0", "v1.2.3"] {
        for body in bodies {
            let mut world = World::begun();
            world.tag(before);
            world.commit(body);
            let ours =
                changelog::notes(world.root(), &upcoming("v9.9.9"), &Public::default()).unwrap().asked.unwrap().version;
            assert_eq!(format!("v{ours}"), git_cliff(&world, &["--bumped-version"]).trim(), "{before} {body}");
        }
    }
}

#[test]
fn a_pre_release_tag_is_no_boundary_and_a_first_release_has_no_comparison() {
    let mut world = World::begun();
    world.tag("v0.1.0-rc.1");
    world.commit("fix: after the candidate");
    let text = notes_of(&world, &upcoming("v0.1.0"));
    assert!(text.contains("Begin") && text.contains("After the candidate"), "{text}");
    assert!(
        text.starts_with("## [0.1.0](https://github.com/saynaai/sayna/releases/tag/v0.1.0) - 2026-01-02\n"),
        "{text}"
    );
    let candidate = notes_of(&world, &tagged("v0.1.0-rc.1"));
    assert!(candidate.starts_with("## [0.1.0-rc.1](") && !candidate.contains("After"), "{candidate}");
}

#[test]
fn the_changelog_is_written_once_and_the_same_on_every_day() {
    let world = everything();
    assert!(changelog::write(world.root(), Some("v0.2.2")).unwrap());
    assert!(!changelog::write(world.root(), Some("v0.2.2")).unwrap(), "nothing changed");
    assert_eq!(world.read("CHANGELOG.md"), changelog::whole(world.root(), Some("v0.2.2")).unwrap());
    world.write("CHANGELOG.md", "by hand\n");
    assert!(changelog::write(world.root(), None).unwrap());
    let leftovers = std::fs::read_dir(world.root())
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(".partial-"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn a_merge_a_revert_and_an_unknown_kind_are_not_counted_as_another_form() {
    let world = everything();
    let subjects = |tag: &str| {
        let notes = changelog::notes(world.root(), &tagged(tag), &Public::default()).unwrap();
        notes.unconventional.into_iter().map(|commit| commit.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects("v0.1.0"), ["Import the old tree"]);
    assert_eq!(subjects("v0.2.0"), [""; 0]);
    assert_eq!(subjects("v0.3.0"), [""; 0]);
}

#[test]
fn changelog_errors_name_their_cause() {
    let world = everything();
    let error = changelog::notes(world.root(), &tagged("v7.0.0"), &Public::default()).unwrap_err();
    assert!(error.to_string().contains("there is no tag v7.0.0"), "{error}");
    world.edit("cliff.toml", "trim = false", "trim = 0");
    let error = changelog::whole(world.root(), None).unwrap_err();
    assert!(matches!(&error, changelog::Error::Config { span: Some(_), .. }), "{error}");
    world.edit("cliff.toml", "trim = 0", "trim = false");
    world.edit("cliff.toml", "{% if commit.scope %}", "{% if %}");
    assert!(changelog::whole(world.root(), None).unwrap_err().to_string().contains("emplate"));
    std::fs::remove_file(world.path("cliff.toml")).unwrap();
    let error = changelog::whole(world.root(), None).unwrap_err();
    assert!(error.to_string().contains("cliff.toml") && error.hint().is_some(), "{error}");
}

#[test]
fn every_commit_but_the_internal_ones_is_listed_once() {
    let world = everything();
    world.switch("main");
    let text = changelog::whole(world.root(), None).unwrap();
    for line in world.git(&["log", "--format=%H %s"]).lines() {
        let (id, subject) = line.split_once(' ').unwrap();
        let internal =
            ["chore: ", "chore(release)", "style: ", "Merge "].iter().any(|start| subject.starts_with(start));
        let links = text.matches(&format!("/commit/{id})")).count();
        assert_eq!(links, usize::from(!internal), "{subject}");
    }
}
