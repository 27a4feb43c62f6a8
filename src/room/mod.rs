//! LiveKit: tokens for participants, the server's own calls, telephone calls, its webhook, and sessions in rooms.

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

/// A `LiveKit` server and the keys to it.
#[derive(Debug)]
pub(crate) struct Livekit {
    http: reqwest::Client,
    /// Where its API is.
    api: String,
    /// What clients are told.
    pub(crate) public_url: String,
    api_key: String,
    secret: Key,
    /// Which of its calls were passed on.
    passed_on: webhook::PassedOn,
}

/// Why nobody gets into a room.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The room is another tenant's.
    #[error("the room belongs to another tenant")]
    Foreign,
    /// The server did not do as asked.
    #[error(transparent)]
    Twirp(#[from] TwirpError),
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] jwt::Error),
}

impl Livekit {
    /// None where the configuration has no keys.
    pub(crate) fn new(config: &Config, outbound: &Outbound) -> Option<Self> {
        let config::Livekit { url, public_url, api_key, api_secret } = &config.livekit;
        let (api_key, secret) = (api_key.clone()?, Key::hmac(api_secret.as_ref()?.expose()));
        // The API is spoken where the media server listens.
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

    /// A token for a participant. With a tenant, the room is made where it is not there, and marked as the tenant's
    /// before anybody can join it.
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

    /// The tenant's rooms; all of them, where nobody has to say who they are.
    pub(crate) async fn rooms(&self, tenant: Option<&str>) -> Result<Vec<Room>, TwirpError> {
        let rooms = self.list(&[]).await?.into_iter();
        Ok(rooms.filter(|room| named(tenant).is_none_or(|tenant| is_of(room, tenant))).collect())
    }

    /// The room of this name, if it is there and the tenant's.
    pub(crate) async fn room(&self, tenant: Option<&str>, name: &str) -> Result<Option<Room>, TwirpError> {
        let mut rooms = self.list(&[name]).await?.into_iter();
        Ok(rooms.find(|room| named(tenant).is_none_or(|tenant| is_of(room, tenant))))
    }

    /// Sends somebody out of a room of the tenant; whether they were there.
    pub(crate) async fn remove(&self, tenant: Option<&str>, room: &str, identity: &str) -> Result<bool, TwirpError> {
        Ok(self.room(tenant, room).await?.is_some() && self.expel(room, identity).await?)
    }

    /// Mutes a track in a room of the tenant, or the reverse; whether it was there.
    pub(crate) async fn mute(
        &self,
        tenant: Option<&str>,
        room: &str,
        identity: &str,
        track: &str,
        muted: bool,
    ) -> Result<bool, TwirpError> {
        // Of somebody who is not there, LiveKit would wait to hear about the track, and then say "unavailable".
        Ok(self.room(tenant, room).await?.is_some()
            && self.participant(room, identity).await?.is_some()
            && self.silence(room, identity, track, muted).await?)
    }

    /// Makes a room the tenant's, if it is there and nobody's. Nobody is a tenant too.
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

    /// Makes sure that the room is there and the tenant's.
    async fn claim(&self, room: &str, tenant: &str) -> Result<(), EntryError> {
        let there = self.list(&[room]).await?.into_iter().next();
        let metadata = there.as_ref().map(|room| room.metadata.as_str()).unwrap_or_default();
        match owner(metadata) {
            Some(owner) if owner != tenant => return Err(EntryError::Foreign),
            Some(_) => return Ok(()),
            None => {}
        }
        if there.is_none() {
            // Another request may be doing the same: the server keeps one room of a name, and the metadata that it had.
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

/// The tenant, if it has a name.
fn named(tenant: Option<&str>) -> Option<&str> {
    tenant.filter(|tenant| !tenant.trim().is_empty())
}

fn is_of(room: &Room, tenant: &str) -> bool {
    owner(&room.metadata).is_some_and(|owner| owner == tenant)
}

/// The tenant that a room's metadata names.
fn owner(metadata: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(metadata).ok()?;
    value.get("auth_id")?.as_str().filter(|id| !id.trim().is_empty()).map(str::to_owned)
}

/// The metadata with the tenant in it; what else is there is kept, if it is an object.
fn owned(metadata: &str, tenant: &str) -> String {
    let mut fields: serde_json::Map<_, _> = serde_json::from_str(metadata).unwrap_or_default();
    fields.insert("auth_id".to_owned(), tenant.into());
    serde_json::Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_names_the_tenant_and_keeps_the_rest() {
        assert_eq!(owner(&owned("", "a")).as_deref(), Some("a"));
        assert_eq!(owned(r#"{"x":1}"#, "a"), r#"{"auth_id":"a","x":1}"#);
        for none in ["", "text", "[]", "{}", r#"{"auth_id":1}"#, r#"{"auth_id":" "}"#] {
            assert_eq!(owner(none), None, "{none}");
        }
    }
}
