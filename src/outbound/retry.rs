//! The one policy of retries: how many attempts, and how long the pauses between them.

use std::time::Duration;

use uuid::Uuid;

/// When an operation is retried. The caller decides which errors are worth it, and when the count begins again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Attempts in a row, the first included.
    pub(crate) attempts: u32,
    /// The pause behind the first attempt.
    pub(crate) first_pause: Duration,
    /// What each further pause is multiplied by: 2 for exponential backoff, 1 for equal pauses.
    pub(crate) factor: u32,
    /// Whether a pause is extended by up to half of itself, at random. Many clients that fail together then do not retry
    /// together.
    pub(crate) jitter: bool,
}

/// More doublings than any policy has attempts. It keeps the product small.
const MAX_STEPS: u32 = 10;

impl RetryPolicy {
    /// Returns whether `attempt`, counted from 1, was the last one.
    pub(crate) fn is_exhausted(&self, attempt: u32) -> bool {
        attempt >= self.attempts
    }

    /// Returns the pause behind `attempt`, counted from 1: at least what the other side asks for by `Retry-After`.
    pub(crate) fn pause(&self, attempt: u32, retry_after: Option<Duration>) -> Duration {
        let pause = self.first_pause * self.factor.pow(attempt.saturating_sub(1).min(MAX_STEPS));
        let extra = if self.jitter {
            let [random, ..] = *Uuid::new_v4().as_bytes();
            pause * u32::from(random) / 512
        } else {
            Duration::ZERO
        };
        retry_after.map_or(pause + extra, |after| after.max(pause + extra))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { attempts: 3, first_pause: Duration::from_millis(100), factor: 2, jitter: false };

    #[test]
    fn retry_pauses_double_and_respect_retry_after() {
        let pauses = [1, 2, 3].map(|attempt| POLICY.pause(attempt, None).as_millis());
        assert_eq!(pauses, [100, 200, 400]);
        assert_eq!([1, 2, 3].map(|attempt| POLICY.is_exhausted(attempt)), [false, false, true]);
        assert_eq!(POLICY.pause(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(POLICY.pause(3, Some(Duration::from_millis(7))), Duration::from_millis(400));
        assert_eq!(RetryPolicy { factor: 1, ..POLICY }.pause(9, None), POLICY.first_pause);
    }

    #[test]
    fn retry_jitter_adds_up_to_half_a_pause() {
        let policy = RetryPolicy { jitter: true, ..POLICY };
        for attempt in 1..40 {
            let (least, pause) = (POLICY.pause(attempt, None), policy.pause(attempt, None));
            assert!(least <= pause && pause <= least + least / 2, "{attempt}: {pause:?}");
        }
    }
}
