//! Errors of recognition.

use std::time::Duration;

use crate::provider::{ErrorKind, Name};

/// Why a transcription, or one of its connections, has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SttError {
    /// The provider could not be reached.
    #[error("{provider} cannot be reached: {reason}")]
    Unreachable {
        /// The provider.
        provider: Name,
        /// The error of the system.
        reason: String,
    },
    /// The provider was too slow.
    #[error("{provider} did not {what} within {} s", limit.as_secs())]
    Timeout {
        /// The provider.
        provider: Name,
        /// What it did not do.
        what: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// The provider refused the WebSocket handshake.
    #[error("{provider} refused the connection: API error ({status}): {body}")]
    Refused {
        /// The provider.
        provider: Name,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
        /// When to retry, if the provider says so.
        retry_after: Option<Duration>,
        /// Whether the credentials are the client's own.
        own: bool,
    },
    /// The provider closed the connection.
    #[error("{provider} closed the connection{}", closed(*.code, reason))]
    Closed {
        /// The provider.
        provider: Name,
        /// The code of the close frame, if there was one.
        code: Option<u16>,
        /// Its reason.
        reason: String,
    },
    /// The vendor's own error message.
    #[error("{provider}: {message}")]
    Vendor {
        /// The provider.
        provider: Name,
        /// Its text.
        message: String,
        /// The kind of error.
        kind: ErrorKind,
        /// Whether a new connection may help.
        retryable: bool,
    },
    /// The provider sent a message that cannot be parsed.
    #[error("{provider} sent an unreadable message: {problem}")]
    Unreadable {
        /// The provider.
        provider: Name,
        /// The problem.
        problem: String,
    },
    /// The local engine failed.
    #[cfg(feature = "local")]
    #[error("local: {0}")]
    Local(#[from] crate::local::Error),
    /// The connection was lost within a container stream, which a new connection cannot continue.
    #[error(
        "{last}; the audio is a {container} stream, which cannot be continued on a new connection: send `config` again and restart \
         the stream with its header, or send raw samples (linear16, mulaw, alaw), which can be continued"
    )]
    Beheaded {
        /// The kind of container.
        container: &'static str,
        /// Why the connection ended.
        last: Box<SttError>,
    },
    /// All retries have failed.
    #[error("{last} (gave up after {attempts} attempts)")]
    GaveUp {
        /// The number of attempts.
        attempts: u32,
        /// The last error.
        last: Box<SttError>,
    },
}

fn closed(code: Option<u16>, reason: &str) -> String {
    match (code, reason) {
        (None, _) => " without a close frame".to_owned(),
        (Some(code), "") => format!(" (code {code})"),
        (Some(code), reason) => format!(" (code {code}): {reason}"),
    }
}

impl SttError {
    /// Returns whether a retry may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Unreadable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            // 1008 means "policy": a wrong key, an empty account or an invalid request.
            Self::Closed { code, .. } => !matches!(code, Some(1002 | 1003 | 1007..=1010)),
            Self::Vendor { retryable, .. } => *retryable,
            #[cfg(feature = "local")]
            Self::Local(_) => false,
            Self::GaveUp { .. } | Self::Beheaded { .. } => false,
        }
    }

    /// Returns the time after which the vendor accepts another attempt, if it named one.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused { retry_after, .. } = self { *retry_after } else { None }
    }

    /// Returns the kind of error, for responses and metrics.
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
