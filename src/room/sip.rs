//! Telephone calls by LiveKit's SIP: out to a number, and on to another one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{EntryError, Livekit, ParticipantInfo, TwirpError, named};
use crate::config::{Secret, Sip};

/// How long LiveKit may take: by itself it gives up after 30 seconds, and a call that is given up here before would be in
/// a state that nobody knows.
const TIMEOUT: Duration = Duration::from_secs(35);

/// Where calls go out, and as whom: not to be printed.
#[derive(Serialize)]
pub(crate) struct Trunk<'a> {
    /// A host, perhaps with a port.
    hostname: &'a str,
    auth_username: &'a str,
    auth_password: &'a str,
}

impl<'a> Trunk<'a> {
    /// As the client says, else as the configuration does; none where neither says where. The configuration's password goes
    /// to the configuration's address only, as a client could otherwise have it sent to itself.
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

/// A call to be made, in LiveKit's words.
#[derive(Serialize)]
pub(crate) struct Dial<'a> {
    pub(crate) room_name: &'a str,
    pub(crate) participant_identity: &'a str,
    pub(crate) participant_name: &'a str,
    /// The number that calls.
    pub(crate) sip_number: &'a str,
    /// The number that is called.
    pub(crate) sip_call_to: &'a str,
    /// Given with the call: nothing of it stays in LiveKit.
    pub(crate) trunk: Trunk<'a>,
}

/// A call that is being made.
#[derive(Debug, Deserialize)]
pub(crate) struct Dialled {
    pub(crate) participant_id: String,
    pub(crate) sip_call_id: String,
}

/// What has become of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// It takes longer than LiveKit waits.
    Initiated,
    /// The other side has taken it.
    Completed,
}

impl Livekit {
    /// Calls a number. With a tenant, the room becomes the tenant's before.
    pub(crate) async fn dial(&self, tenant: Option<&str>, dial: &Dial<'_>) -> Result<Dialled, EntryError> {
        if let Some(tenant) = named(tenant) {
            self.claim(dial.room_name, tenant).await?;
        }
        Ok(self.call(dial.room_name, "SIP/CreateSIPParticipant", TIMEOUT, dial).await?)
    }

    /// Hands a call on; none where nobody of this identity is in the room by telephone.
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

    /// Hands on the call of a room, the first if there are several; none where nobody is there by telephone.
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

/// A telephone number without what people put around it; none where there is anything else in it.
pub(crate) fn number(text: &str) -> Option<&str> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_after_one_plus() {
        for good in ["+15551234567", "07123456789", "1234", "0"] {
            assert_eq!(number(&format!(" {good}\t")), Some(good));
        }
        for bad in ["", " ", "+", "++1", "1+", "+1 555", "+1-555", "tel:+1", "sip:a@b", "١٢٣"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
