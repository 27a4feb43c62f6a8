//! The API of a LiveKit server: Twirp, which is JSON by POST.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Livekit, token};
use crate::jwt;

/// How long a call may take.
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

#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    msg: String,
}

/// A room, as far as anybody here asks. Protocol buffers leave out what is empty.
#[derive(Debug, Deserialize)]
pub(super) struct Room {
    #[serde(default)]
    pub(super) metadata: String,
}

#[derive(Deserialize)]
struct Rooms {
    #[serde(default)]
    rooms: Vec<Room>,
}

impl Livekit {
    /// The room of this name, if there is one.
    pub(super) async fn find(&self, room: &str) -> Result<Option<Room>, TwirpError> {
        #[derive(Serialize)]
        struct Names<'a> {
            names: [&'a str; 1],
        }
        let found: Rooms = self.call(room, "ListRooms", &Names { names: [room] }).await?;
        Ok(found.rooms.into_iter().next())
    }

    pub(super) async fn create(&self, room: &str, metadata: &str) -> Result<Room, TwirpError> {
        #[derive(Serialize)]
        struct Create<'a> {
            name: &'a str,
            max_participants: u32,
            metadata: &'a str,
        }
        self.call(room, "CreateRoom", &Create { name: room, max_participants: MAX_PARTICIPANTS, metadata }).await
    }

    pub(super) async fn mark(&self, room: &str, metadata: &str) -> Result<Room, TwirpError> {
        #[derive(Serialize)]
        struct Update<'a> {
            room: &'a str,
            metadata: &'a str,
        }
        self.call(room, "UpdateRoomMetadata", &Update { room, metadata }).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        room: &str,
        method: &str,
        body: &impl Serialize,
    ) -> Result<T, TwirpError> {
        let token = token::administrator(&self.api_key, &self.secret, room)?;
        let url = format!("{}/twirp/livekit.RoomService/{method}", self.api);
        let request = self.http.post(url).bearer_auth(token).timeout(TIMEOUT).json(body);
        let unreachable = |error: reqwest::Error| TwirpError::Unreachable(error.to_string());
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
