//! The table of keys: names, variables and limits, in the order of `config.example.yaml`, which has the meaning of each.
//!
//! A new key is an entry here, a field with its default in `settings`, a comment and a line in `config.example.yaml`, and a rule
//! in `rules` where it depends on others. `docs/use/configuration.md` is generated from the table, the defaults and the example.

use super::key::{self, HTTP, Key, SECRET, Set, Show as _, WS};
use super::value::{self, each};

/// A key with one text: path, variables, expected value, parser, field.
macro_rules! text {
    ($path:literal, [$($env:literal),*], $expected:expr, $parse:expr, $($field:ident).+) => {
        text!($path, [$($env),*], $expected, $parse, $($field).+, |config| config.$($field).+.show())
    };
    ($path:literal, [$($env:literal),*], $expected:expr, $parse:expr, $($field:ident).+, $show:expr) => {
        Key {
            path: $path,
            env: &[$($env),*],
            expected: $expected,
            set: Set::Text(|config, text| {
                let value: Option<_> = ($parse)(text);
                value.map(|value| config.$($field).+ = value.into())
            }),
            show: $show,
        }
    };
}

/// A key with a list of texts, each with the same parser.
macro_rules! list {
    ($path:literal, [$env:literal], $expected:expr, $parse:expr, $($field:ident).+) => {
        Key {
            path: $path,
            env: &[$env],
            expected: $expected,
            set: Set::List(|config, texts| each(&texts, $parse).map(|values| config.$($field).+ = values)),
            show: |config| config.$($field).+.show(),
        }
    };
}

const BOOLEAN: &str = "true or false";
const PATH: &str = "a path";
const WORD: &str = "a text that is not empty, without blanks at its ends or control characters";

const HTTPS: &[&str] = &["http", "https"];
const ANY: &[&str] = &["http", "https", "ws", "wss"];

