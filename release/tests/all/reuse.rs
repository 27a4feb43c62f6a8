//! Reuse: published parts are restored, so the run that finishes another run's work builds nothing again.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::PathBuf;

use sayna_release::attest;
use sayna_release::part::{ImagePart, Part};
use sayna_release::progress::Progress;
use sayna_release::publish::reuse;
use sayna_release::publish::{self, Destinations, Error, Only, Options, PartsError};
use sayna_release::registry::{Layout, Registry as _};

use crate::small_release::Release;

fn dist(release: &Release) -> PathBuf {
    release.folder.path().join("dist")
}

/// What each part says of itself, before it is gone; the image's SBOM is in what was signed for it.
fn parts(release: &Release) -> Vec<Part> {
    let folders = [release.plan.targets[0].triple.as_str(), "linux-amd64"];
    let read = |folder: &&str| match Part::read(&dist(release).join(folder)).unwrap().unwrap() {
        Part::Image(part) => Part::Image(ImagePart { sbom: None, ..part }),
        binary @ Part::Binary(_) => binary,
    };
    folders.iter().map(read).collect()
}

#[test]
fn a_machine_without_parts_takes_them_back_with_what_was_signed_for_them() {
    for release in [Release::attested(), Release::published()] {
        let attested = dist(&release).join("index").exists();
        let before = parts(&release);
        let signed = |name: &str| fs::read_to_string(dist(&release).join(name).join(attest::FILE)).unwrap_or_default();
        let sorted = |text: String| {
            let mut lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
            lines.sort_by_key(ToString::to_string);
            lines
        };
        let names = [release.plan.targets[0].triple.as_str(), "index"];
        let bundles = names.map(|name| sorted(signed(name)));
        let manifests = signed("publish");
        fs::remove_dir_all(dist(&release)).unwrap();
        if attested {
            // The manifest is signed where it is put together, which is here and now.
            fs::create_dir_all(dist(&release).join("publish")).unwrap();
            fs::write(dist(&release).join("publish").join(attest::FILE), manifests).unwrap();
        }
        let outcome = release.publish();
        assert!(outcome.complete() && outcome.tracks.iter().all(|t| t.actions.is_empty()), "{outcome:?}");
        assert_eq!(parts(&release), before);
        assert_eq!(names.map(|name| sorted(signed(name))), bundles);
        assert_eq!(bundles.iter().all(|b| !b.is_empty()), attested);
        assert!(release.verify().passed());
    }
}

/// Publishes into the release's own forge, and into a second registry beside its own.
fn publish(release: &Release, second: &Layout, options: Options) -> Result<publish::Outcome, Error> {
    let (forge, own) = (release.forge(), release.registry());
    let destinations =
        Destinations { forge: &forge, registries: &[second, &own], is_project_origin: false, trusted_root: None };
    let options = Options { allow_host_parts: true, ..options };
    publish::run(&release.plan, &dist(release), destinations, options, &Progress::quiet())
}

#[test]
fn a_registry_that_was_down_gets_from_another_what_nobody_has_any_more() {
    let release = Release::published();
    fs::remove_dir_all(dist(&release)).unwrap();
    let late = Layout::new(release.folder.path().join("late"));
    assert!(publish(&release, &late, Options::default()).unwrap().complete());
    assert_eq!(late.resolve("1.2.3").unwrap(), release.registry().resolve("1.2.3").unwrap());
}

#[test]
fn a_draft_is_finished_by_a_machine_that_has_none_of_its_files() {
    let release = Release::unpublished();
    let late = Layout::new(release.folder.path().join("late"));
    let binaries = Options { only: Some(Only::Binaries), ..Options::default() };
    publish(&release, &late, Options { until_draft: true, ..binaries }).unwrap();
    fs::remove_dir_all(dist(&release)).unwrap();
    let outcome = publish(&release, &late, binaries).unwrap();
    assert!(outcome.complete());
    assert_eq!(outcome.tracks[0].actions, ["compare every digest of the draft", "make the release public"]);
}

#[test]
fn reuse_ignores_parts_that_are_missing_broken_or_of_another_commit() {
    let mut release = Release::unpublished();
    let late = Layout::new(release.folder.path().join("late"));
    let binaries = Options { only: Some(Only::Binaries), ..Options::default() };
    let kept = release.folder.path().join("kept");
    fs::rename(dist(&release), &kept).unwrap();
    let missing = |release: &Release| match publish(release, &late, binaries) {
        Err(Error::Parts(PartsError::Missing { missing, .. })) => missing,
        other => panic!("{other:?}"),
    };
    let triple = [release.plan.targets[0].triple.to_string()];
    assert_eq!(missing(&release), triple, "no release");
    fs::rename(&kept, dist(&release)).unwrap();
    publish(&release, &late, Options { until_draft: true, ..binaries }).unwrap();
    fs::remove_dir_all(dist(&release)).unwrap();
    let archive = format!("forge/draft/v1.2.3/assets/{}", release.plan.targets[0].archive);
    let archive = release.folder.path().join(archive);
    let partial = archive.with_file_name(format!("{}.partial", release.plan.targets[0].archive));
    fs::rename(&archive, &partial).unwrap();
    assert_eq!(missing(&release), triple, "an upload that broke off");
    fs::rename(&partial, &archive).unwrap();
    release.plan.commit = "f".repeat(40);
    assert_eq!(missing(&release), triple, "another commit");
}

#[test]
fn reuse_refuses_changed_parts() {
    let release = Release::attested();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    fs::remove_dir_all(dist(&release)).unwrap();
    // The folder tells digests by reading; a forge that lies is one whose files differ from what the manifest says.
    let manifest = assets.join(&release.plan.manifest);
    let good = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, good.replacen("1.95.0", "1.94.0", 1)).unwrap();
    match release.try_publish() {
        Err(Error::Reuse(reuse::Error::Attest(e))) => assert!(e.to_string().contains("subjects"), "{e}"),
        other => panic!("{other:?}"),
    }
    fs::write(&manifest, good).unwrap();
    // Provenance and SBOM of the archive, provenance of the image and of the manifest: each is needed.
    let bundles = assets.join("sayna-1.2.3.intoto.jsonl");
    let all = fs::read_to_string(&bundles).unwrap();
    for missing in 0..4 {
        let without = all.split_inclusive('\n').enumerate().filter(|(n, _)| *n != missing).map(|(_, line)| line);
        fs::write(&bundles, without.collect::<String>()).unwrap();
        match release.try_publish() {
            Err(Error::Reuse(reuse::Error::Attest(attest::Error::Missing(what)))) => {
                assert_eq!(what.len(), 1, "{what:?}");
            }
            other => panic!("{other:?}"),
        }
        fs::remove_dir_all(dist(&release)).unwrap_or_default();
    }
}
