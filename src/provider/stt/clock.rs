//! When things have happened on a connection, and when something is to be done next.

use std::time::Duration;

use tokio::time::Instant;

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
/// Silence is given in pieces of this length, in real time.
const STEP: Duration = Duration::from_millis(100);
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

    /// Audio of the client was written.
    pub(super) fn wrote(&mut self) {
        let now = Instant::now();
        (self.wrote, self.pause, self.given) = (now, Some(now + STALLED), Duration::ZERO);
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
            self.wrote = now;
            Some(Due::Pause { silence, first })
        } else if self.wrote + IDLE <= now {
            self.wrote = now;
            Some(Due::Idle)
        } else {
            None
        }
    }
}
