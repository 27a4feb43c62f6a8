//! One speaker's audio as utterances: voice-activity detection and the endpointer behind it.

use std::sync::Arc;

use super::Error;
use super::endpoint::{Endpointer, Utterance};
use crate::detect::{FRAME, FrameBuffer, Vad, VadModel};

/// The stream of one speaker at 16 kHz. The recognition task of a session owns it, as long as the session's audio lasts.
#[derive(Debug)]
pub struct UtteranceStream {
    vad: Vad,
    endpointer: Endpointer,
    frames: FrameBuffer,
    /// Utterances that have ended.
    ended: u64,
    /// Samples of the utterance since the last interim result.
    new_samples: usize,
}

impl UtteranceStream {
    pub(super) fn new(model: Arc<VadModel>) -> Self {
        let (vad, endpointer) = (Vad::new(model), Endpointer::default());
        Self { vad, endpointer, frames: FrameBuffer::default(), ended: 0, new_samples: 0 }
    }

    /// Takes little-endian samples at 16 kHz, and appends the utterances that end in them to `out`.
    pub fn push(&mut self, audio: &[u8], out: &mut impl Extend<Utterance>) -> Result<(), Error> {
        let samples = audio.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample));
        for frame in self.frames.push(samples) {
            let utterance = self.endpointer.push(&frame, self.vad.predict(&frame));
            self.new_samples = if self.endpointer.is_speaking() { self.new_samples + FRAME } else { 0 };
            if utterance.is_some() {
                (self.ended, self.new_samples) = (self.ended + 1, 0);
            }
            out.extend(utterance);
        }
        Ok(())
    }

    /// Ends the stream. Returns the utterance that ends with it.
    pub fn finish(&mut self) -> Option<Utterance> {
        self.new_samples = 0;
        let utterance = self.endpointer.finish();
        self.ended += u64::from(utterance.is_some());
        utterance
    }

    /// Whether an utterance has begun and not ended.
    pub fn is_speaking(&self) -> bool {
        self.endpointer.is_speaking()
    }

    /// Returns the number of the current utterance, from 0.
    pub fn index(&self) -> u64 {
        self.ended
    }

    /// Returns the current utterance so far, if at least `min_new_samples` came since the last interim result.
    pub fn interim(&self, min_new_samples: usize) -> Option<Vec<i16>> {
        (self.new_samples >= min_new_samples).then(|| self.endpointer.samples())
    }

    /// Notes that an interim result is under way.
    pub fn mark_interim(&mut self) {
        self.new_samples = 0;
    }
}
