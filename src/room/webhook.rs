//! LiveKit's webhook: the signature of a request, its event, and the telephone call that it may announce.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lru::LruCache;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::Livekit;
use crate::config::sip_host;
use crate::jwt;

/// The tolerated difference between LiveKit's clock and this machine's, in seconds.
const LEEWAY: u64 = 60;

/// The number of calls that are remembered, so that each is passed on once. LiveKit's tokens are valid for five minutes, so the
/// limit suffices for a call every 20 ms.
const REMEMBERED: usize = 16 * 1024;

/// The length limit of an event's id, in bytes. The ids of LiveKit have 15.
const LONGEST_ID: usize = 256;

/// Why a webhook request is rejected.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The signature is of another key, has expired, or belongs to another body.
    #[error("Invalid webhook signature")]
    Signature,
    /// The request is signed, but its body cannot be parsed.
    #[error("Invalid webhook body: {0}")]
    Body(String),
}

/// The claims of the token, with the digest of the body.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    sha256: String,
}

/// An event of LiveKit, whose signature is valid. Protocol buffers omit empty fields.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookEvent {
    /// The kind, such as `participant_joined`.
    pub(crate) event: String,
    /// The id of the event.
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) room: WebhookRoom,
    #[serde(default)]
    participant: WebhookParticipant,
    /// Identifies a repetition: the digest of the id, or of the body if there is no id.
    #[serde(skip)]
    key: Vec<u8>,
}

/// A room, in LiveKit's event and in the request to a hook.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct WebhookRoom {
    pub(crate) name: String,
    sid: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WebhookParticipant {
    name: String,
    identity: String,
    sid: String,
    attributes: BTreeMap<String, String>,
}

/// An incoming call: the body of the request to a hook.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    participant: Participant,
    pub(super) room: WebhookRoom,
    from_phone_number: String,
    to_phone_number: String,
    /// `sip.room_prefix`, set by [`super::Hooks::notify`].
    pub(super) room_prefix: String,
    pub(super) sip_host: String,
    sip_headers: BTreeMap<String, String>,
    /// The id of the event, for the header `x-sayna-event-id`.
    #[serde(skip)]
    pub(super) event: String,
    /// Identifies a repetition.
    #[serde(skip)]
    key: Vec<u8>,
}

/// The latest calls. LiveKit repeats an event if it receives no answer, and an intercepted request can be replayed while its
/// token is valid.
#[derive(Debug)]
pub(super) struct PassedOn(Mutex<LruCache<Vec<u8>, ()>>);

impl Default for PassedOn {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }
}

#[derive(Debug, Serialize)]
struct Participant {
    name: Option<String>,
    identity: String,
    sid: String,
}

impl Livekit {
    /// Checks a webhook request and returns its event. The API key must have signed the token, the token must be valid now, and
    /// it must hold the digest of this body. The body is parsed only after that.
    pub(crate) fn webhook_event(&self, token: &str, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        let claims: Claims = self.secret.claims(token).ok_or(WebhookError::Signature)?;
        let now = jwt::now();
        let current = claims.exp.saturating_add(LEEWAY) >= now && claims.nbf <= now.saturating_add(LEEWAY);
        let whole = STANDARD.decode(&claims.sha256).is_ok_and(|sum| sum == digest(&SHA256, body).as_ref());
        if !(claims.iss == self.api_key && current && whole) {
            return Err(WebhookError::Signature);
        }
        let text = std::str::from_utf8(body).map_err(|error| WebhookError::Body(error.to_string()))?;
        let mut event: WebhookEvent =
            serde_json::from_str(text).map_err(|error| WebhookError::Body(error.to_string()))?;
        // It goes into a header of the hook.
        if !event.id.bytes().all(|byte| byte.is_ascii_graphic()) || event.id.len() > LONGEST_ID {
            return Err(WebhookError::Body(format!(
                "the id must be at most {LONGEST_ID} ASCII characters without spaces"
            )));
        }
        let known_by = if event.id.is_empty() { body } else { event.id.as_bytes() };
        event.key = digest(&SHA256, known_by).as_ref().to_vec();
        Ok(event)
    }

