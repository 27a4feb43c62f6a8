//! A dialect without a connection, for the fuzz targets.

use bytes::Bytes;
use uuid::Uuid;

use super::dialect::{Dialect, Event, Frame};
use super::{Transcript, choose};
use crate::provider::{Credential, SttOptions};

pub(in crate::provider) struct Conversation(Box<dyn Dialect>);

impl Conversation {
    pub(in crate::provider) fn new(options: &SttOptions, credential: &Credential, id: Uuid) -> Option<Self> {
        let (mut dialect, _) = choose(options, credential, None).ok()?;
        dialect.open(id);
        Some(Self(dialect))
    }

    /// Parses a message: as text if it is UTF-8, else as bytes.
    pub(in crate::provider) fn hear(&mut self, message: &[u8]) -> Result<Option<Transcript>, String> {
        let frame = match std::str::from_utf8(message) {
            Ok(text) => Frame::text(text),
            Err(_) => Frame::Binary(Bytes::copy_from_slice(message)),
        };
        match self.0.read(&frame) {
            Ok(Some(Event::Result(transcript, _))) => Ok(Some(transcript)),
            Ok(Some(Event::Error(error))) | Err(error) => Err(error.to_string()),
            Ok(Some(Event::Ready | Event::Finished) | None) => Ok(None),
        }
    }
}
