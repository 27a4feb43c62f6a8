//! Google's access tokens: for a service account, or for the virtual machine that the server runs on.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::tts::TtsError;
use super::{Name, retry_after, shortened};
use crate::config::Secret;
use crate::jwt;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Google's token endpoint for service accounts.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// The token endpoint of Google Cloud's metadata server.
const METADATA_URL: &str = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";
const LIFETIME: Duration = Duration::from_secs(3_600);
/// A token is not used in the last minute before it expires.
const MARGIN: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);

/// A source of access tokens. The providers own the server's; a voice owns that of a client's credentials. Concurrent callers
/// share one request.
pub(super) struct Tokens {
    source: Source,
    own: bool,
    /// The current token and its expiry. The lock is held while a new one is fetched, so that others wait for it. It is not on
    /// the audio path.
    current: Mutex<Option<(Secret, Instant)>>,
}

enum Source {
    Account { email: String, key: Box<jwt::Key>, url: Url },
    Machine,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

#[derive(Deserialize)]
struct Account {
    client_email: String,
    private_key: String,
    #[serde(default)]
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Tokens {
    /// Parses the server's credentials: JSON, the path of a file, or empty for the machine's own.
    pub(super) fn of_server(credentials: &str) -> Result<Self, String> {
        if credentials.trim().is_empty() {
            return Ok(Self { source: Source::Machine, own: false, current: Mutex::default() });
        }
        let json = if credentials.trim_start().starts_with('{') {
            credentials.to_owned()
        } else {
            let path = Path::new(credentials);
            std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?
        };
        Self::account(&json, false, None)
    }

    /// Parses a client's credentials. Tokens come only from Google or from the server's own `token_uri`. Otherwise a client could
    /// make the server send requests to any URL (SSRF).
    pub(super) fn of_client(json: &str, server: Option<&Self>) -> Result<Self, String> {
        let allowed = match server.map(|server| &server.source) {
            Some(Source::Account { url, .. }) => Some(url),
            _ => None,
        };
        Self::account(json, true, allowed)
    }

    fn account(json: &str, own: bool, allowed: Option<&Url>) -> Result<Self, String> {
        // The parser's error would quote from the file.
        let account: Account = serde_json::from_str(json)
            .map_err(|e| format!("not a service account's JSON (line {}, column {})", e.line(), e.column()))?;
        let google = Url::parse(TOKEN_URL).map_err(|e| e.to_string())?;
        let url = account.token_uri.as_deref().unwrap_or(TOKEN_URL);
        let url = Url::parse(url).map_err(|e| format!("its token_uri: {e}"))?;
        if own && url != google && Some(&url) != allowed {
            return Err(format!("its token_uri is not {TOKEN_URL}"));
        }
        let key = jwt::Key::from_pem(&account.private_key).map_err(|e| format!("its private_key: {e}"))?;
        let source = Source::Account { email: account.client_email, key: Box::new(key), url };
        Ok(Self { source, own, current: Mutex::default() })
    }

    /// Returns a token that is valid for at least [`MARGIN`].
    pub(super) async fn get(&self, http: &reqwest::Client) -> Result<Secret, TtsError> {
        let mut current = self.current.lock().await;
        if let Some((token, _)) = current.as_ref().filter(|(_, end)| *end > Instant::now()) {
            return Ok(token.clone());
        }
        let answer = self.fetch(http).await?;
        let lifetime = answer.expires_in.map_or(LIFETIME, Duration::from_secs).saturating_sub(MARGIN);
        let token = Secret::new(answer.access_token);
        *current = Some((token.clone(), Instant::now() + lifetime));
        Ok(token)
    }

    async fn fetch(&self, http: &reqwest::Client) -> Result<Answer, TtsError> {
        let provider = Name::Google;
        let request = match &self.source {
            Source::Machine => http.get(METADATA_URL).header("Metadata-Flavor", "Google"),
            Source::Account { email, key, url } => {
                let now = jwt::now();
                let (aud, exp) = (url.as_str(), now + LIFETIME.as_secs());
                let claims = Claims { iss: email, scope: SCOPE, aud, iat: now, exp };
                let problem = |e: jwt::Error| TtsError::Credentials { problem: e.to_string(), own: self.own };
                let assertion = key.sign(&claims).map_err(problem)?;
                // Only the colons need escaping.
                let form = format!("grant_type={}&assertion={assertion}", GRANT.replace(':', "%3A"));
                http.post(url.clone()).header("Content-Type", "application/x-www-form-urlencoded").body(form)
            }
        };
        let unreachable = |e: reqwest::Error| TtsError::Unreachable { provider, reason: super::told(&e) };
        let response = request.timeout(TIMEOUT).send().await.map_err(unreachable)?;
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        let body = response.bytes().await.map_err(unreachable)?;
        match status {
            200 => serde_json::from_slice(&body)
                .map_err(|_| TtsError::Unreadable { provider, problem: "no token in the answer".to_owned() }),
            // The account is invalid, or lacks permission.
            400 | 401 | 403 => Err(TtsError::Credentials { problem: shortened(&body, 200), own: self.own }),
            _ => Err(TtsError::Api { provider, status, body: shortened(&body, 200), retry_after, own: self.own }),
        }
    }
}
