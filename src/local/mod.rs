//! Speech engines that need no key and no network (feature `local`): a voice, and recognition.
//!
//! Text goes in and samples come out, or the other way round. Here is nothing of vendors, sessions or sockets. What computes
//! for long does so on threads of its own, as many at a time as `local.workers` says.

pub mod hearing;
mod pool;
pub mod speech;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::detect::VadModel;
use crate::models::{self, Missing, Models};
use hearing::{Stream, Whisper};
pub use pool::Pool;
use speech::Voice;

/// Why an engine does not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A model is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A model's file is no use.
    #[error("{}: {problem}", path.display())]
    Model {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Others were here before.
    #[error("{sessions} sessions are served already, and more would be too slow for all (`local.max_sessions`)")]
    Overloaded {
        /// As many as are served.
        sessions: usize,
    },
    /// A model was asked and did not answer.
    #[error("the model failed: {0}")]
    Run(String),
    /// There is nothing in a text that could be spoken.
    #[error("the text has nothing that the voice can say: it speaks English")]
    Silent,
    /// The threads are gone.
    #[error("the server is ending")]
    Ended,
}

/// What recognition takes: whether somebody speaks, and what is said.
#[derive(Debug, Clone)]
pub struct Ears {
    vad: Arc<VadModel>,
    /// What is said.
    pub whisper: Arc<Whisper>,
}

impl Ears {
    /// For one speaker.
    pub fn stream(&self) -> Stream {
        Stream::new(Arc::clone(&self.vad))
    }

    fn load(models: &Models) -> Result<Self, Error> {
        let path = models.find(models::SILERO)?;
        let vad = VadModel::load(&path).map_err(|e| Error::Model { path, problem: e.to_string() })?;
        Ok(Self { vad: Arc::new(vad), whisper: Arc::new(Whisper::load(models)?) })
    }
}

/// The engines of this process. Their models are read when they are first asked for.
#[derive(Debug)]
pub struct Engines {
    models: Models,
    pool: Pool,
    voice: OnceCell<Arc<Voice>>,
    ears: OnceCell<Ears>,
    speaking: Arc<Semaphore>,
    listening: Arc<Semaphore>,
    sessions: usize,
}

impl Engines {
    /// With as many threads and sessions as the configuration says.
    pub fn new(config: &Config) -> Self {
        let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = config.local.workers.unwrap_or_else(processors);
        let sessions = config.local.max_sessions.unwrap_or(workers * 2);
        Self {
            models: Models::new(config),
            pool: Pool::new(workers),
            voice: OnceCell::new(),
            ears: OnceCell::new(),
            speaking: Arc::new(Semaphore::new(sessions)),
            listening: Arc::new(Semaphore::new(sessions)),
            sessions,
        }
    }

    /// Where the work is done.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The voice, and a place among those who may use it at a time.
    pub async fn speak(&self) -> Result<(Arc<Voice>, OwnedSemaphorePermit), Error> {
        let place = self.place(&self.speaking)?;
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || Voice::load(&models)).await?.map(Arc::new)
        };
        Ok((Arc::clone(self.voice.get_or_try_init(|| load).await?), place))
    }

    /// Recognition, and a place among those who may use it at a time.
    pub async fn listen(&self) -> Result<(Ears, OwnedSemaphorePermit), Error> {
        let place = self.place(&self.listening)?;
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || Ears::load(&models)).await?
        };
        Ok((self.ears.get_or_try_init(|| load).await?.clone(), place))
    }

    /// Whether the voice's files are there.
    pub fn has_voice(&self) -> bool {
        speech::FILES.iter().all(|name| self.models.find(name).is_ok())
    }

    fn place(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(places).try_acquire_owned().map_err(|_| Error::Overloaded { sessions: self.sessions })
    }
}
