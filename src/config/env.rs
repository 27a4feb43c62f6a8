//! Applies the environment: one or two variables per key, with the rules of the file for their values.

use std::ffi::OsString;

use super::fault::{Fault, Place, Problem, quote};
use super::key::{Key, Set};
use super::table::KEYS;
use super::{Config, Loaded, Origin, check, yaml};

/// A variable that must not be empty. If an unset variable is passed on (`PORT=$PORT`), the server would otherwise listen on an
/// unexpected port.
const NEVER_EMPTY: &str = "PORT";

/// Sets every key whose variable is set. An empty variable counts as not set, with a warning, because container files pass unset
/// variables on (`DEEPGRAM_API_KEY=`). Keys for which an empty value has a meaning are an exception.
pub(super) fn apply(variable: impl Fn(&str) -> Option<OsString>, loaded: &mut Loaded, faults: &mut Vec<Fault>) {
    for (index, key) in KEYS.iter().enumerate() {
        let mut first: Option<&'static str> = None;
        for &name in key.env {
            let Some(value) = variable(name) else { continue };
            if value.is_empty() && name != NEVER_EMPTY && !takes_empty(key) {
                loaded.warnings.push(format!("${name} is empty, and counts as not set"));
                continue;
            }
            let done = match (first.replace(name), value.to_str()) {
                (Some(other), _) => Err(Problem::Rule {
                    message: format!("${other} is set too, and both are `{}`", key.path),
                    hint: "keep one of the two".to_owned(),
                }),
                (None, None) => Err(Problem::NotUtf8),
                (None, Some(text)) => set(key, text, &mut loaded.config),
            };
            match done {
                Ok(()) => loaded.set_origin(index, Origin::Environment(name)),
                Err(problem) => faults.push(Fault { place: Place::Environment(name), problem }),
            }
        }
    }
}

fn takes_empty(key: &Key) -> bool {
    matches!(key.set, Set::Text(set) if set(&mut Config::default(), "").is_some())
}

fn set(key: &Key, text: &str, config: &mut Config) -> Result<(), Problem> {
    let done = match &key.set {
        Set::Text(set) => set(config, text),
        Set::List(set) => {
            let items = text.split(',').map(|item| item.trim().to_owned()).collect();
            set(config, items)
        }
        // JSON is YAML.
        Set::Records { .. } => match yaml::read(text.as_bytes()) {
            (Some(node), problems) if problems.is_empty() && text.trim_start().starts_with('[') => {
                return check::set(key, &node, config).map_err(|(_, problem)| problem);
            }
            _ => None,
        },
    };
    done.ok_or_else(|| {
        let found = match text {
            "" => "empty".to_owned(),
            _ if key.hides(text) => "what is there".to_owned(),
            _ => format!("`{}`", quote(text)),
        };
        let json = if matches!(key.set, Set::Records { .. }) { " (a JSON array)" } else { "" };
        let found = format!("{found}{json}");
        Problem::Wrong { key: key.path, expected: key.expected, found }
    })
}
