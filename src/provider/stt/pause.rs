//! Whether a client is silent, by what it sends.

use std::time::Duration;

use tokio::time::Instant;

use crate::audio::STALLED;

/// A piece of audio sounds for its length, but no longer than this: a recorder gives out what it has heard once a second at least.
/// Of compressed audio the length is not known.
const LONGEST: Duration = Duration::from_secs(1);

/// Silence is given in pieces of this length, in real time.
pub(super) const STEP: Duration = Duration::from_millis(100);

/// Until when the audio of a client sounds.
#[derive(Debug)]
pub(super) struct Sounding {
    bytes_per_second: Option<usize>,
    until: Instant,
}

impl Sounding {
    /// Of audio with so many bytes a second; none where it is compressed.
    pub(super) fn new(bytes_per_second: Option<usize>) -> Self {
        Self { bytes_per_second: bytes_per_second.filter(|rate| *rate > 0), until: Instant::now() }
    }

    /// A piece has come.
    pub(super) fn come(&mut self, bytes: usize) {
        let now = Instant::now();
        let length = self
            .bytes_per_second
            .map_or(LONGEST, |rate| Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / rate as u64));
        self.until = (self.until.max(now) + length.min(LONGEST)).min(now + LONGEST);
    }

    /// When the client is silent, if nothing more comes.
    pub(super) fn silent_at(&self) -> Instant {
        self.until.max(Instant::now()) + STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn pieces_that_come_one_after_the_other_leave_no_silence() {
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
    async fn what_is_sent_at_once_sounds_for_a_second_at_most() {
        let mut sounding = Sounding::new(Some(32_000));
        (0..500).for_each(|_| sounding.come(640));
        assert_eq!(sounding.silent_at(), Instant::now() + LONGEST + STALLED);
        advance(LONGEST * 3).await;
        assert_eq!(sounding.silent_at(), Instant::now() + STALLED);
    }
}
