//! Clients of other projects.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use vendors::Vendor;

use crate::support::livekit::{KEYS, Livekit};
use crate::support::{Server, World};

/// A program of the environment that `.ci/setup` makes.
pub(crate) fn installed(name: &str) -> PathBuf {
    let folder = std::env::var("SAYNA_CLIENTS").expect("SAYNA_CLIENTS: `.ci/run` sets it, `.ci/setup` fills it");
    Path::new(&folder).join(name)
}

/// Runs it beside the runtime, which serves what it talks to.
pub(crate) async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server for the Python SDK's conversation, with its provider.
pub(crate) async fn partner() -> (vendors::Server, Server) {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let livekit = Livekit::default()
        .with_room("den", r#"{"auth_id":"default"}"#)
        .with_room("other", r#"{"auth_id":"another"}"#)
        .with_participant("den", "bob", "SIP", &json!({"sip.callID": "SC_1"}));
    let livekit = livekit.start().await;
    let variables = [
        ("AUTH_REQUIRED", "true"),
        ("AUTH_API_SECRET", "s1"),
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &livekit),
        ("SIP_ROOM_PREFIX", "call-"),
        ("SIP_OUTBOUND_ADDRESS", "sip.example"),
    ];
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &variables);
    (deepgram, server)
}

pub(crate) fn conversation(url: &str) -> Command {
    let mut command = Command::new(installed("python"));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/conversation.py")).arg(url);
    command
}

pub(crate) fn check(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stdout)));
    let bytes = |text: &str| text.len() * vendors::SAMPLES_PER_CHARACTER * 2 / 24 * 16;
    assert_eq!(said["health"], "OK");
    assert_eq!(said["ready"], "a-stream");
    assert_eq!(said["heard"], json!([["hello", false, false], ["hello there", true, false], ["friend", true, true]]));
    assert_eq!(said["spoken"], bytes("hello") + bytes("and good bye"));
    let error = "LiveKit client not configured. Send config message with livekit configuration first.";
    assert_eq!(said["error"], error);
    assert_eq!(said["voices"], json!(["deepgram"]));
    assert_eq!(said["rest"], json!([bytes("hello"), "linear16", "16000"]));
    assert_eq!(said["token"], json!(["den", "ann-1", "http://localhost:7880"]));
    assert_eq!(said["rooms"], json!([["den", 1]]));
    assert_eq!(said["room"], json!([r#"{"auth_id":"default"}"#, [["bob", "ACTIVE", "SIP"]]]));
    assert_eq!(said["participant"], json!([true, "completed", "tel:+15551234567", "removed"]));
    assert_eq!((&said["called"], &said["hooks"]), (&json!(["initiated", "SC_call"]), &json!([])));
    assert_eq!(said["nowhere"], json!(404));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs sayna-client from PyPI"]
async fn the_python_sdk_has_a_conversation() {
    let (deepgram, server) = partner().await;
    check(&run(conversation(&server.url())).await);
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}
