//! The two models of turn detection, and the choice of the runtime for the larger one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use super::engine::{Engine, Rten};
use super::features::features;
use super::onnx::{self, Onnx};
use super::stream::VadStream;
use super::{Error, OpenError, Vad, VadModel};
use crate::audio::mel::LogMel;

/// Where to look for ONNX Runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Library {
    /// This file (`turn_detect.library`). Without it, opening fails.
    Named(PathBuf),
    /// The usual places. Without a usable one there, `rten` runs the model.
    Found,
    /// Nowhere: `rten` runs the model.
    Without,
}

impl Library {
    /// Returns the configured library, or a search of the usual places.
    pub fn named(path: Option<&Path>) -> Self {
        path.map_or(Self::Found, |path| Self::Named(path.to_owned()))
    }
}

/// What runs the model of turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// ONNX Runtime, from this file.
    Onnx(PathBuf),
    /// `rten`, which is part of the program.
    Rten,
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Onnx(path) => write!(f, "ONNX Runtime ({})", path.display()),
            Self::Rten => f.write_str("rten (built in)"),
        }
    }
}

impl Runtime {
    /// Returns what a server with this configuration would use, and loads the library for it.
    pub fn choose(library: &Library) -> Result<Self, OpenError> {
        match library {
            Library::Named(path) => {
                onnx::load(path)?;
                Ok(Self::Onnx(path.clone()))
            }
            Library::Found => {
                let found = onnx::candidates().into_iter().find(|path| onnx::load(path).is_ok());
                Ok(found.map_or(Self::Rten, Self::Onnx))
            }
            Library::Without => Ok(Self::Rten),
        }
    }
}

/// The models of turn detection. They have no state: the application owns one detector for all sessions.
pub struct Detector {
    vad: Arc<VadModel>,
    log_mel: LogMel,
    engine: Box<dyn Engine>,
    runtime: Runtime,
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl Detector {
    /// Opens both models. If a library that was found (and not configured) fails, `rten` takes its place.
    pub fn open(library: &Library, vad: &Path, turn: &Path) -> Result<Self, OpenError> {
        let vad = Arc::new(VadModel::load(vad)?);
        let mut runtime = Runtime::choose(library)?;
        let onnx = match &runtime {
            Runtime::Onnx(path) => Some(Onnx::open(path, turn)),
            Runtime::Rten => None,
        };
        let engine: Box<dyn Engine> = match onnx {
            Some(Ok(onnx)) => Box::new(onnx),
            Some(Err(error)) if *library != Library::Found => return Err(error.into()),
            failed => {
                if let Some(Err(error)) = failed {
                    warn!(%error, "ignored an ONNX Runtime that cannot be used");
                }
                runtime = Runtime::Rten;
                Box::new(Rten::open(turn)?)
            }
        };
        Ok(Self { vad, log_mel: LogMel::new(), engine, runtime })
    }

    /// Returns what runs the model of turns.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Begins the voice-activity detection of one stream.
    pub fn stream(&self) -> VadStream {
        VadStream::new(Vad::new(Arc::clone(&self.vad)))
    }

    /// Returns the probability, from 0 to 1, that a turn that ends with these samples is complete (`predict_endpoint` in
    /// pipecat-ai/smart-turn). Only the last eight seconds count. It computes for some ten milliseconds.
    pub fn predict_endpoint(&self, samples: &[i16]) -> Result<f32, Error> {
        self.engine.run(&features(&self.log_mel, samples))
    }
}
