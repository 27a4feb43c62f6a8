//! The limits for one client, and how sessions end.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Error;
use vendors::{Body, Say, Scene, Vendor};

use crate::support::client::{Client, Frame, config};
use crate::support::{Server, World, get};

/// Whether another client is still served as ever.
async fn serves(server: &Server) {
    let mut client = Client::connect(server).await;
    client.send(json!({"type": "config", "audio": false})).await;
    client.expect("ready").await;
}

#[tokio::test]
async fn oversized_message_closes_the_session_with_a_reason() {
    let server = World::new().serve(&[("SAYNA_SERVER_MAX_MESSAGE_BYTES", "10000")]);
    let too_large = Frame::Close(1009, "a message exceeds server.max_message_bytes".to_owned());
    for audio in [false, true] {
        let mut client = Client::connect(&server).await;
        if audio {
            client.audio(vec![0; 10_001]).await;
        } else {
            client.text(&"x".repeat(10_001)).await;
        }
        assert_eq!(client.next().await, too_large);
    }
    // One within it is only no message, and the loading sound of a config may be larger.
    let mut client = Client::connect(&server).await;
    client.text(&"x".repeat(10_000)).await;
    client.expect("error").await;
    let sound = json!({"data": "A".repeat(100_000), "format": "wav"});
    client.send(json!({"type": "config", "audio": false, "loading_audio": sound})).await;
    client.expect_error("loading_audio requires audio to be enabled and a livekit configuration").await;
    client.expect("ready").await;
}

/// A frame of 100 MB is refused by its head alone.
#[tokio::test]
async fn endless_websocket_frame_is_rejected_by_its_header() {
    let server = World::new().serve(&[]);
    let mut client = Client::connect(&server).await;
    let stream = client.stream();
    let mut head = vec![0x82, 0xff];
    head.extend_from_slice(&100_000_000_u64.to_be_bytes());
    head.extend_from_slice(&[1, 2, 3, 4]);
    stream.write_all(&head).await.unwrap();
    // What comes of it before the close frame is read and dropped.
    for _ in 0..512 {
        if stream.write_all(&[0; 8192]).await.is_err() {
            break;
        }
    }
    assert_eq!(client.next().await, Frame::Close(1009, "a message exceeds server.max_message_bytes".to_owned()));
    serves(&server).await;
}

#[tokio::test]
async fn invalid_websocket_bytes_close_the_session() {
    let server = World::new().serve(&[]);
    for (bytes, code) in [
        // A reserved opcode, an unmasked frame, a text that is not UTF-8.
        (&[0x83, 0x80, 1, 2, 3, 4][..], 1002),
        (&[0x82, 0x01, 0x00], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff], 1007),
    ] {
        let mut client = Client::connect(&server).await;
        client.stream().write_all(bytes).await.unwrap();
        assert!(matches!(client.next().await, Frame::Close(found, _) if found == code), "{bytes:?}");
    }
    serves(&server).await;
}

#[tokio::test]
async fn websocket_of_another_origin_is_closed_with_a_reason() {
    let server = World::new().serve(&[]);
    let mut page = Client::connect_with(&server, "/ws", &[("origin", "https://evil.example")]).await.unwrap();
    assert_eq!(page.next().await, Frame::Close(1008, ORIGIN_REFUSED.to_owned()));
    let own = format!("http://{}", server.address);
    let mut page = Client::connect_with(&server, "/ws", &[("origin", &own)]).await.unwrap();
    page.send(json!({"type": "config", "audio": false})).await;
    page.expect("ready").await;
}

const ORIGIN_REFUSED: &str = "this origin is not allowed: add it to server.allowed_origins, or set auth.required";

