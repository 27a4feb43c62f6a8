//! The server API of LiveKit: Twirp, which is JSON over HTTP POST (`RoomService` and `SIP`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Livekit, token};
use crate::jwt;

/// The time limit for a call of `RoomService`.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The limit of participants in a room that is created here: a caller, the agent, and one more for a transfer. Upstream's value.
const MAX_PARTICIPANTS: u32 = 3;

/// The length at which an unreadable answer is cut in an error, in bytes.
const SHOWN: usize = 200;

/// Why an API call failed.
#[derive(Debug, thiserror::Error)]
pub enum TwirpError {
    /// The connection failed or was lost.
    #[error("LiveKit cannot be reached: {0}")]
    Unreachable(String),
    /// LiveKit has received the call and did not answer in time. The call may still succeed.
    #[error("LiveKit did not answer in time")]
    Late,
    /// LiveKit returned an error.
    #[error("LiveKit answered {code}: {message}")]
    Refused {
        /// The error code of Twirp, such as `not_found`.
        code: String,
        /// LiveKit's own text.
        message: String,
    },
    /// The answer is not one of Twirp.
    #[error("LiveKit answered {status} with an unreadable body: {body}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body, at most 200 bytes.
        body: String,
    },
    /// The token could not be signed.
    #[error(transparent)]
    Sign(#[from] jwt::Error),
}

impl TwirpError {
    /// Returns whether the call may still succeed.
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

/// A LiveKit room, as clients receive it too. Protocol buffers omit empty fields.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Room {
    /// The id that LiveKit gives the room, unique while it exists.
    sid: String,
    /// The name.
    pub(crate) name: String,
    /// The number of participants.
    pub(crate) num_participants: u32,
    /// The limit of participants. 0 is no limit.
    max_participants: u32,
    /// The time of its creation, in seconds since 1970.
    #[serde(deserialize_with = "long")]
    pub(crate) creation_time: i64,
    /// The metadata: a JSON object with the tenant as `auth_id`, if there is one.
    pub(super) metadata: String,
    /// Whether LiveKit records the room.
    active_recording: bool,
}

/// A participant of a room, as clients receive it too.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Participant))]
pub(crate) struct ParticipantInfo {
    /// The id that LiveKit gives the participant, unique while they are in the room.
    sid: String,
    /// The identity from their token.
    pub(super) identity: String,
    /// The name from their token.
    name: String,
    /// The state: `JOINING`, `JOINED`, `ACTIVE`, `DISCONNECTED` or `UNKNOWN`.
    #[serde(deserialize_with = "state")]
    state: String,
    /// The kind: `STANDARD`, `AGENT`, `SIP`, `EGRESS`, `INGRESS` or `UNKNOWN`.
    #[serde(deserialize_with = "kind")]
    kind: String,
    /// The time at which they joined, in seconds since 1970.
    #[serde(deserialize_with = "long")]
    pub(super) joined_at: i64,
    /// The metadata from their token, any text.
    metadata: String,
    /// The attributes from their token. For calls, LiveKit adds attributes that begin with `sip.`.
    pub(super) attributes: BTreeMap<String, String>,
    /// Whether they publish a track.
    is_publisher: bool,
}

/// Parses a number of 64 bits, which protocol buffers write as a text.
fn long<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| serde::de::Error::custom("not a number of 64 bits"))
}

/// Parses one of these names. Names of a later LiveKit become `UNKNOWN`, because clients do not know them.
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

/// An answer without fields.
#[derive(Deserialize)]
struct Done {}

/// Names a participant of a room.
#[derive(Serialize)]
struct Who<'a> {
    room: &'a str,
    identity: &'a str,
}

impl Livekit {
    /// Returns the rooms with these names, or all rooms.
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

    /// Returns the participants of a room.
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

    /// Returns a participant of a room, if there is one of this identity.
    pub(super) async fn participant(&self, room: &str, identity: &str) -> Result<Option<ParticipantInfo>, TwirpError> {
        there(self.about(room, "GetParticipant", &Who { room, identity }).await)
    }

    /// Removes a participant. Returns false if there is none of this identity.
    pub(super) async fn expel(&self, room: &str, identity: &str) -> Result<bool, TwirpError> {
        let done: Option<Done> = there(self.about(room, "RemoveParticipant", &Who { room, identity }).await)?;
        Ok(done.is_some())
    }

    /// Mutes or unmutes a track. Returns false if there is no such track.
    pub(super) async fn silence(&self, room: &str, who: &str, track: &str, muted: bool) -> Result<bool, TwirpError> {
        #[derive(Serialize)]
        struct Mute<'a> {
            room: &'a str,
            identity: &'a str,
            track_sid: &'a str,
            muted: bool,
        }
        // For an unknown track LiveKit answers with success and without a track.
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

    /// Sends one call. `method` includes its service, such as `SIP/CreateSIPParticipant`.
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

/// Turns the error `not_found` into none.
fn there<T>(answer: Result<T, TwirpError>) -> Result<Option<T>, TwirpError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(TwirpError::Refused { code, .. }) if code == "not_found" => Ok(None),
        Err(error) => Err(error),
    }
}