/// Every key, in the order of `config.example.yaml`.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    text!("server.host", ["HOST"], "an IP address or a host name, without scheme or port", value::host, server.host),
    text!("server.port", ["PORT"], "a whole number from 0 to 65535", |t| value::number(t, 0, u16::MAX), server.port),
    text!("server.shutdown_seconds", ["SAYNA_SERVER_SHUTDOWN_SECONDS"], "a whole number of seconds from 0 to 3600",
        |t| value::seconds(t, 0, 3600), server.shutdown, |c| key::seconds(c.server.shutdown)),
    text!("server.max_connections", ["SAYNA_SERVER_MAX_CONNECTIONS"], "a whole number from 1 to 1000000",
        |t| value::number(t, 1_usize, 1_000_000), server.max_connections),
    text!("server.max_message_bytes", ["SAYNA_SERVER_MAX_MESSAGE_BYTES"], "a whole number of bytes from 1024 to 67108864",
        |t| value::number(t, 1024_usize, 64 << 20), server.max_message_bytes),
    text!("server.body_timeout_seconds", ["SAYNA_SERVER_BODY_TIMEOUT_SECONDS"], "a whole number of seconds from 1 to 3600",
        |t| value::seconds(t, 1, 3600), server.body_timeout, |c| key::seconds(c.server.body_timeout)),
    text!("server.write_timeout_seconds", ["SAYNA_SERVER_WRITE_TIMEOUT_SECONDS"], "a whole number of seconds from 1 to 3600",
        |t| value::seconds(t, 1, 3600), server.write_timeout, |c| key::seconds(c.server.write_timeout)),
    text!("server.max_text_chars", ["SAYNA_SERVER_MAX_TEXT_CHARS"], "a whole number of characters from 1 to 1000000",
        |t| value::number(t, 1_usize, 1_000_000), server.max_text_chars),
    text!("server.ping_seconds", ["SAYNA_SERVER_PING_SECONDS"], "a whole number of seconds from 1 to 3600",
        |t| value::seconds(t, 1, 3600), server.ping, |c| key::seconds(c.server.ping)),
    text!("server.pong_timeout_seconds", ["SAYNA_SERVER_PONG_TIMEOUT_SECONDS"], "a whole number of seconds from 1 to 86400",
        |t| value::seconds(t, 1, 86_400), server.pong_timeout, |c| key::seconds(c.server.pong_timeout)),
    list!("server.allowed_origins", ["SAYNA_SERVER_ALLOWED_ORIGINS"],
        "a list of origins such as https://app.example.org or capacitor://localhost (scheme, `://` and host, no path), or `*`",
        value::origin, server.allowed_origins),
    text!("server.extra_ca", ["SAYNA_SERVER_EXTRA_CA"], PATH, value::path, server.extra_ca),

    text!("auth.required", ["AUTH_REQUIRED"], BOOLEAN, value::boolean, auth.required),
    Key {
        path: "auth.api_secrets",
        env: &["AUTH_API_SECRETS_JSON"],
        expected: "a list of mappings with `id` and `secret`",
        set: Set::Records {
            fields: &["id", "secret"],
            set: |config, records| {
                let secrets = records.iter().map(value::api_secret).collect::<Option<_>>();
                secrets.map(|secrets| config.auth.api_secrets = secrets)
            },
        },
        show: |config| config.auth.api_secrets.iter().map(|secret| secret.id.clone()).collect::<Vec<_>>().show(),
    },
    text!("auth.api_secret", ["AUTH_API_SECRET"], SECRET, value::secret, auth.api_secret),
    text!("auth.api_secret_id", ["AUTH_API_SECRET_ID"], WORD, value::word, auth.api_secret_id),
    text!("auth.service_url", ["AUTH_SERVICE_URL"], HTTP, |t| value::url(t, HTTPS), auth.service_url),
    text!("auth.signing_key_path", ["AUTH_SIGNING_KEY_PATH"], PATH, value::path, auth.signing_key_path),
    text!("auth.service_tenants", ["SAYNA_AUTH_SERVICE_TENANTS"], BOOLEAN, value::boolean, auth.service_tenants),
    text!("auth.timeout_seconds", ["AUTH_TIMEOUT_SECONDS"], "a whole number of seconds from 1 to 300",
        |t| value::seconds(t, 1, 300), auth.timeout, |c| key::seconds(c.auth.timeout)),

    text!("providers.deepgram_api_key", ["DEEPGRAM_API_KEY"], SECRET, value::secret, providers.deepgram.key),
    text!("providers.elevenlabs_api_key", ["ELEVENLABS_API_KEY"], SECRET, value::secret, providers.elevenlabs.key),
    text!("providers.cartesia_api_key", ["CARTESIA_API_KEY"], SECRET, value::secret, providers.cartesia.key),
    // Empty uses the identity of the machine. Spaces count as empty.
    text!("providers.google_credentials", ["GOOGLE_APPLICATION_CREDENTIALS"], SECRET,
        |t: &str| Some(super::Secret::new(t.trim())), providers.google.key),
    text!("providers.azure_speech_subscription_key", ["AZURE_SPEECH_SUBSCRIPTION_KEY"], SECRET, value::secret, providers.azure.key),
    text!("providers.azure_speech_region", ["AZURE_SPEECH_REGION"], "a name such as westeurope", value::room_prefix, providers.azure_region),
    text!("providers.deepgram_stt_url", ["SAYNA_PROVIDERS_DEEPGRAM_STT_URL"], WS, |t| value::url(t, ANY), providers.deepgram.stt_url),
    text!("providers.deepgram_tts_url", ["SAYNA_PROVIDERS_DEEPGRAM_TTS_URL"], HTTP, |t| value::url(t, HTTPS), providers.deepgram.tts_url),
    text!("providers.elevenlabs_stt_url", ["SAYNA_PROVIDERS_ELEVENLABS_STT_URL"], WS, |t| value::url(t, ANY), providers.elevenlabs.stt_url),
    text!("providers.elevenlabs_tts_url", ["SAYNA_PROVIDERS_ELEVENLABS_TTS_URL"], HTTP, |t| value::url(t, HTTPS), providers.elevenlabs.tts_url),
    text!("providers.elevenlabs_high_rates", ["SAYNA_PROVIDERS_ELEVENLABS_HIGH_RATES"], BOOLEAN, value::boolean, providers.elevenlabs_high_rates),
    text!("providers.cartesia_stt_url", ["SAYNA_PROVIDERS_CARTESIA_STT_URL"], WS, |t| value::url(t, ANY), providers.cartesia.stt_url),
    text!("providers.cartesia_tts_url", ["SAYNA_PROVIDERS_CARTESIA_TTS_URL"], HTTP, |t| value::url(t, HTTPS), providers.cartesia.tts_url),
    text!("providers.google_stt_url", ["SAYNA_PROVIDERS_GOOGLE_STT_URL"], WS, |t| value::url(t, ANY), providers.google.stt_url),
    text!("providers.google_tts_url", ["SAYNA_PROVIDERS_GOOGLE_TTS_URL"], HTTP, |t| value::url(t, HTTPS), providers.google.tts_url),
    text!("providers.azure_stt_url", ["SAYNA_PROVIDERS_AZURE_STT_URL"], WS, |t| value::url(t, ANY), providers.azure.stt_url),
    text!("providers.azure_tts_url", ["SAYNA_PROVIDERS_AZURE_TTS_URL"], HTTP, |t| value::url(t, HTTPS), providers.azure.tts_url),

    text!("cache.path", ["CACHE_PATH"], PATH, value::path, cache.path),
    text!("cache.ttl_seconds", ["CACHE_TTL_SECONDS"], "a whole number of seconds from 1 to 3153600000",
        |t| value::seconds(t, 1, 3_153_600_000), cache.ttl, |c| key::seconds(c.cache.ttl)),
    text!("cache.max_bytes", ["SAYNA_CACHE_MAX_BYTES"], "a whole number of bytes", |t| value::number(t, 0, u64::MAX), cache.max_bytes),
    text!("cache.memory_bytes", ["SAYNA_CACHE_MEMORY_BYTES"], "a whole number of bytes", |t| value::number(t, 0, u64::MAX), cache.memory_bytes),

    text!("turn.fallback_ms", ["SAYNA_TURN_FALLBACK_MS"], "a whole number of milliseconds from 1 to 600000",
        |t| value::ms(t, 1, 600_000), turn.fallback, |c| key::ms(c.turn.fallback)),
    text!("turn.hard_ms", ["SAYNA_TURN_HARD_MS"], "a whole number of milliseconds from 1 to 600000",
        |t| value::ms(t, 1, 600_000), turn.hard, |c| key::ms(c.turn.hard)),
    text!("turn.duplicate_ms", ["SAYNA_TURN_DUPLICATE_MS"], "a whole number of milliseconds from 0 to 600000",
        |t| value::ms(t, 0, 600_000), turn.duplicate, |c| key::ms(c.turn.duplicate)),

    text!("livekit.url", ["LIVEKIT_URL"], WS, |t| value::url_text(t, ANY), livekit.url),
    text!("livekit.public_url", ["LIVEKIT_PUBLIC_URL"], WS, |t| value::url_text(t, ANY), livekit.public_url),
    text!("livekit.api_key", ["LIVEKIT_API_KEY"], WORD, value::word, livekit.api_key),
    text!("livekit.api_secret", ["LIVEKIT_API_SECRET"], SECRET, value::secret, livekit.api_secret),

    text!("recording.prefix", ["RECORDING_PREFIX"], "a text", |t: &str| Some(t.to_owned()), recording.prefix),
    text!("recording.backend.type", ["RECORDING_BACKEND"], "s3 or gcs",
        |t: &str| matches!(t, "s3" | "gcs").then(|| t.to_owned()), recording.backend),
    text!("recording.backend.bucket", ["RECORDING_S3_BUCKET", "RECORDING_GCS_BUCKET"], WORD, value::word, recording.bucket),
    text!("recording.backend.region", ["RECORDING_S3_REGION"], WORD, value::word, recording.region),
    text!("recording.backend.access_key", ["RECORDING_S3_ACCESS_KEY"], SECRET, value::secret, recording.access_key),
    text!("recording.backend.secret_key", ["RECORDING_S3_SECRET_KEY"], SECRET, value::secret, recording.secret_key),
    text!("recording.backend.endpoint", ["RECORDING_S3_ENDPOINT"], HTTP, |t| value::url(t, HTTPS), recording.endpoint),
    text!("recording.backend.force_path_style", ["RECORDING_S3_FORCE_PATH_STYLE"], BOOLEAN, value::boolean, recording.force_path_style),
    text!("recording.backend.credentials_path", ["RECORDING_GCS_CREDENTIALS_PATH"], PATH, value::path, recording.credentials_path),
    text!("recording.backend.credentials_json", ["RECORDING_GCS_CREDENTIALS_JSON"], SECRET, value::secret, recording.credentials_json),

    text!("sip.room_prefix", ["SIP_ROOM_PREFIX"], "letters, digits, `-` and `_`", value::room_prefix, sip.room_prefix),
    list!("sip.allowed_addresses", ["SIP_ALLOWED_ADDRESSES"], "a list of IPv4 addresses or networks such as 10.0.0.0/8",
        value::ipv4_or_cidr, sip.allowed_addresses),
    text!("sip.hook_secret", ["SIP_HOOK_SECRET"], SECRET, value::secret, sip.hook_secret),
    Key {
        path: "sip.hooks",
        env: &["SIP_HOOKS_JSON"],
        expected: "a list of mappings with `host`, `url` (http or https), `auth_id` and perhaps `secret`",
        set: Set::Records {
            fields: &["host", "url", "auth_id", "secret"],
            set: |config, records| {
                let hooks = records.iter().map(value::sip_hook).collect::<Option<_>>();
                hooks.map(|hooks| config.sip.hooks = hooks)
            },
        },
        show: |config| config.sip.hooks.iter().map(|hook| hook.host.clone()).collect::<Vec<_>>().show(),
    },
    text!("sip.private_hooks", ["SAYNA_SIP_PRIVATE_HOOKS"], BOOLEAN, value::boolean, sip.private_hooks),
    text!("sip.outbound_address", ["SIP_OUTBOUND_ADDRESS"], "a host, perhaps with `:port`", value::host_and_port, sip.outbound_address),
    text!("sip.outbound_auth_username", ["SIP_OUTBOUND_AUTH_USERNAME"], WORD, value::word, sip.outbound_auth_username),
    text!("sip.outbound_auth_password", ["SIP_OUTBOUND_AUTH_PASSWORD"], SECRET, value::secret, sip.outbound_auth_password),

    text!("turn_detect.enabled", ["SAYNA_TURN_DETECT_ENABLED"], BOOLEAN, value::boolean, turn_detect.enabled),
    text!("turn_detect.library", ["SAYNA_TURN_DETECT_LIBRARY"], PATH, value::path, turn_detect.library),
    text!("turn_detect.threshold", ["SAYNA_TURN_DETECT_THRESHOLD"], "a number from 0 to 1", value::fraction, turn_detect.threshold),
    text!("turn_detect.silence_ms", ["SAYNA_TURN_DETECT_SILENCE_MS"], "a whole number of milliseconds from 1 to 60000",
        |t| value::ms(t, 1, 60_000), turn_detect.silence, |c| key::ms(c.turn_detect.silence)),
    text!("models.path", ["SAYNA_MODELS_PATH"], PATH, value::path, models.path),
    text!("local.workers", ["SAYNA_LOCAL_WORKERS"], "a whole number from 1 to 1024", |t| value::number(t, 1_usize, 1024), local.workers),
    text!("local.max_sessions", ["SAYNA_LOCAL_MAX_SESSIONS"], "a whole number from 1 to 100000",
        |t| value::number(t, 1_usize, 100_000), local.max_sessions),
    text!("local.wait_seconds", ["SAYNA_LOCAL_WAIT_SECONDS"], "a whole number of seconds from 0 to 600",
        |t| value::seconds(t, 0, 600), local.wait, |c| key::seconds(c.local.wait)),

    text!("metrics.listen", ["SAYNA_METRICS_LISTEN"], "an IP address and a port such as 127.0.0.1:9090", value::address, metrics.listen),
    text!("log.json", ["SAYNA_LOG_JSON"], BOOLEAN, value::boolean, log.json),
    text!("log.transcripts", ["SAYNA_LOG_TRANSCRIPTS"], BOOLEAN, value::boolean, log.transcripts),
    text!("log.filter", ["RUST_LOG"], "a filter such as info or sayna=debug,warn", value::log_filter, log.filter),
];

