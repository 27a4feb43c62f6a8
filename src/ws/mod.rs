//! `GET /ws`: the upgrade to a WebSocket, and who may have it. `voice` defines the messages.

mod socket;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::{Instrument as _, debug, field, info_span};

use crate::app::{App, Slot};
use crate::auth::{self, Identity};
use crate::error::Error;
use crate::voice::Close;

/// Upgrades the connection to a session's WebSocket (RFC 6455, section 4.2).
pub(crate) async fn upgrade(State(app): State<App>, mut request: Request) -> Result<Response, Error> {
    let accept = accept(request.headers())?;
    if app.shared.draining.is_cancelled() {
        return Err(Error::Draining);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let slot = request.extensions().get::<Slot>().cloned();
    let auth_id = request.extensions().get::<Identity>().and_then(|identity| identity.0.clone());
    // A page cannot read the response of a refused upgrade, but it can read a close frame.
    let refusal = auth::foreign(request.headers(), &app.shared.config).then_some(Close::Origin);
    let span = info_span!("session", stream_id = field::Empty, auth_id = auth_id);
    let shared = app.shared.clone();
    let session = async move {
        // The session holds the connection's slot until it ends.
        let _slot = slot;
        match upgrade.await {
            Ok(io) => socket::serve(TokioIo::new(io), shared, auth_id, refusal).await,
            Err(error) => debug!(%error, "the client left during the upgrade"),
        }
    };
    app.sessions.spawn(session.instrument(span));
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn accept(headers: &HeaderMap) -> Result<HeaderValue, Error> {
    let has = |name, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(Error::NotAnUpgrade);
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Error::WebSocketVersion);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(Error::NotAnUpgrade)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| Error::NotAnUpgrade)
}
