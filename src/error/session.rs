//! The errors of a session.

use crate::provider::{PlanError, SttError, TtsError};
use crate::room::{ClipError, JoinError, TwirpError};

/// An error of a session. Its text is that of the `error` message, and clients compare some of the texts.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The text frame is not a valid message.
    #[error("Invalid message format: {0}")]
    Malformed(String),
    /// `audio` is true, but `stt_config` is missing.
    #[error("STT configuration is required when audio=true")]
    SttMissing,
    /// `audio` is true, but `tts_config` is missing.
    #[error("TTS configuration is required when audio=true")]
    TtsMissing,
    /// The session has no audio, or is not configured yet.
    #[error("Audio processing is disabled. Send config message with audio=true first.")]
    AudioDisabled,
    /// The latest `config` failed.
    #[error("Voice manager not configured. Send config message with audio=true first.")]
    NotConfigured,
    /// The provider or its credentials cannot be used.
    #[error(transparent)]
    Plan(PlanError),
    /// The options of the provider cannot be used.
    #[error("Failed to create voice manager: {0}")]
    Create(PlanError),
    /// The connection to the provider could not be made.
    #[error("Failed to start voice manager: {0}")]
    Start(SttError),
    /// The providers were not ready in time.
    #[error("Timeout waiting for voice providers to be ready")]
    Timeout,
    /// Recognition failed.
    #[error("STT streaming error: {0}")]
    Stt(SttError),
    /// Synthesis failed.
    #[error("TTS error: {0}")]
    Tts(TtsError),
    /// The provider falls behind, and the newest audio is dropped.
    #[error("Failed to process audio: the provider does not keep up, audio is being dropped")]
    AudioDropped,
    /// The client sent audio after the provider had ended the stream.
    #[error("Failed to process audio: the provider has ended the stream. Send config message again.")]
    AudioUnheard,
    /// The text is too long.
    #[error(
        "Failed to synthesize speech: the text is {chars} characters long; the limit is {most} (server.max_text_chars)"
    )]
    TextTooLong {
        /// Its length.
        chars: usize,
        /// `server.max_text_chars`.
        most: usize,
    },
    /// The queue of texts is full.
    #[error("Failed to synthesize speech: too many texts are waiting")]
    SpeechQueueFull,
    /// The server is shutting down.
    #[error("Server is shutting down")]
    Draining,
    /// The client requested a room, but `LiveKit` is not configured.
    #[error("LiveKit room handler not initialized. Check API keys configuration.")]
    RoomsUnavailable,
    /// The room belongs to another tenant.
    #[error("Access denied: room '{0}' belongs to a different tenant")]
    ForeignRoom(String),
    /// The room could not be joined.
    #[error("Failed to join LiveKit room: {0}")]
    Join(JoinError),
    /// The connection to the room has ended.
    #[error("LiveKit room lost: {0}. Speech goes to this socket.")]
    RoomLost(String),
    /// The queue of messages to the room is full.
    #[error("Failed to send message: too many messages to the room are waiting")]
    MessageQueueFull,
    /// `transfer_to` is not a phone number.
    #[error("Invalid phone number in transfer_to")]
    PhoneNumber,
    /// The room has no call to transfer.
    #[error("No SIP participant in the room")]
    NoCall,
    /// The call could not be transferred.
    #[error("Failed to transfer call: {0}")]
    Transfer(TwirpError),
    /// The command needs a room, and the session has none.
    #[error("LiveKit client not configured. Send config message with livekit configuration first.")]
    NoRoom,
    /// `loading_audio` needs audio and a room.
    #[error("loading_audio requires audio to be enabled and a livekit configuration")]
    LoadingNeedsRoom,
    /// `loading_start` came before `config`.
    #[error("Send a config message first before using loading_start.")]
    LoadingBeforeConfig,
    /// `loading_start` in a session without audio.
    #[error("Loading indicator requires audio to be enabled. Send a config message with audio=true.")]
    LoadingWithoutAudio,
    /// `loading_start` in a session without a room.
    #[error("Loading indicator requires a LiveKit room. Include a livekit configuration in your config message.")]
    LoadingWithoutRoom,
    /// `loading_start` without a loading sound, or with one that was rejected.
    #[error("Loading indicator requires a sound. Include loading_audio in your config message.")]
    NoClip,
    /// `loading_audio` was rejected.
    #[error("loading_audio cannot be played: {0}")]
    Clip(ClipError),
    /// The client requested the noise filter, but the build has none.
    #[error("Noise filter not built in: audio goes to the provider as it comes")]
    NoNoiseFilter,
    /// The threshold is not a probability.
    #[error("Invalid turn detection threshold: {0}. Must be between 0.0 and 1.0")]
    Threshold(f32),
}

impl SessionError {
    /// Returns the label of the error in the metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Threshold(_) => "message",
            Self::Plan(_)
            | Self::Create(_)
            | Self::SttMissing
            | Self::TtsMissing
            | Self::NoNoiseFilter
            | Self::Clip(_) => "config",
            Self::Start(_) | Self::Timeout => "start",
            Self::Stt(_) => "stt",
            Self::Tts(_) => "tts",
            Self::AudioDropped | Self::AudioUnheard => "audio",
            Self::TextTooLong { .. } | Self::SpeechQueueFull | Self::MessageQueueFull => "limit",
            Self::ForeignRoom(_) | Self::Join(_) | Self::RoomLost(_) | Self::Transfer(_) => "room",
            Self::Draining => "draining",
            _ => "order",
        }
    }
}
