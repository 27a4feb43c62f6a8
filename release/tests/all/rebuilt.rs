//! The rows on statements that came after a release: GitHub's own about tag and assets, and that of a job that built it again.

use std::fs;

use sayna_release::attest::rebuild::{self, RebuildResult};
use sayna_release::attest::{Predicate, Subject};
use sayna_release::digest::Digest;
use sayna_release::forge::Github;
use sayna_release::manifest::Manifest;
use sayna_release::registry::Registry as _;
use sayna_release::verify::{Report, Verdict};
use serde_json::{Value, json};

use crate::attestations::{data, flip};
use crate::github::{Counterpart, reach};
use crate::referrers::attach;
use crate::signing::releases::{SERVICE, Stated};
use crate::signing::{Claim, INSTANCE, statement};
use crate::small_release::{Release, run};

const SVR: &str = "https://in-toto.io/attestation/svr/v0.2";

fn signed(claim: &Claim, result: &Value, subjects: &[Subject]) -> Value {
    INSTANCE.sign(claim, &statement(Predicate::Rebuild, result, subjects))
}

/// An attested release on GitHub, with its image.
pub(crate) struct World {
    pub(crate) hub: Counterpart,
    release: Release,
    pub(crate) manifest: Manifest,
    digest: Digest,
}

impl World {
    fn new() -> Self {
        Self::at(Counterpart::start(), None)
    }

    /// The same on this one, where the tag may be annotated by an object of this id.
    pub(crate) fn at(hub: Counterpart, object: Option<String>) -> Self {
        let mut release = Release::unpublished();
        release.is_project_origin = true;
        release.attest();
        let commit = release.plan.commit.clone();
        hub.hub().immutable = true;
        hub.hub().annotated.extend(object.clone().map(|object| (object, commit.clone())));
        hub.hub().tags.insert(release.plan.tag.clone(), object.unwrap_or(commit));
        assert!(release.try_publish_to(&reach(&hub.addresses.api, "push-token")).unwrap().complete());
        let bytes = fs::read(release.folder.path().join("dist/publish").join(&release.plan.manifest)).unwrap();
        Self { hub, release, manifest: Manifest::read(&bytes).unwrap(), digest: Digest::of(&bytes) }
    }

    fn verify(&self) -> Report {
        self.verify_at(&reach(&self.hub.addresses.api, "").for_looking())
    }

    pub(crate) fn verify_at(&self, forge: &Github) -> Report {
        self.release.with_request_to(forge, None, run)
    }

    fn row(&self, id: &str) -> (Verdict, String) {
        let report = self.verify();
        let row = report.rows.iter().find(|r| r.id == id).unwrap();
        (row.verdict.clone(), row.evidence.clone())
    }

    /// What a job of release.yml signs that built everything again.
    fn subjects(&self) -> Vec<Subject> {
        rebuild::published(&self.manifest)
    }

    fn result(&self) -> Value {
        let time = "2026-11-29T01:02:03Z".parse().unwrap();
        let name = self.manifest.names().manifest();
        serde_json::to_value(RebuildResult::new("saynaai/sayna", (&name, self.digest), time)).unwrap()
    }

    fn claim(&self) -> Claim {
        Claim::of(&self.release.plan, "release.yml")
    }

    /// What GitHub states of the release.
    fn stated(&self) -> Stated {
        Stated {
            signer: "https://dotcom.releases.github.com",
            predicate: "https://in-toto.io/attestation/release/v0.2",
            repository: "saynaai/sayna".to_owned(),
            tag: "v1.2.3".to_owned(),
            object: self.release.plan.commit.clone(),
            assets: self.hub.hub().releases[0]
                .assets
                .iter()
                .map(|a| Subject { name: a.name.clone(), digest: Digest::of(&a.bytes) })
                .collect(),
        }
    }

    /// A statement about the archive, and about nothing of the image.
    pub(crate) fn is_rebuilt_in_part(&self) {
        let archive = self.subjects().remove(0);
        self.keeps(&[signed(&self.claim(), &self.result(), &[archive])]);
    }

