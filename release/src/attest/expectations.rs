//! The expected statements of a release, and the check that a set of bundles has exactly those.

use serde::Serialize;
use serde_json::Value;

use super::policy::{self, Expected, Mismatch, Predicate, Workflow};
use super::{Attestation, Bundle, Error, Subject, Trust};
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::name::SUMS;
use crate::part::FileEntry;
use crate::sums;

/// One statement that a release must have: signer, kind, subjects and content. It is made from the manifest, and compared
/// with each [`Attestation`] by [`check`].
#[derive(Debug, Clone)]
pub struct ExpectedStatement {
    /// For people.
    pub what: String,
    /// The workflow that has to sign it.
    pub workflow: Workflow,
    /// The kind of the statement.
    pub predicate: Predicate,
    /// The expected content, where it is known.
    pub document: Option<Value>,
    /// All that it is about.
    pub subjects: Vec<Subject>,
}

/// The project and its release: repository, tag and commit.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// `owner/repository`
    pub repository: &'a str,
    /// The release's tag.
    pub tag: &'a str,
    /// The commit's full id; `None` where there is no manifest to say it.
    pub commit: Option<&'a str>,
}

/// One statement whose signature and content are verified. Reports list it; it lives as long as its report.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedStatement {
    /// The digest of its subject.
    pub subjects: Vec<Subject>,
    /// The kind of statement, a URI.
    pub predicate: &'static str,
    /// The workflow that signed, at its ref.
    pub workflow: String,
    /// The commit that it ran for.
    pub commit: String,
    /// URL of the run.
    pub run: String,
    /// When it signed.
    pub signed: String,
}

impl From<&FileEntry> for Subject {
    fn from(entry: &FileEntry) -> Self {
        Self { name: entry.name.to_string(), digest: entry.digest }
    }
}

impl Subject {
    /// An image's index under the name of each of its repositories: an attestation of it is about all of them.
    pub fn of_image(repositories: &[String], index: Digest) -> Vec<Self> {
        repositories.iter().map(|name| Self { name: name.clone(), digest: index }).collect()
    }
}

impl ExpectedStatement {
    /// A target's provenance and SBOM; `document` is the SBOM where it is at hand.
    pub fn of_binary(archive: &FileEntry, sbom: &FileEntry, document: Option<Value>) -> [Self; 2] {
        let one = |what: String, predicate, document, subjects| Self {
            what,
            workflow: Workflow::Build,
            predicate,
            document,
            subjects,
        };
        [
            one(
                format!("provenance of {}", archive.name),
                Predicate::Provenance,
                None,
                vec![archive.into(), sbom.into()],
            ),
            one(format!("SBOM of {}", archive.name), Predicate::Sbom, document, vec![archive.into()]),
        ]
    }

    /// The provenance and the SBOM of an image's index, each about the index in every repository; `document` is the SBOM
    /// where it is at hand.
    pub fn of_image(repositories: &[String], index: Digest, document: Option<Value>) -> Vec<Self> {
        let subjects = Subject::of_image(repositories, index);
        let one = |kind: &str, predicate, document| Self {
            what: format!("{kind} of the image {}", repositories.join(", ")),
            workflow: Workflow::Images,
            predicate,
            document,
            subjects: subjects.clone(),
        };
        if repositories.is_empty() {
            return Vec::new();
        }
        vec![one("provenance", Predicate::Provenance, None), one("SBOM", Predicate::Sbom, document)]
    }

    /// The provenance of the manifest and of [`SUMS`], which one job signs together.
    pub fn of_manifest(name: &str, digest: Digest, sums: Digest) -> Self {
        Self {
            what: format!("provenance of {name}"),
            workflow: Workflow::Release,
            predicate: Predicate::Provenance,
            document: None,
            subjects: [(name, digest), (SUMS, sums)]
                .map(|(name, digest)| Subject { name: name.to_owned(), digest })
                .into(),
        }
    }

    /// All that a release of this manifest must have; `document` reads an SBOM, and `image` is the image's where it is at
    /// hand.
    pub fn of_release<E>(
        manifest: &Manifest,
        own: (&str, Digest),
        document: impl Fn(&FileEntry) -> Result<Option<Value>, E>,
        image: Option<Value>,
    ) -> Result<Vec<Self>, E> {
        let mut wanted = Vec::new();
        for binary in &manifest.binaries {
            wanted.extend(Self::of_binary(&binary.archive, &binary.sbom, document(&binary.sbom)?));
        }
        if let Some(entry) = &manifest.image {
            wanted.extend(Self::of_image(&entry.repositories, entry.index, image));
        }
        wanted.push(Self::of_manifest(own.0, own.1, sums::digest(manifest, own.1)));
        Ok(wanted)
    }

