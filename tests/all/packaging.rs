//! The files of `packaging/`, which archives and packages install: they are those of the programs, and shells, man and systemd take
//! them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{World, generated};

const PROGRAMS: [&str; 2] = ["sayna", "sayna-release"];

fn folder(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(program)
}

fn completions(program: &str) -> String {
    folder(program).join("completions").to_str().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the paths of the files below a folder, relative to it.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                found.insert(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

/// Runs a program that must succeed, and returns what it writes.
fn success(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; `.ci/setup` installs it"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}");
    text
}

/// With every set of features, as the gate runs this test with several.
#[test]
fn committed_completions_and_man_page_are_those_of_the_program() {
    let world = World::new();
    let ended = world.run(&["generate", "new"]);
    assert_eq!((ended.status, &*ended.stdout, &*ended.stderr), (Some(0), "", ""));
    let mut files = below(&world.path("new"));
    assert_eq!(files.len(), 5, "{files:?}");
    for file in &files {
        generated::file(&format!("packaging/sayna/{}", file.display()), &read(&world.path("new").join(file)));
    }
    files.insert("systemd/sayna.service".into());
    assert_eq!(below(&folder("sayna")), files);
}

#[test]
fn packaged_files_change_with_the_command_line_alone() {
    for program in PROGRAMS {
        for file in below(&folder(program)) {
            let text = read(&folder(program).join(&file));
            for absent in [env!("CARGO_PKG_VERSION"), "generate", "openapi", "\r", env!("CARGO_MANIFEST_DIR")] {
                assert!(!text.contains(absent), "{}: {absent:?}", file.display());
            }
        }
    }
}

#[test]
fn generate_names_the_file_that_it_cannot_write() {
    let ended = World::new().with_file("file", "").run(&["generate", "file"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.starts_with("error: file"), "{}", ended.stderr);
    assert!(ended.stderr.contains("sayna.bash cannot be written: "), "{}", ended.stderr);
}

#[cfg(not(feature = "models"))]
#[test]
fn init_without_model_files_is_refused_with_its_feature() {
    let ended = World::new().run(&["init"]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("Cargo feature `models`"), "{}", ended.stderr);
    assert!(!World::new().run(&["--help"]).stdout.contains("init"));
}

#[test]
#[ignore = "needs mandoc and man-db"]
fn man_pages_have_no_findings() {
    for program in PROGRAMS {
        let page = folder(program).join(format!("man/{program}.1"));
        assert_eq!(success(Command::new("mandoc").args(["-T", "lint"]).arg(&page)), "");
        let mut man = Command::new("man");
        man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").args(["--warnings", "-E", "UTF-8", "-l"]).arg(&page);
        let shown = man.output().expect("man: `.ci/setup` installs it");
        let [text, warnings] = [&shown.stdout, &shown.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(shown.status.success() && warnings.is_empty(), "{warnings}");
        assert!(text.contains("COMMANDS"), "{text}");
    }
}

#[test]
#[ignore = "needs zsh and fish"]
fn shells_accept_the_completion_scripts() {
    for program in PROGRAMS {
        let file = |name: String| folder(program).join("completions").join(name);
        for (shell, name) in
            [("bash", format!("{program}.bash")), ("zsh", format!("_{program}")), ("fish", format!("{program}.fish"))]
        {
            assert_eq!(success(Command::new(shell).arg("-n").arg(file(name))), "", "{shell}");
        }
    }
}

#[test]
#[ignore = "needs zsh and fish"]
fn tab_completes_a_command_and_an_option() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/packaging/complete.py");
    for (program, beginning, whole) in [
        ("sayna", "ch", "check"),
        ("sayna", "check --val", "check --values-only"),
        ("sayna-release", "ver", "verify"),
        ("sayna-release", "rehearse --tw", "rehearse --twice"),
    ] {
        let folder = completions(program);
        for shell in ["bash", "zsh"] {
            success(Command::new("python3").args([script, shell, &folder, program, beginning, whole]));
        }
        let asked = format!("source {folder}/{program}.fish; complete --do-complete '{program} {beginning}'");
        let offered = success(Command::new("fish").args(["--no-config", "-c", &asked]));
        let last = whole.rsplit(' ').next().unwrap();
        assert!(offered.split_whitespace().next() == Some(last), "{offered}");
    }
}

/// There is no PowerShell for Debian, so a grammar of another project reads its script.
#[test]
#[ignore = "needs tree-sitter-powershell from PyPI"]
fn powershell_grammar_accepts_the_completion_scripts() {
    let python = std::env::var("SAYNA_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/packaging/powershell.py");
    for program in PROGRAMS {
        let file = format!("{}/_{program}.ps1", completions(program));
        success(Command::new(&python).args([script, &file]));
        let text = read(Path::new(&file));
        let world = World::new().with_file("cut.ps1", &text[..text.len() - 3]);
        let refused = Command::new(&python).arg(script).arg(world.path("cut.ps1")).output().unwrap();
        assert!(!refused.status.success(), "the check finds nothing");
    }
}

fn unit() -> PathBuf {
    folder("sayna").join("systemd/sayna.service")
}

#[test]
fn page_about_systemd_shows_the_unit() {
    generated::section("docs/use/deploy/systemd.md", "unit", &format!("```ini\n{}```\n", read(&unit())));
}

/// `systemd-analyze` exits with 0 for any unit, and prints its findings to standard error.
#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_accepts_the_unit_and_finds_it_little_exposed() {
    let text = read(&unit()).replace("ExecStart=sayna", concat!("ExecStart=", env!("CARGO_BIN_EXE_sayna")));
    let page = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/use/deploy/systemd.md")));
    let drop_in = page.split("<!-- low port -->\n```ini\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let world = World::new().with_file("sayna.service", text);
    std::fs::create_dir(world.path("sayna.service.d")).unwrap();
    for drop_in in ["", drop_in] {
        std::fs::write(world.path("sayna.service.d/low.conf"), drop_in).unwrap();
        let file = world.path("sayna.service");
        assert_eq!(success(Command::new("systemd-analyze").arg("verify").arg(&file)), "");
        // In tenths: 10 is the worst unit, and "OK" ends at 4.9.
        success(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=15"]).arg(&file));
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs root, systemd-container"]
fn unit_starts_with_a_configuration_and_stays_off_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut boot = Command::new("unshare");
    boot.args(["--mount", "sh", "-c", include_str!("packaging/boot.sh"), "boot.sh"]);
    let said = success(boot.arg(folder.path()).arg(unit()).arg(env!("CARGO_BIN_EXE_sayna")));
    let line =
        |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {said}"));
    for (name, words) in [
        ("without:", ["ActiveState=inactive", "ConditionResult=no"]),
        // The port of the secrets, which take precedence.
        ("with:", ["ActiveState=active", "NRestarts=0"]),
        ("stopped:", ["Result=success", "ExecMainStatus=0"]),
    ] {
        assert!(words.iter().all(|word| line(name).contains(word)), "{said}");
    }
    let words: Vec<String> = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for wanted in ["NoNewPrivs: 1", "Seccomp: 2", "CapEff: 0000000000000000"] {
        assert!(words.iter().any(|line| line == wanted), "{wanted}: {said}");
    }
    assert!(!words.iter().any(|line| line.starts_with("Uid: 0")), "{said}");
}
