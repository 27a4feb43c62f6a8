//! The transport of builds without the `livekit` crate: joining fails, and a value of it cannot exist.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::transport::{RoomTransport, TransportEvent, TransportOptions};
use crate::room::media::{JoinError, Packet};

/// A transport that no program can have, so that the compiler removes what is done with one.
#[derive(Debug)]
pub(super) enum NoTransport {}

impl NoTransport {
    /// Returns [`JoinError::NotBuilt`].
    #[expect(clippy::unused_async, reason = "as with a library")]
    pub(super) async fn join(_: TransportOptions) -> Result<Self, JoinError> {
        Err(JoinError::NotBuilt)
    }
}

impl RoomTransport for NoTransport {
    async fn next(&mut self) -> Option<TransportEvent> {
        match *self {}
    }

    fn play(&self, _: Bytes) -> BoxFuture<'static, ()> {
        match *self {}
    }

    fn clear(&self) {
        match *self {}
    }

    fn send(&self, _: Packet) -> BoxFuture<'static, Result<(), String>> {
        match *self {}
    }

    async fn leave(self) {
        match self {}
    }
}
