//! What every request can reach: built once from the configuration, shared unchanged.

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

/// Marks a request on a connection for which none of `server.max_connections` was free: it may ask after the server's health
/// and nothing else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond;

/// Marks a request that is not the first one on its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept;

/// The place of a connection among `server.max_connections`; given back with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held, not read")] pub(crate) Arc<OwnedSemaphorePermit>);

/// Why the server cannot start with a configuration that has no fault in itself.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The means to reach others.
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    /// The key of the authentication.
    #[error(transparent)]
    Auth(#[from] auth::SetupError),
    /// Credentials or cache.
    #[error(transparent)]
    Providers(#[from] provider::StartError),
    /// The file of hooks.
    #[error(transparent)]
    Hooks(#[from] room::FileError),
    /// ONNX Runtime, or a model.
    #[cfg(feature = "turn-detect")]
    #[error(transparent)]
    Detect(#[from] detect::OpenError),
}

/// Everything that would keep a server with this configuration from starting on this machine, by the user who asks. Nothing is
/// started, and nothing is left behind; the addresses to listen on are not tried, as a server may have them.
pub fn examine(config: &Config) -> Vec<SetupError> {
    let outbound = Outbound::new(config.server.extra_ca.as_deref());
    let (outbound, unreachable) = match outbound {
        Ok(outbound) => (Some(outbound), None),
        // The other parts are looked at all the same.
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

/// The parts of the server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) shared: Shared,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) livekit: Option<Arc<Livekit>>,
    pub(crate) hooks: Arc<Hooks>,
    /// Those of `server.max_connections` that are free.
    pub(crate) places: Arc<Semaphore>,
    /// The sessions that are open or leave their rooms, and news of calls on their way to a hook.
    pub(crate) sessions: TaskTracker,
}

impl App {
    /// Inside the runtime: the cache begins to be swept.
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
