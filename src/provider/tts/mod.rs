//! Synthesis: text in, audio out.
//!
//! A [`Voice`] speaks a text: from the cache, from a request that another session has made for the same text and that is under
//! way, or from the vendor. Which of them it is shows only in its speed.

mod azure;
pub(super) mod cache;
mod cartesia;
mod client;
mod cut;
mod deepgram;
mod dialect;
mod elevenlabs;
mod engine;
mod error;
pub(super) mod flight;
#[cfg(test)]
mod golden;
mod google;
mod limit;
#[cfg(feature = "local")]
mod local;
mod pronounce;
mod voice;

pub use error::TtsError;
pub(crate) use error::whole_seconds;
pub use flight::Synthesis;
#[cfg(feature = "local")]
pub(super) use local::VOICE as LOCAL_VOICE;
pub use voice::Voice;

use super::Source;

/// The beginning of a [`Synthesis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its length in bytes, where all of it is there.
    pub cached_len: Option<u64>,
    /// Where it comes from.
    pub source: Source,
}

#[cfg(fuzzing)]
pub(super) mod fuzzing {
    use bytes::{Bytes, BytesMut};

    use super::dialect::Decoder;
    use crate::audio::Format;
    use crate::provider::Name;

    /// The audio in an answer of Google's.
    pub(in crate::provider) fn body(format: Format, pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let mut decoder = Decoder::Json { body: BytesMut::new(), format };
        let mut audio: Vec<u8> = pieces.iter().flat_map(|piece| decoder.push(Bytes::copy_from_slice(piece))).collect();
        audio.extend_from_slice(&decoder.finish(Name::Google).ok()?);
        Some(audio)
    }
}
