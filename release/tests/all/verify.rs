//! The checklist: every row holds for a good release, and one wrong byte anywhere fails exactly one row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sayna_release::forge::Forge as _;
use sayna_release::progress::Progress;
use sayna_release::promote::Error;
use sayna_release::publish::{self, Destinations, Only, Options, Refusal};
use sayna_release::registry::Registry as _;
use sayna_release::verify::{Report, Verdict};

use crate::fixture::{plan, tree};
use crate::small_release::{Release, documents};

fn failed(report: &Report) -> Vec<(&str, &str)> {
    let failed = report.rows.iter().filter(|r| r.verdict == Verdict::Failed);
    failed.map(|r| (r.id, r.evidence.as_str())).collect()
}

fn row<'a>(report: &'a Report, id: &str) -> (&'a Verdict, &'a str) {
    let row = report.rows.iter().find(|r| r.id == id).unwrap();
    (&row.verdict, &row.evidence)
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn every_row_holds_before_and_after_promotion_for_maintainer_and_stranger() {
    let release = Release::published();
    for report in [release.verify(), release.verify_as_a_stranger()] {
        assert_eq!(failed(&report), [], "{report:#?}");
        assert!(row(&report, "latest").1.starts_with("awaiting promotion"), "{report:#?}");
        assert!(row(&report, "runs").1.contains("sayna 1.2.3"));
        assert_eq!(row(&report, "audit").0, &Verdict::Ok, "{report:#?}");
    }
    assert_eq!(release.promote(false).unwrap().moves.len(), 2);
    for report in [release.verify(), release.verify_as_a_stranger()] {
        assert!(report.passed(), "{report:#?}");
        assert_eq!(row(&report, "latest").0, &Verdict::Ok);
    }
    assert!(release.promote(false).unwrap().moves.is_empty(), "a second promotion moves nothing");
}

/// Which row answers for a file of forge and registry.
fn responsible(release: &Release, path: &Path) -> &'static [&'static str] {
    let name = path.file_name().unwrap().to_str().unwrap();
    let [index, manifest, config] = documents(&release.registry(), "1.2.3").map(|d| d.hex());
    match name {
        "release.json" => &["release"],
        "notes.md" => &["notes"],
        "index.json" => &["image", "latest"],
        "latest" => &["latest"],
        "oci-layout" => &["image"],
        "SHA256SUMS" => &["sums"],
        _ if name.contains(".release.json") => &["manifest"],
        _ if name.contains(".tar.gz") => &["checksums"],
        _ if name.ends_with(".cdx.json") => &["sbom"],
        _ if name == index => &["image"],
        _ if name == manifest || name == config => &["platforms"],
        _ => &["layers"],
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn one_flipped_byte_anywhere_fails_exactly_the_right_row() {
    let release = Release::published();
    release.promote(false).unwrap();
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for side in ["forge", "registry"] {
        let root = release.folder.path().join(side);
        for (path, bytes) in tree(&root) {
            let rows = responsible(&release, &path);
            kinds.extend(rows);
            for position in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
                let mut wrong = bytes.clone();
                wrong[position] ^= 1;
                fs::write(root.join(&path), &wrong).unwrap();
                let report = release.verify();
                let failed = failed(&report);
                let place = format!("{side}/{} at {position}: {failed:#?}", path.display());
                assert_eq!(failed.len(), 1, "{place}");
                assert!(rows.contains(&failed[0].0), "{place}");
                only_waits_for_the_failed_row(&report, &place);
                fs::write(root.join(&path), &bytes).unwrap();
            }
        }
    }
    assert_eq!(kinds.len(), 10, "every kind of file was there: {kinds:?}");
    assert!(release.verify().passed());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn attestations_have_their_own_row() {
    let mut release = Release::attested();
    release.is_project_origin = true;
    for report in [release.verify(), release.verify_as_a_stranger()] {
        assert!(report.passed(), "{report:#?}");
        let (verdict, evidence) = row(&report, "attested");
        assert_eq!(verdict, &Verdict::Ok);
        assert!(evidence.starts_with("5 files by 5 attestations: https://github.com/saynaai/sayna/"), "{evidence}");
        assert_eq!(report.attestations.len(), 5);
    }
    let path = release.folder.path().join("forge/published/v1.2.3/assets/sayna-1.2.3.intoto.jsonl");
    let good = fs::read(&path).unwrap();
    for position in [0, good.len() / 3, good.len() / 2, good.len() - 2] {
        let mut wrong = good.clone();
        wrong[position] ^= 1;
        fs::write(&path, &wrong).unwrap();
        let report = release.verify();
        assert_eq!(failed(&report).iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["attested"], "{report:#?}");
    }
    fs::remove_file(&path).unwrap();
    let report = release.verify();
    assert_eq!(failed(&report).iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["attested"], "{report:#?}");
    assert!(matches!(release.promote(false), Err(Error::Unverified { row, .. }) if row.id == "attested"));
    release.is_project_origin = false;
    let report = release.verify();
    assert_eq!(row(&report, "attested").0, &Verdict::NotHere);
    assert!(report.passed());
}

/// Rows that rest on the failed one, directly or not, say so by its number or by that of one in between.
fn only_waits_for_the_failed_row(report: &Report, place: &str) {
    for row in &report.rows {
        if let Verdict::NotChecked { row: number } = row.verdict {
            let blocking = &report.rows[number - 1];
            assert!(matches!(blocking.verdict, Verdict::Failed | Verdict::NotChecked { .. }), "{place}: {row:?}");
            assert_eq!(row.evidence, format!("not checked: row {number}"));
        }
    }
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn an_image_that_starts_another_program_than_the_archive_has_is_refused() {
    let release = Release::unpublished();
    release.swap_the_image();
    let (dist, forge, registry) = (release.folder.path().join("dist"), release.forge(), release.registry());
    let destinations =
        Destinations { forge: &forge, registries: &[&registry], is_project_origin: false, trusted_root: None };
    let publish = |only: Option<Only>| {
        let options = Options { only, allow_host_parts: true, ..Options::default() };
        publish::run(&release.plan, &dist, destinations, options, &Progress::quiet())
    };
    publish(Some(Only::Binaries)).unwrap();
    for only in [None, Some(Only::Images)] {
        let error = publish(only).unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("the archive's executable is"), "{error}");
    }
    assert_eq!(registry.tags().unwrap(), [""; 0]);
    // A machine that has the image alone cannot compare; who verifies can.
    fs::remove_dir_all(dist.join(release.plan.targets[0].triple.as_str())).unwrap();
    publish(Some(Only::Images)).unwrap();
    for report in [release.verify(), release.verify_as_a_stranger()] {
        let failed = failed(&report);
        assert!(
            matches!(failed.as_slice(), [("origin", why)] if why.contains(&release.plan.targets[0].archive)),
            "{failed:#?}"
        );
    }
    assert!(matches!(release.promote(false), Err(Error::Unverified { row, .. }) if row.id == "origin"));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn missing_and_additional_files_have_their_rows() {
    let release = Release::published();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    fs::write(assets.join("extra.txt"), "extra").unwrap();
    let report = release.verify();
    assert_eq!(failed(&report), [("nothing-else", "not planned: extra.txt")]);
    fs::remove_file(assets.join("extra.txt")).unwrap();
    fs::remove_file(assets.join(&release.plan.targets[0].sbom)).unwrap();
    let report = release.verify();
    assert_eq!(failed(&report), [("attached", release.plan.targets[0].sbom.as_str())]);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_manifest_that_leaves_out_one_of_several_targets_fails_its_row() {
    let mut release = Release::published();
    release.plan = plan("1.2.3", 2, 1);
    let report = release.verify();
    let said = failed(&report).into_iter().find(|(id, _)| *id == "manifest").unwrap().1.to_owned();
    assert!(said.contains("has binaries for [x86_64-unknown-linux-gnu]"), "{said}");
    assert!(said.contains("planned are [aarch64-unknown-linux-gnu, x86_64-unknown-linux-gnu]"), "{said}");
    assert!(matches!(release.promote(false), Err(Error::Unverified { .. })));
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_release_that_fails_verification_is_never_promoted() {
    let release = Release::published();
    let notes = release.folder.path().join("forge/published/v1.2.3/notes.md");
    fs::write(&notes, "something else").unwrap();
    let Err(Error::Unverified { row, .. }) = release.promote(false) else { panic!("promoted") };
    assert_eq!(row.id, "notes");
    assert_eq!(release.forge().latest().unwrap(), None);
    assert_eq!(release.registry().resolve("latest").unwrap(), None);
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn latest_follows_the_newest_stable_version_and_never_goes_back_but_on_purpose() {
    let mut release = Release::published();
    release.promote(false).unwrap();
    release.next("1.3.0-rc.1");
    assert!(matches!(release.promote(false), Err(Error::Refused(Refusal::Latest(_)))));
    release.next("1.3.0");
    release.promote(false).unwrap();
    release.next("1.2.4");
    let outcome = release.promote(false).unwrap();
    assert_eq!(outcome.stays.as_deref(), Some("1.3.0 is newer and keeps `latest`"));
    assert_eq!(release.forge().latest().unwrap().as_deref(), Some("v1.3.0"));
    let report = release.verify();
    assert!(report.passed() && row(&report, "latest").1.starts_with("1.3.0 is newer"), "{report:#?}");
    // 1.3.0 turns out to be bad.
    assert_eq!(release.promote(true).unwrap().moves.len(), 2);
    assert_eq!(release.forge().latest().unwrap().as_deref(), Some("v1.2.4"));
    let registry = release.registry();
    assert_eq!(registry.resolve("latest").unwrap(), registry.resolve("1.2.4").unwrap());
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_warning_on_top_of_the_notes_withdraws_a_release_without_failing_it() {
    let release = Release::published();
    let path = release.folder.path().join("forge/published/v1.2.3/notes.md");
    let notes = fs::read_to_string(&path).unwrap();
    for gap in ["", "\n", "\n\n"] {
        fs::write(&path, format!("> [!WARNING]\n> Do not use this: take 1.2.4.\n{gap}{notes}")).unwrap();
        for report in [release.verify(), release.verify_as_a_stranger()] {
            assert!(report.passed(), "{report:#?}");
            assert!(row(&report, "notes").1.contains("below a warning of 2"), "{report:#?}");
        }
    }
    // Nothing else may be in front, and nothing below may change.
    for text in
        [format!("Do not use this.\n\n{notes}"), format!("> Do not.\n\n{notes}> Really.\n"), "> Do not.\n".to_owned()]
    {
        fs::write(&path, text).unwrap();
        for report in [release.verify(), release.verify_as_a_stranger()] {
            assert_eq!(failed(&report).iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["notes"], "{report:#?}");
        }
    }
}
