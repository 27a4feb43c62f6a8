//! The API of a LiveKit server: Twirp, which is JSON by POST.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Livekit, token};
use crate::jwt;

/// How long a call about rooms may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many people a room that is made here takes: a caller, the agent, and one to hand over to. Upstream's number.
const MAX_PARTICIPANTS: u32 = 3;

/// How much of an answer that is none is passed on, in bytes.
const SHOWN: usize = 200;

/// Why the server did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum TwirpError {
    /// No connection, or none that lasted.
    #[error("LiveKit cannot be reached: {0}")]
    Unreachable(String),
    /// It has the call, and has not answered yet.
    #[error("LiveKit does not answer in time")]
    Late,
    /// It said no.
    #[error("LiveKit answered {code}: {message}")]
    Refused {
        /// Twirp's name of the kind.
        code: String,
        /// In the server's words.
        message: String,
    },
    /// It said something that is no Twirp.
    #[error("LiveKit answered {status} with something that cannot be read: {body}")]
    Unreadable {
        /// The status.
        status: u16,
        /// How it begins.
        body: String,
    },
    /// The call was not signed.
    #[error(transparent)]
    Sign(#[from] jwt::Error),
}

impl TwirpError {
    /// Whether what was asked for may still come about.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Late) || matches!(self, Self::Refused { code, .. } if code == "deadline_exceeded")
    }
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    msg: String,
}

/// A room, as clients are told of it too. Protocol buffers leave out what is empty.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Room {
    /// One of its kind, while the room is there.
    sid: String,
    /// Its name.
    pub(crate) name: String,
    /// How many are in it.
    pub(crate) num_participants: u32,
    /// How many may be; 0 is any number.
    max_participants: u32,
    /// Seconds since 1970.
    #[serde(deserialize_with = "long")]
    pub(crate) creation_time: i64,
    /// JSON with the tenant in it, where there is one.
    pub(super) metadata: String,
    /// Whether it is being recorded.
    active_recording: bool,
}

/// Somebody in a room, as clients are told too.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Participant))]
pub(crate) struct ParticipantInfo {
    /// One of its kind, while they are there.
    sid: String,
    /// As in their token.
    pub(super) identity: String,
    /// As in their token.
    name: String,
    /// `JOINING`, `JOINED`, `ACTIVE`, `DISCONNECTED` or `UNKNOWN`.
    #[serde(deserialize_with = "state")]
    state: String,
    /// `STANDARD`, `AGENT`, `SIP`, `EGRESS`, `INGRESS` or `UNKNOWN`.
    #[serde(deserialize_with = "kind")]
    kind: String,
    /// Seconds since 1970.
    #[serde(deserialize_with = "long")]
    pub(super) joined_at: i64,
    /// Anything.
    metadata: String,
    /// Anything, and what LiveKit says of calls.
    pub(super) attributes: BTreeMap<String, String>,
    /// Whether they send audio or video.
    is_publisher: bool,
}

/// A number of 64 bits, which protocol buffers write as text.
fn long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| serde::de::Error::custom("not a number of 64 bits"))
}

/// One of these names; the names of a later LiveKit, which clients do not know, are `UNKNOWN`.
fn known<'de, D: Deserializer<'de>>(names: &[&str], deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok((*names.iter().find(|name| value == **name).unwrap_or(&"UNKNOWN")).to_owned())
}

fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    known(&["JOINING", "JOINED", "ACTIVE", "DISCONNECTED"], deserializer)
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    known(&["STANDARD", "AGENT", "SIP", "EGRESS", "INGRESS"], deserializer)
}

/// An answer that says nothing but that it was done.
#[derive(Deserialize)]
struct Done {}

/// Somebody in a room.
#[derive(Serialize)]
struct Who<'a> {
    room: &'a str,
    identity: &'a str,
}

