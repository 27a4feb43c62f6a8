//! Runs the `git` program. Git is asked and never imitated: its filters, its forms of repositories and its rules for what
//! belongs to a tree are its own.
//!
//! A checkout may come from anywhere, so its configuration starts no program where that can be helped, and no call asks a
//! remote or waits for a person.

use std::ffi::OsStr;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::Error;
use crate::shown::on_one_line;

/// The oldest version that has all that is asked here; the youngest option is `status --no-renames`.
pub(super) const OLDEST: [u32; 2] = [2, 18];

/// The limit of one answer in bytes. The history of Linux with all its messages is about twice as long.
const LONGEST: u64 = 512_000_000;
/// The limit of Git's standard error in bytes.
const COMPLAINT: u64 = 16_384;

/// The variables of the caller that Git may see. A hook of another repository sets `GIT_DIR`, `GIT_WORK_TREE` and
/// `GIT_INDEX_FILE`, and Git would answer for that repository; others change what Git prints. What a person configured
/// through variables is as good as their file.
const KEPT: [&str; 3] = ["GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"];
const KEPT_PREFIX: &str = "GIT_CONFIG_";

/// Git, asked about one folder.
#[derive(Debug, Clone)]
pub(super) struct Git {
    root: PathBuf,
}

/// A question that is yet to be asked.
pub(super) struct Call<'a> {
    git: &'a Git,
    what: &'static str,
    command: Command,
    input: Vec<u8>,
}

/// Returns Git's output, with any exit status.
pub(super) struct Answer {
    pub(super) success: bool,
    pub(super) out: Vec<u8>,
    pub(super) said: String,
}

impl Git {
    /// The machine's Git, if it is new enough.
    pub(super) fn find(root: &Path) -> Result<Self, Error> {
        let mut command = git();
        let out = command.arg("--version").stdin(Stdio::null()).output();
        let Output { stdout, .. } = out.map_err(|source| Error::NoProgram { source })?;
        let found = String::from_utf8_lossy(&stdout).trim().to_owned();
        match version(&found) {
            Some(version) if version >= OLDEST => Ok(Self { root: root.to_owned() }),
            _ => Err(Error::TooOld { found }),
        }
    }

    /// `what` is a verb that fits into "Git cannot {what}".
    pub(super) fn call<A: AsRef<OsStr>>(&self, what: &'static str, arguments: impl IntoIterator<Item = A>) -> Call<'_> {
        let mut command = git();
        command.arg("-C").arg(&self.root).arg("--no-pager");
        command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]).args(arguments);
        Call { git: self, what, command, input: Vec::new() }
    }

    pub(super) fn error(&self, what: &'static str, said: String) -> Error {
        Error::Git { what, root: self.root.clone(), said }
    }

    /// An answer that is not understood.
    pub(super) fn strange(&self, what: &'static str, answer: &[u8]) -> Error {
        let answer = String::from_utf8_lossy(answer).chars().take(200).collect();
        Error::Answer { what, root: self.root.clone(), answer }
    }
}

impl Call<'_> {
    /// The input of Git.
    pub(super) fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = bytes;
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &Path) -> Self {
        self.command.env(name, value);
        self
    }

    /// Returns Git's output; a call that fails is an error.
    pub(super) fn output(self) -> Result<Vec<u8>, Error> {
        let (git, what) = (self.git, self.what);
        let Answer { success, out, said } = self.answer()?;
        if success { Ok(out) } else { Err(git.error(what, said)) }
    }

    /// One line of text.
    pub(super) fn line(self) -> Result<String, Error> {
        let (git, what) = (self.git, self.what);
        let out = self.output()?;
        match std::str::from_utf8(&out) {
            Ok(text) => Ok(text.trim_end().to_owned()),
            Err(_) => Err(git.strange(what, &out)),
        }
    }

    pub(super) fn answer(mut self) -> Result<Answer, Error> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(|source| Error::NoProgram { source })?;
        let answer = converse(&mut child, &self.input);
        if !matches!(&answer, Ok((out, _)) if out.len() as u64 <= LONGEST) {
            // It has ended already, or nothing that it says is wanted any more.
            drop(child.kill());
        }
        let status = child.wait();
        let broken = |e: io::Error| self.git.error(self.what, e.to_string());
        let ((out, said), status) = (answer.map_err(broken)?, status.map_err(broken)?);
        if out.len() as u64 > LONGEST {
            return Err(Error::TooLong { what: self.what, root: self.git.root.clone(), limit: LONGEST });
        }
        Ok(Answer { success: status.success(), out, said: complaint(&said) })
    }
}

/// The program, in an environment of which it sees what it should.
fn git() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GIT_") && !text.starts_with(KEPT_PREFIX) && !KEPT.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    // Messages are read, so they are in one language; replaced commits would not be those that the forge has.
    command.env("LC_ALL", "C").env("GIT_NO_REPLACE_OBJECTS", "1");
    // The index is not written, and neither a remote nor a person is asked for anything.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
    command
}

/// Writes and reads at once, as Git may stop reading until its output is taken.
fn converse(child: &mut Child, input: &[u8]) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            let Some(mut stderr) = stderr else { return Ok(said) };
            stderr.by_ref().take(COMPLAINT).read_to_end(&mut said)?;
            io::copy(&mut stderr, &mut io::sink())?;
            io::Result::Ok(said)
        });
        // A Git that has ended before it read everything says why.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let mut out = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(LONGEST + 1).read_to_end(&mut out)?;
        }
        if out.len() as u64 > LONGEST {
            return Ok((out, Vec::new()));
        }
        let said = said.join().unwrap_or_else(|_panicked| Ok(Vec::new()))?;
        Ok((out, said))
    })
}

/// Git's complaints on one line, without what a terminal would obey.
fn complaint(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines = text.lines().map(|line| line.trim_start_matches("fatal: ").trim_start_matches("error: ").trim());
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    if text.is_empty() { "it does not say why".to_owned() } else { on_one_line(&text).into_owned() }
}

/// `git version 2.39.5 (Apple Git-154)`, `git version 2.45.1.windows.1`.
fn version(said: &str) -> Option<[u32; 2]> {
    let number = said.strip_prefix("git version ")?.split([' ', '-']).next()?;
    let mut parts = number.split('.').map(str::parse);
    Some([parts.next()?.ok()?, parts.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_every_form() {
        for (said, expected) in [
            ("git version 2.39.5", Some([2, 39])),
            ("git version 2.39.5 (Apple Git-154)", Some([2, 39])),
            ("git version 2.45.1.windows.1", Some([2, 45])),
            ("git version 2.18-rc1", Some([2, 18])),
            ("git version 1.8.3.1", Some([1, 8])),
            ("hub version 2.14", None),
            ("", None),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
    }

    #[test]
    fn complaints_are_one_line_that_no_terminal_obeys() {
        assert_eq!(complaint(b"error: a\nfatal: b \x1b[2J\n\n"), "a; b \\u{1b}[2J");
        assert_eq!(complaint(b""), "it does not say why");
    }
}
