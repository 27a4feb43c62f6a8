//! Recognition: audio in, results out.
//!
//! To the outside a transcription is a pair of bounded channels and a handle that stops it when dropped; which vendor is
//! behind it cannot be seen.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Credential, ErrorKind, Name, PlanError, Shared, SttOptions};

/// What a transcription says.
#[derive(Debug, Clone)]
pub enum SttEvent {
    /// Words.
    Result(Transcript),
    /// The connection was lost and is sought again; audio is kept meanwhile. For logs, not for clients.
    Reconnecting(SttError),
    /// The provider reports an error, or the transcription has failed for good: then no further event comes.
    Error(SttError),
}

/// Recognised words.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The words.
    pub transcript: String,
    /// They will not change any more.
    pub is_final: bool,
    /// The speaker has ended.
    pub is_speech_final: bool,
    /// From 0 to 1.
    pub confidence: f32,
}

/// Why a transcription, or a connection of it, has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SttError {
    /// No connection.
    #[error("{provider} cannot be reached: {reason}")]
    Unreachable {
        /// Who.
        provider: Name,
        /// What the system says.
        reason: String,
    },
    /// Nothing came in time.
    #[error("{provider} did not {what} within {} s", limit.as_secs())]
    Timeout {
        /// Who.
        provider: Name,
        /// What it should have done.
        what: &'static str,
        /// By then.
        limit: Duration,
    },
    /// Another status than the one that begins a WebSocket.
    #[error("{provider} refused the connection: API error ({status}): {body}")]
    Refused {
        /// Who.
        provider: Name,
        /// The status.
        status: u16,
        /// The beginning of what came with it.
        body: String,
        /// When to come back.
        retry_after: Option<Duration>,
        /// The credentials are the client's.
        own: bool,
    },
    /// The connection ended.
    #[error("{provider} closed the connection{}", closed(*.code, reason))]
    Closed {
        /// Who.
        provider: Name,
        /// The code of the close frame, where there was one.
        code: Option<u16>,
        /// Its reason.
        reason: String,
    },
    /// The vendor's own error message.
    #[error("{provider}: {message}")]
    Vendor {
        /// Who.
        provider: Name,
        /// In its words.
        message: String,
        /// What it is about.
        kind: ErrorKind,
        /// A new connection may help.
        retryable: bool,
    },
    /// A message that is none.
    #[error("{provider} sent what cannot be read: {problem}")]
    Unreadable {
        /// Who.
        provider: Name,
        /// What is wrong with it.
        problem: String,
    },
    /// Sought again and again, in vain.
    #[error("{last} (gave up after {attempts} attempts)")]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// The last error.
        last: Box<SttError>,
    },
}

fn closed(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => " without a word".to_owned(),
        (Some(code), "") => format!(" (code {code})"),
        (Some(code), reason) => format!(" (code {code}): {reason}"),
    }
}

impl SttError {
    /// Whether another attempt may go better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Unreadable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            // 1008 is "policy": the key, the balance, the request itself.
            Self::Closed { code, .. } => !matches!(code, Some(1002 | 1003 | 1007..=1010)),
            Self::Vendor { retryable, .. } => *retryable,
            Self::GaveUp { .. } => false,
        }
    }

    /// What it means for an answer, and in metrics.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Refused { status, own, .. } => ErrorKind::of_status(*status, *own),
            Self::Vendor { kind, .. } => *kind,
            Self::GaveUp { last, .. } => last.kind(),
            Self::Unreachable { .. } | Self::Closed { .. } | Self::Unreadable { .. } => ErrorKind::Provider,
        }
    }
}

/// A transcription as it is to be, checked; nobody has been asked yet.
#[derive(Debug)]
pub struct SttPlan {
    shared: Arc<Shared>,
    credential: Credential,
    options: SttOptions,
}

impl SttPlan {
    pub(super) fn new(shared: Arc<Shared>, options: SttOptions) -> Result<Self, PlanError> {
        let provider = Name::parse(&options.provider)?;
        if provider == Name::Google {
            // Its recognition is gRPC only.
            return Err(super::Unsupported(provider.to_string()).into());
        }
        let credential = Credential::resolve(provider, options.auth.as_ref(), &shared.config)?;
        Ok(Self { shared, credential, options })
    }

    /// Whose engine.
    pub fn provider(&self) -> Name {
        self.credential.provider
    }

    /// Connects, and returns once the provider takes audio.
    pub async fn connect(self) -> Result<Stt, SttError> {
        let Self { shared: _, credential, options: _ } = self;
        Err(SttError::Unreachable { provider: credential.provider, reason: "not built yet".to_owned() })
    }
}

/// A running transcription. Dropping it ends it at once; dropping [`Stt::audio`] alone lets it end in order: the last results
/// come, then no more events.
#[derive(Debug)]
pub struct Stt {
    /// Audio as announced, in pieces of any size. Holds 2 s of it: when it is full, the provider is too slow.
    pub audio: mpsc::Sender<Bytes>,
    /// What comes of it.
    pub events: mpsc::Receiver<SttEvent>,
    _stop: Stop,
}

#[derive(Debug)]
struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
