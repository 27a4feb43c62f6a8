//! With what a provider is asked: the client's own credentials where it sends some, else the server's.

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::Name;
use crate::config::{Providers, Secret};

/// The region that Azure is asked in where nobody names one.
const AZURE_REGION: &str = "eastus";

/// The right to ask a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose.
    pub provider: Name,
    /// The client sent it; else it is the server's.
    pub own: bool,
    /// The key; for Google the credentials as they were given: a path, JSON, or empty.
    pub(super) key: Secret,
    /// Azure's region.
    pub(super) region: Option<String>,
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// No provider of that name, or not for what is asked.
    #[error(transparent)]
    Unsupported(#[from] super::Unsupported),
    /// The client sent none, and neither has the server one.
    #[error("Missing server auth for provider {provider}: {what} not configured in server environment")]
    Missing {
        /// Whose.
        provider: Name,
        /// What would have to be.
        what: &'static str,
    },
    /// What the client sent is not a credential of that provider.
    #[error("Invalid auth input for provider {provider}: {problem}")]
    Invalid {
        /// Whose.
        provider: Name,
        /// What is wrong.
        problem: AuthProblem,
    },
}

/// What is wrong with the credentials in a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthProblem {
    /// A field that the provider has no use for.
    #[error("Unsupported auth field(s) for provider {provider}: {}", fields.join(", "))]
    Unknown {
        /// Whose.
        provider: Name,
        /// Their names, sorted.
        fields: Vec<String>,
    },
    /// A field that is not there, or empty.
    #[error("Auth field '{field}' is required for provider {provider}")]
    Required {
        /// Whose.
        provider: Name,
        /// Its name.
        field: &'static str,
    },
    /// A field of another type.
    #[error("Auth field '{field}' must be a string{} for provider {provider}", if *.object { " or JSON object" } else { "" })]
    NotText {
        /// Whose.
        provider: Name,
        /// Its name.
        field: &'static str,
        /// An object would do as well.
        object: bool,
    },
    /// It cannot be part of an address or a header.
    #[error("Auth field '{field}' has characters that provider {provider} does not use in it")]
    Characters {
        /// Whose.
        provider: Name,
        /// Its name.
        field: &'static str,
    },
    /// Credentials of the server's own machine, which a request has no right to.
    #[error("Auth field 'credentials' must be the JSON of a service account for provider google")]
    NotJson,
    /// A service account that is none.
    #[error("Auth field 'credentials' cannot be used for provider google: {0}")]
    Google(String),
}

impl Credential {
    /// The client's where `auth` holds any, else the server's.
    pub fn resolve(
        provider: Name,
        auth: Option<&Map<String, Value>>,
        server: &Providers,
    ) -> Result<Self, CredentialError> {
        match auth.filter(|auth| !auth.is_empty()) {
            Some(auth) => Self::own(provider, auth).map_err(|problem| CredentialError::Invalid { provider, problem }),
            None => Self::servers(provider, server),
        }
    }

    fn own(provider: Name, auth: &Map<String, Value>) -> Result<Self, AuthProblem> {
        let known: &[&str] = match provider {
            Name::Deepgram | Name::ElevenLabs | Name::Cartesia => &["api_key"],
            Name::Google => &["credentials"],
            Name::Azure => &["api_key", "region"],
        };
        let mut fields: Vec<String> = auth.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        if !fields.is_empty() {
            fields.sort_unstable();
            return Err(AuthProblem::Unknown { provider, fields });
        }
        let (key, region) = match provider {
            Name::Google => (google(auth)?, None),
            Name::Azure => (field(provider, auth, "api_key")?, Some(field(provider, auth, "region")?)),
            _ => (field(provider, auth, "api_key")?, None),
        };
        // It becomes part of a host name.
        if region.as_deref().is_some_and(|region| !is_region(region)) {
            return Err(AuthProblem::Characters { provider, field: "region" });
        }
        if provider != Name::Google && !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AuthProblem::Characters { provider, field: "api_key" });
        }
        Ok(Self { provider, own: true, key: Secret::new(key), region })
    }

    fn servers(provider: Name, server: &Providers) -> Result<Self, CredentialError> {
        let (vendor, what) = match provider {
            Name::Deepgram => (&server.deepgram, "Deepgram API key"),
            Name::ElevenLabs => (&server.elevenlabs, "ElevenLabs API key"),
            Name::Cartesia => (&server.cartesia, "Cartesia API key"),
            Name::Google => (&server.google, "Google credentials"),
            Name::Azure => (&server.azure, "Azure Speech subscription key"),
        };
        let key = vendor.key.clone().ok_or(CredentialError::Missing { provider, what })?;
        let region = server.azure_region.clone().unwrap_or_else(|| AZURE_REGION.to_owned());
        Ok(Self { provider, own: false, key, region: (provider == Name::Azure).then_some(region) })
    }

    /// Stands for the credential where it must not be seen: in keys of the cache.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let region = self.region.as_deref().unwrap_or_default();
        let text = format!("{}\0{region}\0{}", self.provider, self.key.expose());
        digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default()
    }
}

/// Azure's names of regions: letters and digits, as a part of a host name.
pub(super) fn is_region(region: &str) -> bool {
    !region.is_empty() && region.len() <= 63 && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn field(provider: Name, auth: &Map<String, Value>, field: &'static str) -> Result<String, AuthProblem> {
    match auth.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        None | Some(Value::String(_)) => Err(AuthProblem::Required { provider, field }),
        Some(_) => Err(AuthProblem::NotText { provider, field, object: false }),
    }
}

/// As text or as an object. A path would be read from the server's own disk: it is no credential of a client.
fn google(auth: &Map<String, Value>) -> Result<String, AuthProblem> {
    let (provider, field) = (Name::Google, "credentials");
    match auth.get(field) {
        Some(Value::String(text)) if text.trim_start().starts_with('{') => Ok(text.clone()),
        Some(Value::String(text)) if !text.is_empty() => Err(AuthProblem::NotJson),
        Some(object @ Value::Object(_)) => Ok(object.to_string()),
        None | Some(Value::String(_)) => Err(AuthProblem::Required { provider, field }),
        Some(_) => Err(AuthProblem::NotText { provider, field, object: true }),
    }
}
