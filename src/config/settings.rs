//! The values of a configuration, their types and defaults. `table` has names and parsers, `config.example.yaml` the meanings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Secret;

/// A complete configuration. Built once at the start and never changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The listening socket, the limits, and the shutdown.
    pub server: Server,
    /// Authentication.
    pub auth: Auth,
    /// Credentials and addresses of the providers.
    pub providers: Providers,
    /// The cache of synthesised speech.
    pub cache: Cache,
    /// Timers that end a turn.
    pub turn: Turn,
    /// `LiveKit`: tokens and rooms.
    pub livekit: Livekit,
    /// Recordings of rooms.
    pub recording: Recording,
    /// Telephone calls.
    pub sip: Sip,
    /// The end-of-turn model.
    pub turn_detect: TurnDetect,
    /// Model files.
    pub models: Models,
    /// The speech engines on this machine.
    pub local: Local,
    /// Prometheus metrics.
    pub metrics: Metrics,
    /// The log.
    pub log: Log,
}

/// The listening socket, the limits for clients, and the shutdown (`server`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `server.host`: an address or a host name.
    pub host: String,
    /// `server.port`: with 0 the system chooses.
    pub port: u16,
    /// `server.shutdown_seconds`: the time limit for running requests after a signal.
    pub shutdown: Duration,
    /// `server.max_connections`: the limit of simultaneous connections, sessions included.
    pub max_connections: usize,
    /// `server.max_message_bytes`: the size limit of a message on `/ws` and of a request body.
    pub max_message_bytes: usize,
    /// `server.body_timeout_seconds`: the time limit for the whole body of a request.
    pub body_timeout: Duration,
    /// `server.write_timeout_seconds`: the time limit for a client that hardly reads its response.
    pub write_timeout: Duration,
    /// `server.max_text_chars`: the length limit of a text to speak.
    pub max_text_chars: usize,
    /// `server.ping_seconds`: the interval between pings of a session.
    pub ping: Duration,
    /// `server.pong_timeout_seconds`: the time limit for a silent peer.
    pub pong_timeout: Duration,
    /// `server.allowed_origins`: origins of browser pages that may call the server. `*` is all.
    pub allowed_origins: Vec<String>,
    /// `server.extra_ca`: a PEM file of additional certificate authorities.
    pub extra_ca: Option<PathBuf>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: 3001,
            shutdown: Duration::from_secs(10),
            max_connections: 1000,
            max_message_bytes: 1 << 20,
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_text_chars: 5000,
            ping: Duration::from_secs(20),
            pong_timeout: Duration::from_secs(60),
            allowed_origins: Vec::new(),
            extra_ca: None,
        }
    }
}

/// Authentication (`auth`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `auth.required`
    pub required: bool,
    /// `auth.api_secrets`
    pub api_secrets: Vec<ApiSecret>,
    /// `auth.api_secret`: a single secret, used if the list is empty.
    pub api_secret: Option<Secret>,
    /// `auth.api_secret_id`: the id of the single secret.
    pub api_secret_id: String,
    /// `auth.service_url`: the service that decides about tokens.
    pub service_url: Option<Url>,
    /// `auth.signing_key_path`: the key that signs requests to that service.
    pub signing_key_path: Option<PathBuf>,
    /// `auth.service_tenants`: whether that service returns the tenant of each accepted token.
    pub service_tenants: bool,
    /// `auth.timeout_seconds`: the time limit for that service.
    pub timeout: Duration,
}

/// The secret of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSecret {
    /// The tenant.
    pub id: String,
    /// The token that the client sends.
    pub secret: Secret,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            required: false,
            api_secrets: Vec::new(),
            api_secret: None,
            api_secret_id: "default".to_owned(),
            service_url: None,
            signing_key_path: None,
            service_tenants: true,
            timeout: Duration::from_secs(5),
        }
    }
}

impl Auth {
    /// Returns the secrets in effect: the list, or else the single one.
    pub fn secrets(&self) -> Vec<ApiSecret> {
        let single = |secret: &Secret| ApiSecret { id: self.api_secret_id.clone(), secret: secret.clone() };
        if self.api_secrets.is_empty() {
            self.api_secret.iter().map(single).collect()
        } else {
            self.api_secrets.clone()
        }
    }
}

/// Credentials and addresses of the providers (`providers`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers {
    /// Deepgram.
    pub deepgram: Vendor,
    /// `ElevenLabs`.
    pub elevenlabs: Vendor,
    /// Cartesia.
    pub cartesia: Vendor,
    /// Azure. Its key is `providers.azure_speech_subscription_key`.
    pub azure: Vendor,
    /// Google. Its key is `providers.google_credentials`: a path, JSON, or empty for the identity of the machine.
    pub google: Vendor,
    /// `providers.azure_speech_region`
    pub azure_region: Option<String>,
    /// `providers.elevenlabs_high_rates`: whether the account includes samples at 44.1 and 48 kHz.
    pub elevenlabs_high_rates: bool,
}

/// The credentials and addresses of one vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendor {
    /// The server's own credentials.
    pub key: Option<Secret>,
    /// The address of its recognition, if it is not the vendor's own.
    pub stt_url: Option<Url>,
    /// The address of its synthesis, if it is not the vendor's own.
    pub tts_url: Option<Url>,
}

