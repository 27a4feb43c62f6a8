//! A world of its own for each test: a temporary Git repository with a history that the test writes.

pub(crate) mod graph;

use std::fs;
use std::path::{Path, PathBuf};

use git2::{IndexAddOption, Oid, Repository, Signature, Time};
use tempfile::TempDir;

/// 2026-01-02T03:04:05Z, the time of a world's first commit; each later one is an hour later.
pub(crate) const START: i64 = 1_767_323_045;

/// A temporary checkout.
pub(crate) struct World {
    folder: TempDir,
    repository: Repository,
    clock: i64,
}

impl World {
    /// An empty repository.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("sayna-world-").tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        let repository = Repository::init_opts(folder.path(), options.initial_head("main")).unwrap();
        repository.config().unwrap().set_bool("core.autocrlf", false).unwrap();
        Self { folder, repository, clock: START }
    }

    /// A small package with the smallest complete table, not committed yet.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        world.write(
            "Cargo.toml",
            "[package]\nname = \"sayna\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"Apache-2.0\"\n\
             description = \"A voice server\"\n\n[features]\ndefault = []\n",
        );
        world.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"sayna\"\nversion = \"0.1.0\"\n");
        world.write("README.md", "# Sayna\n");
        world.write("LICENSE", "Apache-2.0\n");
        world.write("cliff.toml", &project_file("cliff.toml"));
        world.write("sayna-release.toml", &table());
        world
    }

    /// The same, with one commit `feat: begin`.
    pub(crate) fn begun() -> Self {
        let mut world = Self::new();
        world.commit("feat: begin");
        world
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces `from`, which must be there, in a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Sets the version in Cargo.toml and Cargo.lock.
    pub(crate) fn set_version(&self, version: &str) {
        for name in ["Cargo.toml", "Cargo.lock"] {
            let text = self.read(name);
            let start = text.rfind("\nversion = \"").unwrap() + "\nversion = \"".len();
            let end = start + text[start..].find('"').unwrap();
            self.write(name, &format!("{}{version}{}", &text[..start], &text[end..]));
        }
    }

    /// Commits everything there is, an hour after the commit before; a commit without changes is one too.
    pub(crate) fn commit(&mut self, message: &str) -> String {
        self.commit_with(message, &[])
    }

    /// The same with a second parent.
    pub(crate) fn merge(&mut self, other: &str, message: &str) -> String {
        self.commit_with(message, &[Oid::from_str(other).unwrap()])
    }

    fn commit_with(&mut self, message: &str, more_parents: &[Oid]) -> String {
        let mut index = self.repository.index().unwrap();
        index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = self.repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("Ada", "ada@example.org", &Time::new(self.clock, 60)).unwrap();
        self.clock += 3600;
        let head = self.repository.head().ok().map(|head| head.peel_to_commit().unwrap());
        let others = more_parents.iter().map(|id| self.repository.find_commit(*id).unwrap());
        let parents: Vec<_> = head.into_iter().chain(others).collect();
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        self.repository.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap().to_string()
    }

    pub(crate) fn head(&self) -> String {
        self.repository.head().unwrap().peel_to_commit().unwrap().id().to_string()
    }

    /// A lightweight tag on HEAD.
    pub(crate) fn tag(&self, name: &str) {
        let head = self.repository.head().unwrap().peel(git2::ObjectType::Commit).unwrap();
        self.repository.tag_lightweight(name, &head, false).unwrap();
    }

    /// An annotated tag on HEAD.
    pub(crate) fn annotated_tag(&self, name: &str) {
        let head = self.repository.head().unwrap().peel(git2::ObjectType::Commit).unwrap();
        let who = Signature::new("Ada", "ada@example.org", &Time::new(self.clock, 0)).unwrap();
        self.repository.tag(name, &head, &who, &format!("Sayna {name}"), false).unwrap();
    }

    /// Makes a branch at a commit and checks it out.
    pub(crate) fn branch(&self, name: &str, at: &str) {
        let commit = self.repository.revparse_single(at).unwrap().peel_to_commit().unwrap();
        self.repository.branch(name, &commit, false).unwrap();
        self.switch(name);
    }

    pub(crate) fn switch(&self, branch: &str) {
        self.repository.set_head(&format!("refs/heads/{branch}")).unwrap();
        let mut force = git2::build::CheckoutBuilder::new();
        self.repository.checkout_head(Some(force.force().remove_untracked(true))).unwrap();
    }
}

/// A file of this repository.
pub(crate) fn project_file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

/// Compares with a file in `tests/all/golden`; `SAYNA_GOLDEN=write` writes it instead, to be reviewed.
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/golden").join(name);
    if std::env::var_os("SAYNA_GOLDEN").is_some_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} differs; expected:\n{expected}\nfound:\n{text}");
}

/// The version of the compiler that `plan` will find.
pub(crate) fn running_rustc() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("release: ")).unwrap().to_owned()
}

/// A table with two targets and an image, for the running compiler.
pub(crate) fn table() -> String {
    TABLE.replace("RUSTC", &running_rustc())
}

/// The same, with `RUSTC` for the compiler's version.
pub(crate) const TABLE: &str = r#"[release]
name = "sayna"
files = ["README.md", "LICENSE"]
toolchain = "RUSTC"

[[target]]
triple = "x86_64-unknown-linux-gnu"
runner = "ubuntu-24.04"
builder = "nix"
system = "x86_64-linux"
features = []
archive = "tar.gz"
floor = { glibc = "2.34" }
libs = ["libc.so.6"]
budget = { binary = "9 MB", archive = "4 MB" }

[[target]]
triple = "x86_64-pc-windows-msvc"
runner = "windows-2022"
builder = "cargo"
features = []
archive = "zip"
floor = { windows = "10.0" }
libs = ["kernel32.dll"]
budget = { binary = "9 MB", archive = "4 MB" }

[image]
repositories = ["docker.io/saynaai/sayna"]
platforms = [{ os = "linux", arch = "amd64", target = "x86_64-unknown-linux-gnu" }]
compression = "gzip"
budget = "80 MB"

[build]
remap = { source = "/src", cargo = "/cargo", target = "/target" }
unset = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "SOURCE_DATE_EPOCH"]

[forge]
github = "saynaai/sayna"
"#;
