//! Where an utterance begins and ends, by how probable it is that somebody speaks. Pure: frames in, utterances out.

use std::collections::VecDeque;

use crate::detect::FRAME;

/// Somebody speaks; and nobody does.
const SPEECH: f32 = 0.5;
const SILENCE: f32 = 0.35;
/// Frames of speech that are no mere click.
const BEGIN: usize = 2;
/// Frames of silence that end an utterance: 0.64 s.
const END: usize = 20;
/// Frames before the first one of speech that belong to it, as the beginning of a word is soft; and those kept of the silence
/// behind it.
const BEFORE: usize = 10;
const AFTER: usize = 8;
/// Frames of the longest utterance, 28 s: the recogniser hears half a minute. It is cut where it is quietest in the last 8 s.
const LONGEST: usize = 875;
const LOOK_BACK: usize = 250;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// At 16 kHz.
    pub samples: Vec<i16>,
    /// The speaker has paused; else it goes on, and was only cut.
    pub ended: bool,
}

/// Listens to one stream.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    /// Before anybody speaks, the last frames; else everything since.
    samples: VecDeque<i16>,
    /// How probable speech was in each of them.
    speech: VecDeque<f32>,
    speaking: bool,
    /// Frames of silence at the end.
    silent: usize,
}

impl Endpoint {
    /// Somebody is speaking.
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// What has been said so far.
    pub(super) fn so_far(&self) -> Vec<i16> {
        self.samples.iter().copied().collect()
    }

    /// Takes a frame; gives an utterance where one has ended.
    pub(super) fn push(&mut self, frame: &[i16; FRAME], speech: f32) -> Option<Utterance> {
        self.samples.extend(frame);
        self.speech.push_back(speech);
        if !self.speaking {
            let voiced = self.speech.iter().rev().take_while(|speech| **speech > SPEECH).count();
            self.speaking = voiced >= BEGIN;
            self.silent = 0;
            if !self.speaking {
                self.drop_frames(self.speech.len().saturating_sub(BEFORE));
            }
            return None;
        }
        // Between the two it is as it was.
        if speech > SPEECH {
            self.silent = 0;
        } else if speech < SILENCE || self.silent > 0 {
            self.silent += 1;
        }
        if self.silent >= END {
            return self.finish();
        }
        (self.speech.len() >= LONGEST).then(|| self.cut())
    }

    /// The stream has ended, and with it what is being said.
    pub(super) fn finish(&mut self) -> Option<Utterance> {
        let frames = self.speech.len().saturating_sub(self.silent.saturating_sub(AFTER));
        let said = self.speaking.then(|| Utterance { samples: self.take(frames), ended: true });
        *self = Self::default();
        said
    }

    fn cut(&mut self) -> Utterance {
        let from = self.speech.len().saturating_sub(LOOK_BACK);
        let quietest = self.speech.iter().enumerate().skip(from).min_by(|(_, a), (_, b)| a.total_cmp(b));
        let frames = quietest.map_or(self.speech.len(), |(at, _)| at + 1);
        let said = Utterance { samples: self.take(frames), ended: false };
        self.silent = self.silent.min(self.speech.len());
        said
    }

    fn take(&mut self, frames: usize) -> Vec<i16> {
        self.speech.drain(..frames.min(self.speech.len()));
        self.samples.drain(..(frames * FRAME).min(self.samples.len())).collect()
    }

    fn drop_frames(&mut self, frames: usize) {
        drop(self.take(frames));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of frames of these probabilities, each its number in every sample.
    fn utterances(speech: impl IntoIterator<Item = f32>) -> Vec<(i16, usize, bool)> {
        let mut endpoint = Endpoint::default();
        let mut found = Vec::new();
        for (number, speech) in (0_i16..).zip(speech) {
            found.extend(endpoint.push(&[number; FRAME], speech));
        }
        found.extend(endpoint.finish());
        found.into_iter().map(|said| (said.samples[0], said.samples.len() / FRAME, said.ended)).collect()
    }

    fn frames(parts: &[(usize, f32)]) -> Vec<f32> {
        parts.iter().flat_map(|(count, speech)| std::iter::repeat_n(*speech, *count)).collect()
    }

    #[test]
    fn an_utterance_begins_before_it_is_heard_and_ends_after_a_pause() {
        assert_eq!(utterances(frames(&[(40, 0.1), (30, 0.9), (40, 0.1)])), [(31, 47, true)]);
        // A click is none, and a short pause ends nothing.
        assert_eq!(utterances(frames(&[(40, 0.1), (1, 0.9), (40, 0.1)])), []);
        assert_eq!(utterances(frames(&[(5, 0.1), (30, 0.9), (19, 0.1), (30, 0.9), (2, 0.0)])), [(0, 86, true)]);
        assert_eq!(utterances(frames(&[(30, 0.9), (30, 0.1), (30, 0.9)])), [(0, 38, true), (51, 39, true)]);
    }

    #[test]
    fn a_long_one_is_cut_where_it_is_quietest() {
        let mut speech = frames(&[(1_000, 0.9), (30, 0.0)]);
        speech[800] = 0.4;
        assert_eq!(utterances(speech), [(0, 801, false), (801, 207, true)]);
    }
}
