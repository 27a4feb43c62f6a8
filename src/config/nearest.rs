//! Suggestions for keys that do not exist.

use super::table::{KEYS, sections};

/// Returns a suggestion for the unknown key `word` in `section`: a key of another section, or one of a similar spelling.
pub(super) fn hint(section: &str, word: &str) -> String {
    // No key is longer, and the comparison takes time in proportion to both lengths.
    const LONGEST: usize = 64;
    const ALIKE: f64 = 0.8;
    if word.len() > LONGEST {
        return known(section);
    }
    let written = word.to_lowercase().replace('-', "_");
    let score = |path: &'static str| {
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        let spelling = strsim::jaro_winkler(&written, last);
        let whole = strsim::jaro_winkler(&written, path);
        // Of two equal spellings, the one in the same section is preferred.
        let near = if parent == section { 0.01 } else { 0.0 };
        (spelling.max(whole) + near, parent, last)
    };
    let names = KEYS.iter().map(|key| key.path).chain(sections());
    let best = names.map(score).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, parent, last)) if score >= ALIKE => {
            if parent.is_empty() || parent == section {
                format!("did you mean `{last}`?")
            } else {
                format!("did you mean `{last}:` below `{parent}:`?")
            }
        }
        _ => known(section),
    }
}

fn known(section: &str) -> String {
    let keys = KEYS.iter().filter_map(|key| key.path.rsplit_once('.'));
    let here: Vec<_> = match section {
        "" => sections().filter(|name| !name.contains('.')).map(|name| format!("`{name}`")).collect(),
        _ => keys.filter(|(parent, _)| *parent == section).map(|(_, last)| format!("`{last}`")).collect(),
    };
    format!("known here: {}", here.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_key_hint_names_the_nearest_key() {
        for (section, word, expected) in [
            ("server", "prot", "did you mean `port`?"),
            ("server", "Shutdown-Seconds", "did you mean `shutdown_seconds`?"),
            ("server", "hostname", "did you mean `host`?"),
            ("", "sever", "did you mean `server`?"),
            ("", "port", "did you mean `port:` below `server:`?"),
            ("", "PORT", "did you mean `port:` below `server:`?"),
            ("", "server.port", "did you mean `port:` below `server:`?"),
            (
                "",
                "colour",
                "known here: `server`, `auth`, `providers`, `cache`, `turn`, `livekit`, `recording`, `sip`, `turn_detect`, `models`, `local`, `metrics`, `log`",
            ),
            ("cache", "colour", "known here: `path`, `ttl_seconds`, `max_bytes`, `memory_bytes`"),
        ] {
            assert_eq!(hint(section, word), expected, "{section} {word}");
        }
    }

    #[test]
    fn unknown_key_hint_ignores_endless_words() {
        assert!(hint("", &"port".repeat(1 << 20)).starts_with("known here: `server`"));
    }
}
