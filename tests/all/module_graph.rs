//! The module graph of the server: which part may use which, compared with the code and with the page that shows it.

mod cycles;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::generated;
use cycles::{Files, Tests};

/// A part of `src/`: a file or a folder at the top.
struct Part {
    name: &'static str,
    /// Its cell in the page's table.
    holds: &'static str,
    /// The parts that it may use.
    uses: &'static [&'static str],
}

const fn part(name: &'static str, holds: &'static str, uses: &'static [&'static str]) -> Part {
    Part { name, holds, uses }
}

/// All parts.
const PARTS: &[Part] = &[
    part(
        "app",
        "The state that every request shares, built once from the configuration",
        &["auth", "config", "detect", "metrics", "outbound", "provider", "room", "voice"],
    ),
    part("audio", "Formats, frames of 10 ms, sample rates and encodings. Pure computation", &[]),
    part(
        "auth",
        "Authentication of clients by secret, signed token or an external service",
        &["config", "error", "jwt", "outbound"],
    ),
    part("bind", "The listening socket", &["config"]),
    part("cli", "The command line", &[]),
    part("config", "Keys, values and rules of the configuration. Reports every fault at once", &[]),
    part(
        "detect",
        "Voice activity (feature `vad`) and the end of turns (feature `turn-detect`), by models on threads of their own",
        &["audio"],
    ),
    part("disk", "Atomic writes of files", &[]),
    part("embedded", "The list of crates inside the executable", &[]),
    part("error", "Texts and statuses of the errors that clients receive", &["jwt", "provider", "room"]),
    part("files", "The limit of open files, and what happens when it is reached", &["bind"]),
    part("generate", "Completions and man page, by a hidden command", &["cli", "manual"]),
    part("http", "The REST interface", &["app", "audio", "auth", "error", "provider", "room", "voice", "ws"]),
    part("hypot", "`hypotf` of C, so that the program runs on glibc 2.34", &[]),
    part("jwt", "Signing and checking JSON Web Tokens", &[]),
    part("lib", "The crate's root: what the program and the tests use", &[]),
    part(
        "local",
        "The speech engines of this machine: Whisper and Piper (feature `local`)",
        &["audio", "config", "detect", "models"],
    ),
    part("log", "The log, written by a thread of its own", &["config"]),
    part("main", "The program: arguments, output and exit statuses", &["cli", "embedded", "generate", "progress"]),
    part("manual", "The man page as roff", &[]),
    part("metrics", "Prometheus metrics", &["log", "provider"]),
    part(
        "models",
        "Model files: the table, the search path, downloads (features `local`, `turn-detect`)",
        &["config", "disk", "outbound"],
    ),
    part("outbound", "The HTTP client: connection pool, TLS, proxies", &[]),
    part("probe", "`sayna health`", &["config"]),
    part("progress", "Progress of `sayna init` on the terminal", &[]),
    part(
        "provider",
        "One adapter per vendor, the clients that they share, the cache of speech",
        &["audio", "config", "disk", "jwt", "local", "outbound"],
    ),
    part(
        "room",
        "LiveKit: tokens, API, telephone calls, webhooks, sessions in rooms",
        &["audio", "config", "disk", "jwt", "outbound"],
    ),
    part(
        "serve",
        "The server's life: listening, draining, shutdown",
        &["app", "bind", "config", "files", "http", "metrics", "stall"],
    ),
    part("signals", "Signals of the operating system", &[]),
    part("stall", "The time-out of clients that do not read", &["metrics"]),
    part(
        "voice",
        "Sessions: messages, turns, queues of audio and speech",
        &["audio", "config", "detect", "error", "metrics", "models", "provider", "room"],
    ),
    part("ws", "The WebSocket at `/ws`", &["app", "auth", "error", "metrics", "voice"]),
];

/// The page that shows [`PARTS`].
const PAGE: &str = "docs/contribute/architecture-server.md";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_part_uses_what_it_may_and_nothing_else() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files_of = Files::read(&source, Tests::Counted);
    let used = files_of.top();
    // The roots declare the modules, and are no module themselves.
    for part in PARTS.iter().filter(|part| !["lib", "main"].contains(&part.name)) {
        let may: BTreeSet<&str> = part.uses.iter().copied().collect();
        assert_eq!(used[part.name], may, "{} must use this, no more and no less", part.name);
    }
    let mut found = Vec::new();
    files(&source, &mut found);
    let mut seen = BTreeSet::new();
    for file in found {
        let relative = file.strip_prefix(&source).unwrap();
        let part = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        assert!(PARTS.iter().any(|known| known.name == part), "{part} is not in the table");
        let text = fs::read_to_string(&file).unwrap();
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
    assert_eq!(seen.len(), PARTS.len(), "{seen:?}");
}

#[test]
fn files_of_both_crates_form_no_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in ["src", "release/src"] {
        let cycles = Files::read(&root.join(source), Tests::LeftOut).cycles();
        assert!(cycles.is_empty(), "{source}: these files use each other in a circle:\n{}", cycles.join("\n"));
    }
}

#[test]
fn top_modules_of_both_crates_form_no_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (source, known) in [
        ("src", [("ws", "voice"), ("voice", "provider")]),
        ("release/src", [("publish", "forge"), ("rehearse", "publish")]),
    ] {
        let files = Files::read(&root.join(source), Tests::LeftOut);
        let arrows = files.top();
        assert!(known.iter().all(|(from, to)| arrows[from].contains(to)), "{source}: {arrows:?}");
        let circles = cycles::circles(&arrows);
        assert!(circles.is_empty(), "{source}: these modules use each other in a circle: {circles:?}");
    }
}

#[test]
fn the_page_shows_the_module_table() {
    let mut table = "| module in `src/` | holds | uses |\n|---|---|---|\n".to_owned();
    for Part { name, holds, uses } in PARTS {
        let uses: Vec<_> = uses.iter().map(|name| format!("`{name}`")).collect();
        let uses = if uses.is_empty() { "nothing".to_owned() } else { uses.join(", ") };
        writeln!(table, "| `{name}` | {holds} | {uses} |").unwrap();
    }
    generated::section(PAGE, "modules", &table);
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
