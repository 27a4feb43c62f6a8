//! `SHA256SUMS`: as publishing leaves it, as other programs read it, and as `verify` holds it against the release.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sayna_release::digest::Digest;
use sayna_release::manifest::Manifest;
use sayna_release::name::SUMS;
use sayna_release::sums;

use crate::small_release::Release;
use crate::support::names;

fn assets(release: &Release) -> PathBuf {
    release.folder.path().join("forge/published/v1.2.3/assets")
}

/// Exit status and everything that was printed.
fn verify(release: &Release, files: &[&str]) -> (Option<i32>, String) {
    let root = release.folder.path().join("root.json").display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    command.current_dir(assets(release)).arg("verify").args(files).args(["--trusted-root", &root]);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn sums_list_every_asset_but_themselves_and_the_attestations() {
    let release = Release::attested();
    let folder = assets(&release);
    let text = fs::read(folder.join(SUMS)).unwrap();
    let listed = sums::read(&text).unwrap();
    let mut there = names(&folder);
    there.retain(|name| name != SUMS && !name.ends_with(".intoto.jsonl"));
    assert_eq!(listed.keys().map(ToString::to_string).collect::<Vec<_>>(), there);
    for (name, digest) in &listed {
        assert_eq!(*digest, Digest::of_file(&folder.join(name)).unwrap().0, "{name}");
    }
    let manifest = fs::read(folder.join(&release.plan.manifest)).unwrap();
    assert_eq!(sums::text(&Manifest::read(&manifest).unwrap(), Digest::of(&manifest)).as_bytes(), text);
    assert_eq!((release.plan.sums.as_str(), folder.join(&release.plan.attestations).exists()), (SUMS, true));
}

fn reads(mut command: Command, release: &Release) {
    let folder = assets(release);
    let run = |command: &mut Command| command.current_dir(&folder).output().unwrap();
    let output = run(&mut command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().filter(|line| line.ends_with(": OK")).count(), names(&folder).len() - 2, "{text}");
    let archive = folder.join(&release.plan.targets[0].archive);
    let good = fs::read(&archive).unwrap();
    fs::write(&archive, b"another").unwrap();
    assert!(!run(&mut command).status.success(), "{command:?}");
    fs::write(&archive, good).unwrap();
}

/// The three readers that people have: coreutils, `BusyBox`, and Perl's, which is that of macOS.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs busybox"]
fn sha256sum_busybox_and_shasum_read_the_sums() {
    let release = Release::attested();
    for words in [
        &["sha256sum", "-c", SUMS][..],
        &["sha256sum", "-c", "--strict", "--ignore-missing", SUMS],
        &["busybox", "sha256sum", "-c", SUMS],
        &["shasum", "-a", "256", "-c", SUMS],
    ] {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("LC_ALL", "C");
        reads(command, &release);
    }
    // One archive, as most people download it.
    let folder = assets(&release);
    for name in names(&folder) {
        if name != SUMS && name != release.plan.targets[0].archive {
            fs::remove_file(folder.join(name)).unwrap();
        }
    }
    for words in [["sha256sum", "-c", "--ignore-missing", SUMS], ["shasum", "-c", "--ignore-missing", SUMS]] {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("LC_ALL", "C");
        let output = command.current_dir(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, format!("{}: OK\n", release.plan.targets[0].archive), "{command:?}");
    }
}

#[test]
fn verify_holds_the_sums_against_the_files_that_are_here() {
    let release = Release::attested();
    let (folder, archive) = (assets(&release), release.plan.targets[0].archive.clone());
    let (status, text) = verify(&release, &[SUMS]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("/.github/workflows/release.yml@refs/tags/v1.2.3"), "{text}");
    assert_eq!(verify(&release, &[SUMS, &archive, "--tag", "v1.2.3"]).0, Some(0));
    assert_eq!(verify(&release, &[SUMS, "--tag", "v1.2.4"]).0, Some(2));
    let path = folder.join(SUMS);
    let good = fs::read_to_string(&path).unwrap();
    // Signed are these bytes and no others, whether the manifest is here or not.
    for other in [
        good.replacen('0', "1", 1),
        good.split_inclusive('\n').filter(|line| !line.trim_end().ends_with(&archive)).collect(),
        good.clone() + &format!("{}  zzz\n", "0".repeat(64)),
    ] {
        fs::write(&path, &other).unwrap();
        let (status, text) = verify(&release, &[SUMS, &archive]);
        assert_eq!(status, Some(1), "{other}\n{text}");
        let manifest = fs::read(folder.join(&release.plan.manifest)).unwrap();
        fs::remove_file(folder.join(&release.plan.manifest)).unwrap();
        assert_eq!(verify(&release, &[SUMS]).0, Some(1), "{other}");
        fs::write(folder.join(&release.plan.manifest), manifest).unwrap();
    }
    // No release has such a file.
    let long: String = (0..20_000).flat_map(|n| ["0".repeat(64), format!("  {n:09}\n")]).collect();
    for other in [String::new(), good.replace("  ", " *"), good.replace("sayna-", "other-"), "\u{1b}[2J".into(), long] {
        fs::write(&path, &other).unwrap();
        let (status, text) = verify(&release, &[SUMS]);
        assert_eq!(status, Some(2), "{text}");
        assert!(text.contains("SHA256SUMS: not the digests of a release: ") && !text.contains('\u{1b}'), "{text}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(verify(&release, &[SUMS]).0, Some(2));
}

#[test]
fn publish_refuses_other_sums_and_a_second_run_does_nothing() {
    let release = Release::attested();
    let done = |outcome: sayna_release::publish::Outcome| outcome.tracks.iter().map(|t| t.actions.len()).sum::<usize>();
    assert_eq!(done(release.publish()), 0);
    fs::remove_file(release.folder.path().join("dist/publish").join(SUMS)).unwrap();
    assert_eq!(done(release.publish()), 0, "it is made again");
    let path = assets(&release).join(SUMS);
    fs::write(&path, "another\n").unwrap();
    let error = release.try_publish().unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains(SUMS), "{error}");
}

#[test]
fn a_manifest_cannot_take_the_name_of_the_sums() {
    let release = Release::unpublished();
    release.attest();
    let bytes = fs::read(release.folder.path().join("dist/publish").join(&release.plan.manifest)).unwrap();
    let archive = release.plan.targets[0].archive.as_str();
    for name in [SUMS, "sha256sums", &release.plan.manifest, &release.plan.attestations] {
        let text = String::from_utf8(bytes.clone()).unwrap().replace(&format!("\"{archive}\""), &format!("\"{name}\""));
        let error = Manifest::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("stands twice, or differs"), "{name}: {error}");
    }
}
