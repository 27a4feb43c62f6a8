//! Plans: each finding alone, all of them together, and the three outputs.

mod buildable;
#[cfg(unix)]
mod cargo_errors;
mod contents;
mod public;

use std::fs;
use std::process::Command;

use sayna_release::plan::{self, Options, PlanReport, Problem, output};
use sayna_release::table::Builder;

use crate::support::{START, World, golden, running_rustc};

pub(crate) fn made(world: &World) -> PlanReport {
    plan::make(world.root(), &Options::default()).unwrap()
}

fn made_for(world: &World, tag: &str) -> PlanReport {
    plan::make(world.root(), &Options { tag: Some(tag.to_owned()), ..Options::default() }).unwrap()
}

fn kinds(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.kind).collect()
}

/// A world whose table is edited, committed and tagged.
fn with_table(from: &str, to: &str) -> World {
    with_file("sayna-release.toml", from, to)
}

fn with_file(name: &str, from: &str, to: &str) -> World {
    let mut world = World::new();
    world.edit(name, from, to);
    world.commit("feat: begin");
    world.tag("v0.1.0");
    world
}

/// The only problem of a world: its kind, and a word that its message or hint must have.
pub(crate) fn assert_only(world: &World, kind: &str, words: &[&str]) -> Problem {
    let made = made(world);
    assert_eq!(kinds(&made.problems), [kind], "{:#?}", made.problems);
    let problem = made.problems[0].clone();
    let text = format!("{} {}", problem.message, problem.hint.clone().unwrap_or_default());
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
    problem
}

