//! A copy of this checkout with a history of its own, whose lock file names the stand-ins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const SYSTEM: &str = "x86_64-linux";

pub(super) struct Tree {
    folder: TempDir,
}

/// Runs a tool and gives what it said; one that is not there, or fails, stops the test.
pub(super) fn ok(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run .ci/setup, and tests as .ci/run does"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    if out.is_empty() { err.into_owned() } else { out.into_owned() }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Tree {
    /// With the stand-ins in the lock file, so that every call of Nix in it takes them.
    pub(super) fn new() -> Self {
        let tree = Self::with_true_lock();
        tree.hurry();
        let options = ok(&mut Command::new(tree.root().join("nix/stubs/with")));
        let overrides = options.split_whitespace().filter(|word| *word != "--no-write-lock-file");
        ok(tree.nix(&["flake", "lock"]).args(overrides));
        tree.commit();
        tree
    }

    /// The same, for what is built: without libwebrtc, which cannot be had here, and with one binary for archive and image.
    pub(super) fn without_features() -> Self {
        let tree = Self::new();
        let table = tree.read("sayna-release.toml");
        let line =
            |line: &str| if line.starts_with("features = ") { "features = []".to_owned() } else { line.to_owned() };
        fs::write(tree.root().join("sayna-release.toml"), table.lines().map(|l| line(l) + "\n").collect::<String>())
            .unwrap();
        tree.commit();
        tree.seed();
        tree
    }

    /// With the lock file that is committed.
    pub(super) fn with_true_lock() -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap() };
        let files = ok(tree.git(&["ls-files", "-z"]).current_dir(project()));
        for name in files.split_terminator('\0') {
            let (from, to) = (project().join(name), tree.root().join(name));
            // A file that is tracked and was removed.
            if from.is_file() {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from, to).unwrap();
            }
        }
        ok(&mut tree.git(&["init", "--quiet"]));
        tree.commit();
        tree
    }

    /// Not optimised, as what the flake does with a binary is looked at here and not the binary itself: compiling it is what
    /// takes time. The rehearsal builds the released one.
    fn hurry(&self) {
        self.edit("Cargo.toml", "opt-level = \"s\"", "opt-level = 0");
        for budget in [
            "binary = \"30 MB\"",
            "archive = \"12 MB\"",
            "binary = \"25 MB\"",
            "archive = \"10 MB\"",
            "default_binary = \"9 MB\"",
        ] {
            let table = self.read("sayna-release.toml");
            let roomy = budget.replace(" MB", "0 MB");
            fs::write(self.root().join("sayna-release.toml"), table.replace(budget, &roomy)).unwrap();
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), self.read(name) + text).unwrap();
    }

    /// Replaces the first `from`, which must be there.
    pub(super) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}");
        fs::write(self.root().join(name), text.replacen(from, to, 1)).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"];
        command.args(who).args(arguments).current_dir(self.root());
        command.envs([("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"), ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")]);
        command
    }

    /// Commits everything, at 2026-01-02T03:04:05Z.
    pub(super) fn commit(&self) {
        ok(&mut self.git(&["add", "--all"]));
        ok(&mut self.git(&["commit", "--quiet", "--allow-empty", "--message", "feat: begin"]));
    }

    pub(super) fn head(&self) -> String {
        ok(&mut self.git(&["rev-parse", "HEAD"])).trim().to_owned()
    }

    pub(super) fn nix(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("nix");
        command.args(["--extra-experimental-features", "nix-command flakes", "--offline"]);
        command.args(arguments).current_dir(self.root());
        command
    }

    /// What a call that must fail says.
    pub(super) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.nix(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?} must fail\n{said}");
        said
    }

    /// An output of the flake, made into JSON by a function.
    pub(super) fn eval(&self, attribute: &str, function: &str) -> Value {
        let text = ok(&mut self.nix(&["eval", "--json", "--apply", function, &format!(".#{attribute}")]));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{attribute}: {e}: {text}"))
    }

    pub(super) fn build(&self, package: &str) -> PathBuf {
        self.out(&format!(".#packages.{SYSTEM}.{package}"))
    }

    pub(super) fn build_check(&self, check: &str) -> PathBuf {
        self.out(&format!(".#checks.{SYSTEM}.{check}"))
    }

    fn out(&self, installable: &str) -> PathBuf {
        let said = ok(&mut self.nix(&["build", "--no-link", "--print-out-paths", "--print-build-logs", installable]));
        PathBuf::from(said.lines().last().unwrap())
    }

    /// Puts the crates of Cargo.lock into the store, as there is no network to fetch them by.
    pub(super) fn seed(&self) {
        let vendored = self.eval("packages.x86_64-linux.sayna.unwrapped.vendored", "v: v");
        if Path::new(vendored.as_str().unwrap()).exists() {
            return;
        }
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        ok(Command::new(cargo).args(["fetch", "--locked"]).current_dir(self.root()));
        let home =
            std::env::var_os("CARGO_HOME").map_or_else(|| std::env::home_dir().unwrap().join(".cargo"), PathBuf::from);
        let caches: Vec<PathBuf> =
            fs::read_dir(home.join("registry/cache")).unwrap().map(|e| e.unwrap().path()).collect();
        let lock: toml::Table = toml::from_str(&self.read("Cargo.lock")).unwrap();
        for package in lock["package"].as_array().unwrap().iter().filter(|p| p.get("checksum").is_some()) {
            let id = format!("{}-{}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
            let file = caches.iter().map(|c| c.join(format!("{id}.crate"))).find(|f| f.is_file());
            let file = file.unwrap_or_else(|| panic!("{id}.crate is in none of {caches:?}"));
            let store = ["store", "add", "--mode", "flat", "--hash-algo", "sha256", "--name"];
            ok(self.nix(&store).arg(format!("cargo-src-{id}")).arg(file));
        }
    }
}