    /// The API has these statements about the archive.
    fn keeps(&self, bundles: &[Value]) {
        let archive = self.manifest.binaries[0].archive.digest;
        let mut hub = self.hub.hub();
        hub.attestations.retain(|(kind, _, _)| *kind != SVR);
        hub.attestations.extend(bundles.iter().map(|bundle| (SVR, archive, bundle.clone())));
    }
}

#[test]
fn a_rebuild_is_not_here_before_anybody_has_built_again_and_then_names_who_and_when() {
    let world = World::new();
    let report = world.verify();
    assert!(report.passed(), "{report:#?}");
    let (verdict, said) = world.row("rebuilt");
    assert!(verdict == Verdict::NotHere && said.starts_with("none yet"), "{said}");
    world.keeps(&[signed(&world.claim(), &world.result(), &world.subjects())]);
    let report = world.verify();
    assert!(report.passed(), "{report:#?}");
    let (verdict, said) = world.row("rebuilt");
    assert_eq!(verdict, Verdict::Ok, "{said}");
    for part in [
        world.manifest.binaries[0].archive.name.as_str(),
        "https://github.com/saynaai/sayna/.github/workflows/release.yml@refs/tags/v1.2.3",
        "https://github.com/saynaai/sayna/actions/runs/1/attempts/1",
        "2025-10-09T08:53:20Z",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("not rebuilt") && !said.contains("does not count"), "{said}");
    let proof = report.attestations.iter().find(|a| a.predicate == SVR).unwrap();
    assert_eq!(proof.subjects.len(), world.subjects().len());
    assert!(world.hub.hub().violations.is_empty(), "{:?}", world.hub.hub().violations);
}

#[test]
fn a_rebuild_beside_the_image_counts_once_wherever_it_lies() {
    let world = World::new();
    let registry = world.release.registry();
    let index = registry.resolve("1.2.3").unwrap().unwrap();
    let bundle = signed(&world.claim(), &world.result(), &world.subjects());
    let folder = world.release.folder.path().join("others");
    attach(&folder, index, &registry, &bundle.to_string());
    attach(&folder, index, &registry, "no bundle");
    world.keeps(&[bundle]);
    let report = world.verify();
    assert!(report.passed(), "{report:#?}");
    assert_eq!(report.attestations.iter().filter(|a| a.predicate == SVR).count(), 1);
    let (verdict, said) = world.row("rebuilt");
    assert!(verdict == Verdict::Ok && said.contains("one statement does not count"), "{said}");
    // It is no provenance of the image, and no provenance is a rebuild.
    let row = report.rows.iter().find(|r| r.id == "referrers").unwrap();
    assert!(row.evidence.starts_with("2 beside"), "{row:?}");
}

