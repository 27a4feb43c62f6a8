//! The origin of a crate, as Cargo.lock writes it.

use std::fmt;

/// Cargo's own registry, as Cargo.lock has it, whatever protocol it is read by.
const CARGO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The origin of a crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The tree itself.
    Project,
    /// Cargo's own registry.
    Registry,
    /// Another registry.
    Other {
        /// The address of its index.
        index: String,
    },
    /// A commit of a Git repository.
    Git {
        /// The repository's address, with what the manifest asks for: `https://example.org/x?branch=main`.
        url: String,
        /// The full commit id.
        commit: String,
    },
}

impl Origin {
    /// Reads a `source` of Cargo.lock or of `cargo metadata`.
    pub(super) fn parse(source: &str) -> Option<Self> {
        if source == CARGO {
            return Some(Self::Registry);
        }
        match source.split_once('+')? {
            ("git", rest) => {
                let (url, commit) = rest.rsplit_once('#')?;
                Some(Self::Git { url: url.to_owned(), commit: commit.to_owned() })
            }
            ("registry" | "sparse", index) => Some(Self::Other { index: index.to_owned() }),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project => f.write_str("of this repository"),
            Self::Registry => f.write_str("of Cargo's registry"),
            Self::Other { index } => write!(f, "of {index}"),
            Self::Git { url, commit } => write!(f, "of {url}#{commit}"),
        }
    }
}
