//! THIRD-PARTY-LICENSES from outside.

use std::fs;
use std::path::Path;

use sayna_release::graph::Graph;
use sayna_release::licences::Linked;
use sayna_release::{licences, table};

use crate::support::graph::{Skeleton, crates_folder, host, native, project, row};

fn of(skeleton: &Skeleton) -> Result<String, licences::Error> {
    licences::third_party(skeleton.root(), &skeleton.graph(), &[])
}

#[test]
fn every_linked_crate_has_its_terms_and_its_texts() {
    let graph = project();
    let text = licences::third_party(&crates_folder(), &graph, &[]).unwrap();
    for krate in &graph.crates {
        let line = row(&text, &krate.id.to_string());
        assert!(line.ends_with(']'), "no text for {line}");
    }
    assert!(row(&text, "Rust standard library").starts_with("Rust standard library: MIT OR Apache-2.0 ["));
    for number in 1..=text.matches("\n[").count() {
        assert_eq!(text.matches(&format!("\n[{number}] ")).count(), 1, "text {number}");
    }
    assert!(!text.contains('\r') && text.ends_with('\n'));
    for path in [crates_folder(), std::env::home_dir().unwrap()] {
        assert!(!text.contains(path.to_str().unwrap()), "{} leaks", path.display());
    }
}

#[test]
fn one_text_of_two_crates_stands_once_however_it_was_saved() {
    let skeleton = Skeleton::new();
    skeleton.write("shared/LICENSE-MIT", "Take it.  \nNo warranty.\n");
    skeleton.write("leaf/license.txt", "\u{feff}Take it.\r\nNo warranty.\r\n\r\n");
    let text = of(&skeleton).unwrap();
    assert_eq!(text.matches("Take it.\nNo warranty.\n").count(), 1, "{text}");
    assert!(text.contains("] leaf 1.0.0, shared 1.0.0\n"), "{text}");
}

#[test]
fn a_crate_without_a_text_gets_the_canonical_one_and_the_file_says_so() {
    let text = of(&Skeleton::new()).unwrap();
    assert!(row(&text, "leaf 1.0.0").contains("MIT"), "{text}");
    assert!(text.contains("\n    by Ada\n"), "{text}");
    let after = text.split("] leaf 1.0.0, ").nth(1).or_else(|| text.split(", leaf 1.0.0").nth(1)).unwrap();
    assert!(
        after.contains("They come without a whole licence text; this is the one that SPDX has for MIT.\n"),
        "{text}"
    );
    assert!(text.contains("THE SOFTWARE IS PROVIDED \"AS IS\""), "{text}");
}

#[test]
fn a_notice_comes_along_and_replaces_no_licence() {
    let skeleton = Skeleton::new();
    skeleton.write("leaf/NOTICE", "Made of leaves.\n");
    let text = of(&skeleton).unwrap();
    assert!(text.contains("Made of leaves.\n"), "{text}");
    assert_eq!(row(&text, "leaf 1.0.0").matches('[').count(), 2, "{text}");
}

#[test]
fn a_licence_file_that_only_points_elsewhere_is_no_licence_text() {
    let skeleton = Skeleton::new();
    skeleton.write("leaf/LICENSE", "See .licenses, and include every one of them.\n");
    assert_eq!(row(&of(&skeleton).unwrap(), "leaf 1.0.0").matches('[').count(), 2);
    skeleton.write("leaf/.licenses/Ada-MIT", "(c) Ada. Provided \"AS\nIS\".\n");
    skeleton.write("leaf/Bob-LICENSE", "(c) Bob. Provided \"as is\".\n");
    let text = of(&skeleton).unwrap();
    assert_eq!(row(&text, "leaf 1.0.0").matches('[').count(), 3, "{text}");
    assert!(text.contains("(c) Ada.") && text.contains("(c) Bob."), "{text}");
}

#[test]
fn a_licence_that_is_not_allowed_stops_it_and_names_the_crate_and_the_file() {
    let skeleton = Skeleton::new();
    skeleton.edit("leaf/Cargo.toml", "license = \"MIT\"", "license = \"MIT AND GPL-3.0-only\"");
    let error = of(&skeleton).unwrap_err();
    let message = error.to_string();
    for part in ["leaf 1.0.0", "MIT AND GPL-3.0-only", "deny.toml"] {
        assert!(message.contains(part), "{message} lacks {part}");
    }
    assert!(error.hint().unwrap().contains("cargo tree -i"), "{error:?}");
}

