//! A voice with all its settings.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::TtsError;
use super::cache::Key;
use super::client::Utterance;
use super::dialect::VoiceRequest;
use super::engine::Engine;
use super::flight::{self, Synthesis};
use super::limit::{glued, is_spoken};
use super::pronounce::Pronunciations;
use crate::audio::{Encoding, Format};
use crate::provider::{Credential, Name, OptionsError, PlanError, Pronunciation, Shared, TtsOptions};

const SAMPLE_RATE: u32 = 24_000;
const REQUEST_TIMEOUT: u64 = 60;
/// Seconds that a client may choose for a time-out.
const LONGEST_TIMEOUT: u64 = 600;

/// A voice with all its settings, checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Voice {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) credential: Credential,
    pub(super) engine: Engine,
    pub(super) request_timeout: Duration,
    /// What comes out.
    pub(super) format: Format,
    format_name: String,
    pronunciations: Vec<Pronunciation>,
    /// The same, made ready when the first text needs it.
    words: OnceLock<Pronunciations>,
    /// Everything that two equal texts must have in common to sound the same.
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
        let engine = Engine::choose(&shared, &request)?;
        // Of a compressed format the vendor decides the rate.
        let format = if wanted.encoding.sample_bytes().is_some() || wanted.encoding == Encoding::Wav {
            wanted
        } else {
            engine.format()
        };
        let request_timeout = seconds("request_timeout", options.request_timeout, REQUEST_TIMEOUT)?;
        Pronunciations::check(&options.pronunciations)?;
        let key = Key::of_voice(&request);
        let (pronunciations, words) = (glued(&options.pronunciations), OnceLock::new());
        let inner =
            Inner { shared, credential, engine, request_timeout, format, format_name, pronunciations, words, key };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whose engine.
    pub fn provider(&self) -> Name {
        self.inner.credential.provider
    }

    /// What [`Synthesis`] will be in.
    pub fn format(&self) -> Format {
        self.inner.format
    }

    /// The name of the encoding as the client wrote it, in lower case.
    pub fn format_name(&self) -> &str {
        &self.inner.format_name
    }

    /// Speaks a text; `previous` is what was spoken before it, for its melody. Begins at once. Of a text without letters and
    /// digits no provider is asked, and there is no audio.
    pub fn speak(&self, text: &str, previous: Option<&str>) -> Synthesis {
        let key = self.inner.key.of_text(text.trim());
        // What pronunciations make of it is known later.
        if self.inner.pronunciations.is_empty() && !is_spoken(text) {
            return Synthesis::silent();
        }
        let (text, previous) = (text.trim().to_owned(), previous.map(str::to_owned));
        flight::board(key, Utterance { voice: Arc::clone(&self.inner), text, previous })
    }
}

impl Inner {
    /// A text with its pronunciations, which may be many: they are put in on a thread for what computes. What it becomes is held
    /// to the same limit as the text.
    pub(super) async fn pronounced(self: &Arc<Self>, text: &str) -> Result<String, TtsError> {
        if self.pronunciations.is_empty() {
            return Ok(text.to_owned());
        }
        let (inner, text, most) = (Arc::clone(self), text.to_owned(), self.shared.max_text_chars);
        let work = move || {
            let words = inner.words.get_or_init(|| Pronunciations::new(&inner.pronunciations));
            words.apply(&text, most).map_err(|_| TtsError::TextTooLong { most })
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(TtsError::Ended))
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

pub(super) fn seconds(field: &'static str, value: Option<u64>, usual: u64) -> Result<Duration, OptionsError> {
    match value.unwrap_or(usual) {
        seconds @ 1..=LONGEST_TIMEOUT => Ok(Duration::from_secs(seconds)),
        _ => Err(OptionsError::Range { field, expected: "a number of seconds from 1 to 600" }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{Dialect, Request};
    use super::super::engine::Vendor;
    use super::super::limit::Limit;
    use super::*;
    use crate::config::Config;
    use crate::outbound::Outbound;
    use crate::provider::Providers;

    /// A dialect with a fault of its own.
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

    /// The second one would wait for what the first one left on the map, for ever.
    #[tokio::test]
    async fn a_synthesis_that_unwinds_leaves_nothing_to_wait_for() {
        let outbound = Outbound::new(None).unwrap();
        let (http, providers) = (outbound.http.clone(), Providers::new(&Config::default(), outbound).unwrap());
        let options = serde_json::json!({"provider": "deepgram", "model": "", "auth": {"api_key": "k"}});
        let voice = providers.voice(&serde_json::from_value(options).unwrap()).unwrap();
        let mut inner = Arc::try_unwrap(voice.inner).unwrap();
        inner.engine = Engine::Vendor(Vendor { dialect: Box::new(Broken), http, tokens: None });
        let voice = Voice { inner: Arc::new(inner) };
        for _ in 0..2 {
            let mut speech = voice.speak("hello", None);
            let ended = tokio::time::timeout(Duration::from_secs(30), speech.start()).await;
            assert_eq!(ended.map(|started| started.map(|_| ())), Ok(Err(TtsError::Ended)));
        }
    }
}
