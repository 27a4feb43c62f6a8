//! Conversion between formats: encoding, channels, rate.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use bytes::{BufMut as _, Bytes, BytesMut};

use super::chain::Chain;
use super::{Encoding, Error, Format};

/// Converts a stream into another format with one channel. Equal formats pass unchanged. Its output is whole samples, even if an
/// input piece ends within one. A stream has one converter from its beginning to its end.
#[derive(Debug)]
pub struct Converter {
    frames: Frames,
    steps: Option<Steps>,
}

/// Splits a stream at frame boundaries. A frame is one sample of all channels.
#[derive(Debug)]
struct Frames {
    /// Bytes of a frame.
    frame: usize,
    /// The beginning of a frame whose rest has not arrived.
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
    /// Converts to an encoding and rate with one channel.
    pub fn new(from: Format, to: Encoding, rate: u32) -> Result<Self, Error> {
        let (from, target) = (from.checked()?, Format::mono(to, rate).checked()?);
        if from == target {
            return Ok(Self::untouched(from.frame_bytes().unwrap_or(1)));
        }
        Self::stepping(from, to, Chain::resampling(from.sample_rate, rate)?)
    }

    /// Does the same, with the noise filter. Returns [`Error::NoFilter`] if the build has none.
    pub fn filtering(from: Format, to: Encoding, rate: u32) -> Result<Self, Error> {
        let (from, _) = (from.checked()?, Format::mono(to, rate).checked()?);
        Self::stepping(from, to, Chain::filtering(from.sample_rate, rate)?)
    }

    /// Converts nothing, and returns whole frames of `frame` bytes: 1 for a compressed stream.
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

    /// Converts a piece.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let whole = self.frames.push(piece);
        match &mut self.steps {
            None => whole,
            Some(steps) => steps.push(&whole),
        }
    }

    /// Returns the rest behind the end of the stream. An incomplete sample at the end is dropped.
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

    /// Returns the whole frames of a piece, with what was left of the piece before.
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

    /// Decodes whole frames and mixes them down into `samples`.
    fn decode(&mut self, bytes: &[u8]) {
        let frames = bytes.chunks_exact(self.from.frame_bytes().unwrap_or(1));
        let (encoding, channels) = (self.from.encoding, i32::from(self.from.channels));
        let mix = |frame: &[u8]| {
            let sum: i32 = match encoding {
                Encoding::Mulaw => frame.iter().map(|byte| i32::from(decode_ulaw(*byte))).sum(),
                Encoding::Alaw => frame.iter().map(|byte| i32::from(decode_alaw(*byte))).sum(),
                _ => frame.as_chunks().0.iter().map(|sample| i32::from(i16::from_le_bytes(*sample))).sum(),
            };
            // The mean of 16-bit numbers fits into 16 bits.
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
    fn converter_passes_equal_formats_unchanged() {
        let piece = Bytes::from_static(b"a compressed stream has no samples");
        let mut converter = Converter::new(Format::mono(Encoding::Mp3, 44_100), Encoding::Mp3, 44_100).unwrap();
        assert_eq!(converter.push(piece.clone()).as_ptr(), piece.as_ptr());
        assert!(converter.finish().is_empty());
    }

    #[test]
    fn converter_returns_whole_samples_for_odd_pieces() {
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
    fn converter_drops_an_incomplete_last_sample() {
        let mut converter = Converter::untouched(4);
        assert_eq!(converter.push(Bytes::from_static(&[1, 2, 3, 4, 5])).as_ref(), [1, 2, 3, 4]);
        assert!(converter.finish().is_empty());
        assert_eq!(converter.push(Bytes::from_static(&[6, 7, 8, 9])).as_ref(), [6, 7, 8, 9]);
    }

    #[test]
    fn converter_has_the_values_of_g711() {
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
    fn converter_mixes_channels() {
        let stereo: Vec<u8> = [100_i16, 300, -5, 5, i16::MAX, i16::MAX].iter().flat_map(|s| s.to_le_bytes()).collect();
        let format = Format { encoding: Encoding::Linear16, sample_rate: 16_000, channels: 2 };
        let mono: Vec<u8> = [200_i16, 0, i16::MAX].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(converted(format, Encoding::Linear16, 16_000, &[&stereo]), mono);
    }

    #[test]
    fn converter_rejects_compressed_audio_by_name() {
        let error = Converter::new(Format::mono(Encoding::Mp3, 16_000), Encoding::Linear16, 16_000).unwrap_err();
        assert_eq!(error.to_string(), "mp3 audio cannot be converted: use linear16, mulaw or alaw");
    }

    #[test]
    #[cfg(not(feature = "noise-filter"))]
    fn noise_filter_is_an_error_if_not_built_in() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(Converter::filtering(format, Encoding::Linear16, 16_000).unwrap_err(), Error::NoFilter);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn converter_output_is_independent_of_piece_sizes(
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
