//! docs/release/json.md has every field that the commands print.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeSet;
use std::process::Command;

use sayna_release::manifest::Manifest;
use sayna_release::part::Part;
use serde_json::Value;

use crate::docs::Page;
use crate::github::Counterpart;
use crate::small_release::Release;
use crate::support::project_file;

fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            fields(value, found);
        }),
        Value::Array(list) => list.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

/// The ways to all fields of a document; the elements of a list share one.
fn ways(value: &Value, way: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            found.insert(format!("{way}.{key}"));
            ways(value, &format!("{way}.{key}"), found);
        }),
        Value::Array(list) => list.iter().for_each(|value| ways(value, way, found)),
        _ => {}
    }
}

/// Each example of the page that is of one of these documents has their fields; the parts and the manifest parse.
fn examples_are_true(documents: &[Value]) {
    let mut compared = 0;
    let (mut parts, mut manifests) = (0, 0);
    for (_, text) in Page::read("docs/release/json.md").fences.iter().filter(|(language, _)| language == "json") {
        let example = read(text.as_bytes());
        if example.get("kind").is_some() {
            serde_json::from_value::<Part>(example).unwrap();
            parts += 1;
        } else if example.get("binaries").is_some() {
            Manifest::read(text.as_bytes()).unwrap();
            manifests += 1;
        } else {
            let top =
                |value: &Value| value.get(0).unwrap_or(value).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            let Some(real) = documents.iter().find(|document| top(document) == top(&example)) else { continue };
            let (mut shown, mut there) = (BTreeSet::new(), BTreeSet::new());
            ways(&example, "", &mut shown);
            ways(real, "", &mut there);
            // A row that waits for another, and a level that not every linker notes, are in none of these documents.
            shown.retain(|way| ![".rows.row", ".facts.images.isa_level"].contains(&way.as_str()));
            let more: Vec<&String> = shown.difference(&there).collect();
            assert!(more.is_empty(), "an example has {more:?}, the document does not: {text}");
            compared += 1;
        }
    }
    assert_eq!((parts, manifests, compared), (2, 1, 7), "examples of the page");
}

fn read(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

fn run(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayna-release"));
    // Outside of a checkout, where `verify` without a forge is an error.
    read(&command.args(arguments).arg("--json").current_dir("/").output().unwrap().stdout)
}

/// The watch's document, with an advisory.
fn watched(release: &Release) -> Value {
    let hub = Counterpart::start();
    hub.hub().osv.know("RUSTSEC-2026-0001", "pkg:cargo/ring@0.17.0", &serde_json::json!({"summary": "one"}));
    let place = |name: &str| release.folder.path().join(name).display().to_string();
    let (forge, registry) = (format!("dir:{}", place("forge")), format!("oci:{}", place("registry")));
    let (root, service) = (place("root.json"), hub.addresses.outside.clone());
    let places = ["--forge", &forge, "--registry", &registry, "--trusted-root", &root, "--advisories", &service];
    run(&[&["watch", "--dry-run"], &places[..]].concat())
}

#[test]
fn every_field_of_every_document_is_on_the_page() {
    let mut release = Release::attested();
    release.is_project_origin = true;
    let dist = release.folder.path().join("dist");
    let mut documents = vec![
        serde_json::to_value(release.verify()).unwrap(),
        serde_json::to_value(release.publish()).unwrap(),
        serde_json::to_value(release.promote(false).unwrap()).unwrap(),
    ];
    for part in [release.plan.targets[0].triple.as_str(), "linux-amd64"] {
        documents.push(read(&std::fs::read(dist.join(part).join("part.json")).unwrap()));
    }
    let assets = release.folder.path().join("forge/published/v1.2.3/assets");
    documents.push(read(&std::fs::read(assets.join(&release.plan.manifest)).unwrap()));
    let archive = assets.join(&release.plan.targets[0].archive).display().to_string();
    let root = release.folder.path().join("root.json").display().to_string();
    documents.push(run(&["verify", &archive, "--trusted-root", &root]));
    documents.push(run(&["audit", env!("CARGO_BIN_EXE_sayna-release")]));
    documents.push(run(&["plan"]));
    documents.push(watched(&release));
    examples_are_true(&documents);
    let mut found = BTreeSet::new();
    for document in &documents {
        fields(document, &mut found);
    }
    let page = project_file("docs/release/json.md");
    let missing: Vec<&String> = found.iter().filter(|field| !page.contains(&format!("`{field}`"))).collect();
    assert!(found.len() > 60 && missing.is_empty(), "not on the page: {missing:?}");
}
