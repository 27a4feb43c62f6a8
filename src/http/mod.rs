//! The REST interface: the routes, and what every request passes (limits, authentication, CORS, metrics).

mod body;
mod health;
mod livekit;
#[cfg(feature = "openapi")]
pub mod openapi;
mod recording;
#[cfg(feature = "openapi")]
mod rejection;
mod rooms;
mod sip;
mod speak;
mod voices;
mod webhook;

use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::debug;

use crate::app::{App, Beyond};
use crate::error::Error;
use crate::room::Livekit;
use crate::{auth, ws};

/// Response headers that browser pages may read in addition to the usual ones.
const EXPOSED: [HeaderName; 2] = [speak::FORMAT, speak::RATE];

/// Returns the routes. Unknown paths and methods get a JSON error too.
pub(crate) fn router(app: App) -> Router {
    let most = app.shared.config.server.max_message_bytes;
    let open = Router::new()
        .route("/", get(health::health))
        .route("/health/ready", get(health::ready))
        .route("/livekit/webhook", post(webhook::webhook));
    let guarded = Router::new()
        .route("/voices", get(voices::voices))
        .route("/speak", post(speak::speak))
        .route("/ws", get(ws::upgrade))
        .route("/livekit/token", post(livekit::token))
        .route("/livekit/rooms", get(rooms::list))
        .route("/livekit/rooms/{room_name}", get(rooms::room))
        .route("/livekit/participant", delete(rooms::remove))
        .route("/livekit/participant/mute", post(rooms::mute))
        .route("/recording/{stream_id}", get(recording::recording))
        .route("/sip/hooks", get(sip::hooks).post(sip::set_hooks).delete(sip::delete_hooks))
        .route("/sip/transfer", post(sip::transfer))
        .route("/sip/call", post(sip::call))
        .route_layer(from_fn_with_state(app.auth.clone(), auth::require))
        .route_layer(from_fn_with_state(app.shared.config.clone(), auth::refuse_pages));
    let router = open
        .merge(guarded)
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(most))
        .layer(from_fn_with_state(app.clone(), body::in_time))
        .layer(from_fn_with_state(app.clone(), watch));
    match cors(&app.shared.config.server.allowed_origins) {
        Some(cors) => router.layer(cors).with_state(app),
        None => router.with_state(app),
    }
}

/// Returns the CORS headers, or none if no origin is allowed.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let any = origins.iter().any(|origin| origin == "*");
    let listed = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let allowed = if any { AllowOrigin::any() } else { AllowOrigin::list(listed) };
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers(EXPOSED);
    (!origins.is_empty()).then_some(cors)
}

/// Counts each request, and rejects new work while the server stops or is full.
async fn watch(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    // Without the query, which may contain a key.
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let open = matches!(path.as_str(), "/" | "/health/ready");
    let refusal = if open {
        None
    } else if app.shared.draining.is_cancelled() {
        Some(Error::Draining)
    } else if request.extensions().get::<Beyond>().is_some() {
        Some(Error::Full)
    } else {
        None
    };
    let response = match refusal {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    app.shared.metrics.request(&path, status, took);
    debug!(%method, path, status, ms = took.as_millis(), "answered");
    response
}

/// Returns the LiveKit client, or [`Error::LivekitNotConfigured`] where the configuration has no keys.
fn configured(app: &App) -> Result<&Livekit, Error> {
    app.livekit.as_deref().ok_or(Error::LivekitNotConfigured)
}

/// Returns [`Error::EmptyField`] with the first of these fields that is blank.
fn filled(fields: &[(&'static str, &str)]) -> Result<(), Error> {
    let blank = fields.iter().find(|(_, value)| value.trim().is_empty());
    blank.map_or(Ok(()), |(field, _)| Err(Error::EmptyField(field)))
}
