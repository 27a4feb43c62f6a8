//! Prometheus metrics and their text exposition.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::provider::{Name, Providers};

/// Histogram bounds in seconds. A vendor answers within tenths of a second, the cache within milliseconds.
const SECONDS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByProvider {
    provider: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCode {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRequest {
    path: String,
    status: u16,
}

/// The metrics of the server. `App` owns them, and every part shares them. Each is an atomic number; there is no lock.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    sessions: Gauge,
    sessions_total: Counter,
    closed: Family<ByCode, Counter>,
    errors: Family<ByKind, Counter>,
    audio_in: Counter<u64, AtomicU64>,
    dropped: Counter,
    repeated: Counter,
    queued: Gauge,
    audio_queued: Gauge,
    stt_ready: Family<ByProvider, Histogram, fn() -> Histogram>,
    first_audio: Family<ByProvider, Histogram, fn() -> Histogram>,
    requests: Family<ByRequest, Counter>,
    request_seconds: Family<ByRequest, Histogram, fn() -> Histogram>,
    /// Connections that failed.
    pub(crate) broken: Broken,
}

/// Connections that the server cut or refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broken {
    /// The client did not read its response.
    pub(crate) stalled: Counter,
    /// `accept` failed, for lack of file descriptors.
    pub(crate) refused: Counter,
    /// All of `server.max_connections` were in use.
    pub(crate) beyond: Counter,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    pub(crate) fn new(providers: &Providers) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("sayna"),
            sessions: Gauge::default(),
            sessions_total: Counter::default(),
            closed: Family::default(),
            errors: Family::default(),
            audio_in: Counter::default(),
            dropped: Counter::default(),
            repeated: Counter::default(),
            queued: Gauge::default(),
            audio_queued: Gauge::default(),
            stt_ready: Family::new_with_constructor(seconds),
            first_audio: Family::new_with_constructor(seconds),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            broken: Broken::default(),
        };
        metrics.register();
        metrics.registry.register_collector(Box::new(ByProviders(providers.clone())));
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("sessions", "Sessions that are open", self.sessions.clone());
        registry.register("sessions_opened", "Sessions that were opened", self.sessions_total.clone());
        registry.register("sessions_closed", "Sessions that the server closed, by close code", self.closed.clone());
        registry.register("session_errors", "Errors that were sent to clients, by kind", self.errors.clone());
        registry.register("audio_in_bytes", "Audio that clients sent, in bytes", self.audio_in.clone());
        registry.register("audio_dropped_chunks", "Chunks of audio that were dropped", self.dropped.clone());
        let help = "Repeated reports of a call, whose hooks were not called again";
        registry.register("calls_repeated", help, self.repeated.clone());
        registry.register("output_queued", "Messages that wait for clients to read", self.queued.clone());
        registry.register("audio_queued", "Chunks of audio that wait for providers", self.audio_queued.clone());
        let unit = || Unit::Seconds;
        let help = "Time from a config message to a connected provider";
        registry.register_with_unit("stt_ready", help, unit(), self.stt_ready.clone());
        let help = "Time from the start of a text to its first audio";
        registry.register_with_unit("first_audio", help, unit(), self.first_audio.clone());
        registry.register("http_requests", "Requests that were answered", self.requests.clone());
        let help = "Time until the headers of the response";
        registry.register_with_unit("http_request", help, unit(), self.request_seconds.clone());
        let Broken { stalled, refused, beyond } = &self.broken;
        registry.register(
            "connections_stalled",
            "Connections that were cut because the client did not read the response",
            stalled.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that failed for lack of file descriptors",
            refused.clone(),
        );
        let help = "Connections beyond server.max_connections, which got only health checks and 503";
        registry.register("connections_beyond_limit", help, beyond.clone());
    }

    /// Returns all metrics in the text format of Prometheus.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut buffer = String::new();
        text::encode(&mut buffer, &self.registry)?;
        Ok(buffer)
    }

    /// Counts a session as open until the value is dropped.
    pub(crate) fn session(&self) -> Open {
        self.sessions.inc();
        self.sessions_total.inc();
        Open(self.sessions.clone())
    }

    pub(crate) fn session_closed(&self, code: u16) {
        self.closed.get_or_create(&ByCode { code }).inc();
    }

    pub(crate) fn session_error(&self, kind: &'static str) {
        self.errors.get_or_create(&ByKind { kind }).inc();
    }

    pub(crate) fn audio_in(&self, bytes: usize) {
        self.audio_in.inc_by(bytes as u64);
    }

    pub(crate) fn audio_dropped(&self) {
        self.dropped.inc();
    }

    /// Counts a call whose hook was called before.
    pub(crate) fn call_repeated(&self) {
        self.repeated.inc();
    }

    /// Adds to the messages that wait for clients. Negative for messages that were sent.
    pub(crate) fn queued(&self, change: i64) {
        self.queued.inc_by(change);
    }

    /// Returns the gauge for one session's queue to its provider.
    pub(crate) fn audio_queued(&self) -> QueueDepth {
        QueueDepth { all: self.audio_queued.clone(), own: 0 }
    }

    pub(crate) fn stt_ready(&self, provider: Name, took: Duration) {
        self.stt_ready.get_or_create(&ByProvider { provider: provider.as_str() }).observe(took.as_secs_f64());
    }

    pub(crate) fn first_audio(&self, provider: Name, took: Duration) {
        self.first_audio.get_or_create(&ByProvider { provider: provider.as_str() }).observe(took.as_secs_f64());
    }

    /// Counts a request. `path` is the path of the route, so clients cannot create labels.
    pub(crate) fn request(&self, path: &str, status: u16, took: Duration) {
        let labels = ByRequest { path: path.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// One queue's part of a gauge over all queues. The conversation owns it, and dropping it removes the part.
#[derive(Debug)]
pub(crate) struct QueueDepth {
    all: Gauge,
    own: i64,
}

impl QueueDepth {
    pub(crate) fn set(&mut self, now: usize) {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.all.inc_by(now - self.own);
        self.own = now;
    }
}

impl Drop for QueueDepth {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// An open session in the gauge. The session owns it.
#[derive(Debug)]
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counters that the providers and the log own. They are read for each scrape.
#[derive(Debug)]
struct ByProviders(Providers);

impl Collector for ByProviders {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.0.snapshot();
        let mut counter = |name: &str, help: &str, values: &[(&[(&str, &str)], u64)]| {
            let constant = ConstCounter::new(0_u64);
            let mut descriptor = encoder.encode_descriptor(name, help, None, constant.metric_type())?;
            for (labels, value) in values {
                ConstCounter::new(*value).encode(descriptor.encode_family(labels)?)?;
            }
            Ok::<_, fmt::Error>(())
        };
        counter("cache_hits", "Syntheses that the cache had", &[(&[], all.cache_hits)])?;
        counter("cache_shared", "Syntheses that shared the request of another session", &[(&[], all.cache_shared)])?;
        counter("cache_misses", "Syntheses that went to a provider", &[(&[], all.cache_misses)])?;
        let labels: Vec<_> = all.providers.iter().map(|provider| [("provider", provider.name.as_str())]).collect();
        let each = |value: fn(&crate::provider::Provider) -> u64| -> Vec<(&[(&str, &str)], u64)> {
            labels.iter().zip(&all.providers).map(|(labels, provider)| (&labels[..], value(provider))).collect()
        };
        counter("stt_sessions", "Transcriptions that were started", &each(|p| p.stt_sessions))?;
        counter("stt_reconnects", "Connections that were lost and retried", &each(|p| p.stt_reconnects))?;
        counter("stt_given_up", "Transcriptions that ended because all retries failed", &each(|p| p.stt_given_up))?;
        counter("stt_dropped_bytes", "Bytes of audio that no provider took in time", &each(|p| p.stt_dropped_bytes))?;
        counter("tts_requests", "Requests for synthesis", &each(|p| p.tts_requests))?;
        let kinds =
            all.providers.iter().flat_map(|p| p.errors.iter().map(|(kind, count)| (p.name.as_str(), *kind, *count)));
        let kinds: Vec<_> = kinds.map(|(name, kind, count)| ([("provider", name), ("kind", kind)], count)).collect();
        let errors: Vec<(&[(&str, &str)], u64)> = kinds.iter().map(|(labels, count)| (&labels[..], *count)).collect();
        counter("provider_errors", "Errors of providers, by kind", &errors)?;
        let lines = crate::log::dropped();
        counter("log_dropped_lines", "Log lines that could not be written", &[(&[], lines)])?;
        let bytes = ConstGauge::new(i64::try_from(all.cache_bytes).unwrap_or(i64::MAX));
        let help = "Bytes of audio in the cache";
        bytes.encode(encoder.encode_descriptor("cache_bytes", help, None, bytes.metric_type())?)
    }
}
