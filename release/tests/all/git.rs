//! The checkout as Git sees it.

use std::fs;
use std::path::PathBuf;

use sayna_release::git::{CLEAN, Checkout};

use crate::support::{START, World};

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
    let nested = world.repository().find_reference("refs/tags/nested").unwrap().peel(git2::ObjectType::Tag).unwrap();
    let who = git2::Signature::new("Ada", "ada@example.org", &git2::Time::new(START, 0)).unwrap();
    world.repository().tag("outer", &nested, &who, "a tag of a tag", false).unwrap();
    let tree = world.repository().head().unwrap().peel(git2::ObjectType::Tree).unwrap();
    world.repository().tag_lightweight("of-a-tree", &tree, false).unwrap();
    let checkout = open(&world);
    assert_eq!(checkout.commit(), second);
    let tags: Vec<_> = checkout.tags().unwrap().into_iter().collect();
    let expected = [("light", &first), ("nested", &second), ("outer", &second), ("v0.1.0", &first)];
    assert_eq!(tags, expected.map(|(tag, commit)| (tag.to_owned(), commit.clone())));
    assert!(checkout.contains(&second, &first).unwrap() && checkout.contains(&first, &first).unwrap());
    assert!(!checkout.contains(&first, &second).unwrap());
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
    let mut index = world.repository().index().unwrap();
    index.add_path(std::path::Path::new("new/deep/file")).unwrap();
    index.write().unwrap();
    let expected = ["LICENSE", "README.md", "new/deep/file", "sub/ näu", "sub/old"];
    assert_eq!(open(&world).changed().unwrap(), expected);
    let files = open(&world).files().unwrap();
    for (name, there) in
        [("LICENSE", false), ("sub/old", false), ("sub/ näu", true), ("new/deep/file", true), ("target/out", false)]
    {
        assert_eq!(files.contains(&PathBuf::from(name)), there, "{name} in {files:?}");
    }
    assert!(files.is_sorted());
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
    let mut index = two.repository().index().unwrap();
    index.add_path(std::path::Path::new("a")).unwrap();
    index.write().unwrap();
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
fn what_is_no_checkout_says_so_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| Checkout::open(path).unwrap_err();
    assert!(error(folder.path()).to_string().contains("is not the top of a Git checkout"));
    assert!(error(folder.path()).hint().unwrap().contains("clone"));
    git2::Repository::init_bare(folder.path()).unwrap();
    assert!(error(folder.path()).to_string().contains("bare"));
    let world = World::empty();
    assert!(error(world.root()).to_string().contains("no commit yet"));
    world.write("sub/file", "");
    assert!(error(&world.path("sub")).to_string().contains("is not the top"));
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
