//! Publishing converges: from any state, after a stop at any change, in any order of releases.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use sayna_release::digest::Digest;
use sayna_release::forge::{Directory, Forge};
use sayna_release::oci;
use sayna_release::plan::Plan;
use sayna_release::progress::Progress;
use sayna_release::publish::{self, Destinations, Error, Only, Options, Outcome, Refusal};
use sayna_release::registry::{Layout, Registry};

use crate::fixture::{plan, tree, write_parts};
use crate::stopping::{Fuse, StoppingForge, StoppingRegistry};
use crate::support::names;

const ALLOWED: Options = Options { only: None, until_draft: false, dry_run: false, allow_host_parts: true };

fn publish(plan: &Plan, root: &Path, options: Options) -> Result<Outcome, Error> {
    let forge = Directory::new(root.join("forge"));
    let registry = Layout::new(root.join("registry"));
    let destinations =
        Destinations { forge: &forge, registries: &[&registry], is_project_origin: false, trusted_root: None };
    publish::run(plan, &root.join("dist"), destinations, options, &Progress::quiet())
}

fn actions(outcome: &Outcome) -> usize {
    outcome.tracks.iter().map(|t| t.actions.len()).sum()
}

/// What a stranger sees: every public release is whole, every tag leads to an index with everything below it.
fn look_as_a_stranger(root: &Path, plan: &Plan) {
    let assets = root.join("forge/published").join(&plan.tag).join("assets");
    if assets.exists() {
        let names = names(&assets);
        assert_eq!(names.len(), plan.targets.len() * 3 + 3, "an incomplete release is public: {names:?}");
        for target in &plan.targets {
            let line = fs::read_to_string(assets.join(&target.checksum)).unwrap();
            let (digest, _) = Digest::of_file(&assets.join(&target.archive)).unwrap();
            assert_eq!(line, format!("{}  {}\n", digest.hex(), target.archive));
        }
    }
    let registry = Layout::new(root.join("registry"));
    for tag in registry.tags().unwrap() {
        let digest = registry.resolve(&tag).unwrap().unwrap();
        let index: oci::Index = serde_json::from_slice(&whole(root, digest)).unwrap();
        for manifest in &index.manifests {
            let manifest: oci::Manifest = serde_json::from_slice(&whole(root, manifest.digest)).unwrap();
            manifest.blobs().for_each(|blob| drop(whole(root, blob.digest)));
        }
    }
}

fn whole(root: &Path, digest: Digest) -> Vec<u8> {
    let bytes = fs::read(root.join("registry/blobs/sha256").join(digest.hex())).unwrap();
    assert_eq!(Digest::of(&bytes), digest, "a tag leads to a broken blob");
    bytes
}

/// Publishes with a stop at the n-th change; true when it was reached.
fn publish_until(plan: &Plan, root: &Path, changes: usize) -> bool {
    let fuse = Fuse::new(changes);
    let look = || look_as_a_stranger(root, plan);
    let (forge_root, registry_root) = (root.join("forge"), root.join("registry"));
    let forge = StoppingForge { inner: Directory::new(&forge_root), root: forge_root, fuse: &fuse, look: &look };
    let inner = Layout::new(&registry_root);
    let registry = StoppingRegistry { inner, root: registry_root, fuse: &fuse, look: &look };
    let destinations =
        Destinations { forge: &forge, registries: &[&registry], is_project_origin: false, trusted_root: None };
    let result = publish::run(plan, &root.join("dist"), destinations, ALLOWED, &Progress::quiet());
    let complete = matches!(&result, Ok(outcome) if outcome.complete());
    assert_eq!(complete, !fuse.stopped(), "{result:?}");
    fuse.stopped()
}

/// What an undisturbed run leaves.
fn undisturbed(plan: &Plan, salt: &str) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let root = tempfile::tempdir().unwrap();
    write_parts(plan, &root.path().join("dist"), salt);
    assert!(publish(plan, root.path(), ALLOWED).unwrap().complete());
    [tree(&root.path().join("forge")), tree(&root.path().join("registry"))].concat()
}

