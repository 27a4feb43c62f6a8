//! Attestations beside the image, in the embedded registry: their form, convergence, and what others leave there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sayna_release::attest::Subject;
use sayna_release::digest::Digest;
use sayna_release::oci;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Only, Options, Outcome};
use sayna_release::registry::{Kind, Layout, Object, Registry as _};
use sayna_release::verify::Verdict;
use serde_json::Value;

use crate::attested_release::World;
use crate::fixture::tree;
use crate::signing::{Claim, INSTANCE};
use crate::small_release::Release;
use crate::stopping::{Fuse, StoppingRegistry};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn layout(world: &World) -> Layout {
    Layout::new(world.folder.path().join("registry"))
}

/// The actions on the registry.
fn actions(outcome: &Outcome) -> &[String] {
    assert!(outcome.complete(), "{outcome:?}");
    &outcome.tracks[1].actions
}

const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const SBOM: &str = "https://cyclonedx.org/bom";

/// The artifact of that kind beside the index, and its bundle.
fn beside(world: &World, kind: &str) -> (Value, Vec<u8>) {
    let registry = layout(world);
    let listed = registry.referrers(world.index().unwrap()).unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    let of_kind = |d: &&oci::Descriptor| d.annotations["dev.sigstore.bundle.predicateType"] == kind;
    let entry = listed.iter().find(of_kind).unwrap();
    let bytes = registry.manifest(entry.digest).unwrap();
    assert_eq!(Digest::of(&bytes), entry.digest);
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    let bundle = fs::read(world.folder.path().join("registry/blobs/sha256").join(digest)).unwrap();
    (manifest, bundle)
}

#[test]
fn provenance_and_sbom_are_artifacts_about_the_index_in_the_form_of_cosign_and_actions_attest() {
    let world = World::attested(2);
    let outcome = world.publish_to(&[&layout(&world)]).unwrap();
    let actions = actions(&outcome);
    let at = |start: &str| actions.iter().position(|a| a.starts_with(start)).unwrap();
    let index = world.index().unwrap();
    assert!(at(&format!("push manifest {index}")) < at("attach provenance of the image"), "{actions:#?}");
    assert!(at("attach provenance of the image") < at("tag 1.2.3"), "{actions:#?}");
    let (manifest, bundle) = beside(&world, PROVENANCE);
    assert_eq!((&manifest["schemaVersion"], &manifest["artifactType"]), (&2.into(), &BUNDLE.into()));
    assert_eq!(manifest["mediaType"], oci::media::MANIFEST);
    let empty = serde_json::json!({
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    });
    assert_eq!(manifest["config"], empty);
    let size = layout(&world).manifest(index).unwrap().len();
    let subject = serde_json::json!({"mediaType": oci::media::INDEX, "digest": index, "size": size});
    assert_eq!(manifest["subject"], subject);
    assert_eq!(manifest["layers"][0]["mediaType"], BUNDLE);
    let title = format!("sha256-{}.sigstore.json", Digest::of(&bundle).hex());
    assert_eq!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"], title);
    let says = serde_json::json!({
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": PROVENANCE,
        "org.opencontainers.image.created": "2025-10-09T08:53:20Z",
    });
    assert_eq!(manifest["annotations"], says);
    let signed = fs::read_to_string(world.dist().join("index/attestations.jsonl")).unwrap();
    let signed: Vec<Value> = signed.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for kind in [PROVENANCE, SBOM] {
        let (_, bundle) = beside(&world, kind);
        assert!(signed.contains(&serde_json::from_slice(&bundle).unwrap()), "{kind}");
    }
    assert_eq!(layout(&world).tags().unwrap(), ["1.2.3"], "in a layout it needs no tag");
}

#[test]
fn a_second_run_attaches_nothing_even_where_all_was_signed_anew() {
    let world = World::attested(1);
    world.publish_to(&[&layout(&world)]).unwrap();
    let before = tree(&world.folder.path().join("registry"));
    assert!(actions(&world.publish_to(&[&layout(&world)]).unwrap()).is_empty());
    world.attest();
    assert!(actions(&world.publish_to(&[&layout(&world)]).unwrap()).is_empty());
    assert!(tree(&world.folder.path().join("registry")) == before);
}

