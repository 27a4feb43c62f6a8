//! Repositories and files of every kind: filters, other ids, links, submodules, what is no file.

use std::fs;
use std::path::{Path, PathBuf};

use sayna_release::git::{CLEAN, Checkout};
use sayna_release::plan::{self, Options};

use super::open;
use crate::support::World;

fn changed(world: &World) -> Vec<String> {
    open(world).changed().unwrap()
}

fn tree(world: &World) -> String {
    open(world).tree().unwrap()
}

/// The kinds of the problems of a tagged world.
fn problems(world: &World) -> Vec<&'static str> {
    let made = plan::make(world.root(), &Options::default()).unwrap();
    made.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn a_repository_with_sha256_ids_has_a_plan() {
    let world = World::begun_with_sha256();
    world.annotated_tag("v0.1.0");
    let made = plan::make(world.root(), &Options::default()).unwrap();
    assert_eq!(made.problems.len(), 0, "{:?}", made.problems);
    assert_eq!((made.plan.commit.len(), made.plan.commit), (64, world.head()));
    assert!(made.plan.notes.contains("Begin ("), "{}", made.plan.notes);
    world.write("new", "");
    assert_eq!(tree(&world).len(), 16);
}

#[cfg(unix)]
#[test]
fn a_file_that_a_filter_changed_on_its_way_is_no_difference() {
    let mut world = World::new();
    world.write(".gitattributes", "*.loud filter=loud\n*.crlf text eol=crlf\n");
    for (name, program) in [("clean", "tr a-z A-Z"), ("smudge", "tr A-Z a-z")] {
        world.git(&["config", &format!("filter.loud.{name}"), program]);
    }
    world.write("one.loud", "quiet\n");
    world.write("two.crlf", "one\r\ntwo\r\n");
    world.commit("feat: begin");
    assert_eq!(world.git(&["show", "HEAD:one.loud"]), "QUIET");
    // What Git looks at again, as its time differs.
    for name in ["one.loud", "two.crlf"] {
        let text = world.read(name);
        fs::remove_file(world.path(name)).unwrap();
        world.write(name, &text);
    }
    assert_eq!((changed(&world), tree(&world)), (vec![], CLEAN.to_owned()));
    // Of other files the content counts as Git would store it.
    world.write("one.loud", "other\n");
    let small = tree(&world);
    world.write("one.loud", "OTHER\n");
    assert_eq!(tree(&world), small);
}

#[cfg(unix)]
#[test]
fn git_entries_that_are_not_files_have_no_content() {
    let world = World::begun();
    let fifo = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(world.path(name)).status().unwrap();
        assert!(made.success());
    };
    fifo("new");
    assert_eq!((changed(&world), tree(&world)), (vec![], CLEAN.to_owned()));
    fs::remove_file(world.path("LICENSE")).unwrap();
    let without = tree(&world);
    fifo("LICENSE");
    assert_eq!((changed(&world), tree(&world)), (vec!["LICENSE".to_owned()], without));
    let files = open(&world).files().unwrap();
    assert!(!files.contains(Path::new("new")) && !files.contains(Path::new("LICENSE")), "{files:?}");
    assert_eq!(problems(&world), ["head-untagged", "tree-dirty", "file-missing"]);
}

#[test]
fn an_id_of_the_content_leaves_the_repository_as_it_is() {
    let world = World::begun();
    world.write("README.md", "changed\n");
    world.write("new/file", "new\n");
    let snapshot = || {
        let mut found = Vec::new();
        let mut folders = vec![world.path(".git")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push((fs::read(&path).unwrap(), path)) }
            }
        }
        found.sort();
        found
    };
    let before = snapshot();
    assert_eq!(tree(&world).len(), 16);
    assert!(snapshot() == before, "something was written into .git");
    // It is the id that the tree gets when it is committed.
    let id = tree(&world);
    world.git(&["add", "--all"]);
    assert!(world.git(&["write-tree"]).starts_with(&id), "{id}");
}

#[cfg(unix)]
#[test]
fn files_may_become_folders_and_links_and_the_other_way() {
    use std::os::unix::fs::symlink;
    let mut world = World::new();
    world.write("file", "");
    world.write("folder/inside", "");
    world.write("other/inside", "");
    world.commit("feat: begin");
    fs::remove_file(world.path("file")).unwrap();
    world.write("file/inside", "new");
    fs::remove_dir_all(world.path("folder")).unwrap();
    symlink("other", world.path("folder")).unwrap();
    let id = tree(&world);
    let files = open(&world).files().unwrap();
    assert!(files.contains(Path::new("folder")) && files.contains(Path::new("file/inside")), "{files:?}");
    world.git(&["add", "--all"]);
    assert!(world.git(&["write-tree"]).starts_with(&id), "{id}");
}

