//! Names in a manifest and on a forge: what leaves a folder is no name, wherever it stands.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;

use serde_json::json;

use super::{assets, change, verify};
use crate::fixture::tree;
use crate::small_release::Release;

const HOSTILE: [&str; 12] = [
    "/../../../escaped",
    "../escaped",
    "/tmp/sayna-escaped",
    "..\\escaped",
    "C:escaped",
    ".hidden",
    "-rf",
    "",
    "a\u{0}b",
    "a\u{1b}[2J",
    "\u{202e}gpj.exe",
    "NUL.txt",
];

#[test]
fn a_hostile_name_anywhere_in_a_manifest_is_quoted_and_nothing_is_written() {
    let release = Release::published();
    let good = tree(&assets(&release));
    for at in
        ["/binaries/0/binary/name", "/binaries/0/archive/name", "/binaries/0/checksum/name", "/binaries/0/sbom/name"]
    {
        for name in HOSTILE {
            change(&release, |manifest| *manifest.pointer_mut(at).unwrap() = json!(name));
            let (status, printed) = verify(&release, &[]);
            assert_eq!(status, Some(1), "{printed}");
            let quoted = format!("{name:?} is not a portable file name");
            assert!(printed.contains(&quoted), "{at} {quoted}: {printed}");
            assert!(printed.lines().any(|l| l.contains("the manifest is whole") && l.contains("FAILED")), "{printed}");
            for (path, bytes) in &good {
                fs::write(assets(&release).join(path), bytes).unwrap();
            }
        }
    }
    assert!(!release.folder.path().join("escaped").exists());
}

#[test]
fn names_that_are_one_where_case_does_not_count_and_tags_of_other_things_are_refused() {
    let release = Release::published();
    let changes: [(&str, serde_json::Value, &str); 6] = [
        (
            "/binaries/0/sbom/name",
            json!("SAYNA-1.2.3-x86_64-unknown-linux-gnu.TAR.GZ"),
            "differs from another name by case",
        ),
        ("/image/tag", json!("../../v2/x"), "not the version's"),
        ("/image/tag", json!("latest"), "not the version's"),
        ("/commit", json!("\u{1b}[2J\u{1b}[H"), "is not a commit id"),
        ("/schema", json!(7), "it has schema 7"),
        ("/binaries", json!([]), "it has no binaries"),
    ];
    for (at, value, said) in changes {
        let mut before = json!(null);
        change(&release, |m| before = std::mem::replace(m.pointer_mut(at).unwrap(), value));
        let (status, printed) = verify(&release, &[]);
        assert_eq!(status, Some(1), "{printed}");
        assert!(printed.contains(said), "{at}: {printed}");
        change(&release, |m| *m.pointer_mut(at).unwrap() = before);
    }
}

#[test]
fn a_hostile_name_on_a_forge_is_quoted() {
    let release = Release::published();
    for name in ["-rf", "a\u{1b}[2J\u{202e}", "a:b", "con"] {
        let path = assets(&release).join(name);
        fs::write(&path, "x").unwrap();
        let (status, printed) = verify(&release, &[]);
        assert_eq!(status, Some(1), "{printed}");
        assert!(printed.contains(&format!("{name:?} is not a portable file name")), "{printed}");
        fs::remove_file(&path).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", assets(&release).join("link")).unwrap();
    assert!(verify(&release, &[]).1.contains("is a link, a folder or a device, and no file"));
}
