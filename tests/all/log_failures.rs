//! A server whose log cannot be written loses log lines and nothing else.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::json;
use vendors::{Say, Scene, Vendor};

use crate::support::client::{Client, config};
use crate::support::{Server, World, get};

fn command(world: &World, vendor: &vendors::Server, level: &str) -> Command {
    let mut command = world.command(&[]);
    command.envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("RUST_LOG", level), ("SAYNA_METRICS_LISTEN", "127.0.0.1:0")]);
    command.env("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", vendor.ws_url());
    command.env("SAYNA_PROVIDERS_DEEPGRAM_TTS_URL", vendor.url()).env("DEEPGRAM_API_KEY", vendors::KEY);
    command
}

fn metrics(server: &mut Server) -> SocketAddr {
    let line = server.line();
    line.strip_prefix("metrics on http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap()
}

fn dropped(metrics: SocketAddr) -> u64 {
    let text = get(metrics, "/metrics");
    let line = text.lines().find_map(|line| line.strip_prefix("sayna_log_dropped_lines_total "));
    line.unwrap_or_else(|| panic!("no count:\n{text}")).parse().unwrap()
}

/// Everything that logs: a session that begins, one whose provider goes away and comes back, speech that fails and is tried
/// again, and speech.
async fn serves(server: &Server) {
    let mut client = Client::ready(server, config("deepgram", "deepgram")).await;
    client.speak("hello there").await;
    assert!(!client.utterance().await.is_empty());
    client.audio(vec![0; 6_400]).await;
    client.expect("stt_result").await;
    let tts = json!({"provider": "deepgram", "model": "", "voice_id": "aura-asteria-en"});
    let answer = server.post("/speak", &json!({"text": "once more", "tts_config": tts}));
    assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
}

async fn vendor() -> vendors::Server {
    let lost = Scene::new().after(3_200).drop_connection();
    let heard = Scene::new().after(640).say(Say::speech_final("hello"));
    let bodies = [vendors::Body::status(503, "later"), vendors::Body::Speech];
    vendors::server(Vendor::Deepgram).stt([lost, heard]).tts(bodies).start().await
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn dead_log_reader_costs_only_log_lines() {
    let (world, vendor) = (World::new(), vendor().await);
    let mut server = Server::start_shipped(command(&world, &vendor, "debug"));
    let metrics = metrics(&mut server);
    server.stop_reading();
    serves(&server).await;
    assert_ne!(dropped(metrics), 0);
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
}

/// The reader is there, and has stopped: the pipe is full, and a write to it would wait for ever.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn stopped_log_reader_blocks_nothing() {
    let (world, vendor) = (World::new(), vendor().await);
    let mut server = Server::start_shipped(command(&world, &vendor, "debug"));
    let metrics = metrics(&mut server);
    // More than a pipe and the queue before it hold.
    while dropped(metrics) == 0 {
        for _ in 0..100 {
            server.ask("GET", "/");
        }
    }
    serves(&server).await;
    server.signal("TERM");
    // The last lines do not fit either; the program ends all the same.
    assert_eq!(server.wait(), Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn full_disk_costs_only_log_lines() {
    let (world, vendor) = (World::new(), vendor().await);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut server = Server::start_logging(command(&world, &vendor, "debug"), full);
    let metrics = metrics(&mut server);
    serves(&server).await;
    assert_ne!(dropped(metrics), 0);
}
