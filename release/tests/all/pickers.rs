//! Names that other people's installers choose by. What those installers really take is asked of themselves in `tests/pickers`;
//! these are the rules that make it come out right, and the keys of `cargo binstall` rendered as it renders them.

use std::path::Path;

use sayna_release::name::AssetNames;
use sayna_release::table::{ArchiveKind, Program, Source, Table, Target};
use semver::Version;
use toml::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn table() -> Table {
    Source::read(root()).unwrap().table
}

fn names<'a>(program: Program<'a>, version: &'a Version) -> AssetNames<'a> {
    AssetNames { name: program.asset(), version }
}

/// The package of a program, as Cargo reads it.
fn package(program: Program<'_>) -> Value {
    let paths = ["Cargo.toml", "release/Cargo.toml"].map(|path| std::fs::read_to_string(root().join(path)).unwrap());
    let all = paths.iter().map(|text| toml::from_str::<Value>(text).unwrap());
    all.filter_map(|document| document.get("package").cloned())
        .find(|package| package["name"].as_str() == Some(program.name()))
        .unwrap()
}

/// A key for a target: what `overrides` says of it comes first.
fn key<'a>(binstall: &'a Value, target: &Target, key: &str) -> &'a str {
    let own = binstall.get("overrides").and_then(|all| all.get(target.triple.get_ref().as_str())?.get(key));
    own.or_else(|| binstall.get(key)).and_then(Value::as_str).unwrap_or_else(|| panic!("{key} is missing"))
}

fn rendered(template: &str, program: Program<'_>, target: &Target, suffix: &str) -> String {
    let triple = target.triple.get_ref().as_str();
    let exe = if triple.contains("windows") { ".exe" } else { "" };
    let values = [
        ("repo", "https://github.com/saynaai/sayna"),
        ("name", program.name()),
        ("bin", program.name()),
        ("version", "1.2.3-rc.1"),
        ("target", triple),
        ("archive-suffix", suffix),
        ("binary-ext", exe),
    ];
    let text =
        values.iter().fold(template.to_owned(), |text, (key, value)| text.replace(&format!("{{ {key} }}"), value));
    assert!(!text.contains(['{', '}']), "{text}");
    text
}

#[test]
fn binstall_finds_every_program_for_every_target_where_its_keys_say() {
    let (table, version) = (table(), Version::parse("1.2.3-rc.1").unwrap());
    let mut seen = 0;
    for program in table.programs() {
        let package = package(program);
        let binstall = &package["metadata"]["binstall"];
        let strategies: Vec<&str> =
            binstall["disabled-strategies"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(strategies, ["quick-install", "compile"], "{}", program.name());
        for target in &table.targets {
            // The endings that binstall tries for a format (binstalk-types, `PkgFmt::extensions`).
            let suffixes: &[&str] = match key(binstall, target, "pkg-fmt") {
                "tgz" => &[".tgz", ".tar.gz"],
                "zip" => &[".zip"],
                other => panic!("{other}"),
            };
            let names = names(program, &version);
            let archive = names.archive(target.triple.get_ref(), target.archive.extension());
            let wanted = format!("https://github.com/saynaai/sayna/releases/download/v{version}/{archive}");
            let url = key(binstall, target, "pkg-url");
            let tried: Vec<String> = suffixes.iter().map(|s| rendered(url, program, target, s)).collect();
            assert!(tried.contains(&wanted), "{wanted} is none of {tried:?}");
            let inside = rendered(key(binstall, target, "bin-dir"), program, target, "");
            let exe = if target.archive == ArchiveKind::Zip { ".exe" } else { "" };
            assert_eq!(inside, format!("{}/{}{exe}", names.stem(target.triple.get_ref()), program.name()));
            seen += 1;
        }
    }
    assert_eq!(seen, 12);
}

/// Installers that know the project's name alone take the file whose name begins with it. Where several fit, they take the
/// shortest (mise) or the first in the order of names (ubi).
#[test]
fn no_file_of_another_program_can_be_taken_for_the_servers() {
    let (table, version) = (table(), Version::new(1, 2, 3));
    let server = table.release.name.get_ref().as_str();
    let mut others = 0;
    for program in table.programs().filter(|program| program.name() != server) {
        let asset = program.asset();
        assert!(!asset.contains(server), "{asset} has {server} in it: a filter by that word takes both");
        assert!(asset.len() > server.len(), "{asset} is not longer than {server}");
        assert!(asset > server, "{asset} comes before {server}");
        for word in ["debug", "test", "linux", "darwin", "windows", "win", "mac", "arm", "x86", "x64", "musl", "gnu"] {
            assert!(!asset.split(['-', '_', '.']).any(|w| w == word), "{asset}: {word} says something of a system");
        }
        others += 1;
    }
    assert_eq!(others, 1);
    let own = AssetNames { name: server, version: &version };
    for once in [own.manifest(), own.attestations(), sayna_release::name::SUMS.to_owned()] {
        let names_a_system = |target: &Target| once.contains(target.triple.get_ref().as_str());
        assert!(!table.targets.iter().any(names_a_system), "{once}");
    }
    // The one name of attestations that Scorecard gives all its points for, and that mise reads.
    assert!(own.attestations().ends_with(".intoto.jsonl"));
}
