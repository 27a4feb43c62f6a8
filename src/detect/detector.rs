//! Both models together, for all sessions.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use super::engine::{Engine, Rten};
use super::mel::Mel;
use super::onnx::{self, Onnx};
use super::stream::Stream;
use super::{Error, OpenError, Vad, VadModel};

/// Which ONNX Runtime is to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Library {
    /// This one or none at all.
    Named(PathBuf),
    /// One that lies where it usually does, if it is fit.
    Found,
    /// None.
    Without,
}

impl Library {
    /// The one that a configuration names, or whichever there is.
    pub fn named(path: Option<&Path>) -> Self {
        path.map_or(Self::Found, |path| Self::Named(path.to_owned()))
    }
}

/// What runs the model of turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// ONNX Runtime, from this file.
    Onnx(PathBuf),
    /// `rten`, which is in the program.
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
    /// Loads the library, if there is one: what a server with this configuration would use.
    pub fn choose(library: &Library) -> Result<Self, OpenError> {
        match library {
            Library::Named(path) => {
                onnx::load(path)?;
                Ok(Self::Onnx(path.clone()))
            }
            Library::Found => {
                let found = onnx::places().into_iter().find(|path| onnx::load(path).is_ok());
                Ok(found.map_or(Self::Rten, Self::Onnx))
            }
            Library::Without => Ok(Self::Rten),
        }
    }
}

/// The models, which remember nothing: one for all sessions.
pub struct Detector {
    vad: Arc<VadModel>,
    mel: Mel,
    engine: Box<dyn Engine>,
    runtime: Runtime,
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl Detector {
    /// Opens both models. A library that nobody has named and that fails is done without.
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
                    warn!(%error, "an ONNX Runtime is there and is of no use");
                }
                runtime = Runtime::Rten;
                Box::new(Rten::open(turn)?)
            }
        };
        Ok(Self { vad, mel: Mel::new(), engine, runtime })
    }

    /// What runs the model of turns.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A stream that begins.
    pub fn stream(&self) -> Stream {
        Stream::new(Vad::new(Arc::clone(&self.vad)))
    }

    /// How probable it is that all was said in what ends with these samples, of which the last eight seconds count. It
    /// computes for some ten milliseconds.
    pub fn ask(&self, samples: &[i16]) -> Result<f32, Error> {
        self.engine.ask(&self.mel.features(samples))
    }
}
