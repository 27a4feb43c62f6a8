//! Why recognition fails.

use std::time::Duration;

use crate::provider::{ErrorKind, Name};

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
    /// The engine on this machine.
    #[cfg(feature = "local")]
    #[error("local: {0}")]
    Local(#[from] crate::local::Error),
    /// A container that another connection cannot take up in the middle.
    #[error(
        "{last}; the audio is a {container} stream, which cannot be taken up in the middle: send `config` again and begin the \
         stream anew with its header, or send raw samples (linear16, mulaw, alaw), which can be taken up"
    )]
    Beheaded {
        /// Which.
        container: &'static str,
        /// Why the connection ended.
        last: Box<SttError>,
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
            #[cfg(feature = "local")]
            Self::Local(_) => false,
            Self::GaveUp { .. } | Self::Beheaded { .. } => false,
        }
    }

    /// What it means for an answer, and in metrics.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Refused { status, own, .. } => ErrorKind::of_status(*status, *own),
            Self::Vendor { kind, .. } => *kind,
            #[cfg(feature = "local")]
            Self::Local(error) => ErrorKind::of_local(error),
            Self::GaveUp { last, .. } | Self::Beheaded { last, .. } => last.kind(),
            Self::Unreachable { .. } | Self::Closed { .. } | Self::Unreadable { .. } => ErrorKind::Provider,
        }
    }
}
