//! The noise filter: `RNNoise`, by the library `nnnoiseless`.

use nnnoiseless::DenoiseState;

/// The only sample rate of the network, in Hz.
pub(super) const RATE: u32 = 48_000;

/// Samples per frame. It is also the delay: the network needs the next frame to filter a frame.
const FRAME: usize = DenoiseState::FRAME_SIZE;

/// Filters one channel of a stream at 48 kHz. The output is as long as the input and aligned with it: the delay is removed at the
/// beginning. A stream has one denoiser.
pub(super) struct Denoiser {
    /// The state of the network for this stream.
    state: Box<DenoiseState<'static>>,
    /// An incomplete frame of input, in the range of 16-bit samples, as the network expects.
    input: Vec<f32>,
    output: Vec<f32>,
    taken: u64,
    given: u64,
    /// Whether the first output frame, from before the stream, was dropped.
    begun: bool,
}

impl std::fmt::Debug for Denoiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denoiser").field("taken", &self.taken).field("given", &self.given).finish_non_exhaustive()
    }
}

impl Denoiser {
    pub(super) fn new() -> Self {
        let (input, output) = (Vec::with_capacity(FRAME), vec![0.0; FRAME]);
        Self { state: DenoiseState::new(), input, output, taken: 0, given: 0, begun: false }
    }

    /// Filters samples and appends the output so far to `out`.
    pub(super) fn push(&mut self, samples: impl IntoIterator<Item = i16>, out: &mut Vec<i16>) {
        for sample in samples {
            self.taken += 1;
            self.input.push(sample.into());
            if self.input.len() == FRAME {
                self.frame(out);
            }
        }
    }

    /// Appends the rest, up to the length of the input.
    pub(super) fn finish(&mut self, out: &mut Vec<i16>) {
        while self.given < self.taken {
            self.input.resize(FRAME, 0.0);
            self.frame(out);
        }
        // The last frame is whole, but the input may end within it.
        let over = usize::try_from(self.given - self.taken).unwrap_or_default();
        out.truncate(out.len().saturating_sub(over));
        self.given = self.taken;
    }

    fn frame(&mut self, out: &mut Vec<i16>) {
        self.state.process_frame(&mut self.output, &self.input);
        self.input.clear();
        if std::mem::replace(&mut self.begun, true) {
            self.given += FRAME as u64;
            #[expect(clippy::cast_possible_truncation, reason = "clamped; and `as` of a float saturates")]
            out.extend(self.output.iter().map(|sample| sample.round().clamp(-32_768.0, 32_767.0) as i16));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::audio::{Converter, Encoding, Format};
    use bytes::Bytes;
    use proptest::prelude::*;

    const RATES: [u32; 6] = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000];

    fn filtered(from: Format, (to, rate): (Encoding, u32), pieces: &[&[u8]]) -> Vec<u8> {
        let mut converter = Converter::filtering(from, to, rate).unwrap();
        let mut out: Vec<u8> = pieces.iter().flat_map(|piece| converter.push(Bytes::copy_from_slice(piece))).collect();
        out.extend(converter.finish());
        out
    }

    fn bytes(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// Low-frequency noise, as of traffic and fans. It is deterministic.
    fn noise(samples: usize, loudness: f32) -> Vec<i16> {
        let (mut state, mut low) = (1_u32, 0.0_f32);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, _, a, b] = state.to_le_bytes();
            low = low * 0.9 + f32::from(i16::from_le_bytes([a, b])) / 32_768.0 * loudness;
            #[expect(clippy::cast_possible_truncation, reason = "at most ten times the loudness")]
            let sample = low as i16;
            sample
        };
        (0..samples).map(|_| next()).collect()
    }

    fn loudness(samples: &[i16]) -> f64 {
        let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        (sum / f64::from(u32::try_from(samples.len()).unwrap())).sqrt()
    }

