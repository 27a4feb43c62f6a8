//! What a LiveKit server tells of itself (its webhook): whether it is its own word, and what of it is a call.

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

/// How far its clock may be from ours, in seconds.
const LEEWAY: u64 = 60;

/// How many calls are remembered, so that each is passed on once. LiveKit's tokens are good for five minutes: a call would have to
/// come in every 20 ms for one of them to be forgotten before its token is.
const REMEMBERED: usize = 16 * 1024;

/// The longest id of an event, in bytes. Those of LiveKit have 15.
const LONGEST_ID: usize = 256;

/// Why a webhook request is rejected.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Somebody else's word, an old one, or one about other bytes.
    #[error("Invalid webhook signature")]
    Signature,
    /// Signed, but nothing that can be read.
    #[error("Invalid webhook body: {0}")]
    Body(String),
}

/// What the token says of the body that it came with.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    sha256: String,
}

/// One event. Protocol buffers leave out what is empty.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookEvent {
    /// What happened.
    pub(crate) event: String,
    /// One of its kind.
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) room: WebhookRoom,
    #[serde(default)]
    participant: WebhookParticipant,
    /// By which it is known again: the digest of its id, or of the whole where it has none.
    #[serde(skip)]
    key: Vec<u8>,
}

/// A room, as hooks are told.
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

/// A call that came in, as hooks are told.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    participant: Participant,
    pub(super) room: WebhookRoom,
    from_phone_number: String,
    to_phone_number: String,
    /// `sip.room_prefix`; whoever passes it on knows.
    pub(super) room_prefix: String,
    pub(super) sip_host: String,
    sip_headers: BTreeMap<String, String>,
    /// The id of the event, which goes into a header.
    #[serde(skip)]
    pub(super) event: String,
    /// By which it is known again.
    #[serde(skip)]
    key: Vec<u8>,
}

/// The calls that have come in lately. LiveKit repeats an event whose answer it did not get, and what was overheard on the
/// way can be sent again for as long as its token is good.
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
    /// What the server says, if it is the server who says it: its key has signed a token, for now, with the digest of
    /// just this body. Nothing of a body is looked at before.
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
                "an id of up to {LONGEST_ID} ASCII characters without blanks is expected"
            )));
        }
        let known_by = if event.id.is_empty() { body } else { event.id.as_bytes() };
        event.key = digest(&SHA256, known_by).as_ref().to_vec();
        Ok(event)
    }

    /// Whether a call comes for the first time.
    pub(crate) fn is_first(&self, call: &Call) -> bool {
        let mut passed_on = self.passed_on.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Not refreshed by a repetition: what goes first is what came first.
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
    /// The call, if that is what has come: somebody joined a room by telephone, and LiveKit says which host was called.
    pub(crate) fn call(self) -> Option<Call> {
        let Self { event, id, room, participant: WebhookParticipant { name, identity, sid, mut attributes }, key } =
            self;
        if event != "participant_joined" {
            return None;
        }
        let called = |name: &str| host(attributes.get(name)?);
        let sip_host = called("sip.h.x-to-ip").or_else(|| called("sip.h.to"))?;
        // A trunk may keep numbers to itself: then they are empty.
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

/// The host in a SIP header, in lower case: of `"A" <sip:1@b.example:5060;x=y>;tag=z` it is `b.example`.
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
    fn the_host_of_a_header_is_found() {
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
    fn only_a_call_that_joins_is_one() {
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
        fn any_header_has_a_host_or_none(header in "\\PC*|[<>:@;\\[\\]a.]{0,20}") {
            host(&header);
        }
    }
}
