//! Flow control between a synthesis and its listeners.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How far a synthesis may be ahead of its fastest listener, in bytes: almost three minutes at 24 kHz. A provider is not read
/// faster, because audio that no listener takes would fill the memory.
const MAX_LEAD: usize = 8 * 1024 * 1024;

/// The progress of a synthesis and of its fastest listener, in bytes of audio. The synthesis and all of its listeners share it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    produced: AtomicUsize,
    consumed: AtomicUsize,
    advanced: Notify,
}

impl Pace {
    /// Adds audio that the synthesis has produced.
    pub(super) fn produced(&self, bytes: usize) {
        self.produced.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Records that a listener has consumed the audio up to `position`.
    pub(super) fn consumed(&self, position: usize) {
        if self.consumed.fetch_max(position, Ordering::AcqRel) < position {
            self.advanced.notify_one();
        }
    }

    /// Returns whether the synthesis may produce more now.
    pub(super) fn has_room(&self) -> bool {
        self.produced.load(Ordering::Acquire) < self.consumed.load(Ordering::Acquire) + MAX_LEAD
    }

    /// Waits until the synthesis may produce more.
    pub(super) async fn room(&self) {
        while !self.has_room() {
            // A listener that advances between the check and the wait leaves its notification.
            self.advanced.notified().await;
        }
    }
}
