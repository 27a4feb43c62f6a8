//! Parsers for the values of keys. They return `None` for invalid texts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::filter::Targets;
use url::Url;

use super::key::Record;
use super::{ApiSecret, Secret, SipHook};

/// Parses digits only. Rust's own parser accepts `+80` too, which is probably a mistake.
pub(super) fn number<N: FromStr + PartialOrd + Copy>(text: &str, least: N, most: N) -> Option<N> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (least..=most).contains(number))
}

pub(super) fn seconds(text: &str, least: u64, most: u64) -> Option<Duration> {
    number(text, least, most).map(Duration::from_secs)
}

pub(super) fn ms(text: &str, least: u64, most: u64) -> Option<Duration> {
    number(text, least, most).map(Duration::from_millis)
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

pub(super) fn fraction(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number| (0.0..=1.0).contains(number))
}

/// Parses a text that is not blank.
pub(super) fn word(text: &str) -> Option<String> {
    (!text.is_empty() && text.trim() == text && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// Parses a filter of `RUST_LOG`.
pub(super) fn log_filter(text: &str) -> Option<String> {
    word(text).filter(|text| text.parse::<Targets>().is_ok())
}

pub(super) fn secret(text: &str) -> Option<Secret> {
    word(text).map(Secret::new)
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    word(text).map(PathBuf::from)
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

/// Parses a URL of one of these schemes with a host. It must have no query, fragment or credentials, because paths are appended.
pub(super) fn url(text: &str, schemes: &[&str]) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    (plain && url.has_host() && schemes.contains(&url.scheme())).then_some(url)
}

/// Parses a URL and returns its text without a trailing slash.
pub(super) fn url_text(text: &str, schemes: &[&str]) -> Option<String> {
    url(text, schemes).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

/// Parses an IP address or a host name (RFC 1123, and `_`, which container networks use).
pub(super) fn host(text: &str) -> Option<String> {
    let label = |label: &str| {
        let word = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        word && !label.is_empty() && label.len() <= 63
    };
    // `1.2.3` or `256.0.0.1` is a mistyped address, not a name.
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let name = text.len() <= 253 && !numeric && text.split('.').all(label);
    (name || text.parse::<IpAddr>().is_ok()).then(|| text.to_owned())
}

/// Returns the form of a SIP host in which hosts are compared. For a name it is lower case, without a trailing dot, in Punycode.
/// For an address it is the shortest form, without brackets.
pub(crate) fn sip_host(text: &str) -> Option<String> {
    let text = text.trim();
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = inside.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    match url::Host::parse(text.strip_suffix('.').unwrap_or(text)).ok()? {
        url::Host::Domain(name) => host(&name),
        url::Host::Ipv4(address) => Some(address.to_string()),
        url::Host::Ipv6(_) => None,
    }
}

/// Parses a host, optionally with a port.
pub(super) fn host_and_port(text: &str) -> Option<String> {
    let (name, port) = text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let port = port.is_none_or(|port| number(port, 1, u16::MAX).is_some());
    (port && host(name).is_some()).then(|| text.to_owned())
}

/// Parses an origin: `*`, `null` (a page from a file), or scheme, host and port. Apps have schemes of their own, and some web
/// views send `file://`. Origins are compared as texts, so other spellings than those of browsers are rejected.
pub(super) fn origin(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://").unwrap_or_default();
    let good = match scheme {
        "" => matches!(text, "*" | "null"),
        "http" | "https" => url(text, &[scheme]).is_some_and(|url| url.origin().ascii_serialization() == text),
        "file" => host.is_empty(),
        "ftp" | "ws" | "wss" => false,
        _ => is_scheme(scheme) && is_authority(host),
    };
    good.then(|| text.to_owned())
}

/// Returns whether a text is lower case, as browsers write it.
fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(rest)
}

/// Returns whether a text is the host of an app, optionally with a port: visible characters that begin no other part of a URL.
fn is_authority(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\,\"<>".contains(&byte))
}

/// Parses an IPv4 address, optionally with a prefix length.
pub(super) fn ipv4_or_cidr(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let length = length.is_none_or(|length| number(length, 0, 32_u8).is_some());
    (length && address.parse::<Ipv4Addr>().is_ok()).then(|| text.to_owned())
}

/// Parses the beginning of a room's name.
pub(super) fn room_prefix(text: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!text.is_empty() && text.bytes().all(good)).then(|| text.to_owned())
}

