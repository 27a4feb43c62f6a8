//! A LiveKit server's API, as strict as the real one about who asks for what, and as forgetful.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router, response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

pub(crate) const KEYS: [(&str, &str); 2] = [("LIVEKIT_API_KEY", "the-key"), ("LIVEKIT_API_SECRET", "the-secret")];

/// The claims of a token that the secret has signed.
pub(crate) fn claims(token: &str) -> Result<Value, String> {
    let (message, signature) = token.rsplit_once('.').ok_or("no JWT")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|e| e.to_string())?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"the-secret");
    hmac::verify(&key, message.as_bytes(), &signature).map_err(|_| "signed by another secret")?;
    let body = URL_SAFE_NO_PAD.decode(message.split('.').nth(1).unwrap()).map_err(|e| e.to_string())?;
    serde_json::from_slice(&body).map_err(|e| e.to_string())
}

#[derive(Debug, Default)]
struct Room {
    metadata: String,
    /// By identity, as LiveKit shows them.
    participants: BTreeMap<String, Value>,
}

/// Rooms, and what was asked about them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Livekit {
    rooms: Arc<Mutex<BTreeMap<String, Room>>>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

type Refusal = (StatusCode, Json<Value>);

fn refuse(status: StatusCode, code: &str, message: &str) -> Refusal {
    (status, Json(json!({"code": code, "msg": format!("twirp error unknown: {message}")})))
}

fn absent(message: &str) -> Refusal {
    refuse(StatusCode::NOT_FOUND, "not_found", message)
}

impl Livekit {
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/twirp/{service}/{method}", post(call)).with_state(self.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    pub(crate) fn with_room(self, name: &str, metadata: &str) -> Self {
        let mut rooms = self.rooms.lock().unwrap();
        metadata.clone_into(&mut rooms.entry(name.to_owned()).or_default().metadata);
        drop(rooms);
        self
    }

    /// A participant with a track of the name `TR_1`.
    pub(crate) fn with_participant(self, room: &str, identity: &str, kind: &str, attributes: &Value) -> Self {
        let shown = json!({
            "sid": format!("PA_{identity}"), "identity": identity, "name": "", "state": "ACTIVE", "kind": kind,
            "joined_at": "1700000001", "joined_at_ms": "1700000001000", "metadata": "", "attributes": attributes,
            "is_publisher": true, "tracks": [{"sid": "TR_1", "muted": false}], "permission": null, "version": 3,
        });
        let mut rooms = self.rooms.lock().unwrap();
        rooms.entry(room.to_owned()).or_default().participants.insert(identity.to_owned(), shown);
        drop(rooms);
        self
    }

    pub(crate) fn metadata(&self, room: &str) -> Value {
        serde_json::from_str(&self.rooms.lock().unwrap()[room].metadata).unwrap()
    }

    /// What was called, in its order.
    pub(crate) fn called(&self) -> String {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Waits for a call of this name.
    #[cfg(unix)]
    pub(crate) async fn until_called(&self, method: &str) {
        let called = async {
            while !self.calls.lock().unwrap().iter().any(|(name, _)| name == method) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), called).await.expect("a call");
    }

    /// What the last call of this name said.
    pub(crate) fn said(&self, method: &str) -> Value {
        let calls = self.calls.lock().unwrap();
        calls.iter().rfind(|(name, _)| name == method).unwrap().1.clone()
    }
}