/// The cache of synthesised speech (`cache`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// `cache.path`: the folder. Without one the cache is in memory.
    pub path: Option<PathBuf>,
    /// `cache.ttl_seconds`
    pub ttl: Duration,
    /// `cache.max_bytes`: the size limit of the folder.
    pub max_bytes: u64,
    /// `cache.memory_bytes`: the size limit in memory.
    pub memory_bytes: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self { path: None, ttl: Duration::from_secs(30 * 24 * 3600), max_bytes: 2 << 30, memory_bytes: 500_000_000 }
    }
}

/// Timers that end a turn if the provider does not report its end (`turn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// `turn.fallback_ms`: the time from the last final text to the end of the turn.
    pub fallback: Duration,
    /// `turn.hard_ms`: the time from the first final text after which the turn ends at the latest.
    pub hard: Duration,
    /// `turn.duplicate_ms`: the time after that in which an end by the provider counts as the same one.
    pub duplicate: Duration,
}

impl Default for Turn {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self { fallback: ms(1800), hard: ms(5000), duplicate: ms(500) }
    }
}

/// `LiveKit` (`livekit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Livekit {
    /// `livekit.url`: the address for this server.
    pub url: String,
    /// `livekit.public_url`: the address for clients.
    pub public_url: String,
    /// `livekit.api_key`
    pub api_key: Option<String>,
    /// `livekit.api_secret`
    pub api_secret: Option<Secret>,
}

impl Default for Livekit {
    fn default() -> Self {
        Self {
            url: "ws://localhost:7880".to_owned(),
            public_url: "http://localhost:7880".to_owned(),
            api_key: None,
            api_secret: None,
        }
    }
}

/// Recordings of rooms (`recording`). The keys are checked, but this build does not record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// `recording.prefix`
    pub prefix: String,
    /// `recording.backend.type`: `s3` or `gcs`.
    pub backend: Option<String>,
    /// `recording.backend.bucket`
    pub bucket: Option<String>,
    /// `recording.backend.region`
    pub region: Option<String>,
    /// `recording.backend.access_key`
    pub access_key: Option<Secret>,
    /// `recording.backend.secret_key`
    pub secret_key: Option<Secret>,
    /// `recording.backend.endpoint`
    pub endpoint: Option<Url>,
    /// `recording.backend.force_path_style`
    pub force_path_style: bool,
    /// `recording.backend.credentials_path`
    pub credentials_path: Option<PathBuf>,
    /// `recording.backend.credentials_json`
    pub credentials_json: Option<Secret>,
}

/// Telephone calls (`sip`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sip {
    /// `sip.room_prefix`
    pub room_prefix: Option<String>,
    /// `sip.allowed_addresses`
    pub allowed_addresses: Vec<String>,
    /// `sip.hook_secret`
    pub hook_secret: Option<Secret>,
    /// `sip.private_hooks`: whether hooks that clients add may lead to private addresses.
    pub private_hooks: bool,
    /// `sip.hooks`
    pub hooks: Vec<SipHook>,
    /// `sip.outbound_address`
    pub outbound_address: Option<String>,
    /// `sip.outbound_auth_username`
    pub outbound_auth_username: Option<String>,
    /// `sip.outbound_auth_password`
    pub outbound_auth_password: Option<Secret>,
}

/// A webhook for calls to one host, from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipHook {
    /// The SIP host that was called.
    pub host: String,
    /// The URL that receives the events of calls.
    pub url: Url,
    /// The tenant that owns the calls. May be empty if authentication is not required.
    pub auth_id: String,
    /// The secret that signs events, if it is not `sip.hook_secret`.
    pub secret: Option<Secret>,
}

/// The end-of-turn model (`turn_detect`).
#[derive(Debug, Clone, PartialEq)]
pub struct TurnDetect {
    /// `turn_detect.enabled`: whether sessions use the detectors.
    pub enabled: bool,
    /// `turn_detect.library`: the path of the ONNX Runtime library.
    pub library: Option<PathBuf>,
    /// `turn_detect.threshold`
    pub threshold: f32,
    /// `turn_detect.silence_ms`
    pub silence: Duration,
}

impl Default for TurnDetect {
    fn default() -> Self {
        Self { enabled: true, library: None, threshold: 0.5, silence: Duration::from_millis(300) }
    }
}

/// Model files (`models`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Models {
    /// `models.path`
    pub path: Option<PathBuf>,
}

/// The speech engines on this machine (`local`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// `local.workers`: the number of threads. Without the key, one per processor.
    pub workers: Option<usize>,
    /// `local.max_sessions`: the limit of utterances and of texts at a time. Without the key, twice the workers.
    pub max_sessions: Option<usize>,
    /// `local.wait_seconds`: the time limit for the wait of an utterance or text.
    pub wait: Duration,
}

impl Default for Local {
    fn default() -> Self {
        Self { workers: None, max_sessions: None, wait: Duration::from_secs(10) }
    }
}

/// Prometheus metrics (`metrics`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// `metrics.listen`: the address. Without the key there are no metrics.
    pub listen: Option<SocketAddr>,
}

/// The log, on standard error (`log`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `log.filter`: the level, by module if needed.
    pub filter: String,
    /// `log.json`: whether each line is a JSON object.
    pub json: bool,
    /// `log.transcripts`: whether the log may contain transcripts.
    pub transcripts: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, transcripts: false }
    }
}
