//! Chooses the proxy for a host by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, as curl does. This
//! machine itself never needs a proxy.

use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::Error;

/// Looks up an environment variable.
type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The proxies of the environment. `Debug` shows no address, because it may contain a password.
#[derive(Clone)]
pub(super) struct Proxies {
    matcher: Arc<Matcher>,
    http: Option<Url>,
    https: Option<Url>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxies(http: {}, https: {})", self.http.is_some(), self.https.is_some())
    }
}

/// A proxy and its credentials.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    /// The URL, with user name and password if the variable has them.
    pub(super) url: Url,
    /// The header `Proxy-Authorization`, if the variable has credentials.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Reads the proxies of this process's environment.
    pub(super) fn of_environment() -> Result<Self, Error> {
        Self::new(&|name| std::env::var(name).ok())
    }

    fn new(variables: &Variables<'_>) -> Result<Self, Error> {
        let all = || proxy("ALL_PROXY", variables);
        // Under CGI, a client's header `Proxy` would become `HTTP_PROXY`.
        let is_cgi = variables("REQUEST_METHOD").is_some();
        let http = if is_cgi { None } else { proxy("HTTP_PROXY", variables)? };
        let http = http.map_or_else(all, |url| Ok(Some(url)))?;
        let https = proxy("HTTPS_PROXY", variables)?.map_or_else(all, |url| Ok(Some(url)))?;
        let no = value("NO_PROXY", variables).unwrap_or_default();
        let text = |url: &Option<Url>| url.as_ref().map(Url::to_string).unwrap_or_default();
        let matcher = Matcher::builder().http(text(&http)).https(text(&https)).no(no).build();
        Ok(Self { matcher: Arc::new(matcher), http, https })
    }

    /// Returns the proxy for a URL, or none if it is reached directly.
    pub(super) fn of(&self, url: &Url) -> Option<Proxy> {
        if is_loopback(url) {
            return None;
        }
        let (scheme, proxy) = match url.scheme() {
            "http" | "ws" => ("http", self.http.clone()?),
            _ => ("https", self.https.clone()?),
        };
        let destination: Uri = format!("{scheme}://{}/", url.host_str()?).parse().ok()?;
        let intercept = self.matcher.intercept(&destination)?;
        Some(Proxy { url: proxy, authorization: intercept.basic_auth().cloned() })
    }
}

/// Returns whether a name is `localhost` or below it (RFC 6761, section 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Returns whether a host is this machine, by name or by a loopback address.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// Returns the first spelling of a variable that is set and not empty.
fn value(name: &str, variables: &Variables<'_>) -> Option<String> {
    let read = |name: &str| variables(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    read(name).or_else(|| read(&name.to_ascii_lowercase()))
}

/// Parses a proxy. `host:port` and `http://…` are HTTP proxies, `https://…` is one that is reached by TLS.
fn proxy(name: &'static str, variables: &Variables<'_>) -> Result<Option<Url>, Error> {
    let Some(text) = value(name, variables) else { return Ok(None) };
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    // The error does not contain the value, which may have a password.
    let wrong = |reason: &'static str| Error::Proxy { name, reason };
    let url = Url::parse(&text).map_err(|_| wrong("is no address of a proxy"))?;
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(Some(url)),
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => Err(wrong("is a SOCKS proxy, which is not supported")),
        _ => Err(wrong("is no address of an HTTP proxy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Proxies, Error> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Proxies::new(&move |name| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()))
    }

    fn by(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of(&url.parse().unwrap()).map(|proxy| proxy.url.host_str().unwrap().to_owned())
    }

    #[test]
    fn proxy_choice_is_the_same_for_sockets_and_requests() {
        let proxies = of(&[
            ("HTTPS_PROXY", "http://secure:8080"),
            ("http_proxy", "plain:8080"),
            ("NO_PROXY", "direct.example, .inner.example,10.0.0.0/8,192.168.1.1"),
        ])
        .unwrap();
        for (url, expected) in [
            ("https://api.example/", Some("secure")),
            ("wss://api.example/", Some("secure")),
            ("http://api.example/", Some("plain")),
            ("ws://api.example:7880/", Some("plain")),
            ("wss://direct.example/", None),
            ("https://sub.direct.example/", None),
            ("https://a.inner.example/", None),
            ("wss://notdirect.example/", Some("secure")),
            ("wss://10.1.2.3/", None),
            ("wss://192.168.1.1/", None),
            ("wss://192.168.1.2/", Some("secure")),
            ("ws://localhost:7880/", None),
            ("ws://livekit.localhost/", None),
            ("ws://LOCALHOST./", None),
            ("http://127.0.0.1:1/", None),
            ("http://127.8.9.1:1/", None),
            ("http://[::1]:1/", None),
            ("http://[::ffff:127.0.0.1]/", None),
            ("https://localhost.example/", Some("secure")),
        ] {
            assert_eq!(by(&proxies, url).as_deref(), expected, "{url}");
        }
        assert_eq!(by(&of(&[("NO_PROXY", "*"), ("ALL_PROXY", "p:1")]).unwrap(), "wss://a.example/"), None);
        let all = of(&[("all_proxy", "https://u:s3cret@p:1")]).unwrap();
        let proxy = all.of(&"wss://a.example/".parse().unwrap()).unwrap();
        assert_eq!(proxy.authorization.unwrap(), "Basic dTpzM2NyZXQ=");
        assert!(!format!("{all:?}").contains("s3cret"));
    }

    #[test]
    fn invalid_proxy_is_rejected_without_showing_its_value() {
        for (name, value) in [
            ("HTTPS_PROXY", "socks5://u:s3cret@p:1"),
            ("ALL_PROXY", "socks5h://u:s3cret@p:1"),
            ("HTTP_PROXY", "ftp://u:s3cret@p"),
            ("https_proxy", "http://u:s3cret@:1"),
        ] {
            let error = of(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(&name.to_uppercase()) && !error.contains("s3cret"), "{error}");
        }
        // Unused and empty variables are ignored.
        let both = [("HTTPS_PROXY", "p:1"), ("HTTP_PROXY", "p:1"), ("ALL_PROXY", "socks5://p:1")];
        assert!(of(&both).is_ok());
        assert_eq!(by(&of(&[("HTTPS_PROXY", " "), ("https_proxy", "p:1")]).unwrap(), "wss://a/").as_deref(), Some("p"));
        assert_eq!(by(&of(&[("HTTP_PROXY", "p:1"), ("REQUEST_METHOD", "GET")]).unwrap(), "ws://a/"), None);
    }
}
