//! The table of keys: the only place where a key's names, its values and their meaning are written down.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use super::Config;

/// One key.
pub(super) struct Key {
    /// Its name in the file: section, dot, key.
    pub(super) path: &'static str,
    /// Its name in the environment. What is ours begins with `SAYNA_`, but not everything that does is ours:
    /// Kubernetes adds `SAYNA_PORT=tcp://…` for a service called "sayna". So unknown variables are no fault.
    pub(super) env: &'static str,
    /// What a value must be, as it fits after "must be".
    pub(super) expected: &'static str,
    /// Sets it; `None` where the text is not such a value.
    pub(super) set: fn(&mut Config, &str) -> Option<()>,
    /// The value in use, as one would write it.
    pub(super) show: fn(&Config) -> String,
}

/// Every key, in the order of `config.example.yaml`.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "server.host",
        env: "HOST",
        expected: "an IP address or a host name, without scheme or port",
        set: |config, text| host(text).map(|host| config.server.host = host),
        show: |config| config.server.host.clone(),
    },
    Key {
        path: "server.port",
        env: "PORT",
        expected: "a whole number from 0 to 65535",
        set: |config, text| number(text, u16::MAX).map(|port| config.server.port = port),
        show: |config| config.server.port.to_string(),
    },
    Key {
        path: "server.shutdown_seconds",
        env: "SAYNA_SERVER_SHUTDOWN_SECONDS",
        expected: "a whole number of seconds from 0 to 3600",
        set: |config, text| number(text, 3600).map(|seconds| config.server.shutdown = Duration::from_secs(seconds)),
        show: |config| config.server.shutdown.as_secs().to_string(),
    },
];

/// The sections that the keys stand in, each once.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let section = |path: &'static str| path.rsplit_once('.').map(|(section, _)| section);
    KEYS.iter().enumerate().filter_map(move |(index, key)| {
        let new = KEYS.iter().take(index).all(|earlier| section(earlier.path) != section(key.path));
        section(key.path).filter(|_| new)
    })
}

/// Digits only: Rust's own parser would also take `+80`, which no one writes on purpose.
fn number<N: FromStr + PartialOrd + Copy>(text: &str, most: N) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}

/// An address, or what RFC 1123 lets a host be called (and `_`, which container networks use in names).
fn host(text: &str) -> Option<String> {
    let label = |label: &str| {
        let word = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        word && !label.is_empty() && label.len() <= 63
    };
    // `1.2.3` or `256.0.0.1` is a mistyped address, not a name.
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let name = text.len() <= 253 && !numeric && text.split('.').all(label);
    (name || text.parse::<IpAddr>().is_ok()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        for good in ["0.0.0.0", "::", "::1", "localhost", "voice.example.org", "sayna_1", "a-b"] {
            assert_eq!(host(good).as_deref(), Some(good));
        }
        for bad in ["", " ", "http://a", "a:80", "[::1]", "256.0.0.1", "1.2.3", "a..b", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_digits_within_the_range() {
        assert_eq!(number("0", 9_u64), Some(0));
        assert_eq!(number("9", 9_u64), Some(9));
        for bad in ["", "10", "+1", "-1", "1.0", "0x1", "1_0", " 1", "99999999999999999999999"] {
            assert_eq!(number(bad, 9_u64), None, "{bad}");
        }
    }

    #[test]
    fn every_shown_value_can_be_set_again() {
        for key in KEYS {
            let mut config = Config::default();
            let shown = (key.show)(&config);
            assert_eq!((key.set)(&mut config, &shown), Some(()), "{}", key.path);
            assert_eq!(config, Config::default());
        }
    }
}
