//! From one format to another: encoding, channels, rate.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use bytes::{BufMut as _, Bytes, BytesMut};

use super::chain::Chain;
use super::{Encoding, Error, Format};

/// Turns a stream of one format into another of one channel; equal formats pass untouched. What it gives is whole samples, also
/// where the pieces it takes end in the middle of one.
#[derive(Debug)]
pub struct Converter {
    frames: Frames,
    steps: Option<Steps>,
}

/// Cuts a stream where frames end: a frame is one sample of all channels.
#[derive(Debug)]
struct Frames {
    /// Bytes of one.
    frame: usize,
    /// The beginning of one whose rest has not come.
    carry: Bytes,
}

#[derive(Debug)]
struct Steps {
    from: Format,
    to: Encoding,
    chain: Chain,
    samples: Vec<i16>,
}

impl Converter {
    /// From a format to an encoding and rate with one channel.
    pub fn new(from: Format, to: Encoding, rate: u32) -> Result<Self, Error> {
        let (from, target) = (from.checked()?, Format::mono(to, rate).checked()?);
        if from == target {
            return Ok(Self::untouched(from.frame_bytes().unwrap_or(1)));
        }
        Self::stepping(from, to, Chain::resampling(from.sample_rate, rate)?)
    }

    /// The same, and takes the noise out of it. [`Error::NoFilter`] where that is not built in.
    pub fn filtering(from: Format, to: Encoding, rate: u32) -> Result<Self, Error> {
        let (from, _) = (from.checked()?, Format::mono(to, rate).checked()?);
        Self::stepping(from, to, Chain::filtering(from.sample_rate, rate)?)
    }

    /// Converts nothing, and gives whole frames of so many bytes; of one byte, where the stream is compressed.
    pub fn untouched(frame: usize) -> Self {
        Self { frames: Frames::new(frame), steps: None }
    }

    fn stepping(from: Format, to: Encoding, chain: Chain) -> Result<Self, Error> {
        for encoding in [from.encoding, to] {
            encoding.sample_bytes().ok_or(Error::Compressed(encoding.name()))?;
        }
        let frames = Frames::new(from.frame_bytes().unwrap_or(1));
        Ok(Self { frames, steps: Some(Steps { from, to, chain, samples: Vec::new() }) })
    }

    /// Takes a piece, gives what it becomes.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let whole = self.frames.push(piece);
        match &mut self.steps {
            None => whole,
            Some(steps) => steps.push(&whole),
        }
    }

    /// What is left when the stream has ended. Half a sample at its end is no sound.
    pub fn finish(&mut self) -> Bytes {
        self.frames.carry.clear();
        let Some(steps) = &mut self.steps else { return Bytes::new() };
        steps.chain.finish(&mut steps.samples);
        steps.encoded()
    }
}

impl Frames {
    fn new(frame: usize) -> Self {
        Self { frame: frame.max(1), carry: Bytes::new() }
    }

    /// The whole frames of a piece and of what was left of the piece before.
    fn push(&mut self, piece: Bytes) -> Bytes {
        let mut all = if self.carry.is_empty() { piece } else { Bytes::from([self.carry.as_ref(), &piece].concat()) };
        self.carry = all.split_off(all.len() - all.len() % self.frame);
        all
    }
}

impl Steps {
    fn push(&mut self, whole: &[u8]) -> Bytes {
        self.decode(whole);
        self.chain.push(&mut self.samples);
        self.encoded()
    }

    /// Whole frames: decoded and mixed down into `samples`.
    fn decode(&mut self, bytes: &[u8]) {
        let frames = bytes.chunks_exact(self.from.frame_bytes().unwrap_or(1));
        let (encoding, channels) = (self.from.encoding, i32::from(self.from.channels));
        let mix = |frame: &[u8]| {
            let sum: i32 = match encoding {
                Encoding::Mulaw => frame.iter().map(|byte| i32::from(decode_ulaw(*byte))).sum(),
                Encoding::Alaw => frame.iter().map(|byte| i32::from(decode_alaw(*byte))).sum(),
                _ => frame.as_chunks().0.iter().map(|sample| i32::from(i16::from_le_bytes(*sample))).sum(),
            };
            // The mean of 16-bit numbers is one.
            i16::try_from(sum / channels).unwrap_or_default()
        };
        self.samples.extend(frames.map(mix));
    }

    fn encoded(&mut self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.samples.len() * self.to.sample_bytes().unwrap_or(1));
        for sample in self.samples.drain(..) {
            match self.to {
                Encoding::Mulaw => out.put_u8(encode_ulaw(sample)),
                Encoding::Alaw => out.put_u8(encode_alaw(sample)),
                _ => out.put_i16_le(sample),
            }
        }
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn converted(from: Format, to: Encoding, rate: u32, pieces: &[&[u8]]) -> Vec<u8> {
        let mut converter = Converter::new(from, to, rate).unwrap();
        let mut out: Vec<u8> = pieces.iter().flat_map(|piece| converter.push(Bytes::copy_from_slice(piece))).collect();
        out.extend(converter.finish());
        out
    }

