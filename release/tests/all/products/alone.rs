//! The verifier where there is nothing else: no checkout, Git, Cargo, compiler, home, network or folder to write into, in a root
//! that has a C library alone. A system that is too old refuses it in words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::rehearse::text;
use crate::small_release::Release;

/// The program of this build as it would be released: without symbols.
fn verifier(folder: &Path) -> PathBuf {
    let program = folder.join("sayna-release");
    let output =
        Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_sayna-release")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    program
}

/// The libraries that a program loads here, each at the path that its loader asks for.
fn libraries(program: &Path) -> Vec<String> {
    let said = text(&Command::new("ldd").arg(program).output().unwrap().stdout);
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(str::to_owned);
    let found: Vec<String> = said.lines().filter_map(path).collect();
    assert!(
        found.iter().any(|path| path.contains("ld-linux")) && found.iter().any(|path| path.contains("libc.so")),
        "{said}"
    );
    found
}

/// What the tests' release is in a root: read-only, as everything in it.
struct Root {
    release: Release,
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Root {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = verifier(folder.path());
        let release = Release::with_product_of(&program);
        Self { release, program, folder }
    }

    /// Runs the executable of the published archive, with nothing but these parts of a root and the release.
    fn run(&self, root: &[&str], arguments: &[&str]) -> Output {
        let mut command = Command::new("bwrap");
        command.args(["--unshare-all", "--clearenv", "--die-with-parent", "--dev", "/dev"]).args(root);
        command.arg("--ro-bind").arg(self.release.folder.path()).arg("/release");
        command.arg("--ro-bind").arg(&self.program).arg("/verifier").args(["--chdir", "/release"]);
        command.args(["--setenv", "SAYNA_TRUSTED_ROOT", "/release/root.json", "/verifier"]).args(arguments);
        command.output().unwrap()
    }

    /// A root of a C library alone, with these parts beside it.
    fn minimal<'a>(libraries: &'a [String], beside: &[&'a str]) -> Vec<&'a str> {
        let bound = libraries.iter().flat_map(|path| ["--ro-bind", path.as_str(), path.as_str()]);
        bound.chain(beside.iter().copied()).collect()
    }
}

const RELEASE: [&str; 7] =
    ["verify", "--tag", "v1.2.3", "--forge", "dir:/release/forge", "--registry", "oci:/release/registry"];

#[test]
#[ignore = "needs bubblewrap and binutils"]
fn in_a_root_with_a_c_library_alone_it_verifies_a_release_and_itself() {
    let root = Root::new();
    let libraries = libraries(&root.program);
    let whole = Root::minimal(&libraries, &["--proc", "/proc", "--tmpfs", "/tmp"]);
    let says = |output: &Output| text(&output.stdout) + &text(&output.stderr);
    for (arguments, words) in [
        (&["--version"][..], concat!("sayna-release ", env!("CARGO_PKG_VERSION"))),
        (&["verify", "--help"], "--tag"),
        (&["audit", "/verifier"], "ELF"),
    ] {
        let output = root.run(&whole, arguments);
        // A build of the tests mentions the folders of this machine, so that its audit ends with 1.
        let is_audit = arguments[0] == "audit";
        assert!(
            (is_audit || output.status.success()) && says(&output).contains(words),
            "{arguments:?}: {}",
            says(&output)
        );
    }
    let row = |report: &Value, id: &str| {
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == id).unwrap();
        (row["verdict"].as_str().unwrap().to_owned(), row["evidence"].as_str().unwrap().to_owned())
    };
    // Without /proc, or a place for its name, the program cannot see itself, and all else is seen.
    for (beside, own) in [(&["--proc", "/proc", "--tmpfs", "/tmp"][..], "ok"), (&["--tmpfs", "/tmp"], "not-here")] {
        let output = root.run(&Root::minimal(&libraries, beside), &[&RELEASE[..], &["--json"]].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", says(&output)));
        // A build of the tests mentions this machine's folders and says another version than 1.2.3, which two rows find.
        let failed = report["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] == "failed");
        let failed: Vec<&str> = failed.map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(failed, ["audit", "runs"], "{report:#}");
        assert!(row(&report, "runs").1.contains("not \"sayna-release 1.2.3\""), "{report:#}");
        assert_eq!(row(&report, "program").0, own, "{report:#}");
        assert_eq!(row(&report, "attested").0, "ok", "{report:#}");
    }
    let assets = "/release/forge/published/v1.2.3/assets";
    let archive = format!("{assets}/{}", root.release.plan.targets[1].archive);
    let output = root.run(&whole, &["verify", &archive]);
    assert!(output.status.success(), "{}", says(&output));
    // Nowhere to write: words and no panic.
    let empty = tempfile::tempdir().unwrap();
    let read_only = ["--proc", "/proc", "--ro-bind", empty.path().to_str().unwrap(), "/tmp"];
    let output = root.run(&Root::minimal(&libraries, &read_only), &RELEASE);
    assert!(!output.status.success() && says(&output).contains("/tmp"), "{}", says(&output));
    assert!(!says(&output).contains("panicked"), "{}", says(&output));
    assert!(fs::read_dir(root.folder.path()).unwrap().count() == 1, "it has left nothing");
}

#[test]
#[ignore = "needs bubblewrap and binutils"]
fn a_system_with_an_older_c_library_refuses_it_by_name() {
    let root = Root::new();
    let tools = std::env::var_os("SAYNA_TOOLS")
        .map_or_else(|| std::env::home_dir().unwrap().join(".cache/sayna-tools"), PathBuf::from);
    // Debian 11, whose glibc is 2.31.
    let parts =
        ["usr", "lib", "lib64"].map(|name| (tools.join("floor").join(name).display().to_string(), format!("/{name}")));
    let old: Vec<&str> = parts.iter().flat_map(|(from, to)| ["--ro-bind", from.as_str(), to.as_str()]).collect();
    let output = root.run(&old, &["--version"]);
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.contains("GLIBC_2.3") && said.contains("not found"), "{output:?}");
}
