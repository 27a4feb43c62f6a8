//! One stream of samples through the model of voice activity, and the end of it that the model of turns will want.

use std::collections::VecDeque;
use std::time::Duration;

use super::mel::SAMPLES;
use super::pause::{Change, Pauses};
use super::{FRAME, Vad};

/// What is heard of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Somebody speaks.
    Speech,
    /// Nobody does any more. Whether all was said is to be asked of the end of the stream so far.
    Silence(Box<[i16]>),
}

/// A stream at 16 kHz.
#[derive(Debug)]
pub struct Stream {
    vad: Vad,
    pauses: Pauses,
    /// Samples that are no whole frame yet.
    rest: Vec<i16>,
    /// The last eight seconds of whole frames.
    last: VecDeque<i16>,
}

impl Stream {
    pub(super) fn new(vad: Vad) -> Self {
        Self { vad, pauses: Pauses::default(), rest: Vec::new(), last: VecDeque::with_capacity(SAMPLES + FRAME) }
    }

    /// Whether somebody speaks.
    pub fn is_speaking(&self) -> bool {
        self.pauses.is_speaking()
    }

    /// What samples of any number tell, where `silence` is how long a silence is one. It computes for some hundredths of a
    /// millisecond a frame.
    pub fn push(&mut self, samples: &[i16], silence: Duration) -> Vec<Heard> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(samples);
        let (frames, rest) = all.as_chunks::<FRAME>();
        let mut heard = Vec::new();
        for frame in frames {
            self.last.extend(frame);
            self.last.drain(..self.last.len().saturating_sub(SAMPLES));
            heard.extend(match self.pauses.frame(self.vad.frame(frame), silence) {
                None => None,
                Some(Change::Speech) => Some(Heard::Speech),
                Some(Change::Silence) => Some(Heard::Silence(self.end())),
            });
        }
        self.rest = rest.to_vec();
        heard
    }

    fn end(&self) -> Box<[i16]> {
        self.last.iter().copied().collect()
    }
}
