//! One speaker's stream through voice-activity detection, with the audio that the model of turns takes.

use std::collections::VecDeque;
use std::time::Duration;

use super::features::SAMPLES;
use super::frames::FrameBuffer;
use super::pause::{Change, PauseDetector};
use super::{FRAME, Vad};

/// A change in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VadEvent {
    /// The speaker has begun.
    SpeechStart,
    /// The speaker has paused. The last eight seconds are the input of [`predict_endpoint`](super::Detector::predict_endpoint).
    SpeechEnd(Box<[i16]>),
}

/// Voice-activity detection of one stream at 16 kHz. The session's detector task owns it, as long as the stream lasts.
#[derive(Debug)]
pub struct VadStream {
    vad: Vad,
    pauses: PauseDetector,
    frames: FrameBuffer,
    /// The last eight seconds of whole frames.
    last: VecDeque<i16>,
}

impl VadStream {
    pub(super) fn new(vad: Vad) -> Self {
        let last = VecDeque::with_capacity(SAMPLES + FRAME);
        Self { vad, pauses: PauseDetector::default(), frames: FrameBuffer::default(), last }
    }

    /// Whether the speaker has begun and not paused.
    pub fn is_speaking(&self) -> bool {
        self.pauses.is_speaking()
    }

    /// Takes samples of any number and returns the events in them. A pause is silence of `min_silence_duration`. It computes for
    /// some hundredths of a millisecond per frame of 32 ms.
    pub fn push(&mut self, samples: &[i16], min_silence_duration: Duration) -> Vec<VadEvent> {
        let mut events = Vec::new();
        for frame in self.frames.push(samples.iter().copied()) {
            self.last.extend(&frame);
            self.last.drain(..self.last.len().saturating_sub(SAMPLES));
            events.extend(match self.pauses.push(self.vad.predict(&frame), min_silence_duration) {
                None => None,
                Some(Change::SpeechStart) => Some(VadEvent::SpeechStart),
                Some(Change::SpeechEnd) => Some(VadEvent::SpeechEnd(self.last.iter().copied().collect())),
            });
        }
        events
    }
}
