//! The counterparts themselves: each satisfies the vendor's own SDK. Google's SDK uses gRPC and is not tested.

use serde_json::{Value, json};
use vendors::{Heard, Server, Vendor};

use crate::sdk::{installed, run};

/// What the vendor's SDK prints of a conversation with its counterpart.
async fn conversation(vendor: Vendor) -> (Value, Server) {
    let server = vendors::server(vendor).start().await;
    let mut command = std::process::Command::new(installed("python"));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendors/sdk");
    command.arg(format!("{folder}/{}_sdk.py", super::name(vendor))).arg(server.url());
    let output = run(command).await;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert_eq!(server.record().faults(), Vec::<String>::new());
    let last = out.lines().last().unwrap_or_default();
    (serde_json::from_str(last).unwrap_or_else(|_| panic!("{out}\n{err}")), server)
}

/// `hello` in 16-bit samples at 16 kHz.
const SPOKEN: usize = 5 * vendors::SAMPLES_PER_CHARACTER * 2 / 24 * 16;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs deepgram-sdk from PyPI"]
async fn fake_deepgram_satisfies_its_sdk() {
    let (said, server) = conversation(Vendor::Deepgram).await;
    let heard =
        json!([["hello", false, false], ["hello there", true, false], ["friend", true, true], ["", true, false]]);
    let voices = json!(["aura-2-thalia-en", "aura-2-apollo-en", "aura-2-celeste-en"]);
    assert_eq!(said, json!({"heard": heard, "spoken": SPOKEN, "voices": voices}));
    assert_eq!(server.record().connections[0].heard, [Heard::KeepAlive, Heard::Finish, Heard::Close(Some(1000))]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs elevenlabs from PyPI"]
async fn fake_elevenlabs_satisfies_its_sdk() {
    let (said, server) = conversation(Vendor::ElevenLabs).await;
    let heard = json!([["hello", false], ["hello there", true], ["friend", true], ["", true]]);
    assert_eq!(said, json!({"heard": heard, "spoken": SPOKEN, "voices": ["Rachel", "Adam"]}));
    assert_eq!(server.record().connections[0].heard, [Heard::Flush, Heard::Close(Some(1000))]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs cartesia from PyPI"]
async fn fake_cartesia_satisfies_its_sdk() {
    let (said, server) = conversation(Vendor::Cartesia).await;
    let heard = json!([["hello", false], ["hello there", true], ["friend", true], "done"]);
    let update = |text| json!(["turn.update", text]);
    let turns = json!([["connected", null], update("hello"), update("hello there"), ["turn.end", "friend"]]);
    assert_eq!(said, json!({"heard": heard, "turns": turns, "spoken": SPOKEN}));
    assert!(server.record().connections[0].heard.contains(&Heard::Finish));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs azure-cognitiveservices-speech from PyPI"]
async fn fake_azure_satisfies_its_sdk() {
    let (said, server) = conversation(Vendor::Azure).await;
    let heard = json!([["hello", false], ["hello there", true], ["friend", true]]);
    let voices = json!(["en-US-AvaNeural", "de-CH-JanNeural", "zh-CN-liaoning-XiaobeiNeural"]);
    assert_eq!(said, json!({"heard": heard, "voices": voices}));
    let record = server.record();
    assert!(matches!(record.connections[0].heard[0], Heard::Config(_)));
    assert_eq!(record.connections[0].audio_bytes, 16_000);
}
