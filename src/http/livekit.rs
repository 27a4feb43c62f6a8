//! `POST /livekit/token`: access tokens for participants of rooms.

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
    /// The participant's identity, unique in the room.
    participant_identity: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenAnswer))]
pub(super) struct Answer {
    /// A LiveKit access token.
    token: String,
    /// The room from the request.
    room_name: String,
    /// The identity from the request.
    participant_identity: String,
    /// The URL of LiveKit (`livekit.public_url`).
    livekit_url: String,
}

/// Returns a token to join a room. With a tenant, the room is created and assigned to the tenant first.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/livekit/token", request_body = Request,
    responses(
        super::rejection::Rejection, (status = 200, body = Answer),
        (status = 400, description = "A required field is empty (JSON), or the body is not JSON (text)",
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
