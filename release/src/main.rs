//! `sayna-release`: see [`sayna_release`] for the stages. This file reads arguments, prints, and exits.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use sayna_release::cli::Cli;
use sayna_release::commands;
use sayna_release::failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (text, status) = match commands::run(&cli) {
        Ok(output) => (output.text, output.status),
        Err(failure) => {
            complain(&failure, cli.json);
            (String::new(), failure.status)
        }
    };
    match anstream::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(status),
        // Whoever reads has seen enough, as `head` has.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(status),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Says what was wrong on standard error; with `--json` also as a document on standard output.
fn complain(failure: &Failure, json: bool) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let hint = failure.hint.as_ref().map(|h| format!("\n  next: {h}")).unwrap_or_default();
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(anstream::stderr(), "{style}error{style:#}: {}{hint}", failure.text);
    if json {
        let document = serde_json::json!({"error": failure.text, "hint": failure.hint, "status": failure.status});
        let _closed = writeln!(std::io::stdout(), "{document:#}");
    }
}
