//! Audio as bytes and as samples: encodings and durations, 10 ms frames, log-mel spectrograms, other rates and other encodings, less
//! noise (feature `noise-filter`), WAV headers.
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

/// A client that sends no audio for this long is silent. Some send only what they take for speech, so detectors and recognisers
/// are given the silence that does not come.
pub const STALLED: Duration = Duration::from_millis(500);

/// Whether this build can take noise out.
pub const NOISE_FILTER: bool = cfg!(feature = "noise-filter");

/// Why audio cannot be treated as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rate that nobody samples speech at.
    #[error("a sample rate of {0} Hz is outside of {min} to {max} Hz", min = format::MIN_RATE, max = format::MAX_RATE)]
    Rate(u32),
    /// A number of channels that cannot be mixed down.
    #[error("audio of {0} channels cannot be taken: 1 to {max} can", max = format::MAX_CHANNELS)]
    Channels(u16),
    /// Decoding or making a compressed format is not done here.
    #[error("{0} audio cannot be converted: linear16, mulaw and alaw can")]
    Compressed(&'static str),
    /// Noise cannot be taken out by this build.
    #[error("the noise filter is not built in: it is the feature noise-filter")]
    NoFilter,
    /// A WAV file that is none, or not of a kind that can be read.
    #[error("not a WAV file that can be read: {0}")]
    Wav(&'static str),
}