    /// Returns whether a call is new, and remembers it.
    pub(crate) fn is_first(&self, call: &Call) -> bool {
        let mut passed_on = self.passed_on.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A repetition does not refresh the entry, so the oldest call is removed first.
        if passed_on.contains(&call.key) {
            return false;
        }
        passed_on.put(call.key.clone(), ());
        if passed_on.len() > REMEMBERED {
            passed_on.pop_lru();
        }
        true
    }
}

impl WebhookEvent {
    /// Returns the call if a participant has joined by telephone and LiveKit names the SIP host that was called.
    pub(crate) fn call(self) -> Option<Call> {
        let Self { event, id, room, participant: WebhookParticipant { name, identity, sid, mut attributes }, key } =
            self;
        if event != "participant_joined" {
            return None;
        }
        let called = |name: &str| host(attributes.get(name)?);
        let sip_host = called("sip.h.x-to-ip").or_else(|| called("sip.h.to"))?;
        // A trunk may hide numbers. They are empty then.
        let from_phone_number = attributes.remove("sip.phoneNumber").unwrap_or_default();
        let to_phone_number = attributes.remove("sip.trunkPhoneNumber").unwrap_or_default();
        let header = |(name, value): (String, String)| Some((name.strip_prefix("sip.h.")?.to_owned(), value));
        Some(Call {
            participant: Participant { name: Some(name).filter(|name| !name.is_empty()), identity, sid },
            room,
            from_phone_number,
            to_phone_number,
            room_prefix: String::new(),
            sip_host,
            sip_headers: attributes.into_iter().filter_map(header).collect(),
            event: id,
            key,
        })
    }
}

/// Returns the host in a SIP header, in lower case: of `"A" <sip:1@b.example:5060;x=y>;tag=z` it is `b.example`.
fn host(header: &str) -> Option<String> {
    let address = header.rsplit_once('<').map_or(header, |(_, rest)| rest);
    let address = address.split('>').next()?.trim();
    let address = match address.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") => rest,
        _ => address,
    };
    let address = address.rsplit_once('@').map_or(address, |(_, host)| host);
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => address.split([':', ';', '?', ',', ' ']).next()?,
    };
    sip_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_header_yields_its_host() {
        for (header, expected) in [
            ("sip.example", "sip.example"),
            ("SIP.Example:5060", "sip.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("<sip:+15551234567@sip.example>", "sip.example"),
            (r#""A <b@c>" <sips:1@Sip.Example:5061;transport=tls>;tag=x"#, "sip.example"),
            ("sip:1@sip.example;user=phone", "sip.example"),
            ("sip:sip.example", "sip.example"),
            ("<sip:1@[2001:db8::1]:5060>", "2001:db8::1"),
            ("<sip:1@sip.example.:5060>", "sip.example"),
        ] {
            assert_eq!(host(header).as_deref(), Some(expected), "{header}");
        }
        for nothing in ["", " ", "<>", "<sip:>", "sip:1@", "<sip:1@:5060>", "[]"] {
            assert_eq!(host(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn webhook_event_is_a_call_only_if_a_sip_participant_joins() {
        let parse = |event: &str, attributes: &str| -> WebhookEvent {
            let text = format!(r#"{{"event":"{event}","participant":{{"attributes":{attributes}}}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        let call = r#"{"sip.h.to":"<sip:1@other.example>","sip.h.x-to-ip":"sip.example","sip.phoneNumber":"+1"}"#;
        let parsed = parse("participant_joined", call).call().unwrap();
        assert_eq!((parsed.sip_host.as_str(), parsed.from_phone_number.as_str()), ("sip.example", "+1"));
        assert_eq!(parsed.sip_headers.keys().collect::<Vec<_>>(), ["to", "x-to-ip"]);
        assert!(parse("participant_left", call).call().is_none());
        for none in ["{}", r#"{"sip.phoneNumber":"+1"}"#, r#"{"sip.h.to":"<sip:>"}"#] {
            assert!(parse("participant_joined", none).call().is_none(), "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_sip_header_has_a_host_or_none(header in "\\PC*|[<>:@;\\[\\]a.]{0,20}") {
            host(&header);
        }
    }
}
