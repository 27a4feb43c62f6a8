//! Calls of the program `nix`, in the checkout, with its own progress on a terminal.

use std::io::{IsTerminal as _, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::explain::explain;
use super::{Diagnosis, Error};
use crate::atomic::At as _;
use crate::children::Tied;

/// The limit in seconds for fetching the inputs. Without a network it takes as long as one connection may, far less.
const PATIENCE: Duration = Duration::from_secs(300);

fn nix(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("nix");
    command.current_dir(root).args(["--extra-experimental-features", "nix-command flakes"]).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn not_started(source: std::io::Error) -> Error {
    if source.kind() == std::io::ErrorKind::NotFound {
        Error::NoNix
    } else {
        Error::Start { program: "nix".to_owned(), source }
    }
}

/// Nix's settings, as JSON.
pub(super) fn config(root: &Path) -> Result<Vec<u8>, Error> {
    let output = nix(root, &["config", "show", "--json"]).output().map_err(not_started)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Config { said: explain(&String::from_utf8_lossy(&output.stderr)).to_string() })
}

#[derive(Deserialize)]
struct Built {
    outputs: Outputs,
}

#[derive(Deserialize)]
struct Outputs {
    out: PathBuf,
}

/// Builds one output of the flake and gives where it lies. The lock file is what it is: a build never changes the tree.
pub(super) fn build(root: &Path, output: &str) -> Result<PathBuf, Error> {
    let (call, said) = run(root, &["build", "--no-link", "--no-update-lock-file", "--json", output], Show::Progress)?;
    let found = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let built: Option<Vec<Built>> = serde_json::from_slice(&said.stdout).ok();
    match built.as_deref() {
        Some([Built { outputs }]) => Ok(outputs.out.clone()),
        _ => Err(Error::NoOutput { call, found }),
    }
}

/// Builds each output a second time, for nothing but Nix's comparison with the first. A difference is read from what Nix
/// says, on a terminal too.
pub(super) fn again(root: &Path, outputs: &[String]) -> Result<(), Error> {
    let base = ["build", "--no-link", "--no-update-lock-file"];
    let names = outputs.iter().map(String::as_str);
    run(root, &base.into_iter().chain(names.clone()).collect::<Vec<_>>(), Show::Progress)?;
    // One after the other: a difference is then that of the first that has one.
    for name in names {
        run(root, &[&base[..], &["--rebuild", name]].concat(), Show::Nothing)?;
    }
    Ok(())
}

/// The display of a call of Nix while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    /// Its own display, where standard error is a terminal.
    Progress,
    /// Nothing: all that it says is read.
    Nothing,
}

/// Runs to the end. What was shown on the terminal is not read as well, and need not be explained.
fn run(root: &Path, arguments: &[&str], show: Show) -> Result<(String, Output), Error> {
    let mut command = nix(root, arguments);
    let is_shown = show == Show::Progress && std::io::stderr().is_terminal();
    command.stdout(Stdio::piped()).stderr(if is_shown { Stdio::inherit() } else { Stdio::piped() });
    let output = Tied::spawn(&mut command).and_then(Tied::output).map_err(not_started)?;
    let call = format!("nix {}", arguments.join(" "));
    if output.status.success() {
        return Ok((call, output));
    }
    Err(Error::Failed { call, because: explain(&String::from_utf8_lossy(&output.stderr)) })
}

/// Returns the reason why inputs of an output of the flake cannot be fetched. `None` where they can, and for every other error.
pub(super) fn inputs_missing(root: &Path, output: &str) -> Option<String> {
    let bounds = ["connect-timeout", "5", "stalled-download-timeout", "10", "download-attempts", "1"];
    let bounds = bounds.chunks(2).flat_map(|pair| std::iter::once("--option").chain(pair.iter().copied()));
    let call = ["eval", "--raw", "--no-update-lock-file"].into_iter().chain(bounds).chain([output]);
    match bounded(nix(root, &call.collect::<Vec<_>>()), PATIENCE) {
        Ok(Some(stderr)) => match explain(&stderr) {
            Diagnosis::Fetch { said } => Some(said),
            _ => None,
        },
        Ok(None) => {
            Some(format!("they did not arrive within {} s; `nix flake archive` fetches them", PATIENCE.as_secs()))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Returns the standard error of a failed call, nothing where it succeeded; `None` where it took too long and was
/// ended. A file and no pipe: what it started in turn may hold a pipe open.
fn bounded(mut command: Command, limit: Duration) -> Result<Option<String>, Error> {
    let folder = std::env::temp_dir();
    let mut stderr = tempfile::tempfile().at("write into", &folder)?;
    command.stdout(Stdio::null()).stderr(stderr.try_clone().at("write into", &folder)?);
    let mut child = Tied::spawn(&mut command).map_err(not_started)?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(not_started)? {
            Some(_ended) => break child.end().map_err(not_started)?,
            None if begun.elapsed() < limit => std::thread::sleep(Duration::from_millis(50)),
            None => {
                // It goes with the value, as does what it has started.
                return Ok(None);
            }
        }
    };
    let mut text = Vec::new();
    if !status.success() {
        stderr.seek(SeekFrom::Start(0)).and_then(|_| stderr.read_to_end(&mut text)).at("read", &folder)?;
    }
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_call_that_does_not_end_is_ended_with_whatever_it_started() {
        let call = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(bounded(call("sleep 60 & wait"), Duration::from_millis(200)).unwrap(), None);
        assert_eq!(bounded(call("echo why >&2; exit 1"), PATIENCE).unwrap().as_deref(), Some("why\n"));
        assert_eq!(bounded(call("echo noise >&2"), PATIENCE).unwrap().as_deref(), Some(""));
    }
}
