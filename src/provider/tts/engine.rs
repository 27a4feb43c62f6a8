//! Whatever makes a voice: a vendor that is asked, or the engine on this machine.

use std::sync::Arc;

use super::dialect::{self, Dialect, VoiceRequest};
#[cfg(feature = "local")]
use super::local::Speaker;
use super::voice::seconds;
use crate::audio::Format;
use crate::provider::token::Tokens;
use crate::provider::{AuthProblem, Credential, CredentialError, Name, OptionsError, PlanError, Shared};

const CONNECTION_TIMEOUT: u64 = 30;

/// Who speaks.
#[derive(Debug)]
pub(super) enum Engine {
    /// A vendor.
    Vendor(Vendor),
    /// This machine.
    #[cfg(feature = "local")]
    Local(Speaker),
}

/// A vendor, and the means to ask it.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) dialect: Box<dyn Dialect>,
    pub(super) http: reqwest::Client,
    pub(super) tokens: Option<Arc<Tokens>>,
}

impl Engine {
    pub(super) fn choose(shared: &Shared, request: &VoiceRequest<'_>) -> Result<Self, PlanError> {
        #[cfg(feature = "local")]
        if request.credential.provider == Name::Local {
            return Ok(Self::Local(Speaker::choose(request)?));
        }
        let dialect = dialect::choose(request)?;
        let tokens = tokens(shared, request.credential)?;
        let http = client(shared, request.options.connection_timeout)?;
        Ok(Self::Vendor(Vendor { dialect, http, tokens }))
    }

    /// What comes from there.
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Vendor(vendor) => vendor.dialect.format(),
            #[cfg(feature = "local")]
            Self::Local(_) => super::local::FORMAT,
        }
    }
}

/// The shared pool; a client that wants another time for connecting gets a pool of its own, as that is where it is set.
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
