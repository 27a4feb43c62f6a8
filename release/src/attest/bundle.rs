//! Bundles as files, and what an authentic one says.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_verify::types::{self, SignatureContent};
use sigstore_verify::{VerificationPolicy, VerificationResult, Verifier};

use super::{Error, crypto};
use crate::atomic::At as _;
use crate::bounded;
use crate::digest::Digest;
use crate::progress::Progress;

/// Six targets and an index come to less than one; SBOMs are part of it.
pub(crate) const LARGEST: u64 = 64 << 20;
/// No file of roots has more; `gh attestation trusted-root` prints two.
const ROOTS: usize = 16;
/// A clock may lag so far behind that of the log.
const LAG: Duration = Duration::from_secs(5 * 60);

/// A Sigstore bundle as it was read: a signed statement with all that is needed to verify it offline. It proves nothing before
/// [`Trust::open`] has verified it.
#[derive(Clone)]
pub struct Bundle {
    /// The file that it is from, for messages.
    pub file: String,
    /// From 1, in its file.
    pub number: usize,
    /// The bundle on one line; keys are sorted, so that equal bundles are equal bytes.
    pub line: String,
    pub(super) parsed: Box<types::Bundle>,
}

/// The statement of a bundle whose signature is verified. An authentic statement may still have the wrong signer:
/// [`super::policy`] decides on that.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The digest of its subject.
    pub subjects: Vec<Subject>,
    /// The URI that says what the predicate is.
    pub predicate_type: String,
    /// The predicate: what the signer states.
    pub predicate: Value,
    /// The signer.
    pub signer: Signer,
    /// When, by log or timestamp authority (RFC 3339).
    pub signed: String,
}

/// A file or image by name and digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// A file's bare name, or an image's `host/path`.
    pub name: String,
    /// Of its bytes.
    pub digest: Digest,
}

/// The claims of a signing certificate; what it lacks is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The issuer that vouched for the signer.
    pub issuer: String,
    /// The workflow file at its ref.
    pub workflow: String,
    /// URL of the repository that it ran for.
    pub repository: String,
    /// The ref that it ran for.
    pub reference: String,
    /// The commit that it ran for.
    pub commit: String,
    /// `github-hosted`, `self-hosted`
    pub runner: String,
    /// URL of the run.
    pub run: String,
}

/// The roots that signatures are traced back to. A run reads them once and verifies every bundle with them.
pub struct Trust {
    /// Instances with a transparency log, which sign for workflows.
    logged: Vec<Verifier>,
    /// GitHub's own instance, which has no log, and signs for no workflow of a public repository.
    pub(super) github: Vec<Verifier>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.file, self.number)
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

impl Bundle {
    /// Reads bundles: one a line, or a single one over any number of lines.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let form = |reason: String| Error::Form { file: file.to_owned(), reason };
        let mut bundles = Vec::new();
        for (position, value) in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().enumerate() {
            let number = position + 1;
            let broken = |e: &dyn std::fmt::Display| form(format!("bundle {number}: {e}"));
            let line = value.map_err(|e| broken(&e))?.to_string();
            let parsed = Box::new(types::Bundle::from_json(&line).map_err(|e| broken(&e))?);
            bundles.push(Self { file: file.to_owned(), number, line, parsed });
        }
        if bundles.is_empty() { Err(form("it contains no bundle".to_owned())) } else { Ok(bundles) }
    }

    /// Reads a file of bundles.
    pub fn read(path: &Path) -> Result<Vec<Self>, Error> {
        let file = path.display().to_string();
        let size = std::fs::metadata(path).at("read", path)?.len();
        if let Err(e) = bounded::check("it", size, LARGEST) {
            return Err(Error::Form { file, reason: e.to_string() });
        }
        // A device has no size.
        Self::parse(&file, &bounded::read(path, LARGEST)?)
    }

    /// The verifier compares the log's time with this machine's clock to the second, and a clock may lag behind. A lag of some
    /// minutes is waited for; a longer one is an error that names the clock and not the signature.
    fn wait_until_signed(&self) -> Result<(), Error> {
        let entries = &self.parsed.verification_material.tlog_entries;
        let Some(signed) = entries.iter().filter_map(|entry| entry.integrated_time).max() else { return Ok(()) };
        let now = jiff::Timestamp::now();
        let Ok(lag) = Duration::try_from(signed.duration_since(now)) else { return Ok(()) };
        if lag.is_zero() {
            return Ok(());
        }
        let (file, number) = (self.file.clone(), self.number);
        let clock = Error::Clock { file, number, signed: signed.to_string(), now: now.to_string() };
        if lag > LAG {
            return Err(clock);
        }
        Progress::new().line(&format!("{clock}; waiting for {} s", lag.as_secs() + 1));
        std::thread::sleep(lag);
        Ok(())
    }

    pub(super) fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::Broken { file: self.file.clone(), number: self.number, reason: reason.to_string() }
    }
}

