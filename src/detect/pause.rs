//! From probabilities to pauses: when somebody begins to speak, and when nobody does any more.
//!
//! Pure, and timed by the audio itself: a frame is 32 ms, however fast it comes.

use std::time::Duration;

use super::{FRAME, RATE};

/// From here on a frame is speech.
const SPEECH: f32 = 0.5;

/// Frames of speech that begin it. Shorter is a click; a spoken "no" has six.
const BEGIN: u32 = 3;

/// What a frame changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Somebody speaks.
    Speech,
    /// Nobody speaks any more.
    Silence,
}

/// The pauses of one stream.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    speaking: bool,
    speech: u32,
    silence: u32,
}

impl Pauses {
    /// Whether somebody speaks.
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// A frame, where `wanted` is how long a silence is one.
    pub(super) fn frame(&mut self, probability: f32, wanted: Duration) -> Option<Change> {
        let wanted = frames(wanted);
        if probability > SPEECH {
            self.silence = 0;
            self.speech += 1;
            let begins = !self.speaking && self.speech >= BEGIN;
            self.speaking |= begins;
            return begins.then_some(Change::Speech);
        }
        self.silence += 1;
        if self.silence >= wanted {
            self.speech = 0;
        }
        let ends = self.speaking && self.silence >= wanted;
        self.speaking &= !ends;
        ends.then_some(Change::Silence)
    }
}

/// Frames that are at least this long together.
fn frames(time: Duration) -> u32 {
    let samples = time.as_millis() * u128::from(RATE) / 1000;
    u32::try_from(samples.div_ceil(FRAME as u128)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Silence, Speech};

    /// What changes, by frame: `#` is speech.
    fn changes(frames: &str, wanted: u64) -> Vec<(usize, Change)> {
        let mut pauses = Pauses::default();
        let probability = |frame| if frame == '#' { 0.9 } else { 0.1 };
        let change = |frame| pauses.frame(probability(frame), Duration::from_millis(wanted));
        let changes: Vec<_> = frames.chars().map(change).collect();
        changes.into_iter().enumerate().filter_map(|(at, change)| Some((at + 1, change?))).collect()
    }

    #[test]
    fn speech_begins_with_a_tenth_of_a_second_of_it() {
        assert_eq!(changes("..##..........", 200), []);
        assert_eq!(changes("..###.##", 200), [(5, Speech)]);
        // A breath within it is none.
        assert_eq!(changes("..##.#", 200), [(6, Speech)]);
    }

    #[test]
    fn a_silence_is_one_when_it_is_long_enough_and_once() {
        assert_eq!(changes("###......#......###", 200), [(3, Speech)]);
        assert_eq!(changes("###.......", 200), [(3, Speech), (10, Silence)]);
        let long = format!("###{}###", ".".repeat(50));
        assert_eq!(changes(&long, 200), [(3, Speech), (10, Silence), (56, Speech)]);
        assert_eq!(changes(&long, 5_000), [(3, Speech)]);
    }

    #[test]
    fn a_silence_may_be_as_short_as_a_frame() {
        assert_eq!(changes("###.###", 1), [(3, Speech), (4, Silence), (7, Speech)]);
    }
}
