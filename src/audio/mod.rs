//! Audio as bytes and as samples: encodings and durations, 10 ms frames, log-mel spectrograms, other rates and other encodings,
//! less noise (feature `noise-filter`), WAV headers.
//!
//! Everything here is pure and streaming: pieces of any size go in, what can be said by now comes out. No clock, no I/O,
//! no knowledge of who sends or plays it. Samples are signed 16-bit, little-endian as bytes.

mod chain;
mod convert;
#[cfg(feature = "noise-filter")]
mod denoise;
mod format;
mod frame;
#[cfg(any(feature = "local", feature = "turn-detect"))]
pub(crate) mod mel;
mod resample;
pub mod wav;

use std::time::Duration;

pub use convert::Converter;
pub use format::{Encoding, Format};
pub use frame::Framer;
pub use resample::Resampler;

/// A client that sends no audio for this long counts as silent. Some clients send only what they take for speech, so detectors
/// and recognisers get generated silence instead.
pub const STALLED: Duration = Duration::from_millis(500);

/// Whether this build has the noise filter.
pub const NOISE_FILTER: bool = cfg!(feature = "noise-filter");

/// Why audio cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The sample rate is out of range.
    #[error("a sample rate of {0} Hz is outside of {min} to {max} Hz", min = format::MIN_RATE, max = format::MAX_RATE)]
    Rate(u32),
    /// The number of channels is out of range.
    #[error("audio has {0} channels: use 1 to {max}", max = format::MAX_CHANNELS)]
    Channels(u16),
    /// Compressed formats are not decoded or encoded here.
    #[error("{0} audio cannot be converted: use linear16, mulaw or alaw")]
    Compressed(&'static str),
    /// This build has no noise filter.
    #[error("the noise filter is not built in: it needs the feature noise-filter")]
    NoFilter,
    /// Not a WAV file, or an unsupported kind.
    #[error("not a supported WAV file: {0}")]
    Wav(&'static str),
}