pub(super) fn each<T>(texts: &[String], one: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    texts.iter().map(|text| one(text)).collect()
}

/// Parses a secret and its id. The rules check their values, because they compare all entries.
pub(super) fn api_secret(record: &Record) -> Option<ApiSecret> {
    Some(ApiSecret { id: record.get("id")?.clone(), secret: Secret::new(record.get("secret")?.as_str()) })
}

pub(super) fn sip_hook(record: &Record) -> Option<SipHook> {
    Some(SipHook {
        host: word(record.get("host")?).filter(|host| sip_host(host).is_some())?,
        url: Url::parse(record.get("url")?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?,
        auth_id: record.get("auth_id").cloned().unwrap_or_default(),
        secret: match record.get("secret") {
            Some(text) => Some(secret(text)?),
            None => None,
        },
    })
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
        assert_eq!(number("1", 1, 9_u64), Some(1));
        assert_eq!(number("9", 1, 9_u64), Some(9));
        for bad in ["", "0", "10", "+1", "-1", "1.0", "0x1", "1_0", " 1", "99999999999999999999999"] {
            assert_eq!(number(bad, 1, 9_u64), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_what_they_say() {
        for good in ["http://a", "https://a:1", "https://a.example:8443", "null", "*"] {
            assert_eq!(origin(good).as_deref(), Some(good));
        }
        for app in [
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://0b1c2d3e-0000-4000-8000-000000000000",
            "app://obsidian.md",
            "app://-",
            "tauri://localhost",
            "ionic://localhost:8100",
            "com.example.app+x://host",
            "file://",
        ] {
            assert_eq!(origin(app).as_deref(), Some(app));
        }
        for bad in ["app://", "App://a", "app://a/", "app://u:p@a", "app:a", "://a", "1a://b", "app://a b", "file://a"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
        for bad in ["a", "http://a/", "http://a/b", "http://a:80", "ftp://a", "ws://a", ""] {
            assert_eq!(origin(bad), None, "{bad}");
        }
        for good in ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0"] {
            assert_eq!(ipv4_or_cidr(good).as_deref(), Some(good));
        }
        for bad in ["999.999.999.999", "10.0.0.0/33", "10.0.0.0/", "::1", "", "10.0.0.1/+8"] {
            assert_eq!(ipv4_or_cidr(bad), None, "{bad}");
        }
        assert!(url("wss://a/b", &["ws", "wss"]).is_some());
        for bad in ["http://a", "wss://a?b", "wss://u:p@a", "a"] {
            assert_eq!(url(bad, &["ws", "wss"]), None, "{bad}");
        }
        assert_eq!(host_and_port("sip.example:5060").as_deref(), Some("sip.example:5060"));
        assert_eq!(host_and_port("sip.example:0"), None);
        for same in ["b.example", "B.Example.", " b.example ", "ｂ.example"] {
            assert_eq!(sip_host(same).as_deref(), Some("b.example"), "{same}");
        }
        for same in ["2001:DB8:0::1", "[2001:db8::1]"] {
            assert_eq!(sip_host(same).as_deref(), Some("2001:db8::1"), "{same}");
        }
        assert_eq!(sip_host("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        for bad in ["", ".", "b.example..", "b.example:5060", "sip:b.example", "b..example", "1@b", "a b", "[b]"] {
            assert_eq!(sip_host(bad), None, "{bad}");
        }
    }
}