impl Livekit {
    /// The rooms of these names, or all.
    pub(super) async fn list(&self, names: &[&str]) -> Result<Vec<Room>, TwirpError> {
        #[derive(Serialize)]
        struct Names<'a> {
            names: &'a [&'a str],
        }
        #[derive(Deserialize)]
        struct Rooms {
            #[serde(default)]
            rooms: Vec<Room>,
        }
        let found: Rooms = self.about(names.first().unwrap_or(&""), "ListRooms", &Names { names }).await?;
        Ok(found.rooms)
    }

    pub(super) async fn create(&self, room: &str, metadata: &str) -> Result<Room, TwirpError> {
        #[derive(Serialize)]
        struct Create<'a> {
            name: &'a str,
            max_participants: u32,
            metadata: &'a str,
        }
        self.about(room, "CreateRoom", &Create { name: room, max_participants: MAX_PARTICIPANTS, metadata }).await
    }

    pub(super) async fn mark(&self, room: &str, metadata: &str) -> Result<Room, TwirpError> {
        #[derive(Serialize)]
        struct Update<'a> {
            room: &'a str,
            metadata: &'a str,
        }
        self.about(room, "UpdateRoomMetadata", &Update { room, metadata }).await
    }

    /// Who is in a room.
    pub(crate) async fn participants(&self, room: &str) -> Result<Vec<ParticipantInfo>, TwirpError> {
        #[derive(Serialize)]
        struct Of<'a> {
            room: &'a str,
        }
        #[derive(Deserialize)]
        struct Participants {
            #[serde(default)]
            participants: Vec<ParticipantInfo>,
        }
        let found: Participants = self.about(room, "ListParticipants", &Of { room }).await?;
        Ok(found.participants)
    }

    /// Somebody in a room, if they are there.
    pub(super) async fn participant(&self, room: &str, identity: &str) -> Result<Option<ParticipantInfo>, TwirpError> {
        there(self.about(room, "GetParticipant", &Who { room, identity }).await)
    }

    /// Sends somebody out; whether they were there.
    pub(super) async fn expel(&self, room: &str, identity: &str) -> Result<bool, TwirpError> {
        let done: Option<Done> = there(self.about(room, "RemoveParticipant", &Who { room, identity }).await)?;
        Ok(done.is_some())
    }

    /// Mutes a track, or the reverse; whether it was there.
    pub(super) async fn silence(&self, room: &str, who: &str, track: &str, muted: bool) -> Result<bool, TwirpError> {
        #[derive(Serialize)]
        struct Mute<'a> {
            room: &'a str,
            identity: &'a str,
            track_sid: &'a str,
            muted: bool,
        }
        // Of a track that is not there LiveKit says that it is done, and shows none.
        #[derive(Deserialize)]
        struct Muted {
            track: Option<serde::de::IgnoredAny>,
        }
        let mute = Mute { room, identity: who, track_sid: track, muted };
        let done: Option<Muted> = there(self.about(room, "MutePublishedTrack", &mute).await)?;
        Ok(done.is_some_and(|done| done.track.is_some()))
    }

    async fn about<T: DeserializeOwned>(
        &self,
        room: &str,
        method: &str,
        body: &impl Serialize,
    ) -> Result<T, TwirpError> {
        self.call(room, &format!("RoomService/{method}"), TIMEOUT, body).await
    }

    /// One call; `method` has its service before it.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        room: &str,
        method: &str,
        timeout: Duration,
        body: &impl Serialize,
    ) -> Result<T, TwirpError> {
        let token = token::administrator(&self.api_key, &self.secret, room, method.starts_with("SIP/"))?;
        let url = format!("{}/twirp/livekit.{method}", self.api);
        let request = self.http.post(url).bearer_auth(token).timeout(timeout).json(body);
        let unreachable = |error: reqwest::Error| {
            let late = error.is_timeout() && !error.is_connect();
            if late { TwirpError::Late } else { TwirpError::Unreachable(error.to_string()) }
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let unreadable = || TwirpError::Unreadable {
            status: status.as_u16(),
            body: String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(&body)).into_owned(),
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| unreadable());
        }
        let refusal: Refusal = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        Err(TwirpError::Refused { code: refusal.code, message: refusal.msg })
    }
}

/// None where the server says that there is no such thing.
fn there<T>(answer: Result<T, TwirpError>) -> Result<Option<T>, TwirpError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(TwirpError::Refused { code, .. }) if code == "not_found" => Ok(None),
        Err(error) => Err(error),
    }
}
