//! The checkout as Git sees it.

mod hostile;
mod kinds;

use std::fs;
use std::path::PathBuf;

use sayna_release::git::{CLEAN, Checkout};

use crate::support::{START, World, git};

fn open(world: &World) -> Checkout {
    Checkout::open(world.root()).unwrap()
}

#[test]
fn head_and_tags_are_those_of_the_commit() {
    let mut world = World::begun();
    let first = world.head();
    world.tag("light");
    world.annotated_tag("v0.1.0");
    let second = world.commit("fix: more");
    world.annotated_tag("nested");
    world.git(&["tag", "--annotate", "--message", "a tag of a tag", "outer", "nested"]);
    world.git(&["tag", "of-a-tree", "HEAD^{tree}"]);
    let checkout = open(&world);
    assert_eq!(checkout.commit(), second);
    let tags: Vec<_> = checkout.tags().unwrap().into_iter().collect();
    let expected = [("light", &first), ("nested", &second), ("outer", &second), ("v0.1.0", &first)];
    assert_eq!(tags, expected.map(|(tag, commit)| (tag.to_owned(), commit.clone())));
    let within = |end: &str| {
        let tags = checkout.tags_within(Some(end)).unwrap();
        tags.into_iter().map(|tag| (tag.name, tag.message)).collect::<Vec<_>>()
    };
    let of_first = [("light", None), ("v0.1.0", Some("Sayna v0.1.0"))];
    assert_eq!(within(&first), of_first.map(|(tag, said)| (tag.to_owned(), said.map(str::to_owned))));
    assert_eq!(within(&second).len(), 4);
    let ids = |end: &str, before: Option<&str>| {
        let commits = checkout.commits(end, before, true).unwrap();
        commits.into_iter().map(|commit| commit.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&second, None), [second.clone(), first.clone()]);
    assert_eq!(ids(&second, Some(&first)).join(" "), second);
    assert_eq!(ids(&first, Some(&second)), [""; 0]);
}

#[test]
fn changes_of_every_kind_are_seen_and_ignored_files_are_not() {
    let mut world = World::new();
    world.write(".gitignore", "/target/\n");
    world.write("sub/old", "old\n");
    world.commit("feat: begin");
    world.write("target/out", "");
    assert_eq!(open(&world).changed().unwrap(), [""; 0]);
    assert_eq!(open(&world).tree().unwrap(), CLEAN);
    world.write("README.md", "changed");
    fs::remove_file(world.path("LICENSE")).unwrap();
    fs::rename(world.path("sub/old"), world.path("sub/ näu")).unwrap();
    world.write("new/deep/file", "");
    world.git(&["add", "new/deep/file"]);
    let expected = ["LICENSE", "README.md", "new/deep/file", "sub/ näu", "sub/old"];
    assert_eq!(open(&world).changed().unwrap(), expected);
    let files = open(&world).files().unwrap();
    for (name, there) in
        [("LICENSE", false), ("sub/old", false), ("sub/ näu", true), ("new/deep/file", true), ("target/out", false)]
    {
        assert_eq!(files.contains(&PathBuf::from(name)), there, "{name} in {files:?}");
    }
    assert!(files.iter().is_sorted());
}

#[test]
fn the_content_id_is_that_of_the_content_and_of_nothing_else() {
    let (one, two) = (World::begun(), World::begun());
    let id = |world: &World| open(world).tree().unwrap();
    for world in [&one, &two] {
        world.write("a", "x");
        world.write("b", "y");
    }
    assert_eq!(id(&one), id(&two));
    // Neither does it matter whether Git knows a file already.
    two.git(&["add", "a"]);
    assert_eq!(id(&one), id(&two));
    two.write("a", "xy");
    two.write("b", "");
    assert_ne!(id(&one), id(&two));
    one.write("a", "xy");
    one.write("b", "");
    assert_eq!(id(&one), id(&two));
    fs::rename(one.path("a"), one.path("c")).unwrap();
    assert_ne!(id(&one), id(&two));
}

#[cfg(unix)]
#[test]
fn the_content_id_knows_modes_and_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = World::begun();
    world.write("run", "README.md");
    let id = || open(&world).tree().unwrap();
    let plain = id();
    fs::set_permissions(world.path("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let executable = id();
    fs::set_permissions(world.path("run"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(id(), plain);
    fs::remove_file(world.path("run")).unwrap();
    symlink("README.md", world.path("run")).unwrap();
    let link = id();
    assert!(plain != executable && executable != link && plain != link);
}

#[test]
fn a_folder_without_checkout_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| Checkout::open(path).unwrap_err();
    assert!(error(folder.path()).to_string().contains("is not the top of a Git checkout"));
    assert!(error(folder.path()).hint().unwrap().contains("clone"));
    git(folder.path(), START).args(["init", "--quiet", "--bare", "."]).output().unwrap();
    assert!(error(folder.path()).to_string().contains("bare"));
    let world = World::empty();
    assert!(error(world.root()).to_string().contains("no commit yet"));
    world.write("sub/file", "");
    let inside = error(&world.path("sub"));
    assert!(inside.to_string().contains("is not the top"));
    let hint = inside.hint().unwrap();
    let top = world.root().canonicalize().unwrap().display().to_string();
    assert!(hint.contains(&top) && !hint.contains("git init"), "{hint}");
}

#[cfg(unix)]
#[test]
#[ignore = "needs root"]
fn a_checkout_of_another_user_is_refused_with_the_way_out() {
    let world = World::begun();
    std::os::unix::fs::chown(world.root(), Some(4321), Some(4321)).expect("root is needed to give a folder away");
    std::os::unix::fs::chown(world.path(".git"), Some(4321), Some(4321)).unwrap();
    let error = Checkout::open(world.root()).unwrap_err();
    assert!(error.to_string().contains("belongs to another user"), "{error}");
    assert!(error.hint().unwrap().contains("safe.directory"));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_files_too() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::begun();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(world.root().join(name), "latin").unwrap();
    assert!(open(&world).files().unwrap().contains(&PathBuf::from(name)));
    let before = open(&world).tree().unwrap();
    fs::write(world.root().join(name), "other").unwrap();
    assert_ne!(open(&world).tree().unwrap(), before);
}