/// A host of anybody's that leads to this server: to the browser its page is of the same origin.
#[tokio::test(flavor = "multi_thread")]
async fn page_with_a_rebound_dns_name_is_another_origin() {
    const REBOUND: [(&str, &str); 2] = [("host", "evil.example:3001"), ("origin", "http://evil.example:3001")];
    let speak = |server: &Server, headers: &[(&str, &str)]| {
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        let answer = server.request("POST", "/speak", &headers, br#"{"text":" ","tts_config":{}}"#);
        (answer.status(), String::from_utf8(answer.body).unwrap())
    };
    let open = World::new().serve(&[]);
    let mut page = Client::connect_with(&open, "/ws", &REBOUND).await.unwrap();
    assert_eq!(page.next().await, Frame::Close(1008, ORIGIN_REFUSED.to_owned()));
    // The test's requests have the host `test`.
    let refused = json!({"error": ORIGIN_REFUSED}).to_string();
    for origin in ["http://test", "https://test", "http://other.example", "null"] {
        assert_eq!(speak(&open, &[("Origin", origin)]), (403, refused.clone()), "{origin}");
        assert_eq!(open.request("GET", "/", &[("Origin", origin)], b"").status(), 200);
        assert_eq!(open.request("DELETE", "/sip/hooks", &[("Origin", origin)], b"").status(), 403);
    }
    // Clients that are not browsers send no origin, and call the server by any name.
    assert_ne!(speak(&open, &[]).0, 403);
    let mut sdk = Client::connect_with(&open, "/ws", &REBOUND[..1]).await.unwrap();
    sdk.send(json!({"type": "config", "audio": false})).await;
    sdk.expect("ready").await;
    // A page that is named may ask, and any of the same name where a token is asked for.
    let named = World::new().serve(&[("SAYNA_SERVER_ALLOWED_ORIGINS", "http://test,capacitor://localhost")]);
    for origin in ["http://test", "capacitor://localhost"] {
        assert_ne!(speak(&named, &[("Origin", origin)]).0, 403);
        let mut page = Client::connect_with(&named, "/ws", &[("origin", origin)]).await.unwrap();
        page.send(json!({"type": "config", "audio": false})).await;
        page.expect("ready").await;
    }
    for other in ["http://test:80", "Capacitor://localhost", "capacitor://localhost/", "tauri://localhost"] {
        assert_eq!(speak(&named, &[("Origin", other)]).0, 403, "{other}");
    }
    let guarded = World::new().serve(&[("AUTH_REQUIRED", "true"), ("AUTH_API_SECRET", "s")]);
    let mut page = Client::connect_with(&guarded, "/ws?api_key=s", &REBOUND).await.unwrap();
    page.send(json!({"type": "config", "audio": false})).await;
    page.expect("ready").await;
    assert_eq!(speak(&guarded, &[("Origin", "http://test")]).0, 401);
    assert_ne!(speak(&guarded, &[("Origin", "http://test"), ("Authorization", "Bearer s")]).0, 403);
}

/// A client that sends what makes answers, and never reads them.
#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let world = World::new();
    let mut command = world.command(&[]);
    command.envs([("HOST", "127.0.0.1"), ("PORT", "0")]);
    let log = std::fs::File::create(world.path("log")).unwrap();
    let server = Server::start_logging(command, log);
    let mut client = Client::connect(&server).await;
    let small = [0x82, 0x81, 0, 0, 0, 0, 1];
    // Each small frame makes an error of some ninety bytes; the system's own buffers hold some megabytes of them.
    let burst: Vec<u8> = small.repeat(10_000);
    while client.stream().write_all(&burst).await.is_ok() {}
    serves(&server).await;
    server.stop();
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    assert!(log.contains("code=1008") && log.contains("the client reads too slowly"), "{log}");
}

#[tokio::test]
async fn silent_client_that_answers_pings_stays_connected() {
    let server = World::new().serve(&[("SAYNA_SERVER_PING_SECONDS", "1"), ("SAYNA_SERVER_PONG_TIMEOUT_SECONDS", "2")]);
    let mut silent = Client::connect(&server).await;
    let mut dead = Client::connect(&server).await;
    // The one reads, and so answers pings; the other does not. What is read is the end of the other.
    silent.send(json!({"type": "config", "audio": false})).await;
    silent.expect("ready").await;
    let stays = async { silent.next().await };
    let ends = async {
        let mut bytes = Vec::new();
        // Raw bytes: pings are seen and not answered, until the close frame and the end.
        dead.stream().read_to_end(&mut bytes).await.ok();
        bytes
    };
    tokio::select! {
        frame = stays => panic!("{frame:?}"),
        bytes = ends => assert!(bytes.ends_with(b"the client does not answer pings"), "{bytes:?}"),
    }
}

