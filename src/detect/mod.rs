//! What is heard in the sound itself, not in the words: whether somebody speaks (feature `vad`), and whether who has spoken
//! is done (feature `turn-detect`).
//!
//! Knows samples at 16 kHz and model files; not where either comes from. What computes here takes its time: not for the async
//! threads.

mod onnx_file;
mod silero;
mod vad;

#[cfg(feature = "turn-detect")]
mod detector;
#[cfg(feature = "turn-detect")]
mod engine;
#[cfg(feature = "turn-detect")]
mod mel;
#[cfg(feature = "turn-detect")]
mod onnx;
#[cfg(feature = "turn-detect")]
mod pause;
#[cfg(feature = "turn-detect")]
mod stream;

use std::path::PathBuf;

#[cfg(feature = "turn-detect")]
pub use detector::{Detector, Library, Runtime};
#[cfg(feature = "turn-detect")]
pub use stream::{Heard, Stream};
pub use vad::{FRAME, RATE, Vad, VadModel};

/// Why a model says nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its file cannot be read, or is no such model.
    #[error("{} cannot be used as a model: {reason}", path.display())]
    Load {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was asked and did not answer.
    #[error("the model failed: {0}")]
    Run(String),
}

/// An ONNX Runtime that cannot be used.
#[cfg(feature = "turn-detect")]
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as ONNX Runtime: {reason}", path.display())]
pub struct LibraryError {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Why the detectors cannot be used.
#[cfg(feature = "turn-detect")]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library that was named, or that was found and then failed.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// A model.
    #[error(transparent)]
    Model(#[from] Error),
}
