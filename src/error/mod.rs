//! What clients are told when something cannot be done: the texts and statuses live here and nowhere else. Those of the
//! providers come from there; what they mean for a client is decided here.

mod session;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::provider::{ErrorKind, PlanError, TtsError, whole_seconds};
use crate::room::{HooksError, WebhookError};
use crate::{jwt, room};
pub use session::SessionError;

/// What a page of another origin gets as its error; as the reason of a close frame, 123 bytes at the most.
pub(crate) const ORIGIN_REFUSED: &str =
    "this origin is not allowed: add it to server.allowed_origins, or set auth.required";

/// A request that was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is served under this path.
    #[error("Not found")]
    NotFound,
    /// The path exists, but not for this method.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// The server stops.
    #[error("Server is shutting down")]
    Draining,
    /// All of `server.max_connections` are taken.
    #[error("Server is full: server.max_connections are open")]
    Full,
    /// `/ws` without the headers of an upgrade.
    #[error("WebSocket upgrade expected: connect with ws:// or wss://")]
    NotAnUpgrade,
    /// `/ws` in another version than 13.
    #[error("Unsupported WebSocket version: 13 is spoken here")]
    WebSocketVersion,
    /// A body that did not end in time.
    #[error("The body of the request did not come within {0} s (server.body_timeout_seconds)")]
    BodyTimeout(u64),
    /// Nothing to speak.
    #[error("Text cannot be empty")]
    EmptyText,
    /// Too much to speak.
    #[error("Text is {chars} characters long, {most} are the most that is spoken at once")]
    TextTooLong {
        /// How long it is.
        chars: usize,
        /// `server.max_text_chars`.
        most: usize,
    },
    /// Speech that is not to be had like that.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Speech that did not come.
    #[error("Failed to synthesize speech: {0}")]
    Speech(#[from] TtsError),
    /// A field without content.
    #[error("Invalid request: {0} cannot be empty")]
    EmptyField(&'static str),
    /// A browser page of another origin.
    #[error("{}", ORIGIN_REFUSED)]
    Origin,
    /// No keys of `LiveKit`.
    #[error("LiveKit service not configured")]
    LivekitNotConfigured,
    /// A room of somebody else.
    #[error("Access denied: room belongs to a different tenant")]
    ForeignRoom,
    /// A room that could not be made or marked.
    #[error("Failed to prepare room: {0}")]
    Room(room::TwirpError),
    /// No token.
    #[error("Failed to generate LiveKit token: {0}")]
    Token(#[from] jwt::Error),
    /// Rooms that could not be looked at.
    #[error("Failed to get rooms: {0}")]
    Rooms(room::TwirpError),
    /// No such room, or one of another tenant, which is not told.
    #[error("Room '{0}' not found")]
    RoomNotFound(String),
    /// Nobody of that name or no such track, no such room, or one of another tenant, which is not told.
    #[error("Participant '{0}' not found in room")]
    ParticipantNotFound(String),
    /// Somebody who stays.
    #[error("Failed to remove participant: {0}")]
    Removal(room::TwirpError),
    /// A track that goes on as before.
    #[error("Failed to mute track: {0}")]
    Mute(room::TwirpError),
    /// A webhook request without keys to check it with.
    #[error("LiveKit service not configured")]
    WebhookNotConfigured,
    /// A webhook request without a signature.
    #[error("Missing Authorization header")]
    WebhookUnsigned,
    /// A webhook request that `LiveKit` did not sign, or that cannot be parsed.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Hooks that stay as they are.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// A field without content, where calls are meant.
    #[error("Invalid request: {0} cannot be empty")]
    EmptyCallField(&'static str),
    /// Not a number, in this field.
    #[error("Invalid phone number in {0}")]
    PhoneNumber(&'static str),
    /// Nowhere for calls to go out.
    #[error("Outbound address not configured")]
    NoOutboundAddress,
    /// Nobody of that name, or none who is there by telephone.
    #[error("Participant '{0}' not found or is not a SIP participant")]
    NotACall(String),
    /// A call that was not handed on.
    #[error("Failed to transfer call: {0}")]
    Transfer(room::TwirpError),
    /// A call that did not come about.
    #[error("Failed to call: {0}")]
    Call(room::TwirpError),
    /// A name that is no name of a session.
    #[error("Invalid stream_id format")]
    StreamId,
    /// No storage.
    #[error("Recording storage not configured")]
    RecordingNotConfigured,
}

impl Error {
    /// The HTTP status that goes with it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::RoomNotFound(_) | Self::ParticipantNotFound(_) | Self::NotACall(_) => {
                StatusCode::NOT_FOUND
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Hooks(error) => of_hooks(error),
            Self::WebhookUnsigned | Self::Webhook(WebhookError::Signature) => StatusCode::UNAUTHORIZED,
            Self::Draining | Self::Full | Self::RecordingNotConfigured | Self::WebhookNotConfigured => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::BodyTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NotAnUpgrade | Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::EmptyText
            | Self::TextTooLong { .. }
            | Self::EmptyField(_)
            | Self::EmptyCallField(_)
            | Self::PhoneNumber(_)
            | Self::Webhook(WebhookError::Body(_))
            | Self::StreamId => StatusCode::BAD_REQUEST,
            Self::Plan(error) => status(error.kind()),
            Self::Speech(TtsError::Api { status: 429, .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Speech(error) => status(error.kind()),
            Self::ForeignRoom | Self::Origin => StatusCode::FORBIDDEN,
            Self::LivekitNotConfigured
            | Self::Room(_)
            | Self::Token(_)
            | Self::Rooms(_)
            | Self::Removal(_)
            | Self::Mute(_)
            | Self::NoOutboundAddress
            | Self::Transfer(_)
            | Self::Call(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn of_hooks(error: &HooksError) -> StatusCode {
    match error {
        HooksError::Fixed(_) => StatusCode::METHOD_NOT_ALLOWED,
        HooksError::Foreign(_) | HooksError::ForeignTenant(_) => StatusCode::FORBIDDEN,
        HooksError::NoFolder | HooksError::NoSecret | HooksError::Write(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The client's fault where it chose: the provider, the options, credentials of its own.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::UnknownProvider
        | ErrorKind::InvalidAuthInput
        | ErrorKind::BadOptions
        | ErrorKind::ProviderAuth { own: true } => StatusCode::BAD_REQUEST,
        ErrorKind::RateLimited => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::MissingServerAuth
        | ErrorKind::ProviderAuth { own: false }
        | ErrorKind::Provider
        | ErrorKind::Timeout => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Error))]
pub(crate) struct Body {
    /// What was wrong.
    error: String,
    /// A stable name of it, where the path has such.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = Json(Body { error: self.to_string(), code: None });
        match self {
            Self::Draining | Self::Full => {
                (self.status(), [(header::RETRY_AFTER, "5"), (header::CONNECTION, "close")], body).into_response()
            }
            Self::BodyTimeout(_) => (self.status(), [(header::CONNECTION, "close")], body).into_response(),
            Self::Speech(ref error) => match error.retry_after() {
                Some(after) => {
                    let seconds = HeaderValue::from(whole_seconds(after));
                    (self.status(), [(header::RETRY_AFTER, seconds)], body).into_response()
                }
                None => (self.status(), body).into_response(),
            },
            Self::NotAnUpgrade => (self.status(), [(header::UPGRADE, "websocket")], body).into_response(),
            Self::WebSocketVersion => (self.status(), [(header::SEC_WEBSOCKET_VERSION, "13")], body).into_response(),
            _ => (self.status(), body).into_response(),
        }
    }
}

/// An error of the paths that name its kind too.
#[derive(Debug)]
pub(crate) struct Coded(pub(crate) Error);

impl From<Error> for Coded {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Coded {
    fn into_response(self) -> Response {
        let code = match self.0 {
            Error::LivekitNotConfigured => "LIVEKIT_NOT_CONFIGURED",
            Error::ParticipantNotFound(_) | Error::NotACall(_) => "PARTICIPANT_NOT_FOUND",
            // Of a room that is not there a tenant is told the same as of one that is another's.
            Error::RoomNotFound(_) => "ROOM_ACCESS_DENIED",
            Error::PhoneNumber(_) | Error::EmptyCallField(_) => "INVALID_PHONE_NUMBER",
            Error::NoOutboundAddress => "OUTBOUND_ADDRESS_NOT_CONFIGURED",
            Error::Transfer(_) => "TRANSFER_FAILED",
            Error::Call(_) => "CALL_FAILED",
            Error::Removal(_) => "REMOVAL_FAILED",
            Error::Mute(_) => "MUTE_FAILED",
            _ => "INVALID_REQUEST",
        };
        (self.0.status(), Json(Body { error: self.0.to_string(), code: Some(code) })).into_response()
    }
}

/// A request of somebody who may not, or may not yet.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Neither header nor query parameter.
    #[error("Missing authentication token (Authorization header or api_key query parameter)")]
    Missing,
    /// A header that is no bearer token.
    #[error("Invalid Authorization header: expected `Bearer <token>`")]
    Header,
    /// None of the secrets.
    #[error("Unauthorized: Invalid API secret")]
    Secret,
    /// The service said no.
    #[error("Unauthorized: {0}")]
    Denied(String),
    /// The service accepted the token without naming a tenant.
    #[error("Unauthorized: the auth service named no tenant")]
    NoTenant,
    /// The service said something else.
    #[error("Auth service error ({status}): {body}")]
    Service {
        /// What it said.
        status: u16,
        /// How it said it.
        body: String,
    },
    /// The service said nothing.
    #[error("Auth service unavailable: {0}")]
    Unavailable(String),
    /// The question could not be signed.
    #[error("JWT signing error: {0}")]
    Signing(#[from] jwt::Error),
    /// The request is larger than what is read of one.
    #[error("Request body exceeds {0} bytes (server.max_message_bytes)")]
    Body(usize),
}

impl AuthError {
    /// The stable name, and the status.
    pub fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::Missing => ("missing_auth_header", StatusCode::UNAUTHORIZED),
            Self::Header => ("invalid_auth_header", StatusCode::UNAUTHORIZED),
            Self::Secret | Self::Denied(_) | Self::NoTenant => ("unauthorized", StatusCode::UNAUTHORIZED),
            Self::Service { status: 400..500, .. } => ("auth_service_error", StatusCode::UNAUTHORIZED),
            Self::Service { .. } => ("auth_service_error", StatusCode::BAD_GATEWAY),
            Self::Unavailable(_) => ("auth_service_unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Signing(_) => ("jwt_signing_error", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Body(_) => ("request_too_large", StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuthError))]
pub(crate) struct AuthBody {
    /// A stable name.
    error: &'static str,
    /// What was wrong.
    message: String,
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (error, status) = self.code();
        (status, Json(AuthBody { error, message: self.to_string() })).into_response()
    }
}
