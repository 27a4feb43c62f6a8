//! What can be wrong before a provider is asked, and the kinds of all errors here.

use super::{CredentialError, Name};
use crate::audio;

/// What an error means for whoever has to answer a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No provider of that name.
    UnknownProvider,
    /// The server has no credentials for it.
    MissingServerAuth,
    /// The client's credentials are none.
    InvalidAuthInput,
    /// A setting that cannot be.
    BadOptions,
    /// The provider does not accept the credentials.
    ProviderAuth {
        /// They are the client's.
        own: bool,
    },
    /// The provider asks for patience.
    RateLimited,
    /// The provider failed, or cannot be reached.
    Provider,
    /// The provider did not answer in time.
    Timeout,
}

impl ErrorKind {
    /// Every label there is.
    pub const LABELS: [&'static str; 8] = [
        "unknown_provider",
        "missing_server_auth",
        "invalid_auth_input",
        "bad_options",
        "provider_auth",
        "rate_limited",
        "provider",
        "timeout",
    ];

    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownProvider => "unknown_provider",
            Self::MissingServerAuth => "missing_server_auth",
            Self::InvalidAuthInput => "invalid_auth_input",
            Self::BadOptions => "bad_options",
            Self::ProviderAuth { .. } => "provider_auth",
            Self::RateLimited => "rate_limited",
            Self::Provider => "provider",
            Self::Timeout => "timeout",
        }
    }

    /// Of an engine on this machine.
    #[cfg(feature = "local")]
    pub(super) fn of_local(error: &crate::local::Error) -> Self {
        match error {
            crate::local::Error::Overloaded { .. } => Self::RateLimited,
            _ => Self::Provider,
        }
    }

    /// Of an answer with this status.
    pub(super) fn of_status(status: u16, own: bool) -> Self {
        match status {
            401 | 403 => Self::ProviderAuth { own },
            429 => Self::RateLimited,
            408 | 504 => Self::Timeout,
            _ => Self::Provider,
        }
    }
}

/// Why speech cannot be had as asked, found without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Provider or credentials.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A setting.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

impl From<super::Unsupported> for PlanError {
    fn from(unsupported: super::Unsupported) -> Self {
        Self::Credential(unsupported.into())
    }
}

impl PlanError {
    /// What it means for an answer.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Credential(CredentialError::Unsupported(_)) => ErrorKind::UnknownProvider,
            Self::Credential(CredentialError::Missing { .. }) => ErrorKind::MissingServerAuth,
            Self::Credential(CredentialError::Invalid { .. }) => ErrorKind::InvalidAuthInput,
            Self::Options(_) => ErrorKind::BadOptions,
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Audio that cannot be.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// An encoding that nobody has heard of.
    #[error("unknown {field} '{value}': {known} are known")]
    Encoding {
        /// `encoding` or `audio_format`.
        field: &'static str,
        /// As it was written.
        value: String,
        /// What could stand there.
        known: &'static str,
    },
    /// One that this provider has not.
    #[error("provider {provider} cannot do {field} '{value}': {hint}")]
    NotByProvider {
        /// Whose.
        provider: Name,
        /// The setting.
        field: &'static str,
        /// As it was written.
        value: String,
        /// What it can.
        hint: &'static str,
    },
    /// An encoding that noise cannot be taken out of.
    #[error("noise_filter takes linear16, mulaw and alaw, not '{0}'")]
    Unfiltered(String),
    /// One that must be there.
    #[error("{field} is required for provider {provider}")]
    Required {
        /// Whose.
        provider: Name,
        /// The setting.
        field: &'static str,
    },
    /// A number beyond its bounds.
    #[error("{field} must be {expected}")]
    Range {
        /// The setting.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}
