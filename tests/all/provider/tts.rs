//! Synthesis as it should go.

use sayna::provider::{ErrorKind, Source};
use serde_json::json;
use vendors::{Body, Vendor};

use super::{config, heard, name, providers, tts_options, voice};

pub(crate) const VENDORS: [Vendor; 5] =
    [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Cartesia, Vendor::Azure, Vendor::Google];

/// The path of a vendor's synthesis.
pub(crate) fn path(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Deepgram => "/v1/speak",
        Vendor::ElevenLabs => "/v1/text-to-speech/",
        Vendor::Cartesia => "/tts/bytes",
        Vendor::Azure => "/cognitiveservices/v1",
        Vendor::Google => "/v1/text:synthesize",
    }
}

#[tokio::test]
async fn tts_works_with_every_vendor() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({}));
        let mut speech = voice.speak("  Hello & <good> \"day\"! ", None);
        let started = speech.start().await.unwrap();
        assert_eq!(started.source, Source::Provider);
        // The same text without the blanks, byte for byte.
        assert_eq!(
            heard(speech).await.unwrap(),
            vendors::speech("Hello & <good> \"day\"!", "linear16", 24_000),
            "{vendor:?}"
        );
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        assert_eq!(record.asked(path(vendor)).len(), 1);
    }
}

#[tokio::test]
async fn tts_requests_have_the_options() {
    let changes = json!({"model": "eleven_turbo_v2_5", "voice_id": "abc", "speaking_rate": 1.2});
    let server = vendors::server(Vendor::ElevenLabs).start().await;
    let speaking = voice(Vendor::ElevenLabs, &server, changes);
    heard(speaking.speak("one", None)).await.unwrap();
    heard(speaking.speak("two", Some("one"))).await.unwrap();
    let record = server.record();
    assert_eq!(record.faults(), Vec::<String>::new());
    let settings =
        json!({"stability": 0.5, "similarity_boost": 0.8, "style": 0, "use_speaker_boost": false, "speed": 1.2});
    let body = json!({"text": "one", "model_id": "eleven_turbo_v2_5", "voice_settings": settings});
    assert_eq!(record.requests[0].path, "/v1/text-to-speech/abc/stream");
    assert_eq!(record.requests[0].json(), body);
    assert_eq!(record.requests[1].json()["previous_text"], "one");
    // Models of the third generation refuse it.
    let third = voice(Vendor::ElevenLabs, &server, json!({}));
    heard(third.speak("three", Some("two"))).await.unwrap();
    assert_eq!(server.record().faults(), Vec::<String>::new());
    assert_eq!(server.record().requests[2].json()["model_id"], "eleven_v3");
}

#[tokio::test]
async fn tts_default_voice_and_speed_of_each_vendor() {
    let asked = async |vendor, changes| {
        let server = vendors::server(vendor).start().await;
        heard(voice(vendor, &server, changes).speak("x", None)).await.unwrap();
        let record = server.record();
        assert_eq!(record.faults(), Vec::<String>::new());
        record.asked(path(vendor))[0].clone()
    };
    let quick = || json!({"speaking_rate": 4.0});
    let deepgram = asked(Vendor::Deepgram, quick()).await;
    assert_eq!((deepgram.query("model"), deepgram.query("speed")), (Some("aura-asteria-en"), Some("1.5")));
    assert_eq!(
        asked(Vendor::Deepgram, json!({"model": "aura-2-thalia-en"})).await.query("model"),
        Some("aura-2-thalia-en")
    );
    let elevenlabs = asked(Vendor::ElevenLabs, quick()).await;
    assert!(elevenlabs.path.contains("/21m00Tcm4TlvDq8ikWAM/"));
    assert_eq!(elevenlabs.json()["voice_settings"]["speed"], 1.2);
    let cartesia = asked(Vendor::Cartesia, quick()).await.json();
    assert_eq!((&cartesia["model_id"], &cartesia["generation_config"]["speed"]), (&json!("sonic-3"), &json!(1.5)));
    assert!(asked(Vendor::Cartesia, json!({})).await.json()["generation_config"].is_null());
    let azure = asked(Vendor::Azure, json!({"speaking_rate": 0.75})).await.body;
    assert!(
        azure.contains("xml:lang=\"en-US\"><voice name=\"en-US-AvaNeural\"><prosody rate=\"-25%\">x</prosody>"),
        "{azure}"
    );
    let google = asked(Vendor::Google, json!({"voice_id": "de-DE-Neural2-B", "speaking_rate": 1.5})).await.json();
    assert_eq!(google["voice"], json!({"languageCode": "de-DE", "name": "de-DE-Neural2-B"}));
    assert_eq!(
        google["audioConfig"],
        json!({"audioEncoding": "LINEAR16", "sampleRateHertz": 24_000, "speakingRate": 1.5})
    );
}

