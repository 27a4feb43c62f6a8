//! Detectors on the sound itself: voice activity (feature `vad`, Silero's model) and the end of turns (feature `turn-detect`, the
//! model Smart Turn).
//!
//! Knows samples at 16 kHz and model files, and neither where they come from nor what follows from a result. Its functions
//! compute for milliseconds, so they must not run on the async threads.

mod frames;
mod onnx_file;
mod silero;
mod vad;

#[cfg(feature = "turn-detect")]
mod detector;
#[cfg(feature = "turn-detect")]
mod engine;
#[cfg(feature = "turn-detect")]
mod features;
#[cfg(feature = "turn-detect")]
mod onnx;
#[cfg(feature = "turn-detect")]
mod pause;
#[cfg(feature = "turn-detect")]
mod stream;

use std::path::PathBuf;

#[cfg(feature = "turn-detect")]
pub use detector::{Detector, Library, Runtime};
pub use frames::FrameBuffer;
#[cfg(feature = "turn-detect")]
pub use stream::{VadEvent, VadStream};
pub use vad::{ACTIVATION_THRESHOLD, FRAME, RATE, Vad, VadModel};

/// Why a model gives no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its file cannot be read, or holds another model.
    #[error("{} cannot be used as a model: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// It failed on this input.
    #[error("the model failed: {0}")]
    Run(String),
}

/// An ONNX Runtime that cannot be used.
#[cfg(feature = "turn-detect")]
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as ONNX Runtime: {reason}", path.display())]
pub struct LibraryError {
    /// The library's file.
    pub path: PathBuf,
    /// The reason.
    pub reason: String,
}

/// Why [`Detector::open`] failed.
#[cfg(feature = "turn-detect")]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// ONNX Runtime: the configured one, or one that was found and then failed.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// One of the two models.
    #[error(transparent)]
    Model(#[from] Error),
}
