//! A single request cannot exhaust memory, time or connections of the server.

use std::io::{Read as _, Write as _};
use std::process::Command;

use serde_json::{Value, json};
use vendors::{Body, Vendor};

use crate::support::client::Client;
use crate::support::{Server, World};

fn tts(pronunciations: &Value) -> Value {
    json!({"provider": "deepgram", "model": "", "voice_id": "aura-asteria-en", "pronunciations": pronunciations})
}

/// 105 KB that would become 250 MB.
#[tokio::test(flavor = "multi_thread")]
async fn text_limit_counts_replaced_pronunciations() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    for (text, word, pronunciation) in [
        ("a ".repeat(2_500), "a", "x".repeat(100_000)),
        (". ".repeat(2_500), ".", "full stop".to_owned()),
        ("a".to_owned(), "a", "é".repeat(5_001)),
    ] {
        let words = json!([{"word": word, "pronunciation": pronunciation}]);
        let answer = server.post("/speak", &json!({"text": text, "tts_config": tts(&words)}));
        let expected = "Failed to synthesize speech: with its pronunciations the text is longer than 5000 characters \
                        (server.max_text_chars): shorten the text, or what is spoken for its words";
        assert_eq!((answer.status(), answer.json()), (400, json!({"error": expected})));
    }
    assert!(deepgram.record().requests.is_empty());
    let words = json!([{"word": "w".repeat(401), "pronunciation": "x"}]);
    let answer = server.post("/speak", &json!({"text": "a", "tts_config": tts(&words)}));
    assert_eq!(answer.status(), 400);
    assert!(answer.json()["error"].to_string().contains("pronunciations must be a list of words"), "{}", answer.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn session_goes_on_after_an_oversized_text() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_MAX_TEXT_CHARS", "100")]);
    let mut config = crate::support::client::config("deepgram", "deepgram");
    config["tts_config"]["pronunciations"] = json!([{"word": "long", "pronunciation": "x".repeat(101)}]);
    let mut client = Client::ready(&server, config).await;
    client.speak("so long").await;
    let expected = "TTS error: with its pronunciations the text is longer than 100 characters (server.max_text_chars): \
                    shorten the text, or what is spoken for its words";
    client.expect_error(expected).await;
    client.expect("tts_playback_complete").await;
    client.speak("so short").await;
    assert!(!client.utterance().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_with_many_pronunciations_are_served_beside_others() {
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[]);
    // As many as a message can hold; none but the last is in the text.
    let words: Vec<Value> = (0..18_000).map(|n| json!({"word": format!("w{n}x"), "pronunciation": ""})).collect();
    std::thread::scope(|threads| {
        for client in 0..8 {
            let (server, mut words) = (&server, words.clone());
            threads.spawn(move || {
                words.push(json!({"word": "said", "pronunciation": format!("spoken {client}")}));
                let text = format!("{}said", "w1 w2 ".repeat(300));
                let answer = server.post("/speak", &json!({"text": text, "tts_config": tts(&json!(words))}));
                assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(&answer.body));
            });
        }
        assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
    });
    let bodies: Vec<String> = deepgram.record().requests.into_iter().map(|request| request.body).collect();
    for client in 0..8 {
        assert!(bodies.iter().any(|body| body.ends_with(&format!("w2 spoken {client}\"}}"))), "{client}");
    }
}

/// The webhook is open by design, even where LiveKit is not configured.
#[test]
fn slow_request_body_is_rejected() {
    let server = World::new().serve(&[("SAYNA_SERVER_BODY_TIMEOUT_SECONDS", "1")]);
    for (path, head) in [
        ("/livekit/webhook", "Content-Length: 100000"),
        ("/livekit/webhook", "Transfer-Encoding: chunked"),
        ("/speak", "Content-Type: application/json\r\nContent-Length: 100000"),
        ("/sip/hooks", "Content-Type: application/json\r\nContent-Length: 100000"),
    ] {
        let mut slow = server.connect();
        write!(slow, "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: x\r\n{head}\r\n\r\n").unwrap();
        let mut reader = slow.try_clone().unwrap();
        let answer = std::thread::spawn(move || {
            let mut answer = String::new();
            reader.read_to_string(&mut answer).ok();
            answer
        });
        let piece = if head.contains("chunked") { "1\r\n \r\n" } else { " " };
        while !answer.is_finished() && slow.write_all(piece.as_bytes()).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let answer = answer.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.to_lowercase().contains("connection: close"), "{answer}");
        assert!(answer.contains("did not arrive within 1 s (server.body_timeout_seconds)"), "{path}: {answer}");
    }
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
}

