//! LiveKit's webhook: its signature, and the hooks that are called for incoming calls.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use sayna::jwt::Key;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::livekit::SECRETS;
use crate::rooms::ask;
use crate::support::livekit::{KEYS, Livekit};
use crate::support::{Answer, Server, World};

const SECRET: &str = "what-hooks-know-of";

/// A limit that no expected event exceeds.
const NEVER: Duration = Duration::from_secs(30);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A receiver of call events, which checks their sender.
#[derive(Debug, Clone, Default)]
struct Receiver {
    told: Arc<Mutex<Vec<Value>>>,
    news: Arc<Notify>,
}

impl Receiver {
    /// Where it is.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/calls?of=us", listener.local_addr().unwrap());
        let router = Router::new().route("/calls", post(receive)).with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    /// The news that come next.
    async fn next(&self) -> Value {
        loop {
            let news = self.news.notified();
            if let Some(told) = self.told.lock().unwrap().pop() {
                return told;
            }
            tokio::time::timeout(NEVER, news).await.expect("news");
        }
    }
}

/// What the SDK's receivers check.
async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (timestamp, event) = (header("x-sayna-timestamp"), header("x-sayna-event-id"));
    let fresh = now().abs_diff(timestamp.parse().unwrap()) < 300;
    let form = header("x-sayna-signature-version") == "v1" && header("content-type") == "application/json";
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let sum = hmac::sign(&key, format!("v1:{timestamp}:{event}:{body}").as_bytes());
    let digits = sum.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect();
    let mut told: Value = serde_json::from_str(&body).unwrap();
    told["signed"] = json!(fresh && form && header("x-sayna-signature") == format!("v1={hex}"));
    told["event"] = json!(event);
    receiver.told.lock().unwrap().insert(0, told);
    receiver.news.notify_one();
    StatusCode::OK
}

/// A call that has come in, in LiveKit's words.
fn call() -> Value {
    json!({
        "event": "participant_joined", "id": "EV_1", "createdAt": "1700000000",
        "room": {"sid": "RM_call-1", "name": "call-1", "creationTime": "1700000000", "numParticipants": 1},
        "participant": {
            "sid": "PA_1", "identity": "sip_+15551234567", "name": "Phone", "state": "ACTIVE", "kind": "SIP",
            "joinedAt": "1700000000",
            "attributes": {
                "sip.callID": "SC_1", "sip.phoneNumber": "+15551234567", "sip.trunkPhoneNumber": "+15557654321",
                "sip.h.to": "<sip:+15557654321@Voice.Example:5060>;tag=x", "sip.h.x-team": "sales",
            },
        },
    })
}

/// The claims with which LiveKit would sign these bytes.
fn claims(body: &[u8]) -> Value {
    let now = now();
    let sum = STANDARD.encode(digest::digest(&digest::SHA256, body));
    json!({"iss": "the-key", "nbf": now, "exp": now + 300, "sha256": sum})
}

fn send(server: &Server, token: &str, body: &[u8]) -> Answer {
    let headers = [("Authorization", token), ("Content-Type", "application/webhook+json")];
    server.request("POST", "/livekit/webhook", &headers, body)
}

/// Sends what LiveKit would, signed as it would.
fn tell(server: &Server, body: &Value) -> Answer {
    let body = body.to_string();
    send(server, &Key::hmac("the-secret").sign(&claims(body.as_bytes())).unwrap(), body.as_bytes())
}

