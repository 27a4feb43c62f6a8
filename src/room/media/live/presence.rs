//! Who is in the room, as a session is told: a library that has to make its connection anew loses everybody for a moment.

use std::time::{Duration, Instant};

use crate::room::media::Participant;

/// How long the news that somebody has left is kept back: in a lost connection it comes just before the news of the loss.
const SETTLE: Duration = Duration::from_millis(250);

/// How long those who were lost with a connection have to come back. They have lost it too.
const RETURN: Duration = Duration::from_secs(10);

/// News that are kept back.
#[derive(Debug, Default)]
pub(super) struct Presence {
    reconnecting: bool,
    /// Who seems to have left, and when that is told; not before there is a connection where no time is given.
    absent: Vec<(Participant, Option<Instant>)>,
}

impl Presence {
    /// The library makes its connection anew.
    pub(super) fn reconnecting(&mut self) {
        self.reconnecting = true;
        self.absent.iter_mut().for_each(|(_, due)| *due = None);
    }

    /// It has one again.
    pub(super) fn reconnected(&mut self, now: Instant) {
        self.reconnecting = false;
        for (_, due) in &mut self.absent {
            due.get_or_insert(now + RETURN);
        }
    }

    /// Somebody is not there any more.
    pub(super) fn left(&mut self, participant: Participant, now: Instant) {
        self.absent.push((participant, (!self.reconnecting).then(|| now + SETTLE)));
    }

    /// Somebody is there; false where it was never told that they were not.
    pub(super) fn joined(&mut self, participant: &Participant) -> bool {
        let before = self.absent.len();
        self.absent.retain(|(absent, _)| absent.identity != participant.identity);
        self.absent.len() == before
    }

    /// When somebody has to be told of at the earliest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.absent.iter().filter_map(|(_, due)| *due).min()
    }

    /// Somebody who has left.
    pub(super) fn gone(&mut self, now: Instant) -> Option<Participant> {
        let at = self.absent.iter().position(|(_, due)| due.is_some_and(|due| due <= now))?;
        Some(self.absent.remove(at).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Participant {
        Participant { identity: "ann".to_owned(), name: String::new() }
    }

    #[test]
    fn who_leaves_is_gone_soon() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        assert!(presence.joined(&ann()));
        presence.left(ann(), now);
        assert_eq!((presence.gone(now), presence.deadline()), (None, Some(now + SETTLE)));
        assert_eq!(presence.gone(now + SETTLE), Some(ann()));
        assert!(presence.joined(&ann()) && presence.deadline().is_none());
    }

    #[test]
    fn who_is_lost_with_the_connection_may_come_back() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        let bob = Participant { identity: "bob".to_owned(), name: String::new() };
        presence.left(ann(), now);
        presence.reconnecting();
        presence.left(bob.clone(), now);
        assert_eq!((presence.gone(now + RETURN), presence.deadline()), (None, None));
        assert!(!presence.joined(&ann()));
        presence.reconnected(now);
        assert_eq!(presence.gone(now + RETURN), Some(bob));
        assert_eq!(presence.deadline(), None);
    }
}
