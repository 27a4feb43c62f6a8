//! Attestations beside the image: artifacts in the registry whose subject is the image's index, in the form of
//! `actions/attest` and of cosign (sigstore/cosign, "Cosign Bundle Specification"), so that both find them.

use std::collections::BTreeSet;
use std::path::Path;

use super::Error;
use super::diff::Attachment;
use crate::atomic::{self, At as _};
use crate::attest::{self, Attestation, Bundle, ExpectedStatement, Project, Trust, VerifiedStatement};
use crate::digest::Digest;
use crate::oci::{self, Descriptor, Manifest, annotation, media};
use crate::registry::{self, Kind, Object, Registry};
use crate::scratch::Scratch;

/// The media type of the artifact of one bundle, and of its blob.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The configuration of an artifact without one.
const EMPTY: &[u8] = b"{}";
/// The limit of attachments that are read: everyone who may write to a repository may attach to it.
const CANDIDATES: usize = 64;

/// An attestation with what it must say.
#[derive(Debug)]
pub(super) struct Beside {
    /// The action that attaches it where it is missing.
    pub(super) attachment: Attachment,
    wanted: ExpectedStatement,
}

/// Makes a verified bundle an artifact about `subject`, with its files in `folder`. The same bundle gives the same bytes.
pub(super) fn make(
    bundle: &Bundle,
    attestation: &Attestation,
    wanted: ExpectedStatement,
    subject: Descriptor,
    folder: &Path,
) -> Result<Beside, Error> {
    let write = |bytes: &[u8], name: &str, kind: Kind| {
        let from = folder.join(name);
        atomic::ensure(&from, bytes)?;
        Ok::<_, Error>(Object { digest: Digest::of(bytes), size: bytes.len() as u64, kind, from })
    };
    let hex = Digest::of(bundle.line.as_bytes()).hex();
    // The name under which `oras pull` saves it.
    let title = format!("sha256-{hex}.sigstore.json");
    let content = write(bundle.line.as_bytes(), &title, Kind::Blob)?;
    let empty = write(EMPTY, "empty.json", Kind::Blob)?;
    let mut layer = Descriptor::new(BUNDLE, content.digest, content.size);
    layer.annotations.insert(annotation::TITLE.to_owned(), title);
    let config = Descriptor::new(media::EMPTY, empty.digest, empty.size);
    let about = subject.digest;
    let mut manifest = Manifest { subject: Some(subject), ..Manifest::new(config, vec![layer]) };
    manifest.artifact_type = Some(BUNDLE.to_owned());
    manifest.annotations = [
        ("dev.sigstore.bundle.content", "dsse-envelope"),
        ("dev.sigstore.bundle.predicateType", &attestation.predicate_type),
        (annotation::CREATED, &attestation.signed),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let manifest = write(&oci::to_bytes(&manifest), &format!("sha256-{hex}.manifest.json"), Kind::Manifest)?;
    let attachment = Attachment { what: wanted.what.clone(), subject: about, blobs: vec![content, empty], manifest };
    Ok(Beside { attachment, wanted })
}

/// Which of these a registry has, or others that say the same: bundles differ at each signing.
pub(super) fn there(
    registry: &dyn Registry,
    beside: &[Beside],
    trust: &Trust,
    project: Project<'_>,
) -> Result<Vec<Digest>, registry::Error> {
    let mut found = Vec::new();
    let subjects: BTreeSet<Digest> = beside.iter().map(|b| b.attachment.subject).collect();
    for subject in subjects {
        let listed = registry.referrers(subject)?;
        let own = beside.iter().filter(|b| b.attachment.subject == subject);
        let (same, others): (Vec<_>, Vec<_>) =
            own.partition(|b| listed.iter().any(|d| d.digest == b.attachment.manifest.digest));
        found.extend(same.into_iter().map(|b| b.attachment.manifest.digest));
        let read = if others.is_empty() { Vec::new() } else { bundles(registry, &listed)? };
        let proven = others.into_iter().filter(|b| prove(&read, &b.wanted, trust, project).is_ok());
        found.extend(proven.map(|b| b.attachment.manifest.digest));
    }
    Ok(found)
}

/// A bundle beside an image, or what is wrong with it, which is no failure of the registry: another one may be right.
type Candidate = Result<Vec<Bundle>, attest::Error>;

/// Reads the attestations among the artifacts that are listed.
pub(crate) fn bundles(registry: &dyn Registry, listed: &[Descriptor]) -> Result<Vec<Candidate>, registry::Error> {
    let bundles = listed.iter().filter(|d| d.artifact_type.as_deref().is_some_and(is_bundle));
    bundles.take(CANDIDATES).map(|entry| read(registry, entry)).collect()
}

/// The first of them that proves a statement. Without one: why one that is of its kind does not, where there is any.
pub(crate) fn prove(
    candidates: &[Candidate],
    wanted: &ExpectedStatement,
    trust: &Trust,
    project: Project<'_>,
) -> Result<VerifiedStatement, Option<String>> {
    let mut reason = None;
    for candidate in candidates {
        let checked = match candidate {
            Ok(bundle) => attest::check(trust, bundle, std::slice::from_ref(wanted), project),
            Err(error) => {
                reason = Some(error.reason());
                continue;
            }
        };
        match checked {
            Ok(proofs) => return proofs.into_iter().next().ok_or(None),
            Err(error) if error.is_of_another_kind() => {}
            Err(error) => reason = Some(error.reason()),
        }
    }
    Err(reason)
}

/// Older forms have a version as a parameter.
fn is_bundle(artifact_type: &str) -> bool {
    artifact_type.starts_with("application/vnd.dev.sigstore.bundle")
}

fn read(registry: &dyn Registry, entry: &Descriptor) -> Result<Candidate, registry::Error> {
    let file = format!("{}, artifact {}", registry.name(), entry.digest);
    let form = |reason: String| Ok(Err(attest::Error::Form { file: file.clone(), reason }));
    let bytes = registry.manifest(entry.digest)?;
    if Digest::of(&bytes) != entry.digest {
        return form(format!("its manifest has bytes of {}", Digest::of(&bytes)));
    }
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(e) => return form(e.to_string()),
    };
    if let Some(blob) = manifest.blobs().find(|b| b.size > attest::bundle::LARGEST) {
        return form(format!("it has {} bytes, more than any attestation", blob.size));
    }
    let folder = Scratch::temporary()?;
    let mut content = Vec::new();
    for blob in manifest.blobs() {
        let path = folder.path().join(blob.digest.hex());
        registry.download(blob, &path)?;
        let bytes = std::fs::read(&path).at("read", &path)?;
        if Digest::of(&bytes) != blob.digest {
            return form(format!("its blob {} has bytes of {}", blob.digest, Digest::of(&bytes)));
        }
        if blob.digest != manifest.config.digest {
            content.push(bytes);
        }
    }
    match content.as_slice() {
        [bundle] => Ok(Bundle::parse(&file, bundle)),
        other => form(format!("has {} layers, a bundle is one", other.len())),
    }
}
