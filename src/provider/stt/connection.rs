//! One WebSocket connection to a vendor.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::SttError;
use super::dialect::{Frame, Handshake};
use crate::outbound::{Outbound, Stream};
use crate::provider::Name;

/// Bytes of the read and write buffers. Buffers are most of the memory of a session, and the library's default is 128 KiB each.
const BUFFER: usize = 8 * 1024;
const MAX_WRITE_BUFFER: usize = 256 * 1024;
/// The largest message of a vendor, in bytes. No result is as long.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Bytes of an error's body that are reported.
const MAX_BODY: usize = 500;

/// An open connection. The task of the transcription (`SttStream`) owns it, and opens another one when it is lost.
#[derive(Debug)]
pub(super) struct Connection {
    provider: Name,
    socket: WebSocketStream<Stream>,
    /// A written message was not flushed yet.
    unflushed: bool,
}

/// An event on a connection.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    /// A message for the dialect.
    Message(Frame),
    /// A ping, a pong or a fragment: the vendor is alive.
    Activity,
    /// A message can be written.
    Writable,
}

impl Connection {
    /// Connects, with TLS if the URL requires it, and performs the WebSocket handshake.
    pub(super) async fn open(
        provider: Name,
        own: bool,
        handshake: Handshake,
        outbound: &Outbound,
    ) -> Result<Self, SttError> {
        let unreachable = |reason: String| SttError::Unreachable { provider, reason };
        let url = &handshake.url;
        let stream = outbound.connect(url).await.map_err(unreachable)?;
        let mut request = url.as_str().into_client_request().map_err(|e| unreachable(e.to_string()))?;
        for (name, value) in &handshake.headers {
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| unreachable(format!("the key has characters that the header {name} cannot hold")))?;
            value.set_sensitive(true);
            request.headers_mut().insert(*name, value);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(Self { provider, socket, unflushed: false }),
            Err(WsError::Http(response)) => Err(refused(provider, own, &response)),
            Err(error) => Err(unreachable(error.to_string())),
        }
    }

    /// Waits for the next event. [`ConnectionEvent::Writable`] is returned only with `write`, once everything was flushed. Cancel
    /// safe.
    pub(super) async fn next(&mut self, write: bool) -> Result<ConnectionEvent, SttError> {
        let Self { provider, socket, unflushed } = self;
        let lost = |error: WsError| SttError::Closed { provider: *provider, code: None, reason: error.to_string() };
        poll_fn(|context| {
            if *unflushed && let Poll::Ready(flushed) = socket.poll_flush_unpin(context) {
                flushed.map_err(lost)?;
                *unflushed = false;
            }
            match socket.poll_next_unpin(context) {
                Poll::Ready(message) => return Poll::Ready(event_of(*provider, message)),
                Poll::Pending => {}
            }
            if write && !*unflushed && socket.poll_ready_unpin(context).map_err(lost)?.is_ready() {
                return Poll::Ready(Ok(ConnectionEvent::Writable));
            }
            Poll::Pending
        })
        .await
    }

    /// Returns whether a written message was not flushed yet.
    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Queues a message. [`Connection::next`] sends it.
    pub(super) fn write(&mut self, frame: Frame) -> Result<(), SttError> {
        self.put(match frame {
            Frame::Text(text) => Message::Text(text),
            Frame::Binary(bytes) => Message::Binary(bytes),
        })
    }

    /// Queues a ping.
    pub(super) fn ping(&mut self) -> Result<(), SttError> {
        self.put(Message::Ping(Bytes::new()))
    }

    fn put(&mut self, message: Message) -> Result<(), SttError> {
        self.unflushed = true;
        let closed = |e: WsError| SttError::Closed { provider: self.provider, code: None, reason: e.to_string() };
        self.socket.start_send_unpin(message).map_err(closed)
    }

    /// Performs the closing handshake, within `limit`.
    pub(super) async fn close(mut self, limit: Duration) {
        let close = async {
            self.socket.close(None).await?;
            while self.socket.next().await.transpose()?.is_some() {}
            Ok::<_, WsError>(())
        };
        // The connection is over either way.
        tokio::time::timeout(limit, close).await.map(Result::ok).ok();
    }
}

fn event_of(provider: Name, message: Option<Result<Message, WsError>>) -> Result<ConnectionEvent, SttError> {
    let closed = |frame: Option<CloseFrame>| SttError::Closed {
        provider,
        code: frame.as_ref().map(|frame| frame.code.into()),
        reason: frame.map(|frame| frame.reason.to_string()).unwrap_or_default(),
    };
    match message {
        None => Err(closed(None)),
        Some(Ok(Message::Text(text))) => Ok(ConnectionEvent::Message(Frame::Text(text))),
        Some(Ok(Message::Binary(bytes))) => Ok(ConnectionEvent::Message(Frame::Binary(bytes))),
        Some(Ok(Message::Close(frame))) => Err(closed(frame)),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(ConnectionEvent::Activity),
        Some(Err(WsError::Io(error))) => Err(SttError::Closed { provider, code: None, reason: error.to_string() }),
        Some(Err(error)) => Err(SttError::Unreadable { provider, problem: error.to_string() }),
    }
}

fn refused(provider: Name, own: bool, response: &Response<Option<Vec<u8>>>) -> SttError {
    let body = response.body().as_deref().unwrap_or_default();
    let body = crate::provider::shortened(body, MAX_BODY);
    let retry_after = crate::provider::retry_after(response.headers());
    SttError::Refused { provider, status: response.status().as_u16(), body, retry_after, own }
}
