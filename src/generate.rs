//! `sayna generate`: the completion scripts and the man page that archives and packages install.
//!
//! They describe the program as it is released: the same bytes on every system, with every set of features and in every version.
//! `packaging/sayna` holds them, and `tests/all/packaging.rs` compares.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Arguments;
use crate::manual;

/// The day on which the command line last changed, for the man page.
const CHANGED: &str = "2026-11-29";

/// The commands of a released program, which has the feature `models`.
const RELEASED: [&str; 3] = ["check", "init", "health"];

/// Writes each file below `folder`, over an older one. An error has the path of its file.
pub(crate) fn write(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    for (name, text) in files() {
        let path = folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        made.map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Returns the path below the folder and the content of each file.
fn files() -> [(&'static str, Vec<u8>); 5] {
    let completions = |shell: Shell| {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut released(), "sayna", &mut bytes);
        bytes
    };
    [
        ("completions/sayna.bash", completions(Shell::Bash)),
        ("completions/_sayna", completions(Shell::Zsh)),
        ("completions/sayna.fish", completions(Shell::Fish)),
        ("completions/_sayna.ps1", completions(Shell::PowerShell)),
        ("man/sayna.1", manual::page(&released(), CHANGED, env!("CARGO_PKG_REPOSITORY")).into_bytes()),
    ]
}

/// The command line of a released program, whatever features this build has.
fn released() -> Command {
    let all = Arguments::command();
    let commands = RELEASED.iter().filter_map(|name| all.find_subcommand(name)).map(|it| it.clone().hide(false));
    Command::new("sayna")
        .about(all.get_about().cloned().unwrap_or_default())
        .after_help(all.get_after_help().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(all.get_arguments().cloned())
        .subcommands(commands)
}
