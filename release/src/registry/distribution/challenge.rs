//! `WWW-Authenticate` (RFC 9110, section 11.6.1): how a registry wants to be asked.

/// The challenges of a 401 answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from another server (distribution's token authentication).
    Bearer {
        /// The server that issues it.
        realm: String,
        /// The name of the registry at that server.
        service: Option<String>,
    },
}

impl Challenge {
    /// The strongest one of these header lines that this program can meet: a token goes before a password.
    pub(super) fn of(lines: &[impl AsRef<str>]) -> Option<Self> {
        let all: Vec<Self> = lines.iter().flat_map(|line| parse(line.as_ref())).filter_map(known).collect();
        let bearer = all.iter().find(|c| matches!(c, Self::Bearer { .. })).cloned();
        bearer.or_else(|| all.into_iter().next())
    }
}

/// A scheme and its parameters, both names in lower case.
type Scheme = (String, Vec<(String, String)>);

fn known((scheme, parameters): Scheme) -> Option<Challenge> {
    let of = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    match scheme.as_str() {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: of("realm")?, service: of("service") }),
        _ => None,
    }
}

/// All challenges of one line. What is not of the form ends it: a half-read challenge is not met.
fn parse(line: &str) -> Vec<Scheme> {
    let mut found: Vec<Scheme> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return found;
        }
        let name = word.to_ascii_lowercase();
        let Some(value) = after.trim_start_matches([' ', '\t']).strip_prefix('=') else {
            // No "=" after it: this is the next scheme.
            found.push((name, Vec::new()));
            rest = after;
            continue;
        };
        let Some((value, after)) = value_of(value.trim_start_matches([' ', '\t'])) else { return found };
        if let Some((_, parameters)) = found.last_mut() {
            parameters.push((name, value));
        }
        rest = after;
    }
}

fn token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)));
    text.split_at(end.unwrap_or(text.len()))
}

/// A token or a quoted string, and what follows.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return Some((word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(line: &str) -> Option<Challenge> {
        Challenge::of(&[line])
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn challenges_of_real_registries_are_parsed() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        assert_eq!(of(hub), Some(bearer("https://auth.docker.io/token", Some("registry.docker.io"))));
        assert_eq!(of(r#"Basic realm="Registry Realm""#), Some(Challenge::Basic));
        assert_eq!(of("basic"), Some(Challenge::Basic));
        assert_eq!(
            of(r#"BEARER Realm = "https://a/t?x=\"y\"" , error="x""#),
            Some(bearer("https://a/t?x=\"y\"", None))
        );
        assert_eq!(
            of(r#"Basic realm="x", Bearer realm="https://a/t", service=b"#),
            Some(bearer("https://a/t", Some("b")))
        );
        let lines = ["Negotiate", r#"Basic realm="x""#, r#"Bearer realm="https://a/t""#];
        assert_eq!(Challenge::of(&lines), Some(bearer("https://a/t", None)));
    }

    #[test]
    fn unsupported_challenges_are_refused() {
        for line in ["", "Negotiate", "Bearer", r#"Bearer realm="unfinished"#, "=x", r#""x""#, r#"Digest realm="x""#] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn values_come_out_as_they_went_in(realm in "[^\r\n]{1,30}", service in "[ -~]{1,20}") {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("Bearer realm=\"{}\",service=\"{}\"", quote(&realm), quote(&service));
            prop_assert_eq!(of(&line), Some(bearer(&realm, Some(&service))));
        }

        #[test]
        fn anything_is_read_or_left(line in "\\PC{0,60}") {
            let _either = of(&line);
        }
    }
}
