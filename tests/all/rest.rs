//! The REST interface, without authentication.

use serde_json::{Value, json};
use vendors::{Body, Vendor};

use crate::support::World;
use crate::support::client::config;

fn tts(format: &str) -> Value {
    let mut tts = config("", "deepgram")["tts_config"].clone();
    tts["audio_format"] = json!(format);
    tts
}

#[test]
fn voices_and_speak_without_keys_report_the_missing_key() {
    let server = World::new().serve(&[]);
    assert_eq!(server.ask("GET", "/voices").1, "{}");
    let answer = server.post("/speak", &json!({"text": "hello", "tts_config": tts("linear16")}));
    assert_eq!(answer.status(), 500);
    let error = answer.json()["error"].clone();
    assert!(error.as_str().unwrap().starts_with("Missing server auth for provider deepgram: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn speak_returns_the_requested_format() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    for (format, media) in [
        ("linear16", "audio/pcm"),
        ("pcm", "audio/pcm"),
        ("mulaw", "audio/basic"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("wav", "audio/wav"),
    ] {
        let answer = server.post("/speak", &json!({"text": "hello", "tts_config": tts(format)}));
        assert_eq!(answer.status(), 200, "{format}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("content-type"), Some(media), "{format}");
        assert_eq!(answer.header("x-audio-format"), Some(format));
        // Some compressed formats have the vendor's own rate, and say so.
        let rate = match format {
            "mp3" => "22050",
            "opus" => "48000",
            _ => "24000",
        };
        assert_eq!(answer.header("x-sample-rate"), Some(rate), "{format}");
        assert!(answer.whole && !answer.body.is_empty(), "{format}");
    }
    assert_eq!(deepgram.record().faults(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn speak_error_has_the_documented_status() {
    let bodies = [Body::status(401, "key"), Body::status(401, "key"), Body::status(500, "broken"), Body::Cut(1000)];
    let deepgram = vendors::server(Vendor::Deepgram).tts(bodies).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let speak = |text: &str, change: &dyn Fn(&mut Value)| {
        let mut tts = tts("linear16");
        change(&mut tts);
        server.post("/speak", &json!({"text": text, "tts_config": tts}))
    };
    let answer = speak(" ", &|_| {});
    assert_eq!((answer.status(), answer.json()), (400, json!({"error": "Text cannot be empty"})));
    let answer = speak("...", &|_| {});
    assert_eq!((answer.status(), answer.body.len()), (200, 0));
    let answer = speak("🎉", &|tts| tts["audio_format"] = json!("wav"));
    assert_eq!((answer.status(), answer.body.len()), (200, 44));
    let answer = speak("hello", &|tts| tts["provider"] = json!("nobody"));
    assert_eq!((answer.status(), answer.json()), (400, json!({"error": "Unsupported provider: nobody"})));
    let answer = speak("hello", &|tts| tts["auth"] = json!({"key": "x"}));
    assert_eq!(answer.status(), 400, "{}", answer.json());
    assert_eq!(speak(&"x".repeat(5001), &|_| {}).status(), 400);
    // The provider refuses the server's key, and then the client's own.
    assert_eq!(speak("first", &|_| {}).status(), 500);
    let answer = speak("second", &|tts| tts["auth"] = json!({"api_key": "client's"}));
    assert_eq!(answer.status(), 400, "{}", answer.json());
    assert!(!answer.json().to_string().contains("client's"));
    assert_eq!(server.request("POST", "/speak", &[("Content-Type", "application/json")], b"{").status(), 400);
    assert_eq!(server.request("POST", "/speak", &[("Content-Type", "text/plain")], b"{}").status(), 415);
    assert_eq!(server.post("/speak", &json!({"text": "x"})).status(), 422);
    let long = vec![b' '; (1 << 20) + 1];
    assert_eq!(server.request("POST", "/speak", &[("Content-Type", "application/json")], &long).status(), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_speech_is_never_a_complete_response() {
    let deepgram = vendors::server(Vendor::Deepgram).tts([Body::Cut(5000), Body::Speech]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let request = json!({"text": "hello there", "tts_config": tts("linear16")});
    let cut = server.post("/speak", &request);
    assert_eq!((cut.status(), cut.whole), (200, false));
    let whole = server.post("/speak", &request);
    assert_eq!(
        (whole.status(), whole.whole, whole.body),
        (200, true, vendors::speech("hello there", "linear16", 24_000))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_lists_every_provider_with_a_key() {
    let mut servers = Vec::new();
    for vendor in [Vendor::Deepgram, Vendor::ElevenLabs, Vendor::Azure] {
        servers.push((format!("{vendor:?}").to_lowercase(), vendors::server(vendor).start().await));
    }
    let pairs: Vec<_> = servers.iter().map(|(name, server)| (name.as_str(), server)).collect();
    let server = World::new().serve_with(&pairs, &[]);
    let voices: Value = serde_json::from_str(&server.ask("GET", "/voices").1).unwrap();
    let names: Vec<_> = voices.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["azure", "deepgram", "elevenlabs"]);
    for voice in voices.as_object().unwrap().values().flat_map(|list| list.as_array().unwrap()) {
        for field in ["id", "sample", "name", "accent", "gender", "language"] {
            assert!(voice[field].is_string(), "{field}: {voice}");
        }
    }
}

#[test]
fn livekit_paths_report_missing_configuration() {
    let server = World::new().serve(&[]);
    let unset = json!({"error": "LiveKit service not configured"});
    let coded = json!({"error": "LiveKit service not configured", "code": "LIVEKIT_NOT_CONFIGURED"});
    for (method, path, status, expected) in [
        ("GET", "/livekit/rooms", 500, &unset),
        ("GET", "/livekit/rooms/a", 500, &unset),
        ("DELETE", "/livekit/participant", 500, &coded),
        ("POST", "/livekit/participant/mute", 500, &coded),
        ("GET", "/sip/hooks", 200, &json!({"hooks": []})),
        ("POST", "/sip/transfer", 500, &coded),
        ("POST", "/sip/call", 500, &coded),
        ("POST", "/livekit/webhook", 503, &unset),
        (
            "GET",
            "/recording/550e8400-e29b-41d4-a716-446655440000",
            503,
            &json!({"error": "Recording storage not configured"}),
        ),
        ("GET", "/recording/..%2Fsecret", 400, &json!({"error": "Invalid stream_id format"})),
        ("POST", "/livekit/token", 500, &unset),
    ] {
        let body = json!({
            "room_name": "a", "participant_name": "b", "participant_identity": "c", "track_sid": "d", "muted": true,
            "transfer_to": "1", "from_phone_number": "1", "to_phone_number": "1",
        });
        let answer = server.request(method, path, &[("Content-Type", "application/json")], body.to_string().as_bytes());
        assert_eq!((answer.status(), &answer.json()), (status, expected), "{method} {path}");
    }
}

#[test]
fn cors_allows_pages_of_listed_origins() {
    let server = World::new().serve(&[]);
    let page = [("Origin", "https://app.example")];
    assert_eq!(server.request("GET", "/", &page, b"").header("access-control-allow-origin"), None);
    let allowed = World::new().serve(&[("SAYNA_SERVER_ALLOWED_ORIGINS", "https://app.example")]);
    let answer = allowed.request("GET", "/voices", &page, b"");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    let other = allowed.request("GET", "/voices", &[("Origin", "https://evil.example")], b"");
    assert_eq!(other.header("access-control-allow-origin"), None);
    let ask = [
        page[0],
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    let answer = allowed.request("OPTIONS", "/speak", &ask, b"");
    assert_eq!((answer.status(), answer.header("access-control-allow-origin")), (200, Some("https://app.example")));
}

#[test]
fn readiness_needs_no_token_and_reports_its_state() {
    let secrets = r#"[{"id":"a","secret":"s"}]"#;
    let server = World::new().serve(&[("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", secrets)]);
    let (head, body) = server.ask("GET", "/health/ready");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, r#"{"status":"ready"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_an_address_of_their_own() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let mut server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_METRICS_LISTEN", "127.0.0.1:0")]);
    let line = server.line();
    let address = line.strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    let request = json!({"text": "hello", "tts_config": tts("linear16")});
    server.post("/speak", &request);
    server.post("/speak", &request);
    assert_eq!(server.ask("GET", "/metrics").0.split(' ').nth(1), Some("404"));
    let metrics = crate::support::get(address.parse().unwrap(), "/metrics");
    for line in [
        "sayna_sessions 0",
        "sayna_cache_hits_total 1",
        "sayna_cache_misses_total 1",
        r#"sayna_tts_requests_total{provider="deepgram"} 1"#,
        r#"sayna_http_requests_total{path="/speak",status="200"} 2"#,
        r#"sayna_first_audio_seconds_count{provider="deepgram"} 2"#,
        r#"sayna_provider_errors_total{provider="deepgram",kind="timeout"} 0"#,
        "# EOF",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing:\n{metrics}");
    }
}
