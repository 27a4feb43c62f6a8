//! Speech: order, frames, interruption, the cache, and providers that fail in the middle of it.

use std::time::Duration;

use serde_json::json;
use vendors::{Body, SAMPLES_PER_CHARACTER, Server as Provider, Vendor};

use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World};

async fn deepgram(bodies: impl IntoIterator<Item = Body>) -> Provider {
    vendors::server(Vendor::Deepgram).tts(bodies).start().await
}

fn serve(deepgram: &Provider) -> Server {
    World::new().serve_with(&[("deepgram", deepgram)], &[])
}

async fn session(server: &Server) -> Client {
    Client::ready(server, config("deepgram", "deepgram")).await
}

fn texts(deepgram: &Provider) -> Vec<String> {
    deepgram
        .record()
        .asked("/v1/speak")
        .iter()
        .map(|request| request.json()["text"].as_str().unwrap().to_owned())
        .collect()
}

/// 24 kHz, 16 bit: 10 ms.
const FRAME: usize = 480;

/// A body so slow that a test can act in the middle of it.
fn slow() -> Body {
    Body::Slow(FRAME, Duration::from_millis(5))
}

#[tokio::test]
async fn speak_sends_frames_of_ten_milliseconds_then_complete() {
    let deepgram = deepgram([Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    client.speak("hello there").await;
    let frames = client.utterance().await;
    assert!(frames.iter().all(|frame| frame.len() == FRAME));
    let audio = frames.concat();
    assert!(audio == vendors::speech("hello there", "linear16", 24_000));
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}

#[tokio::test]
async fn speak_keeps_the_order_and_completes_once() {
    // The first takes so long that all are there before it ends: else each would be completed.
    let deepgram = deepgram([slow(), Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    let all = [["one"; 20].join(" "), "two two".to_owned(), "three three three".to_owned()];
    for text in &all {
        client.speak(text).await;
    }
    client.speak("  ").await;
    let audio = client.utterance().await.concat();
    let expected: Vec<u8> = all.iter().flat_map(|text| vendors::speech(text, "linear16", 24_000)).collect();
    assert!(audio == expected, "{} bytes, {} expected", audio.len(), expected.len());
    assert_eq!(texts(&deepgram), all);
}

#[tokio::test]
async fn clear_stops_within_a_frame_and_drops_what_waits() {
    let deepgram = deepgram([slow(), Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    client.speak(&"long ".repeat(100)).await;
    client.speak("never").await;
    assert!(matches!(client.next().await, Frame::Audio(_)));
    client.send(json!({"type": "clear"})).await;
    // An answer behind it shows that it was handled; until then frames may come, behind it at most one.
    client.text("nonsense").await;
    while let Frame::Audio(_) = client.next().await {}
    client.speak("after").await;
    let frames = client.utterance().await;
    let expected = "after".len() * SAMPLES_PER_CHARACTER * 2;
    let after: usize = frames.iter().map(bytes::Bytes::len).sum();
    assert!(after == expected || after == expected + FRAME, "{after} bytes, {expected} expected");
    assert_eq!(texts(&deepgram).last().map(String::as_str), Some("after"));
    assert!(!texts(&deepgram).contains(&"never".to_owned()));
}

#[tokio::test]
async fn clear_keeps_an_uninterruptible_text() {
    let deepgram = deepgram([slow(), slow(), Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    let text = "to the end";
    client.send(json!({"type": "speak", "text": text, "allow_interruption": false})).await;
    client.send(json!({"type": "clear"})).await;
    let first = client.next().await;
    client.send(json!({"type": "clear"})).await;
    let Frame::Audio(first) = first else { panic!("{first:?}") };
    let rest: usize = client.utterance().await.iter().map(bytes::Bytes::len).sum();
    assert_eq!(first.len() + rest, text.len() * SAMPLES_PER_CHARACTER * 2);
    // What was said of that text is not said of the next.
    let text = ["not so this"; 10].join(" ");
    client.send(json!({"type": "speak", "text": text, "allow_interruption": true})).await;
    client.send(json!({"type": "clear"})).await;
    client.speak("end").await;
    let audio: usize = client.utterance().await.iter().map(bytes::Bytes::len).sum();
    assert!(audio < text.len() * SAMPLES_PER_CHARACTER * 2, "{audio}");
}

/// Sends texts, each with whether it may be interrupted, and `clear` in the middle of the first.
async fn cleared(client: &mut Client, texts: &[(&str, bool)]) -> usize {
    for (text, allow) in texts {
        client.send(json!({"type": "speak", "text": text, "allow_interruption": allow})).await;
    }
    let Frame::Audio(first) = client.next().await else { panic!("audio") };
    client.send(json!({"type": "clear"})).await;
    first.len() + client.utterance().await.iter().map(bytes::Bytes::len).sum::<usize>()
}

/// Each text is interrupted, or is not, by what was said of it alone.
#[tokio::test]
async fn clear_keeps_only_the_uninterruptible_text() {
    let deepgram = deepgram([slow()]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    let bytes = |text: &str| text.len() * SAMPLES_PER_CHARACTER * 2;
    // A later text that may be interrupted does not open it, and goes.
    assert_eq!(cleared(&mut client, &[("to the end", false), ("never one", true)]).await, bytes("to the end"));
    // A later text that may not does not close the one before, and stays.
    let long = "so long that it is cut ".repeat(10);
    let heard = cleared(&mut client, &[(&long, true), ("never two", true), ("and this one", false)]).await;
    assert!((bytes("and this one") + 1..bytes(&long)).contains(&heard), "{heard}");
    let heard = cleared(&mut client, &[("first", false), ("never three", true), ("second", false)]).await;
    assert_eq!(heard, bytes("first") + bytes("second"));
    assert!(!texts(&deepgram).iter().any(|text| text.contains("never")), "{:?}", texts(&deepgram));
    // The end of the uninterrupted text is reported, although the texts behind it were dropped.
    client.send(json!({"type": "speak", "text": "short", "allow_interruption": false})).await;
    client.speak(&long).await;
    let mut heard = 0;
    while heard <= bytes("short") {
        let Frame::Audio(frame) = client.next().await else { panic!("audio") };
        heard += frame.len();
    }
    client.send(json!({"type": "clear"})).await;
    client.utterance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn speak_serves_a_repeated_text_from_the_cache() {
    let deepgram = deepgram([Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    for _ in 0..3 {
        client.speak("again").await;
        assert!(client.utterance().await.concat() == vendors::speech("again", "linear16", 24_000));
    }
    // Another session and the REST interface use the same cache.
    let mut other = session(&server).await;
    other.speak("again").await;
    other.utterance().await;
    let answer = server.post("/speak", &json!({"text": "again", "tts_config": config("", "deepgram")["tts_config"]}));
    assert_eq!((answer.status(), answer.header("content-length")), (200, Some("12000")));
    assert_eq!(texts(&deepgram), ["again"]);
    // Other words for the same are other speech.
    let mut config = config("deepgram", "deepgram");
    config["tts_config"]["pronunciations"] = json!([{"word": "again", "pronunciation": "once more"}]);
    let mut client = Client::ready(&server, config).await;
    client.speak("again").await;
    client.utterance().await;
    assert_eq!(texts(&deepgram), ["again", "once more"]);
}

#[tokio::test]
async fn cleared_text_is_not_cached() {
    let deepgram = deepgram([slow(), Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    let text = "some words that take their time to be said";
    client.speak(text).await;
    assert!(matches!(client.next().await, Frame::Audio(_)));
    client.send(json!({"type": "clear"})).await;
    client.speak("mark").await;
    while !matches!(client.next().await, Frame::Event(event) if event["type"] == "tts_playback_complete") {}
    client.speak(text).await;
    assert!(client.utterance().await.concat() == vendors::speech(text, "linear16", 24_000));
    assert_eq!(texts(&deepgram), [text, "mark", text]);
}

#[tokio::test]
async fn tts_failure_is_reported_and_the_next_text_is_spoken() {
    let bodies = [Body::status(400, "bad voice"), Body::Speech, Body::Cut(2000), Body::Speech];
    let deepgram = deepgram(bodies).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    client.speak("fails").await;
    let error = client.expect("error").await;
    assert_eq!(error["message"], "TTS error: API error (400): bad voice");
    client.expect("tts_playback_complete").await;
    client.speak("works").await;
    assert!(client.utterance().await.concat() == vendors::speech("works", "linear16", 24_000));
    client.speak("is cut").await;
    loop {
        match client.next().await {
            Frame::Audio(_) => {}
            Frame::Event(event) if event["type"] == "error" => break,
            other => panic!("{other:?}"),
        }
    }
    // What was cut is not kept, so this asks again.
    client.expect("tts_playback_complete").await;
    client.speak("is cut").await;
    assert!(client.utterance().await.concat() == vendors::speech("is cut", "linear16", 24_000));
}

#[tokio::test]
async fn text_without_words_completes_at_once() {
    let deepgram = deepgram([Body::Speech]).await;
    let server = serve(&deepgram);
    let mut client = session(&server).await;
    for text in ["", "  ", "...", "🎉", "?!"] {
        client.speak(text).await;
        client.expect("tts_playback_complete").await;
    }
    assert!(texts(&deepgram).is_empty());
    client.speak("works").await;
    assert!(client.utterance().await.concat() == vendors::speech("works", "linear16", 24_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn tts_retry_after_is_passed_on_to_the_client() {
    let busy = Body::Status(429, vec![("retry-after", "30".to_owned())], "too many".to_owned());
    let deepgram = deepgram([busy]).await;
    let server = serve(&deepgram);
    let config = config("deepgram", "deepgram");
    let answer = server.post("/speak", &json!({"text": "one", "tts_config": config["tts_config"]}));
    assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("30")));
    let mut client = session(&server).await;
    client.speak("two").await;
    client.expect_error("TTS error: API error (429): too many (try again in 30 s)").await;
    client.expect("tts_playback_complete").await;
    assert_eq!(texts(&deepgram), ["one", "two"]);
}

#[tokio::test]
async fn text_beyond_the_limit_is_rejected() {
    let deepgram = deepgram([Body::Speech]).await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_MAX_TEXT_CHARS", "5")]);
    let mut client = session(&server).await;
    client.speak("sixsix").await;
    let text = "Failed to synthesize speech: the text is 6 characters long; the limit is 5 (server.max_text_chars)";
    client.expect_error(text).await;
    client.speak("fünfe").await;
    assert!(!client.utterance().await.is_empty());
}

/// Every vendor that speaks, in both uses of it.
#[tokio::test(flavor = "multi_thread")]
async fn speak_works_with_every_provider() {
    let ears = deepgram([Body::Speech]).await;
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure] {
        let provider = vendors::server(vendor).start().await;
        let name = format!("{vendor:?}").to_lowercase();
        let server = World::new().serve_with(&[("deepgram", &ears), (&name, &provider)], &[]);
        let mut config = config("deepgram", &name);
        config["tts_config"]["voice_id"] = json!(if name == "azure" { "en-US-AvaNeural" } else { "voice" });
        config["tts_config"]["sample_rate"] = json!(16_000);
        let answer = server.post("/speak", &json!({"text": "over REST", "tts_config": config["tts_config"]}));
        assert_eq!(answer.status(), 200, "{name}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), Some("audio/pcm"));
        let mut client = if name == "deepgram" { session(&server).await } else { Client::ready(&server, config).await };
        client.speak("over a socket").await;
        assert!(!client.utterance().await.is_empty());
        assert_eq!(provider.record().faults(), Vec::<String>::new(), "{name}");
    }
}
