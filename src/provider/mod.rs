//! Speech providers: names, credentials, recognition ([`stt`]), synthesis ([`tts`]) with its cache, lists of voices.
//!
//! Each vendor has an adapter, its *dialect*: a pure value that converts requests into its bytes and its bytes into events.
//! Connecting, keep-alive, time-outs, retries and back-pressure exist once per transport. Nothing here knows of sessions, or of
//! HTTP requests to this server.

mod credential;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod name;
mod options;
mod stats;
pub mod stt;
mod token;
pub mod tts;
mod voices;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use url::Url;

pub use credential::{AuthProblem, Credential, CredentialError};
pub use error::{ErrorKind, OptionsError, PlanError};
pub use name::{Name, Unsupported};
pub use options::{Pronunciation, SttOptions, TtsOptions};
pub use stats::{Provider, Snapshot, Source};
pub use stt::{Stt, SttError, SttEvent, SttPlan, Transcript};
pub(crate) use tts::whole_seconds;
pub use tts::{Started, Synthesis, TtsError, Voice};
pub use voices::VoiceInfo;

use crate::config::{Config, Vendor};
use crate::outbound::{Outbound, told};
use stats::Stats;
use token::Tokens;
use tts::cache::Cache;
use tts::flight::Flights;

/// Why the providers cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory of the cache is unusable.
    #[error(
        "`cache.path`: {}: {source}; mount a volume there that this user may write to, or remove the key: \
         the cache is then in memory",
        path.display()
    )]
    Cache {
        /// The directory.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Google's credentials are invalid.
    #[error("`providers.google_credentials`: {0}")]
    Google(String),
}

/// Access to every provider, the cache and the lists of voices. `App` owns it for the life of the server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Providers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: crate::config::Providers,
    outbound: Outbound,
    stats: Stats,
    cache: Cache,
    flights: Flights,
    lists: voices::Lists,
    /// `server.max_text_chars`. It also limits a text with its pronunciations.
    max_text_chars: usize,
    /// The source of Google's access tokens, if Google is configured.
    tokens: Option<Arc<Tokens>>,
    #[cfg(feature = "local")]
    local: crate::local::Engines,
}

impl Providers {
    /// Opens the cache and starts its sweep. It must be called inside the runtime.
    pub fn new(config: &Config, outbound: Outbound) -> Result<Self, StartError> {
        let cache = Cache::open(&config.cache).map_err(no_cache(config))?;
        let tokens = tokens(config)?.map(Arc::new);
        #[cfg(feature = "local")]
        let local = crate::local::Engines::new(config);
        let max_text_chars = config.server.max_text_chars;
        let (config, stats, flights) = (config.providers.clone(), Stats::default(), Flights::default());
        let shared = Shared {
            config,
            outbound,
            stats,
            cache,
            flights,
            lists: voices::Lists::default(),
            max_text_chars,
            tokens,
            #[cfg(feature = "local")]
            local,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns why [`Self::new`] would fail, without creating anything.
    pub(crate) fn examine(config: &Config) -> Vec<StartError> {
        let cache = Cache::examine(&config.cache).map_err(no_cache(config));
        cache.err().into_iter().chain(tokens(config).err()).collect()
    }

    /// Validates a transcription. It sends no request.
    pub fn stt(&self, options: &SttOptions) -> Result<SttPlan, PlanError> {
        SttPlan::new(Arc::clone(&self.shared), options)
    }

    /// Validates a voice. It sends no request.
    pub fn voice(&self, options: &TtsOptions) -> Result<Voice, PlanError> {
        Voice::new(Arc::clone(&self.shared), options)
    }

    /// Returns the voices of every provider that the server has credentials for. Providers that do not answer are left out. Each
    /// list is cached for five minutes.
    pub async fn voices(&self) -> BTreeMap<&'static str, Vec<VoiceInfo>> {
        voices::all(&self.shared).await
    }

    /// Returns the counters.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.stats.snapshot(self.shared.cache.bytes())
    }
}

impl Shared {
    /// Returns the configuration of a vendor. The local engines have none here.
    fn vendor(&self, name: Name) -> Option<&Vendor> {
        match name {
            Name::Deepgram => Some(&self.config.deepgram),
            Name::ElevenLabs => Some(&self.config.elevenlabs),
            Name::Cartesia => Some(&self.config.cartesia),
            Name::Google => Some(&self.config.google),
            Name::Azure => Some(&self.config.azure),
            Name::Local => None,
        }
    }
}

/// Converts an error of the cache.
fn no_cache(config: &Config) -> impl FnOnce(std::io::Error) -> StartError {
    let path = config.cache.path.clone().unwrap_or_default();
    |source| StartError::Cache { path, source }
}

/// Parses Google's credentials, if they are configured.
fn tokens(config: &Config) -> Result<Option<Tokens>, StartError> {
    let key = config.providers.google.key.as_ref();
    key.map(|key| Tokens::of_server(key.expose())).transpose().map_err(StartError::Google)
}

/// Returns the configured base URL, or the vendor's default, with a path.
fn address(base: Option<&Url>, usual: &str, path: &str) -> Result<Url, OptionsError> {
    let bad = |_| OptionsError::Range { field: "region", expected: "a part of a host name" };
    let mut url = base.cloned().map_or_else(|| Url::parse(usual), Ok).map_err(bad)?;
    let path = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    Ok(url)
}

/// Returns the wanted rate if the vendor has it, else the next higher, else the highest. `rates` is in rising order.
fn nearest(rates: &[u32], wanted: u32) -> u32 {
    rates.iter().copied().find(|rate| *rate >= wanted).or(rates.last().copied()).unwrap_or(wanted)
}

/// Returns the beginning of an error's body, in one line.
fn shortened(body: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(body.get(..most).unwrap_or(body));
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Parses the header `Retry-After`: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || httpdate::parse_http_date(value).ok();
    let until = |date: SystemTime| date.duration_since(SystemTime::now()).unwrap_or_default();
    value.parse().ok().map(Duration::from_secs).or_else(|| date().map(until))
}
