//! Reports participants who leave, with a delay: while a transport reconnects, all participants seem to leave for a moment.

use std::time::{Duration, Instant};

use crate::room::media::Participant;

/// The delay before a departure is reported. When a connection is lost, departures arrive just before the event of the loss.
const SETTLE: Duration = Duration::from_millis(250);

/// How long participants who were lost during a reconnect have to come back. They may have lost their connection too.
const RETURN: Duration = Duration::from_secs(10);

/// Departures that are not reported yet. Owned by the task of a connection.
#[derive(Debug, Default)]
pub(super) struct Presence {
    reconnecting: bool,
    /// Participants who seem to have left, and when that is reported. Without a time, not before the connection works again.
    absent: Vec<(Participant, Option<Instant>)>,
}

impl Presence {
    /// The transport is reconnecting.
    pub(super) fn reconnecting(&mut self) {
        self.reconnecting = true;
        self.absent.iter_mut().for_each(|(_, due)| *due = None);
    }

    /// The transport is connected again.
    pub(super) fn reconnected(&mut self, now: Instant) {
        self.reconnecting = false;
        for (_, due) in &mut self.absent {
            due.get_or_insert(now + RETURN);
        }
    }

    /// A participant is not in the room any more.
    pub(super) fn left(&mut self, participant: Participant, now: Instant) {
        self.absent.push((participant, (!self.reconnecting).then(|| now + SETTLE)));
    }

    /// A participant is in the room. Returns false if their departure was pending, so that neither is reported.
    pub(super) fn joined(&mut self, participant: &Participant) -> bool {
        let before = self.absent.len();
        self.absent.retain(|(absent, _)| absent.identity != participant.identity);
        self.absent.len() == before
    }

    /// Returns when the next departure is to be reported.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.absent.iter().filter_map(|(_, due)| *due).min()
    }

    /// Takes a participant whose departure is to be reported now.
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
    fn departure_is_reported_after_a_short_delay() {
        let (mut presence, now) = (Presence::default(), Instant::now());
        assert!(presence.joined(&ann()));
        presence.left(ann(), now);
        assert_eq!((presence.gone(now), presence.deadline()), (None, Some(now + SETTLE)));
        assert_eq!(presence.gone(now + SETTLE), Some(ann()));
        assert!(presence.joined(&ann()) && presence.deadline().is_none());
    }

    #[test]
    fn participants_lost_in_a_reconnect_have_ten_seconds_to_return() {
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
