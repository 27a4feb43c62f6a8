//! A release of two programs: the second one is planned, built, published, verified and taken back as the first one is.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod alone;
mod table;

use std::fs;
use std::path::Path;

use sayna_release::part::{self, BinaryPart, Part};
use sayna_release::table::Source;
use sayna_release::verify::{Report, Verdict};
use serde_json::Value;

use crate::rehearse::{project, run, text};
use crate::small_release::Release;
use crate::support::{World, names};

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The entry that this project's own table has too.
const PRODUCT: &str = "[[product]]\nname = \"sayna-release\"\nfiles = [\"LICENSE\"]\n\
    budget = { binary = \"9 MB\", archive = \"4 MB\" }\n\n";
const VERIFIER: &str = "fn main() {\n    println!(\"sayna-release {}\", env!(\"CARGO_PKG_VERSION\"));\n}\n";

/// Adds a second package to a world, and to its table.
fn add_product(world: &World) {
    world.edit("Cargo.toml", "[features]", "[workspace]\nmembers = [\"verifier\"]\n\n[features]");
    let manifest =
        "[package]\nname = \"sayna-release\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"Apache-2.0\"\n";
    world.write("verifier/Cargo.toml", manifest);
    world.write("verifier/src/main.rs", VERIFIER);
    let lock = world.read("Cargo.lock");
    world.write("Cargo.lock", &format!("{lock}\n[[package]]\nname = \"sayna-release\"\nversion = \"0.1.0\"\n"));
    world.edit("sayna-release.toml", "[image]", &format!("{PRODUCT}[image]"));
}

fn failed(report: &Report) -> Vec<&str> {
    report.rows.iter().filter(|r| r.verdict == Verdict::Failed).map(|r| r.id).collect()
}

fn evidence<'a>(report: &'a Report, id: &str) -> &'a str {
    &report.rows.iter().find(|r| r.id == id).unwrap().evidence
}

#[test]
fn a_rehearsal_builds_both_programs_twice_and_the_image_starts_the_server() {
    let mut world = project();
    add_product(&world);
    world.commit("feat: a second program");
    let output = run(world.root(), &["rehearse", "--twice", "--json"]);
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["passed"], &summary["reproduced"]), (&Value::Bool(true), &Value::Bool(true)), "{summary}");
    let folder = Path::new(summary["folder"].as_str().unwrap());
    let of =
        |name: &str| ["cdx.json", "tar.gz", "tar.gz.sha256"].map(|end| format!("{name}-0.1.0-{TRIPLE}.{end}")).to_vec();
    let manifest = ["sayna-0.1.0.release.json", "sayna-0.1.0.release.json.sha256"].map(str::to_owned).to_vec();
    let mut expected = [of("sayna"), manifest, of("sayna-release")].concat();
    expected.sort();
    let published = names(&folder.join("forge/published/v0.1.0/assets"));
    let missing: Vec<&String> = expected.iter().filter(|name| !published.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?} in {published:?}");
    assert_eq!(names(&folder.join("parts")).iter().filter(|n| n.ends_with(TRIPLE)).count(), 2);
    // One line of what is left out for a target, whatever number of programs it has.
    assert_eq!(summary["plan"]["left_out"].as_array().unwrap().len(), 1, "{summary}");
    let rows = summary["report"]["rows"].as_array().unwrap();
    let evidence = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap()["evidence"].as_str().unwrap();
    assert!(evidence("runs").contains("sayna-release for x86_64-unknown-linux-gnu: sayna-release 0.1.0"));
    assert!(evidence("origin").contains(&format!("the executable of sayna-0.1.0-{TRIPLE}.tar.gz")));
    assert!(evidence("reproduced").contains(&format!("sayna-release-0.1.0-{TRIPLE}.tar.gz")));
    // Its crates, and not those of the server.
    let sbom = folder.join(format!("parts/sayna-release-{TRIPLE}/sayna-release-0.1.0-{TRIPLE}.cdx.json"));
    let sbom: Value = serde_json::from_slice(&fs::read(sbom).unwrap()).unwrap();
    let component = &sbom["metadata"]["component"];
    assert_eq!(component["name"], "sayna-release");
    assert!(component["purl"].as_str().unwrap().starts_with("pkg:generic/sayna-release@0.1.0"), "{component}");
}

