//! What a client says and what it is told: the JSON of the text frames, field by field.
//!
//! Unknown fields are ignored and absent ones take their defaults, so that older and newer clients are both understood.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VadEvent;
use crate::provider::{SttOptions, Transcript, TtsOptions};
use crate::room::LoadingAudio;

/// A message of the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Command {
    /// Begins a session, or begins it anew.
    Config(Box<Setup>),
    /// Speaks a text, after those that were said before.
    Speak {
        /// The text.
        text: String,
        /// Accepted, without effect.
        #[serde(default)]
        flush: Option<bool>,
        /// Whether `clear` may end it; it may by default.
        #[serde(default)]
        allow_interruption: Option<bool>,
    },
    /// Drops what is to be spoken.
    Clear,
    /// A message to the LiveKit room.
    SendMessage {
        /// The text.
        message: String,
        /// Who says it.
        role: String,
        /// The topic of the packet.
        #[serde(default)]
        topic: Option<String>,
        /// Anything.
        #[serde(default)]
        debug: Option<Value>,
    },
    /// Hands the telephone call of the room to another number.
    SipTransfer {
        /// The number.
        transfer_to: String,
    },
    /// Changes the detectors of this session.
    UpdateConfig {
        /// Voice activity.
        #[serde(default)]
        vad: Option<VadUpdate>,
        /// The end of a turn.
        #[serde(default)]
        turn_detect: Option<TurnDetectUpdate>,
    },
    /// Plays the loading sound.
    LoadingStart,
    /// Stops the loading sound.
    LoadingStop,
}

impl Command {
    /// The message of a text frame, or what is wrong with it: in one line, though it may quote what the client wrote.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string().replace(char::is_control, " "))
    }
}

/// What a session shall be.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setup {
    /// Its name; a new UUID where there is none.
    #[serde(default)]
    pub stream_id: Option<String>,
    /// Whether there is audio at all; there is by default.
    #[serde(default)]
    pub audio: Option<bool>,
    /// Speech to text; needed with audio.
    #[serde(default)]
    pub stt_config: Option<SttOptions>,
    /// Text to speech; needed with audio.
    #[serde(default)]
    pub tts_config: Option<TtsOptions>,
    /// The LiveKit room to join.
    #[serde(default)]
    pub livekit: Option<LivekitSetup>,
    /// The loading sound.
    #[serde(default)]
    pub loading_audio: Option<LoadingAudio>,
}

/// A LiveKit room.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivekitSetup {
    /// Its name.
    pub room_name: String,
    /// Whether it is recorded.
    #[serde(default)]
    pub enable_recording: bool,
    /// The agent's identity.
    #[serde(default)]
    pub sayna_participant_identity: Option<String>,
    /// The agent's name.
    #[serde(default)]
    pub sayna_participant_name: Option<String>,
    /// Whom it listens to; everybody where empty.
    #[serde(default)]
    pub listen_participants: Vec<String>,
}

/// A change of the voice activity detector.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VadUpdate {
    /// How long a silence ends a turn.
    #[serde(default)]
    pub silence_duration_ms: Option<u64>,
}

/// A change of the turn detector.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TurnDetectUpdate {
    /// 0 to 1.
    #[serde(default)]
    pub threshold: Option<f32>,
}

/// A message to the client.
#[derive(Debug, Serialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Event {
    /// The session is as it was configured.
    Ready {
        /// Its name.
        stream_id: String,
        /// The room that it is in, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        livekit_room_name: Option<String>,
        /// Where clients reach LiveKit.
        livekit_url: String,
        /// Its identity in the room.
        #[serde(skip_serializing_if = "Option::is_none")]
        sayna_participant_identity: Option<String>,
        /// Its name in the room.
        #[serde(skip_serializing_if = "Option::is_none")]
        sayna_participant_name: Option<String>,
    },
    /// What was heard.
    SttResult {
        /// The text.
        transcript: String,
        /// Whether it will not change any more.
        is_final: bool,
        /// Whether the turn is over.
        is_speech_final: bool,
        /// 0 to 1.
        confidence: f32,
    },
    /// All that was to be spoken has been handed over.
    TtsPlaybackComplete {
        /// Milliseconds since 1970.
        timestamp: u64,
    },
    /// Somebody in the room has sent a message.
    Message {
        /// It.
        message: RoomMessage,
    },
    /// Somebody has come into the room.
    ParticipantConnected {
        /// Who.
        participant: Arrival,
    },
    /// Somebody has left the room; the session ends.
    ParticipantDisconnected {
        /// Who.
        participant: Arrival,
    },
    /// Somebody in the room is being listened to.
    TrackSubscribed {
        /// To what.
        track: Subscription,
    },
    /// What the detectors hear, where the client wants to know.
    VadEvent {
        /// What.
        event: VadEvent,
        /// Milliseconds since 1970.
        timestamp_ms: u64,
        /// Of a silence: how long it is by now.
        #[serde(skip_serializing_if = "Option::is_none")]
        silence_duration_ms: Option<u64>,
    },
    /// Something did not work; the session goes on.
    Error {
        /// What.
        message: String,
    },
    /// A call was not handed over.
    SipTransferError {
        /// Why.
        message: String,
    },
}

/// A message in a room.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomMessage {
    /// It, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// It, if it is something else, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Who says so.
    pub identity: String,
    /// What about.
    pub topic: String,
    /// Where.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// Somebody who has come into a room, or left it.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Arrival {
    /// One of its kind in the room.
    pub identity: String,
    /// As in their token, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// A track that is listened to.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// Whose.
    pub identity: String,
    /// As in their token, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `audio`.
    pub track_kind: &'static str,
    /// One of its kind.
    pub track_sid: String,
    /// Where.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

impl From<Transcript> for Event {
    fn from(heard: Transcript) -> Self {
        let Transcript { transcript, is_final, is_speech_final, confidence } = heard;
        Self::SttResult { transcript, is_final, is_speech_final, confidence }
    }
}

impl Event {
    /// As it goes into a text frame.
    pub fn to_json(&self) -> String {
        // Text and numbers always are JSON: `f32` that is not finite becomes `null`.
        serde_json::to_string(self).unwrap_or_default()
    }
}
