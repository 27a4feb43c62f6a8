//! Compares the tree of a file with the table of keys. Sets valid values and reports the others.

use std::collections::HashMap;
use std::path::Path;

use super::fault::{Problem, path, quote};
use super::key::{Key, Record, Set};
use super::table::{DEAD, KEYS, sections};
use super::yaml::{Kind, Located, Node, Word};
use super::{Config, Loaded, Origin};

/// Sets every key that has a valid value in `document`, and returns the problems.
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
    /// Checks the document (`name` is empty) or a section. Goes no deeper than the table of keys.
    fn section(&mut self, name: &str, node: &Node) {
        let entries = match &node.kind {
            Kind::Mapping(entries) => entries,
            // With every key of `server:` commented out, all keep their defaults.
            _ if node.is_null() => return,
            Kind::Broken => return,
            Kind::Scalar { .. } | Kind::Sequence(_) => {
                let what = if name.is_empty() { "a configuration".to_owned() } else { format!("`{name}`") };
                // A text in the place of secret keys may be a secret, and so may the text of another kind of file.
                let secret = KEYS.iter().any(|key| key.is_secret() && key.path.starts_with(name));
                let text = secret && matches!(node.kind, Kind::Scalar { .. });
                let found = if text { "a text".to_owned() } else { node.describe() };
                self.problems.push((Some(node.at), Problem::NotAMapping { what, found }));
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
        // A dot inside a key is not nesting, even if the key equals a path.
        let plain = !word.text.contains('.');
        if let Some(index) = KEYS.iter().position(|key| plain && key.path == path) {
            self.value(index, word, value);
        } else if plain && sections().any(|known| known == path) {
            self.section(path, value);
        } else if section.is_empty() && DEAD.contains(&path) {
            let place = format!("{}:{}", self.path.display(), word.at.line);
            self.loaded.warnings.push(format!("{place}: the section `{path}` has no effect; remove it"));
        } else {
            let unknown = Problem::UnknownKey { section: section.to_owned(), word: word.text.clone() };
            self.problems.push((Some(word.at), unknown));
        }
    }

    fn value(&mut self, index: usize, word: &Word, value: &Node) {
        let Some(key) = KEYS.get(index) else { return };
        match set(key, value, &mut self.loaded.config) {
            Ok(()) => {
                let origin = Origin::File { path: self.path.to_owned(), line: word.at.line };
                self.loaded.set_origin(index, origin);
            }
            // The parser has reported it.
            Err(_) if matches!(value.kind, Kind::Broken) => {}
            Err(located) => self.problems.push(located),
        }
    }
}

/// Sets a key from a value of a file, or of JSON in the environment, which is YAML too.
pub(super) fn set(key: &Key, node: &Node, config: &mut Config) -> Result<(), Located> {
    let wrong = |node: &Node| {
        let hidden = !node.is_null() && matches!(&node.kind, Kind::Scalar { text, .. } if key.hides(text));
        let found = if hidden { "what is written there".to_owned() } else { node.describe() };
        (Some(node.at), Problem::Wrong { key: key.path, expected: key.expected, found })
    };
    let done = match (&key.set, &node.kind) {
        (Set::Text(set), Kind::Scalar { text, .. }) if !node.is_null() => set(config, text),
        (Set::List(set), Kind::Sequence(items)) => {
            let text = |item: &Node| match &item.kind {
                Kind::Scalar { text, .. } if !item.is_null() => Ok(text.clone()),
                _ => Err(wrong(item)),
            };
            set(config, items.iter().map(text).collect::<Result<_, _>>()?)
        }
        (Set::Records { fields, set }, Kind::Sequence(items)) => {
            let record = |item| record(key, fields, item).unwrap_or_else(|| Err(wrong(item)));
            set(config, items.iter().map(record).collect::<Result<_, _>>()?)
        }
        _ => None,
    };
    done.ok_or_else(|| wrong(node))
}

/// Returns one mapping of a list, or `None` if the value is of another kind.
fn record(key: &Key, known: &'static [&'static str], node: &Node) -> Option<Result<Record, Located>> {
    let Kind::Mapping(entries) = &node.kind else { return None };
    let mut record = Record::new();
    for (word, value) in entries {
        let Some(field) = known.iter().find(|field| **field == word.text) else {
            let unknown = Problem::UnknownField { key: key.path, field: word.text.clone(), known };
            return Some(Err((Some(word.at), unknown)));
        };
        let Kind::Scalar { text, .. } = &value.kind else { return None };
        if record.insert(field, text.clone()).is_some() {
            let duplicate = Problem::Duplicate { key: format!("{}.{field}", key.path), first: node.at.line };
            return Some(Err((Some(word.at), duplicate)));
        }
    }
    Some(Ok(record))
}
