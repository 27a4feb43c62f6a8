//! Notifies the hook of a SIP host of an incoming call, by a signed HTTP request.

use std::net::SocketAddr;
use std::time::Duration;

use ring::hmac;
use tokio::time::timeout;
use tracing::{debug, warn};
use url::{Host, Url};

use super::hooks::{Hooks, Target};
use super::public::{is_public, is_public_host};
use super::webhook::Call;
use super::{EntryError, Livekit};
use crate::config::Secret;
use crate::jwt;
use crate::outbound;

/// The time limit for the answer of a hook.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Hooks {
    /// Assigns the room of a call to the hook's tenant, then calls the hook. No request waits for this, so errors are logged.
    /// The log never contains the hook's URL or the caller's number.
    pub(crate) async fn notify(&self, livekit: &Livekit, mut call: Call) {
        let (host, room) = (call.sip_host.clone(), call.room.name.clone());
        let Some(Target { url, auth_id, secret, fixed }) = self.find(&host) else {
            debug!(host, room, "no hook for calls to this host");
            return;
        };
        let Some(secret) = secret else {
            warn!(host, room, "did not call the hook: sip.hook_secret is not set");
            return;
        };
        match livekit.give(&room, &auth_id).await {
            Ok(()) => {}
            Err(EntryError::Foreign) => {
                warn!(host, room, "did not call the hook: the room belongs to another tenant");
                return;
            }
            // The call exists all the same, and an application should answer it.
            Err(error) => warn!(host, room, %error, "could not assign the room of a call to the hook's tenant"),
        }
        call.room_prefix.clone_from(&self.room_prefix);
        let client = match self.client(&url, fixed).await {
            Ok(client) => client,
            Err(refusal) => {
                warn!(host, room, "did not call the hook: {refusal}");
                return;
            }
        };
        match send(&client, &url, &secret, &call).await {
            Ok(status) if status.is_success() => debug!(host, room, "called the hook"),
            Ok(status) => warn!(host, room, %status, "the hook rejected a call"),
            Err(error) => warn!(host, room, error, "could not reach the hook"),
        }
    }

    /// Returns the HTTP client for this hook. A hook that a client has added is called at public addresses only, unless
    /// `sip.private_hooks` is set. Its name is resolved once, because a second answer of DNS may differ from the one that was
    /// checked. A proxy resolves names itself and applies its own rules.
    async fn client(&self, url: &str, fixed: bool) -> Result<reqwest::Client, Refusal> {
        if fixed || self.private {
            return Ok(self.outbound.http.clone());
        }
        let url = Url::parse(url)?;
        if !is_public_host(&url) {
            return Err(Refusal::Private);
        }
        let Some(Host::Domain(name)) = url.host() else { return Ok(self.outbound.http.clone()) };
        let port = url.port_or_known_default().unwrap_or_default();
        let found = timeout(TIMEOUT, tokio::net::lookup_host((name, port))).await;
        let addresses: Vec<SocketAddr> = found.ok().and_then(Result::ok).into_iter().flatten().collect();
        if addresses.iter().any(|address| !is_public(address.ip())) {
            return Err(Refusal::Private);
        }
        Ok(self.outbound.pinned(name, &addresses)?)
    }
}

/// Why a hook is not called.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("its address is private; set sip.private_hooks to allow that")]
    Private,
    #[error("its URL is invalid: {0}")]
    Address(#[from] url::ParseError),
    #[error(transparent)]
    Client(#[from] outbound::Error),
}

async fn send(http: &reqwest::Client, url: &str, secret: &Secret, call: &Call) -> Result<reqwest::StatusCode, String> {
    let body = serde_json::to_string(call).map_err(|error| error.to_string())?;
    let now = jwt::now();
    let request = http.post(url).timeout(TIMEOUT).header("content-type", "application/json");
    let request = request
        .header("x-sayna-signature", format!("v1={}", signature(secret, now, &call.event, &body)))
        .header("x-sayna-signature-version", "v1")
        .header("x-sayna-timestamp", now)
        .header("x-sayna-event-id", &call.event)
        .body(body);
    request.send().await.map(|answer| answer.status()).map_err(|error| error.without_url().to_string())
}

/// Returns the signature that follows `v1=`. It covers the time and the event's id too.
fn signature(secret: &Secret, timestamp: u64, event: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let sum = hmac::sign(&key, format!("v1:{timestamp}:{event}:{body}").as_bytes());
    hex::encode(sum)
}
