//! Stand-in for `detectors` in builds without the feature `turn-detect`: no session has detectors, and timers alone end turns.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;

use super::message::{TurnDetectUpdate, VadUpdate};
use super::{Shared, SpeakerActivity};
use crate::error::SessionError;
use crate::provider::SttOptions;

/// No detectors. It has the methods of `detectors::Detectors`.
#[derive(Debug)]
pub(super) struct Detectors;

#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the signatures of `detectors::Detectors`")]
impl Detectors {
    pub(super) fn new(_: &Shared, _: &SttOptions) -> Self {
        Self
    }

    pub(super) fn audio(&self, _: &Bytes) -> bool {
        true
    }

    pub(super) async fn next(&mut self) -> SpeakerActivity {
        pending().await
    }

    pub(super) fn reported_silence(&self) -> Option<Duration> {
        None
    }

    pub(super) fn update(&self, _: Option<&VadUpdate>, _: Option<&TurnDetectUpdate>) -> Result<(), SessionError> {
        Ok(())
    }
}
