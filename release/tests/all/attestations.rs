//! Attestations that others published: verified, and refused after each thing that can be wrong with them.

mod hostile;
mod policy;
mod release;

use std::path::{Path, PathBuf};
use std::process::Command;

use sayna_release::attest::{Attestation, Bundle, Error, Trust};
use sayna_release::digest::Digest;
use serde_json::{Value, json};

/// A file of `tests/data/attest`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attest").join(name)
}

const PROVENANCE: &str = "reusable-workflow-attestation.sigstore.json";
const CONDA: &str = "conda-attestation.sigstore.json";
const STAGING: &str = "conda-attestation-rekor2.sigstore.json";

fn open(root: Option<&str>, bytes: &[u8]) -> Result<Attestation, Error> {
    let trust = Trust::new(root.map(data).as_deref()).unwrap();
    let bundles = Bundle::parse("it", bytes)?;
    assert_eq!(bundles.len(), 1);
    trust.open(&bundles[0])
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

/// What a bundle of others says, which must verify.
pub(crate) fn attestation(name: &str) -> Attestation {
    open(None, &read(name)).unwrap()
}

#[test]
fn provenance_by_a_reusable_workflow_verifies_and_says_who_built_what() {
    let found = attestation(PROVENANCE);
    let artifact = read("reusable-workflow-artifact");
    assert_eq!(found.subjects.len(), 1);
    assert_eq!(found.subjects[0].name, "github_provenance_demo-0.0.0-py3-none-any.whl");
    assert_eq!(found.subjects[0].digest, Digest::of(&artifact));
    assert_eq!(found.predicate_type, "https://slsa.dev/provenance/v1");
    assert_eq!(found.signer.repository, "https://github.com/malancas/attest-demo");
    assert_eq!(found.signer.commit, "95baf27389e83e6a5c48f42e190d48d7abcea19e");
    assert_eq!(found.signer.runner, "github-hosted");
    assert_eq!(found.signed, "2024-05-24T19:14:24Z");
}

#[test]
fn both_versions_of_the_log_and_both_kinds_of_time_verify_each_with_its_own_root() {
    assert_eq!(attestation(CONDA).signer.repository, "https://github.com/prefix-dev/sigstore-example");
    let staging = open(Some("trusted_root_staging.json"), &read(STAGING)).unwrap();
    assert_eq!(staging.subjects[0].digest, Digest::of(&read("signed-package-2.1.0-hb0f4dca_0.conda")));
}

/// The reason why a bundle is refused.
fn refusal(root: Option<&str>, bytes: &[u8]) -> String {
    match open(root, bytes) {
        Ok(_) => panic!("it verified"),
        Err(e) => e.to_string(),
    }
}

/// The same bundle with one thing changed.
pub(crate) fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut bundle: Value = serde_json::from_slice(&read(name)).unwrap();
    let before = bundle.clone();
    change(&mut bundle);
    assert_ne!(bundle, before, "nothing was changed");
    bundle.to_string().into_bytes()
}

/// Another letter in the middle of base64.
pub(crate) fn flip(value: &mut Value) {
    let text = value.as_str().unwrap();
    let (head, tail) = text.split_at(text.len() / 2);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    *value = format!("{head}{other}{}", &tail[1..]).into();
}

#[test]
fn tampered_attestations_name_the_changed_field() {
    let material = "/verificationMaterial";
    let entry = format!("{material}/tlogEntries/0");
    let at = |pointer: String| changed(PROVENANCE, |b| flip(b.pointer_mut(&pointer).unwrap()));
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("payload", at("/dsseEnvelope/payload".into()), "does not verify"),
        ("signature", at("/dsseEnvelope/signatures/0/sig".into()), "does not verify"),
        ("certificate", at(format!("{material}/certificate/rawBytes")), "does not verify"),
        ("log entry", at(format!("{entry}/canonicalizedBody")), "inclusion"),
        ("promise", at(format!("{entry}/inclusionPromise/signedEntryTimestamp")), "inclusion promise"),
        ("root", at(format!("{entry}/inclusionProof/rootHash")), "inclusion proof"),
        (
            "integrated time",
            changed(PROVENANCE, |b| {
                b["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1716578065".into();
            }),
            "inclusion promise",
        ),
        (
            "no log entry",
            changed(PROVENANCE, |b| b["verificationMaterial"]["tlogEntries"] = json!([])),
            "does not verify",
        ),
        (
            "no proof",
            changed(PROVENANCE, |b| {
                drop(b["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof"));
            }),
            "proof",
        ),
    ];
    for (what, bytes, reason) in cases {
        let said = refusal(None, &bytes);
        assert!(said.contains(reason), "{what}: {said}");
    }
}

#[test]
fn material_of_another_authentic_bundle_is_refused() {
    let other: Value = serde_json::from_slice(&read(CONDA)).unwrap();
    for part in ["verificationMaterial", "dsseEnvelope"] {
        let said = refusal(None, &changed(PROVENANCE, |b| b[part] = other[part].clone()));
        assert!(said.contains("does not verify"), "{part}: {said}");
    }
    let certificate = other["verificationMaterial"]["certificate"].clone();
    refusal(None, &changed(PROVENANCE, |b| b["verificationMaterial"]["certificate"] = certificate));
    let entries = other["verificationMaterial"]["tlogEntries"].clone();
    refusal(None, &changed(PROVENANCE, |b| b["verificationMaterial"]["tlogEntries"] = entries));
}

#[test]
fn the_roots_of_another_instance_are_refused() {
    assert!(refusal(None, &read(STAGING)).contains("does not verify"));
    assert!(refusal(Some("trusted_root_staging.json"), &read(PROVENANCE)).contains("does not verify"));
    let error = Trust::new(Some(&data("README.md"))).unwrap_err();
    assert!(error.to_string().contains("not a trusted root"), "{error}");
}

#[test]
fn statements_that_no_release_of_ours_has_are_refused_in_their_own_words() {
    let said = refusal(None, &read("github-private-attestation.sigstore.json"));
    assert!(said.contains("has no SHA-256 digest"), "{said}");
    let said = refusal(None, &read("npm_slsa_bundle_v03.json"));
    assert!(said.contains("\"pkg:npm/sigstore@5.0.0\" has no SHA-256 digest"), "{said}");
}

/// A second implementation, in another language, says the same of the same files.
#[test]
#[ignore = "needs sigstore from PyPI"]
fn sigstore_python_agrees() {
    let python = std::env::var("SAYNA_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let artifact = data("signed-package-2.1.0-hb0f4dca_0.conda");
    let tampered = folder.path().join("tampered.json");
    std::fs::write(&tampered, changed(CONDA, |b| flip(b.pointer_mut("/dsseEnvelope/signatures/0/sig").unwrap())))
        .unwrap();
    for (bundle, repository, agrees) in [
        (data(CONDA), "prefix-dev/sigstore-example", true),
        (data(CONDA), "prefix-dev/another", false),
        (tampered, "prefix-dev/sigstore-example", false),
    ] {
        let mut command = Command::new(&python);
        command.args(["-m", "sigstore", "verify", "github", "--offline", "--bundle"]).arg(&bundle);
        let output = command.args(["--repository", repository]).arg(&artifact).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), agrees, "{}: {said}", bundle.display());
        assert!(!said.contains("No module named"), "{said}");
    }
}