/// An answer of 120 MB, of which its client reads nothing.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn unread_response_is_bounded_and_closed() {
    let endless = Body::Bytes(vec![0; 120 << 20].into());
    let deepgram = vendors::server(Vendor::Deepgram).tts([endless]).start().await;
    let variables = [("SAYNA_SERVER_WRITE_TIMEOUT_SECONDS", "1"), ("SAYNA_METRICS_LISTEN", "127.0.0.1:0")];
    let mut server = World::new().serve_with(&[("deepgram", &deepgram)], &variables);
    let line = server.line();
    let metrics = line.strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    let body = json!({"text": "hello", "tts_config": tts(&json!([]))}).to_string();
    let mut deaf = server.connect();
    let head = "POST /speak HTTP/1.1\r\nHost: test\r\nContent-Type: application/json";
    write!(deaf, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    // The vendor's audio is read only as fast as the client reads, and is cancelled with the client.
    deepgram.until(|record| record.requests.first().is_some_and(|request| request.cancelled)).await;
    assert!(server.peak_kb() < 100_000, "{} KB", server.peak_kb());
    let metrics = crate::support::get(metrics.parse().unwrap(), "/metrics");
    assert!(metrics.contains("\nsayna_connections_stalled_total 1\n"), "{metrics}");
}

/// A session has rules of its own: its client may read late.
#[tokio::test(flavor = "multi_thread")]
async fn session_of_a_late_reading_client_goes_on() {
    let long = Body::Bytes(vec![0; 20 << 20].into());
    let deepgram = vendors::server(Vendor::Deepgram).tts([long]).start().await;
    let server = World::new().serve_with(&[("deepgram", &deepgram)], &[("SAYNA_SERVER_WRITE_TIMEOUT_SECONDS", "1")]);
    let mut client = Client::ready(&server, crate::support::client::config("deepgram", "deepgram")).await;
    client.speak("hello").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let bytes: usize = client.utterance().await.iter().map(bytes::Bytes::len).sum();
    assert_eq!(bytes, 20 << 20);
}

/// The program under this limit of open files, as the shell writes it.
#[cfg(unix)]
fn with_files(world: &World, limit: &str) -> Command {
    let program = world.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit} && exec \"$0\"")]).arg(program.get_program());
    command.current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.envs([("HOST", "127.0.0.1"), ("PORT", "0")]);
    command
}

#[cfg(unix)]
#[test]
fn connection_without_a_free_file_gets_503_and_one_log_line() {
    let world = World::new();
    let log = std::fs::File::create(world.path("log")).unwrap();
    let server = Server::start_logging(with_files(&world, "-n 64"), log);
    let held: Vec<_> = (0..64).map(|_| server.connect()).collect();
    for _ in 0..2 {
        let refused = server.request("GET", "/", &[], b"");
        assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("5")));
        assert_eq!(refused.json(), json!({"error": "The server has no file left; try it later"}));
    }
    drop(held);
    while server.request("GET", "/", &[], b"").status() != 200 {}
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("no file is left for new connections"), 1, "{log}");
    // The start has said it already.
    assert_eq!(lines("the limit of open files is 64, enough for about 0 of 1000 connections"), 1, "{log}");
}

