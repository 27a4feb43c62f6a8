//! `POST /livekit/token`: a participant's way into a room.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{configured, filled};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::room::EntryError;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenRequest))]
pub(super) struct Request {
    /// The room to join.
    room_name: String,
    /// The participant's name.
    participant_name: String,
    /// The participant's identity, one of its kind in the room.
    participant_identity: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenAnswer))]
pub(super) struct Answer {
    /// A LiveKit access token.
    token: String,
    /// As asked.
    room_name: String,
    /// As asked.
    participant_identity: String,
    /// Where to connect.
    livekit_url: String,
}

/// A token to join a room. With a tenant, the room is made for it first.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/livekit/token", request_body = Request,
    responses(
        super::rejection::Rejection, (status = 200, body = Answer),
        (status = 400, description = "A field without content; not JSON at all",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody), (status = 403, body = crate::error::Body),
        (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn token(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(request): Json<Request>,
) -> Result<Json<Answer>, Error> {
    let livekit = configured(&app)?;
    let Request { room_name, participant_name, participant_identity } = request;
    filled(&[
        ("room_name", &room_name),
        ("participant_name", &participant_name),
        ("participant_identity", &participant_identity),
    ])?;
    let tenant = identity.0.as_deref();
    let token = livekit.participant_token(tenant, &room_name, &participant_identity, &participant_name).await;
    let token = token.map_err(|error| match error {
        EntryError::Foreign => Error::ForeignRoom,
        EntryError::Twirp(error) => Error::Room(error),
        EntryError::Sign(error) => Error::Token(error),
    })?;
    Ok(Json(Answer { token, room_name, participant_identity, livekit_url: livekit.public_url.clone() }))
}
