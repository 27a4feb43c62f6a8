//! A world of its own for each test: a temporary Git repository with a history that the test writes.

pub(crate) mod graph;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// 2026-01-02T03:04:05Z, the time of a world's first commit; each later one is an hour later.
pub(crate) const START: i64 = 1_767_323_045;

/// A temporary checkout.
pub(crate) struct World {
    folder: TempDir,
    clock: i64,
}

impl World {
    /// An empty repository.
    pub(crate) fn empty() -> Self {
        Self::in_form("sha1")
    }

    /// The same with ids of that kind.
    fn in_form(ids: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sayna-world-").tempdir().unwrap();
        let world = Self { folder, clock: START };
        world.git(&["init", "--quiet", "--initial-branch", "main", "--template=", "--object-format", ids]);
        world.git(&["config", "core.autocrlf", "false"]);
        world
    }

    /// A small package with the smallest complete table, not committed yet.
    pub(crate) fn new() -> Self {
        Self::empty().with_package()
    }

    /// A repository whose ids are SHA-256, with the same package in one commit.
    pub(crate) fn begun_with_sha256() -> Self {
        let mut world = Self::in_form("sha256").with_package();
        world.commit("feat: begin");
        world
    }

    fn with_package(self) -> Self {
        let world = self;
        world.write(
            "Cargo.toml",
            "[package]\nname = \"sayna\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"Apache-2.0\"\n\
             description = \"A voice server\"\n\n[features]\ndefault = []\n",
        );
        world.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"sayna\"\nversion = \"0.1.0\"\n");
        world.write("README.md", "# Sayna\n");
        world.write("LICENSE", "Apache-2.0\n");
        world.write("deny.toml", "[licenses]\nallow = [\"Apache-2.0\", \"BSD-3-Clause\", \"MIT\"]\n");
        world.write("src/main.rs", "fn main() {}\n");
        world.write("flake.nix", "{ outputs = _: { }; }\n");
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

    /// What Git prints, whatever this machine's user has configured; at the world's time.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_at(self.clock, arguments)
    }

    fn git_at(&self, time: i64, arguments: &[&str]) -> String {
        let output = git(self.root(), time).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
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
        self.commit_with(message, &[other])
    }

    fn commit_with(&mut self, message: &str, more_parents: &[&str]) -> String {
        self.git(&["add", "--all"]);
        let tree = self.git(&["write-tree"]);
        let head = git(self.root(), self.clock).args(["rev-parse", "--verify", "--quiet", "HEAD"]).output().unwrap();
        let head = String::from_utf8(head.stdout).unwrap();
        let parents = Some(head.trim()).filter(|id| !id.is_empty()).into_iter().chain(more_parents.iter().copied());
        let parents = parents.flat_map(|id| ["-p", id]);
        let arguments: Vec<&str> = ["commit-tree", &tree, "-m", message].into_iter().chain(parents).collect();
        let commit = self.git(&arguments);
        self.git(&["update-ref", "HEAD", &commit]);
        self.clock += 3600;
        commit
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// A lightweight tag on HEAD.
    pub(crate) fn tag(&self, name: &str) {
        self.git(&["tag", name, "HEAD"]);
    }

    /// An annotated tag on HEAD.
    pub(crate) fn annotated_tag(&self, name: &str) {
        self.git(&["tag", "--annotate", "--message", &format!("Sayna {name}"), name, "HEAD"]);
    }

    /// Makes a branch at a commit and checks it out.
    pub(crate) fn branch(&self, name: &str, at: &str) {
        self.git(&["branch", name, at]);
        self.switch(name);
    }

    pub(crate) fn switch(&self, branch: &str) {
        self.git(&["checkout", "--quiet", "--force", branch]);
        self.git(&["clean", "--quiet", "-d", "--force"]);
    }
}

/// Git in a folder, as Ada at that time.
pub(crate) fn git(folder: &Path, time: i64) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).stdin(Stdio::null());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        command.env(format!("GIT_{who}_DATE"), format!("@{time} +0100"));
    }
    command
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A file of this repository.
pub(crate) fn project_file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

/// Compares with a file in `tests/all/golden`; `SAYNA_GOLDEN=write` writes it instead, to be reviewed.
pub(crate) fn golden(name: &str, text: &str) {
    generated(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/golden").join(name), text);
}

/// The same with a generated page of this repository.
pub(crate) fn page(name: &str, text: &str) {
    generated(&Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name), text);
}

fn generated(path: &Path, text: &str) {
    if std::env::var_os("SAYNA_GOLDEN").is_some_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(text == expected, "{} differs; expected:\n{expected}\nfound:\n{text}", path.display());
}

/// The version of the compiler that `plan` will find.
pub(crate) fn running_rustc() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
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
crates = false

[forge]
github = "saynaai/sayna"
"#;
