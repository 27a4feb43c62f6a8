//! A recording that is sent as fast as the WebSocket accepts it, and a provider that falls behind a conversation.

use std::time::Duration;

use serde_json::json;
use vendors::{Handshake, Scene, Vendor};

use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World};

/// The figures of a server that was started with [`LISTEN`].
fn metrics(server: &mut Server) -> String {
    let line = server.line();
    let address = line.strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    crate::support::get(address.parse().unwrap(), "/metrics")
}

const LISTEN: (&str, &str) = ("SAYNA_METRICS_LISTEN", "127.0.0.1:0");
const DROPPED: &str = r#"sayna_stt_dropped_bytes_total{provider="deepgram"} "#;

/// So many pieces of 20 ms, numbered.
fn pieces(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|n| n.to_be_bytes().repeat(160)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_reaches_the_provider_whole_through_an_outage() {
    let busy = Handshake::Refuse(503, vec![("retry-after", "3".to_owned())], "busy".to_owned());
    let scenes = [Scene::new().after(640).drop_connection(), Scene::new().handshake(busy), Scene::new()];
    let deepgram = vendors::server(Vendor::Deepgram).stt(scenes).start().await;
    // A client that waits until it is read answers no ping meanwhile.
    let variables = [LISTEN, ("SAYNA_SERVER_PING_SECONDS", "1"), ("SAYNA_SERVER_PONG_TIMEOUT_SECONDS", "2")];
    let mut server = World::new().serve_with(&[("deepgram", &deepgram)], &variables);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    let recording = pieces(20_000);
    client.audio(recording[0].clone()).await;
    deepgram.until(|record| record.connections.len() == 2).await;
    for piece in &recording[1..] {
        client.audio(piece.clone()).await;
    }
    let all = recording.concat();
    deepgram.until(|record| record.connections.get(2).is_some_and(|third| third.audio_bytes >= all.len())).await;
    assert!(deepgram.record().connections[2].audio == all, "the vendor received other audio than the client sent");
    // The client was told of nothing, and its commands are answered.
    client.send(json!({"type": "nonsense"})).await;
    client.expect("error").await;
    let metrics = metrics(&mut server);
    assert!(metrics.contains("sayna_audio_dropped_chunks_total 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_session_with_a_slow_provider_drops_the_oldest_audio() {
    let busy = Handshake::Refuse(503, vec![("retry-after", "5".to_owned())], "busy".to_owned());
    let refused = Scene::new().handshake(busy);
    let scenes = [Scene::new().after(640).drop_connection(), refused.clone(), refused.clone(), refused, Scene::new()];
    let deepgram = vendors::server(Vendor::Deepgram).stt(scenes).start().await;
    let mut server = World::new().serve_with(&[("deepgram", &deepgram)], &[LISTEN]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    let mut told = false;
    for (n, piece) in pieces(900).into_iter().enumerate() {
        client.audio(piece).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Commands are answered in the meantime.
        if n % 100 == 99 {
            client.send(json!({"type": "nonsense"})).await;
            let Frame::Event(text) = client.next().await else { panic!("no text") };
            if text.to_string().contains("audio is being dropped") {
                assert!(!told, "told twice");
                told = true;
                client.expect("error").await;
            }
        }
    }
    assert!(told);
    let last = pieces(900).pop().unwrap();
    deepgram.until(|record| record.connections.get(4).is_some_and(|last_one| last_one.audio.ends_with(&last))).await;
    let heard = deepgram.record().connections[4].audio.clone();
    let numbers: Vec<u32> = heard.chunks(640).map(|piece| u32::from_be_bytes(*piece.first_chunk().unwrap())).collect();
    assert!(numbers.is_sorted() && numbers.len() < 900, "{numbers:?}");
    // What was said last is there without a gap.
    assert!(numbers.ends_with(&(750..900).collect::<Vec<_>>()), "{numbers:?}");
    let metrics = metrics(&mut server);
    assert!(!metrics.contains("sayna_audio_dropped_chunks_total 0"), "{metrics}");
    assert!(metrics.contains(DROPPED) && !metrics.contains(&format!("{DROPPED}0")), "{metrics}");
}
