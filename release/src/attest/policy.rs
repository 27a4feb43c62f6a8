//! The policy on signers: a pure function of an authentic attestation and of the statement that is expected.

use std::fmt;

use serde_json::Value;

use super::bundle::{Attestation, Subject};

/// The issuer that vouches for workflows on GitHub.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// A machine that belongs to the forge and lives for one job; on any other its owner could have changed the build.
const HOSTED: &str = "github-hosted";
const GITHUB: &str = "https://github.com/";

/// The workflows of a release, each the only one that may sign its kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workflow {
    /// Archives and SBOMs; reusable, so that who calls it cannot touch it.
    Build,
    /// The image's index; reusable too.
    Images,
    /// The manifest, and the statement about a second build.
    Release,
}

impl Workflow {
    /// Its path in the repository.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Build => ".github/workflows/build.yml",
            Self::Images => ".github/workflows/images.yml",
            Self::Release => ".github/workflows/release.yml",
        }
    }
}

/// The kinds of statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predicate {
    /// Which workflow built it, from which commit.
    Provenance,
    /// An SBOM: the contents.
    Sbom,
    /// A second build that gave the same bytes: in-toto's Simple Verification Result.
    Rebuild,
}

impl Predicate {
    /// The URI that statements of this kind carry.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Provenance => "https://slsa.dev/provenance/v1",
            Self::Sbom => "https://cyclonedx.org/bom",
            Self::Rebuild => "https://in-toto.io/attestation/svr/v0.2",
        }
    }
}

/// The expected content of an attestation, and its expected signer.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// `owner/repository/path@ref` of the workflow.
    pub workflow: &'a str,
    /// `owner/repository` of the source.
    pub repository: &'a str,
    /// The ref of the source.
    pub reference: &'a str,
    /// The commit of the source; without one, that of the certificate is only compared with the predicate's.
    pub commit: Option<&'a str>,
    /// The kind of statement.
    pub predicate: Predicate,
    /// The expected content, where it is known: the SBOM itself.
    pub document: Option<&'a Value>,
    /// All that it is about.
    pub subjects: &'a [Subject],
}

/// The mismatch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: found {found}, expected {expected}")]
pub struct Mismatch {
    /// The check that failed.
    pub check: Check,
    /// The value in the attestation.
    pub found: String,
    /// The expected value.
    pub expected: String,
}

/// The checks, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The issuer that vouched for the signer.
    Issuer,
    /// Which workflow signed, at which ref.
    Workflow,
    /// On whose machine.
    Runner,
    /// For which repository.
    Repository,
    /// For which ref of it.
    Reference,
    /// For which commit.
    Commit,
    /// The kind of the statement.
    Predicate,
    /// The origin that it states.
    Document,
    /// About what.
    Subjects,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "issuer",
            Self::Workflow => "signing workflow",
            Self::Runner => "runner",
            Self::Repository => "source repository",
            Self::Reference => "source ref",
            Self::Commit => "source commit",
            Self::Predicate => "predicate type",
            Self::Document => "predicate",
            Self::Subjects => "subjects",
        })
    }
}

impl Mismatch {
    /// Returns the meaning of the mismatch, and the next step.
    pub fn hint(&self) -> &'static str {
        match self.check {
            Check::Issuer | Check::Workflow | Check::Runner | Check::Repository => {
                "another party signed this: do not use it, and report it to the project"
            }
            Check::Reference | Check::Commit => {
                "it was signed for another version or commit: take all files from the same release"
            }
            Check::Predicate | Check::Document => "look at what actions/attest was given in the workflow",
            Check::Subjects => "a file changed after it was signed, or was never signed: do not use it",
        }
    }
}

