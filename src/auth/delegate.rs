//! The external auth service. It receives a signed JWT with the token and the request, and decides about the token.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::warn;
use url::Url;

use super::Identity;
use crate::config::Config;
use crate::error::AuthError;
use crate::jwt;

/// The lifetime of the JWT, and how far its `iat` is in the past, in seconds. The clock of the service may be behind, and most
/// libraries reject a token of the future.
const VALID: u64 = 300;
const PAST: u64 = 30;

/// The length at which the body of an error is cut, and the size limit of an answer, in bytes.
const SHOWN: usize = 500;
const MOST: usize = 64 * 1024;

/// The length limit of a tenant's name, in bytes.
const LONGEST_NAME: usize = 256;

/// The client of the auth service. Owned by the [`super::Authenticator`].
#[derive(Debug)]
pub(crate) struct Delegate {
    http: reqwest::Client,
    url: Url,
    key: jwt::Key,
    timeout: Duration,
    /// `auth.service_tenants`
    tenants: bool,
    most: usize,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'static str,
    iat: u64,
    exp: u64,
    auth_data: AuthData<'a>,
}

#[derive(Serialize)]
struct AuthData<'a> {
    token: &'a str,
    request_body: Value,
    request_headers: Map<String, Value>,
    request_path: &'a str,
    request_method: &'a str,
}

/// The body of an answer with status 200.
#[derive(Deserialize)]
struct Allowed {
    id: String,
}

impl Delegate {
    /// Returns the client for this configuration, with the key that signs requests.
    pub(super) fn new(http: reqwest::Client, url: Url, key: jwt::Key, config: &Config) -> Self {
        let (auth, most) = (&config.auth, config.server.max_message_bytes);
        Self { http, url, key, timeout: auth.timeout, tenants: auth.service_tenants, most }
    }

    /// Asks the service about a token. Returns the request with its body, which had to be read.
    pub(super) async fn ask(&self, token: &str, request: Request) -> Result<(Request, Identity), AuthError> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, self.most).await.map_err(|_| AuthError::Body(self.most))?;
        let now = jwt::now();
        let asked = now.saturating_sub(PAST);
        let question = self.key.sign(&Claims {
            sub: "sayna-auth",
            iat: asked,
            exp: asked + VALID,
            auth_data: AuthData {
                token,
                request_body: serde_json::from_slice(&body).unwrap_or_else(|_| Value::Object(Map::new())),
                request_headers: told(&parts.headers),
                request_path: parts.uri.path(),
                request_method: parts.method.as_str(),
            },
        })?;
        let answer = tokio::time::timeout(self.timeout, self.post(question)).await;
        let (status, text) = answer.unwrap_or_else(|_| {
            Err(AuthError::Unavailable(format!("no answer within {} s", self.timeout.as_secs())))
        })?;
        let identity = judge(status, &text, self.tenants)?;
        Ok((Request::from_parts(parts, Body::from(body)), identity))
    }

    async fn post(&self, question: String) -> Result<(StatusCode, Bytes), AuthError> {
        // Without the URL, which may reveal internal addresses to clients.
        let unavailable = |error: reqwest::Error| AuthError::Unavailable(error.without_url().to_string());
        let request = self.http.post(self.url.clone()).header("content-type", "application/jwt").body(question);
        let mut response = request.send().await.map_err(unavailable)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unavailable)? {
            body.extend_from_slice(&piece);
            if body.len() > MOST {
                break;
            }
        }
        Ok((response.status(), body.into()))
    }
}

fn judge(status: StatusCode, body: &[u8], tenants: bool) -> Result<Identity, AuthError> {
    let shown = || String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body)).trim().to_owned();
    match status {
        StatusCode::OK if !tenants => Ok(Identity(None)),
        StatusCode::OK => {
            // Without a tenant, a client would have access to all rooms.
            // Serde would accept a list, with its items as the fields.
            let object = Some(body).filter(|body| body.trim_ascii_start().starts_with(b"{"));
            let id = object.and_then(|body| serde_json::from_slice::<Allowed>(body).ok()).map(|allowed| allowed.id);
            let id = id.filter(|id| is_name(id)).ok_or(AuthError::NoTenant).inspect_err(|_| {
                warn!("the auth service accepted a token without naming its tenant; it must return {{\"id\": \"TENANT\"}}, or set auth.service_tenants to false");
            })?;
            Ok(Identity(Some(id)))
        }
        StatusCode::UNAUTHORIZED => Err(AuthError::Denied(shown())),
        _ => Err(AuthError::Service { status: status.as_u16(), body: shown() }),
    }
}

/// Returns whether a tenant's name is valid: as in `auth.api_secrets`, within the length limit, and without invisible characters,
/// which `Debug` escapes.
fn is_name(id: &str) -> bool {
    let unquoted = id.replace(['"', '\\'], "");
    !id.is_empty() && id.len() <= LONGEST_NAME && id.trim() == id && !format!("{unquoted:?}").contains('\\')
}

/// Returns the headers for the service, without credentials and without those that proxies add.
fn told(headers: &HeaderMap) -> Map<String, Value> {
    let secret = |name: &str| {
        matches!(name, "authorization" | "cookie" | "host" | "x-real-ip")
            || name.starts_with("x-forwarded-")
            || name.starts_with("x-sayna-")
    };
    let told = headers.iter().filter(|(name, _)| !secret(name.as_str()));
    told.filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?)))).collect()
}
