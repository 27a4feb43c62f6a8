//! Which file of a planned release other people's installers take for a system. Each must take the server's archive of that
//! system, whatever else is attached to the release.
//!
//! Reads `sayna-release plan --format json` from the standard input. The first argument is the root of the repository, whose
//! packages say where `cargo binstall` finds them. Prints one line per installer and system, and ends with 1 where one is wrong.

mod binstall;
mod plan;
mod ubi;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use plan::Plan;

/// One question and its answer.
struct Pick {
    /// The installer, and what it was asked for.
    asked: String,
    /// The file that it takes, or why it takes none.
    taken: Result<String, String>,
    /// The file that it has to take; `None` where the release has none that would run there.
    wanted: Option<String>,
}

impl Pick {
    fn is_right(&self) -> bool {
        self.taken.as_ref().ok() == self.wanted.as_ref()
    }
}

fn run() -> Result<bool, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| e.to_string())?;
    let plan: Plan = serde_json::from_str(&text).map_err(|e| format!("not a plan: {e}"))?;
    let root = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let names = plan.names();
    let mut picks = ubi::picks(&plan, &names)?;
    picks.extend(binstall::by_default(&plan, &names)?);
    picks.extend(binstall::by_package(&plan, &root)?);
    if picks.is_empty() {
        return Err("the plan has no targets".to_owned());
    }
    for pick in &picks {
        let mark = if pick.is_right() { "ok   " } else { "WRONG" };
        let taken = pick
            .taken
            .clone()
            .unwrap_or_else(|reason| format!("nothing ({})", reason.chars().take(60).collect::<String>()));
        println!("{mark}  {:44}  {taken}", pick.asked);
    }
    println!("{} files, {} questions", names.len(), picks.len());
    Ok(picks.iter().all(Pick::is_right))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("pickers: {reason}");
            ExitCode::FAILURE
        }
    }
}
