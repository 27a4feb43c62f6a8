//! `generate`: the completion scripts and the man page that the program's archive holds.
//!
//! They are the same bytes on every system and in every version. `packaging/sayna-release` holds them, and
//! `release/tests/all/packaging.rs` compares.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::manual;
use crate::atomic::{self, At as _, PathError};
use crate::cli::Cli;

/// The day on which the command line last changed, for the man page.
const CHANGED: &str = "2026-11-29";

/// Writes each file below `folder`, over an older one.
pub(crate) fn write(folder: &Path) -> Result<(), PathError> {
    for (name, bytes) in files() {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).at("create", parent)?;
        atomic::write(&path, &bytes)?;
    }
    Ok(())
}

/// The script for bash. `clap_complete` gives a command one name where it finds it and another where it completes it if the program
/// has a hyphen in its name, so that no option would be completed.
fn bash(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("sayna__subcmd__release__", "sayna__release__").into_bytes()
}

/// Returns the path below the folder and the content of each file.
fn files() -> [(&'static str, Vec<u8>); 5] {
    let completions = |shell: Shell| {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut released(), "sayna-release", &mut bytes);
        bytes
    };
    [
        ("completions/sayna-release.bash", bash(&completions(Shell::Bash))),
        ("completions/_sayna-release", completions(Shell::Zsh)),
        ("completions/sayna-release.fish", completions(Shell::Fish)),
        ("completions/_sayna-release.ps1", completions(Shell::PowerShell)),
        ("man/sayna-release.1", manual::page(&released(), CHANGED, env!("CARGO_PKG_REPOSITORY")).into_bytes()),
    ]
}

/// The command line without the commands that the help hides.
fn released() -> Command {
    let all = Cli::command();
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("sayna-release")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .after_help(all.get_after_help().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(all.get_arguments().cloned())
        .subcommands(commands)
}
