//! Values of the table that TOML has no form of: sizes, versions of few numbers, and a pattern of tags.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// A size in bytes, written as a number and a unit: `9 MB` (decimal, 1 MB = 1 000 000 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "u64")]
pub struct Size(pub u64);

impl TryFrom<String> for Size {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a size; write a whole number and kB, MB or GB, such as \"9 MB\"");
        let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let factor: u64 = match unit.trim() {
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_not_a_number| wrong())?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl From<Size> for u64 {
    fn from(size: Size) -> Self {
        size.0
    }
}

/// A version of two or three numbers that compares by number: `2.34`, `14.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DottedVersion(pub Vec<u32>);

impl TryFrom<String> for DottedVersion {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parts: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match parts {
            Ok(numbers) if (1..=3).contains(&numbers.len()) => Ok(Self(numbers)),
            _ => Err(format!("{text:?} is not a version of one to three numbers, such as \"2.34\"")),
        }
    }
}

impl From<DottedVersion> for String {
    fn from(version: DottedVersion) -> Self {
        version.to_string()
    }
}

impl std::fmt::Display for DottedVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// A pattern of tags that are no versions, whatever they look like: a regular expression, as in `ignore_tags` of `cliff.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct IgnoredTags(Regex);

impl TryFrom<String> for IgnoredTags {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            |e: regex::Error| format!("{text:?} is no pattern of tags: {e}; write one such as '^v20[0-9]{{2}}\\.'");
        Regex::new(&text).map(Self).map_err(wrong)
    }
}

impl IgnoredTags {
    /// Whether a tag of Git, of a forge or of a registry is left out.
    pub fn has(&self, tag: &str) -> bool {
        self.0.is_match(tag)
    }
}
