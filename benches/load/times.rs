//! Times, and their distribution.

use std::time::Duration;

/// Times in the order in which they were taken.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(pub(crate) Vec<Duration>);

impl Times {
    /// In milliseconds.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}
