//! When things have happened on a connection, and when something is to be done next.

use std::time::Duration;

use tokio::time::Instant;

use super::pause::STEP;
use crate::audio::STALLED;

/// Silence of ours after which the dialect says that we are still there.
const IDLE: Duration = Duration::from_secs(1);
/// Silence of the vendor's after which it is asked for a sign of life, and after which it is taken for dead.
const PING: Duration = Duration::from_secs(10);
pub(super) const DEAD: Duration = Duration::from_secs(20);
/// As long as a vendor may take nothing of what is written.
pub(super) const STUCK: Duration = Duration::from_secs(5);
/// Until the last results have come; where some have, until no more do.
const FINISH: Duration = Duration::from_secs(3);
const QUIET: Duration = Duration::from_millis(500);
/// As much silence is given in one pause at most: a vendor that says nothing by then has heard nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What time has come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The last results have had their time.
    Finished,
    /// The vendor takes nothing.
    Stuck,
    /// The vendor gives no sign of life.
    Dead,
    /// It is to be asked for one.
    Ping,
    /// The client is silent: so much silence is to be given, which is the first of this pause or not.
    Pause { silence: Duration, first: bool },
    /// We were silent.
    Idle,
}

/// The times of one connection.
#[derive(Debug)]
pub(super) struct Clock {
    wrote: Instant,
    heard: Instant,
    pinged: bool,
    /// What is written must have gone out by then.
    stuck: Option<Instant>,
    /// The audio has ended, and everything must have come by then.
    finish: Option<Instant>,
    /// The client is silent then, or more silence is to be given; not set where no words are waited for.
    pause: Option<Instant>,
    /// Silence that was given in this pause.
    given: Duration,
}

impl Clock {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { wrote: now, heard: now, pinged: false, stuck: None, finish: None, pause: None, given: Duration::ZERO }
    }

    /// Audio of the client was written, who is silent at that time if nothing more comes.
    pub(super) fn wrote(&mut self, silent_at: Instant) {
        (self.wrote, self.pause, self.given) = (Instant::now(), Some(silent_at), Duration::ZERO);
    }

    /// Something else was written.
    pub(super) fn wrote_more(&mut self) {
        self.wrote = Instant::now();
    }

    pub(super) fn heard(&mut self) {
        (self.heard, self.pinged) = (Instant::now(), false);
    }

    /// Final words have come. `answered`: of all that was sent.
    pub(super) fn heard_final(&mut self, answered: bool) {
        // The last words may have come.
        self.finish = self.finish.map(|finish| finish.min(Instant::now() + QUIET));
        if answered || !self.given.is_zero() {
            self.pause = None;
        }
    }

    /// The end of the audio was written.
    pub(super) fn finishes(&mut self) {
        self.finish = Some(Instant::now() + FINISH);
        self.pause = None;
    }

    pub(super) fn is_finishing(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether what was written has not gone out yet.
    pub(super) fn unflushed(&mut self, unflushed: bool) {
        self.stuck = unflushed.then(|| self.stuck.unwrap_or_else(|| Instant::now() + STUCK));
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Instant {
        let silence = self.heard + if self.pinged { DEAD } else { PING };
        let limits = [self.stuck, self.finish, self.pause].into_iter().flatten();
        limits.chain([self.wrote + IDLE, silence]).min().unwrap_or(silence)
    }

    /// What the time has come for; it counts as done.
    pub(super) fn due(&mut self) -> Option<Due> {
        let now = Instant::now();
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if past(self.finish) {
            Some(Due::Finished)
        } else if past(self.stuck) {
            Some(Due::Stuck)
        } else if self.heard + DEAD <= now {
            Some(Due::Dead)
        } else if self.heard + PING <= now && !self.pinged {
            self.pinged = true;
            Some(Due::Ping)
        } else if past(self.pause) {
            let first = self.given.is_zero();
            // The time that has made it a pause has been silent too.
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
    async fn a_pause_is_silence_in_real_time_and_has_an_end() {
        let mut clock = Clock::new();
        let begun = Instant::now();
        clock.wrote(begun + STALLED);
        let (mut given, mut kept) = (Duration::ZERO, 0);
        while begun.elapsed() < Duration::from_secs(15) {
            sleep_until(clock.next()).await;
            clock.heard();
            match clock.due() {
                Some(Due::Pause { silence, first }) => {
                    assert_eq!(first, given.is_zero());
                    given += silence;
                    assert!(given <= begun.elapsed() && given <= LONGEST_PAUSE);
                }
                // Nothing was written meanwhile, so the vendor is told that we are still there.
                Some(Due::Idle) => kept += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((given, kept), (LONGEST_PAUSE, 15));
    }

    #[tokio::test(start_paused = true)]
    async fn final_words_end_a_pause_and_audio_begins_the_next() {
        let mut clock = Clock::new();
        clock.wrote(Instant::now() + STALLED);
        // About all that was sent, or an answer to the silence.
        clock.heard_final(true);
        assert_eq!(clock.pause, None);
        clock.wrote(Instant::now() + STALLED);
        clock.heard_final(false);
        sleep_until(clock.next()).await;
        assert_eq!(clock.due(), Some(Due::Pause { silence: STALLED, first: true }));
        clock.heard_final(false);
        assert_eq!(clock.pause, None);
        clock.wrote(Instant::now() + STALLED);
        sleep_until(clock.next()).await;
        assert_eq!(clock.due(), Some(Due::Pause { silence: STALLED, first: true }));
    }
}
