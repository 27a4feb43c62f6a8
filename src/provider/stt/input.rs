//! The audio on its way to a vendor: conversion, and the replay buffer for a reconnect.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::backlog::Backlog;
use super::dialect::{AudioConversion, Covers};
use super::pause::Sounding;
use crate::audio::Converter;

/// Seconds of audio that are kept for a reconnect.
const KEPT: usize = 2;

/// The audio of one transcription. Audio passes through [`AudioInput::audio`], `raw`, `pending` and [`AudioInput::backlog`], in
/// this order. The transcription's task owns it, for all of its connections.
pub(super) struct AudioInput {
    pub(super) audio: mpsc::Receiver<Bytes>,
    converter: Converter,
    /// Audio that was received and is not converted yet.
    raw: Bytes,
    /// Bytes that are converted at a time. Converting a long message at once would delay all other tasks on this thread: a
    /// megabyte may be two minutes of speech.
    slice: usize,
    /// Converted audio that the backlog has no room for yet. It is whole samples of all channels, because a new connection may
    /// begin with it.
    pending: Bytes,
    /// The longest message to a vendor, in bytes. A client's may be longer.
    longest: usize,
    bytes_per_second: usize,
    compressed: bool,
    /// The first bytes of a compressed stream. If they are the header of a container, the rest cannot be decoded without them.
    begin: Vec<u8>,
    pub(super) backlog: Backlog,
    /// When the client counts as silent.
    pub(super) sounding: Sounding,
    /// The client's audio has ended.
    pub(super) ended: bool,
}

/// Returns the bytes of a quarter of a second, in whole samples of all channels.
fn quarter(bytes_per_second: usize, sample: usize) -> usize {
    (bytes_per_second / 4).max(64).next_multiple_of(sample.max(1))
}

/// Containers, by their first bytes.
const HEADS: &[(&[u8], &str)] = &[
    (b"RIFF", "WAV"),
    (b"OggS", "Ogg"),
    (b"\x1a\x45\xdf\xa3", "WebM"),
    (b"fLaC", "FLAC"),
    (b"#!AMR", "AMR"),
    (b"FORM", "AIFF"),
    (b".snd", "AU"),
    (b"caff", "CAF"),
];

/// Bytes that distinguish all of them.
const BEGIN: usize = 8;

/// Returns the kind of container that begins with these bytes. MP4 has a length before its name.
fn container(begin: &[u8]) -> Option<&'static str> {
    let known = HEADS.iter().find(|(head, _)| begin.starts_with(head)).map(|(_, name)| *name);
    known.or_else(|| begin.get(4..).is_some_and(|rest| rest.starts_with(b"ftyp")).then_some("MP4"))
}

impl AudioInput {
    pub(super) fn new(audio: mpsc::Receiver<Bytes>, conversion: AudioConversion) -> Self {
        let AudioConversion { converter, client_bytes_per_second, bytes_per_second, sample } = conversion;
        let (compressed, sample) = (sample.is_none(), sample.unwrap_or(1));
        Self {
            audio,
            converter,
            raw: Bytes::new(),
            slice: quarter(client_bytes_per_second, 1),
            pending: Bytes::new(),
            longest: quarter(bytes_per_second, sample),
            bytes_per_second,
            compressed,
            begin: Vec::new(),
            backlog: Backlog::new(bytes_per_second.saturating_mul(KEPT)),
            sounding: Sounding::new((!compressed).then_some(client_bytes_per_second)),
            ended: false,
        }
    }

    pub(super) fn wants_more(&self) -> bool {
        !self.ended && self.is_moved() && self.backlog.has_room()
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended && self.is_sent()
    }

    /// Returns whether no audio waits to be sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_moved() && !self.backlog.has_next()
    }

    /// Returns whether all received audio is in the backlog.
    fn is_moved(&self) -> bool {
        self.raw.is_empty() && self.pending.is_empty()
    }

    /// Returns the kind of container that a new connection could not decode, because its header is gone.
    pub(super) fn beheaded(&self) -> Option<&'static str> {
        container(&self.begin).filter(|_| !self.backlog.is_complete())
    }

    /// Drops the audio that a final result covers. Returns true if there was any.
    pub(super) fn settle(&mut self, covers: Covers) -> bool {
        let all = self.backlog.written();
        let until = match covers {
            _ if self.compressed => all,
            Covers::Until(time) => {
                let bytes = time.as_micros() * self.bytes_per_second as u128 / 1_000_000;
                // Times are rounded, so a millisecond is added.
                usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(self.bytes_per_second / 1_000)
            }
            // Such vendors send a final result after half a second of silence, so it does not cover the last half second, in
            // which the next word may have begun. If less than that was sent, it covers all.
            Covers::Unsaid => {
                let before = all.saturating_sub(self.bytes_per_second / 2);
                return self.backlog.settle(before) || self.backlog.settle(all);
            }
        };
        self.backlog.settle(until)
    }

    /// Takes the next piece, or the end. Everything before it must be converted.
    pub(super) fn take(&mut self, piece: Option<Bytes>) {
        if let Some(piece) = piece {
            self.sounding.come(piece.len());
            if self.compressed && self.begin.len() < BEGIN {
                self.begin.extend(piece.iter().take(BEGIN - self.begin.len()));
            }
            self.raw = piece;
        } else {
            (self.ended, self.pending) = (true, self.converter.finish());
        }
    }

    /// Converts a slice, and fills the backlog as far as it has room. Returns true if there is more to convert and room for it.
    pub(super) fn fill(&mut self) -> bool {
        // The first slices of a stream may not produce any output yet.
        while self.pending.is_empty() && !self.raw.is_empty() {
            self.pending = self.converter.push(self.raw.split_to(self.raw.len().min(self.slice)));
        }
        while !self.pending.is_empty() && self.backlog.has_room() {
            let piece = self.pending.split_to(self.pending.len().min(self.longest));
            self.backlog.push(piece);
        }
        self.pending.is_empty() && !self.raw.is_empty() && self.backlog.has_room()
    }

    /// Awaits a future while there is no connection, and receives audio as far as there is room. Further audio waits in the
    /// sender's queue, which decides what is dropped.
    pub(super) async fn during<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = std::pin::pin!(something);
        loop {
            let more = self.fill();
            tokio::select! {
                biased;
                done = &mut something => return done,
                () = yield_now(), if more => {}
                piece = self.audio.recv(), if self.wants_more() => self.take(piece),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Encoding, Format};

    #[test]
    fn long_audio_message_is_converted_slice_by_slice() {
        let (_sender, audio) = mpsc::channel(1);
        let telephone = Format::mono(Encoding::Alaw, 8_000);
        let mut input =
            AudioInput::new(audio, AudioConversion::converted(telephone, Encoding::Linear16, 16_000, false).unwrap());
        input.take(Some(Bytes::from(vec![0x55; 80_000])));
        let (mut bytes, mut more) = (0, true);
        while more {
            assert!(!input.wants_more() && !input.is_done());
            more = input.fill();
            let moved: usize = std::iter::from_fn(|| input.backlog.next()).map(|piece| piece.len()).sum();
            // A quarter of a second of the ten, and what the filter of the one before had kept.
            assert!(moved <= 8_200, "{moved} bytes at once");
            bytes += moved;
        }
        input.take(None);
        input.fill();
        bytes += std::iter::from_fn(|| input.backlog.next()).map(|piece| piece.len()).sum::<usize>();
        assert_eq!((bytes, input.is_done()), (160_000 * 2, true));
    }
}
