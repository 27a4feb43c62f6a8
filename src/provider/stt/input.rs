//! The audio on its way to a vendor: as it came, as the vendor takes it, and what is kept in case it has to be sent again.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::backlog::Backlog;
use super::dialect::Intake;
use crate::audio::Converter;

/// Seconds of audio that are kept for another connection.
const KEPT: usize = 2;

/// The audio of one transcription, in its order: [`Input::audio`], `raw`, `pending`, [`Input::backlog`].
pub(super) struct Input {
    pub(super) audio: mpsc::Receiver<Bytes>,
    converter: Converter,
    /// What has been taken and is not converted yet.
    raw: Bytes,
    /// As much of it as is converted at once. Longer messages would hold up everybody else on this thread: a megabyte may be
    /// two minutes of speech.
    slice: usize,
    /// What there is no room for yet.
    pending: Bytes,
    /// The longest message to a vendor. A client's may be longer.
    longest: usize,
    pub(super) backlog: Backlog,
    /// No more will come.
    pub(super) ended: bool,
    pub(super) lost: usize,
}

/// A quarter of a second, and whole samples of any number of channels.
fn quarter(bytes_per_second: usize) -> usize {
    (bytes_per_second / 4 / 64 * 64).max(64)
}

impl Input {
    pub(super) fn new(audio: mpsc::Receiver<Bytes>, intake: Intake) -> Self {
        let Intake { converter, client_bytes_per_second, bytes_per_second } = intake;
        let (slice, longest) = (quarter(client_bytes_per_second), quarter(bytes_per_second));
        let backlog = Backlog::new(bytes_per_second.saturating_mul(KEPT));
        let (raw, pending) = (Bytes::new(), Bytes::new());
        Self { audio, converter, raw, slice, pending, longest, backlog, ended: false, lost: 0 }
    }

    pub(super) fn wants_more(&self) -> bool {
        !self.ended && self.is_moved() && self.backlog.has_room()
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended && self.is_moved() && !self.backlog.has_next()
    }

    /// Everything that was taken is in the backlog.
    fn is_moved(&self) -> bool {
        self.raw.is_empty() && self.pending.is_empty()
    }

    /// The next piece, or the end; only where everything before it is converted.
    pub(super) fn take(&mut self, piece: Option<Bytes>) {
        if let Some(piece) = piece {
            self.raw = piece;
        } else {
            (self.ended, self.pending) = (true, self.converter.finish());
        }
    }

    /// Converts a slice and moves on what there is room for; without a connection everything, at the cost of what is oldest.
    /// True where there is room for the next slice.
    pub(super) fn fill(&mut self, all: bool) -> bool {
        // The first slices of a stream may become nothing yet.
        while self.pending.is_empty() && !self.raw.is_empty() {
            self.pending = self.converter.push(self.raw.split_to(self.raw.len().min(self.slice)));
        }
        while !self.pending.is_empty() && (all || self.backlog.has_room()) {
            let piece = self.pending.split_to(self.pending.len().min(self.longest));
            self.lost += self.backlog.push(piece);
        }
        self.pending.is_empty() && !self.raw.is_empty() && (all || self.backlog.has_room())
    }

    /// Waits for something without a connection: audio is taken in meanwhile, and the oldest forgotten.
    pub(super) async fn during<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = std::pin::pin!(something);
        loop {
            let more = self.fill(true);
            tokio::select! {
                biased;
                done = &mut something => return done,
                () = yield_now(), if more => {}
                piece = self.audio.recv(), if !more && !self.ended => self.take(piece),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Encoding, Format};

    #[test]
    fn a_long_message_is_converted_slice_by_slice() {
        let (_sender, audio) = mpsc::channel(1);
        let telephone = Format::mono(Encoding::Alaw, 8_000);
        let mut input = Input::new(audio, Intake::converted(telephone, Encoding::Linear16, 16_000, false).unwrap());
        input.take(Some(Bytes::from(vec![0x55; 80_000])));
        let (mut bytes, mut more) = (0, true);
        while more {
            assert!(!input.wants_more() && !input.is_done());
            more = input.fill(false);
            let moved: usize = std::iter::from_fn(|| input.backlog.next()).map(|piece| piece.len()).sum();
            // A quarter of a second of the ten, and what the filter of the one before had kept.
            assert!(moved <= 8_200, "{moved} bytes at once");
            bytes += moved;
        }
        input.take(None);
        input.fill(false);
        bytes += std::iter::from_fn(|| input.backlog.next()).map(|piece| piece.len()).sum::<usize>();
        assert_eq!((bytes, input.lost, input.is_done()), (160_000 * 2, 0, true));
    }
}
