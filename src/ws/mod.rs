//! `GET /ws`: the upgrade, and who may have it. What is said on the socket is `voice`'s.

mod socket;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::{Instrument as _, debug, field, info_span};

use crate::app::{App, Slot};
use crate::auth::Identity;
use crate::error::Error;
use crate::voice::Close;

/// Turns the connection into a session's, by the rules of RFC 6455, section 4.2.
pub(crate) async fn upgrade(State(app): State<App>, mut request: Request) -> Result<Response, Error> {
    let accept = accept(request.headers())?;
    if app.shared.draining.is_cancelled() {
        return Err(Error::Draining);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let slot = request.extensions().get::<Slot>().cloned();
    let auth_id = request.extensions().get::<Identity>().and_then(|identity| identity.0.clone());
    // A browser is not shown a refused upgrade, but it is shown a close frame.
    let refusal = foreign(request.headers(), &app.shared.config.server.allowed_origins).then_some(Close::Origin);
    let span = info_span!("session", stream_id = field::Empty, auth_id = auth_id);
    let shared = app.shared.clone();
    let session = async move {
        // The place among the connections is the session's until its end.
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

/// Whether this comes from a browser page that may not call: of another origin than the server's own, and not allowed by
/// name. What is no browser sends no origin.
fn foreign(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = |origin: &str| allowed.iter().any(|allowed| allowed == "*" || allowed == origin);
    // Behind a proxy that speaks TLS the schemes differ, so host and port decide.
    let own = |origin: &str| {
        let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
        authority.as_deref().zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    };
    !origin.to_str().is_ok_and(|origin| named(origin) || own(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_origins_are_foreign_unless_allowed() {
        let refused = |origin: &str, allowed: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("voice.example:3001"));
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            foreign(&headers, &allowed.iter().map(|&origin| origin.to_owned()).collect::<Vec<_>>())
        };
        assert!(!foreign(&HeaderMap::new(), &[]));
        assert!(!refused("http://voice.example:3001", &[]) && !refused("https://Voice.Example:3001", &[]));
        for bad in ["http://voice.example", "http://evil.example", "null", "x", "http://voice.example:3001.evil"] {
            assert!(refused(bad, &[]) && refused(bad, &["https://other"]) && !refused(bad, &["*"]), "{bad}");
            assert!(!refused(bad, &[bad]));
        }
    }
}
