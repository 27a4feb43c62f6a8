//! Credentials for a provider: the client's own if it sends some, else the server's.

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::Name;
use crate::config::{Providers, Secret};

/// The default region of Azure.
const AZURE_REGION: &str = "eastus";

/// A credential for one provider. The voice or the transcription that uses it owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The provider.
    pub provider: Name,
    /// Whether the client sent it. Otherwise it is the server's.
    pub own: bool,
    /// The key. For Google the credentials as they were given: a path, JSON, or empty.
    pub(super) key: Secret,
    /// Azure's region.
    pub(super) region: Option<String>,
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Unknown provider, or one without this service.
    #[error(transparent)]
    Unsupported(#[from] super::Unsupported),
    /// Neither the client nor the server has one.
    #[error("Missing server auth for provider {provider}: {what} not configured in server environment")]
    Missing {
        /// The provider.
        provider: Name,
        /// The missing setting.
        what: &'static str,
    },
    /// The client's credential is invalid for the provider.
    #[error("Invalid auth input for provider {provider}: {problem}")]
    Invalid {
        /// The provider.
        provider: Name,
        /// The problem.
        problem: AuthProblem,
    },
}

/// Why the credentials in a request are invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthProblem {
    /// Fields that the provider does not use.
    #[error("Unsupported auth field(s) for provider {provider}: {}", fields.join(", "))]
    Unknown {
        /// The provider.
        provider: Name,
        /// Their names, sorted.
        fields: Vec<String>,
    },
    /// A field is missing or empty.
    #[error("Auth field '{field}' is required for provider {provider}")]
    Required {
        /// The provider.
        provider: Name,
        /// Its name.
        field: &'static str,
    },
    /// A field has another type.
    #[error("Auth field '{field}' must be a string{} for provider {provider}", if *.object { " or JSON object" } else { "" })]
    NotText {
        /// The provider.
        provider: Name,
        /// Its name.
        field: &'static str,
        /// Whether an object is accepted too.
        object: bool,
    },
    /// A field has characters that a URL or a header cannot hold.
    #[error("Auth field '{field}' has characters that provider {provider} does not use in it")]
    Characters {
        /// The provider.
        provider: Name,
        /// Its name.
        field: &'static str,
    },
    /// A path. Only the server's own configuration may name files.
    #[error("Auth field 'credentials' must be the JSON of a service account for provider google")]
    NotJson,
    /// An invalid service account.
    #[error("Auth field 'credentials' cannot be used for provider google: {0}")]
    Google(String),
}

impl Credential {
    /// Returns the client's credential if `auth` has fields, else the server's.
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
            Name::Local => &[],
        };
        let mut fields: Vec<String> = auth.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        if !fields.is_empty() {
            fields.sort_unstable();
            return Err(AuthProblem::Unknown { provider, fields });
        }
        let (key, region) = match provider {
            Name::Google => (google(auth)?, None),
            Name::Azure => (field(provider, auth, "api_key")?, Some(field(provider, auth, "region")?)),
            Name::Local => (String::new(), None),
            _ => (field(provider, auth, "api_key")?, None),
        };
        // The region becomes part of a host name.
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
            // It needs none.
            Name::Local => return Ok(Self { provider, own: false, key: Secret::new(""), region: None }),
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

    /// Returns a digest of the credential, for cache keys.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let region = self.region.as_deref().unwrap_or_default();
        let text = format!("{}\0{region}\0{}", self.provider, self.key.expose());
        digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default()
    }
}

/// Returns whether this is a valid name of an Azure region: letters and digits, as a part of a host name.
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

/// Returns a service account as JSON, from a string or an object. A path is refused, because it would be read from the server's
/// disk.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Vendor;
    use serde_json::json;

    fn resolve(provider: Name, auth: &Value) -> Result<Credential, String> {
        let vendor = Vendor { key: Some(Secret::new("server")), ..Vendor::default() };
        let server = Providers { deepgram: vendor.clone(), azure: vendor, ..Providers::default() };
        Credential::resolve(provider, auth.as_object(), &server).map_err(|error| error.to_string())
    }

    #[test]
    fn client_credentials_take_precedence_over_the_servers() {
        let key = |credential: &Credential| (credential.own, credential.key.expose().to_owned());
        assert_eq!(resolve(Name::Deepgram, &json!({})).map(|c| key(&c)), Ok((false, "server".to_owned())));
        assert_eq!(resolve(Name::Deepgram, &json!(null)).map(|c| key(&c)), Ok((false, "server".to_owned())));
        assert_eq!(resolve(Name::Deepgram, &json!({"api_key": "own"})).map(|c| key(&c)), Ok((true, "own".to_owned())));
        assert_eq!(resolve(Name::Azure, &json!({})).map(|c| c.region), Ok(Some("eastus".to_owned())));
        let own = json!({"api_key": "own", "region": "westeurope"});
        assert_eq!(resolve(Name::Azure, &own).map(|c| c.region), Ok(Some("westeurope".to_owned())));
        let account = json!({"credentials": {"type": "service_account"}});
        assert_eq!(resolve(Name::Google, &account).map(|c| key(&c).1), Ok(r#"{"type":"service_account"}"#.to_owned()));
    }

    #[test]
    fn credential_errors_have_the_texts_of_the_protocol() {
        for (provider, auth, expected) in [
            (
                Name::Cartesia,
                json!({}),
                "Missing server auth for provider cartesia: Cartesia API key not configured in server environment",
            ),
            (
                Name::Google,
                json!({}),
                "Missing server auth for provider google: Google credentials not configured in server environment",
            ),
            (
                Name::Deepgram,
                json!({"region": 1, "a": 2}),
                "Unsupported auth field(s) for provider deepgram: a, region",
            ),
            (Name::Deepgram, json!({"api_key": ""}), "Auth field 'api_key' is required for provider deepgram"),
            (Name::Deepgram, json!({"api_key": 7}), "Auth field 'api_key' must be a string for provider deepgram"),
            (
                Name::Deepgram,
                json!({"api_key": "a\nb"}),
                "Auth field 'api_key' has characters that provider deepgram does not use in it",
            ),
            (Name::Azure, json!({"api_key": "k"}), "Auth field 'region' is required for provider azure"),
            (
                Name::Azure,
                json!({"api_key": "k", "region": "evil.example/"}),
                "Auth field 'region' has characters that provider azure does not use in it",
            ),
            (
                Name::Google,
                json!({"credentials": []}),
                "Auth field 'credentials' must be a string or JSON object for provider google",
            ),
            (
                Name::Google,
                json!({"credentials": "/etc/key.json"}),
                "Auth field 'credentials' must be the JSON of a service account for provider google",
            ),
        ] {
            let error = resolve(provider, &auth).unwrap_err();
            let expected = if expected.starts_with("Missing") {
                expected.to_owned()
            } else {
                format!("Invalid auth input for provider {provider}: {expected}")
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn credentials_have_distinct_fingerprints_and_a_blank_debug() {
        let one = resolve(Name::Deepgram, &json!({"api_key": "hunter1"})).unwrap();
        let two = resolve(Name::Deepgram, &json!({"api_key": "hunter2"})).unwrap();
        assert_ne!(one.fingerprint(), two.fingerprint());
        assert!(!format!("{one:?}").contains("hunter"));
    }
}