/// Whether an authentic attestation says what is expected, by whom it is expected.
pub fn check_policy(attestation: &Attestation, expected: &Expected<'_>) -> Result<(), Mismatch> {
    let signer = &attestation.signer;
    hold(Check::Issuer, &signer.issuer, ISSUER, same)?;
    hold(Check::Workflow, &signer.workflow, &format!("{GITHUB}{}", expected.workflow), same_workflow)?;
    hold(Check::Runner, &signer.runner, HOSTED, same)?;
    hold(Check::Repository, &signer.repository, &format!("{GITHUB}{}", expected.repository), without_case)?;
    hold(Check::Reference, &signer.reference, expected.reference, same)?;
    hold(Check::Commit, &signer.commit, expected.commit.unwrap_or(&signer.commit), same)?;
    hold(Check::Predicate, &attestation.predicate_type, expected.predicate.uri(), same)?;
    if expected.predicate == Predicate::Provenance {
        hold(Check::Commit, &commits(&attestation.predicate).join(" and "), &signer.commit, same)?;
    }
    if expected.document.is_some_and(|document| *document != attestation.predicate) {
        return Err(mismatch(Check::Document, "another document", "the SBOM that is attached"));
    }
    subjects(&attestation.subjects, expected.subjects)
}

fn hold(check: Check, found: &str, expected: &str, equal: fn(&str, &str) -> bool) -> Result<(), Mismatch> {
    // What a certificate does not say is never what is expected.
    if !found.is_empty() && equal(found, expected) { Ok(()) } else { Err(mismatch(check, found, expected)) }
}

fn mismatch(check: Check, found: &str, expected: &str) -> Mismatch {
    let word = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
    Mismatch { check, found: word(found), expected: word(expected) }
}

fn same(found: &str, expected: &str) -> bool {
    found == expected
}

/// GitHub's names of owners and repositories have no case of their own.
fn without_case(found: &str, expected: &str) -> bool {
    found.eq_ignore_ascii_case(expected)
}

/// `https://github.com/owner/repository` without case; path and ref as they are.
fn same_workflow(found: &str, expected: &str) -> bool {
    let split = |uri: &str| uri.match_indices('/').nth(4).map(|(at, _)| at);
    match (split(found), split(expected)) {
        (Some(at), Some(there)) => {
            let (repository, path) = found.split_at(at);
            let (wanted, wanted_path) = expected.split_at(there);
            without_case(repository, wanted) && path == wanted_path
        }
        _ => false,
    }
}

/// The commits that a SLSA predicate says it was built from.
fn commits(predicate: &Value) -> Vec<&str> {
    let dependencies = predicate.pointer("/buildDefinition/resolvedDependencies").and_then(Value::as_array);
    dependencies.into_iter().flatten().filter_map(|d| d.pointer("/digest/gitCommit")?.as_str()).collect()
}

/// Docker's name for its own registry is not the one that people and its API use.
pub(super) fn plain(name: &str) -> &str {
    name.strip_prefix("index.").filter(|rest| rest.starts_with("docker.io/")).unwrap_or(name)
}

/// The names, in one order, each as people write it.
pub(super) fn names(subjects: &[Subject]) -> Vec<&str> {
    let mut names: Vec<&str> = subjects.iter().map(|s| plain(&s.name)).collect();
    names.sort_unstable();
    names
}

/// Every subject is expected, and everything expected is a subject.
fn subjects(found: &[Subject], expected: &[Subject]) -> Result<(), Mismatch> {
    if names(found) != names(expected) {
        let count = |all: &[Subject]| format!("{} ({})", all.len(), names(all).join(", "));
        return Err(mismatch(Check::Subjects, &count(found), &count(expected)));
    }
    for subject in found {
        // The platforms of an image have one name and a digest each.
        let named = || expected.iter().filter(|e| plain(&e.name) == plain(&subject.name));
        let wanted = named().next().filter(|_| named().all(|wanted| wanted.digest != subject.digest));
        if let Some(wanted) = wanted {
            let named = |digest: &dyn fmt::Display| format!("{} {digest}", subject.name);
            return Err(mismatch(Check::Subjects, &named(&subject.digest), &named(&wanted.digest)));
        }
    }
    Ok(())
}
