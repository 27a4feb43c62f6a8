//! Speech probabilities in, starts and pauses of speech out. Pure, and timed by the audio itself: a frame is 32 ms, however fast
//! it arrives.
//!
//! The rule differs on purpose from the one of `local::endpoint`, which cuts utterances for recognition. A start here interrupts
//! the reply that is being played, so it takes more speech ([`MIN_SPEECH_FRAMES`]), which may have gaps. A start there only
//! begins to record, so it comes earlier, and a word that it missed would be lost. A pause here only asks the model of turns, and
//! the client sets its length. A pause there ends the utterance, so it needs clear silence (the second threshold). Frames and the
//! first threshold are shared.

use std::time::Duration;

use super::{ACTIVATION_THRESHOLD, FRAME, RATE};

/// Frames above the threshold that begin speech (Silero's `min_speech_duration`): 96 ms. Shorter sounds are clicks; a spoken "no"
/// has six frames.
const MIN_SPEECH_FRAMES: u32 = 3;

/// A change that a frame brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The speaker has begun.
    SpeechStart,
    /// The speaker has paused.
    SpeechEnd,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub(super) struct PauseDetector {
    speaking: bool,
    /// Frames of speech since the last pause.
    speech: u32,
    /// Frames of silence since the last frame of speech.
    silence: u32,
}

impl PauseDetector {
    /// Whether the speaker has begun and not paused.
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Takes a frame's probability. A pause is silence of `min_silence_duration`.
    pub(super) fn push(&mut self, probability: f32, min_silence_duration: Duration) -> Option<Change> {
        let min_silence = frames(min_silence_duration);
        if probability > ACTIVATION_THRESHOLD {
            self.silence = 0;
            self.speech += 1;
            let starts = !self.speaking && self.speech >= MIN_SPEECH_FRAMES;
            self.speaking |= starts;
            return starts.then_some(Change::SpeechStart);
        }
        self.silence += 1;
        if self.silence >= min_silence {
            self.speech = 0;
        }
        let ends = self.speaking && self.silence >= min_silence;
        self.speaking &= !ends;
        ends.then_some(Change::SpeechEnd)
    }
}

/// Returns the fewest frames that last as long, at least one.
fn frames(time: Duration) -> u32 {
    let samples = time.as_millis() * u128::from(RATE) / 1000;
    u32::try_from(samples.div_ceil(FRAME as u128)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{SpeechEnd, SpeechStart};

    /// Returns the changes and the frames that bring them. `#` is a frame of speech.
    fn changes(frames: &str, min_silence_ms: u64) -> Vec<(usize, Change)> {
        let mut pauses = PauseDetector::default();
        let probability = |frame| if frame == '#' { 0.9 } else { 0.1 };
        let change = |frame| pauses.push(probability(frame), Duration::from_millis(min_silence_ms));
        let changes: Vec<_> = frames.chars().map(change).collect();
        changes.into_iter().enumerate().filter_map(|(at, change)| Some((at + 1, change?))).collect()
    }

    #[test]
    fn speech_start_needs_a_tenth_of_a_second_of_speech() {
        assert_eq!(changes("..##..........", 200), []);
        assert_eq!(changes("..###.##", 200), [(5, SpeechStart)]);
        // A short gap does not reset the count.
        assert_eq!(changes("..##.#", 200), [(6, SpeechStart)]);
    }

    #[test]
    fn speech_end_comes_once_after_enough_silence() {
        assert_eq!(changes("###......#......###", 200), [(3, SpeechStart)]);
        assert_eq!(changes("###.......", 200), [(3, SpeechStart), (10, SpeechEnd)]);
        let long = format!("###{}###", ".".repeat(50));
        assert_eq!(changes(&long, 200), [(3, SpeechStart), (10, SpeechEnd), (56, SpeechStart)]);
        assert_eq!(changes(&long, 5_000), [(3, SpeechStart)]);
    }

    #[test]
    fn speech_end_may_come_after_a_single_frame() {
        assert_eq!(changes("###.###", 1), [(3, SpeechStart), (4, SpeechEnd), (7, SpeechStart)]);
    }
}
