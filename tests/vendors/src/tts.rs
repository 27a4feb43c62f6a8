//! Requests over HTTP: reading them with all their faults, and answering syntheses by script.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, request};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;

use crate::App;
use crate::record::Request;
use crate::script::Body;

/// How much sound a character of text is: 1/20 s at 24 kHz.
pub const SAMPLES_PER_CHARACTER: usize = 1_200;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A request that is being looked at; faults are added on the way.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) faults: Vec<String>,
    method: String,
    peer: String,
}

impl Asked {
    pub(crate) fn new(parts: &request::Parts) -> Self {
        let headers = |headers: &HeaderMap| {
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
        };
        let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Self {
            path: parts.uri.path().to_owned(),
            faults: query.as_ref().err().map(|e| format!("the query cannot be read: {e}")).into_iter().collect(),
            query: query.map(|query| query.0).unwrap_or_default(),
            headers: headers(&parts.headers),
            method: parts.method.to_string(),
            peer: parts.extensions.get::<Peer>().map(|peer| peer.0.to_string()).unwrap_or_default(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// It is a fault unless this holds.
    pub(crate) fn check(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(fault());
        }
    }

    /// A parameter that must be one of these; given twice it is a fault too.
    pub(crate) fn query_in(&mut self, name: &str, wanted: &[&str]) {
        let got: Vec<String> = self.query.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect();
        let right = matches!(got.as_slice(), [one] if wanted.is_empty() || wanted.contains(&one.as_str()));
        self.check(right, || format!("the parameter {name} is {got:?}, and may be {wanted:?}"));
    }

    /// A parameter that may be left out.
    pub(crate) fn query_may(&mut self, name: &str, wanted: &[&str]) {
        if self.query(name).is_some() {
            self.query_in(name, wanted);
        }
    }

    /// No parameters but these.
    pub(crate) fn query_only(&mut self, known: &[&str]) {
        let unknown: Vec<String> = self
            .query
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        self.check(unknown.is_empty(), || format!("unknown parameters {unknown:?}"));
    }
}

/// What a synthesis is about, once the vendor's words for it are read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) text: String,
    /// `linear16`, `mulaw`, `alaw`, or anything that is compressed.
    pub(crate) encoding: String,
    pub(crate) sample_rate: u32,
    pub(crate) content_type: &'static str,
}

/// Writes a request into the record, and returns its number.
pub(crate) fn enter(app: &App, asked: &Asked, body: &str) -> usize {
    let mut index = 0;
    app.record.send_modify(|record| {
        index = record.requests.len();
        record.requests.push(Request {
            method: asked.method.clone(),
            path: asked.path.clone(),
            query: asked.query.clone(),
            headers: asked.headers.clone(),
            body: body.to_owned(),
            peer: asked.peer.clone(),
            answered: false,
            cancelled: false,
            faults: asked.faults.clone(),
        });
    });
    index
}

/// Answers a synthesis by script. `wrap` is what the vendor puts around the audio.
pub(crate) async fn synthesize(
    app: App,
    asked: Asked,
    body: &str,
    right_key: bool,
    wanted: Wanted,
    wrap: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> Response {
    // The number among the syntheses: other requests do not count.
    let earlier = app.record.borrow().requests.iter().filter(|request| request.path == asked.path).count();
    let index = enter(&app, &asked, body);
    if !right_key {
        return refuse(401, &[], r#"{"error":"the key is wrong"}"#);
    }
    if !asked.faults.is_empty() {
        return refuse(400, &[], &format!("{{\"error\":{:?}}}", asked.faults.join("; ")));
    }
    let audio = || Bytes::from(wrap(speech(&wanted.text, &wanted.encoding, wanted.sample_rate)));
    let script = app.bodies.get(earlier).or(app.bodies.last()).cloned().unwrap_or(Body::Speech);
    let pieces = match script {
        Body::Status(status, headers, body) => return refuse(status, &headers, &body),
        Body::Silent => return std::future::pending().await,
        Body::Speech => Pieces { whole: audio(), size: 4_096, ..Pieces::default() },
        Body::Bytes(bytes) => Pieces { whole: bytes, size: 65_536, ..Pieces::default() },
        Body::Slow(size, pause) => Pieces { whole: audio(), size, pause, ..Pieces::default() },
        Body::Cut(end) => Pieces { whole: audio(), size: 4_096, end: Some((end, End::Cut)), ..Pieces::default() },
        Body::Stall(end) => Pieces { whole: audio(), size: 4_096, end: Some((end, End::Stall)), ..Pieces::default() },
    };
    let watch = Watch { app, index, answered: false };
    let body = HttpBody::from_stream(stream::unfold((pieces, 0, watch), next));
    Response::builder().header("content-type", wanted.content_type).body(body).unwrap()
}

#[derive(Debug, Default)]
struct Pieces {
    whole: Bytes,
    size: usize,
    pause: Duration,
    end: Option<(usize, End)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Cut,
    Stall,
}

type Stream = (Pieces, usize, Watch);

async fn next((pieces, at, mut watch): Stream) -> Option<(Result<Bytes, std::io::Error>, Stream)> {
    let limit = pieces.end.map_or(pieces.whole.len(), |(end, _)| end.min(pieces.whole.len()));
    if at >= limit {
        return match pieces.end {
            Some((_, End::Stall)) => std::future::pending().await,
            Some((_, End::Cut)) => {
                // What was given goes out while the next piece is waited for. An error in the body then ends the connection in
                // the middle of it.
                tokio::task::yield_now().await;
                Some((Err(std::io::Error::other("cut")), (pieces, at, watch)))
            }
            None => {
                watch.answered = true;
                None
            }
        };
    }
    tokio::time::sleep(pieces.pause).await;
    let end = at.saturating_add(pieces.size).min(limit);
    let piece = pieces.whole.slice(at..end);
    // The client has all of it before it can be asked for the end.
    watch.answered = end == pieces.whole.len();
    Some((Ok(piece), (pieces, end, watch)))
}

/// Sees whether the client took the whole answer.
#[derive(Debug)]
struct Watch {
    app: App,
    index: usize,
    answered: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.app.record.send_modify(|record| {
            record.requests[self.index].answered = self.answered;
            record.requests[self.index].cancelled = !self.answered;
        });
    }
}

/// The sound of a text: as long as the text, and another one for each text and place in it. Compressed formats get bytes that
/// only say which they are.
pub fn speech(text: &str, encoding: &str, sample_rate: u32) -> Vec<u8> {
    let samples = text.chars().count() * SAMPLES_PER_CHARACTER * sample_rate as usize / 24_000;
    let seed = text.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    // A slow triangle: it survives a change of the rate, and no two texts have the same.
    let period = 40 + (seed % 60) as usize;
    let sample = |n: usize| {
        let at = (n * 24_000 / sample_rate as usize) % period;
        i16::try_from(at.min(period - at) * 16_000 / period).unwrap() - 4_000
    };
    match encoding {
        "linear16" => (0..samples).flat_map(|n| sample(n).to_le_bytes()).collect(),
        "mulaw" | "alaw" => (0..samples).map(|n| (sample(n) >> 8) as u8 ^ 0x55).collect(),
        compressed => (0..samples / 8).map(|n| compressed.as_bytes()[n % compressed.len()] ^ (n >> 8) as u8).collect(),
    }
}

/// An answer that is no audio.
pub(crate) fn refuse(status: u16, headers: &[(&'static str, String)], body: &str) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.to_owned()).into_response();
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// Any path that the vendor does not have.
pub(crate) async fn unknown(State(app): State<App>, request: axum::extract::Request) -> Response {
    let what = format!("{} {} is not there", request.method(), request.uri().path());
    app.record.send_modify(|record| record.other.push(what.clone()));
    refuse(404, &[], &format!("{{\"error\":{what:?}}}"))
}

/// A list that is asked for with GET, such as that of the voices.
pub(crate) fn list(app: &App, asked: &Asked, right_key: bool, body: &str) -> Response {
    let index = enter(app, asked, "");
    if !right_key {
        return refuse(401, &[], r#"{"error":"the key is wrong"}"#);
    }
    app.record.send_modify(|record| record.requests[index].answered = true);
    refuse(200, &[], body)
}

/// A body as JSON, or a fault.
pub(crate) fn json(asked: &mut Asked, body: &str) -> serde_json::Value {
    let json = asked.header("content-type").is_some_and(|kind| kind.split(';').next() == Some("application/json"));
    asked.check(json, || "the body is not sent as application/json".to_owned());
    serde_json::from_str(body).unwrap_or_else(|e| {
        asked.faults.push(format!("the body is no JSON: {e}"));
        serde_json::Value::Null
    })
}

/// No fields but these, at one level of a body.
pub(crate) fn fields_only(asked: &mut Asked, value: &serde_json::Value, known: &[&str]) {
    let unknown: Vec<&String> =
        value.as_object().map(|o| o.keys().filter(|key| !known.contains(&key.as_str())).collect()).unwrap_or_default();
    let fault = format!("unknown fields {unknown:?}");
    asked.check(unknown.is_empty(), || fault);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_own_sound_of_its_own_length() {
        assert_eq!(speech("abcd", "linear16", 24_000).len(), 4 * SAMPLES_PER_CHARACTER * 2);
        assert_eq!(speech("abcd", "linear16", 8_000).len(), 4 * SAMPLES_PER_CHARACTER * 2 / 3);
        assert_eq!(speech("abcd", "mulaw", 8_000).len(), 4 * SAMPLES_PER_CHARACTER / 3);
        assert_ne!(speech("abcd", "linear16", 24_000), speech("abce", "linear16", 24_000));
    }
}
