//! The errors that clients receive: text, HTTP status and error code. Errors of providers keep their own texts and get their
//! status here. `docs/use/troubleshooting.md` has a section for each code.

mod session;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::provider::{ErrorKind, PlanError, TtsError, whole_seconds};
use crate::room::{HooksError, WebhookError};
use crate::{jwt, room};
pub use session::SessionError;

/// The error for a page of another origin. As the reason of a close frame it is limited to 123 bytes (RFC 6455, section 5.5).
pub(crate) const ORIGIN_REFUSED: &str =
    "this origin is not allowed: add it to server.allowed_origins, or set auth.required";

/// A REST request that was rejected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path does not exist.
    #[error("Not found")]
    NotFound,
    /// The path does not support this method.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// The server is shutting down.
    #[error("Server is shutting down")]
    Draining,
    /// All of `server.max_connections` are open.
    #[error("Server is full: server.max_connections are open")]
    Full,
    /// A request of `/ws` without the headers of an upgrade.
    #[error("WebSocket upgrade expected: connect with ws:// or wss://")]
    NotAnUpgrade,
    /// A request of `/ws` with another version than 13.
    #[error("Unsupported WebSocket version: this server requires 13")]
    WebSocketVersion,
    /// The body did not arrive in time.
    #[error("The body of the request did not arrive within {0} s (server.body_timeout_seconds)")]
    BodyTimeout(u64),
    /// The text is empty.
    #[error("Text cannot be empty")]
    EmptyText,
    /// The text is too long.
    #[error("Text is {chars} characters long; the limit is {most} (server.max_text_chars)")]
    TextTooLong {
        /// Its length.
        chars: usize,
        /// `server.max_text_chars`.
        most: usize,
    },
    /// The provider or its options cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Synthesis failed.
    #[error("Failed to synthesize speech: {0}")]
    Speech(#[from] TtsError),
    /// A required field is empty.
    #[error("Invalid request: {0} cannot be empty")]
    EmptyField(&'static str),
    /// The request comes from a browser page of another origin.
    #[error("{}", ORIGIN_REFUSED)]
    Origin,
    /// `LiveKit` is not configured.
    #[error("LiveKit service not configured")]
    LivekitNotConfigured,
    /// The room belongs to another tenant.
    #[error("Access denied: room belongs to a different tenant")]
    ForeignRoom,
    /// The room could not be created or assigned to the tenant.
    #[error("Failed to prepare room: {0}")]
    Room(room::TwirpError),
    /// The token could not be signed.
    #[error("Failed to generate LiveKit token: {0}")]
    Token(#[from] jwt::Error),
    /// The rooms could not be queried.
    #[error("Failed to get rooms: {0}")]
    Rooms(room::TwirpError),
    /// The room does not exist or belongs to another tenant. The response is the same, so it does not reveal which.
    #[error("Room '{0}' not found")]
    RoomNotFound(String),
    /// The participant, track or room does not exist, or the room belongs to another tenant. The response does not reveal which.
    #[error("Participant '{0}' not found in room")]
    ParticipantNotFound(String),
    /// The participant could not be removed.
    #[error("Failed to remove participant: {0}")]
    Removal(room::TwirpError),
    /// The track could not be muted.
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
    /// The hooks were not changed.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// A required field of a call is empty.
    #[error("Invalid request: {0} cannot be empty")]
    EmptyCallField(&'static str),
    /// The field is not a phone number.
    #[error("Invalid phone number in {0}")]
    PhoneNumber(&'static str),
    /// There is no SIP host for outgoing calls.
    #[error("Outbound address not configured")]
    NoOutboundAddress,
    /// The participant does not exist or is not in the room by telephone.
    #[error("Participant '{0}' not found or is not a SIP participant")]
    NotACall(String),
    /// The call could not be transferred.
    #[error("Failed to transfer call: {0}")]
    Transfer(room::TwirpError),
    /// The call could not be made.
    #[error("Failed to call: {0}")]
    Call(room::TwirpError),
    /// The id is not that of a session.
    #[error("Invalid stream_id format")]
    StreamId,
    /// This build does not record.
    #[error("Recording storage not configured")]
    RecordingNotConfigured,
}

impl Error {
    /// Returns the HTTP status.
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

/// Returns the status of a provider's error: 4xx if the client chose the provider, the options or the credentials.
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
    /// The error as a text.
    error: String,
    /// A stable error code, on the paths that have one.
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

/// An error of the paths whose responses have an error code.
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
            // The code is the same for a room that does not exist and one of another tenant.
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

/// A request that failed authentication.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The token is missing.
    #[error("Missing authentication token (Authorization header or api_key query parameter)")]
    Missing,
    /// The header has no bearer token.
    #[error("Invalid Authorization header: expected `Bearer <token>`")]
    Header,
    /// The token is none of the secrets.
    #[error("Unauthorized: Invalid API secret")]
    Secret,
    /// The auth service rejected the token.
    #[error("Unauthorized: {0}")]
    Denied(String),
    /// The auth service accepted the token without naming a tenant.
    #[error("Unauthorized: the auth service named no tenant")]
    NoTenant,
    /// The auth service returned another status.
    #[error("Auth service error ({status}): {body}")]
    Service {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The auth service did not answer.
    #[error("Auth service unavailable: {0}")]
    Unavailable(String),
    /// The request to the auth service could not be signed.
    #[error("JWT signing error: {0}")]
    Signing(#[from] jwt::Error),
    /// The body of the request is too large to pass on.
    #[error("Request body exceeds {0} bytes (server.max_message_bytes)")]
    Body(usize),
}

impl AuthError {
    /// Returns the error code and the HTTP status.
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
    /// A stable error code.
    error: &'static str,
    /// The error as a text.
    message: String,
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (error, status) = self.code();
        (status, Json(AuthBody { error, message: self.to_string() })).into_response()
    }
}
