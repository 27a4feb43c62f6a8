//! Signs and checks JSON Web Tokens (RFC 7519): HS256, RS256 and ES256, with ring.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{hmac, rsa};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a key cannot be used, or a token cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text has no private key.
    #[error("no private key in PEM form: {0}")]
    NotPem(#[from] rustls::pki_types::pem::Error),
    /// The key is of another kind.
    #[error("not a key for RS256 (RSA, 2048 bits or more) or ES256 (EC on P-256): {0}")]
    Unsupported(#[from] ring::error::KeyRejected),
    /// The claims are not JSON.
    #[error("the claims cannot be written as JSON: {0}")]
    Claims(#[from] serde_json::Error),
    /// The machine has no randomness, or the key was rejected.
    #[error("the key did not sign")]
    Signing,
}

/// Returns the time in whole seconds since 1970, as claims have it (RFC 7519, section 2, `NumericDate`).
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A key that signs tokens. Loaded once at the start.
#[derive(Debug)]
pub enum Key {
    /// HS256, with a shared secret.
    Hmac(hmac::Key),
    /// RS256.
    Rsa(rsa::KeyPair),
    /// ES256.
    Ec(EcdsaKeyPair),
}

impl Key {
    /// Returns a key for HS256.
    pub fn hmac(secret: &str) -> Self {
        Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Returns a key for RS256 or ES256 from a PEM text: PKCS#8, PKCS#1 (RSA) or SEC1 (EC, with its curve and public key).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        match PrivateKeyDer::from_pem_slice(pem.as_bytes())? {
            PrivateKeyDer::Pkcs1(key) => Ok(Self::Rsa(RsaKeyPair::from_der(key.secret_pkcs1_der())?)),
            PrivateKeyDer::Sec1(key) => Self::ec(&pkcs8(key.secret_sec1_der())),
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                RsaKeyPair::from_pkcs8(der).map(Self::Rsa).or_else(|_| Self::ec(der))
            }
            _ => Err(Error::NotPem(rustls::pki_types::pem::Error::NoItemsFound)),
        }
    }

    fn ec(der: &[u8]) -> Result<Self, Error> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())?;
        Ok(Self::Ec(key))
    }

    /// Returns a signed token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, Error> {
        let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm());
        let body = serde_json::to_vec(claims)?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body));
        let signature = self.signature(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Returns the claims of a token that this secret has signed, or none. The algorithm in the token's header is ignored,
    /// because the key decides (RFC 8725, section 3.1).
    pub fn claims<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let Self::Hmac(key) = self else { return None };
        let (message, signature) = token.rsplit_once('.')?;
        hmac::verify(key, message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let (_, body) = message.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "HS256",
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        match self {
            Self::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map(|()| signature).map_err(|ring::error::Unspecified| Error::Signing)
            }
            Self::Ec(key) => {
                let signed = key.sign(&random, message);
                signed.map(|signature| signature.as_ref().to_vec()).map_err(|ring::error::Unspecified| Error::Signing)
            }
        }
    }
}

/// Wraps a SEC1 key in PKCS#8, which ring reads (RFC 5208 around RFC 5915): version 0, the algorithm "EC on P-256", the key. A
/// key of another curve names that curve and is rejected.
fn pkcs8(sec1: &[u8]) -> Vec<u8> {
    const ALGORITHM: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03, 0x01, 0x07,
    ];
    let key = der(0x04, sec1);
    der(0x30, &[&[0x02, 0x01, 0x00], ALGORITHM, &key].concat())
}

/// Encodes a DER value: tag, length, content. The content of a P-256 key is far below 64 KiB. A longer one is cut, then rejected.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = match length {
        [0, low] if low < 0x80 => vec![tag, low],
        [0, low] => vec![tag, 0x81, low],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn only_its_own_tokens_have_claims() {
        let key = Key::hmac("secret");
        let token = key.sign(&json!({"iss": "a"})).unwrap();
        assert_eq!(key.claims::<Value>(&token), Some(json!({"iss": "a"})));
        assert_eq!(Key::hmac("other").claims::<Value>(&token), None);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, body) = message.split_once('.').unwrap();
        for forged in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            message.to_owned(),
            format!("{message}."),
            format!("{message}.{signature}="),
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"iss":"b"}"#)),
            format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)),
            format!("{token}.{signature}"),
        ] {
            assert_eq!(key.claims::<Value>(&forged), None, "{forged}");
        }
    }
}
