//! Errors of synthesis.

use std::time::Duration;

use crate::provider::{ErrorKind, Name};

/// Why a synthesis has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TtsError {
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
    /// A response with another status than 200.
    #[error("API error ({status}): {body}{}", again(*retry_after))]
    Api {
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
    /// The connection ended within the response.
    #[error("{provider} stopped in the middle: {reason}")]
    Cut {
        /// The provider.
        provider: Name,
        /// The error of the connection.
        reason: String,
    },
    /// A response that is not audio.
    #[error("{provider} sent an unreadable message: {problem}")]
    Unreadable {
        /// The provider.
        provider: Name,
        /// The problem.
        problem: String,
    },
    /// Google's credentials are invalid.
    #[error("google credentials: {problem}")]
    Credentials {
        /// The problem.
        problem: String,
        /// Whether they are the client's own.
        own: bool,
    },
    /// The local engine failed.
    #[cfg(feature = "local")]
    #[error("local: {0}")]
    Local(#[from] crate::local::Error),
    /// The server is shutting down, or the task of the synthesis has panicked.
    #[error(
        "the synthesis was aborted inside the server: it is shutting down, or its log has the cause; send the text again"
    )]
    Ended,
    /// The text with its pronunciations is too long.
    #[error(
        "with its pronunciations the text is longer than {most} characters (server.max_text_chars): shorten the text, or what is \
         spoken for its words"
    )]
    TextTooLong {
        /// `server.max_text_chars`.
        most: usize,
    },
    /// The provider sent more audio than any text needs.
    #[error("{provider} sent more than {limit} bytes for one text")]
    TooLong {
        /// The provider.
        provider: Name,
        /// The limit.
        limit: usize,
    },
    /// The text needs several requests, in a format whose parts cannot be joined.
    #[error(
        "{provider} needs {parts} requests for this text, and flac files cannot be joined: use another audio_format or shorter \
         texts"
    )]
    Unjoinable {
        /// The provider.
        provider: Name,
        /// The number of requests.
        parts: usize,
    },
}

/// Returns the hint when to retry.
fn again(retry_after: Option<Duration>) -> String {
    retry_after.map(|after| format!(" (try again in {} s)", whole_seconds(after))).unwrap_or_default()
}

/// Rounds up to whole seconds.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl TtsError {
    /// Returns whether a retry may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Api { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502..=504),
            #[cfg(feature = "local")]
            Self::Local(_) => false,
            Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Unreadable { .. }
            | Self::Credentials { .. }
            | Self::Ended
            | Self::TextTooLong { .. }
            | Self::Unjoinable { .. }
            | Self::TooLong { .. } => false,
        }
    }

    /// Returns when to retry, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            // A text takes about a second.
            #[cfg(feature = "local")]
            Self::Local(crate::local::Error::Overloaded { .. }) => Some(Duration::from_secs(1)),
            Self::Api { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns the kind of error, for responses and metrics.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Unjoinable { .. } => ErrorKind::BadOptions,
            // A vendor that names a time is up, and limits the rate.
            Self::Api { status: 503, retry_after: Some(_), .. } => ErrorKind::RateLimited,
            Self::Api { status, own, .. } => ErrorKind::of_status(*status, *own),
            #[cfg(feature = "local")]
            Self::Local(error) => ErrorKind::of_local(error),
            Self::TextTooLong { .. } => ErrorKind::BadOptions,
            Self::Credentials { own, .. } => ErrorKind::ProviderAuth { own: *own },
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Unreadable { .. }
            | Self::Ended
            | Self::TooLong { .. } => ErrorKind::Provider,
        }
    }
}