#[test]
fn after_a_stop_at_every_change_a_rerun_attaches_the_same_bytes() {
    let world = World::attested(1);
    world.publish_to(&[&layout(&world)]).unwrap();
    let wanted = tree(&world.folder.path().join("registry"));
    for changes in 0.. {
        let root = world.folder.path().join(format!("stopped-{changes}"));
        let fuse = Fuse::new(changes);
        let (inner, look) = (Layout::new(&root), || ());
        let registry = StoppingRegistry { inner, root: root.clone(), fuse: &fuse, look: &look };
        world.publish_to(&[&registry]).unwrap();
        assert!(world.publish_to(&[&Layout::new(&root)]).unwrap().complete());
        assert!(tree(&root) == wanted, "stopped before change {changes}");
        if !fuse.stopped() {
            // Six blobs, two manifests, both artifacts at once, the tag.
            assert_eq!(changes, 10);
            return;
        }
    }
}

/// Attaches another bundle about the index, with its files in `folder`.
pub(crate) fn attach(folder: &Path, index: Digest, registry: &Layout, line: &str) -> Digest {
    fs::create_dir_all(folder).unwrap();
    let object = |bytes: &[u8], kind: Kind| {
        let digest = Digest::of(bytes);
        let from = folder.join(digest.hex());
        fs::write(&from, bytes).unwrap();
        Object { digest, size: bytes.len() as u64, kind, from }
    };
    let descriptor = |media: &str, object: &Object| oci::Descriptor::new(media, object.digest, object.size);
    let (empty, bundle) = (object(b"{}", Kind::Blob), object(line.as_bytes(), Kind::Blob));
    for blob in [&empty, &bundle] {
        registry.push(blob, &|_| ()).unwrap();
    }
    let mut manifest = oci::Manifest::new(descriptor(oci::media::EMPTY, &empty), vec![descriptor(BUNDLE, &bundle)]);
    manifest.artifact_type = Some(BUNDLE.to_owned());
    manifest.subject = Some(oci::Descriptor::new(oci::media::INDEX, index, 1));
    let manifest = object(&oci::to_bytes(&manifest), Kind::Manifest);
    registry.attach(&[&manifest]).unwrap();
    manifest.digest
}

