//! Recognition when something goes wrong.

use std::time::Duration;

use bytes::Bytes;
use sayna::provider::{ErrorKind, Stt, SttError, SttEvent};
use serde_json::json;
use tokio::net::TcpListener;
use vendors::{Handshake, Heard, Say, Scene, Vendor};

use super::stt::{VENDORS, audio, connect, rest, result, send};
use super::{providers, stt_options};

async fn reconnecting(stt: &mut Stt) -> SttError {
    match stt.events.recv().await.unwrap() {
        SttEvent::Reconnecting(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reconnect_resends_audio_after_the_last_final() {
    for vendor in VENDORS {
        let first = Scene::new()
            .after(6_400)
            .say(Say::speech_final("one"))
            .after(1_280)
            .say(Say::interim("tw"))
            .drop_connection();
        let second = Scene::new().after(2_560).say(Say::speech_final("two"));
        let server = vendors::server(vendor).stt([first, second]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..10)).await;
        assert_eq!(result(&mut stt).await.transcript, "one");
        send(&stt, audio(10..12)).await;
        assert_eq!(result(&mut stt).await.transcript, "tw");
        reconnecting(&mut stt).await;
        // Spoken while there is no connection.
        send(&stt, audio(12..14)).await;
        assert_eq!(result(&mut stt).await.transcript, "two");
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        // What came back as final words is not sent again; everything since is, in order.
        assert_eq!(record.connections[1].audio, audio(10..14).concat(), "{vendor:?}");
    }
}

#[tokio::test]
async fn reconnect_sends_all_audio_of_an_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start_on(listener);
    let mut stt = connect(Vendor::Deepgram, &server).await;
    server.kill().await;
    reconnecting(&mut stt).await;
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let server = vendors::server(Vendor::Deepgram).stt([Scene::new()]).start_on(listener);
        let all = |record: &vendors::Record| record.connections.first().is_some_and(|c| c.audio_bytes == 96_000);
        server.until(all).await;
        server.record().connections[0].audio.clone()
    };
    let (heard, ()) = tokio::join!(back, send(&stt, audio(0..150)));
    assert_eq!(heard, audio(0..150).concat());
}

#[tokio::test]
async fn refused_connection_is_not_retried_if_that_is_useless() {
    for (status, kind) in [
        (401, ErrorKind::ProviderAuth { own: false }),
        (403, ErrorKind::ProviderAuth { own: false }),
        (400, ErrorKind::Provider),
    ] {
        let server = vendors::server(Vendor::Deepgram).stt([Scene::refuse(status, "{\"err\":\n\"no\"}")]).start().await;
        let plan = providers(Vendor::Deepgram, &server).stt(&stt_options(Vendor::Deepgram, json!({}))).unwrap();
        let error = plan.connect().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("deepgram refused the connection: API error ({status}): {{\"err\": \"no\"}}")
        );
        assert_eq!((error.kind(), error.is_retryable()), (kind, false));
        assert_eq!(server.record().connections.len(), 1);
    }
}

#[tokio::test]
async fn reconnect_respects_retry_after() {
    let refusal = Handshake::Refuse(429, vec![("retry-after", "1".to_owned())], "slow down".to_owned());
    let server =
        vendors::server(Vendor::ElevenLabs).stt([Scene::new().handshake(refusal), Scene::default()]).start().await;
    let stt = connect(Vendor::ElevenLabs, &server).await;
    let record = server.record();
    let [first, second] = record.connections.as_slice() else { panic!("{record:?}") };
    assert!(second.at - first.at >= Duration::from_secs(1));
    drop(stt);
}

#[tokio::test]
async fn reconnect_gives_up_after_six_attempts() {
    let server = vendors::server(Vendor::Cartesia)
        .stt([Scene::new().drop_connection(), Scene::refuse(503, "busy")])
        .start()
        .await;
    let mut stt = connect(Vendor::Cartesia, &server).await;
    for _ in 0..5 {
        assert!(reconnecting(&mut stt).await.is_retryable());
    }
    let Some(SttEvent::Error(error)) = stt.events.recv().await else { panic!("no error") };
    assert_eq!(error.to_string(), "cartesia refused the connection: API error (503): busy (gave up after 6 attempts)");
    assert!(stt.events.recv().await.is_none());
    assert_eq!(server.record().connections.len(), 6);
}

#[tokio::test]
async fn unreadable_message_costs_a_connection_but_no_session() {
    for (vendor, garbage) in [
        (Vendor::Deepgram, Say::Text("{\"type\":\"Results\",".to_owned())),
        (Vendor::ElevenLabs, Say::Text("<html>".to_owned())),
        (Vendor::Cartesia, Say::Binary(Bytes::from_static(&[0xff, 0, 1]))),
        (Vendor::Azure, Say::Text("{\"no\":\"headers\"}".to_owned())),
    ] {
        let server =
            vendors::server(vendor).stt([Scene::new().after(640).say(garbage), Scene::default()]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..1)).await;
        let error = reconnecting(&mut stt).await;
        assert!(error.to_string().contains("sent an unreadable message"), "{error}");
        send(&stt, audio(1..25)).await;
        assert_eq!(result(&mut stt).await.transcript, "hello");
    }
}

