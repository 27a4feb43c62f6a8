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
use std::time::Duration;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

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
    #[error(
        "{sessions} are served already, and no place was free within {} s (`local.max_sessions`, `local.wait_seconds`): try it \
         later", wait.as_secs()
    )]
    Overloaded {
        /// As many as are served.
        sessions: usize,
        /// How long it was waited for.
        wait: Duration,
    },
    /// A model was asked and did not answer.
    #[error("the model failed: {0}")]
    Run(String),
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

/// Places for those who have work for an engine; who has none now holds none. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Places {
    free: Arc<Semaphore>,
    sessions: usize,
    wait: Duration,
}

impl Places {
    fn new(sessions: usize, wait: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(sessions)), sessions, wait }
    }

    /// Waits for its turn, for a bounded time.
    pub async fn take(&self) -> Result<OwnedSemaphorePermit, Error> {
        let overloaded = |_| Error::Overloaded { sessions: self.sessions, wait: self.wait };
        timeout(self.wait, self.take_again()).await.map_err(overloaded)?
    }

    /// For work that has begun: waits for as long as it takes.
    pub async fn take_again(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.free).acquire_owned().await.map_err(|_| Error::Ended)
    }
}

/// The engines of this process. Their models are read when they are first asked for.
#[derive(Debug)]
pub struct Engines {
    models: Models,
    pool: Pool,
    voice: OnceCell<Arc<Voice>>,
    ears: OnceCell<Ears>,
    speaking: Places,
    listening: Places,
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
            speaking: Places::new(sessions, config.local.wait),
            listening: Places::new(sessions, config.local.wait),
        }
    }

    /// Where the work is done.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Places for texts, each of which needs one while it is spoken.
    pub fn speaking(&self) -> &Places {
        &self.speaking
    }

    /// Places for utterances, each of which needs one while it is recognised.
    pub fn listening(&self) -> &Places {
        &self.listening
    }

    /// The voice.
    pub async fn speak(&self) -> Result<Arc<Voice>, Error> {
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || Voice::load(&models)).await?.map(Arc::new)
        };
        Ok(Arc::clone(self.voice.get_or_try_init(|| load).await?))
    }

    /// Recognition.
    pub async fn listen(&self) -> Result<Ears, Error> {
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || Ears::load(&models)).await?
        };
        Ok(self.ears.get_or_try_init(|| load).await?.clone())
    }

    /// Whether the voice's files are there.
    pub fn has_voice(&self) -> bool {
        speech::FILES.iter().all(|name| self.models.find(name).is_ok())
    }
}
