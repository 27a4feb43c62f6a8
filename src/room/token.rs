//! LiveKit access tokens: JWTs with grants (<https://docs.livekit.io/home/get-started/authentication/>).

use serde::Serialize;

use crate::jwt::{self, Error, Key};

/// The lifetime of a participant's token, in seconds. The default of LiveKit's own libraries.
const PARTICIPANT: u64 = 6 * 3600;

/// The lifetime of a token for one API call, in seconds. Includes clocks that differ.
const CALL: u64 = 600;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    nbf: u64,
    exp: u64,
    video: Grants<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sip: Option<Calls>,
}

/// The grants for SIP: `call` for outgoing calls, `admin` for the rest.
#[derive(Serialize)]
struct Calls {
    admin: bool,
    call: bool,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "LiveKit's own form")]
struct Grants<'a> {
    room_join: bool,
    room: &'a str,
    room_admin: bool,
    room_create: bool,
    room_list: bool,
    can_publish: bool,
    can_subscribe: bool,
    can_publish_data: bool,
    can_update_own_metadata: bool,
}

/// Returns a token to join one room, publish, subscribe and send data.
pub(super) fn participant(issuer: &str, secret: &Key, room: &str, identity: &str, name: &str) -> Result<String, Error> {
    let grants = Grants {
        room_join: true,
        room,
        can_publish: true,
        can_subscribe: true,
        can_publish_data: true,
        can_update_own_metadata: true,
        ..Grants::default()
    };
    let claims = Claims {
        iss: issuer,
        sub: Some(identity),
        name: Some(name),
        nbf: 0,
        exp: PARTICIPANT,
        video: grants,
        sip: None,
    };
    sign(secret, claims)
}

/// Returns a token for the API of rooms, and of SIP if `calls` is true.
pub(super) fn administrator(issuer: &str, secret: &Key, room: &str, calls: bool) -> Result<String, Error> {
    let grants = Grants { room, room_admin: true, room_create: true, room_list: true, ..Grants::default() };
    let sip = calls.then_some(Calls { admin: true, call: true });
    sign(secret, Claims { iss: issuer, sub: None, name: None, nbf: 0, exp: CALL, video: grants, sip })
}

/// Signs claims, whose times are relative to now.
fn sign(secret: &Key, claims: Claims<'_>) -> Result<String, Error> {
    let now = jwt::now();
    secret.sign(&Claims { nbf: now + claims.nbf, exp: now + claims.exp, ..claims })
}
