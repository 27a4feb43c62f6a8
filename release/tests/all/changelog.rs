//! Notes and CHANGELOG.md.

use std::process::Command;

use sayna_release::changelog::{self, Request};

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
    world.commit("Revert \"perf: copy less\"\n\nThis reverts commit 1234567.");
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
    let notes = changelog::notes(world.root(), &Request::Tagged("v0.2.0".to_owned())).unwrap();
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
    let mut walk = world.repository().revwalk().unwrap();
    walk.push_glob("refs/heads/*").unwrap();
    walk.set_sorting(git2::Sort::TIME | git2::Sort::REVERSE).unwrap();
    walk.map(|id| id.unwrap().to_string()).collect()
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
    assert!(text.starts_with("# Changelog\n\nWhat changed"), "{text}");
    assert_eq!(headings(&text), ["## [0.3.0] - 2026-01-02", "## [0.2.0] - 2026-01-02", "## [0.1.0] - 2026-01-02"]);
    world.switch("release/0.2");
    let unnamed = changelog::whole(world.root(), None).unwrap();
    assert_eq!(headings(&unnamed)[..2], ["## [Unreleased]", "## [0.2.1] - 2026-01-02"]);
    let named = changelog::whole(world.root(), Some("v0.2.2")).unwrap();
    assert_eq!(headings(&named)[..2], ["## [0.2.2] - 2026-01-02", "## [0.2.1] - 2026-01-02"]);
    assert!(named.contains("/compare/v0.2.1...v0.2.2)"), "{named}");
}

#[test]
#[ignore = "needs git-cliff"]
fn the_git_cliff_program_gives_the_same_text() {
    let world = everything();
    for branch in ["main", "release/0.2"] {
        world.switch(branch);
        assert_eq!(changelog::whole(world.root(), None).unwrap(), git_cliff(&world, &[]), "{branch}");
        let whole = changelog::whole(world.root(), Some("v0.4.0")).unwrap();
        assert_eq!(whole, git_cliff(&world, &["--tag", "v0.4.0"]), "{branch}");
        let upcoming = changelog::notes(world.root(), &Request::Upcoming("v0.4.0".to_owned())).unwrap().markdown;
        if branch == "release/0.2" {
            let theirs = git_cliff(&world, &["--unreleased", "--tag", "v0.4.0", "--strip", "header"]);
            assert_eq!(upcoming.trim(), theirs.trim());
        }
        let latest = if branch == "main" { "v0.3.0" } else { "v0.2.1" };
        let ours = changelog::notes(world.root(), &Request::Tagged(latest.to_owned())).unwrap().markdown;
        assert_eq!(ours.trim(), git_cliff(&world, &["--latest", "--strip", "header"]).trim(), "{branch}");
    }
}
