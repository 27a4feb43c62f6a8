//! The reason why there is no part.

use super::{FetchError, ModelError};
use crate::atomic::PathError;
use crate::audit::{self, Finding};
use crate::cargo::{OUTSIDE, Setting, listed};
use crate::digest::Digest;
use crate::triple::Triple;
use crate::{embedded, graph, image, licences, package, part, sbom};

/// The reason why there is no part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that is not there or broke off.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// `rustc -vV` says something unknown.
    #[error("rustc -vV gives no release, host and commit-hash: {said}")]
    Rustc {
        /// The message of the server.
        said: String,
    },
    /// Neither `CARGO_HOME` nor a home folder.
    #[error("cannot tell where Cargo's home is: neither CARGO_HOME nor HOME is set")]
    NoHome,
    /// A native input cannot be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A model is not the table's.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Cargo's configuration outside of the tree changes what is built.
    #[error("Cargo reads what is not in this tree and changes what it builds: {}", listed(settings))]
    Outside {
        /// Each key, with its file.
        settings: Vec<Setting>,
    },
    /// The build failed.
    #[error("cargo build for {triple} failed:\n{said}")]
    Cargo {
        /// The target.
        triple: Triple,
        /// The end of what Cargo said.
        said: String,
    },
    /// Another machine's work.
    #[error("{what} is not built on this machine: {reason}")]
    NotHere {
        /// A triple or platform.
        what: String,
        /// The reason.
        reason: String,
    },
    /// The table has no such target.
    #[error("{what} is not in sayna-release.toml; it has {}", known.join(", "))]
    Unknown {
        /// The thing that was requested.
        what: String,
        /// The targets of the table.
        known: Vec<String>,
    },
    /// This machine's triple is not in the table.
    #[error("this machine is {host}, and the table has no target that it can build: {}", reasons.join("; "))]
    NothingHere {
        /// The host's triple.
        host: String,
        /// The reasons, per target.
        reasons: Vec<String>,
    },
    /// The executable would not run where it must.
    #[error("the audit of {what} found:\n{}", findings.iter().map(|f| format!("  {f}")).collect::<Vec<_>>().join("\n"))]
    Findings {
        /// A triple or platform.
        what: String,
        /// The target or platform.
        findings: Vec<Finding>,
    },
    /// An image that starts another program than the archive has.
    #[error("{platform}: {path} in the image is {found}, the archive's executable is {archive}")]
    OtherExecutable {
        /// `linux/amd64`
        platform: String,
        /// Its path in the image.
        path: String,
        /// Of the executable in the image.
        found: Digest,
        /// Of the executable in the archive.
        archive: Digest,
    },
    /// Larger than the table allows.
    #[error("{what} has {found} bytes, its budget in sayna-release.toml is {budget}")]
    Budget {
        /// A file or image.
        what: String,
        /// Its size.
        found: u64,
        /// The allowed size.
        budget: u64,
    },
    /// The executable cannot be read.
    #[error(transparent)]
    Audit(#[from] audit::Error),
    /// The dependency graph.
    #[error(transparent)]
    Graph(#[from] graph::Error),
    /// The list of crates inside the executable.
    #[error(transparent)]
    Embedded(#[from] embedded::Fault),
    /// A licence.
    #[error(transparent)]
    Licences(#[from] licences::Error),
    /// The archive.
    #[error(transparent)]
    Package(#[from] package::Error),
    /// The SBOM.
    #[error(transparent)]
    Sbom(#[from] sbom::Error),
    /// Nix.
    #[error(transparent)]
    Nix(#[from] super::NixError),
    /// The image.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// An earlier part.
    #[error(transparent)]
    Part(#[from] part::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
}

impl Error {
    /// Whether something was asked for that cannot be.
    pub const fn is_usage(&self) -> bool {
        use super::NixError as Nix;
        matches!(
            self,
            Self::Unknown { .. }
                | Self::NothingHere { .. }
                | Self::Outside { .. }
                | Self::Nix(Nix::NoFlake { .. } | Nix::NoNix | Nix::NotByNix { .. })
        )
    }

    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Start { program, .. } => Some(format!("install {program} or put it into PATH")),
            Self::NotHere { .. } => Some("build it on its own runner: \
                docs/release/when-it-fails.md#not-built-here".to_owned()),
            Self::NothingHere { .. } => Some("docs/release/how-to/target.md says how to add one".to_owned()),
            Self::Outside { .. } => Some(OUTSIDE.to_owned()),
            Self::Cargo { .. } => Some("the last lines above are Cargo's own".to_owned()),
            Self::Budget { .. } => Some("find out what grew, or raise the budget in the same commit: \
                docs/release/when-it-fails.md#over-budget".to_owned()),
            Self::OtherExecutable { .. } => Some(
                "build both from one commit by one builder: remove both folders below dist and run `build`, then `image`"
                    .to_owned(),
            ),
            Self::Fetch(e) => e.hint(),
            Self::Model(_) => {
                Some("`sayna init` of a build with the features puts them into SAYNA_MODELS_PATH".to_owned())
            }
            Self::Audit(e) => e.hint(),
            Self::Graph(e) => e.hint(),
            Self::Embedded(e) => e.hint(),
            Self::Licences(e) => e.hint(),
            Self::Package(e) => e.hint(),
            Self::Sbom(e) => e.hint(),
            Self::Nix(e) => e.hint(),
            Self::Image(e) => e.hint(),
            _ => None,
        }
    }
}
