//! The timers of one connection: keep-alive, time-outs, and silence for a client that sends none.

use std::time::Duration;

use tokio::time::Instant;

use super::pause::STEP;
use crate::audio::STALLED;

/// The time without a sent message after which a keep-alive message is sent.
const IDLE: Duration = Duration::from_secs(1);
/// The time without a received message after which a ping is sent, and after which the connection counts as dead.
const PING: Duration = Duration::from_secs(10);
pub(super) const DEAD: Duration = Duration::from_secs(20);
/// The longest time in which a vendor may read nothing.
pub(super) const STUCK: Duration = Duration::from_secs(5);
/// The longest time for the last results, and the time without one after which no more are expected.
const FINISH: Duration = Duration::from_secs(3);
const QUIET: Duration = Duration::from_millis(500);
/// The most silence that is sent in one pause. A vendor without a result by then has recognised nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a timer is due for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// No more results are expected.
    Finished,
    /// The vendor reads nothing.
    Stuck,
    /// The vendor sends nothing.
    Dead,
    /// A ping is to be sent.
    Ping,
    /// The client is silent: this much silence is to be sent. `first` marks the beginning of a pause.
    Pause { silence: Duration, first: bool },
    /// A keep-alive message is to be sent.
    Idle,
}

/// The times of one connection. The transcription's task creates one per connection.
#[derive(Debug)]
pub(super) struct Clock {
    wrote: Instant,
    received: Instant,
    pinged: bool,
    /// When a written message must have been flushed.
    stuck: Option<Instant>,
    /// When the last results must have arrived. Set once the audio has ended.
    finish: Option<Instant>,
    /// When the client counts as silent, or more silence is to be sent. Not set while no result is expected.
    pause: Option<Instant>,
    /// The silence that was sent in this pause.
    given: Duration,
}

impl Clock {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { wrote: now, received: now, pinged: false, stuck: None, finish: None, pause: None, given: Duration::ZERO }
    }

    /// Records that audio was written. Without more audio, the client counts as silent at `silent_at`.
    pub(super) fn wrote(&mut self, silent_at: Instant) {
        (self.wrote, self.pause, self.given) = (Instant::now(), Some(silent_at), Duration::ZERO);
    }

    /// Records that another message was written.
    pub(super) fn wrote_more(&mut self) {
        self.wrote = Instant::now();
    }

    /// Records a message of the vendor.
    pub(super) fn received(&mut self) {
        (self.received, self.pinged) = (Instant::now(), false);
    }

    /// Records a final result. `answered` is true if no sent audio is without one.
    pub(super) fn received_final(&mut self, answered: bool) {
        // This may have been the last result.
        self.finish = self.finish.map(|finish| finish.min(Instant::now() + QUIET));
        if answered || !self.given.is_zero() {
            self.pause = None;
        }
    }

    /// Records that the end of the audio was written.
    pub(super) fn finishes(&mut self) {
        self.finish = Some(Instant::now() + FINISH);
        self.pause = None;
    }

    pub(super) fn is_finishing(&self) -> bool {
        self.finish.is_some()
    }

    /// Records whether a written message is not flushed yet.
    pub(super) fn unflushed(&mut self, unflushed: bool) {
        self.stuck = unflushed.then(|| self.stuck.unwrap_or_else(|| Instant::now() + STUCK));
    }

    /// Returns when the next timer is due.
    pub(super) fn next(&self) -> Instant {
        let silence = self.received + if self.pinged { DEAD } else { PING };
        let limits = [self.stuck, self.finish, self.pause].into_iter().flatten();
        limits.chain([self.wrote + IDLE, silence]).min().unwrap_or(silence)
    }

    /// Returns the timer that is due, and restarts it.
    pub(super) fn due(&mut self) -> Option<Due> {
        let now = Instant::now();
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if past(self.finish) {
            Some(Due::Finished)
        } else if past(self.stuck) {
            Some(Due::Stuck)
        } else if self.received + DEAD <= now {
            Some(Due::Dead)
        } else if self.received + PING <= now && !self.pinged {
            self.pinged = true;
            Some(Due::Ping)
        } else if past(self.pause) {
            let first = self.given.is_zero();
            // The time that made it a pause was silent too.
            let silence = if first { STALLED } else { STEP };
            self.given += silence;
            self.pause = (self.given < LONGEST_PAUSE).then(|| now + STEP);
            Some(Due::Pause { silence, first })
        } else if self.wrote + IDLE <= now {
            self.wrote = now;
            Some(Due::Idle)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep_until;

    #[tokio::test(start_paused = true)]
    async fn pause_sends_silence_in_real_time_up_to_a_limit() {
        let mut clock = Clock::new();
        let begun = Instant::now();
        clock.wrote(begun + STALLED);
        let (mut given, mut kept) = (Duration::ZERO, 0);
        while begun.elapsed() < Duration::from_secs(15) {
            sleep_until(clock.next()).await;
            clock.received();
            match clock.due() {
                Some(Due::Pause { silence, first }) => {
                    assert_eq!(first, given.is_zero());
                    given += silence;
                    assert!(given <= begun.elapsed() && given <= LONGEST_PAUSE);
                }
                // Nothing was written in between, so a keep-alive message is due.
                Some(Due::Idle) => kept += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((given, kept), (LONGEST_PAUSE, 15));
    }

    #[tokio::test(start_paused = true)]
    async fn final_result_ends_a_pause_and_audio_begins_the_next() {
        let mut clock = Clock::new();
        clock.wrote(Instant::now() + STALLED);
        // About all that was sent, or an answer to the silence.
        clock.received_final(true);
        assert_eq!(clock.pause, None);
        clock.wrote(Instant::now() + STALLED);
        clock.received_final(false);
        sleep_until(clock.next()).await;
        assert_eq!(clock.due(), Some(Due::Pause { silence: STALLED, first: true }));
        clock.received_final(false);
        assert_eq!(clock.pause, None);
        clock.wrote(Instant::now() + STALLED);
        sleep_until(clock.next()).await;
        assert_eq!(clock.due(), Some(Due::Pause { silence: STALLED, first: true }));
    }
}
