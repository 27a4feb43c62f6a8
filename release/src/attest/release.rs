//! The statement that GitHub itself signs about an immutable release: its tag, and every asset by digest. GitHub's own
//! authorities certify key and time. There is no transparency log behind it.
//!
//! Format: <https://github.com/in-toto/attestation/blob/main/spec/predicates/release.md>, with GitHub's own fields in the predicate.

use std::collections::BTreeMap;

use serde::Deserialize;
use sigstore_verify::types::{self, Sha256Hash, SignatureContent};
use sigstore_verify::{IdentityMatcher, VerificationPolicy};

use super::bundle::{self, Bundle, Trust};
use super::policy::{Check, Mismatch};
use super::{Error, Subject};
use crate::digest::Digest;

/// The name in the certificate of GitHub's service for releases.
pub const SIGNER: &str = "https://dotcom.releases.github.com";
/// The kinds of the statement; the service has signed both.
pub const PREDICATES: [&str; 2] =
    ["https://in-toto.io/attestation/release/v0.2", "https://in-toto.io/attestation/release/v0.1"];

/// What GitHub states about a release. It is authentic: [`Trust::open_release`] made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseStatement {
    /// `owner/repository`
    pub repository: String,
    /// The release's tag.
    pub tag: String,
    /// The Git object that the tag's ref points at: a commit, or the object of an annotated tag.
    pub object: String,
    /// Every asset.
    pub assets: BTreeMap<String, Digest>,
    /// When, by GitHub's timestamp authority (RFC 3339).
    pub signed: String,
}

/// A release as it was found, to hold a statement against.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// `owner/repository`
    pub repository: &'a str,
    /// The release's tag.
    pub tag: &'a str,
    /// Every asset that is attached.
    pub assets: &'a BTreeMap<String, Digest>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<StatedSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct StatedSubject {
    #[serde(default)]
    name: String,
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Predicate {
    repository: String,
    tag: String,
    purl: Option<String>,
}

impl Trust {
    /// Verifies a bundle by GitHub's own roots: certificate chain, time by the timestamp authority, signer, signature. The roots
    /// of workflows do not count here, nor these there.
    pub fn open_release(&self, bundle: &Bundle) -> Result<ReleaseStatement, Error> {
        let SignatureContent::DsseEnvelope(envelope) = &bundle.parsed.content else {
            return Err(bundle.wrong("it signs a file and states nothing about it"));
        };
        let statement: Statement = serde_json::from_slice(envelope.payload.as_bytes())
            .map_err(|e| bundle.wrong(format_args!("its payload is no statement about a release: {e}")))?;
        if statement.kind != types::Statement::TYPE_V1 || !PREDICATES.contains(&statement.predicate_type.as_str()) {
            let (kind, predicate) = (&statement.kind, &statement.predicate_type);
            return Err(bundle.wrong(format_args!("its statement is of type {kind:?}, {predicate:?}")));
        }
        let (object, assets) = subjects(statement.subject).map_err(|reason| bundle.wrong(reason))?;
        let first = assets.values().next().ok_or_else(|| bundle.wrong("it names no asset"))?;
        let first = Sha256Hash::from_hex(&first.hex()).map_err(|e| bundle.wrong(e))?;
        let policy = VerificationPolicy::any_identity()
            .require_identity(IdentityMatcher::Uri(SIGNER.to_owned()))
            .skip_sct()
            .skip_tlog_unsafe();
        let result = bundle::verified(&self.github, first, bundle, &policy)?;
        let signed = result.verified_timestamps().iter().min();
        let (Some(signed), true) = (signed, result.certificate_verified()) else {
            return Err(bundle.wrong("no authority says when it was signed"));
        };
        let Predicate { repository, tag, purl } = statement.predicate;
        let wanted = format!("pkg:github/{repository}@{tag}");
        if let Some(purl) = purl.filter(|purl| !purl.eq_ignore_ascii_case(&wanted)) {
            return Err(bundle.wrong(format_args!("it is about {wanted} and {purl:?}")));
        }
        Ok(ReleaseStatement { repository, tag, object, assets, signed: signed.to_string() })
    }
}

/// The Git object, and the assets by name.
fn subjects(stated: Vec<StatedSubject>) -> Result<(String, BTreeMap<String, Digest>), String> {
    let mut object = None;
    let mut assets = BTreeMap::new();
    for StatedSubject { name, mut digest } in stated {
        match (digest.remove("sha256"), digest.remove("sha1")) {
            (Some(hex), _) if !name.is_empty() => {
                let digest = Digest::from_hex(&hex).map_err(|e| format!("{name:?}: {e}"))?;
                if assets.insert(name.clone(), digest).is_some() {
                    return Err(format!("it names {name:?} twice"));
                }
            }
            (None, Some(id)) if object.is_none() => object = Some(id),
            _ => return Err(format!("its subject {name:?} is neither an asset nor the tag")),
        }
    }
    object.map(|object| (object, assets)).ok_or_else(|| "it does not say what its tag is".to_owned())
}

impl ReleaseStatement {
    /// Whether it is about the release that was found, and names exactly its assets. Whether its Git object is the tag's is a
    /// question for the forge.
    pub fn check(&self, found: &Found<'_>) -> Result<(), Mismatch> {
        let mismatch = |check, found: &str, expected: &str| {
            Err(Mismatch { check, found: found.to_owned(), expected: expected.to_owned() })
        };
        if !self.repository.eq_ignore_ascii_case(found.repository) {
            return mismatch(Check::Repository, &self.repository, found.repository);
        }
        if self.tag != found.tag {
            return mismatch(Check::Reference, &self.tag, found.tag);
        }
        for (name, digest) in found.assets {
            match self.assets.get(name) {
                Some(stated) if stated == digest => {}
                Some(stated) => {
                    return mismatch(Check::Subjects, &format!("{name} {stated}"), &format!("{name} {digest}"));
                }
                None => return mismatch(Check::Subjects, &format!("no {name}"), &format!("{name} {digest}")),
            }
        }
        match self.assets.keys().find(|name| !found.assets.contains_key(*name)) {
            Some(name) => mismatch(Check::Subjects, name, "the assets that are attached"),
            None => Ok(()),
        }
    }

    /// The assets, as subjects.
    pub fn subjects(&self) -> Vec<Subject> {
        self.assets.iter().map(|(name, digest)| Subject { name: name.clone(), digest: *digest }).collect()
    }
}