    #[test]
    fn noise_filter_keeps_silence() {
        for rate in RATES {
            for (encoding, zero) in [(Encoding::Linear16, 0), (Encoding::Mulaw, 0xff)] {
                let silence = vec![zero; rate as usize];
                let got = filtered(Format::mono(encoding, rate), (encoding, rate), &[&silence]);
                assert!(got == silence, "{encoding:?} at {rate}");
            }
        }
    }

    #[test]
    fn noise_filter_reduces_noise() {
        for rate in RATES {
            let noise = noise(rate as usize * 3, 1_000.0);
            let format = Format::mono(Encoding::Linear16, rate);
            let got = filtered(format, (Encoding::Linear16, rate), &[&bytes(&noise)]);
            let got: Vec<i16> = got.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
            // Behind the first second, in which the network adapts.
            let (before, after) = (loudness(&noise[rate as usize..]), loudness(&got[rate as usize..]));
            assert!(after < before / 8.0, "{rate}: {before} to {after}");
        }
    }

    #[test]
    fn noise_filter_streams_are_independent() {
        let format = Format::mono(Encoding::Linear16, 48_000);
        let to = (Encoding::Linear16, 48_000);
        let (loud, quiet) = (bytes(&noise(48_000, 3_000.0)), bytes(&noise(48_000, 30.0)));
        let mut both =
            [loud.as_slice(), &quiet].map(|stream| (stream, Converter::filtering(format, to.0, to.1).unwrap()));
        let mut got = [Vec::new(), Vec::new()];
        for at in (0..loud.len()).step_by(1_920) {
            for ((stream, converter), got) in both.iter_mut().zip(&mut got) {
                got.extend(converter.push(Bytes::copy_from_slice(&stream[at..at + 1_920])));
            }
        }
        for ((stream, mut converter), mut got) in both.into_iter().zip(got) {
            got.extend(converter.finish());
            assert!(got == filtered(format, to, &[stream]));
        }
    }

    #[test]
    fn noise_filter_delay_is_below_31_ms() {
        for rate in RATES {
            let format = Format::mono(Encoding::Linear16, rate);
            let mut converter = Converter::filtering(format, Encoding::Linear16, rate).unwrap();
            let (mut taken, mut given) = (0, 0);
            for _ in 0..200 {
                let piece = Bytes::from(vec![0; rate as usize / 50 * 2]);
                taken += piece.len();
                given += converter.push(piece).len();
                let behind = format.duration(taken - given).unwrap();
                assert!(behind.as_millis() < 31, "{rate}: {behind:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn noise_filter_output_is_independent_of_piece_sizes(
            encodings in prop::sample::select(vec![
                (Encoding::Linear16, Encoding::Linear16), (Encoding::Mulaw, Encoding::Mulaw),
                (Encoding::Alaw, Encoding::Alaw), (Encoding::Mulaw, Encoding::Linear16),
            ]),
            channels in 1_u16..4,
            rates in prop::sample::select(vec![
                (8_000, 8_000), (8_000, 16_000), (16_000, 16_000), (22_050, 22_050), (48_000, 16_000), (44_100, 44_100),
                (96_000, 96_000), (192_000, 192_000), (4_001, 4_001),
            ]),
            bytes in prop::collection::vec(any::<u8>(), 0..12_000),
            cuts in prop::collection::vec(0_usize..12_000, 0..8),
        ) {
            let ((from, to), (rate, other)) = (encodings, rates);
            let format = Format { encoding: from, sample_rate: rate, channels };
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            let got = filtered(format, (to, other), &pieces);
            prop_assert!(got == filtered(format, (to, other), &[&bytes]));
            let frames = (bytes.len() / format.frame_bytes().unwrap()) as u64;
            let expected = (frames * u64::from(other) + u64::from(rate) / 2) / u64::from(rate);
            prop_assert_eq!(got.len() as u64, expected * to.sample_bytes().unwrap() as u64);
        }
    }
}
