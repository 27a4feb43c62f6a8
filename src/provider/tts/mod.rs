//! Synthesis: text in, audio out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Credential, ErrorKind, Name, PlanError, Shared, Source, TtsOptions};
use crate::audio::{Encoding, Format};

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
    #[error("API error ({status}): {body}")]
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
    /// More audio than a text of any length makes.
    #[error("{provider} sent more than {limit} bytes for one text")]
    TooLong {
        /// Who.
        provider: Name,
        /// The most that is taken.
        limit: usize,
    },
}

impl TtsError {
    /// Whether another attempt may go better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Api { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502..=504),
            Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Unreadable { .. }
            | Self::Credentials { .. }
            | Self::TooLong { .. } => false,
        }
    }

    /// What it means for an answer, and in metrics.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Api { status, own, .. } => ErrorKind::of_status(*status, *own),
            Self::Credentials { own, .. } => ErrorKind::ProviderAuth { own: *own },
            Self::Unreachable { .. } | Self::Cut { .. } | Self::Unreadable { .. } | Self::TooLong { .. } => {
                ErrorKind::Provider
            }
        }
    }
}

/// A voice with all its settings, checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Voice {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    #[expect(dead_code, reason = "the client comes next")]
    shared: Arc<Shared>,
    credential: Credential,
    format: Format,
    format_name: String,
}

impl Voice {
    pub(super) fn new(shared: Arc<Shared>, options: &TtsOptions) -> Result<Self, PlanError> {
        let provider = Name::parse(&options.provider)?;
        let credential = Credential::resolve(provider, options.auth.as_ref(), &shared.config)?;
        let format_name = options.audio_format.clone().unwrap_or_else(|| "linear16".to_owned());
        let encoding = Encoding::parse(&format_name).unwrap_or(Encoding::Linear16);
        let format = Format::mono(encoding, options.sample_rate.unwrap_or(24_000));
        Ok(Self { inner: Arc::new(Inner { shared, credential, format, format_name }) })
    }

    /// Whose engine.
    pub fn provider(&self) -> Name {
        self.inner.credential.provider
    }

    /// What [`Speech`] will be in.
    pub fn format(&self) -> Format {
        self.inner.format
    }

    /// The name of the encoding as the client wrote it.
    pub fn format_name(&self) -> &str {
        &self.inner.format_name
    }

    /// Speaks a text; `previous` is what was spoken before it, for its melody. Begins at once.
    pub fn speak(&self, _text: &str, _previous: Option<&str>) -> Speech {
        Speech {}
    }
}

/// A text being spoken. Dropping it gives it up.
#[derive(Debug)]
pub struct Speech {}

/// The beginning of a [`Speech`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its length in bytes, where all of it is there.
    pub cached_len: Option<u64>,
    /// Where it comes from.
    pub source: Source,
}

impl Speech {
    /// Waits for the first audio and leaves it where it is.
    pub async fn start(&mut self) -> Result<Started, TtsError> {
        Ok(Started { cached_len: Some(0), source: Source::Cache })
    }

    /// The next piece; after an error or the end there is none. Nothing is lost when this is given up half-way.
    pub async fn next(&mut self) -> Option<Result<Bytes, TtsError>> {
        None
    }
}