#[test]
fn deny_toml_decides_on_licences() {
    let skeleton = Skeleton::new();
    skeleton.edit("leaf/Cargo.toml", "license = \"MIT\"", "license = \"ISC\"");
    of(&skeleton).unwrap_err();
    skeleton.edit("deny.toml", "\"MIT\"", "\"MIT\", \"ISC\"");
    assert!(row(&of(&skeleton).unwrap(), "leaf 1.0.0").contains("ISC"));
    skeleton.write("deny.toml", "[licenses]\nallow = [\"Mine\"]\n");
    assert!(matches!(of(&skeleton), Err(licences::Error::Policy { .. })));
    fs::remove_file(skeleton.root().join("deny.toml")).unwrap();
    assert!(matches!(of(&skeleton), Err(licences::Error::File(_))));
}

#[test]
fn a_licence_without_any_text_stops_it() {
    let skeleton = Skeleton::new();
    skeleton.edit("leaf/Cargo.toml", "license = \"MIT\"", "license = \"LicenseRef-Leaf\"");
    skeleton.edit("deny.toml", "\"MIT\"", "\"MIT\", \"LicenseRef-Leaf\"");
    let error = of(&skeleton).unwrap_err();
    assert!(matches!(&error, licences::Error::NoText { component, .. } if component == "leaf 1.0.0"), "{error}");
    assert!(error.hint().unwrap().contains("leaf 1.0.0"));
    skeleton.write("leaf/LICENSE", "Leaf's own terms.\n");
    assert!(of(&skeleton).unwrap().contains("Leaf's own terms.\n"));
}

#[test]
fn a_crate_that_names_no_licence_stops_it() {
    let skeleton = Skeleton::new();
    skeleton.edit("leaf/Cargo.toml", "license = \"MIT\"\n", "");
    assert!(matches!(of(&skeleton), Err(licences::Error::Unnamed { component }) if component == "leaf 1.0.0"));
    skeleton.edit("leaf/Cargo.toml", "name = \"leaf\"\n", "name = \"leaf\"\nlicense = \"very free\"\n");
    assert!(matches!(of(&skeleton), Err(licences::Error::Expression { .. })));
}

#[test]
fn a_slash_in_an_old_manifest_means_or() {
    let skeleton = Skeleton::new();
    skeleton.edit("leaf/Cargo.toml", "license = \"MIT\"", "license = \"GPL-2.0-only / MIT\"");
    assert!(row(&of(&skeleton).unwrap(), "leaf 1.0.0").starts_with("leaf 1.0.0: GPL-2.0-only OR MIT ["));
}

#[test]
fn native_inputs_are_listed_with_their_canonical_text() {
    let skeleton = Skeleton::new();
    let native: table::Native = native("BSD-3-Clause", "");
    let text =
        licences::third_party(skeleton.root(), &skeleton.graph(), &[Linked::read(&native, None).unwrap()]).unwrap();
    assert!(row(&text, "libwebrtc 124").starts_with("libwebrtc 124: BSD-3-Clause ["), "{text}");
    assert!(text.contains("Redistributions of source code must retain"), "{text}");
    let refused = super::support::graph::native("GPL-3.0-only", "");
    let refused = [Linked::read(&refused, None).unwrap()];
    assert!(licences::third_party(skeleton.root(), &skeleton.graph(), &refused).is_err());
}

#[test]
fn two_checkouts_in_different_places_give_the_same_text() {
    let (one, other) = (Skeleton::new(), Skeleton::new());
    assert_ne!(one.root(), other.root());
    assert_eq!(of(&one).unwrap(), of(&other).unwrap());
    assert!(!of(&one).unwrap().contains(one.root().to_str().unwrap()));
}

#[test]
fn a_graph_says_what_is_missing() {
    let empty = tempfile::tempdir().unwrap();
    let error = Graph::resolve(empty.path(), "sayna", &host(), &[]).unwrap_err();
    assert!(error.hint().is_some());
    let skeleton = Skeleton::new();
    let unknown = Graph::resolve(skeleton.root(), "app", &host(), &["nonsense".to_owned()]).unwrap_err();
    assert!(unknown.to_string().contains("nonsense"), "{unknown}");
    fs::remove_file(skeleton.root().join("Cargo.lock")).unwrap();
    assert!(Graph::resolve(skeleton.root(), "app", &host(), &[]).is_err());
    assert!(!Path::new(&skeleton.root().join("Cargo.lock")).exists(), "a graph must not write");
}
