//! The state that all requests share. Built once from the configuration and never changed.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{self, Authenticator};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::outbound::{self, Outbound};
use crate::provider::{self, Providers};
use crate::room::{self, Hooks, Livekit, Rooms};
use crate::voice::Shared;
#[cfg(feature = "turn-detect")]
use crate::{detect, voice::Detection};

/// Marks a request on a connection beyond `server.max_connections`. Only health checks are answered then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond;

/// Marks a request that is not the first one on its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept;

/// The place of a connection among `server.max_connections`. Released with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held, not read")] pub(crate) Arc<OwnedSemaphorePermit>);

/// Why the server cannot start with a valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    /// The signing key of authentication cannot be used.
    #[error(transparent)]
    Auth(#[from] auth::SetupError),
    /// Credentials or the cache cannot be used.
    #[error(transparent)]
    Providers(#[from] provider::StartError),
    /// The file of hooks cannot be read.
    #[error(transparent)]
    Hooks(#[from] room::FileError),
    /// ONNX Runtime or a model cannot be loaded.
    #[cfg(feature = "turn-detect")]
    #[error(transparent)]
    Detect(#[from] detect::OpenError),
}

/// Returns all errors that would stop a server with this configuration from starting on this machine as the current user. Starts
/// nothing and leaves nothing behind. The listening addresses are not tried, because a running server may use them.
pub fn examine(config: &Config) -> Vec<SetupError> {
    let outbound = Outbound::new(config.server.extra_ca.as_deref());
    let (outbound, unreachable) = match outbound {
        Ok(outbound) => (Some(outbound), None),
        // The other parts are examined all the same.
        Err(error) => (Outbound::new(None).ok(), Some(error)),
    };
    let mut found: Vec<SetupError> = unreachable.into_iter().map(SetupError::from).collect();
    if let Some(outbound) = &outbound {
        found.extend(Authenticator::new(config, outbound).err().map(SetupError::from));
        found.extend(Hooks::open(config, outbound.clone()).err().map(SetupError::from));
    }
    found.extend(Providers::examine(config).into_iter().map(SetupError::from));
    #[cfg(feature = "turn-detect")]
    found.extend(Detection::open(config).err().map(SetupError::from));
    found
}

/// The parts of the server, shared by all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) shared: Shared,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) livekit: Option<Arc<Livekit>>,
    pub(crate) hooks: Arc<Hooks>,
    /// The free places of `server.max_connections`.
    pub(crate) places: Arc<Semaphore>,
    /// The tasks that a shutdown waits for: sessions, connections to rooms, and calls of hooks.
    pub(crate) sessions: TaskTracker,
}

impl App {
    /// Builds the parts. Must be called inside the runtime, because it starts the sweep of the cache.
    pub(crate) fn new(config: Config) -> Result<Self, SetupError> {
        let outbound = Outbound::new(config.server.extra_ca.as_deref())?;
        let auth = Arc::new(Authenticator::new(&config, &outbound)?);
        let livekit = Livekit::new(&config, &outbound).map(Arc::new);
        let hooks = Arc::new(Hooks::open(&config, outbound.clone())?);
        let providers = Providers::new(&config, outbound)?;
        let metrics = Arc::new(Metrics::new(&providers));
        #[cfg(feature = "turn-detect")]
        let detection = Detection::open(&config)?;
        let (draining, cut) = (CancellationToken::new(), CancellationToken::new());
        let sessions = TaskTracker::new();
        let places = Arc::new(Semaphore::new(config.server.max_connections));
        let rooms = livekit.clone().map(|livekit| Rooms { livekit, tasks: sessions.clone() });
        let shared = Shared {
            config: Arc::new(config),
            providers,
            rooms,
            metrics,
            #[cfg(feature = "turn-detect")]
            detection,
            draining,
            cut,
        };
        Ok(Self { shared, auth, livekit, hooks, places, sessions })
    }
}
