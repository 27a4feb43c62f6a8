//! Errors of a build with Nix.

use std::path::PathBuf;

use super::explain::Diagnosis;
use crate::atomic::PathError;
use crate::triple::Triple;

/// Errors of a build with Nix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing for it to build.
    #[error("{} has no flake.nix, so there is nothing for Nix to build", root.display())]
    NoFlake {
        /// The checkout.
        root: PathBuf,
    },
    /// Not installed.
    #[error("there is no `nix` in PATH")]
    NoNix,
    /// A program that did not start.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Nix does not say which systems it builds for.
    #[error("`nix config show --json` failed: {said}")]
    Config {
        /// What was wrong.
        said: String,
    },
    /// A target of the other builder.
    #[error("{triple} is built by cargo, as sayna-release.toml says, and not by nix")]
    NotByNix {
        /// The target.
        triple: Triple,
    },
    /// A target without a place in the flake.
    #[error("{triple} has no `system` in sayna-release.toml, so no output of the flake is its")]
    NoSystem {
        /// The target.
        triple: Triple,
    },
    /// Nix failed.
    #[error("`{call}` failed: {because}")]
    Failed {
        /// The call, as a person would repeat it.
        call: String,
        /// The file.
        because: Diagnosis,
    },
    /// Nix succeeded and names no output.
    #[error("`{call}` names no output `out`: {found}")]
    NoOutput {
        /// The call.
        call: String,
        /// The output.
        found: String,
    },
    /// Other files than planned.
    #[error("{} holds {}, planned is {}", path.display(), listed(found), listed(planned))]
    Files {
        /// The output.
        path: PathBuf,
        /// Its files.
        found: Vec<String>,
        /// Those of the plan.
        planned: Vec<String>,
    },
    /// A checksum that is not the archive's.
    #[error("{}: says {found:?}, the archive beside it has {planned:?}", path.display())]
    Checksum {
        /// The checksum file.
        path: PathBuf,
        /// Its line.
        found: String,
        /// The line that belongs there.
        planned: String,
    },
    /// An archive that was made from another plan.
    #[error("{}: it {difference}", path.display())]
    Contents {
        /// The archive.
        path: PathBuf,
        /// The entries in which it and the plan differ, in words.
        difference: String,
    },
    /// The image could not be copied.
    #[error("{} failed: {said}", program.display())]
    Copy {
        /// `…/bin/copy-to`
        program: PathBuf,
        /// The end of what it said.
        said: String,
    },
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFlake { .. } => {
                "use `--builder cargo`, or auto, which takes Nix as soon as there is a flake".to_owned()
            }
            Self::NoNix => "get it from https://nixos.org/download, or use `--builder cargo`".to_owned(),
            Self::Start { program, .. } => format!("look at {program}, or use `--builder cargo`"),
            Self::Config { .. } => "Nix 2.20 or newer has that command; or use `--builder cargo`".to_owned(),
            Self::NotByNix { .. } => "use `--builder cargo`, or auto".to_owned(),
            Self::NoSystem { .. } => "`sayna-release plan` says what to write".to_owned(),
            Self::Failed { because, .. } => return because.hint(),
            Self::NoOutput { .. } | Self::Files { .. } | Self::Checksum { .. } => {
                "fix nix/archive.nix: it calls `sayna-release package`, whose output is right".to_owned()
            }
            Self::Contents { .. } => {
                "Nix takes the commit's time: unset SOURCE_DATE_EPOCH, and commit what changed".to_owned()
            }
            Self::Copy { .. } | Self::File(_) => return None,
        })
    }
}
