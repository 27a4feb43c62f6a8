//! File names that come from outside, tags and names of assets. A file name is parsed once, where it enters the program,
//! so that joining it to a folder stays in that folder.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::shown::is_unsafe;

mod asset;

pub use asset::{
    ATTESTATIONS, AssetNames, BUNDLES, CHECKSUM, MANIFEST, NotATag, SBOM, SUMS, THIRD_PARTY, Tag, checksum, part,
    part_folder, platform, platform_folder, short,
};

/// The name of one file: a single path component that every system stores under this name and in this folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// Text that is no such name.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is not a portable file name: {reason}")]
pub struct NotAFileName {
    name: String,
    reason: &'static str,
}

/// Room for an ending and for a temporary name below the 255 bytes that file systems take.
const LONGEST: usize = 200;
/// Devices of Windows, in every folder and with any ending ("Naming Files, Paths, and Namespaces"). The raised digits count too.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
const NUMBERED: [&str; 2] = ["COM", "LPT"];

fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > LONGEST {
        Some("it has more than 200 bytes")
    } else if name.contains(['/', '\\', ':']) {
        Some("it has a separator of paths (/ \\ :)")
    } else if name.chars().any(is_unsafe) {
        Some("it has a control character, or one that changes the direction of text")
    } else if name.contains(['*', '?', '"', '<', '>', '|']) {
        Some("Windows does not allow * ? \" < > | in names")
    } else if name.starts_with(['.', '-', ' ']) {
        Some("it begins with a dot, a dash or a space")
    } else if name.ends_with(['.', ' ']) {
        Some("Windows removes a dot or a space at the end of a name")
    } else if is_device(name) {
        Some("it is the name of a device on Windows")
    } else {
        None
    }
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_uppercase();
    let numbered = |device: &&str| {
        let mut rest = stem.strip_prefix(*device).unwrap_or_default().chars();
        matches!((rest.next(), rest.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED.iter().any(numbered)
}

impl FileName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = NotAFileName;
    fn from_str(text: &str) -> Result<Self, NotAFileName> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for FileName {
    type Error = NotAFileName;
    fn try_from(name: String) -> Result<Self, NotAFileName> {
        match fault(&name) {
            Some(reason) => Err(NotAFileName { name, reason }),
            None => Ok(Self(name)),
        }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl Deref for FileName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for FileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<std::path::Path> for FileName {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

impl PartialEq<str> for FileName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for FileName {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for FileName {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The first of these names that another one differs from by case alone, or not at all: where case does not count, they are
/// one file.
pub fn clash<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_assets_are_names() {
        for name in [
            "sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz",
            "sayna-1.2.3+build.7.zip",
            "Sayna Setup (1).exe",
            "LICENSE",
            "größe.txt",
            "console.log",
            "com10",
            "aux-files.zip",
            "a..b",
        ] {
            assert_eq!(name.parse::<FileName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn file_names_that_leave_a_folder_or_differ_elsewhere_are_refused() {
        let long = "a".repeat(201);
        for name in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../x",
            "a/b",
            "a\\b",
            "..\\x",
            "C:x",
            "x:stream",
            ".git",
            "-rf",
            "a\0b",
            "a\nb",
            "\u{1b}[2J",
            "a\u{7f}",
            "a\u{85}b",
            "gnp.\u{202e}exe",
            "a\u{2066}b",
            "a.",
            "a ",
            " a",
            "a?",
            "CON",
            "con.txt",
            "nul .tar.gz",
            "COM1",
            "lpt¹.zip",
            "conin$",
            &long,
        ] {
            let refused = name.parse::<FileName>().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{name:?} is not a portable file name")), "{refused}");
        }
        assert_eq!(clash(["a", "b", "A"]), Some("A"));
        assert_eq!(clash(["a", "b"]), None);
    }
}
