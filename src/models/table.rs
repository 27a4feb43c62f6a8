//! The table of model files, `models.json`: name, source and digest of each file.

use serde::Deserialize;

/// One model file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The path below a directory of models, with `/`.
    pub name: String,
    /// The Cargo feature that needs it.
    #[serde(rename = "for")]
    pub feature: String,
    /// Whether images contain the file.
    #[serde(default)]
    pub image: bool,
    /// The URL at its publisher, of a fixed version.
    pub url: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 digest, in hexadecimal.
    pub sha256: String,
    /// The licence, as an SPDX expression.
    pub licence: String,
    /// A Python wheel that contains the same file, for machines that reach only a package index.
    pub wheel: String,
    /// The path in the wheel.
    pub path: String,
}

/// Returns every model file that any feature needs.
pub fn all() -> Vec<File> {
    // A test parses the table. Without it, each model would be reported as missing.
    serde_json::from_str(include_str!("../../models.json")).unwrap_or_default()
}

/// The features that need model files, and whether this build has them.
const FEATURES: [(&str, bool); 3] = [
    ("local", cfg!(feature = "local")),
    ("turn-detect", cfg!(feature = "turn-detect")),
    ("vad", cfg!(feature = "vad")),
];

impl File {
    /// Returns whether this build has the feature that needs the file.
    pub fn is_needed(&self) -> bool {
        FEATURES.contains(&(self.feature.as_str(), true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_table_can_be_parsed_and_has_no_duplicates() {
        let files = all();
        assert_eq!(files.len(), 8);
        let mut names: Vec<_> = files.iter().map(|file| &file.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), files.len());
        for file in files {
            assert!(FEATURES.iter().any(|(name, _)| *name == file.feature), "{}", file.name);
            assert!(url::Url::parse(&file.url).is_ok_and(|url| url.scheme() == "https"), "{}", file.url);
            assert!(file.bytes > 0 && file.sha256.len() == 64, "{}", file.name);
        }
    }
}
