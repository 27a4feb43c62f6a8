//! Synthesis by the local engine, as one of the providers.

use bytes::Bytes;
use tokio::task::yield_now;

use super::TtsError;
use super::dialect::VoiceRequest;
use super::output::{Allowance, Output};
use super::pace::Pace;
use super::parts::unglued;
use super::settings::Settings;
use crate::audio::{Encoding, Format};
use crate::local::piper::{RATE, SynthesisOptions};
use crate::provider::stats::Count;
use crate::provider::{Name, OptionsError};

/// The name of its voice.
pub(in crate::provider) const VOICE: &str = "en_US-joe-medium";

/// The format of its audio.
pub(super) const FORMAT: Format = Format { encoding: Encoding::Linear16, sample_rate: RATE, channels: 1 };

/// The local voice with a client's settings.
#[derive(Debug)]
pub(super) struct Speaker {
    options: SynthesisOptions,
}

impl Speaker {
    pub(super) fn choose(request: &VoiceRequest<'_>) -> Result<Self, OptionsError> {
        let unknown = |field, value: &str, hint| {
            Err(OptionsError::NotByProvider { provider: Name::Local, field, value: value.to_owned(), hint })
        };
        if request.format.encoding != Encoding::Wav && request.format.encoding.sample_bytes().is_none() {
            return Err(request.refused("use linear16, wav, mulaw or alaw"));
        }
        match request.voice(VOICE) {
            "joe" | VOICE => {}
            other => return unknown("voice_id", other, "its only voice is en_US-joe-medium"),
        }
        if !matches!(request.options.model.as_str(), "" | "piper") {
            return unknown("model", &request.options.model, "its only model is piper");
        }
        #[expect(clippy::cast_possible_truncation, reason = "three digits of it count")]
        let rate = request.rate_within(0.5, 2.0) as f32;
        Ok(Self { options: SynthesisOptions { rate, noise: true } })
    }
}

/// Speaks a text sentence by sentence. The first one plays while the second one is computed.
pub(super) async fn synthesize(
    settings: &Settings,
    speaker: &Speaker,
    text: &str,
    pace: &Pace,
    mut sink: impl FnMut(Bytes),
) -> Result<(), TtsError> {
    let stats = &settings.shared.stats;
    stats.count(Name::Local, Count::Request);
    let spoken = speak(settings, speaker, text, pace, &mut sink).await;
    spoken.inspect_err(|error| stats.count(Name::Local, Count::Error(error.kind())))
}

async fn speak(
    settings: &Settings,
    speaker: &Speaker,
    text: &str,
    pace: &Pace,
    sink: &mut impl FnMut(Bytes),
) -> Result<(), TtsError> {
    let local = &settings.shared.local;
    let engine = local.voice().await?;
    let mut permit = Some(local.synthesis_slots().acquire().await?);
    let (reader, text) = (engine.clone(), unglued(text));
    let sentences = local.pool().run(move || reader.sentences(&text)).await?;
    if !sentences.skipped.is_empty() {
        tracing::warn!(scripts = ?sentences.skipped, "left out words: the local voice speaks only English");
    }
    // The voice has no sounds for any of the text.
    if sentences.pieces.is_empty() {
        return Ok(());
    }
    let mut output = Output::new(FORMAT, settings.format, Name::Local)?;
    let mut time = Allowance::new(Name::Local, settings.request_timeout);
    for piece in sentences.pieces {
        let (engine, options) = (engine.clone(), speaker.options);
        // The time that the listeners take does not count against the engine. Another text may use the place until then.
        if !pace.has_room() {
            permit = None;
            pace.room().await;
        }
        let work = async {
            if permit.is_none() {
                permit = Some(local.synthesis_slots().acquire_unbounded().await?);
            }
            local.pool().run(move || engine.synthesize(&piece, options)).await?
        };
        let samples = time.spend(work).await??;
        let mut bytes = Bytes::from(samples.into_iter().flat_map(i16::to_le_bytes).collect::<Vec<_>>());
        // A quarter of a second at a time, so that other tasks run in between.
        while !bytes.is_empty() {
            output.push(bytes.split_to(bytes.len().min(RATE as usize / 4 * 2)), sink);
            yield_now().await;
        }
    }
    output.finish(sink).await
}
