//! Tokens for LiveKit rooms, and whose a room is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::{Answer, Server, World};

const SECRETS: &str = r#"[{"id":"first","secret":"s1"},{"id":"second","secret":"s2"}]"#;
pub(crate) const KEYS: [(&str, &str); 2] = [("LIVEKIT_API_KEY", "the-key"), ("LIVEKIT_API_SECRET", "the-secret")];

/// The claims of a token that the secret has signed.
fn claims(token: &str) -> Result<Value, String> {
    let (message, signature) = token.rsplit_once('.').ok_or("no JWT")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|e| e.to_string())?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"the-secret");
    hmac::verify(&key, message.as_bytes(), &signature).map_err(|_| "signed by another secret")?;
    let body = URL_SAFE_NO_PAD.decode(message.split('.').nth(1).unwrap()).map_err(|e| e.to_string())?;
    serde_json::from_slice(&body).map_err(|e| e.to_string())
}

/// A LiveKit server's API for rooms, as strict as the real one about who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Livekit {
    /// Name to metadata.
    rooms: Arc<Mutex<BTreeMap<String, String>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

type Refusal = (StatusCode, Json<Value>);

impl Livekit {
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/twirp/livekit.RoomService/{method}", post(call)).with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    fn metadata(&self, room: &str) -> Value {
        serde_json::from_str(&self.rooms.lock().unwrap()[room]).unwrap()
    }
}

async fn call(
    State(livekit): State<Livekit>,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> response::Result<Json<Value>, Refusal> {
    let refuse = |status: StatusCode, code: &str, message: &str| (status, Json(json!({"code": code, "msg": message})));
    let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let claims = claims(token).map_err(|e| refuse(StatusCode::UNAUTHORIZED, "unauthenticated", &e))?;
    livekit.calls.lock().unwrap().push(method.clone());
    let may = |grant: &str| {
        let given = claims["iss"] == "the-key" && claims["video"][grant] == true;
        if given { Ok(()) } else { Err(refuse(StatusCode::FORBIDDEN, "permission_denied", grant)) }
    };
    let mut rooms = livekit.rooms.lock().unwrap();
    let shown = |name: &str, metadata: &str| json!({"sid": "RM_1", "name": name, "metadata": metadata});
    match method.as_str() {
        "ListRooms" => {
            may("roomList")?;
            let names = body["names"].as_array().unwrap();
            let found = rooms.iter().filter(|(name, _)| names.contains(&json!(name)));
            Ok(Json(json!({"rooms": found.map(|(name, metadata)| shown(name, metadata)).collect::<Vec<_>>()})))
        }
        "CreateRoom" => {
            may("roomCreate")?;
            assert_eq!(body["max_participants"], 3);
            let name = body["name"].as_str().unwrap();
            let metadata =
                rooms.entry(name.to_owned()).or_insert_with(|| body["metadata"].as_str().unwrap().to_owned());
            Ok(Json(shown(name, metadata)))
        }
        "UpdateRoomMetadata" => {
            may("roomAdmin")?;
            let name = body["room"].as_str().unwrap();
            assert_eq!(claims["video"]["room"], name);
            body["metadata"].as_str().unwrap().clone_into(rooms.get_mut(name).unwrap());
            Ok(Json(shown(name, &rooms[name])))
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "bad_route", &method)),
    }
}

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
fn a_token_is_livekits_own() {
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
fn blank_fields_are_named() {
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
async fn a_room_is_the_tenants_who_asked_first() {
    let livekit = Livekit::default();
    livekit.rooms.lock().unwrap().insert("old".to_owned(), r#"{"topic":"x"}"#.to_owned());
    let url = livekit.start().await;
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS), ("LIVEKIT_URL", url.as_str())];
    let server = World::new().serve(&[KEYS[0], KEYS[1], auth[0], auth[1], auth[2]]);
    assert_eq!(ask(&server, Some("s1"), &request("den")).status(), 200);
    assert_eq!(livekit.metadata("den"), json!({"auth_id": "first"}));
    assert_eq!(ask(&server, Some("s1"), &request("den")).status(), 200);
    let answer = ask(&server, Some("s2"), &request("den"));
    let denied = json!({"error": "Access denied: room belongs to a different tenant"});
    assert_eq!((answer.status(), answer.json()), (403, denied));
    // One that is nobody's yet becomes the tenant's, and keeps what it had.
    assert_eq!(ask(&server, Some("s2"), &request("old")).status(), 200);
    assert_eq!(livekit.metadata("old"), json!({"auth_id": "second", "topic": "x"}));
    let calls = livekit.calls.lock().unwrap().join(" ");
    assert_eq!(calls, "ListRooms CreateRoom ListRooms ListRooms ListRooms UpdateRoomMetadata");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_livekit_that_fails_is_an_error_of_ours() {
    let livekit = Livekit::default();
    let url = livekit.start().await;
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)];
    let server =
        World::new().serve(&[KEYS[0], ("LIVEKIT_API_SECRET", "wrong"), auth[0], auth[1], ("LIVEKIT_URL", &url)]);
    let answer = ask(&server, Some("s1"), &request("den"));
    let text = "Failed to prepare room: LiveKit answered unauthenticated: signed by another secret";
    assert_eq!((answer.status(), answer.json()), (500, json!({"error": text})));
    let server = World::new().serve(&[KEYS[0], KEYS[1], auth[0], auth[1], ("LIVEKIT_URL", "ws://127.0.0.1:1")]);
    let answer = ask(&server, Some("s1"), &request("den"));
    assert_eq!(answer.status(), 500);
    assert!(
        answer.json()["error"].as_str().unwrap().starts_with("Failed to prepare room: LiveKit cannot be reached: ")
    );
}
