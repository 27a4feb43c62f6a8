//! Rust target triples, parsed once at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The operating system of a triple, as far as a release has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// ELF, glibc.
    Linux,
    /// Mach-O.
    Macos,
    /// PE, MSVC.
    Windows,
}

/// A Rust target triple of one of the three systems, such as `aarch64-apple-darwin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Triple(String);

/// Text that is no triple this program can release for.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a triple of a system this program releases for; known are <arch>-unknown-linux-gnu, <arch>-apple-darwin and <arch>-pc-windows-msvc with x86_64, aarch64 or i686"
)]
pub struct UnknownTriple(String);

const SYSTEMS: [(&str, Os); 3] =
    [("-unknown-linux-gnu", Os::Linux), ("-apple-darwin", Os::Macos), ("-pc-windows-msvc", Os::Windows)];

impl Triple {
    /// The triple's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first word: `x86_64`, `aarch64`, `i686`.
    pub fn arch(&self) -> &str {
        self.0.split_once('-').map_or(self.0.as_str(), |(arch, _)| arch)
    }

    /// The operating system.
    pub fn os(&self) -> Os {
        SYSTEMS.iter().find(|(ending, _)| self.0.ends_with(ending)).map_or(Os::Linux, |(_, os)| *os)
    }

    /// The OCI platform whose image carries this triple's executable, such as `linux/amd64`; only Linux has images.
    pub fn platform(&self) -> Option<&'static str> {
        match (self.os(), self.arch()) {
            (Os::Linux, "x86_64") => Some("linux/amd64"),
            (Os::Linux, "aarch64") => Some("linux/arm64"),
            (Os::Linux, "i686") => Some("linux/386"),
            _ => None,
        }
    }

    /// The name as it stands in names of environment variables.
    pub fn variable(&self) -> String {
        self.0.to_uppercase().replace('-', "_")
    }

    /// The file name of a program's executable: with `.exe` on Windows.
    pub fn exe_name(&self, program: &str) -> String {
        if self.os() == Os::Windows { format!("{program}.exe") } else { program.to_owned() }
    }
}

impl FromStr for Triple {
    type Err = UnknownTriple;
    fn from_str(text: &str) -> Result<Self, UnknownTriple> {
        let known = SYSTEMS.iter().find_map(|(ending, _)| text.strip_suffix(ending));
        match known {
            Some("x86_64" | "aarch64" | "i686") => Ok(Self(text.to_owned())),
            _ => Err(UnknownTriple(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Triple {
    type Error = UnknownTriple;
    fn try_from(text: String) -> Result<Self, UnknownTriple> {
        text.parse()
    }
}

impl From<Triple> for String {
    fn from(triple: Triple) -> Self {
        triple.0
    }
}

impl fmt::Display for Triple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