    fn check_policy(&self, attestation: &Attestation, project: Project<'_>) -> Result<(), Mismatch> {
        let reference = format!("refs/tags/{}", project.tag);
        let workflow = format!("{}/{}@{reference}", project.repository, self.workflow.path());
        let expected = Expected {
            workflow: &workflow,
            repository: project.repository,
            reference: &reference,
            commit: project.commit,
            predicate: self.predicate,
            document: self.document.as_ref(),
            subjects: &self.subjects,
        };
        policy::check_policy(attestation, &expected)
    }

    /// Returns how well an attestation fits this statement, so that an error is about the statement that was meant. A wrong
    /// pick cannot make anything pass: [`Self::check_policy`] follows for the statement that was picked, and compares
    /// signer, kind, subjects and content exactly.
    fn match_score(&self, attestation: &Attestation) -> usize {
        let (found, wanted) = (policy::names(&attestation.subjects), policy::names(&self.subjects));
        let kind = usize::from(attestation.predicate_type == self.predicate.uri());
        match (found == wanted, found.iter().any(|n| wanted.contains(n))) {
            (true, _) => 4 + kind * 2,
            (false, true) => 1 + kind * 4,
            (false, false) => 0,
        }
    }
}

/// Every bundle is authentic and one of the wanted statements; every wanted statement is there, once. The proofs are in
/// the order of the wanted.
pub fn check(
    trust: &Trust,
    bundles: &[Bundle],
    wanted: &[ExpectedStatement],
    project: Project<'_>,
) -> Result<Vec<VerifiedStatement>, Error> {
    let mut proofs: Vec<Option<VerifiedStatement>> = vec![None; wanted.len()];
    for bundle in bundles {
        let attestation = trust.open(bundle)?;
        let (file, number) = (bundle.file.clone(), bundle.number);
        let likely = wanted.iter().zip(&mut proofs).max_by_key(|(w, _)| w.match_score(&attestation));
        let Some((wanted, proof)) = likely.filter(|(w, _)| w.match_score(&attestation) > 0) else {
            let subjects = policy::names(&attestation.subjects).join(", ");
            return Err(Error::Unplanned { file, number, subjects });
        };
        let what = wanted.what.clone();
        wanted.check_policy(&attestation, project).map_err(|mismatch| Error::Policy {
            file: file.clone(),
            number,
            what: what.clone(),
            mismatch,
        })?;
        if proof.is_some() {
            return Err(Error::Twice { file, number, what });
        }
        *proof = Some(VerifiedStatement::of(attestation, wanted.predicate));
    }
    let missing = |(w, p): (&ExpectedStatement, &Option<VerifiedStatement>)| p.is_none().then(|| w.what.clone());
    let missing: Vec<String> = wanted.iter().zip(&proofs).filter_map(missing).collect();
    if missing.is_empty() { Ok(proofs.into_iter().flatten().collect()) } else { Err(Error::Missing(missing)) }
}

/// Whether an attestation is about anything that is wanted, whatever it says of it.
pub fn concerns(wanted: &[ExpectedStatement], attestation: &Attestation) -> bool {
    let same = |w: &ExpectedStatement| policy::names(&w.subjects) == policy::names(&attestation.subjects);
    let kind = |w: &ExpectedStatement| w.predicate.uri() == attestation.predicate_type;
    wanted.iter().any(|w| same(w) && kind(w))
}

impl VerifiedStatement {
    pub(crate) fn of(attestation: Attestation, predicate: Predicate) -> Self {
        let signer = attestation.signer;
        Self {
            subjects: attestation.subjects,
            predicate: predicate.uri(),
            workflow: signer.workflow,
            commit: signer.commit,
            run: signer.run,
            signed: attestation.signed,
        }
    }
}

/// The asset's bytes: bundles in an order that does not depend on files or machines.
pub fn merged(bundles: &[Bundle]) -> Vec<u8> {
    let mut lines: Vec<&str> = bundles.iter().map(|b| b.line.as_str()).collect();
    lines.sort_unstable();
    let mut bytes = lines.join("\n").into_bytes();
    bytes.push(b'\n');
    bytes
}
