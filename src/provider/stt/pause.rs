//! Detects a client that sends no audio.

use std::time::Duration;

use tokio::time::Instant;

use crate::audio::STALLED;

/// The longest time that a piece of audio counts for: recorders send at least once a second. Compressed audio, whose length is
/// not known, always counts for this long.
const LONGEST: Duration = Duration::from_secs(1);

/// Silence is sent in pieces of this length, in real time.
pub(super) const STEP: Duration = Duration::from_millis(100);

/// The time at which the audio of a client ends, if it is played in real time from its arrival.
#[derive(Debug)]
pub(super) struct Sounding {
    bytes_per_second: Option<usize>,
    until: Instant,
}

impl Sounding {
    /// Creates it for audio of this rate. `None` stands for compressed audio.
    pub(super) fn new(bytes_per_second: Option<usize>) -> Self {
        Self { bytes_per_second: bytes_per_second.filter(|rate| *rate > 0), until: Instant::now() }
    }

    /// Adds a piece of audio.
    pub(super) fn come(&mut self, bytes: usize) {
        let now = Instant::now();
        let length = self
            .bytes_per_second
            .map_or(LONGEST, |rate| Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / rate as u64));
        self.until = (self.until.max(now) + length.min(LONGEST)).min(now + LONGEST);
    }

    /// Returns when the client counts as silent, if no more audio arrives.
    pub(super) fn silent_at(&self) -> Instant {
        self.until.max(Instant::now()) + STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn continuous_audio_is_no_pause() {
        for (rate, piece, every) in [(Some(32_000), 640, 20), (Some(32_000), 32_000, 1_000), (None, 4_000, 1_000)] {
            let mut sounding = Sounding::new(rate);
            for _ in 0..10 {
                sounding.come(piece);
                let silent = sounding.silent_at();
                advance(Duration::from_millis(every)).await;
                assert!(silent > Instant::now(), "{rate:?} {piece}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn burst_of_audio_delays_a_pause_by_a_second_at_most() {
        let mut sounding = Sounding::new(Some(32_000));
        (0..500).for_each(|_| sounding.come(640));
        assert_eq!(sounding.silent_at(), Instant::now() + LONGEST + STALLED);
        advance(LONGEST * 3).await;
        assert_eq!(sounding.silent_at(), Instant::now() + STALLED);
    }
}
