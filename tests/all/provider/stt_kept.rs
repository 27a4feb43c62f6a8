//! No word of a caller is lost: pauses without audio, odd pieces, connections that break.

use bytes::Bytes;
use sayna::provider::{Stt, SttEvent, Transcript};
use serde_json::json;
use vendors::{Heard, Say, Scene, Vendor};

use super::stt::{audio, connect, connect_with, result, send};

/// Events up to the next that is no loss of a connection.
async fn next(stt: &mut Stt) -> SttEvent {
    loop {
        match stt.events.recv().await.unwrap() {
            SttEvent::Reconnecting(_) => {}
            other => return other,
        }
    }
}

/// The next result with a text, which has to be this one.
async fn words(stt: &mut Stt, text: &str) -> Transcript {
    loop {
        let result = result(stt).await;
        if !result.transcript.is_empty() {
            assert_eq!(result.transcript, text);
            return result;
        }
    }
}

#[tokio::test]
async fn pause_without_audio_delivers_the_results_before_it() {
    // A second of silence for the one that has no message which asks for the rest.
    let heard = |vendor| match vendor {
        Vendor::Azure => Scene::new().after(16_000 + 32_000),
        _ => Scene::new().after(16_000).flushed(),
    };
    let pause = async |vendor| {
        let scene = heard(vendor).say(Say::last("hello"));
        let server = vendors::server(vendor).stt([scene]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..25)).await;
        assert!(words(&mut stt, "hello").await.is_final, "{vendor:?}");
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        let (said, silence) = record.connections[0].audio.split_at(16_000);
        assert_eq!(said, audio(0..25).concat());
        assert!(silence.iter().all(|byte| *byte == 0));
        assert_eq!(silence.is_empty(), vendor == Vendor::Deepgram, "{vendor:?}");
        // The client goes on, and is heard behind the silence.
        send(&stt, audio(25..27)).await;
        server.until(|record| record.connections[0].audio.ends_with(&audio(25..27).concat())).await;
    };
    tokio::join!(pause(Vendor::Deepgram), pause(Vendor::ElevenLabs), pause(Vendor::Cartesia), pause(Vendor::Azure));
}

#[tokio::test]
async fn finalize_response_ends_the_utterance() {
    let finalized = r#"{"type":"Results","start":0.0,"duration":0.5,"is_final":true,"speech_final":false,
        "from_finalize":true,"channel":{"alternatives":[{"transcript":"hello","confidence":0.9}]}}"#;
    let scene = Scene::new().flushed().say(Say::Text(finalized.to_owned()));
    let server = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    send(&stt, audio(0..25)).await;
    assert!(words(&mut stt, "hello").await.is_speech_final);
}

#[tokio::test]
async fn reconnect_resends_whole_samples_of_all_channels() {
    for (channels, encoding, frame, piece) in [
        (1, "linear16", 2, 641),
        (2, "linear16", 4, 642),
        (3, "linear16", 6, 1_001),
        (2, "mulaw", 2, 161),
        (2, "linear32", 8, 642),
    ] {
        let first = Scene::new().after(20_000).say(Say::last("one")).after(20_000).drop_connection();
        let server = vendors::server(Vendor::Deepgram).stt([first, Scene::new()]).start().await;
        let changes = json!({"channels": channels, "encoding": encoding});
        let stt = connect_with(Vendor::Deepgram, &server, changes).await;
        let stream: Vec<u8> = (0..60_000_u32).flat_map(|n| u16::try_from(n).unwrap().to_be_bytes()).collect();
        send(&stt, stream.chunks(piece).map(Bytes::copy_from_slice)).await;
        let whole = stream.len() / frame * frame;
        server
            .until(|record| {
                record.connections.get(1).is_some_and(|second| second.audio.ends_with(&stream[whole - 8..whole]))
            })
            .await;
        let record = server.record();
        let begin = whole - record.connections[1].audio.len();
        assert_eq!(begin % frame, 0, "{channels} channels of {encoding} in pieces of {piece}");
        assert!(record.connections[1].audio == stream[begin..whole], "{channels} {encoding} {piece}");
    }
}

#[tokio::test]
async fn reconnect_resends_words_behind_a_final_result() {
    for vendor in [Vendor::Deepgram, Vendor::Azure] {
        // All has come when the words about the beginning are said.
        let first = Scene::new().after(32_000).say(Say::speech_final("one")).after(16_000).drop_connection();
        let server = vendors::server(vendor).stt([first, Scene::new()]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..75)).await;
        assert_eq!(result(&mut stt).await.transcript, "one");
        server.until(|record| record.connections.get(1).is_some_and(|second| second.audio_bytes >= 16_000)).await;
        assert!(server.record().connections[1].audio == audio(50..75).concat(), "{vendor:?}");
    }
}

#[tokio::test]
async fn reconnect_restarts_a_container_or_reports_an_error() {
    let heads: [(&str, &[u8]); 4] =
        [("wav", b"RIFF\x24\0\0\0WAVE"), ("opus", b"OggS\0\x02"), ("opus", b"\x1a\x45\xdf\xa3"), ("flac", b"fLaC\0")];
    for (encoding, head) in heads {
        let stream = [head, &[7; 4_000]].concat();
        // What has its head still is sent from its head.
        let first = Scene::new().after(1_000).drop_connection();
        let server = vendors::server(Vendor::Deepgram).stt([first, Scene::new()]).start().await;
        let stt = connect_with(Vendor::Deepgram, &server, json!({"encoding": encoding})).await;
        send(&stt, stream.chunks(640).map(Bytes::copy_from_slice)).await;
        server.until(|record| record.connections.get(1).is_some_and(|c| c.audio_bytes >= stream.len())).await;
        assert_eq!(server.record().connections[1].audio, stream, "{encoding}");
        // What has it no more is not sent to a vendor that can make nothing of it.
        let first = Scene::new().after(stream.len()).say(Say::last("one")).after(1_000).drop_connection();
        let server = vendors::server(Vendor::Deepgram).stt([first, Scene::new()]).start().await;
        let mut stt = connect_with(Vendor::Deepgram, &server, json!({"encoding": encoding})).await;
        send(&stt, stream.chunks(640).map(Bytes::copy_from_slice)).await;
        assert_eq!(result(&mut stt).await.transcript, "one");
        send(&stt, [Bytes::from(vec![7; 1_000])]).await;
        let SttEvent::Error(error) = next(&mut stt).await else { panic!("no error") };
        assert!(error.to_string().contains("restart the stream with its header"), "{error}");
        assert_eq!(server.record().connections.len(), 1);
        assert!(stt.events.recv().await.is_none());
    }
}

