//! The input of the model of turns: the last eight seconds as a log-mel spectrogram.
//!
//! The model was trained behind `WhisperFeatureExtractor(chunk_length=8)` of Hugging Face transformers with `do_normalize`
//! (`inference.py` of pipecat-ai/smart-turn), which this repeats to the number: zeros before short audio, one normalisation over
//! all samples, reflection at both ends.

use super::RATE;
use crate::audio::mel::{HOP_LENGTH, LogMel, N_FFT, N_MELS};

/// Samples of the input: 8 s.
pub(super) const SAMPLES: usize = 8 * RATE as usize;
/// Frames of its spectrogram.
pub(super) const FRAMES: usize = SAMPLES / HOP_LENGTH;
/// What keeps the normalisation of silence from a division by zero (`zero_mean_unit_var_norm` in transformers).
const EPSILON: f64 = 1e-7;

/// Returns the features of the last eight seconds of `samples`: `[N_MELS, FRAMES]`, band by band.
pub(super) fn features(log_mel: &LogMel, samples: &[i16]) -> Vec<f32> {
    let rows = log_mel.spectrogram(&padded(samples), FRAMES);
    let band = |band: usize| rows.iter().skip(band).step_by(N_MELS).copied();
    (0..N_MELS).flat_map(band).collect()
}

/// Returns the last eight seconds, with zeros before them where there are fewer, at mean 0 and variance 1, reflected by half a
/// frame at both ends.
fn padded(samples: &[i16]) -> Vec<f32> {
    let samples = samples.get(samples.len().saturating_sub(SAMPLES)..).unwrap_or_default();
    let count = f64::from(u32::try_from(SAMPLES).unwrap_or(u32::MAX));
    let scaled = || samples.iter().map(|sample| f64::from(*sample) / 32_768.0);
    let mean = scaled().sum::<f64>() / count;
    let zeros = SAMPLES - samples.len();
    let squares = scaled().map(|sample| (sample - mean).powi(2)).sum::<f64>();
    let variance = (squares + f64::from(u32::try_from(zeros).unwrap_or(u32::MAX)) * mean.powi(2)) / count;
    let scale = (variance + EPSILON).sqrt().recip();
    #[expect(clippy::cast_possible_truncation, reason = "the model takes `f32`")]
    let normalized = |sample: f64| ((sample - mean) * scale) as f32;
    let whole: Vec<f32> = std::iter::repeat_n(0.0, zeros).chain(scaled()).map(normalized).collect();
    let before = whole.iter().skip(1).take(N_FFT / 2).rev();
    let after = whole.iter().rev().skip(1).take(N_FFT / 2);
    before.chain(&whole).chain(after).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_features_are_those_of_another_implementation() {
        // A tone of one second behind seven of silence, and the result of the same steps with NumPy in 64 bits.
        let tone = |n: i32| (10_000.0 * (std::f64::consts::TAU * 440.0 * f64::from(n) / 16_000.0).sin()).round();
        #[expect(clippy::cast_possible_truncation, reason = "at most 10 000")]
        let samples: Vec<i16> = (0..16_000).map(|n| tone(n) as i16).collect();
        let features = features(&LogMel::new(), &samples);
        assert_eq!(features.len(), N_MELS * FRAMES);
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
    fn turn_features_of_any_length_are_finite() {
        let mel = LogMel::new();
        for samples in [0, 1, 399, SAMPLES - 1, SAMPLES, SAMPLES + 12_345] {
            let features = features(&mel, &vec![100; samples]);
            assert!(
                features.len() == N_MELS * FRAMES && features.iter().all(|feature| feature.is_finite()),
                "{samples}"
            );
        }
    }
}
