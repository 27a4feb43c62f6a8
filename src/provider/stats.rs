//! The counters of the providers, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{ErrorKind, Name};

/// The counters that this module shares. `Providers` owns them. Each is an atomic number; there is no lock.
#[derive(Debug, Default)]
pub(super) struct Stats {
    providers: [Counters; Name::NAMES.len()],
    hits: AtomicU64,
    shared: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug, Default)]
struct Counters {
    stt_sessions: AtomicU64,
    stt_reconnects: AtomicU64,
    stt_given_up: AtomicU64,
    stt_dropped_bytes: AtomicU64,
    tts_requests: AtomicU64,
    errors: [AtomicU64; ErrorKind::LABELS.len()],
}

/// An event that is counted per provider.
#[derive(Debug, Clone, Copy)]
pub(super) enum Count {
    Session,
    Reconnect,
    GaveUp,
    Request,
    Error(ErrorKind),
}

/// Where the audio of a synthesis comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The cache had it.
    Cache,
    /// It shared the request of another session.
    Shared,
    /// A request to the provider.
    Provider,
}

/// The values of all counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Per provider.
    pub providers: Vec<Provider>,
    /// Syntheses that the cache had.
    pub cache_hits: u64,
    /// Syntheses that shared the request of another session.
    pub cache_shared: u64,
    /// Syntheses that went to a provider.
    pub cache_misses: u64,
    /// Bytes in the cache as far as it knows: in memory, or in its directory since the last sweep.
    pub cache_bytes: u64,
}

/// The values of one provider's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: Name,
    /// Transcriptions that were begun.
    pub stt_sessions: u64,
    /// Connections that were lost and retried.
    pub stt_reconnects: u64,
    /// Transcriptions that ended because all retries failed.
    pub stt_given_up: u64,
    /// Bytes of audio that were dropped because the connection was lost, or too slow, for too long.
    pub stt_dropped_bytes: u64,
    /// Requests for synthesis.
    pub tts_requests: u64,
    /// Errors by kind.
    pub errors: Vec<(&'static str, u64)>,
}

impl Stats {
    pub(super) fn count(&self, name: Name, what: Count) {
        let counters = self.of(name);
        let counter = match what {
            Count::Session => &counters.stt_sessions,
            Count::Reconnect => &counters.stt_reconnects,
            Count::GaveUp => &counters.stt_given_up,
            Count::Request => &counters.tts_requests,
            Count::Error(kind) => {
                let index = ErrorKind::LABELS.iter().position(|label| *label == kind.label()).unwrap_or_default();
                counters.errors.get(index).unwrap_or(&counters.tts_requests)
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, name: Name, bytes: usize) {
        self.of(name).stt_dropped_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn source(&self, source: Source) {
        let counter = match source {
            Source::Cache => &self.hits,
            Source::Shared => &self.shared,
            Source::Provider => &self.misses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, cache_bytes: u64) -> Snapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let provider = |(name, counters): (Name, &Counters)| Provider {
            name,
            stt_sessions: get(&counters.stt_sessions),
            stt_reconnects: get(&counters.stt_reconnects),
            stt_given_up: get(&counters.stt_given_up),
            stt_dropped_bytes: get(&counters.stt_dropped_bytes),
            tts_requests: get(&counters.tts_requests),
            errors: ErrorKind::LABELS.into_iter().zip(counters.errors.iter().map(get)).collect(),
        };
        Snapshot {
            providers: Name::all().map(|name| (name, self.of(name))).map(provider).collect(),
            cache_hits: get(&self.hits),
            cache_shared: get(&self.shared),
            cache_misses: get(&self.misses),
            cache_bytes,
        }
    }

    fn of(&self, name: Name) -> &Counters {
        let [deepgram, elevenlabs, cartesia, google, azure, local] = &self.providers;
        match name {
            Name::Deepgram => deepgram,
            Name::ElevenLabs => elevenlabs,
            Name::Cartesia => cartesia,
            Name::Google => google,
            Name::Azure => azure,
            Name::Local => local,
        }
    }
}
