//! Speech engines on this machine, without a key and without a network (feature `local`): recognition (`whisper`) and synthesis
//! (`piper`).
//!
//! Samples go in and text comes out, or the other way round. This module knows nothing of vendors, sessions or sockets. Long
//! computations run on threads of their own, at most `local.workers` at a time.

mod endpoint;
pub mod piper;
mod pool;
mod utterances;
pub mod whisper;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::Config;
use crate::detect::VadModel;
use crate::models::{self, Missing, Models};
pub use endpoint::Utterance;
use piper::PiperVoice;
pub use pool::Pool;
pub use utterances::UtteranceStream;
use whisper::Whisper;

/// Why an engine cannot do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A model's file is not installed.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A model's file cannot be read or parsed.
    #[error("{}: {problem}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The reason.
        problem: String,
    },
    /// All slots stayed taken for as long as a request may wait.
    #[error(
        "no free slot within {} s ({sessions} in use); retry later, or raise local.max_sessions or local.wait_seconds",
        wait.as_secs()
    )]
    Overloaded {
        /// `local.max_sessions`.
        sessions: usize,
        /// `local.wait_seconds`.
        wait: Duration,
    },
    /// The model failed on this input.
    #[error("the model failed: {0}")]
    Run(String),
    /// The server shuts down.
    #[error("the server is shutting down")]
    Ended,
}

/// The models of recognition. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recognizer {
    vad: Arc<VadModel>,
    /// The model that turns an utterance into text.
    pub whisper: Arc<Whisper>,
}

impl Recognizer {
    /// Begins the stream of one speaker.
    pub fn stream(&self) -> UtteranceStream {
        UtteranceStream::new(Arc::clone(&self.vad))
    }

    fn load(models: &Models) -> Result<Self, Error> {
        let path = models.find(models::SILERO)?;
        let vad = VadModel::load(&path).map_err(|e| Error::Model { path, problem: e.to_string() })?;
        Ok(Self { vad: Arc::new(vad), whisper: Arc::new(Whisper::load(models)?) })
    }
}

/// `local.max_sessions` slots for concurrent work. A session holds one only while it has work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slots {
    free: Arc<Semaphore>,
    sessions: usize,
    wait: Duration,
}

impl Slots {
    fn new(sessions: usize, wait: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(sessions)), sessions, wait }
    }

    /// Waits for a slot, at most `local.wait_seconds`.
    pub async fn acquire(&self) -> Result<OwnedSemaphorePermit, Error> {
        let overloaded = |_| Error::Overloaded { sessions: self.sessions, wait: self.wait };
        timeout(self.wait, self.acquire_unbounded()).await.map_err(overloaded)?
    }

    /// Waits for a slot without a limit, for work that has begun and gave its slot up for a while.
    pub async fn acquire_unbounded(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.free).acquire_owned().await.map_err(|_| Error::Ended)
    }
}

/// The engines of this process. Each loads its models when it is first used, and keeps them until the process ends.
#[derive(Debug)]
pub struct Engines {
    models: Models,
    pool: Pool,
    voice: OnceCell<Arc<PiperVoice>>,
    recognizer: OnceCell<Recognizer>,
    synthesis_slots: Slots,
    recognition_slots: Slots,
}

impl Engines {
    /// Makes engines with the workers and slots of the configuration. Loads nothing.
    pub fn new(config: &Config) -> Self {
        let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = config.local.workers.unwrap_or_else(processors);
        let sessions = config.local.max_sessions.unwrap_or(workers * 2);
        Self {
            models: Models::new(config),
            pool: Pool::new(workers),
            voice: OnceCell::new(),
            recognizer: OnceCell::new(),
            synthesis_slots: Slots::new(sessions, config.local.wait),
            recognition_slots: Slots::new(sessions, config.local.wait),
        }
    }

    /// Returns the threads that models run on.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the slots of synthesis: one per text.
    pub fn synthesis_slots(&self) -> &Slots {
        &self.synthesis_slots
    }

    /// Returns the slots of recognition: one per utterance.
    pub fn recognition_slots(&self) -> &Slots {
        &self.recognition_slots
    }

    /// Returns the voice, and loads it first if nothing did.
    pub async fn voice(&self) -> Result<Arc<PiperVoice>, Error> {
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || PiperVoice::load(&models)).await?.map(Arc::new)
        };
        Ok(Arc::clone(self.voice.get_or_try_init(|| load).await?))
    }

    /// Returns the recogniser, and loads it first if nothing did.
    pub async fn recognizer(&self) -> Result<Recognizer, Error> {
        let load = async {
            let models = self.models.clone();
            self.pool.run(move || Recognizer::load(&models)).await?
        };
        Ok(self.recognizer.get_or_try_init(|| load).await?.clone())
    }

    /// Whether the voice's files are installed.
    pub fn has_voice(&self) -> bool {
        piper::FILES.iter().all(|name| self.models.find(name).is_ok())
    }
}