#[test]
fn foreign_attestations_stay_and_do_not_count() {
    let world = World::attested(1);
    let registry = layout(&world);
    let subject = Subject { name: "docker.io/saynaai/sayna".to_owned(), digest: world.index().unwrap() };
    let other = Subject { digest: Digest::of(b"other"), ..subject.clone() };
    let good = Claim::of(&world.plan, "images.yml");
    let forged = [
        INSTANCE.provenance(&Claim::of(&world.plan, "build.yml"), std::slice::from_ref(&subject)).to_string(),
        INSTANCE.provenance(&Claim { reference: "refs/heads/main".to_owned(), ..good.clone() }, &[subject]).to_string(),
        INSTANCE.provenance(&good, &[other]).to_string(),
        "no bundle".to_owned(),
    ];
    let (folder, index) = (world.folder.path().join("others"), world.index().unwrap());
    let others: Vec<Digest> = forged.iter().map(|line| attach(&folder, index, &registry, line)).collect();
    let outcome = world.publish_to(&[&registry]).unwrap();
    assert!(actions(&outcome).iter().any(|a| a.starts_with("attach provenance")), "{outcome:?}");
    let listed = registry.referrers(world.index().unwrap()).unwrap();
    assert_eq!(listed.len(), others.len() + 2);
    assert!(others.iter().all(|digest| listed.iter().any(|d| d.digest == *digest)));
    assert!(actions(&world.publish_to(&[&registry]).unwrap()).is_empty());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn one_flipped_byte_of_what_lies_beside_the_image_fails_its_row() {
    let release = Release::attested();
    let registry = release.registry();
    let index = registry.resolve("1.2.3").unwrap().unwrap();
    let mut files = BTreeSet::from(["index.json".to_owned()]);
    let listed = registry.referrers(index).unwrap();
    for entry in &listed {
        let manifest: oci::Manifest = serde_json::from_slice(&registry.manifest(entry.digest).unwrap()).unwrap();
        let digests = manifest.blobs().map(|b| b.digest).chain([entry.digest]);
        files.extend(digests.map(|d| format!("blobs/sha256/{}", d.hex())));
    }
    // Two manifests, two bundles, the configuration that both share.
    assert_eq!(files.len(), 1 + 5);
    for file in files {
        let path = release.folder.path().join("registry").join(&file);
        let good = fs::read(&path).unwrap();
        // Of the list, its entry, which stands before those of tags.
        let text = String::from_utf8_lossy(&good);
        let places = text.find("[{").filter(|_| file == "index.json").map_or(0..good.len(), |start| {
            let end = text.rfind("},{").unwrap();
            start + 1..end
        });
        let flip = |position: usize| {
            let mut wrong = good.clone();
            wrong[position] ^= 1;
            fs::write(&path, wrong).unwrap();
        };
        // Each byte of the list, without a whole checklist for each.
        for position in places.clone().filter(|_| file == "index.json") {
            flip(position);
            assert!(registry.referrers(index).map_or(true, |found| found != listed), "{file} at {position}");
        }
        for position in places.clone().step_by(places.len() / 16 + 1) {
            flip(position);
            let report = release.verify();
            let failed: Vec<_> = report.rows.iter().filter(|r| r.verdict == Verdict::Failed).collect();
            assert_eq!(failed.len(), 1, "{file} at {position}: {failed:#?}");
            let expected: &[&str] = if file == "index.json" { &["image", "referrers"] } else { &["referrers"] };
            assert!(expected.contains(&failed[0].id), "{file} at {position}: {failed:#?}");
        }
        fs::write(&path, &good).unwrap();
    }
    let report = release.verify();
    let row = report.rows.iter().find(|r| r.id == "referrers").unwrap();
    assert_eq!(row.verdict, Verdict::Ok);
    assert!(row.evidence.contains("/.github/workflows/images.yml@refs/tags/v1.2.3"), "{row:?}");
    // Gone altogether.
    let path = release.folder.path().join("registry/index.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    document["manifests"].as_array_mut().unwrap().retain(|d| d.get("artifactType").is_none());
    fs::write(&path, document.to_string()).unwrap();
    let report = release.verify();
    let row = report.rows.iter().find(|r| r.verdict == Verdict::Failed).unwrap();
    assert_eq!(row.id, "referrers");
    assert!(row.evidence.contains("no provenance of the image"), "{row:?}");
    // The next run puts it back.
    assert_eq!(actions(&release.publish()).len(), 2);
    assert!(release.verify().passed());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_image_that_is_later_than_its_release_has_its_attestations_beside_it_alone() {
    let release = Release::unpublished();
    INSTANCE.write_root(&release.root());
    let (forge, registry, root) = (release.forge(), release.registry(), release.root());
    let dist = release.folder.path().join("dist");
    let run = |only: Option<Only>, dry_run: bool| {
        let places = Destinations {
            forge: &forge,
            registries: &[&registry],
            is_project_origin: false,
            trusted_root: Some(&root),
        };
        let options = Options { only, dry_run, allow_host_parts: true, ..Options::default() };
        publish::run(&release.plan, &dist, places, options, &Progress::quiet()).unwrap()
    };
    run(Some(Only::Images), true);
    let index = Digest::of(&fs::read(dist.join("publish/index.json")).unwrap());
    run(Some(Only::Binaries), true);
    let manifest = fs::read(dist.join("publish").join(&release.plan.manifest)).unwrap();
    INSTANCE.attest(&release.plan, &dist, None, &manifest);
    run(Some(Only::Binaries), false);
    INSTANCE.attest(&release.plan, &dist, Some(index), &manifest);
    assert!(run(None, false).complete());
    let report = release.verify_as_a_stranger();
    assert!(report.passed(), "{report:#?}");
    assert_eq!(registry.referrers(index).unwrap().len(), 2);
    // Archive, SBOM and manifest by the release's own file, the image by what lies beside it.
    assert_eq!(report.attestations.len(), 3 + 2);
    let artifact = registry.referrers(index).unwrap()[0].digest.hex();
    fs::remove_file(release.folder.path().join("registry/blobs/sha256").join(artifact)).unwrap();
    let report = release.verify_as_a_stranger();
    assert_eq!(report.rows.iter().find(|r| r.verdict == Verdict::Failed).unwrap().id, "referrers");
}