async fn call(
    State(livekit): State<Livekit>,
    Path((service, method)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> response::Result<Json<Value>, Refusal> {
    let token = headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let claims = claims(token).map_err(|e| refuse(StatusCode::UNAUTHORIZED, "unauthenticated", &e))?;
    livekit.calls.lock().unwrap().push((method.clone(), body.clone()));
    let mut rooms = livekit.rooms.lock().unwrap();
    match service.as_str() {
        "livekit.RoomService" => about_rooms(&mut rooms, &method, &claims, &body).map(Json),
        "livekit.SIP" => about_calls(&method, &claims, &body).map(Json),
        _ => Err(refuse(StatusCode::NOT_FOUND, "bad_route", &method)),
    }
}

/// Refuses a token without this grant: of rooms, and then for the room that is meant, or of calls.
fn may(claims: &Value, grant: &str, room: Option<&Value>) -> Result<(), Refusal> {
    let given = claims["iss"] == "the-key" && claims.pointer(&format!("/{grant}")) == Some(&json!(true));
    let here = room.is_none_or(|room| claims["video"]["room"] == *room);
    if given && here { Ok(()) } else { Err(refuse(StatusCode::FORBIDDEN, "permission_denied", grant)) }
}

fn shown(name: &str, room: &Room) -> Value {
    json!({
        "sid": format!("RM_{name}"), "name": name, "metadata": room.metadata, "max_participants": 3,
        "num_participants": room.participants.len(), "creation_time": "1700000000", "active_recording": false,
        "enabled_codecs": [{"mime": "audio/opus", "fmtp_line": ""}], "version": null,
    })
}

fn about_rooms(
    rooms: &mut BTreeMap<String, Room>,
    method: &str,
    claims: &Value,
    body: &Value,
) -> Result<Value, Refusal> {
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    match method {
        "ListRooms" => {
            may(claims, "video/roomList", None)?;
            let names = body["names"].as_array().unwrap();
            let found = rooms.iter().filter(|(name, _)| names.is_empty() || names.contains(&json!(name)));
            return Ok(json!({"rooms": found.map(|(name, room)| shown(name, room)).collect::<Vec<_>>()}));
        }
        "CreateRoom" => {
            may(claims, "video/roomCreate", None)?;
            assert_eq!(body["max_participants"], 3);
            let made = || Room { metadata: text("metadata"), ..Room::default() };
            return Ok(shown(&text("name"), rooms.entry(text("name")).or_insert_with(made)));
        }
        "DeleteRoom" => {
            may(claims, "video/roomCreate", None)?;
            rooms.remove(&text("room"));
            return Ok(json!({}));
        }
        _ => may(claims, "video/roomAdmin", Some(&body["room"]))?,
    }
    let gone = || absent("participant does not exist");
    if method == "ListParticipants" {
        let participants = rooms.get(&text("room")).map(|room| room.participants.values().collect::<Vec<_>>());
        return Ok(json!({"participants": participants.unwrap_or_default()}));
    }
    let room = rooms.get_mut(&text("room"));
    match method {
        "UpdateRoomMetadata" => {
            let room = room.ok_or_else(|| absent("requested room does not exist"))?;
            room.metadata = text("metadata");
            Ok(shown(&text("room"), room))
        }
        "GetParticipant" => room.and_then(|room| room.participants.get(&text("identity")).cloned()).ok_or_else(gone),
        "RemoveParticipant" => {
            room.and_then(|room| room.participants.remove(&text("identity"))).map(|_| json!({})).ok_or_else(gone)
        }
        "MutePublishedTrack" => {
            // The real one waits for the answer of the participant's server.
            let nobody = || refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "no response from servers");
            let participant = room.and_then(|room| room.participants.get_mut(&text("identity"))).ok_or_else(nobody)?;
            if body["track_sid"] != "TR_1" {
                return Ok(json!({"track": null}));
            }
            participant["tracks"][0]["muted"] = body["muted"].clone();
            Ok(json!({"track": participant["tracks"][0]}))
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "bad_route", method)),
    }
}

/// Number 1 rings for longer than LiveKit waits, number 2 is busy.
fn about_calls(method: &str, claims: &Value, body: &Value) -> Result<Value, Refusal> {
    may(claims, "sip/call", None)?;
    let busy = || refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "busy");
    match method {
        "CreateSIPParticipant" if body["sip_call_to"] == "2" => Err(busy()),
        "CreateSIPParticipant" => Ok(json!({
            "participant_id": "PA_call", "participant_identity": body["participant_identity"],
            "room_name": body["room_name"], "sip_call_id": "SC_call",
        })),
        "TransferSIPParticipant" => {
            may(claims, "video/roomAdmin", Some(&body["room_name"]))?;
            match body["transfer_to"].as_str() {
                Some("tel:1") => Err(refuse(StatusCode::REQUEST_TIMEOUT, "deadline_exceeded", "request timed out")),
                Some("tel:2") => Err(busy()),
                _ => Ok(json!({})),
            }
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "bad_route", method)),
    }
}