#[test]
fn statements_of_others_or_about_others_are_reported_and_never_count() {
    let world = World::new();
    let (claim, result, subjects) = (world.claim(), world.result(), world.subjects());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = result.clone();
        change(&mut changed);
        signed(&claim, &changed, &subjects)
    };
    let archive = subjects[0].clone();
    let other = Subject { digest: Digest::of(b"other"), ..archive.clone() };
    let renamed = Subject { name: "other.tar.gz".to_owned(), ..archive.clone() };
    let claimed = |claim: Claim| signed(&claim, &result, &subjects);
    let mut flipped = signed(&claim, &result, &subjects);
    flip(flipped.pointer_mut("/dsseEnvelope/signatures/0/sig").unwrap());
    let github = fs::read(data("github-private-attestation.sigstore.json")).unwrap();
    let cases = [
        ("signing workflow", claimed(Claim::of(&world.release.plan, "build.yml"))),
        (
            "signing workflow",
            claimed(Claim { repository: "https://github.com/evil/sayna".to_owned(), ..claim.clone() }),
        ),
        ("signing workflow", claimed(Claim { reference: "refs/heads/main".to_owned(), ..claim.clone() })),
        ("source commit", claimed(Claim { commit: "f".repeat(40), ..claim.clone() })),
        ("issuer", claimed(Claim { issuer: "https://gitlab.com".to_owned(), ..claim.clone() })),
        ("subjects", signed(&claim, &result, &[archive.clone(), other.clone()])),
        ("subjects", signed(&claim, &result, &[other])),
        ("subjects", signed(&claim, &result, &[renamed])),
        ("subjects", signed(&claim, &result, &[archive.clone(), archive.clone()])),
        ("no subject", signed(&claim, &result, &[])),
        ("predicate type", INSTANCE.provenance(&claim, std::slice::from_ref(&archive))),
        ("predicate", with(&|r| *r = json!({}))),
        ("predicate", with(&|r| *r = json!([1, 2]))),
        ("verifier", with(&|r| r["verifier"]["id"] = "https://example.org/".into())),
        ("properties", with(&|r| r["properties"] = json!([]))),
        ("properties", with(&|r| r["properties"] = json!(["SLSA_BUILD_LEVEL_3"]))),
        ("policies", with(&|r| r["verifier"]["policies"] = json!([]))),
        ("policies", with(&|r| r["verifier"]["policies"][0]["digest"]["sha256"] = "0".repeat(64).into())),
        ("timeCreated", with(&|r| r["timeCreated"] = "yesterday".into())),
        ("does not verify", flipped),
        ("not a list of attestation bundles", json!({})),
        ("not a list of attestation bundles", json!({"mediaType": "\u{1b}[31m"})),
        ("does not verify", serde_json::from_slice(&github).unwrap()),
    ];
    let good = signed(&claim, &result, &subjects);
    for (reason, bundle) in &cases {
        world.keeps(std::slice::from_ref(bundle));
        let (verdict, said) = world.row("rebuilt");
        assert!(verdict == Verdict::NotHere && said.contains(reason), "{reason}: {said}");
    }
    let all: Vec<Value> = cases.iter().map(|(_, bundle)| bundle.clone()).chain([good]).collect();
    world.keeps(&all);
    let report = world.verify();
    let row = report.rows.iter().find(|r| r.id == "rebuilt").unwrap();
    assert!(row.verdict == Verdict::Ok, "{row:?}");
    assert!(row.evidence.contains(&format!("{} statements do not count", cases.len())), "{row:?}");
    assert_eq!(report.attestations.iter().filter(|a| a.predicate == SVR).count(), 1);
    assert!(report.passed());
}

