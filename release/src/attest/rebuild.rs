//! The statement of a job that built a release once more and found the same bytes: a Simple Verification Result.
//!
//! Format: <https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md>, version 0.2.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy::{self, Check, Expected, Mismatch, plain};
use super::{Attestation, Predicate, Project, Subject, VerifiedStatement, Workflow};
use crate::atomic::{self, At as _, PathError};
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::package;

/// The property of files that a second build gave bit by bit.
pub const PROPERTY: &str = "SAYNA_REPRODUCED";

/// The predicate: who compared what with which manifest, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildResult {
    /// The party that compared.
    pub verifier: Verifier,
    /// When the second build was compared (RFC 3339).
    pub time_created: String,
    /// [`PROPERTY`], and no other that this program knows.
    pub properties: Vec<String>,
}

/// The party that compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// The URI of the method: another one when the comparison changes.
    pub id: String,
    /// The release manifest, with whose digests the second build was compared.
    pub policies: Vec<Policy>,
}

/// A document that the verifier compared with: in-toto's resource descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The asset's name.
    #[serde(default)]
    pub name: String,
    /// By algorithm.
    pub digest: std::collections::BTreeMap<String, String>,
}

/// The files for `actions/attest`: its inputs `predicate-path` and `subject-checksums`.
const FILES: [&str; 2] = ["predicate.json", "subjects.sha256"];

/// A second build of this run that gave the same bytes. No signature exists yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The name of the manifest's asset.
    pub manifest: String,
    /// Of the manifest's bytes.
    pub digest: Digest,
    /// What was built again.
    pub subjects: Vec<Subject>,
}

impl Rebuilt {
    /// Removes a statement of an earlier run, so that none is left where this one has nothing to state.
    pub fn clear(folder: &Path) -> Result<(), PathError> {
        std::fs::create_dir_all(folder).at("make", folder)?;
        for name in FILES {
            let path = folder.join(name);
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).at("remove", &path),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the statement's subjects, in the form of `sha256sum`, and its predicate, for the step that signs it.
    pub fn write(&self, folder: &Path, repository: &str, time: Timestamp) -> Result<(), PathError> {
        let result = RebuildResult::new(repository, (&self.manifest, self.digest), time);
        let mut lines = String::new();
        for Subject { name, digest } in &self.subjects {
            // A name with a line break would be two subjects.
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
                let problem = std::io::Error::other(format!("{name:?} is no name of a subject"));
                return Err(problem).at("write", &folder.join(FILES[1]));
            }
            lines.push_str(&package::checksum_line(name, *digest));
        }
        atomic::write(&folder.join(FILES[1]), lines.as_bytes())?;
        let path = folder.join(FILES[0]);
        let mut bytes = serde_json::to_vec_pretty(&result).map_err(std::io::Error::other).at("write", &path)?;
        bytes.push(b'\n');
        atomic::write(&path, &bytes)
    }
}

/// The method of this version: `verify --reproduce`.
fn method(repository: &str) -> String {
    format!("https://github.com/{repository}/rebuild/v1")
}

impl RebuildResult {
    /// The result for a release of this repository, whose manifest has this name and digest.
    pub fn new(repository: &str, manifest: (&str, Digest), time: Timestamp) -> Self {
        let digest = [("sha256".to_owned(), manifest.1.hex())].into();
        let policies = vec![Policy { name: manifest.0.to_owned(), digest }];
        let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
        Self {
            verifier: Verifier { id: method(repository), policies },
            time_created: time.to_string(),
            properties: vec![PROPERTY.to_owned()],
        }
    }
}

/// All that a statement about a second build may be about: archives, SBOMs, and the platforms of the image under each of its names.
pub fn published(manifest: &Manifest) -> Vec<Subject> {
    let files = manifest.binaries.iter().flat_map(|b| [Subject::from(&b.archive), Subject::from(&b.sbom)]);
    let images = manifest.image.iter().flat_map(|image| {
        let named = move |name: &String| {
            let one = |digest| Subject { name: name.clone(), digest };
            image.platforms.iter().map(|p| p.manifest).map(one).collect::<Vec<_>>()
        };
        image.repositories.iter().flat_map(named)
    });
    files.chain(images).collect()
}

/// Whether an authentic statement says that this release was built once more with the same bytes, and the workflow that may say
/// so signed it. Its subjects are files of the release, each once; the manifest's digest is the one that it was compared with.
pub fn check(
    attestation: &Attestation,
    published: &[Subject],
    manifest: Digest,
    project: Project<'_>,
) -> Result<VerifiedStatement, Mismatch> {
    let reference = format!("refs/tags/{}", project.tag);
    let expected = Expected {
        workflow: &format!("{}/{}@{reference}", project.repository, Workflow::Release.path()),
        repository: project.repository,
        reference: &reference,
        commit: project.commit,
        predicate: Predicate::Rebuild,
        document: None,
        subjects: &attestation.subjects,
    };
    policy::check_policy(attestation, &expected)?;
    let wrong = |check, found: String, expected: &str| Mismatch { check, found, expected: expected.to_owned() };
    let mut seen = BTreeSet::new();
    for subject in &attestation.subjects {
        let is_same = |p: &&Subject| plain(&p.name) == plain(&subject.name) && p.digest == subject.digest;
        if !seen.insert(subject) || published.iter().find(is_same).is_none() {
            let found = format!("{:?} {}", subject.name, subject.digest);
            return Err(wrong(Check::Subjects, found, "files of this release, each once"));
        }
    }
    let result =
        read(&attestation.predicate).map_err(|found| wrong(Check::Document, found, "a Simple Verification Result"))?;
    let wanted = method(project.repository);
    if !result.verifier.id.eq_ignore_ascii_case(&wanted) {
        return Err(wrong(Check::Document, format!("verifier {:?}", result.verifier.id), &wanted));
    }
    if !result.properties.iter().any(|p| p == PROPERTY) {
        return Err(wrong(Check::Document, format!("properties {:?}", result.properties), PROPERTY));
    }
    let compared = |p: &Policy| p.digest.get("sha256").is_some_and(|hex| *hex == manifest.hex());
    if !result.verifier.policies.iter().any(compared) {
        let found = format!("policies {:?}", result.verifier.policies);
        return Err(wrong(Check::Document, found, &format!("the manifest, {manifest}")));
    }
    Ok(VerifiedStatement::of(attestation.clone(), Predicate::Rebuild))
}

fn read(predicate: &Value) -> Result<RebuildResult, String> {
    let result: RebuildResult = serde_json::from_value(predicate.clone()).map_err(|e| e.to_string())?;
    let time = result.time_created.parse::<Timestamp>();
    time.map(|_| result).map_err(|e| format!("timeCreated: {e}"))
}
