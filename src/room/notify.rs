//! Passing news of a call on to the hook of the host that was called, signed so that it can tell whose they are.

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

/// How long a hook may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Hooks {
    /// Gives the room of a call to the hook's tenant, and then tells the hook. Nobody waits for this, so what goes wrong
    /// is logged; but never where the hook is or who calls, which are others' secrets.
    pub(crate) async fn notify(&self, livekit: &Livekit, mut call: Call) {
        let (host, room) = (call.sip_host.clone(), call.room.name.clone());
        let Some(Target { url, auth_id, secret, fixed }) = self.find(&host) else {
            debug!(host, room, "nobody is told of calls to this host");
            return;
        };
        let Some(secret) = secret else {
            warn!(host, room, "the hook is not told: there is no sip.hook_secret to sign with");
            return;
        };
        match livekit.give(&room, &auth_id).await {
            Ok(()) => {}
            Err(EntryError::Foreign) => {
                warn!(host, room, "the hook is not told: the room is another tenant's");
                return;
            }
            // The call is there all the same, and somebody should answer it.
            Err(error) => warn!(host, room, %error, "the room of a call could not be given to the hook's tenant"),
        }
        call.room_prefix.clone_from(&self.room_prefix);
        let client = match self.client(&url, fixed).await {
            Ok(client) => client,
            Err(refusal) => {
                warn!(host, room, "the hook is not told: {refusal}");
                return;
            }
        };
        match send(&client, &url, &secret, &call).await {
            Ok(status) if status.is_success() => debug!(host, room, "the hook was told of a call"),
            Ok(status) => warn!(host, room, %status, "the hook did not take the news of a call"),
            Err(error) => warn!(host, room, error, "the hook could not be told of a call"),
        }
    }

    /// The HTTP client for this hook. A hook that a client has added is asked at public addresses alone, unless the operator
    /// allows others. Its name is looked up once: a second answer of DNS may differ from the one that was checked. Behind a
    /// proxy the proxy looks names up, and its rules count.
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

/// Why a hook is not asked.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("its address is a private one; sip.private_hooks allows that")]
    Private,
    #[error("its address cannot be read: {0}")]
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

/// What stands after `v1=`: over the time and the event too, so that neither can be changed.
fn signature(secret: &Secret, timestamp: u64, event: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let sum = hmac::sign(&key, format!("v1:{timestamp}:{event}:{body}").as_bytes());
    hex::encode(sum)
}
