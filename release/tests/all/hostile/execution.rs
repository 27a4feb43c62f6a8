//! Downloaded programs are executed only where an attestation says who built them, and in an empty environment.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::Path;

use sayna_release::verify::{Report, Request, Verdict};

use super::{program, verify};
use crate::small_release::{Release, run};

/// Leaves in `mark` where it ran and what it was told.
fn telltale(mark: &Path) -> Release {
    let mark = mark.to_str().unwrap();
    Release::of_source(&format!(
        "fn main() {{ let told: Vec<_> = std::env::vars_os().collect(); \
         std::fs::write({mark:?}, format!(\"{{told:?}} {{:?}}\", std::env::current_dir())).unwrap(); \
         println!(\"sayna 1.2.3\") }}"
    ))
}

fn verdict<'a>(report: &'a Report, id: &str) -> (&'a Verdict, &'a str) {
    let row = report.rows.iter().find(|r| r.id == id).unwrap();
    (&row.verdict, &row.evidence)
}

#[test]
fn binaries_are_executed_only_after_their_attestations_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let mut release = telltale(&mark);
    release.is_project_origin = true;
    let report = release.verify_as_a_stranger();
    let attested = report.rows.iter().find(|r| r.id == "attested").unwrap().number;
    assert_eq!(verdict(&report, "attested").0, &Verdict::Failed);
    assert_eq!(
        verdict(&report, "runs"),
        (&Verdict::NotChecked { row: attested }, &*format!("not checked: row {attested}"))
    );
    release.promote(false).unwrap_err();
    // Another project's forge, which need not have any.
    release.is_project_origin = false;
    let report = release.with_request_to(&release.forge(), None, |r| run(Request { remote: true, ..r }));
    assert_eq!(verdict(&report, "runs"), (&Verdict::NotHere, "not executed: no attestation says who built it"));
    assert!(!mark.exists(), "{}", fs::read_to_string(&mark).unwrap());
}

#[test]
fn executed_binaries_see_neither_environment_nor_folder_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let release = telltale(&mark);
    let (status, printed) = verify(&release, &[]);
    assert_eq!(status, Some(0), "{printed}");
    let told = fs::read_to_string(&mark).unwrap();
    assert!(told.starts_with("[] ") && told.contains("runs/x86_64-unknown-linux-gnu"), "{told}");
    assert!(program(folder.path(), &["--version"]).status.success());
}

#[test]
fn a_program_that_prints_without_end_or_never_ends_is_stopped() {
    for (source, said) in [
        ("fn main() { loop { println!(\"sayna 1.2.3\") } }", "printed more than 65536 bytes"),
        ("fn main() { println!(\"sayna 1.2.3\"); loop { std::thread::park() } }", "stopped after 20 s"),
    ] {
        let (status, printed) = verify(&Release::of_source(source), &[]);
        assert_eq!(status, Some(1), "{printed}");
        assert!(printed.contains(said), "{printed}");
    }
}
