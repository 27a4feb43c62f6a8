//! GitHub's own statement about an immutable release, as GitHub signed it for another project.

use std::collections::BTreeMap;

use sayna_release::attest::policy::Check;
use sayna_release::attest::release::{Found, ReleaseStatement};
use sayna_release::attest::{Bundle, Error, Trust};
use sayna_release::digest::Digest;
use serde_json::{Value, json};

use super::{PROVENANCE, changed, data, flip, read};

const RELEASE: &str = "github-private-attestation.sigstore.json";

fn open(root: Option<&str>, bytes: &[u8]) -> Result<ReleaseStatement, Error> {
    let trust = Trust::new(root.map(data).as_deref()).unwrap();
    trust.open_release(&Bundle::parse("it", bytes)?[0])
}

fn refusal(root: Option<&str>, bytes: &[u8]) -> String {
    open(root, bytes).unwrap_err().to_string()
}

#[test]
fn a_release_statement_of_github_verifies_by_the_built_in_root_and_names_tag_and_assets() {
    let found = open(None, &read(RELEASE)).unwrap();
    assert_eq!((found.repository.as_str(), found.tag.as_str()), ("jdx/communique", "v0.1.9"));
    assert_eq!(found.object, "43d0bd191f16d1fe3484a4b58aa69118f7692442");
    assert_eq!(found.signed, "2026-03-02T09:52:15Z");
    assert_eq!(found.assets.len(), 5);
    let linux = found.assets["communique-x86_64-unknown-linux-gnu.tar.gz"].hex();
    assert_eq!(linux, "b958c6046bab52febf958c94974e1ffcc450bff78c28d7233e179bfd73828912");
}

#[test]
fn tampered_release_statements_are_refused() {
    let material = "/verificationMaterial";
    for pointer in [
        "/dsseEnvelope/payload".to_owned(),
        "/dsseEnvelope/signatures/0/sig".to_owned(),
        format!("{material}/certificate/rawBytes"),
        format!("{material}/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp"),
    ] {
        refusal(None, &changed(RELEASE, |b| flip(b.pointer_mut(&pointer).unwrap())));
    }
    let said = refusal(None, &changed(RELEASE, |b| b["verificationMaterial"]["timestampVerificationData"] = json!({})));
    assert!(said.contains("timestamp"), "{said}");
    let bytes = read(RELEASE);
    for end in (0..bytes.len()).step_by(97) {
        let trust = Trust::new(None).unwrap();
        let opened = Bundle::parse("it", &bytes[..end]).map(|bundles| trust.open_release(&bundles[0]).is_err());
        assert!(opened.unwrap_or(true), "{end}");
    }
}

/// Each authority signs for its own kind: neither statement counts as the other, whichever roots are named.
#[test]
fn roots_of_workflows_and_of_releases_do_not_stand_in_for_each_other() {
    let said = refusal(None, &read(PROVENANCE));
    assert!(said.contains("no statement about a release"), "{said}");
    let trust = Trust::new(None).unwrap();
    assert!(trust.open(&Bundle::parse("it", &read(RELEASE)).unwrap()[0]).is_err());
    // A root with a log is never used without it, and a file with one kind leaves the other kind built in.
    open(Some("trusted_root_staging.json"), &read(RELEASE)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.jsonl");
    let built_in = sigstore_verify::trust_root::SigstoreInstance::GitHub.embedded_trusted_root_json();
    let github: Value = serde_json::from_str(built_in).unwrap();
    let mut foreign = github.clone();
    for kind in ["certificateAuthorities", "timestampAuthorities"] {
        let all = foreign[kind].as_array().unwrap();
        let oldest = all.first().unwrap().clone();
        foreign[kind] = json!([oldest]);
    }
    let staging: Value = serde_json::from_slice(&read("trusted_root_staging.json")).unwrap();
    let public = sigstore_verify::trust_root::SigstoreInstance::PublicGood.embedded_trusted_root_json();
    let public: Value = serde_json::from_str(public).unwrap();
    let bundles = [RELEASE, PROVENANCE].map(|name| Bundle::parse("it", &read(name)).unwrap().remove(0));
    for (roots, release, workflow) in [
        (vec![&github], true, true),
        (vec![&public], true, true),
        // As `gh attestation trusted-root` prints them.
        (vec![&public, &github], true, true),
        (vec![&github, &staging], true, false),
        (vec![&public, &foreign], false, true),
        (vec![&foreign, &github], true, true),
    ] {
        let text: String = roots.iter().flat_map(|root| [root.to_string(), "\n".to_owned()]).collect();
        std::fs::write(&file, text).unwrap();
        let trust = Trust::new(Some(&file)).unwrap();
        assert_eq!(trust.open_release(&bundles[0]).is_ok(), release);
        assert_eq!(trust.open(&bundles[1]).is_ok(), workflow);
    }
    for text in [String::new(), "{}".to_owned(), "[]".to_owned(), format!("{github}\n").repeat(17)] {
        std::fs::write(&file, &text).unwrap();
        let error = Trust::new(Some(&file)).unwrap_err();
        assert!(error.to_string().contains("not a trusted root") && error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_release_statement_holds_for_its_own_release_and_all_of_its_assets_alone() {
    let statement = open(None, &read(RELEASE)).unwrap();
    let assets = statement.assets.clone();
    let found = Found { repository: "JDX/communique", tag: "v0.1.9", assets: &assets };
    statement.check(&found).unwrap();
    let with = |change: &dyn Fn(&mut BTreeMap<String, Digest>)| {
        let mut assets = assets.clone();
        change(&mut assets);
        statement.check(&Found { assets: &assets, ..found }).unwrap_err()
    };
    let name = "communique-aarch64-apple-darwin.tar.gz";
    assert_eq!(
        with(&|a| {
            a.remove(name);
        })
        .check,
        Check::Subjects
    );
    assert_eq!(
        with(&|a| {
            a.insert("more".to_owned(), Digest::of(b""));
        })
        .check,
        Check::Subjects
    );
    assert_eq!(
        with(&|a| {
            a.insert(name.to_owned(), Digest::of(b""));
        })
        .check,
        Check::Subjects
    );
    for (check, other) in [
        (Check::Repository, Found { repository: "jdx/other", ..found }),
        (Check::Reference, Found { tag: "v0.1.8", ..found }),
    ] {
        let mismatch = statement.check(&other).unwrap_err();
        assert_eq!(mismatch.check, check, "{mismatch}");
    }
}
