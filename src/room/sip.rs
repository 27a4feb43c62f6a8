//! Telephone calls over LiveKit SIP: outgoing calls and transfers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{EntryError, Livekit, ParticipantInfo, TwirpError, named};
use crate::config::{Secret, Sip};

/// The time limit for a SIP request. LiveKit itself gives up after 30 seconds. With a shorter limit here, the state of the call
/// would be unknown.
const TIMEOUT: Duration = Duration::from_secs(35);

/// The SIP host for outgoing calls, with its credentials. Never printed.
#[derive(Serialize)]
pub(crate) struct Trunk<'a> {
    /// A host, optionally with a port.
    hostname: &'a str,
    auth_username: &'a str,
    auth_password: &'a str,
}

impl<'a> Trunk<'a> {
    /// Returns the client's values, or else those of the configuration. Returns none if neither has an address. The password of
    /// the configuration is sent to the configured address only, so a client cannot redirect it to a host of its own.
    pub(crate) fn choose(
        config: &'a Sip,
        address: Option<&'a str>,
        user: Option<&'a str>,
        password: Option<&'a str>,
    ) -> Option<Self> {
        let address = address.map(str::trim).filter(|address| !address.is_empty());
        let (user, password) = if address.is_none() && user.is_none() && password.is_none() {
            (config.outbound_auth_username.as_deref(), config.outbound_auth_password.as_ref().map(Secret::expose))
        } else {
            (user, password)
        };
        Some(Self {
            hostname: address.or(config.outbound_address.as_deref())?,
            auth_username: user.unwrap_or_default(),
            auth_password: password.unwrap_or_default(),
        })
    }
}

/// The request `CreateSIPParticipant` of LiveKit.
#[derive(Serialize)]
pub(crate) struct Dial<'a> {
    pub(crate) room_name: &'a str,
    pub(crate) participant_identity: &'a str,
    pub(crate) participant_name: &'a str,
    /// The calling number.
    pub(crate) sip_number: &'a str,
    /// The called number.
    pub(crate) sip_call_to: &'a str,
    /// Sent with the call, so LiveKit stores nothing of it.
    pub(crate) trunk: Trunk<'a>,
}

/// A call that is ringing.
#[derive(Debug, Deserialize)]
pub(crate) struct Dialled {
    pub(crate) participant_id: String,
    pub(crate) sip_call_id: String,
}

/// The state of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// Still going on when LiveKit's time limit ended.
    Initiated,
    /// Accepted by the other side.
    Completed,
}

impl Livekit {
    /// Calls a number. With a tenant, the room is assigned to the tenant first.
    pub(crate) async fn dial(&self, tenant: Option<&str>, dial: &Dial<'_>) -> Result<Dialled, EntryError> {
        if let Some(tenant) = named(tenant) {
            self.claim(dial.room_name, tenant).await?;
        }
        Ok(self.call(dial.room_name, "SIP/CreateSIPParticipant", TIMEOUT, dial).await?)
    }

    /// Transfers a call. Returns none if the room has no call of this identity.
    pub(crate) async fn transfer(
        &self,
        room: &str,
        identity: &str,
        transfer_to: &str,
    ) -> Result<Option<Transfer>, TwirpError> {
        #[derive(Serialize)]
        struct Request<'a> {
            room_name: &'a str,
            participant_identity: &'a str,
            transfer_to: &'a str,
        }
        #[derive(Deserialize)]
        struct Done {}
        if !self.participant(room, identity).await?.is_some_and(|participant| is_call(&participant)) {
            return Ok(None);
        }
        let request = Request { room_name: room, participant_identity: identity, transfer_to };
        match self.call(room, "SIP/TransferSIPParticipant", TIMEOUT, &request).await {
            Ok(Done {}) => Ok(Some(Transfer::Completed)),
            Err(error) if error.is_late() => Ok(Some(Transfer::Initiated)),
            Err(error) => Err(error),
        }
    }

    /// Transfers the call of a room, the oldest one if there are several. Returns none if the room has no call.
    pub(crate) async fn transfer_first(&self, room: &str, transfer_to: &str) -> Result<Option<Transfer>, TwirpError> {
        let participants = self.participants(room).await?;
        let calls = participants.iter().filter(|participant| is_call(participant));
        let Some(call) = calls.min_by_key(|call| call.joined_at) else { return Ok(None) };
        self.transfer(room, &call.identity, transfer_to).await
    }
}

fn is_call(participant: &ParticipantInfo) -> bool {
    participant.attributes.contains_key("sip.callID")
}

/// Returns a telephone number without the spaces around it, or none if it is not digits with an optional `+` before them.
pub(crate) fn number(text: &str) -> Option<&str> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_number_is_digits_with_an_optional_plus() {
        for good in ["+15551234567", "07123456789", "1234", "0"] {
            assert_eq!(number(&format!(" {good}\t")), Some(good));
        }
        for bad in ["", " ", "+", "++1", "1+", "+1 555", "+1-555", "tel:+1", "sip:a@b", "١٢٣"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
