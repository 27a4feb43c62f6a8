//! What a configuration says, as plain typed values with their defaults. No key names, no parsing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::Secret;

/// Everything the server is told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// Where and how it listens.
    pub server: Server,
    /// Who may ask.
    pub auth: Auth,
    /// The speech vendors.
    pub providers: Providers,
    /// The cache of synthesised speech.
    pub cache: Cache,
    /// When a turn ends.
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
    /// Engines on this machine.
    pub local: Local,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// What is written to standard error.
    pub log: Log,
}

/// Where the server listens, what one client may take, and how it stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `server.host`: an address or a host name.
    pub host: String,
    /// `server.port`: 0 lets the system choose.
    pub port: u16,
    /// `server.shutdown_seconds`: how long what runs may take once the server was told to stop.
    pub shutdown: Duration,
    /// `server.max_connections`: sockets at a time, sessions included.
    pub max_connections: usize,
    /// `server.max_message_bytes`: the largest message on `/ws`, and the largest body of a request.
    pub max_message_bytes: usize,
    /// `server.body_timeout_seconds`: how long the body of a request may take, as a whole.
    pub body_timeout: Duration,
    /// `server.write_timeout_seconds`: how long a client may take almost nothing of an answer that waits for it.
    pub write_timeout: Duration,
    /// `server.max_text_chars`: the longest text that is spoken at once.
    pub max_text_chars: usize,
    /// `server.ping_seconds`: how often a session's socket is pinged.
    pub ping: Duration,
    /// `server.pong_timeout_seconds`: how long a peer may give no sign of life.
    pub pong_timeout: Duration,
    /// `server.allowed_origins`: browser pages of other origins that may call; `*` is all.
    pub allowed_origins: Vec<String>,
    /// `server.extra_ca`: a PEM file of authorities that are trusted beside the compiled-in ones.
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

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `auth.required`
    pub required: bool,
    /// `auth.api_secrets`
    pub api_secrets: Vec<ApiSecret>,
    /// `auth.api_secret`: a single one, which counts where the list is empty.
    pub api_secret: Option<Secret>,
    /// `$AUTH_API_SECRET_ID`: the id of the single one.
    pub api_secret_id: String,
    /// `auth.service_url`: who decides about tokens that are none of the secrets.
    pub service_url: Option<Url>,
    /// `auth.signing_key_path`: the key that questions to that service are signed with.
    pub signing_key_path: Option<PathBuf>,
    /// `auth.service_tenants`: whether it names the tenant of each token that it accepts.
    pub service_tenants: bool,
    /// `auth.timeout_seconds`: how long it may take.
    pub timeout: Duration,
}

/// One client's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSecret {
    /// The tenant that it stands for.
    pub id: String,
    /// What the client sends.
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
    /// The secrets that count.
    pub fn secrets(&self) -> Vec<ApiSecret> {
        let single = |secret: &Secret| ApiSecret { id: self.api_secret_id.clone(), secret: secret.clone() };
        if self.api_secrets.is_empty() {
            self.api_secret.iter().map(single).collect()
        } else {
            self.api_secrets.clone()
        }
    }
}

/// The speech vendors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers {
    /// Deepgram.
    pub deepgram: Vendor,
    /// `ElevenLabs`.
    pub elevenlabs: Vendor,
    /// Cartesia.
    pub cartesia: Vendor,
    /// Azure; the key is `providers.azure_speech_subscription_key`.
    pub azure: Vendor,
    /// Google; the key is `providers.google_credentials`: a path, JSON that begins with `{`, or empty for the machine's own.
    pub google: Vendor,
    /// `providers.azure_speech_region`
    pub azure_region: Option<String>,
    /// `providers.elevenlabs_high_rates`: whether the account may ask for samples at 44.1 and 48 kHz.
    pub elevenlabs_high_rates: bool,
}

/// What is known of one vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendor {
    /// The server's own credentials.
    pub key: Option<Secret>,
    /// Where its speech-to-text is, if not where the vendor says.
    pub stt_url: Option<Url>,
    /// Where its text-to-speech is, if not where the vendor says.
    pub tts_url: Option<Url>,
}

/// The cache of synthesised speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// `cache.path`: none keeps it in memory.
    pub path: Option<PathBuf>,
    /// `cache.ttl_seconds`
    pub ttl: Duration,
    /// `cache.max_bytes`: of the directory.
    pub max_bytes: u64,
    /// `cache.memory_bytes`: where there is no directory.
    pub memory_bytes: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self { path: None, ttl: Duration::from_secs(30 * 24 * 3600), max_bytes: 2 << 30, memory_bytes: 500_000_000 }
    }
}

/// When a turn ends, where no model says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// `turn.fallback_ms`: this long after the last final text.
    pub fallback: Duration,
    /// `turn.hard_ms`: at the latest this long after the first.
    pub hard: Duration,
    /// `turn.duplicate_ms`: how long after that the provider's own verdict counts as the same.
    pub duplicate: Duration,
}

impl Default for Turn {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self { fallback: ms(1800), hard: ms(5000), duplicate: ms(500) }
    }
}

/// `LiveKit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Livekit {
    /// `livekit.url`: where the server reaches it.
    pub url: String,
    /// `livekit.public_url`: where clients do.
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

/// Recordings of rooms. Understood and checked; not part of this build.
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

/// Telephone calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sip {
    /// `sip.room_prefix`
    pub room_prefix: Option<String>,
    /// `sip.allowed_addresses`
    pub allowed_addresses: Vec<String>,
    /// `sip.hook_secret`
    pub hook_secret: Option<Secret>,
    /// `sip.private_hooks`: whether hooks of clients may lead inside.
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

/// Who is told of calls to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipHook {
    /// The SIP host that was called.
    pub host: String,
    /// Where the news go.
    pub url: Url,
    /// The tenant whose calls these are; may be empty where nobody has to say who they are.
    pub auth_id: String,
    /// What the news are signed with, if not by `sip.hook_secret`.
    pub secret: Option<Secret>,
}

/// The end-of-turn model.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnDetect {
    /// `turn_detect.enabled`: whether there are detectors.
    pub enabled: bool,
    /// `turn_detect.library`: the ONNX Runtime to load.
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

/// Model files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Models {
    /// `models.path`
    pub path: Option<PathBuf>,
}

/// Engines on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// `local.workers`: none is one per processor.
    pub workers: Option<usize>,
    /// `local.max_sessions`: none is twice the workers.
    pub max_sessions: Option<usize>,
    /// `local.wait_seconds`: how long a text or an utterance waits for its turn.
    pub wait: Duration,
}

impl Default for Local {
    fn default() -> Self {
        Self { workers: None, max_sessions: None, wait: Duration::from_secs(10) }
    }
}

/// Figures for Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// `metrics.listen`: none is off.
    pub listen: Option<SocketAddr>,
}

/// What is written to standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `$RUST_LOG`
    pub filter: String,
    /// `log.json`: one JSON object per line.
    pub json: bool,
    /// `log.transcripts`: whether what people say may be in it.
    pub transcripts: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, transcripts: false }
    }
}
