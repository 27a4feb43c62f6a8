//! `sayna-release`: see [`sayna_release`] for the stages. This file reads arguments, prints, and exits.

mod section;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use sayna_release::cli::Cli;
use sayna_release::cli::commands;
use sayna_release::cli::failure::Failure;
use sayna_release::cli::report;
use sayna_release::shown::{json, painted};

fn main() -> ExitCode {
    section::keep();
    let cli = Cli::parse();
    let (text, status) = match commands::run(&cli) {
        Ok(output) => (output.text, output.status),
        Err(failure) => {
            complain(&failure, cli.json);
            // What was done before the failure is what the run came to.
            let done = failure.done.as_ref().filter(|_| !cli.json);
            (done.map(|done| report::published(done, false)).unwrap_or_default(), failure.status)
        }
    };
    match anstream::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(status),
        // The reader of the pipe has closed it, as `head` does.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(status),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Says what was wrong on standard error; with `--json` also as a document on standard output.
fn complain(failure: &Failure, as_json: bool) {
    let style = sayna_release::shown::palette::BAD;
    let hint = failure.hint.as_ref().map(|h| format!("\n  next: {h}")).unwrap_or_default();
    // A closed standard error leaves no reader for this.
    let text = failure.shown.clone().unwrap_or_else(|| format!("{style}error{style:#}: {}", failure.text));
    let _closed = writeln!(anstream::stderr(), "{}{}", painted(&text), painted(&hint));
    if as_json {
        let mut document = serde_json::json!({"error": failure.text, "hint": failure.hint, "status": failure.status});
        if let (Some(done), Some(fields)) = (&failure.done, document.as_object_mut()) {
            fields.insert("tracks".to_owned(), serde_json::json!(done.tracks));
        }
        let _closed = writeln!(std::io::stdout(), "{}", json(&format!("{document:#}")));
    }
}
