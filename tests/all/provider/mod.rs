//! The providers' clients against counterparts that speak the providers' own protocols.

mod cache;
mod cache_storm;
mod counterparts;
mod formats;
mod page;
pub(crate) mod stt;
mod stt_faults;
mod stt_kept;
mod tls;
mod tts;
mod tts_faults;
mod tts_limits;
mod voices;

use std::path::Path;

use sayna::config::{self, Config, Secret};
use sayna::outbound::Outbound;
use sayna::provider::{Providers, SttOptions, Synthesis, TtsError, TtsOptions, Voice};
use serde_json::{Value, json};
use vendors::{Server, Vendor};

/// A vendor's name in the protocol.
pub(crate) fn name(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Deepgram => "deepgram",
        Vendor::ElevenLabs => "elevenlabs",
        Vendor::Cartesia => "cartesia",
        Vendor::Azure => "azure",
        Vendor::Google => "google",
    }
}

/// A configuration in which a vendor is where a server is.
pub(crate) fn config(vendor: Vendor, server: &Server) -> Config {
    let url = server.url().parse().unwrap();
    let key = if vendor == Vendor::Google { server.service_account() } else { vendors::KEY.to_owned() };
    let of = config::Vendor {
        key: Some(Secret::new(key)),
        stt_url: Some(url),
        tts_url: Some(server.url().parse().unwrap()),
    };
    let mut config = Config::default();
    match vendor {
        Vendor::Deepgram => config.providers.deepgram = of,
        Vendor::ElevenLabs => config.providers.elevenlabs = of,
        Vendor::Cartesia => config.providers.cartesia = of,
        Vendor::Azure => config.providers.azure = of,
        Vendor::Google => config.providers.google = of,
    }
    config
}

/// The providers, of which one is where a server is.
pub(crate) fn providers(vendor: Vendor, server: &Server) -> Providers {
    Providers::new(&config(vendor, server), Outbound::new(None::<&Path>).unwrap()).unwrap()
}

fn changed(mut options: Value, changes: Value) -> Value {
    if let (Value::Object(options), Value::Object(changes)) = (&mut options, changes) {
        options.extend(changes);
    }
    options
}

/// Options of a recognition, with changes.
pub(crate) fn stt_options(vendor: Vendor, changes: Value) -> SttOptions {
    let options = json!({
        "provider": name(vendor), "language": "en-US", "sample_rate": 16_000, "channels": 1, "punctuation": true,
        "encoding": "linear16", "model": "",
    });
    serde_json::from_value(changed(options, changes)).unwrap()
}

/// Options of a synthesis, with changes.
pub(crate) fn tts_options(vendor: Vendor, changes: Value) -> TtsOptions {
    let voice = if vendor == Vendor::Cartesia { json!("a0e99841-438c-4a64-b679-ae501e7d6091") } else { json!(null) };
    let options = json!({"provider": name(vendor), "model": "", "voice_id": voice});
    serde_json::from_value(changed(options, changes)).unwrap()
}

/// A voice of a vendor who is where a server is.
pub(crate) fn voice(vendor: Vendor, server: &Server, changes: Value) -> Voice {
    providers(vendor, server).voice(&tts_options(vendor, changes)).unwrap()
}

/// All of a speech, or why there is no more.
pub(crate) async fn heard(mut speech: Synthesis) -> Result<Vec<u8>, TtsError> {
    let mut audio = Vec::new();
    while let Some(piece) = speech.next().await {
        audio.extend_from_slice(&piece?);
    }
    Ok(audio)
}