#[tokio::test]
async fn reconnect_gives_up_on_a_vendor_that_repeats_a_result_and_fails() {
    for (vendor, text) in [(Vendor::Deepgram, "hello"), (Vendor::Deepgram, ""), (Vendor::Azure, "hello")] {
        let scene = Scene::new().after(640).say(Say::interim(text)).drop_connection();
        let server = vendors::server(vendor).stt([scene]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..2)).await;
        let mut told = Vec::new();
        let error = loop {
            match next(&mut stt).await {
                SttEvent::Result(result) => told.push(result.transcript),
                SttEvent::Error(error) => break error,
                SttEvent::Reconnecting(_) => {}
            }
        };
        assert!(error.to_string().ends_with("(gave up after 6 attempts)"), "{error}");
        assert_eq!(told, [text], "{vendor:?}");
        assert_eq!(server.record().connections.len(), 6);
    }
}

/// Final words of Deepgram about so much audio from the beginning of its connection.
fn last_words(seconds: f64) -> Say {
    let alternatives = json!([{"transcript": "no", "confidence": 0.9}]);
    let message = json!({"type": "Results", "start": 0.0, "duration": seconds, "is_final": true, "speech_final": true,
        "channel": {"alternatives": alternatives}});
    Say::Text(message.to_string())
}

#[tokio::test]
async fn final_result_about_no_audio_is_sent_once_over_all_reconnects() {
    let scene = Scene::new().after(640).say(last_words(0.0)).drop_connection();
    let server = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    send(&stt, audio(0..2)).await;
    assert_eq!(result(&mut stt).await.transcript, "no");
    let SttEvent::Error(error) = next(&mut stt).await else { panic!("the same words again") };
    assert!(error.to_string().ends_with("(gave up after 6 attempts)"), "{error}");
}

#[tokio::test]
async fn equal_final_results_about_other_audio_are_sent() {
    let scene = || Scene::new().after(1_280).say(last_words(0.04)).drop_connection();
    let second = Scene::new().after(1_280).say(last_words(0.04)).say(last_words(0.0));
    let server = vendors::server(Vendor::Deepgram).stt([scene(), second]).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    for (pieces, times) in [(0..2, 1), (2..4, 2)] {
        send(&stt, audio(pieces)).await;
        for _ in 0..times {
            let SttEvent::Result(told) = next(&mut stt).await else { panic!("no words") };
            assert_eq!(told.transcript, "no");
        }
    }
}

#[tokio::test]
async fn final_result_resets_the_retry_count() {
    // Eight connections, each of which dies after words about what it was sent.
    let scene = Scene::new().after(1_280).say(Say::last("word")).drop_connection();
    let server = vendors::server(Vendor::Deepgram).stt(vec![scene; 8].into_iter().chain([Scene::new()])).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    for n in 0..8 {
        send(&stt, audio(2 * n..2 * n + 2)).await;
        let SttEvent::Result(result) = next(&mut stt).await else { panic!("no words") };
        assert_eq!(result.transcript, "word");
    }
    server.until(|record| record.connections.len() == 9).await;
}

#[tokio::test]
async fn generated_silence_does_not_shift_covered_audio() {
    // Azure counts the silence: its words are about what comes behind it.
    let first = Scene::new()
        .after(16_000 + 16_000)
        .say(Say::speech_final("one"))
        .after(6_400)
        .say(Say::speech_final("two"))
        .after(3_200)
        .drop_connection();
    let server = vendors::server(Vendor::Azure).stt([first, Scene::new()]).start().await;
    let mut stt = connect(Vendor::Azure, &server).await;
    send(&stt, audio(0..25)).await;
    assert_eq!(result(&mut stt).await.transcript, "one");
    send(&stt, audio(25..35)).await;
    assert_eq!(result(&mut stt).await.transcript, "two");
    send(&stt, audio(35..40)).await;
    server.until(|record| record.connections.len() == 2 && record.connections[1].audio_bytes >= 3_200).await;
    let again = server.record().connections[1].audio.clone();
    assert!(again.starts_with(&audio(35..40).concat()), "{:?}", again.first());
    assert!(server.record().connections[0].heard.iter().all(|heard| *heard != Heard::Finish));
}

#[tokio::test]
async fn pause_without_a_result_keeps_the_connection_open() {
    let server = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start().await;
    let stt = connect(Vendor::Deepgram, &server).await;
    send(&stt, audio(0..25)).await;
    // The counterpart answers `Finalize`; the keep-alives go on in the second after it as ever.
    let kept = |record: &vendors::Record| {
        let heard = &record.connections[0].heard;
        let flush = heard.iter().position(|heard| *heard == Heard::Flush);
        flush.is_some_and(|flush| heard[flush..].iter().filter(|heard| **heard == Heard::KeepAlive).count() >= 2)
    };
    server.until(kept).await;
    assert_eq!(server.record().connections.len(), 1);
}
