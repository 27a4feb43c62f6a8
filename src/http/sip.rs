//! `/sip`: hooks for incoming calls, outgoing calls, and transfers.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{configured, filled};
use crate::app::App;
use crate::auth::Identity;
use crate::error::{Coded, Error};
use crate::room::{Dial, EntryError, Hooks, HooksError, List, Transfer, Trunk, TwirpError, number};

/// Lists the tenant's hooks, which receive the events of its calls.
#[cfg_attr(feature = "openapi", utoipa::path(get, path = "/sip/hooks", responses(
    (status = 200, body = List), (status = 401, body = crate::error::AuthBody),
)))]
pub(super) async fn hooks(State(app): State<App>, Extension(identity): Extension<Identity>) -> Json<List> {
    Json(app.hooks.list(identity.0.as_deref()))
}

/// Adds hooks of the tenant, or replaces its hooks of the same hosts.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/sip/hooks", request_body = List,
    responses(
        super::rejection::Rejection, (status = 200, body = List, description = "All hooks of the tenant after the change"),
        (status = 400, description = "An invalid hook (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 403, body = crate::error::Body, description = "The hook or its host belongs to another tenant"),
        (status = 405, body = crate::error::Body, description = "The hook of the host is part of the configuration"),
        (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn set_hooks(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(list): Json<List>,
) -> Result<Json<List>, Error> {
    change(&app, move |hooks| hooks.add(identity.0.as_deref(), list.hooks)).await
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Hosts {
    /// The hosts whose hooks are removed.
    hosts: Vec<String>,
}

/// Removes the tenant's hooks of these hosts.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/sip/hooks", request_body = Hosts,
    responses(
        super::rejection::Rejection, (status = 200, body = List, description = "The hooks that are left"),
        (status = 400, description = "No host is given (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 405, body = crate::error::Body, description = "The hook of the host is part of the configuration"),
        (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn delete_hooks(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(request): Json<Hosts>,
) -> Result<Json<List>, Error> {
    change(&app, move |hooks| hooks.remove(identity.0.as_deref(), &request.hosts)).await
}

/// Changes hooks on a thread that may block on the disk. Runs to its end even if the client disconnects.
async fn change(
    app: &App,
    change: impl FnOnce(&Hooks) -> Result<List, HooksError> + Send + 'static,
) -> Result<Json<List>, Error> {
    let hooks = Arc::clone(&app.hooks);
    let changed = tokio::task::spawn_blocking(move || change(&hooks)).await;
    let changed = changed.map_err(|error| HooksError::Write(std::io::Error::other(error)))?;
    Ok(Json(changed?))
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct TransferRequest {
    /// The room of the call.
    room_name: String,
    /// The identity of the participant who is in the room by telephone.
    participant_identity: String,
    /// The number to transfer to: digits, optionally after a `+`.
    transfer_to: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Transferred {
    /// `completed`, or `initiated` if LiveKit's time limit ended first.
    status: &'static str,
    /// The room from the request.
    room_name: String,
    /// The identity from the request.
    participant_identity: String,
    /// The number with `tel:` before it.
    transfer_to: String,
}

/// Transfers a call to another number.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/sip/transfer", request_body = TransferRequest,
    responses(
        super::rejection::Rejection, (status = 200, body = Transferred),
        (status = 400, description = "An invalid number or an empty field (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 404, body = crate::error::Body), (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn transfer(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(request): Json<TransferRequest>,
) -> Result<Json<Transferred>, Coded> {
    let livekit = configured(&app)?;
    let TransferRequest { room_name, participant_identity, transfer_to } = request;
    filled(&[("room_name", &room_name), ("participant_identity", &participant_identity)]).map_err(in_a_call)?;
    let transfer_to = number(&transfer_to).ok_or(Error::PhoneNumber("transfer_to"))?;
    let transfer_to = format!("tel:{transfer_to}");
    let room = livekit.room(identity.0.as_deref(), &room_name).await.map_err(Error::Transfer)?;
    if room.is_none() {
        return Err(Coded(Error::RoomNotFound(room_name)));
    }
    let transferred = livekit.transfer(&room_name, &participant_identity, &transfer_to).await;
    let status = match transferred.map_err(Error::Transfer)? {
        Some(Transfer::Completed) => "completed",
        Some(Transfer::Initiated) => "initiated",
        None => return Err(Coded(Error::NotACall(participant_identity))),
    };
    Ok(Json(Transferred { status, room_name, participant_identity, transfer_to }))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct CallRequest {
    /// The room that the call is put into.
    room_name: String,
    /// The name of the called person in the room.
    participant_name: String,
    /// The identity of the called person, unique in the room.
    participant_identity: String,
    /// The calling number: digits, optionally after a `+`.
    from_phone_number: String,
    /// The number that is called.
    to_phone_number: String,
    /// What this call has of its own.
    sip: Option<Overrides>,
}

/// Where a call goes out, where that is not what the configuration says.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Overrides {
    /// A host, perhaps with a port.
    outbound_address: Option<String>,
    /// The user name at that host. Needs the password.
    auth_username: Option<String>,
    /// The password at that host. Needs the user name.
    auth_password: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Called {
    /// Always `initiated`.
    status: &'static str,
    /// The room from the request.
    room_name: String,
    /// The identity from the request.
    participant_identity: String,
    /// LiveKit's id of the participant.
    participant_id: String,
    /// LiveKit's id of the call.
    sip_call_id: String,
}

/// Calls a number and connects the call to a room. The response is sent while the call is still ringing.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/sip/call", request_body = CallRequest,
    responses(
        super::rejection::Rejection, (status = 200, body = Called),
        (status = 400, description = "An invalid number or an empty field (JSON), or the body is not JSON (text)",
            content((crate::error::Body = "application/json"), (String = "text/plain"))),
        (status = 401, body = crate::error::AuthBody),
        (status = 404, body = crate::error::Body), (status = 500, body = crate::error::Body),
    ),
))]
pub(super) async fn call(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Json(request): Json<CallRequest>,
) -> Result<Json<Called>, Coded> {
    let livekit = configured(&app)?;
    let CallRequest { room_name, participant_name, participant_identity, from_phone_number, to_phone_number, sip } =
        request;
    filled(&[
        ("room_name", &room_name),
        ("participant_name", &participant_name),
        ("participant_identity", &participant_identity),
    ])
    .map_err(in_a_call)?;
    let Overrides { outbound_address, auth_username, auth_password } = sip.unwrap_or_default();
    let config = &app.shared.config.sip;
    let trunk = Trunk::choose(config, outbound_address.as_deref(), auth_username.as_deref(), auth_password.as_deref());
    let dial = Dial {
        room_name: &room_name,
        participant_identity: &participant_identity,
        participant_name: &participant_name,
        sip_number: number(&from_phone_number).ok_or(Error::PhoneNumber("from_phone_number"))?,
        sip_call_to: number(&to_phone_number).ok_or(Error::PhoneNumber("to_phone_number"))?,
        trunk: trunk.ok_or(Error::NoOutboundAddress)?,
    };
    let dialled = livekit.dial(identity.0.as_deref(), &dial).await;
    let dialled = dialled.map_err(|error| match error {
        EntryError::Foreign => Error::RoomNotFound(room_name.clone()),
        EntryError::Twirp(error) => Error::Call(error),
        EntryError::Sign(error) => Error::Call(TwirpError::Sign(error)),
    })?;
    let (participant_id, sip_call_id) = (dialled.participant_id, dialled.sip_call_id);
    Ok(Json(Called { status: "initiated", room_name, participant_identity, participant_id, sip_call_id }))
}

/// Gives an empty field the error code of an invalid number.
fn in_a_call(error: Error) -> Error {
    match error {
        Error::EmptyField(field) => Error::EmptyCallField(field),
        other => other,
    }
}
