//! The OpenAPI document: it is valid, committed, and the server conforms to it.

use std::io::Write as _;
use std::process::Command;

use serde_json::Value;
use vendors::Vendor;

use crate::support::livekit::{KEYS, Livekit};
use crate::support::{World, generated};

#[test]
fn openapi_yaml_and_json_are_the_same_document() {
    let world = World::new();
    let ended = world.run(&["openapi", "-f", "json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(world.run(&["openapi", "--format", "json", "-o", "api.json"]).status, Some(0));
    let written = std::fs::read_to_string(world.path("api.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), document);
    let yaml = world.run(&["openapi"]).stdout;
    assert!(yaml.starts_with("openapi: 3.1.0\n") && yaml.contains("\n  /speak:\n"), "{yaml}");
    let ended = world.run(&["openapi", "-o", "nowhere/api.json"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.starts_with("error: nowhere/api.json cannot be written: "), "{}", ended.stderr);
}

/// The page has no version, so that cutting one changes no documentation.
#[test]
fn the_committed_document_is_the_programs() {
    let ended = World::new().run(&["openapi", "-f", "json"]);
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    generated::file("docs/use/openapi.json", &ended.stdout.replacen(&version, "\"version\": \"unreleased\"", 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis from PyPI"]
async fn schemathesis_finds_no_failure() {
    let (mut servers, world) = (Vec::new(), World::new());
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure] {
        servers.push((format!("{vendor:?}").to_lowercase(), vendors::server(vendor).start().await));
    }
    let providers: Vec<_> = servers.iter().map(|(name, server)| (name.as_str(), server)).collect();
    let livekit = Livekit::default().start().await;
    let variables = [
        ("AUTH_REQUIRED", "true"),
        ("AUTH_API_SECRET", "s1"),
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &livekit),
        ("RUST_LOG", "error"),
    ];
    let server = world.serve_with(&providers, &variables);
    assert_eq!(world.run(&["openapi", "-f", "json", "-o", "api.json"]).status, Some(0));
    let mut command = Command::new(crate::sdk::installed("schemathesis"));
    command.args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/schemathesis.toml")]);
    command.arg("run").arg(world.path("api.json")).args(["--url", &server.url(), "-H", "Authorization: Bearer s1"]);
    command.args(["--no-color", "--continue-on-failure", "--max-examples", "50"]).current_dir(world.path(""));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // Prints the tested requests for the reader of the run.
    std::io::stdout().write_all(said.split("SUMMARY").last().unwrap_or_default().as_bytes()).unwrap();
    assert!(output.status.success(), "{said}");
}
