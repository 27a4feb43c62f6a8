//! The record of everything that a server received.

use std::time::Instant;

use bytes::BytesMut;

/// Everything a server has been asked so far.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Transcriptions, in the order in which they came.
    pub connections: Vec<Connection>,
    /// All other requests, in the order in which they came.
    pub requests: Vec<Request>,
    /// Faults of requests to unknown paths.
    pub(crate) other: Vec<String>,
}

impl Record {
    /// Everything that a vendor would not have taken, or that the documentation forbids.
    pub fn faults(&self) -> Vec<String> {
        let connections = self.connections.iter().flat_map(|connection| &connection.faults);
        let requests = self.requests.iter().flat_map(|request| &request.faults);
        connections.chain(requests).chain(&self.other).cloned().collect()
    }

    /// Requests whose path contains `part`.
    pub fn asked(&self, part: &str) -> Vec<&Request> {
        self.requests.iter().filter(|request| request.path.contains(part)).collect()
    }
}

/// A transcription.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The path.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers of the handshake, names in lower case.
    pub headers: Vec<(String, String)>,
    /// When the handshake came.
    pub at: Instant,
    /// What came on it, audio left out.
    pub heard: Vec<Heard>,
    /// The audio, unless it is forgotten.
    pub audio: BytesMut,
    /// Its length.
    pub audio_bytes: usize,
    /// Frames of audio.
    pub audio_frames: usize,
    /// It has ended.
    pub ended: bool,
    /// What was wrong.
    pub faults: Vec<String>,
}

impl Connection {
    /// The value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A message that is not audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The message that describes client and audio.
    Config(String),
    /// One that only keeps the connection open.
    KeepAlive,
    /// The answer to a ping.
    Pong,
    /// One that asks for the results of what was sent so far.
    Flush,
    /// One that ends the transcription.
    Finish,
    /// A close frame, with its code.
    Close(Option<u16>),
}

/// A request over HTTP.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Where the client's end of the connection was: equal for requests on one connection.
    pub peer: String,
    /// The whole answer was taken.
    pub answered: bool,
    /// The client went away before the end of the answer.
    pub cancelled: bool,
    /// What was wrong.
    pub faults: Vec<String>,
}

impl Request {
    /// The value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the body as JSON, or null if it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}
