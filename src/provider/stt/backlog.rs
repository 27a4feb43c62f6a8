//! Audio that may have to be sent again.

use std::collections::VecDeque;

use bytes::Bytes;

/// The last seconds of audio: what was sent and has not come back as final words, then what is still to be sent. When a
/// connection is lost, both go out on the next one, so that a word that it was lost in is heard after all.
#[derive(Debug)]
pub(super) struct Backlog {
    pieces: VecDeque<Bytes>,
    /// So many of them, from the front, have been sent.
    sent: usize,
    bytes: usize,
    unsent_bytes: usize,
    limit: usize,
}

impl Backlog {
    /// One that holds at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { pieces: VecDeque::new(), sent: 0, bytes: 0, unsent_bytes: 0, limit }
    }

    /// Adds a piece, forgets the oldest beyond the limit, and returns how many bytes of them nobody will ever hear.
    pub(super) fn push(&mut self, piece: Bytes) -> usize {
        self.bytes += piece.len();
        self.unsent_bytes += piece.len();
        self.pieces.push_back(piece);
        let mut lost = 0;
        while self.bytes > self.limit
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.bytes -= oldest.len();
            if self.sent > 0 {
                self.sent -= 1;
            } else {
                self.unsent_bytes -= oldest.len();
                lost += oldest.len();
            }
        }
        lost
    }

    /// The next piece to be sent, which from now on counts as sent.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let piece = self.pieces.get(self.sent).cloned()?;
        self.sent += 1;
        self.unsent_bytes -= piece.len();
        Some(piece)
    }

    /// Something is still to be sent.
    pub(super) fn has_next(&self) -> bool {
        self.sent < self.pieces.len()
    }

    /// Half of it is free for what is to be sent; beyond that a connection is too slow, and whoever has more must wait.
    pub(super) fn has_room(&self) -> bool {
        self.unsent_bytes < self.limit / 2
    }

    /// Final words have come: what was sent so far needs not be sent again.
    pub(super) fn settle(&mut self) {
        let settled: usize = self.pieces.drain(..self.sent).map(|piece| piece.len()).sum();
        self.bytes -= settled;
        self.sent = 0;
    }

    /// A new connection: everything is to be sent.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
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
        Settle,
        Rewind,
    }

    fn actions() -> impl Strategy<Value = Vec<Action>> {
        let action = prop_oneof![
            3 => (0_usize..40).prop_map(Action::Push),
            3 => Just(Action::Next),
            1 => Just(Action::Settle),
            1 => Just(Action::Rewind),
        ];
        prop::collection::vec(action, 0..60)
    }

    proptest! {
        /// Against a model of three plain lists.
        #[test]
        fn it_keeps_what_was_not_answered_in_order(actions in actions()) {
            let mut backlog = Backlog::new(100);
            let (mut sent, mut unsent): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (vec![], vec![]);
            for (number, action) in actions.into_iter().enumerate() {
                match action {
                    Action::Push(length) => {
                        let piece = vec![u8::try_from(number).unwrap(); length];
                        unsent.push(piece.clone());
                        let mut lost = 0;
                        while sent.concat().len() + unsent.concat().len() > 100 {
                            if sent.is_empty() { lost += unsent.remove(0).len() } else { sent.remove(0); }
                        }
                        prop_assert_eq!(backlog.push(Bytes::from(piece)), lost);
                    }
                    Action::Next => {
                        let next = if unsent.is_empty() { None } else { Some(unsent.remove(0)) };
                        prop_assert_eq!(backlog.next().map(|piece| piece.to_vec()), next.clone());
                        sent.extend(next);
                    }
                    Action::Settle => {
                        backlog.settle();
                        sent.clear();
                    }
                    Action::Rewind => {
                        backlog.rewind();
                        sent.append(&mut unsent);
                        unsent.append(&mut sent);
                    }
                }
                prop_assert_eq!(backlog.has_next(), !unsent.is_empty());
                prop_assert_eq!(backlog.has_room(), unsent.concat().len() < 50);
                prop_assert_eq!(backlog.bytes, sent.concat().len() + unsent.concat().len());
            }
        }
    }

    #[test]
    fn a_piece_beyond_the_limit_is_lost_alone() {
        let mut backlog = Backlog::new(10);
        assert_eq!(backlog.push(Bytes::from_static(b"0123456789a")), 11);
        assert_eq!(backlog.push(Bytes::from_static(b"0123456789")), 0);
        assert_eq!(backlog.next().as_deref(), Some(b"0123456789".as_slice()));
    }
}
