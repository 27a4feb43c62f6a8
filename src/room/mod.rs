//! LiveKit: access tokens, the server API (Twirp), telephone calls (SIP), webhooks in both directions, and sessions in rooms.
//!
//! `Livekit` is the client of the API and signs tokens. `Hooks` are the webhooks that this server calls. `Connection` is a
//! session's place in a room.

mod hooks;
mod media;
mod notify;
mod public;
mod sip;
mod token;
mod twirp;
mod webhook;

use crate::config::{self, Config};
use crate::jwt::{self, Key};
use crate::outbound::Outbound;

pub use hooks::{FileError, HooksError};
pub(crate) use hooks::{Hooks, List};
pub(crate) use media::{AudioFormats, Connection, JoinRequest, Packet, Rooms};
pub use media::{ClipError, JoinError, LoadingAudio, Participant, RoomEvent, RoomWakeup};
pub(crate) use sip::{Dial, Transfer, Trunk, number};
pub use twirp::TwirpError;
pub(crate) use twirp::{ParticipantInfo, Room};
pub use webhook::WebhookError;

/// The client of one `LiveKit` server, with its API key. Built once at the start, shared by all requests and sessions.
#[derive(Debug)]
pub(crate) struct Livekit {
    http: reqwest::Client,
    /// The base URL of the API, with the scheme http or https.
    api: String,
    /// `livekit.public_url`, which clients receive.
    pub(crate) public_url: String,
    api_key: String,
    secret: Key,
    /// Calls that were passed on to a hook.
    passed_on: webhook::PassedOn,
}

/// Why a room cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The room belongs to another tenant.
    #[error("the room belongs to another tenant")]
    Foreign,
    /// The API returned an error, or no answer.
    #[error(transparent)]
    Twirp(#[from] TwirpError),
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] jwt::Error),
}

impl Livekit {
    /// Returns none if the configuration has no API key.
    pub(crate) fn new(config: &Config, outbound: &Outbound) -> Option<Self> {
        let config::Livekit { url, public_url, api_key, api_secret } = &config.livekit;
        let (api_key, secret) = (api_key.clone()?, Key::hmac(api_secret.as_ref()?.expose()));
        // The API has the address of the media server.
        let api = url.strip_prefix("ws").map_or_else(|| url.clone(), |rest| format!("http{rest}"));
        Some(Self {
            http: outbound.http.clone(),
            api,
            public_url: public_url.clone(),
            api_key,
            secret,
            passed_on: webhook::PassedOn::default(),
        })
    }

    /// Returns an access token for a participant. With a tenant, the room is created if necessary, and its metadata names the
    /// tenant before a participant can join.
    pub(crate) async fn participant_token(
        &self,
        tenant: Option<&str>,
        room: &str,
        identity: &str,
        name: &str,
    ) -> Result<String, EntryError> {
        if let Some(tenant) = named(tenant) {
            self.claim(room, tenant).await?;
        }
        Ok(token::participant(&self.api_key, &self.secret, room, identity, name)?)
    }

    /// Returns the tenant's rooms, or all rooms if there are no tenants.
    pub(crate) async fn rooms(&self, tenant: Option<&str>) -> Result<Vec<Room>, TwirpError> {
        let rooms = self.list(&[]).await?.into_iter();
        Ok(rooms.filter(|room| named(tenant).is_none_or(|tenant| is_of(room, tenant))).collect())
    }

    /// Returns the room of this name if it exists and belongs to the tenant.
    pub(crate) async fn room(&self, tenant: Option<&str>, name: &str) -> Result<Option<Room>, TwirpError> {
        let mut rooms = self.list(&[name]).await?.into_iter();
        Ok(rooms.find(|room| named(tenant).is_none_or(|tenant| is_of(room, tenant))))
    }

    /// Removes a participant from a room of the tenant. Returns false if there is no such participant.
    pub(crate) async fn remove(&self, tenant: Option<&str>, room: &str, identity: &str) -> Result<bool, TwirpError> {
        Ok(self.room(tenant, room).await?.is_some() && self.expel(room, identity).await?)
    }

    /// Mutes or unmutes a track in a room of the tenant. Returns false if there is no such track.
    pub(crate) async fn mute(
        &self,
        tenant: Option<&str>,
        room: &str,
        identity: &str,
        track: &str,
        muted: bool,
    ) -> Result<bool, TwirpError> {
        // For an unknown participant LiveKit waits for the track and then returns "unavailable".
        Ok(self.room(tenant, room).await?.is_some()
            && self.participant(room, identity).await?.is_some()
            && self.silence(room, identity, track, muted).await?)
    }

    /// Assigns an existing room without a tenant to this one. An empty name is no tenant.
    async fn give(&self, room: &str, tenant: &str) -> Result<(), EntryError> {
        let (Some(tenant), Some(there)) = (named(Some(tenant)), self.list(&[room]).await?.into_iter().next()) else {
            return Ok(());
        };
        match owner(&there.metadata) {
            Some(owner) if owner != tenant => Err(EntryError::Foreign),
            Some(_) => Ok(()),
            None => Ok(self.mark(room, &owned(&there.metadata, tenant)).await.map(|_| ())?),
        }
    }

    /// Creates the room if necessary, and assigns it to the tenant.
    async fn claim(&self, room: &str, tenant: &str) -> Result<(), EntryError> {
        let there = self.list(&[room]).await?.into_iter().next();
        let metadata = there.as_ref().map(|room| room.metadata.as_str()).unwrap_or_default();
        match owner(metadata) {
            Some(owner) if owner != tenant => return Err(EntryError::Foreign),
            Some(_) => return Ok(()),
            None => {}
        }
        if there.is_none() {
            // A concurrent request may create the same room. LiveKit keeps the first one with its metadata.
            let made = self.create(room, &owned(metadata, tenant)).await?;
            match owner(&made.metadata) {
                Some(owner) if owner != tenant => return Err(EntryError::Foreign),
                Some(_) => return Ok(()),
                None => {}
            }
        }
        self.mark(room, &owned(metadata, tenant)).await?;
        Ok(())
    }
}

/// Returns the tenant unless its name is blank.
fn named(tenant: Option<&str>) -> Option<&str> {
    tenant.filter(|tenant| !tenant.trim().is_empty())
}

fn is_of(room: &Room, tenant: &str) -> bool {
    owner(&room.metadata).is_some_and(|owner| owner == tenant)
}

/// Returns the tenant that a room's metadata names.
fn owner(metadata: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(metadata).ok()?;
    value.get("auth_id")?.as_str().filter(|id| !id.trim().is_empty()).map(str::to_owned)
}

/// Returns the metadata with the tenant in it. Other fields are kept if the metadata is a JSON object.
fn owned(metadata: &str, tenant: &str) -> String {
    let mut fields: serde_json::Map<_, _> = serde_json::from_str(metadata).unwrap_or_default();
    fields.insert("auth_id".to_owned(), tenant.into());
    serde_json::Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_metadata_names_the_tenant_and_keeps_other_fields() {
        assert_eq!(owner(&owned("", "a")).as_deref(), Some("a"));
        assert_eq!(owned(r#"{"x":1}"#, "a"), r#"{"auth_id":"a","x":1}"#);
        for none in ["", "text", "[]", "{}", r#"{"auth_id":1}"#, r#"{"auth_id":" "}"#] {
            assert_eq!(owner(none), None, "{none}");
        }
    }
}
