//! Small workspaces of path crates, for what depends on a resolved graph.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sayna_release::graph::Graph;
use sayna_release::table::{Native, Source};
use sayna_release::triple::Triple;
use tempfile::TempDir;

/// A workspace with every way that a crate can be resolved and yet not linked:
/// * `app` needs `shared`, and `leaf` only through a feature; a macro, a build script's crate, a test's crate and one
///   for another system;
/// * `other`, a second member, switches on a feature of `shared` that brings `unwanted`.
pub(crate) struct Skeleton {
    folder: TempDir,
}

impl Skeleton {
    pub(crate) fn new() -> Self {
        let skeleton = Self { folder: tempfile::Builder::new().prefix("sayna-graph-").tempdir().unwrap() };
        let workspace =
            "[workspace]\nresolver = \"3\"\nmembers = [\"other\"]\n\n[features]\nextra = [\"dep:leaf\"]\n\n";
        let dependencies = "[dependencies]\nshared = { path = \"shared\" }\nleaf = { path = \"leaf\", optional = true }\n\
             derive = { path = \"derive\" }\n\n[build-dependencies]\nbuilder = { path = \"builder\" }\n\n\
             [dev-dependencies]\ntester = { path = \"tester\" }\n\n\
             [target.'cfg(target_os = \"windows\")'.dependencies]\nwindows-only = { path = \"windows-only\" }\n";
        skeleton.package("", "app", &format!("{workspace}{dependencies}"));
        let on = "[dependencies]\nshared = { path = \"../shared\", features = [\"more\"] }\n";
        skeleton.package("other", "other", on);
        let optional = "[features]\nmore = [\"dep:unwanted\"]\n\n[dependencies]\nleaf = { path = \"../leaf\" }\n\
             unwanted = { path = \"../unwanted\", optional = true }\n";
        skeleton.package("shared", "shared", optional);
        skeleton.package(
            "derive",
            "derive",
            "[lib]\nproc-macro = true\n\n[dependencies]\nmacro-help = { path = \"../macro-help\" }\n",
        );
        for name in ["leaf", "unwanted", "macro-help", "builder", "tester", "windows-only"] {
            skeleton.package(name, name, "");
        }
        skeleton.write("deny.toml", "[licenses]\nallow = [\"Apache-2.0\", \"BSD-3-Clause\", \"MIT\"]\n");
        skeleton.lock();
        skeleton
    }

    fn package(&self, folder: &str, name: &str, rest: &str) {
        let head = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\nauthors = [\"Ada\"]\n\n"
        );
        self.write(&format!("{folder}/Cargo.toml"), &format!("{head}{rest}"));
        self.write(&format!("{folder}/src/lib.rs"), "");
        if name == "app" {
            self.write("build.rs", "fn main() {}\n");
        }
    }

    /// Writes Cargo.lock; path crates need no registry.
    fn lock(&self) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo).current_dir(self.root()).args(["generate-lockfile", "--offline"]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces `from`, which must be there, in a file.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root().join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// What `app` links here, without features.
    pub(crate) fn graph(&self) -> Graph {
        self.graph_of("x86_64-unknown-linux-gnu", &[])
    }

    pub(crate) fn graph_of(&self, triple: &str, features: &[&str]) -> Graph {
        let features: Vec<String> = features.iter().map(ToString::to_string).collect();
        Graph::resolve(self.root(), "app", &triple.parse().unwrap(), &features).unwrap()
    }
}

/// The root of this repository.
pub(crate) fn crates_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What this repository's own package links on this machine.
pub(crate) fn project() -> Graph {
    Graph::resolve(&crates_folder(), "sayna", &host(), &[]).unwrap()
}

/// The triple of this machine: its crates were downloaded when the tests were built.
pub(crate) fn host() -> Triple {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = String::from_utf8(Command::new(rustc).arg("-vV").output().unwrap().stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().parse().unwrap()
}

/// The line of a list that begins with `name`.
pub(crate) fn row<'t>(text: &'t str, name: &str) -> &'t str {
    let begin = format!("{name}: ");
    text.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no line for {name}"))
}

/// A native input, pinned for `x86_64-unknown-linux-gnu`.
pub(crate) fn native(licence: &str, sha256: &str) -> Native {
    let entry = format!(
        "\n[[native]]\nname = \"libwebrtc\"\nversion = \"124\"\nlicence = \"{licence}\"\nfor = \"livekit\"\n\
         url = \"https://example.org/124/{{name}}.zip\"\n\
         names = {{ x86_64-unknown-linux-gnu = \"linux-x64\" }}\n\
         sha256 = {{ x86_64-unknown-linux-gnu = \"{sha256}\" }}\n"
    );
    entry_of(&entry)
}

/// The same of two licences, with a file of the licences inside.
pub(crate) fn native_with_licences(more: &str) -> Native {
    entry_of(&format!(
        "\n[[native]]\nname = \"libwebrtc\"\nversion = \"124\"\nlicence = \"BSD-3-Clause AND MIT\"\nfor = \"livekit\"\n\
         licences = \"LICENSE.md\"\nenv = \"SAYNA_TEST_NATIVE\"\nurl = \"https://example.org/124.zip\"\n\
         sha256 = {{ x86_64-unknown-linux-gnu = \"\" }}\n{more}"
    ))
}

fn entry_of(text: &str) -> Native {
    let source = Source::parse("table".into(), super::table() + text).unwrap();
    source.table.native.into_iter().next().unwrap()
}
