//! Authentication of clients: none, by secrets, or by an external service that decides about the token.

mod delegate;
mod origin;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::{ApiSecret, Config};
use crate::error::AuthError;
use crate::jwt;
use crate::outbound::Outbound;

pub(crate) use delegate::Delegate;
pub(crate) use origin::{foreign, refuse_pages};

/// The tenant of a request, or none without authentication. Attached to each request by [`require`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity(pub(crate) Option<String>);

/// The way to authenticate requests. Built once at the start, shared by all requests.
#[derive(Debug)]
pub(crate) enum Authenticator {
    /// No authentication.
    Off,
    /// The token must be one of these secrets. They take precedence over a service.
    Secrets(Vec<ApiSecret>),
    /// An external service decides.
    Delegate(Box<Delegate>),
}

/// Why authentication cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The key file cannot be read.
    #[error("`auth.signing_key_path`: {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The file has no usable private key.
    #[error(
        "`auth.signing_key_path`: {}: {source}; `openssl ecparam -name prime256v1 -genkey -noout -out signing.pem` makes one",
        path.display()
    )]
    Key {
        /// The file.
        path: std::path::PathBuf,
        /// The problem of the key.
        source: jwt::Error,
    },
}

impl Authenticator {
    /// Builds it from a valid configuration.
    pub(crate) fn new(config: &Config, outbound: &Outbound) -> Result<Self, SetupError> {
        let auth = &config.auth;
        let secrets = auth.secrets();
        if !auth.required {
            return Ok(Self::Off);
        }
        match (&auth.service_url, &auth.signing_key_path) {
            (Some(url), Some(path)) if secrets.is_empty() => {
                let pem = std::fs::read_to_string(path);
                let pem = pem.map_err(|source| SetupError::Unreadable { path: path.clone(), source })?;
                let key = jwt::Key::from_pem(&pem).map_err(|source| SetupError::Key { path: path.clone(), source })?;
                let delegate = Delegate::new(outbound.http.clone(), url.clone(), key, config);
                Ok(Self::Delegate(Box::new(delegate)))
            }
            _ => Ok(Self::Secrets(secrets)),
        }
    }
}

/// Passes a request on with its [`Identity`], or rejects it.
pub(crate) async fn require(
    State(authenticator): State<Arc<Authenticator>>,
    mut request: Request,
    next: Next,
) -> Result<Response, AuthError> {
    let identity = match &*authenticator {
        Authenticator::Off => Identity::default(),
        Authenticator::Secrets(secrets) => {
            let token = token(request.headers(), request.uri())?;
            // All secrets are compared, so that the time does not depend on the token.
            let found = secrets
                .iter()
                .filter(|secret| secret.secret.is(&token))
                .fold(None, |_, secret| Some(secret.id.clone()));
            Identity(Some(found.ok_or(AuthError::Secret)?))
        }
        Authenticator::Delegate(delegate) => {
            let token = token(request.headers(), request.uri())?;
            let (allowed, identity) = delegate.ask(&token, request).await?;
            request = allowed;
            identity
        }
    };
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

/// Returns the bearer token of the header, or else the query parameter `api_key`, because browsers cannot set headers of a
/// WebSocket.
fn token(headers: &HeaderMap, uri: &Uri) -> Result<String, AuthError> {
    let header = headers.get(header::AUTHORIZATION);
    let bearer = header.and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
    });
    let query = || {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.filter(|(name, value)| name == "api_key" && !value.is_empty()).map(|(_, value)| value.into_owned()).next()
    };
    let missing = if header.is_some() { AuthError::Header } else { AuthError::Missing };
    bearer.or_else(query).ok_or(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn auth_token_is_read_from_header_or_query() {
        let found = |header: Option<&str>, uri: &str| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(header).unwrap());
            }
            token(&headers, &uri.parse().unwrap()).map_err(|error| error.code().0)
        };
        assert_eq!(found(Some("Bearer a"), "/ws?api_key=b"), Ok("a".to_owned()));
        assert_eq!(found(Some("bearer  a b "), "/ws"), Ok("a b".to_owned()));
        assert_eq!(found(None, "/ws?x=1&api_key=a%2Fb+c"), Ok("a/b c".to_owned()));
        for bad in ["", "Bearer", "Bearer ", "Basic x", "a"] {
            assert_eq!(found(Some(bad), "/ws?api_key=b"), Ok("b".to_owned()), "{bad}");
            assert_eq!(found(Some(bad), "/ws"), Err("invalid_auth_header"), "{bad}");
        }
        assert_eq!(found(None, "/ws?api_key="), Err("missing_auth_header"));
    }
}