#[test]
fn a_second_run_does_nothing() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 3, 2);
    write_parts(&plan, &root.path().join("dist"), "a");
    let first = publish(&plan, root.path(), ALLOWED).unwrap();
    // 12 assets, draft, compare, publish; 2 shared and 4 own blobs less one shared layer, 2 manifests, index, tag.
    assert_eq!(actions(&first), 15 + 9, "{first:#?}");
    let before = tree(root.path());
    let second = publish(&plan, root.path(), ALLOWED).unwrap();
    assert_eq!((actions(&second), second.complete()), (0, true));
    assert_eq!(tree(root.path()), before);
}

#[test]
fn after_a_stop_at_every_change_a_rerun_reaches_the_same_bytes() {
    let plan = plan("1.2.3", 3, 2);
    let wanted = undisturbed(&plan, "a");
    let mut points = 0;
    for changes in 0.. {
        let root = tempfile::tempdir().unwrap();
        write_parts(&plan, &root.path().join("dist"), "a");
        if !publish_until(&plan, root.path(), changes) {
            break;
        }
        assert!(publish(&plan, root.path(), ALLOWED).unwrap().complete());
        look_as_a_stranger(root.path(), &plan);
        let reached = [tree(&root.path().join("forge")), tree(&root.path().join("registry"))].concat();
        assert!(reached == wanted, "stopped before change {changes}");
        points += 1;
    }
    // Every action but the comparison is a change.
    assert_eq!(points, 23);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a forge and a registry hold of a draft, right, wrong or broken, and wherever runs stop.
    #[test]
    fn any_state_converges(
        targets in 1_usize..=3,
        platforms in 0_usize..=2,
        stale in any::<bool>(),
        stops in prop::collection::vec(0_usize..24, 0..4),
    ) {
        let root = tempfile::tempdir().unwrap();
        let plan = plan("1.2.3", targets, platforms);
        let dist = root.path().join("dist");
        if stale {
            // An earlier try of the same version with other bytes got as far as its draft.
            write_parts(&plan, &dist, "stale");
            publish_until(&plan, root.path(), targets * 2);
        }
        write_parts(&plan, &dist, "fresh");
        for changes in stops {
            publish_until(&plan, root.path(), changes);
        }
        prop_assert!(publish(&plan, root.path(), ALLOWED).unwrap().complete());
        look_as_a_stranger(root.path(), &plan);
        let again = publish(&plan, root.path(), ALLOWED).unwrap();
        prop_assert_eq!(actions(&again), 0);
        let wanted = undisturbed(&plan, "fresh");
        let forge = tree(&root.path().join("forge"));
        prop_assert!(forge.iter().all(|f| wanted.contains(f)), "{:?}", forge.iter().map(|f| &f.0).collect::<Vec<_>>());
        prop_assert_eq!(forge.len(), targets * 3 + 3 + 2);
    }
}

fn refusal(result: Result<Outcome, Error>) -> Refusal {
    match result {
        Err(Error::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_published_thing_never_changes() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    let dist = root.path().join("dist");
    write_parts(&plan, &dist, "a");
    publish(&plan, root.path(), ALLOWED).unwrap();
    let before = [tree(&root.path().join("forge")), tree(&root.path().join("registry"))].concat();
    write_parts(&plan, &dist, "b");
    assert!(matches!(refusal(publish(&plan, root.path(), ALLOWED)), Refusal::Public { .. }));
    let images = Options { only: Some(Only::Images), ..ALLOWED };
    assert!(matches!(refusal(publish(&plan, root.path(), images)), Refusal::TagTaken { .. }));
    assert!([tree(&root.path().join("forge")), tree(&root.path().join("registry"))].concat() == before);
}

#[test]
fn a_draft_with_an_unplanned_file_and_two_releases_of_one_tag_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 0);
    write_parts(&plan, &root.path().join("dist"), "a");
    let until_draft = Options { until_draft: true, ..ALLOWED };
    publish(&plan, root.path(), until_draft).unwrap();
    let extra = root.path().join("forge/draft/v1.2.3/assets/notes.txt");
    fs::write(&extra, "mine").unwrap();
    let refused = refusal(publish(&plan, root.path(), ALLOWED));
    assert_eq!(refused, Refusal::Unplanned { tag: "v1.2.3".into(), name: "notes.txt".into() });
    assert!(extra.exists(), "what is not ours is not deleted");
    fs::remove_file(extra).unwrap();
    fs::create_dir_all(root.path().join("forge/published/v1.2.3/assets")).unwrap();
    for name in ["release.json", "notes.md"] {
        let from = root.path().join("forge/draft/v1.2.3").join(name);
        fs::copy(from, root.path().join("forge/published/v1.2.3").join(name)).unwrap();
    }
    assert!(matches!(refusal(publish(&plan, root.path(), ALLOWED)), Refusal::Ambiguous { .. }));
}

