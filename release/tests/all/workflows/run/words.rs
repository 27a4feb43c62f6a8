//! The words of the workflows, and what they stand for in the release of the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_norway::Value;

use super::TRIPLE;
use crate::registry::server::Server;

/// By now, in the workflows' own words; whatever else a step depends on is a mistake of this test.
type Condition = (&'static str, fn(&Path) -> bool);
pub(super) const CONDITIONS: [Condition; 12] = [
    ("inputs.builder == 'nix'", |_| true),
    ("inputs.builder == 'cargo'", |_| false),
    ("inputs.builder == 'cargo' && hashFiles('dist/*/attestations.jsonl') == ''", |_| false),
    ("hashFiles('dist/*/attestations.jsonl') == ''", |job| {
        !job.join("dist").join(TRIPLE).join("attestations.jsonl").exists()
    }),
    ("hashFiles('dist/index/attestations.jsonl') == ''", |job| !job.join("dist/index/attestations.jsonl").exists()),
    ("inputs.platform != ''", |_| true),
    ("inputs.platform != '' && hashFiles('target/layout/*/part.json') != ''", |job| {
        job.join("target/layout/linux-amd64/part.json").exists()
    }),
    ("needs.images.result == 'success'", |_| true),
    // There is no Docker here.
    ("runner.os == 'Linux'", |_| false),
    // The project of the tests has no rooms.
    ("contains(inputs.features, 'livekit') && runner.os != 'Windows'", |_| false),
    ("always()", |_| true),
    ("", |_| true),
];

/// What the workflows' own words stand for in this release.
pub(super) fn filled(text: &str) -> String {
    let stem = format!("sayna-0.1.0-{TRIPLE}");
    let values = [
        ("inputs.folder", TRIPLE.to_owned()),
        ("matrix.folder", TRIPLE.to_owned()),
        ("inputs.product", "sayna".to_owned()),
        ("inputs.target", TRIPLE.to_owned()),
        ("inputs.archive", format!("{stem}.tar.gz")),
        ("inputs.sbom", format!("{stem}.cdx.json")),
        ("inputs.part", "linux-amd64".to_owned()),
        ("secrets.DOCKERHUB_USERNAME", "rel".to_owned()),
        ("secrets.DOCKERHUB_TOKEN", "s3cret".to_owned()),
        ("github.actor", "rel".to_owned()),
        ("github.token", "s3cret".to_owned()),
        ("secrets.CACHIX_AUTH_TOKEN", "cache-token".to_owned()),
    ];
    let mut text = text.to_owned();
    for (words, value) in values {
        text = text.replace(&format!("${{{{ {words} }}}}"), &value);
    }
    assert!(!text.contains("${{"), "{text}: not known here");
    text
}

pub(super) fn variable(
    name: &str,
    step: &Value,
    place: &Path,
    writes: bool,
    bundles: &BTreeMap<String, PathBuf>,
) -> String {
    match name {
        "PRODUCT" => "sayna".to_owned(),
        "TARGET" | "FOLDER" => TRIPLE.to_owned(),
        "ARCHIVE" => format!("sayna-0.1.0-{TRIPLE}.tar.gz"),
        "PLATFORM" => "linux/amd64".to_owned(),
        "TRACK" => String::new(),
        "GITHUB_TOKEN" if writes => "push-token".to_owned(),
        "GITHUB_TOKEN" => "read-token".to_owned(),
        "CACHIX_AUTH_TOKEN" => "cache-token".to_owned(),
        "PROVENANCE" | "SBOM" | "BUNDLE" => {
            let text = step["env"][name].as_str().unwrap();
            let id = text.split("steps.").nth(1).unwrap().split('.').next().unwrap();
            let fallback = || place.join(text.split('\'').nth(1).expect("no bundle was made"));
            bundles.get(id).cloned().unwrap_or_else(fallback).display().to_string()
        }
        "RUSTUP_TOOLCHAIN" => crate::support::running_rustc(),
        other => panic!("{other} is not known here"),
    }
}

/// The table with the tests' registries in the place of those that it names.
pub(super) fn own_repositories(table: &str, registries: &[Server; 2]) -> String {
    let [one, two] = registries.each_ref().map(|server| &server.address);
    let named = "[\"docker.io/saynaai/sayna\"]";
    assert!(table.contains(named), "{table}");
    table.replace(named, &format!("[\"{one}/saynaai/sayna\", \"{two}/saynaai/sayna\"]"))
}
