//! The tree of a file against the table of keys: sets what is right, reports what is not.

use std::collections::HashMap;
use std::path::Path;

use super::fault::{Problem, path, quote};
use super::key::{KEYS, sections};
use super::yaml::{Kind, Located, Node, Word};
use super::{Loaded, Origin};

/// Sets every key that `document` holds a right value for; returns the problems.
pub(super) fn apply(document: &Node, path: &Path, loaded: &mut Loaded) -> Vec<Located> {
    let mut check = Check { path, loaded, problems: Vec::new() };
    check.section("", document);
    check.problems
}

struct Check<'a> {
    path: &'a Path,
    loaded: &'a mut Loaded,
    problems: Vec<Located>,
}

impl Check<'_> {
    /// The document (`name` is empty) or a section. Goes no deeper than the table of keys does.
    fn section(&mut self, name: &str, node: &Node) {
        let entries = match &node.kind {
            Kind::Mapping(entries) => entries,
            // `server:` with every key commented out: all of them keep their defaults.
            _ if node.is_null() => return,
            Kind::Broken => return,
            Kind::Scalar { .. } | Kind::Sequence => {
                let what = if name.is_empty() { "a configuration".to_owned() } else { format!("`{name}`") };
                self.problems.push((Some(node.at), Problem::NotAMapping { what, found: node.describe() }));
                return;
            }
        };
        let mut first_lines = HashMap::new();
        for (word, value) in entries {
            let path = path(name, &word.text);
            if let Some(first) = first_lines.insert(word.text.as_str(), word.at.line) {
                first_lines.insert(&word.text, first);
                self.problems.push((Some(word.at), Problem::Duplicate { key: quote(&path), first }));
            }
            self.entry(name, &path, word, value);
        }
    }

    fn entry(&mut self, section: &str, path: &str, word: &Word, value: &Node) {
        // A dot inside one word is not nesting, even where the whole happens to spell a path.
        let plain = !word.text.contains('.');
        if let Some(index) = KEYS.iter().position(|key| plain && key.path == path) {
            self.value(index, word, value);
        } else if plain && sections().any(|known| known == path) {
            self.section(path, value);
        } else {
            let unknown = Problem::UnknownKey { section: section.to_owned(), word: word.text.clone() };
            self.problems.push((Some(word.at), unknown));
        }
    }

    fn value(&mut self, index: usize, word: &Word, value: &Node) {
        let Some(key) = KEYS.get(index) else { return };
        let origin = Origin::File { path: self.path.to_owned(), line: word.at.line };
        let set = match &value.kind {
            Kind::Broken => return,
            Kind::Scalar { text, .. } if !value.is_null() => self.loaded.set(index, text, origin),
            _ => None,
        };
        if set.is_none() {
            let wrong = Problem::Wrong { key: key.path, expected: key.expected, found: value.describe() };
            self.problems.push((Some(value.at), wrong));
        }
    }
}
