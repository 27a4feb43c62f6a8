//! Manifests and indexes as a registry gives them.

use serde::Deserialize;

use super::{DOCUMENT, Distribution, Error, MISSING};
use crate::digest::Digest;
use crate::http::{self, Method};

impl Distribution {
    /// The digest of a document that the registry names no digest of. What is no manifest at all was not sent by a registry.
    pub(super) fn digest_of_document(&self, tag: &str) -> Result<Option<Digest>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Versioned {
            #[serde(rename = "schemaVersion")]
            _version: u64,
        }
        let Some(bytes) = self.document(tag)? else { return Ok(None) };
        match serde_json::from_slice::<Versioned>(&bytes) {
            Ok(_) => Ok(Some(Digest::of(&bytes))),
            Err(e) => Err(http::Error::Form {
                call: format!("GET {}", self.url(&format!("manifests/{tag}"))),
                reason: format!("the answer is no manifest: {e}"),
            }
            .into()),
        }
    }

    /// The bytes of a manifest or index by its tag or digest; `None` if it does not exist.
    pub(super) fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let url = self.url(&format!("manifests/{name}"));
        self.read(&Method::GET, &url, &MISSING, |response| Ok(response.bytes(DOCUMENT)?))
    }
}
