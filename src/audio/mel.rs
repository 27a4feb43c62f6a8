//! The log-mel spectrogram of Whisper (`log_mel_spectrogram` in `audio.py` of openai/whisper), which Smart Turn's model takes
//! too: the logarithm of the power in 80 mel bands, 100 frames a second.
//!
//! Padding, and any scaling before it, belong to each model: `local::whisper::mel` and `detect::features`.

use std::f32::consts::TAU;
use std::fmt;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};

/// Samples per second.
pub(crate) const SAMPLE_RATE: u32 = 16_000;
/// Samples of a frame: 25 ms.
pub(crate) const N_FFT: usize = 400;
/// Samples from one frame to the next: 10 ms.
pub(crate) const HOP_LENGTH: usize = 160;
/// Mel bands.
pub(crate) const N_MELS: usize = 80;

/// Frequencies of a frame's spectrum, from 0 to half the sample rate.
const N_FREQS: usize = N_FFT / 2 + 1;
/// Levels of the spectrogram below its maximum, as a decimal logarithm of power: 80 dB.
const DYNAMIC_RANGE: f32 = 8.0;

/// The tables that a spectrogram is computed with. One serves all sessions.
pub(crate) struct LogMel {
    fft: Arc<dyn Fft<f32>>,
    /// Hann's window.
    window: Vec<f32>,
    filters: Vec<MelFilter>,
}

/// One band's weights, from its first frequency on.
struct MelFilter {
    first: usize,
    weights: Vec<f32>,
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMel").finish_non_exhaustive()
    }
}

impl LogMel {
    #[expect(clippy::cast_precision_loss, reason = "indices of a window")]
    pub(crate) fn new() -> Self {
        // The planner that can choose among vector instructions compiles each of its transforms five times: a fifth of this
        // program, for less than a hundredth of what the model takes.
        let fft = FftPlannerScalar::new().plan_fft_forward(N_FFT);
        // In 32 bits: the quantised model of turns answers visibly otherwise to another rounding.
        let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f32 / N_FFT as f32).cos();
        Self { fft, window: (0..N_FFT).map(hann).collect(), filters: mel_filterbank() }
    }

    /// Returns `frames` rows of [`N_MELS`] numbers.
    ///
    /// `frames` is even, because two are transformed at once. `padded` has samples from -1 to 1, with `N_FFT / 2` before the
    /// first and behind the last, so that each frame is centred on a multiple of the hop.
    pub(crate) fn spectrogram(&self, padded: &[f32], frames: usize) -> Vec<f32> {
        let mut rows = vec![0.0_f32; frames * N_MELS];
        let mut spectrum = vec![Complex::default(); N_FFT];
        let mut powers = Vec::with_capacity(N_FREQS);
        let mut scratch = vec![Complex::default(); self.fft.get_inplace_scratch_len()];
        let mut loudest = f32::MIN;
        let from = |first| padded.windows(N_FFT).skip(first).step_by(2 * HOP_LENGTH);
        for ((even, odd), rows) in from(0).zip(from(HOP_LENGTH)).zip(rows.chunks_exact_mut(2 * N_MELS)) {
            for (((bin, even), odd), window) in spectrum.iter_mut().zip(even).zip(odd).zip(&self.window) {
                *bin = Complex::new(even * window, odd * window);
            }
            self.fft.process_with_scratch(&mut spectrum, &mut scratch);
            powers.clear();
            powers.extend(powers_of_both(&spectrum));
            let (even, odd) = rows.split_at_mut(N_MELS);
            for ((filter, even), odd) in self.filters.iter().zip(even).zip(odd) {
                let band = powers.iter().skip(filter.first).zip(&filter.weights);
                let sums = band.fold([0.0_f32; 2], |sums, (power, weight)| {
                    [sums[0] + weight * power[0], sums[1] + weight * power[1]]
                });
                [*even, *odd] = sums.map(|sum| sum.max(1e-10).log10());
                loudest = loudest.max(*even).max(*odd);
            }
        }
        for value in &mut rows {
            *value = (value.max(loudest - DYNAMIC_RANGE) + 4.0) / 4.0;
        }
        rows
    }
}

