//! The replay buffer: audio that may have to be sent again after a reconnect.

use std::collections::VecDeque;

use bytes::Bytes;

/// The last seconds of audio: first the sent pieces that no final result covers yet, then the pieces that are still to be sent.
/// After a reconnect both are sent, so that a word during which the connection was lost is recognised. The transcription's task
/// owns it, for all of its connections. All sizes are in bytes.
#[derive(Debug)]
pub(super) struct Backlog {
    pieces: VecDeque<Bytes>,
    /// For each sent piece from the front: where it ends in the audio of this connection.
    sent: VecDeque<usize>,
    /// Bytes of audio that were sent on this connection.
    written: usize,
    bytes: usize,
    unsent_bytes: usize,
    limit: usize,
    /// No piece of the stream was dropped yet.
    complete: bool,
}

impl Backlog {
    /// Creates a buffer of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        let (pieces, sent) = (VecDeque::new(), VecDeque::new());
        Self { pieces, sent, written: 0, bytes: 0, unsent_bytes: 0, limit, complete: true }
    }

    /// Adds a piece and drops the oldest beyond the limit. Returns how many of the dropped bytes were never sent.
    pub(super) fn push(&mut self, piece: Bytes) -> usize {
        self.bytes += piece.len();
        self.unsent_bytes += piece.len();
        self.pieces.push_back(piece);
        let mut lost = 0;
        while self.bytes > self.limit
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.complete = false;
            self.bytes -= oldest.len();
            if self.sent.pop_front().is_none() {
                self.unsent_bytes -= oldest.len();
                lost += oldest.len();
            }
        }
        lost
    }

    /// Returns the next piece to be sent, and counts it as sent.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let piece = self.pieces.get(self.sent.len()).cloned()?;
        self.written += piece.len();
        self.sent.push_back(self.written);
        self.unsent_bytes -= piece.len();
        Some(piece)
    }

    /// Counts silence that was sent between the pieces.
    pub(super) fn passed(&mut self, silence: usize) {
        self.written += silence;
    }

    /// Returns whether a piece is still to be sent.
    pub(super) fn has_next(&self) -> bool {
        self.sent.len() < self.pieces.len()
    }

    /// Returns whether a sent piece is not covered by a final result.
    pub(super) fn has_unanswered(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Returns whether a new connection can get the stream from its beginning.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Returns whether more pieces may be added. At most half of the buffer is for unsent audio: beyond that the connection is
    /// too slow, and the sender has to wait.
    pub(super) fn has_room(&self) -> bool {
        self.unsent_bytes < self.limit / 2
    }

    /// Returns the bytes of audio that were sent on this connection.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Drops the sent pieces that a final result covers: those that end by `until` in the audio of this connection. Returns true
    /// if there was one.
    pub(super) fn settle(&mut self, until: usize) -> bool {
        let before = self.sent.len();
        while self.sent.front().is_some_and(|end| *end <= until) {
            self.sent.pop_front();
            self.bytes -= self.pieces.pop_front().map_or(0, |piece| piece.len());
        }
        let settled = self.sent.len() < before;
        self.complete &= !settled;
        settled
    }

    /// Begins a new connection, on which everything is to be sent.
    pub(super) fn rewind(&mut self) {
        self.sent.clear();
        self.written = 0;
        self.unsent_bytes = self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Action {
        Push(usize),
        Next,
        Settle(usize),
        Silence(usize),
        Rewind,
    }

    fn actions() -> impl Strategy<Value = Vec<Action>> {
        let action = prop_oneof![
            3 => (0_usize..40).prop_map(Action::Push),
            3 => Just(Action::Next),
            1 => (0_usize..120).prop_map(Action::Settle),
            1 => (0_usize..40).prop_map(Action::Silence),
            1 => Just(Action::Rewind),
        ];
        prop::collection::vec(action, 0..60)
    }

    proptest! {
        /// Compares the buffer with a model of two lists: sent pieces with their ends, and unsent pieces.
        #[test]
        fn backlog_keeps_unanswered_audio_in_order(actions in actions()) {
            let mut backlog = Backlog::new(100);
            let (mut sent, mut unsent): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (vec![], vec![]);
            let (mut ends, mut written): (Vec<usize>, usize) = (vec![], 0);
            for (number, action) in actions.into_iter().enumerate() {
                match action {
                    Action::Push(length) => {
                        let piece = vec![u8::try_from(number).unwrap(); length];
                        unsent.push(piece.clone());
                        let mut lost = 0;
                        while sent.concat().len() + unsent.concat().len() > 100 {
                            if sent.is_empty() { lost += unsent.remove(0).len() } else { sent.remove(0); ends.remove(0); }
                        }
                        prop_assert_eq!(backlog.push(Bytes::from(piece)), lost);
                    }
                    Action::Next => {
                        let next = if unsent.is_empty() { None } else { Some(unsent.remove(0)) };
                        prop_assert_eq!(backlog.next().map(|piece| piece.to_vec()), next.clone());
                        if let Some(next) = next {
                            written += next.len();
                            ends.push(written);
                            sent.push(next);
                        }
                    }
                    Action::Settle(until) => {
                        let covered = ends.iter().filter(|end| **end <= until).count();
                        prop_assert_eq!(backlog.settle(until), covered > 0);
                        drop(sent.drain(..covered));
                        drop(ends.drain(..covered));
                    }
                    Action::Silence(bytes) => {
                        backlog.passed(bytes);
                        written += bytes;
                    }
                    Action::Rewind => {
                        backlog.rewind();
                        sent.append(&mut unsent);
                        unsent.append(&mut sent);
                        ends.clear();
                        written = 0;
                    }
                }
                prop_assert_eq!(backlog.has_next(), !unsent.is_empty());
                prop_assert_eq!((backlog.has_unanswered(), backlog.written()), (!sent.is_empty(), written));
                prop_assert_eq!(backlog.has_room(), unsent.concat().len() < 50);
                prop_assert_eq!(backlog.bytes, sent.concat().len() + unsent.concat().len());
            }
        }
    }

    #[test]
    fn backlog_drops_a_piece_beyond_its_limit() {
        let mut backlog = Backlog::new(10);
        assert_eq!(backlog.push(Bytes::from_static(b"0123456789a")), 11);
        assert_eq!(backlog.push(Bytes::from_static(b"0123456789")), 0);
        assert_eq!(backlog.next().as_deref(), Some(b"0123456789".as_slice()));
    }
}
