//! Synthesis: text in, audio out.
//!
//! A [`Voice`] speaks a text: from the cache, from a request for the same text that is under way for another session, or by a
//! request of its own. Only the speed differs.
//!
//! ```text
//! voice -> flight (single-flight, cache) -> synthesizer -> client (a vendor over HTTP)
//!                                                       -> local  (the engine in this process)
//! ```

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
mod output;
mod pace;
mod parts;
mod pronounce;
mod settings;
mod synthesizer;
mod voice;

pub use error::TtsError;
pub(crate) use error::whole_seconds;
pub use flight::Synthesis;
#[cfg(feature = "local")]
pub(super) use local::VOICE as LOCAL_VOICE;
pub use voice::Voice;

use super::{Name, OptionsError, PlanError, Shared, Source};
use dialect::{Dialect, VoiceRequest};
use engine::Engine;

/// How a [`Synthesis`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The length in bytes, if all of the audio is available already.
    pub cached_len: Option<u64>,
    /// Where the audio comes from.
    pub source: Source,
}

/// Chooses the engine of a voice.
fn engine(shared: &Shared, request: &VoiceRequest<'_>) -> Result<Engine, PlanError> {
    #[cfg(feature = "local")]
    if request.credential.provider == Name::Local {
        return Ok(Engine::Local(local::Speaker::choose(request)?));
    }
    Engine::vendor(shared, request, choose(request)?)
}

/// Chooses the vendor's protocol.
fn choose(request: &VoiceRequest<'_>) -> Result<Box<dyn Dialect>, OptionsError> {
    match request.credential.provider {
        Name::Deepgram => deepgram::Deepgram::choose(request),
        Name::ElevenLabs => elevenlabs::ElevenLabs::choose(request),
        Name::Cartesia => cartesia::Cartesia::choose(request),
        Name::Azure => azure::Azure::choose(request),
        Name::Google => google::Google::choose(request),
        Name::Local => Err(request.refused("no vendor is involved")),
    }
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
