//! Recognition as it should go.

use bytes::Bytes;
use sayna::provider::{ErrorKind, Stt, SttEvent, Transcript};
use serde_json::{Value, json};
use vendors::{Heard, Say, Scene, Server, Vendor};

use super::{providers, stt_options};

pub(crate) const VENDORS: [Vendor; 4] = [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure];

/// Pieces of 20 ms at 16 kHz, each of another value, so that every byte can be told from the others.
pub(crate) fn audio(pieces: std::ops::Range<u8>) -> Vec<Bytes> {
    pieces.map(|n| Bytes::from(vec![n; 640])).collect()
}

pub(crate) async fn send(stt: &Stt, audio: impl IntoIterator<Item = Bytes>) {
    for piece in audio {
        stt.audio.send(piece).await.unwrap();
    }
}

pub(crate) async fn connect(vendor: Vendor, server: &Server) -> Stt {
    connect_with(vendor, server, json!({})).await
}

pub(crate) async fn connect_with(vendor: Vendor, server: &Server, changes: Value) -> Stt {
    providers(vendor, server).stt(&stt_options(vendor, changes)).unwrap().connect().await.unwrap()
}

pub(crate) async fn result(stt: &mut Stt) -> Transcript {
    match stt.events.recv().await.unwrap() {
        SttEvent::Result(transcript) => transcript,
        other => panic!("{other:?}"),
    }
}

/// Every event there still is, once the audio has ended.
pub(crate) async fn rest(stt: Stt) -> Vec<SttEvent> {
    let Stt { audio, mut events, .. } = stt;
    drop(audio);
    let mut rest = Vec::new();
    while let Some(event) = events.recv().await {
        rest.push(event);
    }
    rest
}

#[tokio::test]
async fn stt_works_with_every_vendor() {
    for vendor in VENDORS {
        let scene = Scene::new()
            .after(6_400)
            .say(Say::interim("hel"))
            .after(6_400)
            .say(Say::speech_final("hello"))
            .after(3_200)
            .say(Say::interim("and"));
        let server = vendors::server(vendor).stt([scene]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..20)).await;
        let interim = result(&mut stt).await;
        assert_eq!((interim.transcript.as_str(), interim.is_final, interim.is_speech_final), ("hel", false, false));
        let last = result(&mut stt).await;
        assert_eq!(
            (last.transcript.as_str(), last.is_final, last.is_speech_final),
            ("hello", true, true),
            "{vendor:?}"
        );
        assert!(last.confidence > 0.8);
        send(&stt, audio(20..25)).await;
        let late = result(&mut stt).await;
        assert_eq!((late.transcript.as_str(), late.is_final), ("and", false));
        assert!(
            rest(stt).await.iter().all(|event| matches!(event, SttEvent::Result(last) if last.transcript.is_empty()))
        );
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        let [connection] = record.connections.as_slice() else { panic!("{record:#?}") };
        assert_eq!(connection.audio, audio(0..25).concat(), "{vendor:?}");
        let end = connection.heard.iter().any(|heard| matches!(heard, Heard::Finish | Heard::Flush));
        assert!(end, "{vendor:?}: {:?}", connection.heard);
    }
}

#[tokio::test]
async fn stt_audio_is_converted_for_the_vendor() {
    // A second of it, in a format of the telephone and in one of a studio, and how many bytes the vendor has to hear.
    let telephone = json!({"encoding": "alaw", "sample_rate": 8_000});
    let studio = json!({"sample_rate": 48_000, "channels": 2});
    for (vendor, changes, sent, heard) in [
        (Vendor::Deepgram, &telephone, 8_000, 8_000),
        (Vendor::Deepgram, &studio, 192_000, 192_000),
        (Vendor::ElevenLabs, &telephone, 8_000, 16_000),
        (Vendor::ElevenLabs, &studio, 192_000, 96_000),
        (Vendor::Cartesia, &telephone, 8_000, 16_000),
        (Vendor::Azure, &telephone, 8_000, 16_000),
        (Vendor::Azure, &studio, 192_000, 32_000),
    ] {
        let server = vendors::server(vendor).stt([Scene::new()]).start().await;
        let stt = connect_with(vendor, &server, changes.clone()).await;
        send(&stt, Bytes::from(vec![0x55; sent]).chunks(640).map(Bytes::copy_from_slice)).await;
        rest(stt).await;
        server.until(|record| record.connections[0].ended).await;
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new(), "{vendor:?}");
        assert_eq!(record.connections[0].audio_bytes, heard, "{vendor:?} {changes}");
    }
}

