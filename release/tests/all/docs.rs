//! Every command that README.md and docs/ show: it runs, or its arguments parse, or the gate has it as a step.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use sayna_release::cli::Cli;

use crate::small_release::Release;
use crate::support::project_file;

mod keys;
mod pages;
mod pictures;

pub(crate) use self::pages::Page;
use self::pages::pages;

/// The command lines in fenced blocks of shell, without comments and prompts.
pub(crate) fn commands(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (language, text) in Page::read(document).fences {
        match language.as_str() {
            "sh" => {
                let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
                found.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
            }
            // What follows a prompt; the rest is what the program prints.
            "console" => found.extend(text.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned)),
            _ => {}
        }
    }
    assert!(!found.is_empty(), "{document} shows no command");
    found
}

/// What follows the program's name where a line calls this program.
fn own(line: &str) -> Option<&str> {
    line.strip_prefix("cargo run -p sayna-release -- ").or_else(|| line.strip_prefix("sayna-release "))
}

fn parses(line: &str, arguments: &str) {
    // `<triple>` and the like stand for something of the reader's.
    let arguments = arguments.replace("<triple>", "x86_64-unknown-linux-gnu").replace(['<', '>'], "");
    let words = std::iter::once("sayna-release").chain(arguments.split_whitespace());
    if let Err(e) = Cli::try_parse_from(words) {
        panic!("{line}: {e}");
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn every_command_of_the_readme_is_run() {
    let (gate, full) = (project_file(".ci/run"), project_file(".ci/full"));
    let step = |line: &str| gate.lines().any(|l| l == format!("step {line}")) || full.lines().any(|l| l == line);
    let release = Release::published();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    for line in commands("README.md") {
        if line.contains("--features local") || line.contains("examples/answer.py") || line.starts_with("pip install ")
        {
            // tests/all/local_engines.rs runs these: they need models and the SDK.
            assert!(project_file("tests/all/local_engines.rs").contains("README.md"));
        } else if line.starts_with("cargo ") {
            assert!(step(&line) || line == "cargo build --release", "{line} is no step of .ci/run or .ci/full");
        } else if line == "sayna" || line.starts_with("sayna ") {
            // tests/all/readme.rs runs these: the server's program belongs to the other package.
            assert!(project_file("tests/all/readme.rs").contains("README.md"));
        } else {
            shell(&assets, &line);
        }
    }
    let table = project_file("README.md");
    for line in ["cargo run -p sayna-release -- rehearse", "cargo test --workspace"] {
        assert!(step(line) && table.contains(&format!("`{line}`")), "{line}");
    }
}

#[test]
fn the_readme_calls_systems_as_page_and_notes_do() {
    let mut count = 0;
    for target in sayna_release::table::Source::built_in().unwrap().table.targets {
        let (system, triple) =
            (sayna_release::notes::system(target.triple.get_ref()), target.triple.get_ref().as_str());
        let row = format!("| {system} | `sayna-<version>-{triple}.");
        assert!(project_file("README.md").contains(&row), "{row}");
        count += 1;
    }
    assert_eq!(count, 6);
}

fn shell(folder: &Path, line: &str) {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !out.contains("FAILED"), "{line}\n{out}\n{err}");
}

/// Below another root, from a folder with the files of the archive.
#[test]
#[cfg(target_os = "linux")]
fn every_install_command_of_the_pages_runs() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (page, expected) in [("README.md", 7), ("docs/use/deploy/systemd.md", 4)] {
        let world = tempfile::tempdir().unwrap();
        let (archive, root) = (world.path().join("archive"), world.path().join("root"));
        fs::create_dir(&archive).unwrap();
        fs::create_dir(&root).unwrap();
        fs::write(archive.join("sayna"), "program").unwrap();
        fs::copy(project.join("config.example.yaml"), archive.join("config.example.yaml")).unwrap();
        shell(&archive, &format!("cp -R '{}/.' .", project.join("packaging/sayna").display()));
        let fences = Page::read(page).fences;
        let lines: Vec<&str> =
            fences.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with("install ")).collect();
        assert_eq!(lines.len(), expected, "{page}");
        for line in lines {
            let below = |line: &str, top: &str| line.replace(&format!(" {top}"), &format!(" {}{top}", root.display()));
            shell(&archive, &below(&below(line, "/usr/"), "/etc/"));
        }
    }
}