    #[test]
    fn equal_formats_pass_untouched() {
        let piece = Bytes::from_static(b"a compressed stream has no samples");
        let mut converter = Converter::new(Format::mono(Encoding::Mp3, 44_100), Encoding::Mp3, 44_100).unwrap();
        assert_eq!(converter.push(piece.clone()).as_ptr(), piece.as_ptr());
        assert!(converter.finish().is_empty());
    }

    #[test]
    fn pieces_that_end_within_a_sample_become_whole_samples() {
        let stream: Vec<u8> = (0..=255).cycle().take(641 * 6).collect();
        for (to, rate) in [(Encoding::Linear16, 16_000), (Encoding::Linear16, 8_000), (Encoding::Mulaw, 16_000)] {
            for length in [1, 3, 641] {
                let mut converter = Converter::new(Format::mono(Encoding::Linear16, 16_000), to, rate).unwrap();
                let mut given = Vec::new();
                for piece in stream.chunks(length) {
                    let whole = converter.push(Bytes::copy_from_slice(piece));
                    assert_eq!(whole.len() % to.sample_bytes().unwrap(), 0, "{to:?} at {rate} in pieces of {length}");
                    given.extend(whole);
                }
                given.extend(converter.finish());
                assert_eq!(given, converted(Format::mono(Encoding::Linear16, 16_000), to, rate, &[&stream]));
            }
        }
    }

    #[test]
    fn half_a_sample_at_the_end_of_a_stream_does_not_begin_the_next() {
        let mut converter = Converter::untouched(4);
        assert_eq!(converter.push(Bytes::from_static(&[1, 2, 3, 4, 5])).as_ref(), [1, 2, 3, 4]);
        assert!(converter.finish().is_empty());
        assert_eq!(converter.push(Bytes::from_static(&[6, 7, 8, 9])).as_ref(), [6, 7, 8, 9]);
    }

    #[test]
    fn law_and_linear_meet_at_the_values_of_g711() {
        // G.711, tables 1a to 2b: silence, the loudest positive and the loudest negative value, decoded.
        let linear = |samples: &[i16]| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>();
        for (law, bytes, samples) in [
            (Encoding::Mulaw, [0xff, 0x80, 0x00], [0, 32_124, -32_124]),
            (Encoding::Alaw, [0xd5, 0xaa, 0x2a], [8, 32_256, -32_256]),
        ] {
            let decoded = converted(Format::mono(law, 8_000), Encoding::Linear16, 8_000, &[&bytes]);
            assert_eq!(decoded, linear(&samples), "{law:?}");
            let encoded = converted(Format::mono(Encoding::Linear16, 8_000), law, 8_000, &[&linear(&samples)]);
            assert_eq!(encoded, bytes, "{law:?}");
        }
    }

    #[test]
    fn channels_are_mixed() {
        let stereo: Vec<u8> = [100_i16, 300, -5, 5, i16::MAX, i16::MAX].iter().flat_map(|s| s.to_le_bytes()).collect();
        let format = Format { encoding: Encoding::Linear16, sample_rate: 16_000, channels: 2 };
        let mono: Vec<u8> = [200_i16, 0, i16::MAX].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(converted(format, Encoding::Linear16, 16_000, &[&stereo]), mono);
    }

    #[test]
    fn what_is_compressed_is_refused_by_name() {
        let error = Converter::new(Format::mono(Encoding::Mp3, 16_000), Encoding::Linear16, 16_000).unwrap_err();
        assert_eq!(error.to_string(), "mp3 audio cannot be converted: linear16, mulaw and alaw can");
    }

    #[test]
    #[cfg(not(feature = "noise-filter"))]
    fn noise_stays_where_it_cannot_be_taken_out() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(Converter::filtering(format, Encoding::Linear16, 16_000).unwrap_err(), Error::NoFilter);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn cutting_changes_nothing(
            from in prop::sample::select(vec![Encoding::Linear16, Encoding::Mulaw, Encoding::Alaw]),
            to in prop::sample::select(vec![Encoding::Linear16, Encoding::Mulaw, Encoding::Alaw]),
            channels in 1_u16..4,
            rate in prop::sample::select(vec![8_000, 16_000]),
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            cuts in prop::collection::vec(0_usize..2_000, 0..8),
        ) {
            let format = Format { encoding: from, sample_rate: 8_000, channels };
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let got = converted(format, to, rate, &pieces);
            prop_assert_eq!(&got, &converted(format, to, rate, &[&bytes]));
            let frames = bytes.len() / format.frame_bytes().unwrap() * rate as usize / 8_000;
            prop_assert_eq!(got.len(), frames * to.sample_bytes().unwrap());
        }
    }
}
