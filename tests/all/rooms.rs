//! LiveKit rooms over REST: participants are listed, removed and muted.

use serde_json::{Value, json};

use crate::livekit::SECRETS;
use crate::support::livekit::{KEYS, Livekit};
use crate::support::{Answer, Server, World};

/// Two rooms of one tenant, one of another and one without an owner, and a caller in the first.
fn rooms() -> Livekit {
    Livekit::default()
        .with_room("den", r#"{"auth_id":"first"}"#)
        .with_room("attic", r#"{"auth_id":"first","topic":"x"}"#)
        .with_room("other", r#"{"auth_id":"second"}"#)
        .with_room("nobodys", "")
        .with_participant("den", "ann", "SIP", &json!({"sip.callID": "SC_1"}))
        .with_participant("other", "ann", "STANDARD", &json!({}))
}

async fn serve(livekit: &Livekit) -> Server {
    let url = livekit.start().await;
    let auth = [("AUTH_REQUIRED", "true"), ("AUTH_API_SECRETS_JSON", SECRETS)];
    World::new().serve(&[KEYS[0], KEYS[1], auth[0], auth[1], ("LIVEKIT_URL", &url)])
}

/// Asks as the tenant of this secret.
pub(crate) fn ask(server: &Server, secret: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {secret}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.request(method, path, &headers, body.to_string().as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn room_list_has_only_the_tenants_rooms() {
    let server = serve(&rooms()).await;
    let answer = ask(&server, "s1", "GET", "/livekit/rooms", &json!({}));
    let summary =
        |name: &str, count: u32| json!({"name": name, "num_participants": count, "creation_time": 1_700_000_000});
    assert_eq!((answer.status(), answer.json()), (200, json!({"rooms": [summary("attic", 0), summary("den", 1)]})));
    let answer = ask(&server, "s1", "GET", "/livekit/rooms/den", &json!({}));
    let expected = json!({
        "sid": "RM_den", "name": "den", "num_participants": 1, "max_participants": 3, "creation_time": 1_700_000_000,
        "metadata": r#"{"auth_id":"first"}"#, "active_recording": false,
        "participants": [{
            "sid": "PA_ann", "identity": "ann", "name": "", "state": "ACTIVE", "kind": "SIP", "joined_at": 1_700_000_001,
            "metadata": "", "attributes": {"sip.callID": "SC_1"}, "is_publisher": true,
        }],
    });
    assert_eq!((answer.status(), answer.json()), (200, expected));
    // Rooms of another tenant or without an owner look like missing rooms.
    for name in ["other", "nobodys", "nowhere"] {
        let answer = ask(&server, "s1", "GET", &format!("/livekit/rooms/{name}"), &json!({}));
        assert_eq!((answer.status(), answer.json()), (404, json!({"error": format!("Room '{name}' not found")})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_list_without_tenants_has_all_rooms() {
    let livekit = rooms().with_participant("nobodys", "bob", "ROBOT", &json!({}));
    let url = livekit.start().await;
    let server = World::new().serve(&[KEYS[0], KEYS[1], ("LIVEKIT_URL", &url)]);
    let listed: Value = serde_json::from_str(&server.ask("GET", "/livekit/rooms").1).unwrap();
    assert_eq!(listed["rooms"].as_array().unwrap().len(), 4, "{listed}");
    let room: Value = serde_json::from_str(&server.ask("GET", "/livekit/rooms/nobodys").1).unwrap();
    assert_eq!(room["participants"][0]["kind"], "UNKNOWN", "{room}");
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_of_the_tenants_room_is_muted_and_removed() {
    let livekit = rooms();
    let server = serve(&livekit).await;
    let mute = json!({"room_name": "den", "participant_identity": "ann", "track_sid": "TR_1", "muted": true});
    let answer = ask(&server, "s1", "POST", "/livekit/participant/mute", &mute);
    assert_eq!((answer.status(), answer.json()), (200, mute.clone()));
    let asked = json!({"room": "den", "identity": "ann", "track_sid": "TR_1", "muted": true});
    assert_eq!(livekit.said("MutePublishedTrack"), asked);
    let removal = json!({"room_name": "den", "participant_identity": "ann"});
    let absent = json!({"error": "Participant 'ann' not found in room", "code": "PARTICIPANT_NOT_FOUND"});
    // Another tenant, and a request for another's room, get the same error as for a missing participant.
    for (secret, room) in [("s2", "den"), ("s1", "other"), ("s1", "nobodys"), ("s1", "nowhere")] {
        let mut mute = mute.clone();
        mute["room_name"] = json!(room);
        let removal = json!({"room_name": room, "participant_identity": "ann"});
        let answers = [
            ask(&server, secret, "POST", "/livekit/participant/mute", &mute),
            ask(&server, secret, "DELETE", "/livekit/participant", &removal),
        ];
        for answer in answers {
            assert_eq!((answer.status(), answer.json()), (404, absent.clone()), "{secret} {room}");
        }
    }
    let mut other_track = mute.clone();
    other_track["track_sid"] = json!("TR_2");
    assert_eq!(ask(&server, "s1", "POST", "/livekit/participant/mute", &other_track).status(), 404);
    let answer = ask(&server, "s1", "DELETE", "/livekit/participant", &removal);
    let removed = json!({"status": "removed", "room_name": "den", "participant_identity": "ann"});
    assert_eq!((answer.status(), answer.json()), (200, removed));
    for (method, path, body) in
        [("DELETE", "/livekit/participant", &removal), ("POST", "/livekit/participant/mute", &mute)]
    {
        let answer = ask(&server, "s1", method, path, body);
        assert_eq!((answer.status(), answer.json()), (404, absent.clone()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_request_that_fails_has_an_error_code() {
    let server = World::new().serve(&[KEYS[0], KEYS[1], ("LIVEKIT_URL", "ws://127.0.0.1:1")]);
    let mute = json!({"room_name": "a", "participant_identity": "b", "track_sid": "c", "muted": false});
    let removal = json!({"room_name": "a", "participant_identity": "b"});
    for (path, method, body, fields) in [
        ("/livekit/participant/mute", "POST", &mute, &["room_name", "participant_identity", "track_sid"][..]),
        ("/livekit/participant", "DELETE", &removal, &["room_name", "participant_identity"][..]),
    ] {
        for field in fields {
            let mut body = body.clone();
            body[field] = json!(" ");
            let answer = ask(&server, "", method, path, &body);
            let error = format!("Invalid request: {field} cannot be empty");
            let expected = json!({"error": error, "code": "INVALID_REQUEST"});
            assert_eq!((answer.status(), answer.json()), (400, expected));
        }
    }
    for (method, path, body, code, begin) in [
        ("GET", "/livekit/rooms", &json!({}), json!(null), "Failed to get rooms: LiveKit cannot be reached: "),
        ("GET", "/livekit/rooms/a", &json!({}), json!(null), "Failed to get rooms: LiveKit cannot be reached: "),
        ("POST", "/livekit/participant/mute", &mute, json!("MUTE_FAILED"), "Failed to mute track: LiveKit "),
        ("DELETE", "/livekit/participant", &removal, json!("REMOVAL_FAILED"), "Failed to remove participant: LiveKit "),
    ] {
        let answer = ask(&server, "", method, path, body);
        let said = answer.json();
        assert_eq!((answer.status(), &said["code"]), (500, &code), "{path}");
        assert!(said["error"].as_str().unwrap().starts_with(begin), "{said}");
    }
}
