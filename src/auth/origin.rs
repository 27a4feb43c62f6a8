//! Checks the origin of browser pages. Only browsers send `Origin`, so requests without it are never rejected here.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::info;

use crate::config::Config;
use crate::error::Error;

/// Rejects pages of other origins on a server without authentication. With authentication the token decides, and browsers send no
/// token by themselves. A WebSocket is not rejected here, because a browser hides the response to a rejected upgrade from its
/// page.
pub(crate) async fn refuse_pages(
    State(config): State<Arc<Config>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let socket = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == "/ws");
    if !socket && !config.auth.required && foreign(request.headers(), &config) {
        return Err(Error::Origin);
    }
    Ok(next.run(request).await)
}

/// Returns whether the request comes from a page of another origin that is not in `server.allowed_origins`.
pub(crate) fn foreign(headers: &HeaderMap, config: &Config) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return false };
    // Browsers send exactly one.
    let single = origins.next().is_none();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = |origin: &str| config.server.allowed_origins.iter().any(|allowed| allowed == "*" || allowed == origin);
    let mine = |origin: &str| named(origin) || host.is_some_and(|host| own(origin, host, config));
    let allowed = single && origin.to_str().is_ok_and(mine);
    if !allowed {
        info!(?origin, host, "a browser page has an origin that is not allowed");
    }
    !allowed
}

/// Returns whether the page came from this server. Behind a proxy with TLS the schemes differ, so only host and port are
/// compared. Without authentication a DNS name is never accepted, because its owner can let it resolve to this machine (DNS
/// rebinding).
fn own(origin: &str, host: &str, config: &Config) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let Some(authority) = origin.authority() else { return false };
    let is_page = matches!(origin.scheme_str(), Some("http" | "https")) && !authority.as_str().contains('@');
    is_page && authority.as_str().eq_ignore_ascii_case(host) && (config.auth.required || is_address(authority.host()))
}

/// Returns whether the host is an IP address or `localhost`, which browsers never resolve by DNS.
fn is_address(host: &str) -> bool {
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok()
        || inside.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn refused(host: &str, origin: &str, allowed: &[&str], required: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        let mut config = Config::default();
        config.server.allowed_origins = allowed.iter().map(|&origin| origin.to_owned()).collect();
        config.auth.required = required;
        foreign(&headers, &config)
    }

    #[test]
    fn pages_of_other_origins_are_foreign_unless_allowed() {
        assert!(!foreign(&HeaderMap::new(), &Config::default()));
        for own in ["127.0.0.1:3001", "10.0.0.7", "[::1]:3001", "localhost:3001", "LOCALHOST"] {
            for scheme in ["http", "https"] {
                let origin = format!("{scheme}://{own}");
                assert!(!refused(own, &origin, &[], false), "{origin}");
                assert!(refused("10.0.0.8:3001", &origin, &[], false), "{origin}");
            }
        }
        for bad in
            ["http://127.0.0.1", "http://evil.example", "null", "x", "http://127.0.0.1:3001.evil", "app://localhost"]
        {
            for required in [false, true] {
                let refused = |allowed: &[&str]| refused("127.0.0.1:3001", bad, allowed, required);
                assert!(refused(&[]) && refused(&["https://other"]) && !refused(&["*"]) && !refused(&[bad]), "{bad}");
            }
        }
    }

    #[test]
    fn impossible_origins_are_foreign() {
        for (host, origin) in [
            ("127.0.0.1", "file://127.0.0.1"),
            ("127.0.0.1", "ftp://127.0.0.1"),
            ("localhost:3001", "app://localhost:3001"),
            ("a@localhost", "http://a@localhost"),
            ("evil.example@127.0.0.1", "http://evil.example@127.0.0.1"),
        ] {
            assert!(refused(host, origin, &[], false) && refused(host, origin, &[], true), "{origin}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::ORIGIN, HeaderValue::from_static("http://localhost"));
        headers.append(header::ORIGIN, HeaderValue::from_static("http://evil.example"));
        assert!(foreign(&headers, &Config::default()));
    }

    #[test]
    fn dns_name_is_own_origin_only_with_authentication() {
        for name in [
            "evil.example",
            "evil.example:3001",
            "127.0.0.1.evil.example",
            "a.localhost",
            "localhost.",
            "127.1",
            "sayna",
        ] {
            let origin = format!("http://{name}");
            assert!(refused(name, &origin, &[], false) && !refused(name, &origin, &[], true), "{name}");
            assert!(!refused(name, &origin, &[&origin], false), "{name}");
        }
    }
}
