//! The two kinds of engines: a vendor over HTTP, and the local engine.

use std::sync::Arc;

use super::dialect::{Dialect, VoiceRequest};
#[cfg(feature = "local")]
use super::local::Speaker;
use super::settings::seconds;
use crate::audio::Format;
use crate::provider::token::Tokens;
use crate::provider::{AuthProblem, Credential, CredentialError, Name, OptionsError, PlanError, Shared};

/// The default time for a connection, in seconds.
const CONNECTION_TIMEOUT: u64 = 30;

/// The engine of a voice.
#[derive(Debug)]
pub(super) enum Engine {
    /// A vendor over HTTP.
    Vendor(Vendor),
    /// The engine in this process.
    #[cfg(feature = "local")]
    Local(Speaker),
}

/// A vendor: its protocol, the connection pool and the source of access tokens (Google only).
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) dialect: Box<dyn Dialect>,
    pub(super) http: reqwest::Client,
    pub(super) tokens: Option<Arc<Tokens>>,
}

impl Engine {
    /// The vendor of a request, in its dialect.
    pub(super) fn vendor(
        shared: &Shared,
        request: &VoiceRequest<'_>,
        dialect: Box<dyn Dialect>,
    ) -> Result<Self, PlanError> {
        let tokens = tokens(shared, request.credential)?;
        let http = client(shared, request.options.connection_timeout)?;
        Ok(Self::Vendor(Vendor { dialect, http, tokens }))
    }

    /// Returns the format of the engine's audio, before conversion.
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Vendor(vendor) => vendor.dialect.format(),
            #[cfg(feature = "local")]
            Self::Local(_) => super::local::FORMAT,
        }
    }
}

/// Returns the shared pool. A client with its own `connection_timeout` gets a pool of its own, because the pool holds that
/// setting.
fn client(shared: &Shared, connection_timeout: Option<u64>) -> Result<reqwest::Client, OptionsError> {
    let field = "connection_timeout";
    let limit = seconds(field, connection_timeout, CONNECTION_TIMEOUT)?;
    if limit.as_secs() == CONNECTION_TIMEOUT {
        return Ok(shared.outbound.http.clone());
    }
    let builder = shared.outbound.builder().connect_timeout(limit);
    builder.build().map_err(|_| OptionsError::Range { field, expected: "left out on this machine" })
}

fn tokens(shared: &Shared, credential: &Credential) -> Result<Option<Arc<Tokens>>, CredentialError> {
    let provider = credential.provider;
    if provider != Name::Google {
        return Ok(None);
    }
    let server = shared.tokens.as_ref();
    if !credential.own {
        return Ok(server.cloned());
    }
    let tokens = Tokens::of_client(credential.key.expose(), server.map(|server| &**server));
    let problem = |problem| CredentialError::Invalid { provider, problem: AuthProblem::Google(problem) };
    Ok(Some(Arc::new(tokens.map_err(problem)?)))
}
