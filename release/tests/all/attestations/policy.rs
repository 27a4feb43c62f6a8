//! The policy, on what authentic bundles say: each thing that is not as expected is the one that is named.

use sayna_release::attest::policy::Check;
use sayna_release::attest::{
    self, Attestation, Bundle, Error, Expected, ExpectedStatement, Predicate, Project, Subject, Trust, check_policy,
};
use sayna_release::attest::{Workflow, expectations};
use sayna_release::digest::Digest;
use serde_json::json;

use super::{CONDA, PROVENANCE, attestation, data, read};

const WORKFLOW: &str =
    "github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d";

fn artifact() -> [Subject; 1] {
    let digest = Digest::of(&read("reusable-workflow-artifact"));
    [Subject { name: "github_provenance_demo-0.0.0-py3-none-any.whl".to_owned(), digest }]
}

/// The policy of the project whose provenance it is.
fn expected(subjects: &[Subject]) -> Expected<'_> {
    Expected {
        workflow: WORKFLOW,
        repository: "malancas/attest-demo",
        reference: "refs/heads/main",
        commit: Some("95baf27389e83e6a5c48f42e190d48d7abcea19e"),
        predicate: Predicate::Provenance,
        document: None,
        subjects,
    }
}

#[test]
fn provenance_of_others_passes_their_policy_whatever_the_case_of_its_names() {
    let (found, subjects) = (attestation(PROVENANCE), artifact());
    check_policy(&found, &expected(&subjects)).unwrap();
    let workflow = WORKFLOW.replace("github/artifact-attestations", "GitHub/Artifact-Attestations");
    check_policy(&found, &Expected { workflow: &workflow, repository: "Malancas/Attest-Demo", ..expected(&subjects) })
        .unwrap();
    check_policy(&found, &Expected { commit: None, ..expected(&subjects) }).unwrap();
}

#[test]
fn another_expectation_fails_by_its_own_name() {
    let (found, subjects) = (attestation(PROVENANCE), artifact());
    let good = || expected(&subjects);
    let mut byte = read("reusable-workflow-artifact");
    byte.push(0);
    let changed = [Subject { digest: Digest::of(&byte), ..subjects[0].clone() }];
    let other = [Subject { name: "other.whl".to_owned(), ..subjects[0].clone() }];
    let two = [subjects[0].clone(), other[0].clone()];
    let document = json!({});
    let path = WORKFLOW.replace("attest.yml", "Attest.yml");
    let tag = WORKFLOW.replace("@09b495c3f12c7881b3cc17209a327792065c1a1d", "@refs/tags/v1");
    let nested = WORKFLOW.replace("github/artifact", "github/x/artifact");
    let cases = [
        (Check::Workflow, Expected { workflow: &path, ..good() }),
        (Check::Workflow, Expected { workflow: &tag, ..good() }),
        (Check::Workflow, Expected { workflow: &nested, ..good() }),
        (Check::Workflow, Expected { workflow: "", ..good() }),
        (Check::Repository, Expected { repository: "malancas/another", ..good() }),
        (Check::Reference, Expected { reference: "refs/tags/v1.2.3", ..good() }),
        (Check::Reference, Expected { reference: "refs/heads/Main", ..good() }),
        (Check::Commit, Expected { commit: Some("0123456789abcdef0123456789abcdef01234567"), ..good() }),
        (Check::Predicate, Expected { predicate: Predicate::Sbom, ..good() }),
        (Check::Document, Expected { document: Some(&document), ..good() }),
        (Check::Subjects, Expected { subjects: &changed, ..good() }),
        (Check::Subjects, Expected { subjects: &other, ..good() }),
        (Check::Subjects, Expected { subjects: &two, ..good() }),
        (Check::Subjects, Expected { subjects: &[], ..good() }),
    ];
    for (check, expected) in cases {
        let mismatch = check_policy(&found, &expected).unwrap_err();
        assert_eq!(mismatch.check, check, "{mismatch}");
        assert!(!mismatch.hint().is_empty() && mismatch.to_string().contains(", expected "), "{mismatch}");
    }
}

type Change = fn(&mut Attestation);

#[test]
fn another_certificate_fails_by_its_own_name() {
    let subjects = artifact();
    let cases: [(Check, Change); 8] = [
        (Check::Issuer, |a| a.signer.issuer = "https://accounts.google.com".to_owned()),
        (Check::Issuer, |a| a.signer.issuer.clear()),
        (Check::Runner, |a| a.signer.runner = "self-hosted".to_owned()),
        (Check::Repository, |a| a.signer.repository = "https://gitlab.com/malancas/attest-demo".to_owned()),
        (Check::Commit, |a| a.signer.commit.clear()),
        (Check::Commit, |a| a.predicate = json!({})),
        (Check::Commit, |a| {
            a.predicate["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"] = "0".into();
        }),
        (Check::Subjects, |a| a.subjects.push(a.subjects[0].clone())),
    ];
    for (check, change) in cases {
        let mut found = attestation(PROVENANCE);
        change(&mut found);
        let mismatch = check_policy(&found, &Expected { commit: None, ..expected(&subjects) }).unwrap_err();
        assert_eq!(mismatch.check, check, "{mismatch}");
    }
    // A statement of another kind about the right artifact is none about how it was built.
    let conda = attestation(CONDA);
    let workflow = "prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
    let theirs =
        Expected { workflow, repository: "prefix-dev/sigstore-example", commit: None, ..expected(&conda.subjects) };
    assert_eq!(check_policy(&conda, &theirs).unwrap_err().check, Check::Predicate);
}

/// What a release needs, where all there is are bundles of others.
fn check(files: &[&str], wanted: &[ExpectedStatement]) -> Error {
    let bundles: Vec<Bundle> = files.iter().flat_map(|f| Bundle::read(&data(f)).unwrap()).collect();
    let project = Project { repository: "saynaai/sayna", tag: "v1.2.3", commit: None };
    attest::check(&Trust::new(None).unwrap(), &bundles, wanted, project).unwrap_err()
}

#[test]
fn a_set_that_is_not_the_wanted_one_is_refused() {
    let manifest =
        ExpectedStatement::of_manifest("sayna-1.2.3.release.json", Digest::of(b"manifest"), Digest::of(b"sums"));
    assert!(matches!(check(&[PROVENANCE], std::slice::from_ref(&manifest)), Error::Unplanned { .. }));
    assert!(
        matches!(check(&[], std::slice::from_ref(&manifest)), Error::Missing(what) if what == ["provenance of sayna-1.2.3.release.json"])
    );
    let [subject] = artifact();
    let sums = Digest::of(b"sums");
    let ours = ExpectedStatement {
        workflow: Workflow::Build,
        subjects: vec![subject.clone()],
        ..ExpectedStatement::of_manifest(&subject.name, subject.digest, sums)
    };
    let Error::Policy { mismatch, .. } = check(&[PROVENANCE], &[ours]) else { panic!("accepted") };
    assert_eq!(mismatch.check, Check::Workflow);
    assert_eq!(mismatch.expected, "https://github.com/saynaai/sayna/.github/workflows/build.yml@refs/tags/v1.2.3");
}

#[test]
fn the_asset_is_the_same_bytes_whatever_the_order() {
    let [a, b] = [PROVENANCE, CONDA].map(|f| Bundle::read(&data(f)).unwrap().remove(0));
    let merged = expectations::merged(&[a.clone(), b.clone()]);
    assert_eq!(merged, expectations::merged(&[b, a]));
    let again = Bundle::parse("asset", &merged).unwrap();
    assert_eq!((again.len(), expectations::merged(&again)), (2, merged));
}
