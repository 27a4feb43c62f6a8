//! Changes the sample rate by band-limited interpolation, with the library `rubato`.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

use super::{Error, Format};

/// Half of it is the delay in input samples: 36 are 2.25 ms at 16 kHz, and divide by 2, 3 and 4, so that between the usual
/// rates the delay is a whole number of samples on both sides. A longer filter would let through more of the uppermost band,
/// which in speech is breath.
const FILTER: usize = 72;

/// Changes the rate of one channel of a stream. The output is as long as the input, to the sample, and aligned with it: the
/// filter's delay is removed at the beginning. A stream has one resampler.
pub struct Resampler {
    filter: Async<f32>,
    from: u64,
    to: u64,
    /// An incomplete block of input.
    input: Vec<f32>,
    output: Vec<f32>,
    /// Samples of the filter's delay that are still to be dropped.
    skip: usize,
    taken: u64,
    given: u64,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Resampler {
    /// Creates a resampler from one rate to another, in Hz.
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        for rate in [from, to] {
            Format::mono(super::Encoding::Linear16, rate).checked()?;
        }
        let parameters = SincInterpolationParameters::new(FILTER, WindowFunction::BlackmanHarris2)
            .interpolation(SincInterpolationType::Linear);
        // Blocks of 5 ms add no noticeable delay.
        let block = from as usize / 200;
        let ratio = f64::from(to) / f64::from(from);
        let filter = Async::new_sinc(ratio, 1.0, &parameters, block, 1, FixedAsync::Input);
        let filter = filter.map_err(|_| Error::Rate(to))?;
        let most = filter.output_frames_max();
        // Output sample n stands for the input at (n + 1) / ratio - FILTER / 2: the first one to keep is the nearest to 0.
        // (`output_delay` says one more.)
        let skip = (FILTER as u64 / 2 * u64::from(to) + u64::from(from) / 2) / u64::from(from);
        let skip = usize::try_from(skip).unwrap_or_default().saturating_sub(1);
        let (input, output) = (Vec::new(), vec![0.0; most]);
        Ok(Self { filter, from: from.into(), to: to.into(), input, output, skip, taken: 0, given: 0 })
    }

    /// Converts samples and appends the output so far to `out`.
    pub fn push(&mut self, samples: impl IntoIterator<Item = i16>, out: &mut Vec<i16>) {
        let mut input = std::mem::take(&mut self.input);
        input.extend(samples.into_iter().map(|sample| f32::from(sample) / 32_768.0));
        let mut rest = input.as_slice();
        while let Some((block, after)) = rest.split_at_checked(self.filter.input_frames_next()) {
            self.block(block, None, out);
            rest = after;
        }
        let done = input.len() - rest.len();
        self.taken += done as u64;
        input.drain(..done);
        self.input = input;
    }

    /// Appends the rest that the filter still holds, up to the length of the input.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        let mut last = std::mem::take(&mut self.input);
        self.taken += last.len() as u64;
        let total = (self.taken * self.to + self.from / 2) / self.from;
        let begin = out.len();
        while self.given < total {
            let length = last.len();
            last.resize(self.filter.input_frames_next(), 0.0);
            self.block(&last, Some(length), out);
            last.clear();
        }
        // The last block is whole, but the input may end within it.
        let over = usize::try_from(self.given - total).unwrap_or_default();
        out.truncate(out.len().saturating_sub(over).max(begin));
        self.given = total;
    }

    fn block(&mut self, block: &[f32], length: Option<usize>, out: &mut Vec<i16>) {
        let Ok(input) = InterleavedSlice::new(block, 1, block.len()) else { return };
        let most = self.output.len();
        let Ok(mut output) = InterleavedSlice::new_mut(&mut self.output, 1, most) else { return };
        let indexing = Indexing { partial_len: length, ..Indexing::default() };
        let written =
            self.filter.process_into_buffer(&input, &mut output, Some(&indexing)).map_or(0, |(_, written)| written);
        let skipped = self.skip.min(written);
        self.skip -= skipped;
        let samples = self.output.get(skipped..written).unwrap_or_default();
        self.given += samples.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "clamped; and `as` of a float saturates")]
        out.extend(samples.iter().map(|sample| (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<i16> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a tone for a test")]
        let sample =
            |n: usize| (10_000.0 * (std::f64::consts::TAU * hertz * n as f64 / f64::from(rate)).sin()).round() as i16;
        (0..samples).map(sample).collect()
    }

    fn resampled(from: u32, to: u32, pieces: &[&[i16]]) -> Vec<i16> {
        let (mut resampler, mut out) = (Resampler::new(from, to).unwrap(), Vec::new());
        for piece in pieces {
            resampler.push(piece.iter().copied(), &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn resampler_keeps_a_tone_and_its_phase() {
        for (from, to) in
            [(8_000, 16_000), (16_000, 48_000), (48_000, 16_000), (24_000, 16_000), (44_100, 16_000), (24_000, 22_050)]
        {
            let (begun, wanted) = (tone(from, 440.0, from as usize), tone(to, 440.0, to as usize));
            let got = resampled(from, to, &[&begun]);
            assert_eq!(got.len(), wanted.len());
            // Half a sample of the new rate is as near as one of no whole ratio can begin.
            let whole = (FILTER as u64 / 2 * u64::from(to)).is_multiple_of(from.into());
            let half = if whole { 0 } else { 10_000 * 2 * 440 * 355 / 113 / 2 / to };
            // Without the first and last 10 ms, where the filter sees silence that the tone does not have.
            let inner = to as usize / 100..to as usize - to as usize / 100;
            let worst = inner.map(|n| (i32::from(got[n]) - i32::from(wanted[n])).abs()).max().unwrap();
            assert!(worst.unsigned_abs() < half + 40, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn resampler_removes_frequencies_above_the_lower_rate() {
        let got = resampled(48_000, 16_000, &[&tone(48_000, 12_000.0, 48_000)]);
        let loudest = got.iter().skip(160).take(15_680).map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!(loudest < 30, "{loudest}");
    }

    #[test]
    fn resampler_clamps_the_loudest_input() {
        let square: Vec<i16> = (0..8_000).map(|n| if n / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let got = resampled(8_000, 16_000, &[&square]);
        // Around an edge the filter overshoots; elsewhere the sign is that of the input.
        let wrong = got
            .iter()
            .enumerate()
            .filter(|(n, _)| (10..70).contains(&(n % 80)))
            .filter(|(n, sample)| (n / 80 % 2 == 0) != (**sample > 0));
        assert_eq!(wrong.count(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn cutting_changes_nothing(
            rates in prop::sample::select(vec![(8_000, 16_000), (16_000, 8_000), (22_050, 24_000), (48_000, 11_025)]),
            samples in prop::collection::vec(any::<i16>(), 0..5_000),
            cuts in prop::collection::vec(0_usize..5_000, 0..8),
        ) {
            let (from, to) = rates;
            let whole = resampled(from, to, &[&samples]);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(samples.len())).collect();
            cuts.extend([0, samples.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|w| &samples[w[0]..w[1]]).collect();
            prop_assert_eq!(&resampled(from, to, &pieces), &whole);
            let exact = samples.len() as u64 * u64::from(to);
            prop_assert_eq!(whole.len() as u64, (exact + u64::from(from) / 2) / u64::from(from));
        }
    }
}
