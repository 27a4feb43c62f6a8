//! LiveKit access tokens: JWTs with grants, as every LiveKit server reads them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::jwt::{Error, Key};

/// How long a participant may take to join, in seconds; what LiveKit's own libraries say.
const PARTICIPANT: u64 = 6 * 3600;

/// How long one call of the API may take, clocks that differ included.
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

/// A token to join one room and speak there.
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
    sign(issuer, secret, Some(identity), Some(name), PARTICIPANT, grants)
}

/// A token for a call about rooms.
pub(super) fn administrator(issuer: &str, secret: &Key, room: &str) -> Result<String, Error> {
    let grants = Grants { room, room_admin: true, room_create: true, room_list: true, ..Grants::default() };
    sign(issuer, secret, None, None, CALL, grants)
}

fn sign(
    iss: &str,
    secret: &Key,
    sub: Option<&str>,
    name: Option<&str>,
    seconds: u64,
    video: Grants<'_>,
) -> Result<String, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    secret.sign(&Claims { iss, sub, name, nbf: now, exp: now + seconds, video })
}