#[test]
fn until_draft_sets_no_tag_and_shows_nothing() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 2, 2);
    write_parts(&plan, &root.path().join("dist"), "a");
    publish(&plan, root.path(), Options { until_draft: true, ..ALLOWED }).unwrap();
    assert_eq!(Layout::new(root.path().join("registry")).tags().unwrap(), Vec::<String>::new());
    assert_eq!(Directory::new(root.path().join("forge")).published().unwrap(), Vec::<String>::new());
    assert_eq!(actions(&publish(&plan, root.path(), ALLOWED).unwrap()), 3, "compare, tag, publish are left");
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    write_parts(&plan, &root.path().join("dist"), "a");
    let dry = publish(&plan, root.path(), Options { dry_run: true, ..ALLOWED }).unwrap();
    let all: Vec<&str> = dry.tracks.iter().flat_map(|t| &t.actions).map(String::as_str).collect();
    assert_eq!(all.first(), Some(&"create the draft"));
    assert_eq!(all.iter().filter(|a| a.starts_with("upload ")).count(), 6);
    assert!(!root.path().join("forge/draft").exists() && !root.path().join("registry/blobs").exists());
    assert_eq!(actions(&publish(&plan, root.path(), ALLOWED).unwrap()), all.len());
}

#[test]
fn images_that_come_later_are_tied_to_a_release_that_names_none() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 2);
    let dist = root.path().join("dist");
    write_parts(&plan, &dist, "a");
    let later = root.path().join("later");
    fs::create_dir(&later).unwrap();
    for platform in ["linux-amd64", "linux-arm64"] {
        fs::rename(dist.join(platform), later.join(platform)).unwrap();
    }
    let text = publish(&plan, root.path(), ALLOWED).unwrap_err().to_string();
    assert!(text.contains("linux/amd64, linux/arm64"), "{text}");
    // Images before their release are pushed by digest, so no tag leads to them.
    publish(&plan, root.path(), Options { only: Some(Only::Binaries), ..ALLOWED }).unwrap();
    for platform in ["linux-amd64", "linux-arm64"] {
        fs::rename(later.join(platform), dist.join(platform)).unwrap();
    }
    let forge = tree(&root.path().join("forge"));
    let outcome = publish(&plan, root.path(), ALLOWED).unwrap();
    assert!(outcome.complete());
    assert!(tree(&root.path().join("forge")) == forge, "the public manifest keeps image = null");
    assert_eq!(Layout::new(root.path().join("registry")).tags().unwrap(), ["1.2.3"]);
    assert_eq!(actions(&publish(&plan, root.path(), ALLOWED).unwrap()), 0);
}

#[test]
fn images_alone_wait_for_their_release() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    write_parts(&plan, &root.path().join("dist"), "a");
    let outcome = publish(&plan, root.path(), Options { only: Some(Only::Images), ..ALLOWED }).unwrap();
    assert!(!outcome.complete());
    assert!(Layout::new(root.path().join("registry")).tags().unwrap().is_empty());
    assert!(publish(&plan, root.path(), ALLOWED).unwrap().complete());
}

