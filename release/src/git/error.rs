//! Errors of a checkout: it cannot be released from, or cannot be read.

use std::path::PathBuf;

use super::EPOCH;
use super::program::OLDEST;
use crate::atomic::PathError;

/// An error of this program, Git or the checkout.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Git on this machine, or it cannot be started.
    #[error("the program `git` cannot be started: {source}")]
    NoProgram {
        /// The system's error.
        source: std::io::Error,
    },
    /// Git is there, and older than what this program asks of it.
    #[error("this machine's Git is too old: {found}; required is at least {}", OLDEST.map(|n| n.to_string()).join("."))]
    TooOld {
        /// The output of `git --version`.
        found: String,
    },
    /// The folder is in no repository.
    #[error("{} is not the top of a Git checkout", root.display())]
    NotACheckout {
        /// The folder.
        root: PathBuf,
    },
    /// The folder is in a repository that begins above it.
    #[error("{} is not the top of its Git checkout, {} is", root.display(), top.display())]
    NotTheTop {
        /// The folder.
        root: PathBuf,
        /// The top folder.
        top: PathBuf,
    },
    /// A repository without a working tree.
    #[error("{} is a bare Git repository, there are no files to release", root.display())]
    Bare {
        /// The folder.
        root: PathBuf,
    },
    /// Nothing was ever committed.
    #[error("the Git repository at {} has no commit yet", root.display())]
    NoCommit {
        /// The folder.
        root: PathBuf,
    },
    /// The folder belongs to another user and Git refuses to read it.
    #[error("Git refuses to read {}: it belongs to another user", root.display())]
    Owner {
        /// The folder.
        root: PathBuf,
    },
    /// Anything else that Git could not do.
    #[error("Git cannot {what} in {}: {said}", root.display())]
    Git {
        /// The operation, as a verb.
        what: &'static str,
        /// The checkout.
        root: PathBuf,
        /// Git's message.
        said: String,
    },
    /// Git answered in a form that this program does not know.
    #[error("Git was asked to {what} in {} and answered {answer:?}, which is not understood", root.display())]
    Answer {
        /// The operation, as a verb.
        what: &'static str,
        /// The checkout.
        root: PathBuf,
        /// The beginning of the answer.
        answer: String,
    },
    /// More output than this program keeps in memory.
    #[error("Git was asked to {what} in {}: the answer is longer than {} MB", root.display(), limit / 1_000_000)]
    TooLong {
        /// The operation, as a verb.
        what: &'static str,
        /// The checkout.
        root: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A file of the working tree.
    #[error(transparent)]
    File(#[from] PathError),
    /// No commit whose time could be taken, and no variable that says another.
    #[error("{} is not the top of a Git checkout and {EPOCH} is not set, so the time to write is unknown", root.display())]
    NoTime {
        /// The folder.
        root: PathBuf,
    },
    /// The variable's value is no time.
    #[error("{EPOCH} is {value:?}, which is not a whole number of seconds since 1970")]
    Epoch {
        /// The value of the variable.
        value: String,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProgram { .. } => Some("install Git, and put the folder of its program into PATH".to_owned()),
            Self::TooOld { .. } => Some("install a newer Git, or put one first in PATH".to_owned()),
            Self::NotACheckout { .. } => {
                Some("run this in the top folder of a clone, or make one with `git init`".to_owned())
            }
            Self::NotTheTop { top, .. } => {
                Some(format!("run it in {}, where the table belongs as well", top.display()))
            }
            Self::Bare { .. } => Some("clone it, and run this in the clone".to_owned()),
            Self::NoCommit { .. } => Some("commit something first: `git add . && git commit`".to_owned()),
            Self::Owner { root, .. } => Some(format!(
                "if you trust what is in it: `git config --global --add safe.directory {}`",
                root.display()
            )),
            Self::Git { root, .. } | Self::Answer { root, .. } => {
                Some(format!("see what `git -C {} status` says", root.display()))
            }
            Self::TooLong { .. } => Some(
                "add folders that are not the project's to .gitignore; notes of a long history need a tag to begin at"
                    .to_owned(),
            ),
            Self::NoTime { .. } => {
                Some(format!("set {EPOCH} to `git log -1 --format=%ct` of the commit that this tree comes from"))
            }
            Self::Epoch { .. } => Some(format!("unset {EPOCH}, or set it to `git log -1 --format=%ct`")),
            Self::File(_) => None,
        }
    }
}
