//! Attestations that GitHub keeps, by the digest that they are about.

use serde::Deserialize;
use serde_json::Value;

use super::{Error, Forge as _, Github, Kept};
use crate::digest::Digest;
use crate::forge::Statements;

/// The kinds that a release has. GitHub adds one of its own to each immutable release, by another authority.
const KINDS: [&str; 2] = ["provenance", "sbom"];
/// So many statements of another kind are read about one digest, in one request of the sixty that a stranger has an hour.
const READ: usize = 100;

#[derive(Deserialize)]
struct Page {
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
struct Attestation {
    bundle: Option<Value>,
}

impl Github {
    /// The first hundred bundles of one kind about a digest. A bundle that is too large for the API is `null` there.
    pub(super) fn kept(&self, digest: Digest, kind: Kept) -> Result<Statements, Error> {
        let predicate = match kind {
            Kept::Release => "release",
            Kept::Rebuild => "https%3A%2F%2Fin-toto.io%2Fattestation%2Fsvr%2Fv0.2",
        };
        let url = self.url(&format!("/attestations/{digest}?per_page={READ}&predicate_type={predicate}"));
        let found = self.page::<Page>("read the attestations", &url)?;
        let Some((page, next)) = found else { return Ok(Statements::default()) };
        let count = page.attestations.len();
        let mut kept = Statements { more: count > READ || (count > 0 && next.is_some()), ..Statements::default() };
        for attestation in page.attestations.into_iter().take(READ) {
            match attestation.bundle {
                Some(bundle) => kept.bundles.push(bundle.to_string()),
                None => kept.too_large += 1,
            }
        }
        Ok(kept)
    }

    /// The bundles about a digest, each on a line of its own; whether they prove anything is for [`crate::attest`].
    pub fn attestations(&self, digest: Digest) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        for kind in KINDS {
            let mut next = Some(self.url(&format!("/attestations/{digest}?per_page=100&predicate_type={kind}")));
            let mut pages = 0;
            while let Some(url) = next {
                pages += 1;
                if pages > super::PAGES {
                    let (path, reason) =
                        (self.name(), format!("{digest} has more than {} pages of attestations", super::PAGES));
                    return Err(Error::Broken { path, reason });
                }
                let page = self.page::<Page>("read the attestations", &url)?;
                let Some((page, more)) = page.filter(|(page, _)| !page.attestations.is_empty()) else { break };
                for attestation in page.attestations {
                    let bundle = attestation.bundle.ok_or_else(|| Error::Broken {
                        path: format!("{}: an attestation of {digest}", self.name()),
                        reason: "is too large for the API; `gh attestation download` gets it".to_owned(),
                    })?;
                    lines.push(bundle.to_string());
                }
                next = more;
            }
        }
        Ok(lines)
    }
}