/// Sections without effect, which example files of other builds have. They cause a warning and no error.
pub(super) const DEAD: &[&str] = &["vad", "stt", "tts"];

/// The parts that a build may lack: their section, whether this build has them, and their name.
pub(super) const PARTS: &[(&str, bool, &str)] = &[
    ("recording.", false, "recording"),
    ("sip.allowed_addresses", false, "SIP trunks of its own making"),
    ("turn_detect.", cfg!(feature = "turn-detect"), "turn detection (feature `turn-detect`)"),
    ("models.", cfg!(feature = "models"), "model files (features `local`, `turn-detect`)"),
    ("local.", cfg!(feature = "local"), "local engines (feature `local`)"),
];

/// Returns the sections of the keys, each once, outer ones first.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let parents = |path: &'static str| path.match_indices('.').filter_map(move |(at, _)| path.get(..at));
    let mut found: Vec<&'static str> = Vec::new();
    for section in KEYS.iter().flat_map(|key| parents(key.path)) {
        if !found.contains(&section) {
            found.push(section);
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_shown_value_can_be_set_again() {
        for key in KEYS {
            let mut config = Config::default();
            let shown = (key.show)(&config);
            if let Set::Text(set) = key.set
                && !shown.is_empty()
            {
                assert_eq!(set(&mut config, &shown), Some(()), "{}", key.path);
            }
            assert_eq!(config, Config::default());
        }
    }

    #[test]
    fn names_are_unique_and_ours_follow_the_path() {
        let mut names: Vec<_> = KEYS.iter().flat_map(|key| key.env.iter().chain([&key.path])).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for key in KEYS {
            for name in key.env.iter().filter(|name| name.starts_with("SAYNA_")) {
                assert_eq!(*name, format!("SAYNA_{}", key.path.replace('.', "_").to_uppercase()));
            }
        }
    }
}