#[cfg(unix)]
#[test]
fn the_limit_of_open_files_is_raised_where_it_may_be() {
    let world = World::new();
    let mut command = with_files(&world, "-S -n 64");
    command.env("SAYNA_SERVER_MAX_CONNECTIONS", "100");
    let server = Server::start(command);
    let _held: Vec<_> = (0..90).map(|_| server.connect()).collect();
    assert_eq!(server.ask("GET", "/").1, r#"{"status":"OK"}"#);
}

/// Sessions take files for their providers while further clients come. Which of them takes the last file depends on the limit.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_out_of_files_answers_at_any_limit() {
    let soon = std::time::Duration::from_secs(20);
    let deepgram = vendors::server(Vendor::Deepgram).start().await;
    let config = crate::support::client::config("deepgram", "deepgram");
    for limit in [38, 41, 44, 47, 50, 53, 56, 59, 62, 65, 66] {
        let world = World::new();
        let mut command = with_files(&world, &format!("-n {limit}"));
        command.env("SAYNA_PROVIDERS_DEEPGRAM_STT_URL", deepgram.ws_url()).env("DEEPGRAM_API_KEY", vendors::KEY);
        let server = Server::start(command);
        let mut clients = vec![Client::ready(&server, config.clone()).await];
        let mut refused = 0;
        while refused < 5 {
            let next = tokio::time::timeout(soon, Client::connect_with(&server, "/ws", &[])).await;
            match next.unwrap_or_else(|_| panic!("no answer at {limit} with {} sessions", clients.len())) {
                Ok(mut client) => {
                    client.send(config.clone()).await;
                    clients.push(client);
                }
                Err(_) => refused += 1,
            }
        }
        // A session whose provider is out of reach may end meanwhile, which makes room.
        let mut stream = server.connect();
        stream.set_read_timeout(Some(soon)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap_or_else(|error| panic!("{error} at {limit}"));
        assert!([b"HTTP/1.1 503", b"HTTP/1.1 200"].contains(&&status), "{limit}");
    }
}

#[cfg(unix)]
#[test]
fn the_metrics_answer_without_a_file_left_and_beside_clients_that_never_finish_their_requests() {
    let world = World::new();
    let mut command = with_files(&world, "-n 64");
    command.env("SAYNA_METRICS_LISTEN", "127.0.0.1:0");
    let mut server = Server::start(command);
    let line = server.line();
    let metrics = line.strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    let metrics: std::net::SocketAddr = metrics.parse().unwrap();
    let held: Vec<_> = (0..64).map(|_| server.connect()).collect();
    assert_eq!(server.request("GET", "/", &[], b"").status(), 503);
    assert!(crate::support::get(metrics, "/metrics").contains("\nsayna_connections_refused_total "));
    let mut halves: Vec<_> = (0..200).map(|_| std::net::TcpStream::connect(metrics).unwrap()).collect();
    for half in &mut halves {
        // The oldest are closed meanwhile.
        half.write_all(b"GET /met").ok();
    }
    assert!(crate::support::get(metrics, "/metrics").contains("\nsayna_sessions 0\n"));
    assert_eq!(halves[0].read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(server.request("GET", "/", &[], b"").status(), 503);
    drop(held);
    while server.request("GET", "/", &[], b"").status() != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_voice_lists_share_one_request() {
    let (deepgram, elevenlabs) =
        (vendors::server(Vendor::Deepgram).start().await, vendors::server(Vendor::ElevenLabs).start().await);
    // One that fails: its key is another.
    let azure = vendors::server(Vendor::Azure).key("another").start().await;
    let vendors = [("deepgram", &deepgram), ("elevenlabs", &elevenlabs), ("azure", &azure)];
    let server = World::new().serve_with(&vendors, &[]);
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| {
                let voices = server.request("GET", "/voices", &[], b"").json();
                assert_eq!(voices.as_object().unwrap().keys().collect::<Vec<_>>(), ["deepgram", "elevenlabs"]);
            });
        }
    });
    for (name, vendor) in vendors {
        // This one's list has two pages.
        assert_eq!(vendor.record().requests.len(), if name == "elevenlabs" { 2 } else { 1 }, "{name}");
    }
}