#[test]
fn build_makes_every_program_or_the_one_that_is_named() {
    let mut world = project();
    add_product(&world);
    world.commit("feat: a second program");
    let built = |arguments: &[&str]| {
        let output = run(world.root(), &[&["build", "--json"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let parts: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        parts.iter().map(|part| part["product"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(built(&["--product", "sayna-release", "--out", "one"]), ["sayna-release"]);
    assert!(names(&world.path("one")).iter().filter(|n| !n.starts_with('.')).eq([&format!("sayna-release-{TRIPLE}")]));
    assert_eq!(built(&["--out", "both"]), ["sayna", "sayna-release"]);
    let bytes =
        |out: &str| fs::read(world.path(&format!("{out}/sayna-release-{TRIPLE}/sayna-release-0.1.0-{TRIPLE}.tar.gz")));
    assert!(bytes("one").unwrap() == bytes("both").unwrap());
    let output = run(world.root(), &["build", "--product", "sayna-releas"]);
    assert!(output.status.code() != Some(0) && text(&output.stderr).contains("sayna-release"), "{output:?}");
    let matrix = |arguments: &[&str]| {
        let output = run(world.root(), &[&["plan", "--format", "matrix"], arguments].concat());
        let matrix: Value = serde_json::from_slice(&output.stdout).unwrap();
        let include = matrix["include"].as_array().unwrap().clone();
        include.iter().map(|job| job["folder"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let windows = "x86_64-pc-windows-msvc";
    let product = [format!("sayna-release-{TRIPLE}"), format!("sayna-release-{windows}")];
    assert_eq!(matrix(&["--product", "sayna-release"]), product);
    assert_eq!(matrix(&[]), [&[TRIPLE.to_owned(), windows.to_owned()], &product[..]].concat());
    // Packed again, the same.
    let binary = world.path(&format!("target/{TRIPLE}/release/sayna-release"));
    let packed = ["package", "--target", TRIPLE, "--product", "sayna-release", "--out", "packed", "--binary"];
    let output = run(world.root(), &[&packed[..], &[binary.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let packed = fs::read(world.path(&format!("packed/sayna-release-0.1.0-{TRIPLE}.tar.gz"))).unwrap();
    assert!(packed == bytes("one").unwrap());
}

#[test]
fn every_row_speaks_of_both_programs_and_both_are_attested() {
    let mut release = Release::with_product();
    release.is_project_origin = true;
    for report in [release.verify(), release.verify_as_a_stranger()] {
        assert_eq!(failed(&report), [""; 0], "{report:#?}");
        assert!(evidence(&report, "manifest").ends_with("2 binaries"));
        assert!(evidence(&report, "checksums").contains("OK 2 times"));
        assert!(evidence(&report, "runs").contains("sayna-release for x86_64-unknown-linux-gnu: sayna-release 1.2.3"));
        for id in ["audit", "sbom"] {
            assert!(evidence(&report, id).contains("sayna-release for "), "{id}: {}", evidence(&report, id));
        }
        for target in &release.plan.targets {
            let of = |name: &str| {
                report
                    .attestations
                    .iter()
                    .filter(|proof| proof.subjects.iter().any(|subject| subject.name == name))
                    .count()
            };
            assert_eq!((of(&target.archive), of(&target.sbom)), (2, 1), "{report:#?}");
        }
        let program = report.rows.iter().find(|r| r.id == "program").unwrap();
        assert_eq!(program.verdict, Verdict::NotHere, "a test is no file of a release");
        assert!(program.evidence.starts_with("this program is not of this release: of version"), "{program:?}");
    }
}

#[test]
fn a_wrong_byte_of_the_second_program_fails_the_row_that_answers_for_it() {
    let release = Release::with_product();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    let product = &release.plan.targets[1];
    for (name, row) in [(&product.archive, "checksums"), (&product.checksum, "checksums"), (&product.sbom, "sbom")] {
        let (path, bytes) = (assets.join(name), fs::read(assets.join(name)).unwrap());
        let mut wrong = bytes.clone();
        wrong[bytes.len() / 2] ^= 1;
        fs::write(&path, wrong).unwrap();
        assert_eq!(failed(&release.verify()), [row], "{name}");
        fs::remove_file(&path).unwrap();
        assert_eq!(failed(&release.verify()), ["attached"], "{name}");
        fs::write(&path, bytes).unwrap();
    }
    assert!(release.verify().passed());
}

#[test]
fn files_of_the_second_program_are_verified_by_their_own_sbom() {
    let release = Release::with_product();
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    let root = release.root().display().to_string();
    let [server, product] = &release.plan.targets[..] else { panic!("two programs") };
    let verify = |files: &[&String]| {
        let files: Vec<&str> = files.iter().map(|f| f.as_str()).collect();
        let output = run(&assets, &[&["verify", "--trusted-root", &root], &files[..]].concat());
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let all = [&server.archive, &server.sbom, &product.archive, &product.sbom, &product.checksum];
    let (status, said) = verify(&all);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(verify(&[&product.archive]).0, Some(0));
    fs::copy(assets.join(&server.archive), assets.join(&product.archive)).unwrap();
    let (status, said) = verify(&[&product.archive]);
    assert!(status == Some(1) && said.contains("the manifest says"), "{said}");
    for odd in
        ["verifier-1.2.3.release.json", "sayna-releas-1.2.3-x86_64-unknown-linux-gnu.tar.gz", "sayna-release-.tar.gz"]
    {
        fs::write(assets.join(odd), "x").unwrap();
        let (status, said) = verify(&[&odd.to_owned()]);
        assert!(status == Some(2) && said.contains("no file of a release has this name"), "{odd}: {said}");
    }
}

#[test]
fn parts_of_both_programs_are_taken_back_and_missing_ones_named() {
    let release = Release::with_product();
    let dist = release.folder.path().join("dist");
    let folders = [TRIPLE.to_owned(), format!("sayna-release-{TRIPLE}")];
    let read = |folder: &String| match Part::read(&dist.join(folder)).unwrap() {
        Some(Part::Binary(part)) => part,
        other => panic!("{folder}: {other:?}"),
    };
    let before = folders.each_ref().map(read);
    assert_eq!(before.each_ref().map(BinaryPart::folder), folders);
    for folder in &folders {
        fs::remove_dir_all(dist.join(folder)).unwrap();
    }
    let outcome = release.publish();
    assert!(outcome.complete() && outcome.tracks.iter().all(|t| t.actions.is_empty()), "{outcome:?}");
    assert_eq!(folders.each_ref().map(read), before);
    // A part in the folder of another program is none of it.
    fs::copy(dist.join(TRIPLE).join(part::FILE), dist.join(&folders[1]).join(part::FILE)).unwrap();
    let error = release.try_publish().unwrap_err().to_string();
    assert!(error.contains("sayna-release"), "{error}");
}

#[test]
fn the_projects_own_table_releases_the_verifier_for_every_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = Source::read(root).unwrap().table;
    let names: Vec<&str> = table.programs().map(|program| program.name()).collect();
    assert_eq!(names, ["sayna", env!("CARGO_PKG_NAME")]);
    assert_eq!(table.targets.len(), 6);
}
