//! `/livekit/rooms` and `/livekit/participant`: lists the rooms of a tenant, removes and mutes participants.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{configured, filled};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{Coded, Error};
use crate::room;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Rooms {
    /// The tenant's rooms.
    rooms: Vec<Summary>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RoomSummary))]
struct Summary {
    /// The room's name.
    name: String,
    /// The number of participants.
    num_participants: u32,
    /// The time of its creation, in seconds since 1970.
    creation_time: i64,
}

/// Lists the tenant's rooms.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/livekit/rooms", responses(
    (status = 200, body = Rooms), (status = 401, body = crate::error::AuthBody),
    (status = 500, body = crate::error::Body),
)))]
pub(super) async fn list(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<Rooms>, Error> {
    let rooms = configured(&app)?.rooms(identity.0.as_deref()).await.map_err(Error::Rooms)?;
    let summary = |room: room::Room| Summary {
        name: room.name,
        num_participants: room.num_participants,
        creation_time: room.creation_time,
    };
    Ok(Json(Rooms { rooms: rooms.into_iter().map(summary).collect() }))
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RoomDetails))]
pub(super) struct Details {
    #[serde(flatten)]
    room: room::Room,
    /// The participants of the room.
    participants: Vec<room::ParticipantInfo>,
}

/// Returns a room and its participants.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/livekit/rooms/{room_name}", params(("room_name" = String, Path)),
    responses(
        (status = 200, body = Details),
        (status = 400, body = String, content_type = "text/plain", description = "The name of the room is not UTF-8"),
        (status = 401, body = crate::error::AuthBody),
        (status = 404, body = crate::error::Body), (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn room(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
) -> Result<Json<Details>, Error> {
    let livekit = configured(&app)?;
    let room = livekit.room(identity.0.as_deref(), &name).await.map_err(Error::Rooms)?;
    let room = room.ok_or_else(|| Error::RoomNotFound(name.clone()))?;
    let participants = livekit.participants(&name).await.map_err(Error::Rooms)?;
    Ok(Json(Details { room, participants }))
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RemoveRequest))]
pub(super) struct Remove {
    /// The room.
    room_name: String,
    /// The identity of the participant to remove.
    participant_identity: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Removed {
    /// Always `removed`.
    status: &'static str,
    /// The room from the request.
    room_name: String,
    /// The identity from the request.
    participant_identity: String,
}

/// Removes a participant. Their token stays valid, so they can join again.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/livekit/participant", request_body = Remove,
    responses(
        super::rejection::Rejection, (status = 200, body = Removed),
        (status = 400, description = "A required field is empty (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 404, body = crate::error::Body), (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn remove(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(Remove { room_name, participant_identity }): Json<Remove>,
) -> Result<Json<Removed>, Coded> {
    let livekit = configured(&app)?;
    filled(&[("room_name", &room_name), ("participant_identity", &participant_identity)])?;
    let removed = livekit.remove(identity.0.as_deref(), &room_name, &participant_identity).await;
    if removed.map_err(Error::Removal)? {
        Ok(Json(Removed { status: "removed", room_name, participant_identity }))
    } else {
        Err(Coded(Error::ParticipantNotFound(participant_identity)))
    }
}

/// A request to mute or unmute a track. The response to a request that was carried out is the request.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Mute {
    /// The room.
    room_name: String,
    /// The identity of the participant.
    participant_identity: String,
    /// The id of the track.
    track_sid: String,
    /// Whether the track is to be muted.
    muted: bool,
}

/// Mutes a participant's track, or unmutes it if LiveKit's own configuration allows that.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/livekit/participant/mute", request_body = Mute,
    responses(
        super::rejection::Rejection, (status = 200, body = Mute),
        (status = 400, description = "A required field is empty (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 404, body = crate::error::Body), (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn mute(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(request): Json<Mute>,
) -> Result<Json<Mute>, Coded> {
    let livekit = configured(&app)?;
    let Mute { room_name, participant_identity, track_sid, muted } = &request;
    filled(&[("room_name", room_name), ("participant_identity", participant_identity), ("track_sid", track_sid)])?;
    let done = livekit.mute(identity.0.as_deref(), room_name, participant_identity, track_sid, *muted).await;
    if done.map_err(Error::Mute)? {
        Ok(Json(request))
    } else {
        Err(Coded(Error::ParticipantNotFound(request.participant_identity)))
    }
}
