//! The sound of one speaker: samples as they come, utterances as they end.

use std::sync::Arc;

use super::endpoint::{Endpoint, Utterance};
use crate::detect::{FRAME, Vad, VadModel};
use crate::local::Error;

/// One speaker's stream.
#[derive(Debug)]
pub struct Stream {
    vad: Vad,
    endpoint: Endpoint,
    /// The beginning of a frame.
    frame: Vec<i16>,
    /// Utterances that have ended.
    ended: u64,
    /// Samples of the next one since it was last taken for the time being.
    fresh: usize,
}

impl Stream {
    pub(in crate::local) fn new(model: Arc<VadModel>) -> Self {
        let (vad, endpoint) = (Vad::new(model), Endpoint::default());
        Self { vad, endpoint, frame: Vec::with_capacity(FRAME), ended: 0, fresh: 0 }
    }

    /// Takes samples at 16 kHz, little-endian; what has ended with them goes to `out`.
    pub fn push(&mut self, audio: &[u8], out: &mut impl Extend<Utterance>) -> Result<(), Error> {
        for sample in audio.as_chunks().0 {
            self.frame.push(i16::from_le_bytes(*sample));
            let Ok(frame) = <&[i16; FRAME]>::try_from(self.frame.as_slice()) else { continue };
            let speech = self.vad.frame(frame);
            let said = self.endpoint.push(frame, speech);
            self.frame.clear();
            self.fresh = if self.endpoint.is_speaking() { self.fresh + FRAME } else { 0 };
            if said.is_some() {
                (self.ended, self.fresh) = (self.ended + 1, 0);
            }
            out.extend(said);
        }
        Ok(())
    }

    /// The last utterance, where the stream ends in one.
    pub fn finish(&mut self) -> Option<Utterance> {
        self.fresh = 0;
        let said = self.endpoint.finish();
        self.ended += u64::from(said.is_some());
        said
    }

    /// Somebody is in the middle of an utterance.
    pub fn is_speaking(&self) -> bool {
        self.endpoint.is_speaking()
    }

    /// The number of the utterance that has not ended yet.
    pub fn number(&self) -> u64 {
        self.ended
    }

    /// What somebody is saying, where so many samples of it are new.
    pub fn beginning(&self, fresh: usize) -> Option<Vec<i16>> {
        (self.fresh >= fresh).then(|| self.endpoint.so_far())
    }

    /// It was taken.
    pub fn took(&mut self) {
        self.fresh = 0;
    }
}
