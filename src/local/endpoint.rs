//! Where an utterance begins and ends, by the probability of speech in each frame. Pure: frames in, utterances out.
//!
//! The names are Silero's (`VADIterator` and `get_speech_timestamps` in snakers4/silero-vad). `detect::pause` explains why turn
//! detection has another rule on the same probabilities.

use std::collections::VecDeque;

use crate::detect::{ACTIVATION_THRESHOLD, FRAME};

/// Below this a frame is silence. Between the two thresholds the state stays as it is (Silero: `threshold - 0.15`).
const DEACTIVATION_THRESHOLD: f32 = 0.35;
/// Consecutive frames above the threshold that begin an utterance (`min_speech_duration`): 64 ms, longer than a click.
const MIN_SPEECH_FRAMES: usize = 2;
/// Frames of silence that end an utterance (`min_silence_duration`): 0.64 s.
const MIN_SILENCE_FRAMES: usize = 20;
/// Frames before the first one of speech that belong to the utterance (`prefix_padding`), because words begin softly: with the
/// frames of speech, 0.32 s. And frames of silence that stay behind it: 0.26 s.
const PREFIX_PADDING_FRAMES: usize = 10;
const SUFFIX_PADDING_FRAMES: usize = 8;
/// Frames of the longest utterance (`max_speech_duration`): 28 s, because Whisper takes 30 s. A longer one is cut at the least
/// probable frame of the last 8 s.
const MAX_SPEECH_FRAMES: usize = 875;
const CUT_WINDOW_FRAMES: usize = 250;

/// Samples to recognise at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// At 16 kHz.
    pub samples: Vec<i16>,
    /// Whether the speaker has paused. If not, the utterance was cut at its longest, and the next one continues it.
    pub ended: bool,
}

/// The endpointer of one stream.
#[derive(Debug, Default)]
pub(super) struct Endpointer {
    /// The utterance so far, or the last frames before one.
    samples: VecDeque<i16>,
    /// The probability of speech in each of those frames.
    probabilities: VecDeque<f32>,
    speaking: bool,
    /// Frames of silence at the end of the utterance.
    silent: usize,
}

impl Endpointer {
    /// Whether an utterance has begun and not ended.
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Returns the samples of the utterance so far.
    pub(super) fn samples(&self) -> Vec<i16> {
        self.samples.iter().copied().collect()
    }

    /// Takes a frame and its probability of speech. Returns the utterance that it ends.
    pub(super) fn push(&mut self, frame: &[i16; FRAME], probability: f32) -> Option<Utterance> {
        self.samples.extend(frame);
        self.probabilities.push_back(probability);
        if !self.speaking {
            let is_speech = |probability: &&f32| **probability > ACTIVATION_THRESHOLD;
            self.speaking = self.probabilities.iter().rev().take_while(is_speech).count() >= MIN_SPEECH_FRAMES;
            self.silent = 0;
            if !self.speaking {
                self.drop_frames(self.probabilities.len().saturating_sub(PREFIX_PADDING_FRAMES));
            }
            return None;
        }
        if probability > ACTIVATION_THRESHOLD {
            self.silent = 0;
        } else if probability < DEACTIVATION_THRESHOLD || self.silent > 0 {
            self.silent += 1;
        }
        if self.silent >= MIN_SILENCE_FRAMES {
            return self.finish();
        }
        (self.probabilities.len() >= MAX_SPEECH_FRAMES).then(|| self.cut())
    }

    /// Ends the stream. Returns the utterance that ends with it.
    pub(super) fn finish(&mut self) -> Option<Utterance> {
        let frames = self.probabilities.len().saturating_sub(self.silent.saturating_sub(SUFFIX_PADDING_FRAMES));
        let utterance = self.speaking.then(|| Utterance { samples: self.take(frames), ended: true });
        *self = Self::default();
        utterance
    }

    fn cut(&mut self) -> Utterance {
        let from = self.probabilities.len().saturating_sub(CUT_WINDOW_FRAMES);
        let quietest = self.probabilities.iter().enumerate().skip(from).min_by(|(_, a), (_, b)| a.total_cmp(b));
        let frames = quietest.map_or(self.probabilities.len(), |(at, _)| at + 1);
        let utterance = Utterance { samples: self.take(frames), ended: false };
        self.silent = self.silent.min(self.probabilities.len());
        utterance
    }

    fn take(&mut self, frames: usize) -> Vec<i16> {
        self.probabilities.drain(..frames.min(self.probabilities.len()));
        self.samples.drain(..(frames * FRAME).min(self.samples.len())).collect()
    }

    fn drop_frames(&mut self, frames: usize) {
        drop(self.take(frames));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the utterances in frames of these probabilities: the number of the first frame, the count of frames, `ended`.
    fn utterances(probabilities: impl IntoIterator<Item = f32>) -> Vec<(i16, usize, bool)> {
        let mut endpointer = Endpointer::default();
        let mut found = Vec::new();
        for (number, probability) in (0_i16..).zip(probabilities) {
            found.extend(endpointer.push(&[number; FRAME], probability));
        }
        found.extend(endpointer.finish());
        found.into_iter().map(|said| (said.samples[0], said.samples.len() / FRAME, said.ended)).collect()
    }

    fn frames(parts: &[(usize, f32)]) -> Vec<f32> {
        parts.iter().flat_map(|(count, probability)| std::iter::repeat_n(*probability, *count)).collect()
    }

    #[test]
    fn utterance_has_padding_and_ends_after_a_pause() {
        assert_eq!(utterances(frames(&[(40, 0.1), (30, 0.9), (40, 0.1)])), [(31, 47, true)]);
        // A click begins none, and a short pause ends none.
        assert_eq!(utterances(frames(&[(40, 0.1), (1, 0.9), (40, 0.1)])), []);
        assert_eq!(utterances(frames(&[(5, 0.1), (30, 0.9), (19, 0.1), (30, 0.9), (2, 0.0)])), [(0, 86, true)]);
        assert_eq!(utterances(frames(&[(30, 0.9), (30, 0.1), (30, 0.9)])), [(0, 38, true), (51, 39, true)]);
    }

    #[test]
    fn utterance_of_28_seconds_is_cut_at_its_quietest_frame() {
        let mut probabilities = frames(&[(1_000, 0.9), (30, 0.0)]);
        probabilities[800] = 0.4;
        assert_eq!(utterances(probabilities), [(0, 801, false), (801, 207, true)]);
    }
}
