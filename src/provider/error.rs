//! Errors before the first request to a provider, and the kinds of all provider errors.

use super::{CredentialError, Name};
use crate::audio;

/// The kind of an error. It decides the response to the client and the label in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Unknown provider.
    UnknownProvider,
    /// The server has no credentials for the provider.
    MissingServerAuth,
    /// The client's credentials are invalid.
    InvalidAuthInput,
    /// Invalid options.
    BadOptions,
    /// The provider refuses the credentials.
    ProviderAuth {
        /// Whether they are the client's own.
        own: bool,
    },
    /// The provider limits the rate.
    RateLimited,
    /// The provider failed or cannot be reached.
    Provider,
    /// The provider did not answer in time.
    Timeout,
}

impl ErrorKind {
    /// All labels.
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

    /// Returns its label in metrics.
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

    /// Returns the kind of an error of the local engine.
    #[cfg(feature = "local")]
    pub(super) fn of_local(error: &crate::local::Error) -> Self {
        match error {
            crate::local::Error::Overloaded { .. } => Self::RateLimited,
            _ => Self::Provider,
        }
    }

    /// Returns the kind of a response with this status.
    pub(super) fn of_status(status: u16, own: bool) -> Self {
        match status {
            401 | 403 => Self::ProviderAuth { own },
            429 => Self::RateLimited,
            408 | 504 => Self::Timeout,
            _ => Self::Provider,
        }
    }
}

/// Why a request for speech is invalid. It is found without a request to the provider.
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
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Credential(CredentialError::Unsupported(_)) => ErrorKind::UnknownProvider,
            Self::Credential(CredentialError::Missing { .. }) => ErrorKind::MissingServerAuth,
            Self::Credential(CredentialError::Invalid { .. }) => ErrorKind::InvalidAuthInput,
            Self::Options(_) => ErrorKind::BadOptions,
        }
    }
}

/// An invalid option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// An invalid audio format.
    #[error(transparent)]
    Audio(#[from] audio::Error),
    /// An unknown encoding.
    #[error("unknown {field} '{value}': {known} are supported")]
    Encoding {
        /// `encoding` or `audio_format`.
        field: &'static str,
        /// The client's value.
        value: String,
        /// The supported values.
        known: &'static str,
    },
    /// A value that this provider does not support.
    #[error("provider {provider} does not support {field} '{value}': {hint}")]
    NotByProvider {
        /// The provider.
        provider: Name,
        /// The option.
        field: &'static str,
        /// The client's value.
        value: String,
        /// What it supports.
        hint: &'static str,
    },
    /// An encoding that the noise filter does not support.
    #[error("noise_filter takes linear16, mulaw and alaw, not '{0}'")]
    Unfiltered(String),
    /// A missing option.
    #[error("{field} is required for provider {provider}")]
    Required {
        /// The provider.
        provider: Name,
        /// The option.
        field: &'static str,
    },
    /// A number out of range.
    #[error("{field} must be {expected}")]
    Range {
        /// The option.
        field: &'static str,
        /// The range.
        expected: &'static str,
    },
}
