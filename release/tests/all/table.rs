//! The table and messages that point into it.

use std::path::Path;

use sayna_release::snippet::{Message, Place, Severity, line_and_column, render};
use sayna_release::table::{self, Source, Supply};

use crate::support::{TABLE, World, golden, project_file};

/// A table that is the same on every machine.
fn table() -> String {
    TABLE.replace("RUSTC", "1.95.0")
}

fn message(text: &str) -> String {
    Source::parse(table::FILE.into(), text.to_owned()).unwrap_err().render(false)
}

#[test]
fn an_unknown_key_is_shown_with_its_file_line_and_a_caret() {
    golden("table-unknown-key.txt", &message(&table().replacen("toolchain", "toolchian", 1)));
}

#[test]
fn a_wrong_table_value_is_shown_at_its_line() {
    golden("table-wrong-value.txt", &message(&table().replacen("\"80 MB\"", "\"80 megabytes\"", 1)));
    golden("table-wrong-choice.txt", &message(&table().replacen("\"gzip\"", "\"brotli\"", 1)));
    golden("table-wrong-triple.txt", &message(&table().replacen("x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu", 1)));
    golden("table-wrong-builder.txt", &message(&table().replacen("builder = \"nix\"", "builder = \"nixx\"", 1)));
}

#[test]
fn a_native_input_has_one_source_and_a_whole_crate_or_none() {
    let native = "\n[[native]]\nname = \"onnxruntime\"\nversion = \"1\"\nlicence = \"MIT\"\nfor = \"vad\"\n";
    let with = |more: &str| table() + native + more;
    let source = Source::parse(table::FILE.into(), with("source = \"nixpkgs\"\n")).unwrap();
    assert!(matches!(source.table.native[0].supply, Supply::Nixpkgs));
    golden("table-native-no-source.txt", &message(&with("")));
    golden("table-native-half-crate.txt", &message(&with("source = \"nixpkgs\"\ncrate = \"ort\"\n")));
    for wrong in [
        "url = \"https://example.org\"",
        "url = \"\"\nsha256 = {}\nsource = \"nixpkgs\"",
        "source = \"guix\"",
        "uri = \"\"",
        "source = \"nixpkgs\"\nlicences = \"LICENSE.md\"",
        "url = \"\"\nsha256 = {}\nlicences = \"LICENSE.md\"",
    ] {
        assert!(Source::parse(table::FILE.into(), with(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn text_that_is_no_toml_is_shown_where_it_breaks() {
    golden("table-syntax.txt", &message("[release]\nname = \"sayna\nfiles = []\n"));
    golden("table-missing-key.txt", &message(&table().replacen("archive = \"zip\"\n", "", 1)));
    golden("table-empty.txt", &message(""));
}

#[test]
fn colour_is_ansi_and_plain_text_has_none() {
    let error = Source::parse(table::FILE.into(), "what".to_owned()).unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
}

#[test]
fn a_missing_table_says_where_it_should_be() {
    let world = World::empty();
    let error = Source::read(world.root()).unwrap_err();
    assert!(error.to_string().contains("sayna-release.toml"), "{error}");
    assert!(error.hint().unwrap().contains("top folder"));
}

#[test]
fn a_model_that_is_none_is_shown_with_its_file() {
    let world = World::begun();
    let bad = r#"[{"name":"a","for":"vad","url":"https://example.org","bytes":1,"sha256":"ab","licence":"MIT","wheel":"w","path":"p"}]"#;
    for (text, said) in [("[", "EOF"), ("[{}]", "name"), (bad, "ab"), (r#"[{"x":1}]"#, "unknown field `x`")] {
        world.write("models.json", text);
        let error = Source::read(world.root()).unwrap_err().render(false);
        assert!(error.contains("models.json") && error.contains(said), "{error}");
    }
}

#[test]
fn this_repository_has_a_table_and_links_to_its_own_forge() {
    let source = Source::parse(table::FILE.into(), project_file(table::FILE)).unwrap();
    assert_eq!(source.table.targets.len(), 6);
    let url = format!("https://github.com/{}", source.table.forge.github.get_ref());
    let links: Vec<String> = project_file("cliff.toml")
        .match_indices("https://github.com/")
        .map(|(at, _)| project_file("cliff.toml")[at..at + url.len()].to_owned())
        .collect();
    assert!(!links.is_empty() && links.iter().all(|link| *link == url), "{links:?}");
}

/// Nix and the builder cargo download what the crate of Cargo.lock would have downloaded itself: its own source says which.
#[test]
fn the_native_inputs_are_those_of_the_locked_crates() {
    let source = Source::parse(table::FILE.into(), project_file(table::FILE)).unwrap();
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    command.features(cargo_metadata::CargoOpt::AllFeatures).other_options(["--locked".to_owned()]);
    let packages = command.exec().unwrap().packages;
    assert_eq!(source.table.native.len(), 2);
    for native in &source.table.native {
        let of = native.belongs_to.as_ref().unwrap();
        let found: Vec<_> = packages.iter().filter(|package| package.name.as_str() == of.name.get_ref()).collect();
        let [package] = &found[..] else {
            panic!("{} of {} is locked {} times", of.name.get_ref(), native.version, found.len())
        };
        assert_eq!(package.version, of.version, "{}", package.name);
        if let Supply::Download(_) = native.supply {
            let folder = package.manifest_path.parent().unwrap().join("src");
            let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()));
            let wanted = format!("\"{}\"", native.version);
            assert!(files.flatten().any(|text| text.contains(&wanted)), "{} does not name {wanted}", package.name);
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_and_no_place_stops_the_renderer(text in "(\\PC|[\\r\\n\\t\u{0}é日])*", start in 0usize..80, length in 0usize..80) {
        let place = Place { path: Path::new("table.toml"), text: &text, span: start..start + length };
        let message = Message { severity: Severity::Error, title: &text, place: Some(place), hint: Some(&text) };
        for colour in [false, true] {
            proptest::prop_assert!(render(&message, colour).ends_with('\n'));
        }
        let (line, column) = line_and_column(&text, start);
        proptest::prop_assert!(line >= 1 && column >= 1);
    }

    #[test]
    fn a_damaged_table_is_read_or_explained(at in 0usize..1200, damage in "[\\[\\]{}\"=,\n0a]{0,3}", cut in 0usize..40) {
        let whole = table();
        let at = at.min(whole.len());
        let text = format!("{}{damage}{}", &whole[..at], &whole[(at + cut).min(whole.len())..]);
        if let Err(error) = Source::parse(table::FILE.into(), text) {
            proptest::prop_assert!(error.render(false).starts_with("error: "));
        }
    }
}
