//! Providers behind TLS, as all of them are.

use std::io::Write as _;

use sayna::outbound::Outbound;
use sayna::provider::{Providers, SttEvent, TtsError};
use serde_json::json;
use tempfile::NamedTempFile;
use vendors::{Server, Vendor};

use super::stt::{audio, rest, send};
use super::tts::VENDORS;
use super::{config, heard, stt_options, tts_options};

/// Providers that trust a server's authority.
fn trusting(vendor: Vendor, server: &Server) -> Providers {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(server.authority().as_bytes()).unwrap();
    Providers::new(&config(vendor, server), Outbound::new(Some(file.path())).unwrap()).unwrap()
}

#[tokio::test]
async fn provider_connection_uses_tls() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).tls().start().await;
        let providers = trusting(vendor, &server);
        if vendor != Vendor::Google {
            let stt = providers.stt(&stt_options(vendor, json!({}))).unwrap().connect().await.unwrap();
            send(&stt, audio(0..25)).await;
            server.until(|record| record.connections[0].audio_bytes == 16_000).await;
            let words = rest(stt).await;
            assert!(words.iter().any(|event| matches!(event, SttEvent::Result(last) if last.transcript == "friend")));
        }
        let voice = providers.voice(&tts_options(vendor, json!({}))).unwrap();
        assert_eq!(heard(voice.speak("x", None)).await.unwrap().len(), 2_400, "{vendor:?}");
        // A client with its own idea of how long connecting may take has its own connections, and the same trust.
        let hasty = providers.voice(&tts_options(vendor, json!({"connection_timeout": 5}))).unwrap();
        assert_eq!(heard(hasty.speak("xy", None)).await.unwrap().len(), 4_800);
        assert_eq!(server.record().faults(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn provider_with_an_untrusted_certificate_is_refused() {
    let server = vendors::server(Vendor::Deepgram).tls().start().await;
    let providers = super::providers(Vendor::Deepgram, &server);
    let error =
        heard(providers.voice(&tts_options(Vendor::Deepgram, json!({}))).unwrap().speak("x", None)).await.unwrap_err();
    assert!(matches!(error, TtsError::Unreachable { .. }) && error.to_string().contains("certificate"), "{error}");
    let error = providers.stt(&stt_options(Vendor::Deepgram, json!({}))).unwrap().connect().await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(server.record().connections.is_empty() && server.record().requests.is_empty());
}
