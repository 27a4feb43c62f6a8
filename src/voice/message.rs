//! WebSocket text messages: client commands and server events, as JSON.
//!
//! Unknown fields are ignored and absent ones take their defaults, so older and newer clients both work.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VadEvent;
use crate::provider::{SttOptions, Transcript, TtsOptions};
use crate::room::LoadingAudio;

/// A command of the client: one text frame. The session executes commands in their order.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Command {
    /// Starts the session, or restarts it with another configuration.
    Config(Box<Setup>),
    /// Queues a text to be spoken.
    Speak {
        /// The text.
        text: String,
        /// Accepted for compatibility. It has no effect.
        #[serde(default)]
        flush: Option<bool>,
        /// Whether `clear` may interrupt it. Default: true.
        #[serde(default)]
        allow_interruption: Option<bool>,
    },
    /// Drops the texts that may be interrupted, and their audio.
    Clear,
    /// Sends a message to the LiveKit room.
    SendMessage {
        /// The text.
        message: String,
        /// The role of the sender, such as `assistant`.
        role: String,
        /// The topic of the packet. Default: `messages`.
        #[serde(default)]
        topic: Option<String>,
        /// Any JSON value. Receivers get it unchanged.
        #[serde(default)]
        debug: Option<Value>,
    },
    /// Transfers the telephone call in the room to another number.
    SipTransfer {
        /// The telephone number.
        transfer_to: String,
    },
    /// Changes the settings of this session's detectors.
    UpdateConfig {
        /// Voice activity detection.
        #[serde(default)]
        vad: Option<VadUpdate>,
        /// Turn detection.
        #[serde(default)]
        turn_detect: Option<TurnDetectUpdate>,
    },
    /// Starts the loading sound in the room.
    LoadingStart,
    /// Stops the loading sound.
    LoadingStop,
}

impl Command {
    /// Parses a text frame. The error is one line, also if it quotes the client's text.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string().replace(char::is_control, " "))
    }
}

/// The `config` message: the configuration of a session.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setup {
    /// The name of the session, 1 to 256 bytes. Default: a new UUID.
    #[serde(default)]
    pub stream_id: Option<String>,
    /// Whether the session has audio. Default: true.
    #[serde(default)]
    pub audio: Option<bool>,
    /// Speech-to-text. Required with audio.
    #[serde(default)]
    pub stt_config: Option<SttOptions>,
    /// Text-to-speech. Required with audio.
    #[serde(default)]
    pub tts_config: Option<TtsOptions>,
    /// The LiveKit room to join.
    #[serde(default)]
    pub livekit: Option<LivekitSetup>,
    /// The loading sound. It requires audio and a room.
    #[serde(default)]
    pub loading_audio: Option<LoadingAudio>,
}

/// The LiveKit room of a session.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivekitSetup {
    /// The name of the room.
    pub room_name: String,
    /// Whether the room is recorded. Default: false.
    #[serde(default)]
    pub enable_recording: bool,
    /// The identity of the session in the room. Default: `sayna-ai`.
    #[serde(default)]
    pub sayna_participant_identity: Option<String>,
    /// The name of the session in the room. Default: `Sayna AI`.
    #[serde(default)]
    pub sayna_participant_name: Option<String>,
    /// The identities of the participants that the session listens to. Empty: all of them.
    #[serde(default)]
    pub listen_participants: Vec<String>,
}

/// A change of the voice activity detector.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VadUpdate {
    /// The length of a silence after speech, in milliseconds, from 1 to 60000.
    #[serde(default)]
    pub silence_duration_ms: Option<u64>,
}

/// A change of the turn detector.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TurnDetectUpdate {
    /// The probability from which a turn counts as over, from 0 to 1.
    #[serde(default)]
    pub threshold: Option<f32>,
}

/// An event for the client: one text frame.
#[derive(Debug, Serialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Event {
    /// The session is ready.
    Ready {
        /// The name of the session.
        stream_id: String,
        /// The name of its LiveKit room, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        livekit_room_name: Option<String>,
        /// The URL of LiveKit for clients.
        livekit_url: String,
        /// The identity of the session in the room.
        #[serde(skip_serializing_if = "Option::is_none")]
        sayna_participant_identity: Option<String>,
        /// The name of the session in the room.
        #[serde(skip_serializing_if = "Option::is_none")]
        sayna_participant_name: Option<String>,
    },
    /// A result of speech-to-text.
    SttResult {
        /// The text.
        transcript: String,
        /// Whether the text is final.
        is_final: bool,
        /// Whether the turn is over.
        is_speech_final: bool,
        /// The confidence, from 0 to 1.
        confidence: f32,
    },
    /// All queued texts were sent as audio.
    TtsPlaybackComplete {
        /// Milliseconds since 1970.
        timestamp: u64,
    },
    /// A participant in the room has sent a message.
    Message {
        /// The message.
        message: RoomMessage,
    },
    /// A participant has joined the room.
    ParticipantConnected {
        /// The participant.
        participant: Arrival,
    },
    /// A participant has left the room. The session ends.
    ParticipantDisconnected {
        /// The participant.
        participant: Arrival,
    },
    /// The session has subscribed to a participant's audio.
    TrackSubscribed {
        /// The track.
        track: Subscription,
    },
    /// A report of the detectors, if `vad_events` is set.
    VadEvent {
        /// The kind of event.
        event: VadEvent,
        /// Milliseconds since 1970.
        timestamp_ms: u64,
        /// With `silence_detected`: the length of the silence so far, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        silence_duration_ms: Option<u64>,
    },
    /// Something failed. The session continues.
    Error {
        /// The error text.
        message: String,
    },
    /// The transfer of a call failed.
    SipTransferError {
        /// The reason.
        message: String,
    },
}

/// A message in a room.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoomMessage {
    /// The payload, if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The payload in base64, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The identity of the sender.
    pub identity: String,
    /// The topic. Default: `default`.
    pub topic: String,
    /// The name of the room.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// A participant who has joined or left a room.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Arrival {
    /// The identity, unique in the room.
    pub identity: String,
    /// The display name in the participant's token, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of the room.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

/// A track that the session has subscribed to.
#[derive(Debug, Serialize, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// The identity of the participant.
    pub identity: String,
    /// The display name in the participant's token, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind of track: `audio`.
    pub track_kind: &'static str,
    /// The id of the track in LiveKit.
    pub track_sid: String,
    /// The name of the room.
    pub room: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

impl From<Transcript> for Event {
    fn from(result: Transcript) -> Self {
        let Transcript { transcript, is_final, is_speech_final, confidence } = result;
        Self::SttResult { transcript, is_final, is_speech_final, confidence }
    }
}

impl Event {
    /// Returns the JSON of the text frame.
    pub fn to_json(&self) -> String {
        // Text and numbers always have a JSON form: an `f32` that is not finite becomes `null`.
        serde_json::to_string(self).unwrap_or_default()
    }
}