#[tokio::test]
async fn unknown_stt_messages_are_ignored() {
    let scene = Scene::new()
        .say(Say::Text("{\"type\":\"SpeechStarted\",\"channel\":[0],\"timestamp\":0.1}".to_owned()))
        .say(Say::Text("{\"type\":\"Tomorrow\",\"channel\":7}".to_owned()))
        .say(Say::Ping)
        .after(640)
        .say(Say::speech_final("still here"));
    let server = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    send(&stt, audio(0..1)).await;
    assert_eq!(result(&mut stt).await.transcript, "still here");
    server.until(|record| record.connections[0].heard.contains(&Heard::Pong)).await;
}

#[tokio::test]
async fn vendor_error_is_reported_and_the_session_continues() {
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Azure] {
        let scene =
            Scene::new().after(640).say(Say::Error("odd audio".to_owned())).after(640).say(Say::speech_final("fine"));
        let server = vendors::server(vendor).stt([scene]).start().await;
        let mut stt = connect(vendor, &server).await;
        send(&stt, audio(0..2)).await;
        let event = stt.events.recv().await.unwrap();
        assert!(matches!(event, SttEvent::Error(SttError::Vendor { .. })), "{vendor:?}: {event:?}");
        assert_eq!(result(&mut stt).await.transcript, "fine");
    }
}

#[tokio::test]
async fn close_code_decides_whether_the_connection_is_retried() {
    for (code, ends) in [(1008, true), (1011, false), (1000, false), (1012, false)] {
        let scene = Scene::new().close(code, "because");
        let server = vendors::server(Vendor::Deepgram).stt([scene, Scene::default()]).start().await;
        let mut stt = connect(Vendor::Deepgram, &server).await;
        let (error, last) = match stt.events.recv().await.unwrap() {
            SttEvent::Error(error) => (error, true),
            SttEvent::Reconnecting(error) => (error, false),
            SttEvent::Result(result) => panic!("{result:?}"),
        };
        assert_eq!(error.to_string(), format!("deepgram closed the connection (code {code}): because"));
        assert_eq!(last, ends, "{code}");
    }
}

#[tokio::test]
async fn stt_vendor_that_stops_reading_times_out_in_bounded_memory() {
    let server = vendors::server(Vendor::Deepgram).stt([Scene::new().hang(), Scene::new()]).start().await;
    let mut stt = connect(Vendor::Deepgram, &server).await;
    // What goes into the buffers of the system, of the connection and of the queue, and then no more.
    let piece = Bytes::from(vec![7; 64_000]);
    let mut taken = 0;
    while tokio::time::timeout(Duration::from_secs(1), stt.audio.send(piece.clone())).await.is_ok() {
        taken += 1;
        assert!(taken < 1_000, "it takes everything");
    }
    assert!(stt.audio.try_send(piece).is_err());
    let error = reconnecting(&mut stt).await;
    assert_eq!(error.to_string(), "deepgram did not take any audio within 5 s");
    server.until(|record| record.connections.len() == 2 && record.connections[1].audio_bytes > 0).await;
}

#[tokio::test]
async fn stt_vendor_without_ready_is_retried() {
    let asked_again = async |vendor, handshake| {
        let server = vendors::server(vendor).stt([Scene::new().handshake(handshake), Scene::default()]).start().await;
        drop(connect(vendor, &server).await);
        let record = server.record();
        assert!(record.connections[1].at - record.connections[0].at >= Duration::from_secs(10));
    };
    tokio::join!(asked_again(Vendor::Azure, Handshake::Silent), asked_again(Vendor::ElevenLabs, Handshake::NeverReady));
}

#[tokio::test]
async fn last_results_arrive_after_the_end_of_the_audio_or_time_out() {
    // A vendor that never answers the end: what is missing then is missed for 3 s and no longer.
    let server = vendors::server(Vendor::Azure).stt([Scene::new().after(640).hang()]).start().await;
    let stt = connect(Vendor::Azure, &server).await;
    send(&stt, audio(0..1)).await;
    server.until(|record| record.connections[0].audio_bytes == 640).await;
    assert!(rest(stt).await.is_empty());
    // And one that answers with words.
    let scene = Scene::new().after(640).delay(Duration::from_millis(200)).say(Say::speech_final("late"));
    let server = vendors::server(Vendor::ElevenLabs).stt([scene]).start().await;
    let stt = connect(Vendor::ElevenLabs, &server).await;
    send(&stt, audio(0..1)).await;
    let words: Vec<String> = rest(stt).await.into_iter().map(|event| format!("{event:?}")).collect();
    assert!(words.iter().any(|event| event.contains("late")), "{words:?}");
    assert!(server.record().connections[0].heard.contains(&Heard::Flush));
}