#[tokio::test]
async fn client_lost_in_mid_utterance_leaks_nothing() {
    let deepgram = vendors::server(Vendor::Deepgram).tts([Body::Slow(480, Duration::from_millis(5))]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
    client.audio(vec![0; 3200]).await;
    client.speak(&"long ".repeat(200)).await;
    assert!(matches!(client.next().await, Frame::Audio(_)));
    drop(client);
    deepgram.until(|record| record.connections[0].ended && record.asked("/v1/speak")[0].cancelled).await;
    serves(&server).await;
}

/// What an orchestrator asks is answered, and who wants a session is refused at once.
#[tokio::test]
async fn full_server_answers_health_checks_and_rejects_sessions() {
    let metrics = "127.0.0.1:0";
    let mut server = World::new().serve(&[("SAYNA_SERVER_MAX_CONNECTIONS", "2"), ("SAYNA_METRICS_LISTEN", metrics)]);
    let scraped = server.line().trim().strip_prefix("metrics on http://").unwrap().replace("/metrics", "");
    let mut first = Client::connect(&server).await;
    // A place is left: the connection that asks takes it, and does not count itself.
    assert_eq!(server.ask("GET", "/health/ready").1, r#"{"status":"ready"}"#);
    let mut second = connect_when_free(&server).await;
    for _ in 0..3 {
        let (head, body) = server.ask("GET", "/health/ready");
        assert!(head.starts_with("http/1.1 503") && body == r#"{"status":"full"}"#, "{head} {body}");
        assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
        for path in ["/ws", "/voices", "/nothing"] {
            let (head, body) = server.ask("GET", path);
            assert!(head.starts_with("http/1.1 503") && head.contains("retry-after: "), "{path}: {head}");
            assert!(body.contains("Server is full: server.max_connections are open"), "{path}: {body}");
        }
        let answer = get(scraped.parse().unwrap(), "/metrics");
        assert!(answer.contains("sayna_sessions 2") && answer.contains("sayna_connections_beyond_limit"), "{answer}");
    }
    assert!(matches!(Client::connect_with(&server, "/ws", &[]).await, Err(Error::Http(r)) if r.status() == 503));
    for client in [&mut first, &mut second] {
        client.send(json!({"type": "config", "audio": false})).await;
        client.expect("ready").await;
    }
    first.close().await;
    let mut third = connect_when_free(&server).await;
    third.send(json!({"type": "config", "audio": false})).await;
    third.expect("ready").await;
}

/// A connection has its place until the server has seen its end.
async fn connect_when_free(server: &Server) -> Client {
    loop {
        match Client::connect_with(server, "/ws", &[]).await {
            Ok(client) => return client,
            Err(Error::Http(answer)) if answer.status() == 503 => tokio::task::yield_now().await,
            Err(error) => panic!("expected a session or a full server, not {error}"),
        }
    }
}

/// A load balancer keeps the connection that it asks on, which is one of those that count.
#[tokio::test]
async fn kept_connection_learns_that_the_server_is_full() {
    let server = World::new().serve(&[("SAYNA_SERVER_MAX_CONNECTIONS", "2")]);
    let mut kept = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut ask = async || {
        kept.write_all(b"GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            answer.push(kept.read_u8().await.unwrap());
        }
        String::from_utf8(answer).unwrap()
    };
    assert!(ask().await.ends_with(r#"{"status":"ready"}"#));
    let client = Client::connect(&server).await;
    assert!(ask().await.ends_with(r#"{"status":"full"}"#));
    client.close().await;
    while !ask().await.ends_with(r#"{"status":"ready"}"#) {}
}

#[cfg(unix)]
mod stopping {
    use super::*;

    const REASON: &str = "the server is shutting down";

    #[tokio::test(flavor = "multi_thread")]
    async fn drain_finishes_utterances_that_are_being_spoken() {
        let slow = Body::Slow(480, Duration::from_millis(10));
        let deepgram = vendors::server(Vendor::Deepgram).tts([slow]).start().await;
        let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_SHUTDOWN_SECONDS", "3600")]);
        let mut idle = Client::ready(&server, config("deepgram", "deepgram")).await;
        let mut speaking = Client::ready(&server, config("deepgram", "deepgram")).await;
        let text = "to its very end, whatever happens";
        speaking.speak(text).await;
        let Frame::Audio(first) = speaking.next().await else { panic!("audio") };
        server.signal("TERM");
        assert_eq!(idle.next().await, Frame::Close(1001, REASON.to_owned()));
        // While it ends, it says so and begins nothing.
        let (head, body) = server.ask("GET", "/health/ready");
        assert!(head.starts_with("http/1.1 503"), "{head}");
        assert_eq!(body, r#"{"status":"draining"}"#);
        assert!(matches!(Client::connect_with(&server, "/ws", &[]).await, Err(Error::Http(r)) if r.status() == 503));
        speaking.speak("not this").await;
        let (mut bytes, mut refused) = (first.len(), false);
        loop {
            match speaking.next().await {
                Frame::Audio(frame) => bytes += frame.len(),
                Frame::Event(event) if event["type"] == "error" => {
                    refused = event["message"] == "Server is shutting down";
                }
                Frame::Event(event) => break assert_eq!(event["type"], "tts_playback_complete"),
                other => panic!("{other:?}"),
            }
        }
        assert!(refused);
        assert_eq!(bytes, text.len() * vendors::SAMPLES_PER_CHARACTER * 2);
        assert_eq!(speaking.next().await, Frame::Close(1001, REASON.to_owned()));
        drop((idle, speaking));
        let (status, output) = server.end();
        assert!(output.ends_with("\nstopped\n"), "{output}");
        assert_eq!(status, Some(0));
    }

    /// A sentence of which only an interim result has come is heard to its end.
    #[tokio::test(flavor = "multi_thread")]
    async fn drain_waits_for_the_end_of_the_callers_sentence() {
        let scene =
            Scene::new().after(3200).say(Say::interim("and then")).after(3200).say(Say::speech_final("and then what"));
        let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).start().await;
        let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_SHUTDOWN_SECONDS", "3600")]);
        let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
        client.audio(vec![0; 3200]).await;
        client.expect_heard("and then", false, false).await;
        server.signal("TERM");
        while server.ask("GET", "/health/ready").1 != r#"{"status":"draining"}"# {}
        // Longer than it takes the session to look whether the sentence is over.
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            client.audio(vec![0; 160]).await;
        }
        client.audio(vec![0; 3200]).await;
        client.expect_heard("and then what", true, true).await;
        assert_eq!(client.next().await, Frame::Close(1001, REASON.to_owned()));
        drop(client);
        assert!(server.end().1.ends_with("\nstopped\n"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn drain_closes_late_sessions_with_a_reason() {
        let scene = Scene::new().after(3200).say(Say::last("and then"));
        let slow = Body::Slow(480, Duration::from_secs(1));
        let deepgram = vendors::server(Vendor::Deepgram).stt([scene]).tts([slow]).start().await;
        let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_SHUTDOWN_SECONDS", "0")]);
        let mut client = Client::ready(&server, config("deepgram", "deepgram")).await;
        client.speak("this would take minutes").await;
        client.audio(vec![0; 3200]).await;
        while !matches!(client.next().await, Frame::Event(_)) {}
        server.signal("TERM");
        loop {
            match client.next().await {
                Frame::Audio(_) => {}
                close => break assert_eq!(close, Frame::Close(1001, REASON.to_owned())),
            }
        }
        drop(client);
        let (status, output) = server.end();
        assert!(output.ends_with("\nstopped; cut 1 connection that took longer\n"), "{output}");
        assert_eq!(status, Some(0));
    }
}