#[test]
fn every_call_of_this_program_in_the_docs_parses() {
    let mut count = 0;
    for name in pages() {
        if !Page::read(&name).fences.iter().any(|(language, _)| language == "sh") {
            continue;
        }
        for line in commands(&name) {
            if let Some(arguments) = own(&line) {
                parses(&line, arguments);
                count += 1;
            }
        }
    }
    assert!(count > 12, "only {count} calls were found");
}

#[test]
#[ignore = "needs jq"]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_plain_commands_of_the_verifying_page_accept_a_release_and_refuse_a_changed_one() {
    let release = Release::with_product();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    let plain: Vec<String> = commands("docs/verify/verifying.md")
        .into_iter()
        .filter(|l| l.starts_with("sha256sum") || (l.starts_with("jq") && l.contains("sha256sum")))
        .collect();
    assert_eq!(plain.len(), 5);
    for line in &plain {
        shell(&assets, line);
    }
    let archive = assets.join(&release.plan.targets[0].archive);
    fs::write(&archive, "changed").unwrap();
    for line in [&plain[1], &plain[3], &plain[4]] {
        let status = Command::new("sh").args(["-c", line]).current_dir(&assets).status().unwrap();
        assert!(!status.success(), "{line}");
    }
}

#[test]
fn every_failure_on_the_page_has_the_test_that_it_names() {
    let page = project_file("docs/contribute/past-failures.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what went wrong |"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut count = 0;
    for row in rows {
        count += 1;
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named: {row}");
        for test in named {
            let (module, function) = test.rsplit_once("::").unwrap_or_else(|| panic!("{test}: in which module?"));
            let path = module.trim_end_matches("::tests").replace("::", "/");
            // Of the release, of the server from outside, or beside the server's code.
            let places = ["release/tests/all", "tests/all", "src"];
            // A module may stand inside of its file.
            let outer = path.rsplit_once('/').map_or(path.as_str(), |(outer, _)| outer);
            let modules = [path.as_str(), outer].map(|path| ["", "/mod"].map(|end| format!("{path}{end}.rs")));
            let modules = modules.as_flattened();
            let files = places.iter().flat_map(|place| modules.iter().map(move |module| format!("{place}/{module}")));
            let mut sources = files.filter(|file| root.join(file).exists()).map(|file| project_file(&file));
            assert!(sources.any(|source| source.contains(&format!("fn {function}()"))), "{test} is not there");
        }
    }
    assert!(count >= 24, "{count} rows");
}

#[test]
fn every_filter_of_tests_in_the_pages_selects_some() {
    let root = pages::root();
    let mut count = 0;
    for page in pages() {
        let fences = Page::read(&page).fences;
        let lines = fences.iter().filter(|(language, _)| language == "sh").flat_map(|(_, text)| text.lines());
        for line in lines.filter(|line| line.contains("cargo test ")) {
            let arguments = line.split(" #").next().unwrap();
            let folder = if arguments.contains("-p sayna-release") { "release/tests/all" } else { "tests/all" };
            let folder = if arguments.contains("--lib") { "src" } else { folder };
            for filter in arguments.split(" -- ").nth(1).unwrap_or_default().split_whitespace() {
                if !filter.starts_with("--") {
                    let module = root.join(folder).join(filter.trim_end_matches("::").replace("::", "/"));
                    assert!(module.is_dir() || module.with_extension("rs").exists(), "{page}: {line}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 4, "only {count} filters were found");
}
