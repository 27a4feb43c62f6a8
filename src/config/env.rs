//! The environment: one variable per key, and the same rules for its value as in the file.

use std::ffi::OsString;

use super::fault::{Fault, Place, Problem, quote};
use super::key::KEYS;
use super::{Loaded, Origin};

/// Sets every key whose variable is there. An empty one is a fault and not a default: where an unset variable was
/// passed on (`PORT=$PORT`), the server would otherwise come up somewhere unexpected.
pub(super) fn apply(variable: impl Fn(&str) -> Option<OsString>, loaded: &mut Loaded, faults: &mut Vec<Fault>) {
    for (index, key) in KEYS.iter().enumerate() {
        let Some(value) = variable(key.env) else { continue };
        let problem = match value.to_str() {
            None => Problem::NotUtf8,
            Some(text) if loaded.set(index, text, Origin::Environment(key.env)).is_some() => continue,
            Some(text) => {
                let found = if text.is_empty() { "empty".to_owned() } else { format!("`{}`", quote(text)) };
                Problem::Wrong { key: key.path, expected: key.expected, found }
            }
        };
        faults.push(Fault { place: Place::Environment(key.env), problem });
    }
}
