//! A client of `/ws` as the SDKs are: JSON in text frames, audio in binary ones, and a strict eye on what comes.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Server;

/// A limit that no expected event exceeds. LiveKit misses who has vanished after 20 seconds.
const NEVER: Duration = Duration::from_secs(60);

/// What a client receives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// A text frame.
    Event(Value),
    /// A binary frame.
    Audio(Bytes),
    /// A close frame with code and reason.
    Close(u16, String),
    /// The end without one.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_with(server, "/ws", &[]).await.expect("a WebSocket")
    }

    /// Connects with further headers; the error is that of a refused upgrade.
    pub(crate) async fn connect_with(server: &Server, path: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut request: Request<()> = format!("ws://{}{path}", server.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Self { socket })
    }

    /// Connects and configures: `ready` has come when this returns.
    pub(crate) async fn ready(server: &Server, config: Value) -> Self {
        let mut client = Self::connect(server).await;
        client.send(config).await;
        client.expect("ready").await;
        client
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn audio(&mut self, bytes: impl Into<Bytes>) {
        self.socket.send(Message::Binary(bytes.into())).await.unwrap();
    }

    pub(crate) async fn speak(&mut self, text: &str) {
        self.send(json!({"type": "speak", "text": text, "flush": true, "allow_interruption": true})).await;
    }

    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.ok();
    }

    /// The stream itself, for what a well-behaved client does not do.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        let MaybeTlsStream::Plain(stream) = self.socket.get_mut() else { panic!("plain TCP") };
        stream
    }

    /// The next frame that is not of the protocol itself.
    pub(crate) async fn next(&mut self) -> Frame {
        let end = tokio::time::Instant::now() + NEVER;
        loop {
            let message = tokio::time::timeout_at(end, self.socket.next()).await.expect("a frame in time");
            return match message {
                Some(Ok(Message::Text(text))) => Frame::Event(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Binary(audio))) => Frame::Audio(audio),
                Some(Ok(Message::Close(Some(frame)))) => Frame::Close(frame.code.into(), frame.reason.to_string()),
                Some(Ok(Message::Close(None))) => Frame::Close(1005, String::new()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Frame::Gone,
            };
        }
    }

    /// The next frame, which is a message of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        match self.next().await {
            Frame::Event(event) if event["type"] == kind => event,
            other => panic!("expected {kind}, not {other:?}"),
        }
    }

    /// The next frame, which is an error with this text.
    pub(crate) async fn expect_error(&mut self, message: &str) {
        assert_eq!(self.next().await, Frame::Event(json!({"type": "error", "message": message})));
    }

    /// The next frame, which is what was heard.
    pub(crate) async fn expect_heard(&mut self, transcript: &str, is_final: bool, is_speech_final: bool) {
        let heard = self.expect("stt_result").await;
        let expected = (json!(transcript), json!(is_final), json!(is_speech_final));
        assert_eq!(
            (heard["transcript"].clone(), heard["is_final"].clone(), heard["is_speech_final"].clone()),
            expected
        );
    }

    /// All audio until the queue has run empty, frame by frame.
    pub(crate) async fn utterance(&mut self) -> Vec<Bytes> {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Frame::Audio(frame) => frames.push(frame),
                Frame::Event(event) if event["type"] == "tts_playback_complete" => return frames,
                other => panic!("expected audio, not {other:?}"),
            }
        }
    }
}

/// A `config` with these providers, 16 kHz in and 24 kHz out.
pub(crate) fn config(stt: &str, tts: &str) -> Value {
    json!({
        "type": "config",
        "audio": true,
        "stt_config": {
            "provider": stt, "language": "en-US", "sample_rate": 16000, "channels": 1, "punctuation": true,
            "encoding": "linear16", "model": "nova-3",
        },
        "tts_config": {
            "provider": tts, "model": "", "voice_id": "aura-asteria-en", "audio_format": "linear16", "sample_rate": 24000,
        },
    })
}