impl Trust {
    /// The roots in `file`, one JSON document after the other as `gh attestation trusted-root` prints them. Each kind of root
    /// that the file lacks is the one that this program was built with: Sigstore's public-good instance, which signs for
    /// workflows of public repositories, and GitHub's own, which signs statements about immutable releases.
    pub fn new(file: Option<&Path>) -> Result<Self, Error> {
        crypto::install();
        let unusable = |e: &dyn std::fmt::Display| Error::Root {
            file: file.map_or_else(|| "the built-in trusted root".to_owned(), |f| f.display().to_string()),
            reason: e.to_string(),
        };
        let mut trust = Self { logged: Vec::new(), github: Vec::new() };
        for root in file.map(read_roots).transpose()?.unwrap_or_default() {
            trust.add(&root).map_err(|e| unusable(&e))?;
        }
        for (instance, missing) in [
            (SigstoreInstance::PublicGood, trust.logged.is_empty()),
            (SigstoreInstance::GitHub, trust.github.is_empty()),
        ] {
            if missing {
                let root = TrustedRoot::from_embedded(instance).map_err(|e| unusable(&e))?;
                trust.add(&root).map_err(|e| unusable(&e))?;
            }
        }
        Ok(trust)
    }

    /// A root with a log is never used without its log, whatever it calls itself.
    fn add(&mut self, root: &TrustedRoot) -> Result<(), sigstore_verify::Error> {
        let kind = if root.tlogs.is_empty() { &mut self.github } else { &mut self.logged };
        kind.push(Verifier::new(root)?);
        Ok(())
    }

    /// Verifies a bundle: certificate chain and its log, time, the transparency log's proof, the signature.
    pub fn open(&self, bundle: &Bundle) -> Result<Attestation, Error> {
        let SignatureContent::DsseEnvelope(envelope) = &bundle.parsed.content else {
            return Err(bundle.wrong("it signs a file and states nothing about it"));
        };
        let statement: types::Statement = serde_json::from_slice(envelope.payload.as_bytes())
            .map_err(|e| bundle.wrong(format_args!("its payload is no in-toto statement: {e}")))?;
        if statement.type_ != types::Statement::TYPE_V1 {
            return Err(bundle.wrong(format_args!("its statement is of type {:?}", statement.type_)));
        }
        let mut subjects = Vec::new();
        let mut first = None;
        for subject in statement.subject {
            let name = subject.name;
            let Some(hash) = subject.digest.sha256 else {
                return Err(bundle.wrong(format_args!("its subject {name:?} has no SHA-256 digest")));
            };
            let digest = Digest::from_hex(&hash.to_hex()).map_err(|e| bundle.wrong(e))?;
            subjects.push(Subject { name, digest });
            first.get_or_insert(hash);
        }
        let Some(first) = first else { return Err(bundle.wrong("it has no subject")) };
        bundle.wait_until_signed()?;
        // Whether the subjects are the files at hand is the policy's question, for all of them and by name.
        let result = verified(&self.logged, first, bundle, &VerificationPolicy::any_identity())?;
        let proven = result.certificate_verified() && result.sct_verified() && result.tlog_verified();
        if !proven || !bundle.parsed.has_inclusion_proof() {
            return Err(bundle.wrong("it has no proof that it is in a transparency log"));
        }
        let certificate = result.certificate().ok_or_else(|| bundle.wrong("it has no certificate"))?;
        let claims = &certificate.ci_claims;
        let text = |claim: &Option<String>| claim.clone().unwrap_or_default();
        let signed = result.verified_timestamps().iter().min();
        Ok(Attestation {
            subjects,
            predicate_type: statement.predicate_type,
            predicate: statement.predicate,
            signer: Signer {
                issuer: text(&certificate.issuer),
                workflow: certificate.identity.as_ref().map(ToString::to_string).unwrap_or_default(),
                repository: text(&claims.source_repository_uri),
                reference: text(&claims.source_repository_ref),
                commit: text(&claims.source_repository_digest),
                runner: text(&claims.runner_environment),
                run: text(&claims.run_invocation_uri),
            },
            signed: signed.map(ToString::to_string).unwrap_or_default(),
        })
    }
}

/// What the first of these instances that can verify a bundle says of it; else the reason of the first one.
pub(super) fn verified(
    instances: &[Verifier],
    subject: types::Sha256Hash,
    bundle: &Bundle,
    policy: &VerificationPolicy,
) -> Result<VerificationResult, Error> {
    let mut reason = None;
    for instance in instances {
        match instance.verify(subject, &bundle.parsed, policy) {
            Ok(result) => return Ok(result),
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    Err(reason.map_or_else(|| bundle.wrong("there is no root for it"), |e| bundle.wrong(e)))
}

/// The roots of a file: one at least, and no more than [`ROOTS`].
fn read_roots(path: &Path) -> Result<Vec<TrustedRoot>, Error> {
    let unusable = |reason: String| Error::Root { file: path.display().to_string(), reason };
    let bytes = bounded::read(path, LARGEST)?;
    let mut roots = Vec::new();
    for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
        let text = value.map_err(|e| unusable(e.to_string()))?.to_string();
        roots.push(TrustedRoot::from_json(&text).map_err(|e| unusable(e.to_string()))?);
        if roots.len() > ROOTS {
            return Err(unusable(format!("has more than {ROOTS} roots")));
        }
    }
    if roots.is_empty() { Err(unusable("it is empty".to_owned())) } else { Ok(roots) }
}
