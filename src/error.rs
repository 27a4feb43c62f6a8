//! What clients are told when a request cannot be answered: the texts and statuses live here and nowhere else.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A request that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing is served under this path.
    #[error("Not found")]
    NotFound,
    /// The path exists, but not for this method.
    #[error("Method not allowed")]
    MethodNotAllowed,
}

impl Error {
    /// The HTTP status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

#[derive(Serialize)]
struct Body {
    error: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status(), Json(Body { error: self.to_string() })).into_response()
    }
}
