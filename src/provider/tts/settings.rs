//! The settings of a voice that every engine needs.

use std::sync::Arc;
use std::time::Duration;

use crate::audio::Format;
use crate::provider::{Credential, OptionsError, Shared};

/// The longest time-out that a client can choose, in seconds.
const MAX_TIMEOUT: u64 = 600;

/// The settings of one voice, without its engine and its cache key. A `Synthesizer` owns them for as long as the voice is in use.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) shared: Arc<Shared>,
    pub(super) credential: Credential,
    /// How long a provider may take for one answer. Only the time that is spent waiting for the provider counts.
    pub(super) request_timeout: Duration,
    /// The format of the audio that the client receives.
    pub(super) format: Format,
}

/// Parses a time-out in seconds; `default` where the client gives none.
pub(super) fn seconds(field: &'static str, value: Option<u64>, default: u64) -> Result<Duration, OptionsError> {
    match value.unwrap_or(default) {
        seconds @ 1..=MAX_TIMEOUT => Ok(Duration::from_secs(seconds)),
        _ => Err(OptionsError::Range { field, expected: "a number of seconds from 1 to 600" }),
    }
}
