//! What a session tells its client.

use crate::provider::{PlanError, SttError, TtsError};
use crate::room::{ClipError, JoinError, TwirpError};

/// What a session could not do; its text is that of the `error` message. Clients compare some of them.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Not a message.
    #[error("Invalid message format: {0}")]
    Malformed(String),
    /// Audio without ears.
    #[error("STT configuration is required when audio=true")]
    SttMissing,
    /// Audio without a mouth.
    #[error("TTS configuration is required when audio=true")]
    TtsMissing,
    /// No audio, or not yet.
    #[error("Audio processing is disabled. Send config message with audio=true first.")]
    AudioDisabled,
    /// The last `config` failed.
    #[error("Voice manager not configured. Send config message with audio=true first.")]
    NotConfigured,
    /// Credentials.
    #[error(transparent)]
    Plan(PlanError),
    /// Options.
    #[error("Failed to create voice manager: {0}")]
    Create(PlanError),
    /// A connection.
    #[error("Failed to start voice manager: {0}")]
    Start(SttError),
    /// Nothing in time.
    #[error("Timeout waiting for voice providers to be ready")]
    Timeout,
    /// The ears, while they work.
    #[error("STT streaming error: {0}")]
    Stt(SttError),
    /// The mouth, while it works.
    #[error("TTS error: {0}")]
    Tts(TtsError),
    /// More audio than the provider takes.
    #[error("Failed to process audio: the provider does not keep up, audio is being dropped")]
    AudioDropped,
    /// Audio for a stream that has ended.
    #[error("Failed to process audio: the provider has ended the stream. Send config message again.")]
    AudioUnheard,
    /// Too much to speak at once.
    #[error(
        "Failed to synthesize speech: the text is {chars} characters long, {most} are the most (server.max_text_chars)"
    )]
    TextTooLong {
        /// How long it is.
        chars: usize,
        /// `server.max_text_chars`.
        most: usize,
    },
    /// Too much to speak altogether.
    #[error("Failed to synthesize speech: too many texts are waiting")]
    SpeechQueueFull,
    /// The server stops.
    #[error("Server is shutting down")]
    Draining,
    /// A room, without `LiveKit`.
    #[error("LiveKit room handler not initialized. Check API keys configuration.")]
    RoomsUnavailable,
    /// A room of somebody else.
    #[error("Access denied: room '{0}' belongs to a different tenant")]
    ForeignRoom(String),
    /// A room that the session did not get into.
    #[error("Failed to join LiveKit room: {0}")]
    Join(JoinError),
    /// A room that the session is no longer in.
    #[error("LiveKit room lost: {0}. Speech goes to this socket.")]
    RoomLost(String),
    /// More messages to the room than go out.
    #[error("Failed to send message: too many messages to the room are waiting")]
    MessageQueueFull,
    /// Not a number, for a call to be handed on to.
    #[error("Invalid phone number in transfer_to")]
    PhoneNumber,
    /// Nobody to be handed on.
    #[error("No SIP participant in the room")]
    NoCall,
    /// A call that was not handed on.
    #[error("Failed to transfer call: {0}")]
    Transfer(TwirpError),
    /// Something for a room, without a room.
    #[error("LiveKit client not configured. Send config message with livekit configuration first.")]
    NoRoom,
    /// A loading sound that nobody would hear.
    #[error("loading_audio requires audio to be enabled and a livekit configuration")]
    LoadingNeedsRoom,
    /// A loading sound before anything.
    #[error("Send a config message first before using loading_start.")]
    LoadingBeforeConfig,
    /// A loading sound without audio.
    #[error("Loading indicator requires audio to be enabled. Send a config message with audio=true.")]
    LoadingWithoutAudio,
    /// A loading sound without a room.
    #[error("Loading indicator requires a LiveKit room. Include a livekit configuration in your config message.")]
    LoadingWithoutRoom,
    /// A loading sound that was not sent, or not taken.
    #[error("Loading indicator requires a sound. Include loading_audio in your config message.")]
    NoClip,
    /// A loading sound that cannot be played.
    #[error("loading_audio cannot be played: {0}")]
    Clip(ClipError),
    /// A noise filter, in a build without.
    #[error("Noise filter not built in: audio goes to the provider as it comes")]
    NoNoiseFilter,
    /// Not a probability.
    #[error("Invalid turn detection threshold: {0}. Must be between 0.0 and 1.0")]
    Threshold(f32),
}

impl SessionError {
    /// The name that it is counted by.
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