/// The statements that GitHub could make, each with one thing that is not so.
#[test]
fn github_must_state_this_tag_commit_and_these_assets_itself() {
    let world = World::new();
    let good = world.stated();
    let set = |bundles: &[Value]| {
        let mut hub = world.hub.hub();
        hub.attestations.retain(|(kind, _, _)| *kind != "release");
        hub.attestations.extend(bundles.iter().map(|bundle| ("release", world.digest, bundle.clone())));
    };
    let mut fewer = good.clone();
    fewer.assets.pop();
    let mut more = good.clone();
    more.assets.push(Subject { name: "more.zip".to_owned(), digest: Digest::of(b"") });
    let mut twice = good.clone();
    twice.assets.push(good.assets[0].clone());
    let mut wrong = good.clone();
    wrong.assets[0].digest = Digest::of(b"wrong");
    let workflow = INSTANCE.provenance(&world.claim(), &good.assets);
    for (reason, bundle) in [
        ("subjects", SERVICE.sign(&fewer)),
        ("more.zip", SERVICE.sign(&more)),
        ("twice", SERVICE.sign(&twice)),
        ("subjects", SERVICE.sign(&wrong)),
        ("source repository", SERVICE.sign(&Stated { repository: "evil/sayna".to_owned(), ..good.clone() })),
        ("source ref", SERVICE.sign(&Stated { tag: "v1.2.2".to_owned(), ..good.clone() })),
        ("the manifest is of commit", SERVICE.sign(&Stated { object: "f".repeat(40), ..good.clone() })),
        ("does not verify", SERVICE.sign(&Stated { signer: "https://example.org", ..good.clone() })),
        ("is of type", SERVICE.sign(&Stated { predicate: "https://slsa.dev/provenance/v1", ..good.clone() })),
        ("no statement about a release", workflow),
        ("not a list of attestation bundles", json!({})),
    ] {
        set(&[bundle]);
        let (verdict, said) = world.row("stated");
        assert!(verdict == Verdict::Failed && said.contains(reason), "{reason}: {said}");
    }
    // An annotated tag is stated by its own object.
    let object = "a".repeat(40);
    world.hub.hub().tags.insert("v1.2.3".to_owned(), object.clone());
    world.hub.hub().annotated.insert(object.clone(), world.release.plan.commit.clone());
    for predicate in ["https://in-toto.io/attestation/release/v0.1", "https://in-toto.io/attestation/release/v0.2"] {
        set(&[json!({}), SERVICE.sign(&Stated { object: object.clone(), predicate, ..good.clone() })]);
        let (verdict, said) = world.row("stated");
        assert_eq!(verdict, Verdict::Ok, "{said}");
    }
    // At the table's own forge there has to be one, and elsewhere not.
    set(&[]);
    let (verdict, said) = world.row("stated");
    assert!(verdict == Verdict::Failed && said.contains("no statement of its own"), "{said}");
    world.hub.hub().releases[0].immutable = false;
    assert!(world.row("stated").1.contains("not immutable"));
    let mut world = world;
    world.release.is_project_origin = false;
    assert_eq!(world.row("stated").0, Verdict::NotHere);
    assert!(world.hub.hub().violations.is_empty(), "{:?}", world.hub.hub().violations);
}

/// A statement that is too large for the API, or one of more than a hundred, is not read: nothing is claimed without it.
#[test]
fn what_the_api_does_not_give_is_said_and_never_taken_for_nothing() {
    let world = World::new();
    let good = [signed(&world.claim(), &world.result(), &world.subjects()), SERVICE.sign(&world.stated())];
    let set = |bundles: &[Vec<Value>; 2]| {
        world.keeps(&bundles[0]);
        let mut hub = world.hub.hub();
        hub.attestations.retain(|(kind, _, _)| *kind != "release");
        hub.attestations.extend(bundles[1].iter().map(|bundle| ("release", world.digest, bundle.clone())));
    };
    let (large, more) = ("too large for the API", "more than the 100 that were read");
    let unread = |bundles: &[Value], words: &[&str]| {
        set(&[bundles.to_vec(), bundles.to_vec()]);
        let report = world.verify();
        assert!(!report.passed() && !report.failed(), "{report:#?}");
        for id in ["rebuilt", "stated"] {
            let row = report.rows.iter().find(|r| r.id == id).unwrap();
            assert!(row.verdict == Verdict::NotSeen, "{row:?}");
            assert!(words.iter().all(|word| row.evidence.contains(word)), "{row:?}");
        }
    };
    unread(&[Value::Null], &["one is too large for the API", "gh attestation download"]);
    unread(
        &[Value::Null, json!({}), Value::Null],
        &["2 are too large for the API", "not a list of attestation bundles"],
    );
    unread(&vec![json!({}); 101], &[more]);
    unread(&vec![Value::Null; 101], &["100 are too large for the API", more]);
    for (others, word) in [(vec![Value::Null], large), (vec![json!({}); 100], more)] {
        set(&good.clone().map(|good| [vec![good], others.clone()].concat()));
        let report = world.verify();
        assert!(report.passed(), "{report:#?}");
        let (verdict, said) = world.row("rebuilt");
        assert!(
            verdict == Verdict::Ok && said.contains("not every statement was read") && said.contains(word),
            "{said}"
        );
        assert_eq!(world.row("stated").0, Verdict::Ok);
    }
    // A hundred are all.
    set(&[vec![json!({}); 100], vec![json!({}); 100]]);
    assert_eq!(world.row("rebuilt").0, Verdict::NotHere);
    assert_eq!(world.row("stated").0, Verdict::Failed);
}
