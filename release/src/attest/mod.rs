//! Attestations: signed statements of the workflows that built a release, verified offline.
//!
//! [`bundle`] parses bundles and returns what an authentic one states. [`policy`] decides which identity may state it.
//! [`expectations`] lists the statements that a release must have, and compares a set of bundles with them. [`release`] reads what
//! GitHub itself states about an immutable release, and [`rebuild`] the statement of a job that built a release once more.

use crate::atomic::PathError;

pub mod bundle;
mod crypto;
pub mod expectations;
pub mod policy;
pub mod rebuild;
pub mod release;

pub use bundle::{Attestation, Bundle, Signer, Subject, Trust};
pub use expectations::{ExpectedStatement, Project, VerifiedStatement, check};
pub use policy::{Expected, Mismatch, Predicate, Workflow, check_policy};

/// A part's bundles, beside its `part.json`; also in `index/` and `publish/` of the same folder.
pub const FILE: &str = crate::name::ATTESTATIONS;

/// The reason why attestations prove nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Not bundles.
    #[error("{file}: not a list of attestation bundles: {reason}")]
    Form {
        /// The file.
        file: String,
        /// The problem.
        reason: String,
    },
    /// Roots that cannot be used.
    #[error("{file}: not a trusted root: {reason}")]
    Root {
        /// The file.
        file: String,
        /// The problem.
        reason: String,
    },
    /// A bundle that is not authentic.
    #[error("{file}: bundle {number} does not verify: {reason}")]
    Broken {
        /// The file.
        file: String,
        /// Which of its bundles, from 1.
        number: usize,
        /// The problem.
        reason: String,
    },
    /// Signed at a time that this machine's clock has not reached.
    #[error("{file}: bundle {number} was signed in the future, at {signed}: this machine's clock says {now}")]
    Clock {
        /// The file.
        file: String,
        /// Which of its bundles, from 1.
        number: usize,
        /// When it was signed, by the log.
        signed: String,
        /// This machine's time.
        now: String,
    },
    /// Authentic, but not what a release may have.
    #[error("{file}: bundle {number}, {what}: {mismatch}")]
    Policy {
        /// The file.
        file: String,
        /// Which of its bundles, from 1.
        number: usize,
        /// The expected statement.
        what: String,
        /// The mismatch.
        mismatch: Mismatch,
    },
    /// Authentic, and about nothing that is released.
    #[error("{file}: bundle {number} is about {subjects}, which is not planned")]
    Unplanned {
        /// The file.
        file: String,
        /// Which of its bundles, from 1.
        number: usize,
        /// Its subjects.
        subjects: String,
    },
    /// The same said twice.
    #[error("{file}: bundle {number} is a second one on {what}")]
    Twice {
        /// The file.
        file: String,
        /// Which of its bundles, from 1.
        number: usize,
        /// The statement.
        what: String,
    },
    /// Not said.
    #[error("not attested: {}", .0.join(", "))]
    Missing(Vec<String>),
}

impl Error {
    /// Whether nothing is wrong with it but that it states something else than what was looked for.
    pub(crate) fn is_of_another_kind(&self) -> bool {
        match self {
            Self::Policy { mismatch, .. } => mismatch.check == policy::Check::Predicate,
            other => matches!(other, Self::Unplanned { .. }),
        }
    }

    /// Returns the problem and the next step in one sentence, for a checklist.
    pub fn reason(&self) -> String {
        self.hint().map_or_else(|| self.to_string(), |hint| format!("{self}; {hint}"))
    }

    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(_) => return None,
            Self::Form { .. } => "take the file from the release again".to_owned(),
            Self::Root { .. } => "take the output of `gh attestation trusted-root`".to_owned(),
            Self::Broken { .. } => "take the file from the release again; where its keys are newer than this program, \
                 name a trusted root with --trusted-root: docs/release/when-it-fails.md#attestation-does-not-verify"
                .to_owned(),
            Self::Clock { .. } => {
                "set this machine's clock, and run this again: docs/release/when-it-fails.md#clock-behind".to_owned()
            }
            Self::Policy { mismatch, .. } => mismatch.hint().to_owned(),
            Self::Unplanned { .. } | Self::Twice { .. } => {
                format!("each {FILE} holds what its own job signed, and nothing else")
            }
            Self::Missing(_) => {
                format!(
                    "the workflows leave them in {FILE}, beside each part.json and in index/ and publish/: \
                        docs/release/when-it-fails.md#not-attested"
                )
            }
        })
    }
}
