//! Every command that README.md and docs/ show: it runs, or its arguments parse, or the gate has it as a step.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use sayna_release::cli::Cli;

use crate::small_release::Release;
use crate::support::project_file;

/// The command lines in fenced blocks of shell, without comments and prompts.
pub(crate) fn commands(document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = project_file(document);
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, Some("sh")) => {
                let line = line.split(" #").next().unwrap_or_default().trim();
                found.extend((!line.is_empty()).then(|| line.to_owned()));
            }
            // What follows a prompt; the rest is what the program prints.
            (None, Some("console")) => found.extend(line.strip_prefix("$ ").map(str::to_owned)),
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

/// The pages of docs/ and its folders, as paths from the root of the repository, in order.
fn pages() -> Vec<String> {
    fn collect(folder: &Path, name: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{name}/{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                collect(&entry.path(), &name, found);
            } else if entry.path().extension().is_some_and(|e| e == "md") {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs"), "docs", &mut found);
    found.sort();
    found
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
            // tests/all/local.rs runs these: they need models and the SDK.
            assert!(project_file("tests/all/local.rs").contains("README.md"));
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

fn shell(folder: &Path, line: &str) {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !out.contains("FAILED"), "{line}\n{out}\n{err}");
}

#[test]
fn every_call_of_this_program_in_the_docs_parses() {
    let mut count = 0;
    for name in pages() {
        if !project_file(&name).contains("```sh") {
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
    let release = Release::published();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    let plain: Vec<String> = commands("docs/verify/verifying.md")
        .into_iter()
        .filter(|l| l.starts_with("sha256sum") || (l.starts_with("jq") && l.contains("sha256sum")))
        .collect();
    assert_eq!(plain.len(), 3);
    for line in &plain {
        shell(&assets, line);
    }
    let archive = assets.join(&release.plan.targets[0].archive);
    fs::write(&archive, "changed").unwrap();
    for line in [&plain[0], &plain[2]] {
        let status = Command::new("sh").args(["-c", line]).current_dir(&assets).status().unwrap();
        assert!(!status.success(), "{line}");
    }
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    for page in pages().into_iter().chain(top) {
        let text = project_file(&page);
        let folder = root.join(&page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if target.starts_with("http") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let headings = if file.is_empty() { Ok(text.clone()) } else { fs::read_to_string(folder.join(file)) };
            let has = |text: String| text.lines().any(|l| l.starts_with('#') && slug(l) == anchor);
            let there = if anchor.is_empty() { folder.join(file).exists() } else { headings.is_ok_and(has) };
            assert!(there, "{page} links to {target}");
        }
    }
}

/// GitHub's name for a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
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
