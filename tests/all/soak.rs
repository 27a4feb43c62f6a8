//! Sessions that come and go leave nothing behind.

use serde_json::json;
use vendors::Vendor;

use crate::support::client::{Client, config};
use crate::support::{Server, World};

/// One after the other, some at a time, each with words heard and spoken, and each with another end.
async fn sessions(server: &Server, count: usize) {
    const AT_A_TIME: usize = 20;
    for round in 0..count / AT_A_TIME {
        let one = |number: usize| async move {
            let mut client = Client::ready(server, config("deepgram", "deepgram")).await;
            client.audio(vec![0; 16_000]).await;
            client.expect("stt_result").await;
            client.speak(&format!("text {}", number % 50)).await;
            match number % 4 {
                0 => client.close().await,
                1 => drop(client),
                2 => {
                    client.send(json!({"type": "clear"})).await;
                    client.close().await;
                }
                _ => {
                    client.send(config("deepgram", "deepgram")).await;
                    drop(client);
                }
            }
        };
        futures_util::future::join_all((0..AT_A_TIME).map(|number| one(round * AT_A_TIME + number))).await;
    }
}

/// `SAYNA_SOAK_SESSIONS` is how many: an hour's worth is tens of thousands.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_while_sessions_come_and_go() {
    let count = std::env::var("SAYNA_SOAK_SESSIONS").map_or(600, |text| text.parse().unwrap());
    let deepgram = vendors::server(Vendor::Deepgram).forget_audio().start().await;
    let mut server = World::new()
        .serve_with(&[("deepgram", &deepgram)], &[("RUST_LOG", "error"), ("SAYNA_METRICS_LISTEN", "127.0.0.1:0")]);
    let metrics = server.line();
    sessions(&server, count / 2).await;
    let before = server.memory_kb();
    sessions(&server, count).await;
    let after = server.memory_kb();
    // What one session holds while it is open is some fifty KB: were a tenth of it left behind, this would show it.
    let most = 2048 + u64::try_from(count).unwrap() * 4;
    assert!(after < before + most, "{before} KB before {count} sessions, {after} KB after");
    let address = metrics.trim_start_matches("metrics on http://").trim_end_matches("/metrics").parse().unwrap();
    let gone = || {
        let metrics = crate::support::get(address, "/metrics");
        ["sessions", "output_queued", "audio_queued"]
            .iter()
            .all(|name| metrics.contains(&format!("\nsayna_{name} 0\n")))
    };
    while !gone() {
        tokio::task::yield_now().await;
    }
}
