//! What the model of turns hears: the last eight seconds as a logarithmic mel spectrum.
//!
//! The steps are those that the model was trained behind, to the number: front padding, one normalisation over all samples,
//! frames centred on multiples of the hop, Slaney's filters, a floor 8 (of the decimal logarithm) below the loudest.

use std::f32::consts::TAU;
use std::fmt;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

use super::RATE;

/// Samples that the model hears.
pub(super) const SAMPLES: usize = 8 * RATE as usize;

/// Filters of the spectrum, and frames of it.
pub(super) const BANDS: usize = 80;
/// Frames of the spectrum: a hundred a second.
pub(super) const FRAMES: usize = 800;

/// Samples of a frame, and from one to the next.
const WINDOW: usize = 400;
const HOP: usize = 160;

/// From samples to features; it remembers nothing.
pub(super) struct Mel {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    bands: Vec<Band>,
}

/// The bins of the spectrum that a band hears, and how loud.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

impl fmt::Debug for Mel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mel").finish_non_exhaustive()
    }
}

impl Mel {
    #[expect(clippy::cast_precision_loss, reason = "indices of a window")]
    pub(super) fn new() -> Self {
        // The planner that can choose among vector instructions compiles each of its transforms five times: a fifth of this
        // program, for less than a hundredth of what the model takes.
        let fft = FftPlannerScalar::new().plan_fft_forward(WINDOW);
        let window = (0..WINDOW).map(|n| 0.5 - 0.5 * (TAU * n as f32 / WINDOW as f32).cos()).collect();
        Self { fft, window, bands: bands() }
    }

    /// The features of the end of `samples`: [`BANDS`] times [`FRAMES`] numbers, band by band.
    pub(super) fn features(&self, samples: &[i16]) -> Vec<f32> {
        let padded = padded(samples);
        let mut features = vec![0.0_f32; BANDS * FRAMES];
        let mut spectrum = vec![Complex::default(); WINDOW];
        let mut powers = Vec::with_capacity(WINDOW / 2 + 1);
        let mut scratch = vec![Complex::default(); self.fft.get_inplace_scratch_len()];
        let frames = |first| padded.windows(WINDOW).skip(first).step_by(2 * HOP);
        for (pair, (even, odd)) in frames(0).zip(frames(HOP)).take(FRAMES / 2).enumerate() {
            for (((bin, even), odd), window) in spectrum.iter_mut().zip(even).zip(odd).zip(&self.window) {
                *bin = Complex::new(even * window, odd * window);
            }
            self.fft.process_with_scratch(&mut spectrum, &mut scratch);
            powers.clear();
            powers.extend(powers_of_both(&spectrum));
            for (band, features) in self.bands.iter().zip(features.chunks_exact_mut(FRAMES)) {
                let heard = powers.iter().skip(band.first).zip(&band.weights);
                let sums = heard.fold([0.0_f32; 2], |sums, (power, weight)| {
                    [sums[0] + weight * power[0], sums[1] + weight * power[1]]
                });
                for (sum, feature) in sums.into_iter().zip(features.iter_mut().skip(2 * pair)) {
                    *feature = sum.max(1e-10).log10();
                }
            }
        }
        let floor = features.iter().copied().fold(f32::MIN, f32::max) - 8.0;
        for feature in &mut features {
            *feature = (feature.max(floor) + 4.0) / 4.0;
        }
        features
    }
}

/// Two frames were transformed at once, one as the real part and one as the imaginary: the powers of each in the bins from 0 to
/// half the window.
fn powers_of_both(spectrum: &[Complex<f32>]) -> impl Iterator<Item = [f32; 2]> {
    let mirrored = spectrum.iter().take(1).chain(spectrum.iter().rev());
    let bins = spectrum.iter().zip(mirrored).take(WINDOW / 2 + 1);
    bins.map(|(bin, mirror)| [bin + mirror.conj(), bin - mirror.conj()].map(|twice| twice.norm_sqr() / 4.0))
}

