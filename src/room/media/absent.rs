//! What stands where no room can be joined: a connection that cannot be, so that all that is done with one is left out.

use bytes::Bytes;

use super::{JoinError, JoinRequest, LoadingAudio, Packet, RoomWakeup, Rooms};

/// None.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {}

/// None.
#[derive(Debug)]
pub(crate) enum Connection {}

impl Connection {
    #[expect(clippy::unused_async, reason = "as where rooms can be joined")]
    pub(crate) async fn join(_: &Rooms, _: JoinRequest) -> Result<Self, JoinError> {
        Err(JoinError::NotBuilt)
    }

    pub(crate) fn room(&self) -> &str {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "as where rooms can be joined")]
    pub(crate) async fn next(&mut self, _: bool) -> RoomWakeup {
        match *self {}
    }

    pub(crate) fn speak(&self, _: Bytes, _: bool) -> Result<(), Bytes> {
        match *self {}
    }

    pub(crate) fn end_utterance(&self, _: bool) {
        match *self {}
    }

    pub(crate) fn clear(&mut self) {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "as where rooms can be joined")]
    pub(crate) async fn load(&mut self, _: &LoadingAudio) -> Result<(), ClipError> {
        match *self {}
    }

    pub(crate) fn start_loading(&self) -> bool {
        match *self {}
    }

    pub(crate) fn stop_loading(&self) {
        match *self {}
    }

    pub(crate) fn send(&self, _: Packet) -> bool {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "as where rooms can be joined")]
    pub(crate) async fn leave(self) {
        match self {}
    }
}
