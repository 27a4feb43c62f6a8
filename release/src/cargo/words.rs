//! Errors of Cargo: the error without the progress around it, and the next step that fits the cause.

use std::fmt;

/// The cause of a failure of Cargo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The error.
    pub text: String,
    /// Why, where it is one of the known causes.
    pub cause: Option<Cause>,
}

/// Causes with a next step of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The toolchain that the tree or a variable asks for.
    Toolchain,
    /// The compiler that `RUSTC` or a wrapper names.
    Compiler,
    /// A lock file of another Cargo.
    LockVersion,
    /// A file that is not a lock file.
    LockForm,
    /// A lock file that does not fit the manifests.
    LockOutdated,
    /// Crates that were not downloaded, where the network may not be asked.
    Offline,
    /// The network.
    Network,
}

/// Words of Cargo and rustup; the first line that is found decides.
const CAUSES: [(&str, Cause); 14] = [
    ("is not installed", Cause::Toolchain),
    (" -vV` (", Cause::Compiler),
    ("could not execute process", Cause::Compiler),
    ("lock file version", Cause::LockVersion),
    ("failed to parse lock file", Cause::LockForm),
    ("because --locked was passed", Cause::LockOutdated),
    ("cannot update the lock file", Cause::LockOutdated),
    ("--offline", Cause::Offline),
    ("offline mode", Cause::Offline),
    ("failed to download", Cause::Network),
    ("failed to fetch", Cause::Network),
    ("failed to query replaced source", Cause::Network),
    ("Could not resolve host", Cause::Network),
    ("failed to clone into", Cause::Network),
];

impl Cause {
    /// The next step.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Toolchain => {
                "install it with `rustup toolchain install`, or name another one in rust-toolchain.toml or RUSTUP_TOOLCHAIN"
            }
            Self::Compiler => {
                "`$RUSTC -vV` has to work: unset RUSTC and RUSTC_WRAPPER, or name a compiler that is there"
            }
            Self::LockVersion => {
                "use the Cargo that wrote Cargo.lock, or write it with this one: delete it, `cargo generate-lockfile`, and commit it"
            }
            Self::LockForm => "take Cargo.lock from its last commit, `git checkout HEAD -- Cargo.lock`",
            Self::LockOutdated => "`cargo update --workspace` brings Cargo.lock in line with the manifests; commit it",
            Self::Offline => "`cargo fetch --locked` gets every crate that Cargo.lock names; then try again",
            Self::Network => "`cargo fetch --locked` has to work: look at the network, and try again",
        }
    }
}

impl Words {
    /// Reads what Cargo printed. Before its error it says what it does, and for which lock it waits; after it, rustup may show a
    /// stack.
    pub fn read(stderr: &str) -> Self {
        let lines: Vec<&str> = stderr.lines().collect();
        let begin = lines.iter().position(|line| line.starts_with("error")).unwrap_or_default();
        let lines = lines.into_iter().skip(begin).take_while(|line| *line != "Stack backtrace:");
        let text = lines.filter(|line| !line.starts_with("help: ")).collect::<Vec<_>>().join("\n");
        let text = text.trim().trim_start_matches("error: ").to_owned();
        let cause = CAUSES.iter().find(|(words, _)| text.contains(words)).map(|(_, cause)| *cause);
        Self { text, cause }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "it printed no error" } else { &self.text })
    }
}