/// The last eight seconds with silence before them where there are fewer, normalised, and mirrored for half a window at both
/// ends.
fn padded(samples: &[i16]) -> Vec<f32> {
    let samples = samples.get(samples.len().saturating_sub(SAMPLES)..).unwrap_or_default();
    let count = f64::from(u32::try_from(SAMPLES).unwrap_or(u32::MAX));
    let scaled = || samples.iter().map(|sample| f64::from(*sample) / 32_768.0);
    let mean = scaled().sum::<f64>() / count;
    let silence = SAMPLES - samples.len();
    let squares = scaled().map(|sample| (sample - mean).powi(2)).sum::<f64>();
    let variance = (squares + f64::from(u32::try_from(silence).unwrap_or(u32::MAX)) * mean.powi(2)) / count;
    let scale = (variance + 1e-7).sqrt().recip();
    #[expect(clippy::cast_possible_truncation, reason = "what the model takes")]
    let normal = |sample: f64| ((sample - mean) * scale) as f32;
    let whole: Vec<f32> = std::iter::repeat_n(0.0, silence).chain(scaled()).map(normal).collect();
    let half = WINDOW / 2;
    let before = whole.iter().skip(1).take(half).rev();
    let after = whole.iter().rev().skip(1).take(half);
    before.chain(&whole).chain(after).copied().collect()
}

/// Slaney's triangles: linear below 1 kHz and logarithmic above, each of the same area.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "some hundred numbers, for `f32`")]
fn bands() -> Vec<Band> {
    let step = 6.4_f64.ln() / 27.0;
    let hertz = |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * step).exp() };
    let top = 15.0 + (f64::from(RATE) / 2.0 / 1000.0).ln() / step;
    let edge = |n: usize| hertz(top * n as f64 / (BANDS + 1) as f64);
    let band = |n: usize| {
        let (low, middle, high) = (edge(n), edge(n + 1), edge(n + 2));
        let weight = |bin: usize| {
            let at = bin as f64 * f64::from(RATE) / WINDOW as f64;
            let slope = ((at - low) / (middle - low)).min((high - at) / (high - middle));
            slope.max(0.0) * 2.0 / (high - low)
        };
        let mut heard = (0..=WINDOW / 2).skip_while(|bin| weight(*bin) <= 0.0).peekable();
        let first = heard.peek().copied().unwrap_or_default();
        Band { first, weights: heard.map(|bin| weight(bin) as f32).take_while(|weight| *weight > 0.0).collect() }
    };
    (0..BANDS).map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_of_another_implementation() {
        // A tone of a second behind seven of silence, and what NumPy makes of the same steps in 64 bits.
        let tone = |n: i32| (10_000.0 * (std::f64::consts::TAU * 440.0 * f64::from(n) / 16_000.0).sin()).round();
        #[expect(clippy::cast_possible_truncation, reason = "at most 10 000")]
        let samples: Vec<i16> = (0..16_000).map(|n| tone(n) as i16).collect();
        let features = Mel::new().features(&samples);
        assert_eq!(features.len(), BANDS * FRAMES);
        for (band, frame, expected) in [
            (0, 0, -0.110_253),
            (6, 699, 0.807_873),
            (11, 750, 1.889_747),
            (12, 700, 1.694_49),
            (40, 701, 0.210_998),
            (79, 799, -0.110_253),
        ] {
            let feature = features[band * FRAMES + frame];
            assert!((feature - expected).abs() < 1e-3, "{band}, {frame}: {feature}, not {expected}");
        }
    }

    #[test]
    fn no_length_is_wrong() {
        let mel = Mel::new();
        for samples in [0, 1, 399, SAMPLES - 1, SAMPLES, SAMPLES + 12_345] {
            let features = mel.features(&vec![100; samples]);
            assert!(
                features.len() == BANDS * FRAMES && features.iter().all(|feature| feature.is_finite()),
                "{samples}"
            );
        }
    }
}
