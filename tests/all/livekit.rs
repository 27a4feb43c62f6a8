//! Access tokens for LiveKit rooms, and the tenant of a room.

use serde_json::{Value, json};

use crate::support::livekit::{KEYS, Livekit, claims};
use crate::support::{Answer, Server, World};

pub(crate) const SECRETS: &str = r#"[{"id":"first","secret":"s1"},{"id":"second","secret":"s2"}]"#;

fn ask(server: &Server, secret: Option<&str>, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", secret.unwrap_or_default());
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(secret.map(|_| ("Authorization", bearer.as_str())));
    server.request("POST", "/livekit/token", &headers, body.to_string().as_bytes())
}

fn request(room: &str) -> Value {
    json!({"room_name": room, "participant_name": "Ann", "participant_identity": "ann-1"})
}

#[test]
fn participant_token_is_a_livekit_token() {
    let server = World::new().serve(&[KEYS[0], KEYS[1], ("LIVEKIT_PUBLIC_URL", "wss://rooms.example/")]);
    let answer = ask(&server, None, &request("den"));
    let body = answer.json();
    assert_eq!(answer.status(), 200, "{body}");
    assert_eq!((body["room_name"].clone(), body["participant_identity"].clone()), (json!("den"), json!("ann-1")));
    assert_eq!(body["livekit_url"], "wss://rooms.example");
    let mut claims = claims(body["token"].as_str().unwrap()).unwrap();
    let (nbf, exp) = (claims["nbf"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert_eq!(exp - nbf, 6 * 3600);
    for time in ["nbf", "exp"] {
        claims.as_object_mut().unwrap().remove(time);
    }
    assert_eq!(
        claims,
        json!({
            "iss": "the-key", "sub": "ann-1", "name": "Ann",
            "video": {"roomJoin": true, "room": "den", "roomAdmin": false, "roomCreate": false, "roomList": false,
                "canPublish": true, "canSubscribe": true, "canPublishData": true, "canUpdateOwnMetadata": true},
        })
    );
}

#[test]
fn token_request_with_a_blank_field_names_it() {
    let server = World::new().serve(&KEYS);
    for field in ["room_name", "participant_name", "participant_identity"] {
        let mut body = request("den");
        body[field] = json!(" ");
        let answer = ask(&server, None, &body);
        let expected = json!({"error": format!("Invalid request: {field} cannot be empty")});
        assert_eq!((answer.status(), answer.json()), (400, expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_belongs_to_the_first_tenant() {
    let livekit = Livekit::default().with_room("old", r#"{"topic":"x"}"#);
    let url = livekit.start().await;
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS), ("LIVEKIT_URL", url.as_str())];
    let server = World::new().serve(&[KEYS[0], KEYS[1], auth[0], auth[1], auth[2]]);
    assert_eq!(ask(&server, Some("s1"), &request("den")).status(), 200);
    assert_eq!(livekit.metadata("den"), json!({"auth_id": "first"}));
    assert_eq!(ask(&server, Some("s1"), &request("den")).status(), 200);
    let answer = ask(&server, Some("s2"), &request("den"));
    let denied = json!({"error": "Access denied: room belongs to a different tenant"});
    assert_eq!((answer.status(), answer.json()), (403, denied));
    // A room without an owner becomes the tenant's, and keeps its metadata.
    assert_eq!(ask(&server, Some("s2"), &request("old")).status(), 200);
    assert_eq!(livekit.metadata("old"), json!({"auth_id": "second", "topic": "x"}));
    assert_eq!(livekit.called(), "ListRooms CreateRoom ListRooms ListRooms ListRooms UpdateRoomMetadata");
}

#[tokio::test(flavor = "multi_thread")]
async fn livekit_failure_is_a_server_error() {
    let livekit = Livekit::default();
    let url = livekit.start().await;
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)];
    let server =
        World::new().serve(&[KEYS[0], ("LIVEKIT_API_SECRET", "wrong"), auth[0], auth[1], ("LIVEKIT_URL", &url)]);
    let answer = ask(&server, Some("s1"), &request("den"));
    let text =
        "Failed to prepare room: LiveKit answered unauthenticated: twirp error unknown: signed by another secret";
    assert_eq!((answer.status(), answer.json()), (500, json!({"error": text})));
    let server = World::new().serve(&[KEYS[0], KEYS[1], auth[0], auth[1], ("LIVEKIT_URL", "ws://127.0.0.1:1")]);
    let answer = ask(&server, Some("s1"), &request("den"));
    assert_eq!(answer.status(), 500);
    assert!(
        answer.json()["error"].as_str().unwrap().starts_with("Failed to prepare room: LiveKit cannot be reached: ")
    );
}
