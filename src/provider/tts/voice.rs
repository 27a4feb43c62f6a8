//! A voice with all its settings.

use std::sync::Arc;

use super::cache::Key;
use super::dialect::VoiceRequest;
use super::flight::{self, Synthesis, Utterance};
use super::parts::is_spoken;
use super::pronounce::Pronunciations;
use super::settings::{Settings, seconds};
use super::synthesizer::Synthesizer;
use crate::audio::{Encoding, Format};
use crate::provider::{Credential, Name, OptionsError, PlanError, Shared, TtsOptions};

/// The default sample rate, in Hz.
const SAMPLE_RATE: u32 = 24_000;
/// The default time for an answer, in seconds.
const REQUEST_TIMEOUT: u64 = 60;

/// A voice with all its settings, validated. A session owns one, from its `config` message to the next one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Voice {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    synthesizer: Arc<Synthesizer>,
    format_name: String,
    /// A digest of everything that two voices must have in common for equal texts to sound the same.
    key: Key,
}

impl Voice {
    pub(in crate::provider) fn new(shared: Arc<Shared>, options: &TtsOptions) -> Result<Self, PlanError> {
        let provider = Name::parse(&options.provider)?;
        let credential = Credential::resolve(provider, options.auth.as_ref(), &shared.config)?;
        let format_name = options.audio_format.as_deref().unwrap_or("linear16").trim().to_ascii_lowercase();
        let wanted = format(&format_name, options.sample_rate.unwrap_or(SAMPLE_RATE))?;
        let rate = speaking_rate(options.speaking_rate)?;
        let base = shared.vendor(provider).and_then(|vendor| vendor.tts_url.as_ref());
        let high_rates = shared.config.elevenlabs_high_rates && !credential.own;
        let request = VoiceRequest { options, credential: &credential, base, format: wanted, rate, high_rates };
        let engine = super::engine(&shared, &request)?;
        // The vendor chooses the rate of a compressed format.
        let format = if wanted.encoding.sample_bytes().is_some() || wanted.encoding == Encoding::Wav {
            wanted
        } else {
            engine.format()
        };
        let request_timeout = seconds("request_timeout", options.request_timeout, REQUEST_TIMEOUT)?;
        Pronunciations::check(&options.pronunciations)?;
        let key = Key::of_voice(&request);
        let settings = Settings { shared, credential, request_timeout, format };
        let synthesizer = Arc::new(Synthesizer::new(settings, engine, &options.pronunciations));
        Ok(Self { inner: Arc::new(Inner { synthesizer, format_name, key }) })
    }

    /// Returns the provider.
    pub fn provider(&self) -> Name {
        self.inner.synthesizer.settings.credential.provider
    }

    /// Returns the format of each [`Synthesis`].
    pub fn format(&self) -> Format {
        self.inner.synthesizer.settings.format
    }

    /// Returns the name of the encoding as the client wrote it, in lower case.
    pub fn format_name(&self) -> &str {
        &self.inner.format_name
    }

    /// Begins to speak a text at once. `previous` is the text that was spoken before it, for its melody. A text without letters
    /// and digits causes no request and has no audio.
    pub fn speak(&self, text: &str, previous: Option<&str>) -> Synthesis {
        let Inner { synthesizer, key, .. } = &*self.inner;
        let key = key.of_text(text.trim());
        // Pronunciations may give a text something to speak, so such a text is checked again later.
        if !synthesizer.has_pronunciations() && !is_spoken(text) {
            return Synthesis::silent();
        }
        let (text, previous) = (text.trim().to_owned(), previous.map(str::to_owned));
        flight::join(key, Utterance { synthesizer: Arc::clone(synthesizer), text, previous })
    }
}

fn format(name: &str, sample_rate: u32) -> Result<Format, OptionsError> {
    let encoding = Encoding::parse(name).ok_or_else(|| OptionsError::Encoding {
        field: "audio_format",
        value: name.to_owned(),
        known: "linear16, pcm, wav, mulaw, ulaw, alaw, mp3, opus, flac and aac",
    })?;
    Ok(Format::mono(encoding, sample_rate).checked()?)
}

fn speaking_rate(rate: Option<f32>) -> Result<f64, OptionsError> {
    let rate = f64::from(rate.unwrap_or(1.0));
    if !(0.25..=4.0).contains(&rate) {
        return Err(OptionsError::Range { field: "speaking_rate", expected: "a number from 0.25 to 4" });
    }
    // As it was written: 1.2 in 32 bits is a little more than 1.2, which is beyond some vendor's bound.
    Ok((rate * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::TtsError;
    use super::super::dialect::{Dialect, Request};
    use super::super::engine::{Engine, Vendor};
    use super::super::limit::Limit;
    use super::*;
    use crate::config::Config;
    use crate::outbound::Outbound;
    use crate::provider::Providers;

    /// A dialect that panics.
    #[derive(Debug)]
    struct Broken;

    impl Dialect for Broken {
        fn request(&self, _: &str, _: Option<&str>) -> Request {
            panic!("a fault")
        }

        fn format(&self) -> Format {
            Format::mono(Encoding::Linear16, SAMPLE_RATE)
        }

        fn limit(&self) -> Limit {
            Limit::None
        }
    }

    /// An entry that the first flight left on the map would let the second one wait for ever.
    #[tokio::test]
    async fn flight_that_panics_leaves_no_entry_on_the_map() {
        let outbound = Outbound::new(None).unwrap();
        let (http, providers) = (outbound.http.clone(), Providers::new(&Config::default(), outbound).unwrap());
        let options = serde_json::json!({"provider": "deepgram", "model": "", "auth": {"api_key": "k"}});
        let voice = providers.voice(&serde_json::from_value(options).unwrap()).unwrap();
        let mut inner = Arc::try_unwrap(voice.inner).unwrap();
        let mut synthesizer = Arc::try_unwrap(inner.synthesizer).unwrap();
        synthesizer.engine = Engine::Vendor(Vendor { dialect: Box::new(Broken), http, tokens: None });
        inner.synthesizer = Arc::new(synthesizer);
        let voice = Voice { inner: Arc::new(inner) };
        for _ in 0..2 {
            let mut speech = voice.speak("hello", None);
            let ended = tokio::time::timeout(Duration::from_secs(30), speech.start()).await;
            assert_eq!(ended.map(|started| started.map(|_| ())), Ok(Err(TtsError::Ended)));
        }
    }
}