#[cfg(unix)]
#[test]
fn a_file_to_be_packed_must_not_be_a_link_in_git() {
    use std::os::unix::fs::symlink;
    let mut world = World::new();
    fs::rename(world.path("LICENSE"), world.path("COPYING")).unwrap();
    symlink("COPYING", world.path("LICENSE")).unwrap();
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_eq!(problems(&world), ["file-link"]);
    // As on Windows, where a file with the link's target stands there.
    world.git(&["config", "core.symlinks", "false"]);
    fs::remove_file(world.path("LICENSE")).unwrap();
    world.write("LICENSE", "COPYING");
    assert_eq!((changed(&world), problems(&world)), (vec![], vec!["file-link"]));
    // A link above the file is one too.
    let mut world = World::new();
    world.write("texts/LICENSE", "Apache-2.0\n");
    symlink("texts", world.path("legal")).unwrap();
    world.edit("sayna-release.toml", "\"LICENSE\"", "\"legal/LICENSE\"");
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_eq!(problems(&world), ["file-link"]);
}

#[test]
fn a_submodule_is_the_commit_and_the_files_that_were_checked_out() {
    let inner = {
        let mut inner = World::empty();
        inner.write("data/file", "one\n");
        inner.commit("feat: data");
        inner
    };
    let mut world = World::new();
    let from = inner.root().display().to_string();
    world.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "inner"]);
    world.commit("feat: begin");
    world.tag("v0.1.0");
    assert_eq!((problems(&world), tree(&world)), (vec![], CLEAN.to_owned()));
    let file = PathBuf::from("inner/data/file");
    assert!(open(&world).files().unwrap().contains(&file));
    // A change inside has an id as well.
    world.write("inner/data/file", "two\n");
    let two = tree(&world);
    world.write("inner/data/file", "three\n");
    assert!(two != CLEAN && two != tree(&world));
    assert_eq!(changed(&world), ["inner"]);
    // A clone has the commit's id and an empty folder.
    let parent = tempfile::tempdir().unwrap();
    let clone = parent.path().join("clone");
    world.git(&["clone", "--quiet", ".", &clone.display().to_string()]);
    let made = plan::make(&clone, &Options::default()).unwrap();
    let problem = made.problems.iter().find(|problem| problem.kind == "submodule-missing").unwrap();
    assert!(problem.message.contains("inner") && problem.hint.as_deref().unwrap().contains("submodule update"));
    assert!(!Checkout::open(&clone).unwrap().files().unwrap().contains(&file));
}

#[test]
fn a_repository_inside_that_is_no_submodule_is_a_difference_without_content() {
    let mut world = World::begun();
    for name in ["empty", "begun"] {
        world.git(&["init", "--quiet", name]);
    }
    world.write("begun/file", "");
    assert_eq!(changed(&world), ["begun/", "empty/"]);
    let id = tree(&world);
    world.write("begun/file", "other");
    assert_eq!(tree(&world), id);
    assert!(open(&world).files().unwrap().iter().all(|file| !file.starts_with("begun")));
    fs::remove_dir_all(world.path("begun")).unwrap();
    fs::remove_dir_all(world.path("empty")).unwrap();
    world.commit("fix: nothing");
    assert_eq!(tree(&world), CLEAN);
}

#[test]
fn a_further_working_tree_and_an_unfinished_merge_are_read() {
    let mut world = World::begun();
    let begin = world.head();
    world.write("README.md", "ours\n");
    world.commit("docs: ours");
    world.branch("topic", &begin);
    world.write("README.md", "theirs\n");
    world.commit("docs: theirs");
    let parent = tempfile::tempdir().unwrap();
    let other = parent.path().join("other");
    world.git(&["worktree", "add", "--quiet", &other.display().to_string(), "main"]);
    let checkout = Checkout::open(&other).unwrap();
    assert_eq!(
        (checkout.tree().unwrap().as_str(), checkout.commits(&checkout.commit(), None, true).unwrap().len()),
        (CLEAN, 2)
    );
    // Both sides changed the same line.
    let merge = crate::support::git(world.root(), 0).args(["merge", "--quiet", "main"]).output().unwrap();
    assert!(!merge.status.success());
    assert_eq!(changed(&world), ["README.md"]);
    assert_eq!(tree(&world).len(), 16);
}
