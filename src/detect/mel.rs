//! What the model of turns hears: the last eight seconds as a logarithmic mel spectrum.
//!
//! The steps are those that the model was trained behind, to the number: front padding, one normalisation over all samples,
//! frames centred on multiples of the hop, Slaney's filters, a floor 8 (of the decimal logarithm) below the loudest.

use std::f32::consts::TAU;
use std::fmt;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::{Error, RATE};

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
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// For each band, the bins of the spectrum that it hears, and how loud.
    bands: Vec<Vec<(usize, f32)>>,
}

impl fmt::Debug for Mel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mel").finish_non_exhaustive()
    }
}

impl Mel {
    #[expect(clippy::cast_precision_loss, reason = "indices of a window")]
    pub(super) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let window = (0..WINDOW).map(|n| 0.5 - 0.5 * (TAU * n as f32 / WINDOW as f32).cos()).collect();
        Self { fft, window, bands: bands() }
    }

    /// The features of the end of `samples`: [`BANDS`] times [`FRAMES`] numbers, band by band.
    pub(super) fn features(&self, samples: &[i16]) -> Result<Vec<f32>, Error> {
        let failed = |e: realfft::FftError| Error::Run(e.to_string());
        let padded = padded(samples);
        let (mut frame, mut spectrum) = (self.fft.make_input_vec(), self.fft.make_output_vec());
        let mut scratch = self.fft.make_scratch_vec();
        let mut features = vec![0.0_f32; BANDS * FRAMES];
        for (index, samples) in padded.windows(WINDOW).step_by(HOP).take(FRAMES).enumerate() {
            for ((frame, sample), window) in frame.iter_mut().zip(samples).zip(&self.window) {
                *frame = sample * window;
            }
            self.fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch).map_err(failed)?;
            for (band, feature) in self.bands.iter().zip(features.iter_mut().skip(index).step_by(FRAMES)) {
                let power = band.iter().filter_map(|(bin, weight)| Some(weight * spectrum.get(*bin)?.norm_sqr()));
                *feature = power.sum::<f32>().max(1e-10).log10();
            }
        }
        let floor = features.iter().copied().fold(f32::MIN, f32::max) - 8.0;
        for feature in &mut features {
            *feature = (feature.max(floor) + 4.0) / 4.0;
        }
        Ok(features)
    }
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
fn bands() -> Vec<Vec<(usize, f32)>> {
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
        (0..=WINDOW / 2).map(|bin| (bin, weight(bin) as f32)).filter(|(_, weight)| *weight > 0.0).collect()
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
        let features = Mel::new().features(&samples).unwrap();
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
            let features = mel.features(&vec![100; samples]).unwrap();
            assert!(
                features.len() == BANDS * FRAMES && features.iter().all(|feature| feature.is_finite()),
                "{samples}"
            );
        }
    }
}