fn git(world: &World, arguments: &[&str]) {
    let output = Command::new("git").args(arguments).current_dir(world.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_tagged_clean_checkout_has_no_problem() {
    let world = World::begun();
    world.annotated_tag("v0.1.0");
    for made in [made(&world), made_for(&world, "v0.1.0")] {
        assert_eq!(kinds(&made.problems), [""; 0]);
        assert_eq!(kinds(&made.warnings), [""; 0]);
        assert_eq!(kinds(&made.facts), [""; 0]);
        let plan = made.plan;
        assert_eq!((plan.tag.as_str(), plan.tree.as_str()), ("v0.1.0", "clean"));
        assert_eq!((plan.commit, plan.commit_time), (world.head(), START));
        assert_eq!((plan.prerelease, plan.latest), (false, true));
        assert!(plan.notes.contains("### Features\n\n- Begin ("), "{}", plan.notes);
    }
}

#[test]
fn without_a_tag_one_is_assumed_and_a_release_would_be_refused() {
    let world = World::begun();
    let made = made(&world);
    assert_eq!(made.plan.tag, "v0.1.0");
    assert_eq!(kinds(&made.facts), ["tag-assumed"]);
    assert_eq!(kinds(&made.problems), ["head-untagged"]);
    assert!(output::text(&made, false).contains("would refuse a release: HEAD carries no release tag"));
}

#[test]
fn a_tag_that_is_named_before_it_exists_is_only_said() {
    let made = made_for(&World::begun(), "v0.1.0");
    assert_eq!((kinds(&made.problems), kinds(&made.facts)), (vec![], vec!["tag-missing"]));
}

#[test]
fn a_tag_must_be_v_and_the_version() {
    let world = World::begun();
    for (tag, kind) in [("0.1.0", "tag-form"), ("v1", "tag-form"), ("vv0.1.0", "tag-form"), ("v0.2.0", "tag-version")] {
        let made = made_for(&world, tag);
        assert_eq!(kinds(&made.problems), [kind], "{tag}");
        assert_eq!(made.plan.tag, "v0.1.0");
        assert!(!output::text(&made, false).contains("would refuse"), "a release is meant, so this is an error");
    }
}

#[test]
fn a_tag_of_another_version_on_head_is_a_mismatch() {
    let world = World::begun();
    world.tag("v0.0.9");
    assert_only(&world, "tag-version", &["v0.0.9", "0.1.0"]);
}

#[test]
fn of_several_tags_on_head_the_one_of_the_version_counts() {
    let world = World::begun();
    for tag in ["nightly", "v0.0.9", "v0.1.0", "v0.1.0-rc.1"] {
        world.tag(tag);
    }
    let made = made(&world);
    assert_eq!((kinds(&made.problems), made.plan.tag.as_str()), (vec![], "v0.1.0"));
}

#[test]
fn a_tag_at_another_commit_is_a_problem_and_the_notes_are_of_the_commits_since() {
    let mut world = World::begun();
    world.tag("v0.1.0");
    for subject in ["fix(ws): one", "feat(tts): two", "docs: three"] {
        world.commit(subject);
    }
    let problem = assert_only(&world, "head-not-tagged", &["v0.1.0", "to 0.2.0"]);
    assert!(problem.message.contains(&world.head()[..7]));
    let notes = made(&world).plan.notes;
    assert!(notes.contains("Two (") && notes.contains("One (") && !notes.contains("Begin ("), "{notes}");
    assert_eq!(kinds(&made_for(&world, "v0.1.0").problems), ["head-not-tagged"]);
}

#[test]
fn cargo_lock_must_say_the_same() {
    let world = with_file("Cargo.lock", "0.1.0", "0.1.1");
    assert_only(&world, "lock-version", &["0.1.0", "0.1.1", "cargo update"]);
    let world = with_file("Cargo.lock", "\"sayna\"", "\"other\"");
    assert_only(&world, "lock-version", &["does not know"]);
    let mut world = World::new();
    fs::remove_file(world.path("Cargo.lock")).unwrap();
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_only(&world, "lock-missing", &["--locked"]);
}

#[test]
fn an_inherited_version_is_found() {
    let mut world = World::new();
    let manifest = "[workspace]\n[workspace.package]\nversion = \"0.1.0\"\nlicense = \"MIT\"\n\
                    [package]\nname = \"sayna\"\nversion.workspace = true\nlicense.workspace = true\ndescription = \"A server\"\n";
    world.write("Cargo.toml", manifest);
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_eq!(kinds(&made(&world).problems), [""; 0]);
}

#[test]
fn a_dirty_tree_names_the_first_files_and_gets_a_content_id() {
    let world = World::begun();
    world.tag("v0.1.0");
    world.write(".git/info/exclude", "ignored\n");
    world.write("ignored", "nobody looks");
    assert_eq!(made(&world).plan.tree, "clean");
    world.write("README.md", "changed\n");
    assert_only(&world, "tree-dirty", &["1 file differs", "README.md"]);
    let one = made(&world).plan.tree;
    for n in 0..9 {
        world.write(&format!("new/{n}"), "new\n");
    }
    assert_only(&world, "tree-dirty", &["10 files", "README.md, new/0", "and 5 more"]);
    let other = made(&world).plan.tree;
    assert!(one != other && one.len() == 16 && one.chars().all(|c| c.is_ascii_hexdigit()), "{one} {other}");
    assert_eq!(made(&world).plan.tree, other);
}

#[test]
fn a_shallow_clone_is_a_problem() {
    let mut world = World::begun();
    world.commit("fix: more");
    world.tag("v0.1.0");
    let parent = tempfile::tempdir().unwrap();
    let clone = parent.path().join("clone");
    let url = format!("file://{}", world.root().display());
    git(&world, &["clone", "--quiet", "--depth", "1", "--branch", "v0.1.0", &url, &clone.display().to_string()]);
    let made = plan::make(&clone, &Options::default()).unwrap();
    assert_eq!(kinds(&made.problems), ["history-shallow"]);
}

#[test]
fn a_version_below_its_line_is_a_problem_and_a_back_port_is_said() {
    let mut world = World::begun();
    world.tag("v1.2.5");
    let line = world.head();
    world.commit("feat: more");
    world.tag("v1.3.0");
    world.branch("release/1.2", &line);
    world.set_version("1.2.4");
    world.commit("fix: less");
    world.tag("v1.2.4");
    assert_only(&world, "version-order", &["1.2.4 is below 1.2.5", "1.2.6"]);
    world.set_version("1.2.6");
    world.commit("fix: again");
    world.tag("v1.2.6");
    let made = made(&world);
    assert_eq!((kinds(&made.problems), kinds(&made.facts)), (vec![], vec!["back-port", "notes-since-tag"]));
    assert!(!made.plan.latest && !made.plan.prerelease);
}

#[test]
fn a_step_smaller_than_the_commits_ask_for_is_a_warning_that_names_them() {
    let mut world = World::begun();
    world.tag("v0.1.0");
    world.commit("fix: small");
    let feature = world.commit("feat(stt): large");
    world.set_version("0.1.1");
    world.commit("chore(release): 0.1.1");
    world.tag("v0.1.1");
    let small = made(&world);
    assert_eq!((kinds(&small.problems), kinds(&small.warnings)), (vec![], vec!["version-step"]));
    assert!(small.warnings[0].message.contains("ask for 0.2.0"));
    assert_eq!(small.warnings[0].commits.iter().map(|c| &c.id).collect::<Vec<_>>(), [&feature]);
    assert!(output::text(&small, false).contains(&format!("{} feat(stt): large", &feature[..7])));
    world.set_version("0.2.0-rc.1");
    world.commit("feat!: break\n\nBREAKING CHANGE: below 1.0 this asks for a minor step");
    world.tag("v0.2.0-rc.1");
    let made = made(&world);
    assert_eq!((kinds(&made.problems), kinds(&made.warnings)), (vec![], vec![]));
    assert!(made.plan.prerelease && !made.plan.latest);
}

#[test]
fn commits_in_another_form_are_counted_and_listed() {
    let mut world = World::begun();
    let other = world.commit("Fix the thing");
    world.tag("v0.1.0");
    let made = made(&world);
    assert_eq!(kinds(&made.warnings), ["unconventional-commits"]);
    assert_eq!(made.warnings[0].commits[0].id, other);
    assert!(made.plan.notes.contains("### Other\n\n- Fix the thing ("));
}

#[test]
fn another_compiler_is_a_warning() {
    let world = with_table(&format!("{:?}", running_rustc()), "\"1.2.3\"");
    let made = made(&world);
    assert_eq!((kinds(&made.problems), kinds(&made.warnings)), (vec![], vec!["toolchain"]));
    assert!(
        made.warnings[0].message.contains(&format!("rustc is {}, but releases are built with 1.2.3", running_rustc()))
    );
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let mut world = World::new();
    world.edit("sayna-release.toml", "\"LICENSE\"", "\"NOTICE\"");
    world.edit("sayna-release.toml", "features = []", "features = [\"no\"]");
    world.edit("Cargo.lock", "0.1.0", "0.1.1");
    world.commit("chore: begin");
    world.write("new", "");
    let expected = ["head-untagged", "lock-version", "tree-dirty", "notes-empty", "file-missing", "unknown-feature"];
    assert_eq!(kinds(&made(&world).problems), expected);
}

#[test]
fn where_no_plan_can_be_made_the_error_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = |root: &std::path::Path| plan::make(root, &Options::default()).unwrap_err();
    assert!(error(folder.path()).render(false).contains("sayna-release.toml"));
    let world = World::new();
    let message = error(world.root()).render(false);
    assert!(message.contains("has no commit yet") && message.contains("git commit"), "{message}");
    for name in ["sayna-release.toml", "Cargo.toml", "Cargo.lock", "cliff.toml"] {
        fs::copy(world.path(name), folder.path().join(name)).unwrap();
    }
    let message = error(folder.path()).render(false);
    assert!(message.contains("is not the top of a Git checkout") && message.contains("help: "), "{message}");
    world.write("Cargo.toml", "[package]\nname = 1\n");
    let message = error(world.root()).render(false);
    assert!(message.contains("Cargo.toml:2:8"), "{message}");
    world.write("Cargo.toml", "[package]\nname = \"sayna\"\nversion = \"1\"\n");
    assert!(error(world.root()).to_string().contains("the package has no license"));
    world.write(
        "Cargo.toml",
        "[package]\nname = \"sayna\"\nversion = \"1\"\nlicense = \"MIT\"\ndescription = \"A server\"\n",
    );
    assert!(error(world.root()).to_string().contains("\"1\" is no SemVer"));
    fs::remove_file(world.path("Cargo.toml")).unwrap();
    assert!(error(world.root()).to_string().contains("cannot read"));
}

#[test]
fn another_working_tree_of_the_same_clone_is_a_checkout() {
    let world = World::begun();
    world.tag("v0.1.0");
    let parent = tempfile::tempdir().unwrap();
    let other = parent.path().join("other");
    git(&world, &["worktree", "add", "--quiet", "--detach", &other.display().to_string(), "v0.1.0"]);
    assert!(other.join(".git").is_file());
    let made = plan::make(&other, &Options::default()).unwrap();
    assert_eq!((kinds(&made.problems), made.plan.tree.as_str()), (vec![], "clean"));
}

/// A plan to look at, with what changes from machine to machine replaced.
fn shown(world: &World, text: &str) -> String {
    let text = text.replace(&world.head(), "HEAD-COMMIT").replace(&world.head()[..7], "HEAD-SHORT");
    text.replace(&running_rustc(), "RUSTC").replace(&world.root().display().to_string(), "ROOT")
}

#[test]
fn the_outputs_are_as_documented() {
    let mut world = World::new();
    world.edit("Cargo.toml", "default = []", "default = []\nlocal = []\nvad = []");
    world.edit("sayna-release.toml", "features = []", "features = [\"vad\", \"local\", \"locl\"]");
    world.commit("feat(stt): begin");
    let made = made(&world);
    golden("plan.txt", &shown(&world, &output::text(&made, false)));
    golden("plan.json", &shown(&world, &output::json(&made)));
    golden("matrix.json", &shown(&world, &output::matrix(&made.plan, None)));
    golden("matrix-cargo.json", &shown(&world, &output::matrix(&made.plan, Some(Builder::Cargo))));
    assert!(output::text(&made, true).contains("\u{1b}["));
}

#[test]
fn every_field_of_the_json_is_documented() {
    let made = made(&World::begun());
    let document: serde_json::Value = serde_json::from_str(&output::json(&made)).unwrap();
    let docs = crate::support::project_file("docs/release/plan.md");
    let mut fields: Vec<String> = Vec::new();
    collect(&document, &mut fields);
    for field in fields {
        assert!(docs.contains(&format!("`{field}`")), "docs/release/plan.md does not say what `{field}` is");
    }
}

#[test]
fn every_kind_of_finding_is_documented() {
    let docs = crate::support::project_file("docs/release/plan.md");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        let calls = source.split("Problem::new(").skip(1);
        kinds.extend(calls.map(|call| call.split('"').nth(1).unwrap().to_owned()));
    }
    assert!(kinds.len() > 25, "{kinds:?}");
    for kind in kinds {
        assert!(docs.contains(&format!("`{kind}`")), "docs/release/plan.md does not say what `{kind}` is");
    }
}

fn collect(value: &serde_json::Value, fields: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                fields.push(key.clone());
                collect(value, fields);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}
