//! What is heard in the sound itself, not in the words: whether somebody speaks (feature `vad`).
//!
//! Knows samples at 16 kHz and model files; not where either comes from.

mod vad;

use std::path::PathBuf;

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
