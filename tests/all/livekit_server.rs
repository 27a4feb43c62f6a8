//! The REST interface and webhooks against a real `livekit-server`.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::livekit::SECRETS;
use crate::rooms::ask;
use crate::support::{Server, World};

/// A limit that no expected event exceeds.
const NEVER: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "a-secret-of-a-length-that-livekit-likes";

/// A server of its own on the loopback; ends with the test.
#[derive(Debug)]
pub(crate) struct Real(Child);

impl Real {
    /// Tells these addresses its news.
    pub(crate) fn start(port: u16, webhooks: &[&str]) -> Self {
        let config = json!({
            "port": port, "bind_addresses": ["127.0.0.1"], "keys": {"the-key": SECRET},
            "rtc": {"tcp_port": free_port(), "udp_port": free_port(), "node_ip": "127.0.0.1", "use_external_ip": false},
            "webhook": {"api_key": "the-key", "urls": webhooks},
        });
        let mut command = Command::new("livekit-server");
        command.args(["--config-body", &config.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("livekit-server: `.ci/setup` installs it");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let started = lines.find(|line| line.contains("starting LiveKit server"));
        assert!(started.is_some(), "livekit-server ended at once");
        // Read to its end, so that it can go on writing.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port that is not in use.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// News on their way from LiveKit to the server under test, which is known later than LiveKit.
#[derive(Debug, Clone)]
struct Passing {
    server: Arc<Mutex<Option<Server>>>,
    seen: mpsc::UnboundedSender<(String, String, [u16; 2])>,
}

/// Passes them on as they are, and then once more with one byte changed, which must not count.
async fn pass(State(passing): State<Passing>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let token = headers["authorization"].to_str().unwrap().to_owned();
    let event: Value = serde_json::from_slice(&body).unwrap();
    let mut changed = body.to_vec();
    *changed.last_mut().unwrap() = b' ';
    let server = Arc::clone(&passing.server);
    let answers = tokio::task::spawn_blocking(move || {
        let headers = [("Authorization", token.as_str()), ("Content-Type", "application/webhook+json")];
        let server = server.lock().unwrap();
        [&body[..], &changed]
            .map(|body| server.as_ref().unwrap().request("POST", "/livekit/webhook", &headers, body).status())
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // The test may have seen enough.
    passing.seen.send((text(&event["event"]), text(&event["room"]["name"]), answers.await.unwrap())).ok();
    StatusCode::OK
}

/// A server, a LiveKit that tells it its news, and what the test sees of both.
struct Scene {
    passing: Passing,
    news: mpsc::UnboundedReceiver<(String, String, [u16; 2])>,
    url: String,
    _livekit: Real,
}

impl Scene {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (seen, news) = mpsc::unbounded_channel();
        let passing = Passing { server: Arc::default(), seen };
        let (port, webhook) = (free_port(), format!("http://{}/", listener.local_addr().unwrap()));
        let url = format!("ws://127.0.0.1:{port}");
        let server = World::new().serve(&[
            ("LIVEKIT_API_KEY", "the-key"),
            ("LIVEKIT_API_SECRET", SECRET),
            ("LIVEKIT_URL", &url),
            ("AUTH_REQUIRED", "true"),
            ("AUTH_API_SECRETS_JSON", SECRETS),
            ("SIP_ROOM_PREFIX", "call-"),
            ("SIP_OUTBOUND_ADDRESS", "sip.example"),
        ]);
        *passing.server.lock().unwrap() = Some(server);
        let router = Router::new().route("/", post(pass)).with_state(passing.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { passing, news, url, _livekit: Real::start(port, &[&webhook]) }
    }

    /// Status and body of the answer to the tenant of this secret.
    fn ask(&self, secret: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let server = self.passing.server.lock().unwrap();
        let answer = ask(server.as_ref().unwrap(), secret, method, path, body);
        (answer.status(), answer.json())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs livekit-server"]
async fn livekit_server_accepts_api_calls_and_sends_webhooks() {
    let mut scene = Scene::start().await;
    // A token makes the room, and the room is the tenant's.
    let wanted = json!({"room_name": "den", "participant_name": "Ann", "participant_identity": "ann-1"});
    let (status, token) = scene.ask("s1", "POST", "/livekit/token", &wanted);
    assert_eq!(status, 200, "{token}");
    assert_eq!(scene.ask("s2", "POST", "/livekit/token", &wanted).0, 403);
    let first = tokio::time::timeout(NEVER, scene.news.recv()).await.expect("news");
    assert_eq!(first, Some(("room_started".to_owned(), "den".to_owned(), [200, 401])));
    let (_, listed) = scene.ask("s1", "GET", "/livekit/rooms", &Value::Null);
    assert_eq!((&listed["rooms"][0]["name"], listed["rooms"].as_array().unwrap().len()), (&json!("den"), 1));
    assert!(listed["rooms"][0]["creation_time"].as_i64().unwrap() > 1_700_000_000, "{listed}");
    assert_eq!(scene.ask("s2", "GET", "/livekit/rooms", &Value::Null), (200, json!({"rooms": []})));
    assert_eq!(scene.ask("s2", "GET", "/livekit/rooms/den", &Value::Null).0, 404);

    // The room is empty: no participant can be muted, removed or transferred.
    let removal = json!({"room_name": "den", "participant_identity": "ann-1"});
    let mute = json!({"room_name": "den", "participant_identity": "ann-1", "track_sid": "TR_none", "muted": true});
    let absent = json!({"error": "Participant 'ann-1' not found in room", "code": "PARTICIPANT_NOT_FOUND"});
    assert_eq!(scene.ask("s1", "DELETE", "/livekit/participant", &removal), (404, absent.clone()));
    assert_eq!(scene.ask("s1", "POST", "/livekit/participant/mute", &mute), (404, absent.clone()));

    // Ann joins with that token, as far as one can without media.
    let join = format!("{}/rtc?protocol=15&access_token={}", scene.url, token["token"].as_str().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(join).await.unwrap();
    socket.next().await.unwrap().unwrap();
    let (_, room) = scene.ask("s1", "GET", "/livekit/rooms/den", &Value::Null);
    let ann = &room["participants"][0];
    assert_eq!((&ann["identity"], &ann["name"], &ann["kind"]), (&json!("ann-1"), &json!("Ann"), &json!("STANDARD")));
    assert_eq!((&room["max_participants"], &room["metadata"]), (&json!(3), &json!(r#"{"auth_id":"first"}"#)));
    assert_eq!(scene.ask("s2", "DELETE", "/livekit/participant", &removal), (404, absent.clone()));
    assert_eq!(scene.ask("s1", "POST", "/livekit/participant/mute", &mute), (404, absent.clone()));
    let transfer = json!({"room_name": "den", "participant_identity": "ann-1", "transfer_to": "+15551234567"});
    let (status, said) = scene.ask("s1", "POST", "/sip/transfer", &transfer);
    assert_eq!((status, &said["code"]), (404, &json!("PARTICIPANT_NOT_FOUND")), "{said}");
    let removed = json!({"status": "removed", "room_name": "den", "participant_identity": "ann-1"});
    assert_eq!(scene.ask("s1", "DELETE", "/livekit/participant", &removal), (200, removed));
    assert_eq!(scene.ask("s1", "DELETE", "/livekit/participant", &removal), (404, absent));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs livekit-server"]
async fn livekit_server_accepts_the_token_of_a_sip_call() {
    let scene = Scene::start().await;
    // Its SIP wants Redis, which is not here; that much it says of a token that may call.
    let call = json!({
        "room_name": "call-1", "participant_name": "Bob", "participant_identity": "bob-1",
        "from_phone_number": "+15550000001", "to_phone_number": "+15550000002",
    });
    let failed = "Failed to call: LiveKit answered internal: twirp error unknown: sip not connected (redis required)";
    let expected = json!({"error": failed, "code": "CALL_FAILED"});
    assert_eq!(scene.ask("s1", "POST", "/sip/call", &call), (500, expected));
}
