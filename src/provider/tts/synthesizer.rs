//! The engine of a voice with its settings and pronunciations.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::TtsError;
use super::client::Client;
use super::engine::Engine;
use super::pace::Pace;
use super::parts::glued;
use super::pronounce::Pronunciations;
use super::settings::Settings;
use crate::provider::Pronunciation;

/// Everything that speaks a text in one voice. A `Voice` owns it, and each synthesis that is under way holds a reference, so a
/// synthesis may outlive the session that started it.
#[derive(Debug)]
pub(super) struct Synthesizer {
    pub(super) settings: Settings,
    pub(super) engine: Engine,
    pronunciations: Vec<Pronunciation>,
    /// The index over `pronunciations`, which the first text builds.
    index: OnceLock<Pronunciations>,
}

impl Synthesizer {
    pub(super) fn new(settings: Settings, engine: Engine, pronunciations: &[Pronunciation]) -> Self {
        Self { settings, engine, pronunciations: glued(pronunciations), index: OnceLock::new() }
    }

    /// Returns whether pronunciations may change a text.
    pub(super) fn has_pronunciations(&self) -> bool {
        !self.pronunciations.is_empty()
    }

    /// Replaces the words that have a pronunciation, on a blocking thread because there may be many. The result has the same
    /// limit as the text itself.
    pub(super) async fn pronounced(self: &Arc<Self>, text: &str) -> Result<String, TtsError> {
        if !self.has_pronunciations() {
            return Ok(text.to_owned());
        }
        let (this, text, most) = (Arc::clone(self), text.to_owned(), self.settings.shared.max_text_chars);
        let work = move || {
            let index = this.index.get_or_init(|| Pronunciations::new(&this.pronunciations));
            index.apply(&text, most).map_err(|_| TtsError::TextTooLong { most })
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(TtsError::Ended))
    }

    /// Speaks a text. Each piece of audio goes to `sink` as soon as it arrives.
    pub(super) async fn synthesize(
        &self,
        text: &str,
        previous: Option<&str>,
        pace: &Pace,
        sink: impl FnMut(Bytes),
    ) -> Result<(), TtsError> {
        let settings = &self.settings;
        match &self.engine {
            Engine::Vendor(vendor) => Client { settings, vendor, pace }.synthesize(text, previous, sink).await,
            #[cfg(feature = "local")]
            Engine::Local(speaker) => super::local::synthesize(settings, speaker, text, pace, sink).await,
        }
    }
}