#[tokio::test]
async fn stt_accepts_messages_of_any_length() {
    // Half a minute in one message, as from a file, and then a byte for each sample.
    let whole: Vec<u8> = (0..960_000_u32).map(|n| u8::try_from(n / 640 % 251).unwrap()).collect();
    for (vendor, pieces) in [
        (Vendor::Deepgram, vec![Bytes::from(whole.clone())]),
        (Vendor::ElevenLabs, vec![Bytes::from(whole.clone())]),
        (Vendor::Cartesia, whole[..20_000].chunks(1).map(Bytes::copy_from_slice).collect()),
    ] {
        let expected = pieces.concat();
        let server = vendors::server(vendor).stt([Scene::new()]).start().await;
        let stt = connect(vendor, &server).await;
        send(&stt, pieces).await;
        rest(stt).await;
        server.until(|record| record.connections[0].ended).await;
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        assert_eq!(record.connections[0].audio.len(), expected.len(), "{vendor:?}");
        assert!(record.connections[0].audio == expected);
    }
}

#[tokio::test]
async fn an_ink_2_of_cartesia_speaks_in_turns() {
    let scene = Scene::new().after(640).say(Say::interim("hel")).say(Say::speech_final("hello"));
    let server = vendors::server(Vendor::Cartesia).stt([scene]).start().await;
    let mut stt = connect_with(Vendor::Cartesia, &server, json!({"model": "ink-2"})).await;
    send(&stt, audio(0..1)).await;
    assert!(!result(&mut stt).await.is_final);
    assert!(result(&mut stt).await.is_speech_final);
    assert_eq!(rest(stt).await.len(), 0);
    let record = server.record();
    assert_eq!(record.faults(), Vec::<String>::new());
    assert_eq!(record.connections[0].path, "/stt/turns/websocket");
}

#[tokio::test]
async fn stt_accepts_a_clients_credentials() {
    for (vendor, auth) in [
        (Vendor::Deepgram, json!({"api_key": "theirs"})),
        (Vendor::Azure, json!({"api_key": "theirs", "region": "westeurope"})),
    ] {
        let server = vendors::server(vendor).key("theirs").start().await;
        drop(connect_with(vendor, &server, json!({"auth": auth})).await);
        assert_eq!(server.record().faults(), Vec::<String>::new());
        // The server's own key is another one.
        let error =
            providers(vendor, &server).stt(&stt_options(vendor, json!({}))).unwrap().connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderAuth { own: false });
    }
}

#[tokio::test]
async fn stt_keep_alive_bridges_client_silence() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).stt([Scene::new()]).start().await;
        let _stt = connect(vendor, &server).await;
        // By a message where there is one, else by a little silence.
        server
            .until(|record| {
                let connection = &record.connections[0];
                connection.heard.contains(&Heard::KeepAlive) || connection.audio_bytes >= 640
            })
            .await;
        assert_eq!(server.record().faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn stt_connection_is_closed_with_a_handshake() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).stt([Scene::new()]).start().await;
        drop(connect(vendor, &server).await);
        server.until(|record| record.connections[0].heard.iter().any(|heard| matches!(heard, Heard::Close(_)))).await;
    }
}

#[tokio::test]
async fn stt_of_google_is_unsupported() {
    let server = vendors::server(Vendor::Google).start().await;
    let options = stt_options(Vendor::Google, json!({}));
    let error = providers(Vendor::Google, &server).stt(&options).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("Unsupported provider: google", ErrorKind::UnknownProvider)
    );
}