/// Returns the power of two frames at each frequency. One frame was the real part of the transform's input, the other the
/// imaginary part, and the symmetry of a real signal's spectrum separates them.
fn powers_of_both(spectrum: &[Complex<f32>]) -> impl Iterator<Item = [f32; 2]> {
    let mirrored = spectrum.iter().take(1).chain(spectrum.iter().rev());
    let bins = spectrum.iter().zip(mirrored).take(N_FREQS);
    bins.map(|(bin, mirror)| [bin + mirror.conj(), bin - mirror.conj()].map(|twice| twice.norm_sqr() / 4.0))
}

/// Returns triangular filters of equal area on Slaney's mel scale, which is linear below 1 kHz (15 mel) and logarithmic above
/// (`librosa.filters.mel`, which `mel_filters` in `audio.py` was made with).
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "some hundred numbers, for `f32`")]
fn mel_filterbank() -> Vec<MelFilter> {
    let step = 6.4_f64.ln() / 27.0;
    let hertz = |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1_000.0 * ((mel - 15.0) * step).exp() };
    let top = 15.0 + (f64::from(SAMPLE_RATE) / 2.0 / 1_000.0).ln() / step;
    let edge = |n: usize| hertz(top * n as f64 / (N_MELS + 1) as f64);
    let filter = |n: usize| {
        let (low, middle, high) = (edge(n), edge(n + 1), edge(n + 2));
        let weight = |bin: usize| {
            let at = bin as f64 * f64::from(SAMPLE_RATE) / N_FFT as f64;
            let slope = ((at - low) / (middle - low)).min((high - at) / (high - middle));
            slope.max(0.0) * 2.0 / (high - low)
        };
        let mut inside = (0..N_FREQS).skip_while(|bin| weight(*bin) <= 0.0).peekable();
        let first = inside.peek().copied().unwrap_or_default();
        let weights = inside.map(|bin| weight(bin) as f32).take_while(|weight| *weight > 0.0).collect();
        MelFilter { first, weights }
    };
    (0..N_MELS).map(filter).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// The same in 64 bits, by the definitions: a Fourier transform as a sum, and each filter over all frequencies.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn reference(padded: &[f32], frames: usize) -> Vec<f64> {
        let mut rows = Vec::new();
        for frame in padded.windows(N_FFT).step_by(HOP_LENGTH).take(frames) {
            let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / N_FFT as f64).cos();
            let power = |bin: usize| {
                let angle = |n: usize| TAU * (n * bin % N_FFT) as f64 / N_FFT as f64;
                let part = |wave: fn(f64) -> f64| {
                    frame.iter().enumerate().map(|(n, x)| f64::from(*x) * hann(n) * wave(angle(n))).sum::<f64>().powi(2)
                };
                part(f64::cos) + part(f64::sin)
            };
            let powers: Vec<f64> = (0..N_FREQS).map(power).collect();
            for MelFilter { first, weights } in mel_filterbank() {
                let sum = powers[first..].iter().zip(&weights).map(|(power, weight)| power * f64::from(*weight));
                rows.push(sum.sum::<f64>().max(1e-10).log10());
            }
        }
        let loudest = rows.iter().copied().fold(f64::MIN, f64::max);
        rows.iter().map(|value| (value.max(loudest - 8.0) + 4.0) / 4.0).collect()
    }

    #[test]
    fn log_mel_is_that_of_the_definitions() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
        };
        let padded: Vec<f32> =
            (0..6 * HOP_LENGTH + N_FFT).map(|n| noise() * if n < 500 { 0.01 } else { 1.0 }).collect();
        let (rows, expected) = (LogMel::new().spectrogram(&padded, 6), reference(&padded, 6));
        assert_eq!(rows.len(), 6 * N_MELS);
        for (at, (value, expected)) in rows.iter().zip(&expected).enumerate() {
            assert!((f64::from(*value) - expected).abs() < 1e-4, "{at}: {value}, not {expected}");
        }
    }

    #[test]
    fn log_mel_filters_have_the_area_of_slaneys() {
        // Each triangle has the area 1 over Hertz; the narrow ones are sampled too coarsely to tell.
        for (band, filter) in mel_filterbank().iter().enumerate().skip(40) {
            let area = filter.weights.iter().sum::<f32>() * 40.0;
            assert!((area - 1.0).abs() < 0.1, "{band}: {area}");
        }
    }
}
