//! Every `run:` on the release's way: calls of this program that parse, or plain tools that docs/release/workflows.md
//! names.

use std::collections::{BTreeMap, BTreeSet};

use clap::{CommandFactory as _, Parser as _};
use sayna_release::cli::Cli;
use serde_norway::Value;

use super::{RELEASE, jobs, steps, workflow};
use crate::support::project_file;

const CALLS: [&str; 2] = ["nix run .#release -- ", "cargo run --locked -p sayna-release -- "];

/// What stands for a variable of the workflow: two values where it may be empty.
fn values(name: &str) -> Vec<&'static str> {
    match name {
        "GITHUB_REF_NAME" => vec!["v1.2.3"],
        "TARGET" => vec!["x86_64-unknown-linux-gnu", "i686-pc-windows-msvc"],
        "PRODUCT" => vec!["sayna", "sayna-release"],
        "PLATFORM" => vec!["linux/amd64"],
        "TRACK" => vec!["", "--only=binaries"],
        _ => panic!("a call takes ${name}, which this test does not know"),
    }
}

/// The words of a call as the shell gives them: `"$NAME"` is one word, `${NAME:+"$NAME"}` one or none.
fn words(arguments: &str, choice: usize) -> Vec<String> {
    let value = |name: &str| {
        let values = values(name);
        values[choice % values.len()]
    };
    let word = |word: &str| -> Option<String> {
        if let Some(rest) = word.strip_prefix("${") {
            let name = rest.split(':').next().unwrap();
            assert_eq!(word, format!("${{{name}:+\"${name}\"}}"));
            return Some(value(name).to_owned()).filter(|v| !v.is_empty());
        }
        if let Some(name) = word.strip_prefix("\"$").and_then(|w| w.strip_suffix('"')) {
            return Some(value(name).to_owned());
        }
        assert!(!word.contains(['$', '"', '\'', '`']), "a word of the shell that is no plain argument: {word}");
        Some(word.to_owned())
    };
    arguments.split_whitespace().filter_map(word).collect()
}

/// The command that was called, where its arguments parse.
fn parse(place: &str, arguments: &str) -> String {
    let cli = Cli::command();
    let mut called = String::new();
    for choice in 0..2 {
        let words = words(arguments, choice);
        let command = words.iter().find(|w| cli.find_subcommand(w).is_some()).cloned();
        called = command.unwrap_or_else(|| panic!("{place}: no command in {arguments}"));
        if let Err(e) = Cli::try_parse_from(std::iter::once("sayna-release".to_owned()).chain(words)) {
            panic!("{place}: {arguments}\n{e}");
        }
    }
    called
}

/// The programs that a line calls: this one, or others by their names.
fn programs(place: &str, line: &str, tools: &BTreeSet<String>) -> Option<String> {
    let (line, _output) = line.split_once(" >> ").or_else(|| line.split_once(" > ")).unwrap_or((line, ""));
    let mut called = None;
    for piece in line.split(" | ") {
        if let Some(arguments) = CALLS.iter().find_map(|c| piece.strip_prefix(c)) {
            assert!(called.is_none(), "{place}: two calls in one line: {line}");
            called = Some(parse(place, arguments));
            continue;
        }
        let tool = piece.split_whitespace().next().unwrap();
        let tool = if tool == "bash" { piece.split_whitespace().nth(1).unwrap() } else { tool };
        assert!(tools.contains(tool), "{place}: {tool} is not among the plain tools of docs/release/workflows.md");
    }
    called
}

/// The tools of the sentence in docs/release/workflows.md.
fn tools() -> BTreeSet<String> {
    let docs = project_file("docs/release/workflows.md");
    let sentence = docs.split_once("The plain tools beside it are ").expect("the sentence").1;
    let sentence = sentence.split_once(".\n").unwrap().0;
    sentence.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_run_of_a_release_is_a_call_of_this_program_that_parses_or_a_named_tool() {
    let tools = tools();
    let mut called: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in RELEASE {
        let workflow = workflow(name);
        assert_eq!(workflow["defaults"]["run"]["shell"].as_str(), Some("bash"), "without it a pipe hides a failure");
        for (id, job) in jobs(&workflow) {
            for step in steps(job) {
                let Some(run) = step["run"].as_str() else { continue };
                assert!(!run.contains("${{"), "{name}.yml, {id}: {run}");
                let place = format!("{name}.yml, {id}");
                let commands = run.lines().filter_map(|line| programs(&place, line.trim(), &tools));
                called.entry(format!("{name} {id}")).or_default().extend(commands);
                has_variables(&place, run, &workflow, job, step);
            }
        }
    }
    let of = |job: &str| called[job].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("release plan"), ["plan"; 3]);
    assert_eq!(of("release doctor"), ["doctor"]);
    assert_eq!(of("build build"), ["build", "build", "build", "image"]);
    assert_eq!(of("images index"), ["publish"]);
    assert_eq!(of("release publish"), ["publish"; 2]);
    assert_eq!(of("release verify"), ["verify"]);
    assert_eq!(of("release promote"), ["promote"]);
    assert_eq!(of("release reproduce"), ["verify"]);
    assert_eq!(of("release rebuilt"), [""; 0]);
    assert_eq!(of("build smoke"), [""; 0]);
}

/// Every variable that a script reads is one of GitHub's own or is set by the workflow, the job or the step.
fn has_variables(place: &str, run: &str, workflow: &Value, job: &Value, step: &Value) {
    for rest in run.split('$').skip(1) {
        let name: String =
            rest.trim_start_matches('{').chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
        let set = [workflow, job, step].iter().any(|level| level["env"].get(&name).is_some());
        let given = name.starts_with("GITHUB_") || name.starts_with("RUNNER_") || name.is_empty();
        assert!(set || given, "{place}: ${name} is set nowhere");
    }
}
