//! A service that decides about tokens: it is asked by a signed JWT that holds the token and the request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::Identity;
use crate::error::AuthError;
use crate::jwt;

/// How long a question is good for, in seconds.
const VALID: u64 = 300;

/// How much of an answer that says no is passed on, and how much of one that says yes is read, in bytes.
const SHOWN: usize = 500;
const MOST: usize = 64 * 1024;

/// The service.
#[derive(Debug)]
pub(crate) struct Delegate {
    http: reqwest::Client,
    url: Url,
    key: jwt::Key,
    timeout: Duration,
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

#[derive(Deserialize)]
struct Allowed {
    id: Option<String>,
}

impl Delegate {
    pub(super) fn new(http: reqwest::Client, url: Url, key: jwt::Key, timeout: Duration, most: usize) -> Self {
        Self { http, url, key, timeout, most }
    }

    /// Whether the token may do this; gives the request back with the body that had to be read.
    pub(super) async fn ask(&self, token: &str, request: Request) -> Result<(Request, Identity), AuthError> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, self.most).await.map_err(|_| AuthError::Body(self.most))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let question = self.key.sign(&Claims {
            sub: "sayna-auth",
            iat: now,
            exp: now + VALID,
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
        let identity = judge(status, &text)?;
        Ok((Request::from_parts(parts, Body::from(body)), identity))
    }

    async fn post(&self, question: String) -> Result<(StatusCode, Bytes), AuthError> {
        // Without the address: it may say more of the inside than clients should know.
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

fn judge(status: StatusCode, body: &[u8]) -> Result<Identity, AuthError> {
    let shown = || String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body)).trim().to_owned();
    match status {
        StatusCode::OK => {
            let allowed = serde_json::from_slice::<Allowed>(body).ok();
            Ok(Identity(allowed.and_then(|allowed| allowed.id).filter(|id| !id.trim().is_empty())))
        }
        StatusCode::UNAUTHORIZED => Err(AuthError::Denied(shown())),
        _ => Err(AuthError::Service { status: status.as_u16(), body: shown() }),
    }
}

/// What the service is told of the headers: not what says who sent them, or by which ways they came.
fn told(headers: &HeaderMap) -> Map<String, Value> {
    let secret = |name: &str| {
        matches!(name, "authorization" | "cookie" | "host" | "x-real-ip")
            || name.starts_with("x-forwarded-")
            || name.starts_with("x-sayna-")
    };
    let told = headers.iter().filter(|(name, _)| !secret(name.as_str()));
    told.filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?)))).collect()
}
