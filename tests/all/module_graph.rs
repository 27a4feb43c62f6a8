//! Which part of the server may know of which: the arrows of `docs/contribute/architecture.md`, held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each part of `src/` with those that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("app", &["auth", "config", "detect", "metrics", "outbound", "provider", "room", "voice"]),
    ("audio", &[]),
    ("auth", &["config", "error", "jwt", "outbound"]),
    ("bind", &["config"]),
    ("cli", &[]),
    ("config", &[]),
    ("detect", &[]),
    ("disk", &[]),
    ("files", &["bind"]),
    ("error", &["jwt", "provider", "room"]),
    ("http", &["app", "audio", "auth", "error", "provider", "room", "voice", "ws"]),
    ("hypot", &[]),
    ("init", &[]),
    ("jwt", &[]),
    ("lib", &[]),
    ("local", &["config", "detect", "models"]),
    ("log", &["config"]),
    ("main", &["cli", "init"]),
    ("metrics", &["log", "provider"]),
    ("models", &["config", "disk", "outbound"]),
    ("outbound", &[]),
    ("probe", &["config"]),
    ("provider", &["audio", "config", "disk", "jwt", "local", "outbound"]),
    ("room", &["audio", "config", "disk", "jwt", "outbound"]),
    ("serve", &["app", "bind", "config", "files", "http", "metrics", "stall"]),
    ("signals", &[]),
    ("stall", &["metrics"]),
    ("voice", &["audio", "config", "detect", "error", "metrics", "models", "provider", "room"]),
    ("ws", &["app", "auth", "error", "metrics", "voice"]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_part_uses_what_it_may_and_nothing_else() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    let mut seen = BTreeSet::new();
    for file in found {
        let relative = file.strip_prefix(&source).unwrap();
        let part = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let (_, may) =
            ARROWS.iter().find(|(name, _)| *name == part).unwrap_or_else(|| panic!("{part} is not in the table"));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code.flat_map(|line| line.split("crate::").skip(1)) {
            // `use crate::{a, b::c}` and `crate::a::b` alike.
            let names = line.trim_start_matches('{').split(", ").map(|name| name.split("::").next().unwrap());
            for used in names.take(if line.starts_with('{') { usize::MAX } else { 1 }) {
                let used: String = used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let known = ARROWS.iter().any(|(name, _)| *name == used);
                assert!(
                    !known || used == part || may.contains(&used.as_str()),
                    "{}: {part} must not use {used}",
                    relative.display()
                );
            }
        }
        let foreign: &[&str] = match part.as_str() {
            "audio" | "config" | "detect" | "jwt" => &["axum", "tokio", "hyper", "reqwest"],
            "voice" | "provider" | "room" => &["axum", "hyper"],
            _ => &[],
        };
        for library in foreign {
            let used = text.contains(&format!("use {library}::")) || text.contains(&format!("{library}::"));
            assert!(!used, "{}: {part} must not know of {library}", relative.display());
        }
        seen.insert(part);
    }
    assert_eq!(seen.len(), ARROWS.len(), "{seen:?}");
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    for file in found.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}
