//! The cache when everything happens at once, and when the server dies in the middle of it.

use std::time::Duration;

use sayna::provider::Voice;
use serde_json::json;
use vendors::{Body, Server, Vendor};

use super::{heard, voice};

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Listens to a text to its end, or leaves after so many pieces.
async fn listen(voice: Voice, text: String, leave_after: Option<u64>) {
    let Some(pieces) = leave_after else {
        assert_eq!(heard(voice.speak(&text, None)).await.unwrap(), vendors::speech(&text, "linear16", 24_000));
        return;
    };
    let mut speech = voice.speak(&text, None);
    for _ in 0..pieces {
        let Some(piece) = speech.next().await else { return };
        piece.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_synthesis_is_whole_for_each_listener_in_a_storm() {
    let server = vendors::server(Vendor::Deepgram).tts([Body::Slow(1_024, Duration::from_millis(1))]).start().await;
    let voice = voice(Vendor::Deepgram, &server, json!({}));
    let mut dice = Dice(7);
    let mut listeners = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let text = format!("a sentence of some length, number {}", dice.roll(12));
        let leave_after = (dice.roll(3) > 0).then(|| dice.roll(80));
        listeners.spawn(listen(voice.clone(), text, leave_after));
        if dice.roll(4) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.roll(3))).await;
        }
    }
    while let Some(listener) = listeners.join_next().await {
        listener.unwrap();
    }
    let record = server.record();
    assert_eq!(record.faults(), Vec::<String>::new());
    // Once a text was heard to its end it is not asked for again: each has one answer that was taken whole.
    for number in 0..12 {
        let text = format!("number {number}\"");
        let asked: Vec<_> = record.requests.iter().filter(|request| request.body.contains(&text)).collect();
        assert_eq!(asked.iter().filter(|request| request.answered).count(), 1, "{text}");
        assert!(asked.last().unwrap().answered, "{text}");
    }
}

#[cfg(unix)]
mod killed {
    use std::collections::HashSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::support::World;

    const TEXTS: usize = 40;

    fn text(number: usize) -> String {
        format!("a text of no little length, that is cut by the end of the server, {number}")
    }

    async fn speak(server: &str, number: usize) -> Option<Vec<u8>> {
        let body = json!({"text": text(number), "tts_config": {"provider": "deepgram", "model": "aura-asteria-en"}});
        let http = sayna::outbound::Outbound::new(None::<&Path>).unwrap().http;
        let answer = http.post(format!("{server}/speak")).json(&body).send().await.ok()?;
        answer.bytes().await.ok().map(|bytes| bytes.to_vec())
    }

    /// The files of audio that are there by now.
    fn entries(folder: &Path) -> Vec<PathBuf> {
        let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
        inside(folder)
            .flat_map(|path| inside(&path).collect::<Vec<_>>())
            .filter(|path| path.extension().is_none())
            .collect()
    }

    /// Every entry that would be taken for one, checked for what it is.
    fn check(folder: &Path, right: &HashSet<Vec<u8>>) {
        for path in entries(folder) {
            let meta = fs::read(path.with_extension("meta")).unwrap();
            let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
            let audio = fs::read(&path).unwrap();
            assert_eq!(meta["size"], audio.len(), "{}", path.display());
            assert!(right.contains(&audio), "{} is half a text", path.display());
        }
    }

    /// Kills the server in the moment in which so many texts are there, and others are being written.
    async fn storm(world: &World, deepgram: &Server, texts: usize) {
        let server = world.serve_with(&[("deepgram", deepgram)], &[("CACHE_PATH", "cache")]);
        let url = server.url();
        let speaking: Vec<_> = (0..TEXTS)
            .map(|number| {
                let url = url.clone();
                tokio::spawn(async move { speak(&url, number).await })
            })
            .collect();
        let written = async {
            while entries(&world.path("cache")).len() < texts {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), written).await.unwrap();
        server.signal("KILL");
        for speaking in speaking {
            speaking.await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn cache_entries_are_whole_after_a_kill() {
        let deepgram = vendors::server(Vendor::Deepgram).start().await;
        let world = World::new();
        let right: HashSet<Vec<u8>> =
            (0..TEXTS).map(|number| vendors::speech(&text(number), "linear16", 24_000)).collect();
        for texts in [1, 2, 5, 12, 30] {
            storm(&world, &deepgram, texts).await;
            check(&world.path("cache"), &right);
        }
        // The next server serves every text, from what is there and from the provider.
        let server = world.serve_with(&[("deepgram", &deepgram)], &[("CACHE_PATH", "cache")]);
        for number in 0..TEXTS {
            let audio = speak(&server.url(), number).await.unwrap();
            assert_eq!(audio, vendors::speech(&text(number), "linear16", 24_000));
        }
    }
}
