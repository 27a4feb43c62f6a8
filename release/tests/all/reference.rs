//! Reference pages that are generated from the code: `SAYNA_GOLDEN=write` writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command as Program;

use clap::{Arg, Command, CommandFactory as _};
use sayna_release::cli::Cli;

use crate::fixture;
use crate::support::page;

/// A text of clap's in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;")
}

fn name(arg: &Arg) -> String {
    let value = arg.get_num_args().is_some_and(|n| n.takes_values());
    let names: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(AsRef::as_ref).collect();
    let value = if value { format!(" {}", names.join(" ")) } else { String::new() };
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    match arg.get_long() {
        Some(long) => format!("`{short}--{long}{value}`"),
        None => format!("`{}`", value.trim()),
    }
}

/// What an argument does, with its values, its default and its variable.
fn does(arg: &Arg) -> String {
    let mut text = cell(&arg.get_help().map(ToString::to_string).unwrap_or_default());
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| format!("`{}`", v.get_name())).collect();
    let is_flag = !arg.get_num_args().is_some_and(|n| n.takes_values());
    if !values.is_empty() && !is_flag {
        let _infallible = write!(text, ". Values: {}", values.join(", "));
    }
    let default: Vec<String> = arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
    if !default.is_empty() && !is_flag {
        let _infallible = write!(text, ". Default: `{}`", default.join(" "));
    }
    if let Some(variable) = arg.get_env() {
        let _infallible = write!(text, ". Variable: `{}`", variable.to_string_lossy());
    }
    text
}

fn table(text: &mut String, args: &[&Arg]) {
    text.push_str("| argument | does |\n|---|---|\n");
    for arg in args {
        let _infallible = writeln!(text, "| {} | {} |", name(arg), does(arg));
    }
    text.push('\n');
}

fn shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn command(text: &mut String, command: &Command) {
    let _infallible = write!(text, "## {}\n\n{}.\n\n", command.get_name(), command.get_about().unwrap_or_default());
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set()).filter(|arg| shown(arg)).collect();
    if !args.is_empty() {
        table(text, &args);
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = after.lines().filter_map(|line| line.strip_prefix("  ")).filter(|l| l.starts_with("sayna-release "));
    let examples: Vec<&str> = examples.collect();
    if !examples.is_empty() {
        let _infallible = write!(text, "```sh\n{}\n```\n\n", examples.join("\n"));
    }
}

#[test]
fn the_completions_and_the_man_page_are_those_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Program::new(env!("CARGO_BIN_EXE_sayna-release")).arg("generate").arg(folder.path()).output().unwrap();
    assert!(ended.status.success() && ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
    let name = "sayna-release";
    let mut files = ["bash", "fish"].map(|shell| format!("completions/{name}.{shell}")).to_vec();
    files.extend([format!("completions/_{name}"), format!("completions/_{name}.ps1"), format!("man/{name}.1")]);
    for file in &files {
        page(&format!("packaging/{name}/{file}"), &fs::read_to_string(folder.path().join(file)).unwrap());
    }
    let found = fixture::tree(folder.path()).into_iter().map(|(path, _)| path.to_str().unwrap().to_owned());
    files.sort();
    assert_eq!(found.collect::<Vec<_>>(), files);
}

/// The crates share no code, so a fix of one is a fix of both only if they stay equal.
#[test]
fn both_programs_render_their_man_pages_alike() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [server, own] =
        ["../src/manual.rs", "src/cli/manual.rs"].map(|file| fs::read_to_string(root.join(file)).unwrap());
    assert!(server == own, "src/manual.rs and release/src/cli/manual.rs differ");
}

#[test]
fn the_page_of_the_command_line_is_that_of_the_program() {
    let mut root = Cli::command();
    root.build();
    let mut text = "# Command line of sayna-release\n\n<!-- Generated from release/src/cli/args.rs: \
                    `SAYNA_GOLDEN=write cargo test -p sayna-release -- reference::`. -->\n\n\
                    In a checkout, `cargo run -p sayna-release --` or `nix run .#release --` stands for `sayna-release`.\n\n\
                    | exit status | meaning |\n|---|---|\n| 0 | success |\n| 1 | a check failed, or work remains |\n\
                    | 2 | refused, usage error, or unreadable input |\n\nEvery command takes:\n\n"
        .to_owned();
    let global: Vec<&Arg> = root.get_arguments().filter(|arg| arg.is_global_set()).filter(|arg| shown(arg)).collect();
    table(&mut text, &global);
    for sub in root.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        command(&mut text, sub);
    }
    page("docs/release/cli.md", &(text.trim_end().to_owned() + "\n"));
}