#[tokio::test]
async fn tts_applies_pronunciations() {
    let server = vendors::server(Vendor::Deepgram).start().await;
    let words = json!([{"word": "API", "pronunciation": "A P I"}]);
    heard(voice(Vendor::Deepgram, &server, json!({"pronunciations": words})).speak("the API", None)).await.unwrap();
    assert_eq!(server.record().requests[0].json()["text"], "the A P I");
}

#[tokio::test]
async fn tts_reuses_connections() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let voice = voice(vendor, &server, json!({}));
        for text in ["one", "two", "three"] {
            heard(voice.speak(text, None)).await.unwrap();
        }
        let record = server.record();
        let mut peers: Vec<&str> = record.asked(path(vendor)).iter().map(|request| request.peer.as_str()).collect();
        assert_eq!(peers.len(), 3);
        peers.dedup();
        assert_eq!(peers.len(), 1, "{vendor:?}");
    }
}

#[tokio::test]
async fn tts_audio_is_streamed() {
    let server = vendors::server(Vendor::Cartesia).tts([Body::Stall(4_096)]).start().await;
    let mut speech = voice(Vendor::Cartesia, &server, json!({})).speak("not all of it is there yet", None);
    // The rest never comes; what there is is here all the same.
    assert_eq!(speech.next().await.unwrap().unwrap().len(), 4_096);
}

#[tokio::test]
async fn tts_reuses_googles_access_token() {
    let server = vendors::server(Vendor::Google).start().await;
    let voice = voice(Vendor::Google, &server, json!({}));
    let speeches = ["one", "two", "three"].map(|text| heard(voice.speak(text, None)));
    for speech in futures_util::future::join_all(speeches).await {
        speech.unwrap();
    }
    assert_eq!(server.record().asked("/token").len(), 1);
}

#[tokio::test]
async fn tts_accepts_a_clients_credentials() {
    let server = vendors::server(Vendor::ElevenLabs).key("theirs").start().await;
    heard(voice(Vendor::ElevenLabs, &server, json!({"auth": {"api_key": "theirs"}})).speak("x", None)).await.unwrap();
    for (changes, own) in [(json!({}), false), (json!({"auth": {"api_key": "wrong"}}), true)] {
        let error = heard(voice(Vendor::ElevenLabs, &server, changes).speak("x", None)).await.unwrap_err();
        assert_eq!(error.to_string(), r#"API error (401): {"error":"the key is wrong"}"#);
        assert_eq!(error.kind(), ErrorKind::ProviderAuth { own });
    }
    // A service account as text and as an object; its tokens come from where the server's own come from.
    let server = vendors::server(Vendor::Google).start().await;
    let text = server.service_account();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    for credentials in [json!(text), object] {
        let voice = voice(Vendor::Google, &server, json!({"auth": {"credentials": credentials}}));
        heard(voice.speak("x", None)).await.unwrap();
    }
    assert_eq!(server.record().faults(), Vec::<String>::new());
}

#[tokio::test]
async fn tts_client_credentials_cannot_redirect_the_server() {
    let (server, elsewhere) =
        (vendors::server(Vendor::Google).start().await, vendors::server(Vendor::Google).start().await);
    let credentials = json!({"auth": {"credentials": elsewhere.service_account()}});
    let error = providers(Vendor::Google, &server).voice(&tts_options(Vendor::Google, credentials)).unwrap_err();
    let beginning = "Invalid auth input for provider google: Auth field 'credentials' cannot be used for provider google: \
                     its token_uri is not https://oauth2.googleapis.com/token";
    assert_eq!((error.to_string().as_str(), error.kind()), (beginning, ErrorKind::InvalidAuthInput));
    assert!(elsewhere.record().requests.is_empty());
    let path = json!({"auth": {"credentials": "/etc/passwd"}});
    let error = providers(Vendor::Google, &server).voice(&tts_options(Vendor::Google, path)).unwrap_err();
    assert!(error.to_string().ends_with("must be the JSON of a service account for provider google"), "{error}");
}

#[tokio::test]
async fn tts_without_credentials_sends_no_request() {
    for vendor in VENDORS {
        let server = vendors::server(vendor).start().await;
        let mut config = config(vendor, &server);
        for of in [
            &mut config.providers.deepgram,
            &mut config.providers.elevenlabs,
            &mut config.providers.cartesia,
            &mut config.providers.azure,
            &mut config.providers.google,
        ] {
            of.key = None;
        }
        let outbound = sayna::outbound::Outbound::new(None::<&std::path::Path>).unwrap();
        let providers = sayna::provider::Providers::new(&config, outbound).unwrap();
        let error = providers.voice(&tts_options(vendor, json!({}))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingServerAuth);
        assert!(
            error.to_string().starts_with(&format!("Missing server auth for provider {}: ", name(vendor))),
            "{error}"
        );
    }
}