#[test]
fn a_registry_that_fails_delays_the_image_alone() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    let dist = root.path().join("dist");
    write_parts(&plan, &dist, "a");
    let forge = Directory::new(root.path().join("forge"));
    let fuse = Fuse::new(2);
    let registry_root = root.path().join("registry");
    let inner = Layout::new(&registry_root);
    let broken = StoppingRegistry { inner, root: registry_root, fuse: &fuse, look: &|| () };
    let destinations =
        Destinations { forge: &forge, registries: &[&broken], is_project_origin: false, trusted_root: None };
    let outcome = publish::run(&plan, &dist, destinations, ALLOWED, &Progress::quiet()).unwrap();
    assert!(!outcome.complete());
    assert!(outcome.tracks[0].stopped.is_none() && outcome.tracks[1].stopped.is_some(), "{outcome:?}");
    assert_eq!(forge.published().unwrap(), ["v1.2.3"]);
    let manifest = root.path().join("forge/published/v1.2.3/assets").join(&plan.manifest);
    let named: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let outcome = publish(&plan, root.path(), ALLOWED).unwrap();
    assert!(outcome.complete());
    let tagged = Layout::new(root.path().join("registry")).resolve("1.2.3").unwrap().unwrap();
    assert_eq!(named["image"]["index"], tagged.to_string(), "the digest was computed before any push");
}

#[test]
fn parts_that_a_release_does_not_accept_need_the_flag_and_never_reach_the_tables_own_places() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 1);
    let dist = root.path().join("dist");
    write_parts(&plan, &dist, "a");
    let refused = publish(&plan, root.path(), Options { allow_host_parts: false, ..ALLOWED }).unwrap_err();
    assert!(refused.is_refusal() && refused.to_string().contains("linux/amd64"), "{refused}");
    let forge = Directory::new(root.path().join("forge"));
    let registry = Layout::new(root.path().join("registry"));
    let destinations =
        Destinations { forge: &forge, registries: &[&registry], is_project_origin: true, trusted_root: None };
    assert!(publish::run(&plan, &dist, destinations, ALLOWED, &Progress::quiet()).unwrap_err().is_refusal());
    let mut other = plan.clone();
    other.toolchain = "1.96.0".parse().unwrap();
    let text = publish(&other, root.path(), Options { allow_host_parts: false, ..ALLOWED }).unwrap_err().to_string();
    assert!(text.contains("built with rustc 1.95.0, the table says 1.96.0"), "{text}");
}

#[test]
fn a_changed_or_foreign_part_is_refused_before_anything_is_touched() {
    let root = tempfile::tempdir().unwrap();
    let plan = plan("1.2.3", 1, 0);
    let dist = root.path().join("dist");
    write_parts(&plan, &dist, "a");
    let mut other = plan.clone();
    other.commit = "f".repeat(40);
    assert!(publish(&other, root.path(), ALLOWED).unwrap_err().is_refusal());
    fs::write(dist.join(plan.targets[0].triple.as_str()).join(&plan.targets[0].archive), "flipped").unwrap();
    let text = publish(&plan, root.path(), ALLOWED).unwrap_err().to_string();
    assert!(text.contains("part.json says sha256:"), "{text}");
    assert!(!root.path().join("forge/draft").exists());
}

#[test]
fn a_second_publisher_waits_and_says_for_whom() {
    let root = tempfile::tempdir().unwrap();
    let forge = Directory::new(root.path().join("forge"));
    let held = forge.lock(&|_| panic!("nobody else is here")).unwrap();
    let (said, heard) = std::sync::mpsc::channel();
    let other = forge.clone();
    let second = std::thread::spawn(move || other.lock(&|who| said.send(who.to_owned()).unwrap()).map(drop));
    let who = heard.recv().unwrap();
    assert!(who.contains(&format!("process {}", std::process::id())), "{who}");
    assert!(!second.is_finished());
    drop(held);
    second.join().unwrap().unwrap();
}
