//! Synthesis when something goes wrong.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sayna::provider::{ErrorKind, TtsError};
use serde_json::json;
use vendors::{Body, Vendor};

use super::tts::{VENDORS, path};
use super::{heard, providers, tts_options, voice};

#[tokio::test]
async fn tts_retries_only_transient_errors() {
    for (status, attempts) in [(500, 3), (503, 3), (429, 3), (400, 1), (402, 1), (404, 1), (422, 1)] {
        let server = vendors::server(Vendor::Deepgram).tts([Body::status(status, "{\"err\":\n\"no\"}")]).start().await;
        let error = heard(voice(Vendor::Deepgram, &server, json!({})).speak("x", None)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("API error ({status}): {{\"err\": \"no\"}}"));
        assert_eq!(server.record().requests.len(), attempts, "{status}");
    }
    for vendor in VENDORS {
        let server = vendors::server(vendor).tts([Body::status(503, "busy"), Body::Speech]).start().await;
        heard(voice(vendor, &server, json!({})).speak("x", None)).await.unwrap();
        assert_eq!(server.record().asked(path(vendor)).len(), 2);
    }
}

#[tokio::test]
async fn tts_retry_respects_retry_after() {
    let slow_down = Body::Status(429, vec![("retry-after", "1".to_owned())], "slow down".to_owned());
    let server = vendors::server(Vendor::ElevenLabs).tts([slow_down, Body::Speech]).start().await;
    let begun = Instant::now();
    heard(voice(Vendor::ElevenLabs, &server, json!({})).speak("x", None)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn tts_cut_response_is_an_error_behind_its_audio() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).tts([Body::Cut(8_192)]).start().await;
        let mut speech = voice(vendor, &server, json!({})).speak("long enough to be cut in the middle", None);
        let mut bytes = 0;
        let error = loop {
            match speech.next().await.unwrap() {
                Ok(piece) => bytes += piece.len(),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, TtsError::Cut { .. }), "{vendor:?}: {error:?}");
        // Google's answers can only be read whole.
        assert_eq!(bytes, if vendor == Vendor::Google { 0 } else { 8_192 });
        assert!(speech.next().await.is_none());
        // Audio was heard already, so a retry would repeat it.
        assert_eq!(server.record().asked(path(vendor)).len(), 1);
    }
}

#[tokio::test]
async fn tts_request_timeout_is_the_clients() {
    for (body, what) in [(Body::Silent, "answer"), (Body::Stall(4_096), "finish its answer")] {
        let server = vendors::server(Vendor::Cartesia).tts([body]).start().await;
        let voice = voice(Vendor::Cartesia, &server, json!({"request_timeout": 1}));
        let error = heard(voice.speak("a text", None)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cartesia did not {what} within 1 s"));
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

#[tokio::test]
async fn tts_response_without_audio_is_an_error() {
    for (vendor, body) in [
        (Vendor::Google, "{\"audioContent\":\"!!!\"}"),
        (Vendor::Google, "{\"audio\":\"AAAA\"}"),
        (Vendor::Google, "{\"audioContent\":\"\"}"),
        (Vendor::Google, "<html>"),
        (Vendor::Deepgram, ""),
    ] {
        let server = vendors::server(vendor).tts([Body::Bytes(Bytes::from(body))]).start().await;
        let error = heard(voice(vendor, &server, json!({})).speak("x", None)).await.unwrap_err();
        assert!(matches!(error, TtsError::Unreadable { .. }), "{error:?}");
    }
    // A page of some proxy, with a status that says that all is well.
    let page =
        Body::Status(200, vec![("content-type", "text/html; charset=utf-8".to_owned())], "<html>login".to_owned());
    let server = vendors::server(Vendor::Deepgram).tts([page]).start().await;
    let error = heard(voice(Vendor::Deepgram, &server, json!({})).speak("x", None)).await.unwrap_err();
    let expected = "deepgram sent an unreadable message: text/html; charset=utf-8 instead of audio: <html>login";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn tts_unreachable_vendor_is_named_without_its_url() {
    let server = vendors::server(Vendor::Deepgram).start().await;
    let voice = voice(Vendor::Deepgram, &server, json!({}));
    server.kill().await;
    let error = heard(voice.speak("x", None)).await.unwrap_err();
    assert!(matches!(error, TtsError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("http"), "{error}");
}

#[tokio::test]
async fn tts_recovers_with_the_vendor() {
    let server = vendors::server(Vendor::Deepgram).start().await;
    let address = server.address();
    let voice = voice(Vendor::Deepgram, &server, json!({}));
    heard(voice.speak("one", None)).await.unwrap();
    server.kill().await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let server = vendors::server(Vendor::Deepgram).start_on(listener);
    // The kept connection is closed on the other side.
    heard(voice.speak("two", None)).await.unwrap();
    assert_eq!(server.record().requests.len(), 1);
}

#[tokio::test]
async fn tts_refused_credentials_are_reported_as_such() {
    let server = vendors::server(Vendor::Google).start().await;
    let other = server.service_account().replace("sayna-tests@", "nobody@");
    let voice = voice(Vendor::Google, &server, json!({"auth": {"credentials": other}}));
    let error = heard(voice.speak("x", None)).await.unwrap_err();
    assert!(error.to_string().starts_with("google credentials: {\"error\":\"invalid_grant\""), "{error}");
    assert_eq!(error.kind(), ErrorKind::ProviderAuth { own: true });
    assert_eq!(server.record().asked("/token").len(), 1);
}

#[tokio::test]
async fn tts_errors_are_counted_by_kind() {
    let server = vendors::server(Vendor::Azure).tts([Body::status(503, ""), Body::Speech]).start().await;
    let providers = providers(Vendor::Azure, &server);
    heard(providers.voice(&tts_options(Vendor::Azure, json!({}))).unwrap().speak("x", None)).await.unwrap();
    let snapshot = providers.snapshot();
    let azure = snapshot.providers.iter().find(|provider| provider.name.as_str() == "azure").unwrap();
    assert_eq!(azure.tts_requests, 2);
    assert_eq!(azure.errors.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), [&("provider", 1)]);
    assert_eq!((snapshot.cache_hits, snapshot.cache_misses), (0, 1));
}
