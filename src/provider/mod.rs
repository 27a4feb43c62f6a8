//! Speech by others: names, credentials, recognition ([`stt`]), synthesis ([`tts`]) with its cache, lists of voices.
//!
//! A vendor is a translator: a pure value that turns our requests into its bytes and its bytes into our events. Connecting,
//! keep-alive, time-outs, retry and back-pressure exist once per transport. Nothing here knows of sessions or of HTTP
//! requests to this server.

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

/// Why speech by others cannot be offered at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The cache's directory cannot be used.
    #[error(
        "`cache.path`: {}: {source}; mount a volume there that this user may write to, or leave the key out: what was spoken \
         is then kept in memory",
        path.display()
    )]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Google's credentials are no use.
    #[error("`providers.google_credentials`: {0}")]
    Google(String),
}

/// Access to every provider. Cheap to clone.
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
    /// `server.max_text_chars`, which counts for what a text becomes too.
    max_text_chars: usize,
    /// Where tokens for Google come from, where it is configured.
    tokens: Option<Arc<Tokens>>,
    #[cfg(feature = "local")]
    local: crate::local::Engines,
}

impl Providers {
    /// Opens the cache and starts its sweep; to be called inside the runtime.
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

    /// What would keep [`Self::new`] from its work. Nothing is made.
    pub(crate) fn examine(config: &Config) -> Vec<StartError> {
        let cache = Cache::examine(&config.cache).map_err(no_cache(config));
        cache.err().into_iter().chain(tokens(config).err()).collect()
    }

    /// Checks how speech is to be recognised. Nobody is asked yet.
    pub fn stt(&self, options: &SttOptions) -> Result<SttPlan, PlanError> {
        SttPlan::new(Arc::clone(&self.shared), options)
    }

    /// Checks how text is to be spoken. Nobody is asked yet.
    pub fn voice(&self, options: &TtsOptions) -> Result<Voice, PlanError> {
        Voice::new(Arc::clone(&self.shared), options)
    }

    /// The voices of every provider that the server has credentials for and that answers; the others are left out. A list is kept
    /// for five minutes.
    pub async fn voices(&self) -> BTreeMap<&'static str, Vec<VoiceInfo>> {
        voices::all(&self.shared).await
    }

    /// What has happened so far, counted.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.stats.snapshot(self.shared.cache.bytes())
    }
}

impl Shared {
    /// What is configured of a vendor; nothing is of the engines on this machine.
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

/// Why the configured cache cannot be used.
fn no_cache(config: &Config) -> impl FnOnce(std::io::Error) -> StartError {
    let path = config.cache.path.clone().unwrap_or_default();
    |source| StartError::Cache { path, source }
}

/// Google's credentials, where they are configured.
fn tokens(config: &Config) -> Result<Option<Tokens>, StartError> {
    let key = config.providers.google.key.as_ref();
    key.map(|key| Tokens::of_server(key.expose())).transpose().map_err(StartError::Google)
}

/// The configured address, or the vendor's usual one, with a path behind it.
fn address(base: Option<&Url>, usual: &str, path: &str) -> Result<Url, OptionsError> {
    let bad = |_| OptionsError::Range { field: "region", expected: "a part of a host name" };
    let mut url = base.cloned().map_or_else(|| Url::parse(usual), Ok).map_err(bad)?;
    let path = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    Ok(url)
}

/// Of the rates that a vendor has, in rising order: this one, else the next higher, else the highest.
fn nearest(rates: &[u32], wanted: u32) -> u32 {
    rates.iter().copied().find(|rate| *rate >= wanted).or(rates.last().copied()).unwrap_or(wanted)
}

/// The beginning of what a vendor says of an error.
fn shortened(body: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(body.get(..most).unwrap_or(body));
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// When a vendor wants to be asked again, where it says so: in seconds, or by a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || httpdate::parse_http_date(value).ok();
    let until = |date: SystemTime| date.duration_since(SystemTime::now()).unwrap_or_default();
    value.parse().ok().map(Duration::from_secs).or_else(|| date().map(until))
}