#[test]
fn webhook_requires_the_signature_of_livekit() {
    let server = World::new().serve(&KEYS);
    let body = json!({"event": "room_started", "id": "EV_1", "room": {"name": "den"}}).to_string();
    let sign = |claims: &Value, secret: &str| Key::hmac(secret).sign(claims).unwrap();
    let good = claims(body.as_bytes());
    let answer = send(&server, &sign(&good, "the-secret"), body.as_bytes());
    assert_eq!((answer.status(), answer.json()), (200, json!({"status": "received"})));
    let answer = send(&server, &format!("Bearer {}", sign(&good, "the-secret")), body.as_bytes());
    assert_eq!(answer.status(), 200);
    let changed = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        sign(&claims, "the-secret")
    };
    let (past, future) = (json!(1_700_000_000), json!(99_999_999_999_u64));
    for token in [
        sign(&good, "another-secret"),
        changed("iss", json!("another-key")),
        changed("exp", past),
        changed("nbf", future),
        changed("sha256", claims(b"other bytes")["sha256"].clone()),
        changed("sha256", json!("?")),
        changed("sha256", Value::Null),
        "Bearer".to_owned(),
        "a.b.c".to_owned(),
        format!("{}.", sign(&good, "the-secret").rsplit_once('.').unwrap().0),
    ] {
        let answer = send(&server, &token, body.as_bytes());
        assert_eq!((answer.status(), answer.json()), (401, json!({"error": "Invalid webhook signature"})), "{token}");
    }
    let answer = server.request("POST", "/livekit/webhook", &[], body.as_bytes());
    assert_eq!((answer.status(), answer.json()), (401, json!({"error": "Missing Authorization header"})));
    // Signed, and yet nothing that LiveKit writes.
    for body in
        [&b"\xff"[..], b"", b"[]", b"{", b"{\"event\":1}", b"{\"x\":\"\xff\"}", br#"{"id":"E\n5"}"#, br#"{"id":"E 5"}"#]
    {
        let answer = send(&server, &sign(&claims(body), "the-secret"), body);
        let said = answer.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(answer.status(), 400, "{said}");
        assert!(said.starts_with("Invalid webhook body: "), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn incoming_call_is_sent_to_the_hook_of_its_host() {
    let (livekit, receiver) = (Livekit::default().with_room("call-1", ""), Receiver::default());
    let (url, hook) = (livekit.start().await, receiver.start().await);
    let hooks = json!([{"host": "voice.example", "url": hook, "auth_id": "first", "secret": SECRET}]).to_string();
    let variables = [
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &url),
        ("AUTH_REQUIRED", "true"),
        ("AUTH_API_SECRETS_JSON", SECRETS),
        ("SIP_ROOM_PREFIX", "call-"),
        ("SIP_HOOKS_JSON", &hooks),
    ];
    let server = World::new().serve(&variables);
    assert_eq!(tell(&server, &call()).status(), 200);
    let expected = json!({
        "event": "EV_1", "signed": true, "participant": {"name": "Phone", "identity": "sip_+15551234567", "sid": "PA_1"},
        "room": {"name": "call-1", "sid": "RM_call-1"}, "from_phone_number": "+15551234567",
        "to_phone_number": "+15557654321", "room_prefix": "call-", "sip_host": "voice.example",
        "sip_headers": {"to": "<sip:+15557654321@Voice.Example:5060>;tag=x", "x-team": "sales"},
    });
    assert_eq!(receiver.next().await, expected);
    // The room is the tenant's by then.
    assert_eq!(livekit.metadata("call-1"), json!({"auth_id": "first"}));
    let answer = ask(&server, "s1", "GET", "/livekit/rooms/call-1", &json!({}));
    assert_eq!(answer.status(), 200);
    // Rooms without a call, calls of another host, and calls in another tenant's room cause no event.
    let mut others = vec![call(), call(), call()];
    others[0]["event"] = json!("participant_left");
    others[1]["participant"]["attributes"]["sip.h.x-to-ip"] = json!("elsewhere.example");
    others[2]["room"]["name"] = json!("foreign");
    let livekit = livekit.with_room("foreign", r#"{"auth_id":"second"}"#);
    for other in &others {
        assert_eq!(tell(&server, other).status(), 200);
    }
    let mut last = call();
    last["id"] = json!("EV_last");
    last["participant"]["name"] = Value::Null;
    last["participant"].as_object_mut().unwrap().remove("name");
    tell(&server, &last);
    let told = receiver.next().await;
    assert_eq!((&told["event"], &told["participant"]["name"]), (&json!("EV_last"), &Value::Null));
    assert_eq!(livekit.metadata("foreign"), json!({"auth_id": "second"}));
    // At the end of the server all of them have been seen to.
    #[cfg(unix)]
    {
        server.signal("TERM");
        assert_eq!(server.end().0, Some(0));
        assert!(receiver.told.lock().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_added_at_run_time_receives_calls() {
    let (livekit, receiver) = (Livekit::default().with_room("call-1", ""), Receiver::default());
    let (url, hook) = (livekit.start().await, receiver.start().await);
    let world = World::new();
    let variables = [
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &url),
        ("SIP_ROOM_PREFIX", "call-"),
        ("SIP_HOOK_SECRET", SECRET),
        ("CACHE_PATH", "cache"),
        ("SAYNA_SIP_PRIVATE_HOOKS", "true"),
    ];
    let server = world.serve(&variables);
    let hooks = json!({"hooks": [{"host": "VOICE.example", "url": hook, "auth_id": ""}]});
    assert_eq!(server.post("/sip/hooks", &hooks).json(), hooks);
    assert_eq!(tell(&server, &call()).status(), 200);
    assert_eq!(receiver.next().await["sip_host"], "voice.example");
    // A call without a tenant leaves the room as it is.
    assert!(!livekit.called().contains("UpdateRoomMetadata"), "{}", livekit.called());
}

/// LiveKit repeats what it was not thanked for, and what was overheard can be sent again while its token is good.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_webhook_calls_the_hook_once() {
    let (livekit, receiver) = (Livekit::default().with_room("call-1", ""), Receiver::default());
    let (url, hook) = (livekit.start().await, receiver.start().await);
    let hooks = json!([{"host": "voice.example", "url": hook, "auth_id": "", "secret": SECRET}]).to_string();
    let variables = [
        KEYS[0],
        KEYS[1],
        ("LIVEKIT_URL", &url),
        ("SIP_ROOM_PREFIX", "call-"),
        ("SIP_HOOKS_JSON", &hooks),
        ("SAYNA_METRICS_LISTEN", "127.0.0.1:0"),
    ];
    let mut server = World::new().serve(&variables);
    let body = call().to_string();
    let token = Key::hmac("the-secret").sign(&claims(body.as_bytes())).unwrap();
    let mut nameless = call();
    nameless.as_object_mut().unwrap().remove("id");
    for _ in 0..3 {
        // The very same request, the same event signed again, and one whose id is left out.
        assert_eq!(send(&server, &token, body.as_bytes()).status(), 200);
        assert_eq!(tell(&server, &call()).status(), 200);
        assert_eq!(tell(&server, &nameless).status(), 200);
    }
    let mut last = call();
    last["id"] = json!("EV_2");
    assert_eq!(tell(&server, &last).status(), 200);
    let mut told = [receiver.next().await, receiver.next().await, receiver.next().await];
    told.sort_by_key(|told| told["event"].as_str().unwrap().to_owned());
    assert_eq!(told.iter().map(|told| &told["event"]).collect::<Vec<_>>(), ["", "EV_1", "EV_2"]);
    let line = server.line();
    let address = line.strip_prefix("metrics on http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    let metrics = crate::support::get(address.parse().unwrap(), "/metrics");
    assert!(metrics.contains("\nsayna_calls_repeated_total 7\n"), "{metrics}");
    #[cfg(unix)]
    {
        server.signal("TERM");
        assert_eq!(server.end().0, Some(0));
        assert!(receiver.told.lock().unwrap().is_empty());
    }
}

/// The addresses that were checked are those that are connected to, whatever DNS says by then.
#[tokio::test]
async fn hook_address_is_not_resolved_twice() {
    let receiver = Receiver::default();
    let url = receiver.start().await.replace("127.0.0.1", "localhost");
    let address = url.split('/').nth(2).unwrap().replace("localhost", "127.0.0.1").parse().unwrap();
    let outbound = sayna::outbound::Outbound::new(None).unwrap();
    let ask = async |host: &str, addresses: &[std::net::SocketAddr]| {
        let client = outbound.pinned(host, addresses).unwrap();
        client.get(url.replace("localhost", host)).send().await.map(|answer| answer.status().as_u16())
    };
    // The receiver takes POST alone.
    assert_eq!(ask("hook.example", &[address]).await.unwrap(), 405);
    assert!(ask("localhost", &[]).await.is_err());
}

/// A name is looked at where it is asked: it may lead inside by then, as one that was kept by an older server may.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn hook_with_a_private_address_is_not_called() {
    let (livekit, receiver) = (Livekit::default().with_room("call-1", ""), Receiver::default());
    let (url, hook) = (livekit.start().await, receiver.start().await);
    let world = World::new();
    std::fs::create_dir(world.path("cache")).unwrap();
    for hook in [hook.clone(), hook.replace("127.0.0.1", "localhost")] {
        let kept = json!({"hooks": [{"host": "voice.example", "url": hook, "auth_id": ""}]}).to_string();
        std::fs::write(world.path("cache/sip_hooks.json"), kept).unwrap();
        let mut command = world.command(&[]);
        command.envs([KEYS[0], KEYS[1], ("LIVEKIT_URL", &url), ("SIP_ROOM_PREFIX", "call-")]);
        command.envs([("SIP_HOOK_SECRET", SECRET), ("CACHE_PATH", "cache"), ("HOST", "127.0.0.1"), ("PORT", "0")]);
        let log = std::fs::File::create(world.path("log")).unwrap();
        let server = Server::start_logging(command, log);
        assert_eq!(tell(&server, &call()).status(), 200);
        server.signal("TERM");
        assert_eq!(server.end().0, Some(0));
        let log = std::fs::read_to_string(world.path("log")).unwrap();
        assert!(log.contains("did not call the hook: its address is private; set sip.private_hooks"), "{log}");
        assert!(receiver.told.lock().unwrap().is_empty());
    }
}
