//! Splits a stream into frames of 10 ms.

use bytes::{Bytes, BytesMut};

use super::Format;

/// Frames per second.
const FRAMES: u64 = 100;

/// Splits pieces of any size into frames of 10 ms, without gaps and without drift. If 10 ms is not a whole number of samples
/// (22.05 kHz), frames differ by one sample, so that the error never adds up.
///
/// Frames are slices of the pieces; only a frame that spans two pieces is copied. Compressed formats pass unchanged. Each text
/// that is spoken has its own framer.
#[derive(Debug)]
pub struct Framer {
    /// Bytes of one sample of all channels, and samples per second. `None` for a compressed format.
    size: Option<(usize, u64)>,
    /// The number of frames that were returned.
    index: u64,
    /// The beginning of a frame whose rest has not arrived.
    carry: BytesMut,
    /// Audio that was received and is not split yet.
    piece: Bytes,
}

impl Framer {
    /// Creates a framer for this format.
    pub fn new(format: &Format) -> Self {
        let size = format.frame_bytes().map(|bytes| (bytes, u64::from(format.sample_rate)));
        Self { size, index: 0, carry: BytesMut::new(), piece: Bytes::new() }
    }

    /// Takes the next piece and returns the complete frames. Frames that are not taken stay for the next call.
    pub fn push(&mut self, piece: Bytes) -> impl Iterator<Item = Bytes> + '_ {
        let rest = std::mem::replace(&mut self.piece, piece);
        if !rest.is_empty() {
            // The last iterator was not exhausted. That is rare, so it may cost a copy.
            let mut both = BytesMut::from(rest);
            both.extend_from_slice(&self.piece);
            self.piece = both.freeze();
        }
        std::iter::from_fn(|| self.next())
    }

    /// Returns the last, shorter frame, if anything is left. An incomplete sample at the end is dropped.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.carry.extend_from_slice(&std::mem::take(&mut self.piece));
        let mut last = std::mem::take(&mut self.carry);
        let (sample, _) = self.size?;
        last.truncate(last.len() - last.len() % sample);
        (!last.is_empty()).then(|| last.freeze())
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.piece.is_empty() {
            return None;
        }
        let Some((sample, rate)) = self.size else { return Some(std::mem::take(&mut self.piece)) };
        let at = |frame: u64| frame * rate / FRAMES;
        // At most a tenth of a second of samples, whatever the rate: no cast can lose anything.
        let samples = usize::try_from(at(self.index + 1) - at(self.index)).ok()?;
        let missing = (samples * sample).saturating_sub(self.carry.len());
        if self.piece.len() < missing {
            self.carry.extend_from_slice(&std::mem::take(&mut self.piece));
            return None;
        }
        self.index += 1;
        let head = self.piece.split_to(missing);
        if self.carry.is_empty() {
            return Some(head);
        }
        self.carry.extend_from_slice(&head);
        Some(self.carry.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Encoding;
    use proptest::prelude::*;

    fn frames(format: Format, pieces: &[Vec<u8>]) -> Vec<Bytes> {
        let mut cutter = Framer::new(&format);
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(cutter.push(Bytes::copy_from_slice(piece)));
        }
        all.extend(cutter.finish());
        all
    }

    #[test]
    fn frames_have_ten_milliseconds() {
        for (encoding, rate, size) in [
            (Encoding::Linear16, 8_000, 160),
            (Encoding::Linear16, 16_000, 320),
            (Encoding::Linear16, 24_000, 480),
            (Encoding::Linear16, 44_100, 882),
            (Encoding::Mulaw, 8_000, 80),
            (Encoding::Alaw, 8_000, 80),
        ] {
            let frames = frames(Format::mono(encoding, rate), &[vec![0; size * 3 + 10]]);
            assert_eq!(frames.iter().map(Bytes::len).collect::<Vec<_>>(), [size, size, size, 10]);
        }
    }

    #[test]
    fn frames_of_odd_rates_do_not_drift() {
        let frames = frames(Format::mono(Encoding::Linear16, 22_050), &[vec![0; 22_050 * 2]]);
        assert_eq!(frames.len(), 100);
        assert!(frames.iter().all(|frame| [440, 442].contains(&frame.len())));
    }

    #[test]
    fn frames_are_slices_of_the_pieces() {
        let piece = Bytes::from(vec![7; 960]);
        let mut cutter = Framer::new(&Format::mono(Encoding::Linear16, 24_000));
        let begins: Vec<_> = cutter.push(piece.clone()).map(|frame| frame.as_ptr()).collect();
        assert_eq!(begins, [piece.as_ptr(), piece.slice(480..).as_ptr()]);
    }

    #[test]
    fn framer_passes_compressed_audio() {
        let frames = frames(Format::mono(Encoding::Mp3, 44_100), &[vec![1; 5], vec![], vec![2; 7]]);
        assert_eq!(frames.iter().map(Bytes::len).collect::<Vec<_>>(), [5, 7]);
    }

    proptest! {
        #[test]
        fn joined_frames_are_the_input(
            rate in prop::sample::select(vec![8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]),
            law in any::<bool>(),
            channels in 1_u16..3,
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..12),
            taken in 0_usize..4,
        ) {
            let encoding = if law { Encoding::Mulaw } else { Encoding::Linear16 };
            let format = Format { encoding, sample_rate: rate, channels };
            let mut framer = Framer::new(&format);
            let mut out: Vec<Bytes> = Vec::new();
            for piece in &pieces {
                // Some callers stop early; nothing is lost by it.
                out.extend(framer.push(Bytes::copy_from_slice(piece)).take(if taken == 0 { usize::MAX } else { taken }));
            }
            out.extend(framer.push(Bytes::new()));
            let whole = out.len();
            out.extend(framer.finish());
            let all = pieces.concat();
            let sample = format.frame_bytes().unwrap();
            prop_assert_eq!(out.concat(), &all[..all.len() - all.len() % sample]);
            for (index, frame) in out.iter().take(whole).enumerate() {
                let at = |frame: usize| frame * rate as usize / 100;
                prop_assert_eq!(frame.len(), (at(index + 1) - at(index)) * sample);
            }
        }
    }
}
