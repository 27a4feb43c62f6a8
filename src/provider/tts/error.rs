//! Why text is not spoken.

use std::time::Duration;

use crate::provider::{ErrorKind, Name};

/// Why text could not be spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TtsError {
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
    /// Another status than 200.
    #[error("API error ({status}): {body}{}", again(*retry_after))]
    Api {
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
    /// The answer ended before its end.
    #[error("{provider} stopped in the middle: {reason}")]
    Cut {
        /// Who.
        provider: Name,
        /// What the connection says.
        reason: String,
    },
    /// An answer that is no audio.
    #[error("{provider} sent what cannot be read: {problem}")]
    Unreadable {
        /// Who.
        provider: Name,
        /// What is wrong with it.
        problem: String,
    },
    /// Google's credentials are no use.
    #[error("google credentials: {problem}")]
    Credentials {
        /// What is wrong with them.
        problem: String,
        /// They are the client's.
        own: bool,
    },
    /// The engine on this machine.
    #[cfg(feature = "local")]
    #[error("local: {0}")]
    Local(#[from] crate::local::Error),
    /// The server ends, or a fault of its own has ended the synthesis.
    #[error("the synthesis broke off inside of the server: it is ending, or its log says more; send the text again")]
    Ended,
    /// What is spoken for the words of a text makes it longer than what is spoken at once.
    #[error(
        "with its pronunciations the text is longer than {most} characters (server.max_text_chars): shorten the text, or what is \
         spoken for its words"
    )]
    TextTooLong {
        /// `server.max_text_chars`.
        most: usize,
    },
    /// More audio than a text of any length makes.
    #[error("{provider} sent more than {limit} bytes for one text")]
    TooLong {
        /// Who.
        provider: Name,
        /// The most that is taken.
        limit: usize,
    },
    /// More text than the vendor takes at once, in a format whose parts make no whole.
    #[error(
        "{provider} takes this text in {parts} parts, and several flac files are not one: ask for another audio_format, or for \
         shorter texts"
    )]
    Unjoinable {
        /// Who.
        provider: Name,
        /// How many requests it would take.
        parts: usize,
    },
}

/// When a refused request may be sent again.
fn again(retry_after: Option<Duration>) -> String {
    retry_after.map(|after| format!(" (try again in {} s)", whole_seconds(after))).unwrap_or_default()
}

/// Never less than what was asked for.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl TtsError {
    /// Whether another attempt may go better.
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

    /// When the same may be asked for again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            // A text takes about as long.
            #[cfg(feature = "local")]
            Self::Local(crate::local::Error::Overloaded { .. }) => Some(Duration::from_secs(1)),
            Self::Api { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What it means for an answer, and in metrics.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Unjoinable { .. } => ErrorKind::BadOptions,
            // A vendor that names a time is there, and asks for patience.
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
