//! Whisper's input (`pad_or_trim` and `log_mel_spectrogram` in `audio.py` of openai/whisper): how an utterance is padded before
//! its spectrogram is computed.

use crate::audio::mel::{HOP_LENGTH, LogMel, N_FFT};

/// Frames of the longest input: 30 s (`N_FRAMES`).
pub(super) const MAX_FRAMES: usize = 3_000;
/// Frames of silence behind the samples, 1 s, without which the model does not notice their end.
const PADDING_FRAMES: usize = 100;

/// Returns the spectrogram of `samples` with zeros behind them, `[frames, N_MELS]`: an even number of frames, at least
/// `min_frames`, at most [`MAX_FRAMES`].
pub(super) fn log_mel(log_mel: &LogMel, samples: &[i16], min_frames: usize) -> Vec<f32> {
    let frames = ((samples.len() / HOP_LENGTH + PADDING_FRAMES).max(min_frames).min(MAX_FRAMES) / 2) * 2;
    // Reflected at the beginning, as `torch.stft` with `center` does.
    let reflected = samples.iter().skip(1).take(N_FFT / 2).rev();
    let missing = N_FFT / 2 - reflected.len();
    let samples = std::iter::repeat_n(&0, missing).chain(reflected).chain(samples);
    let mut padded: Vec<f32> = samples.map(|sample| f32::from(*sample) / 32_768.0).collect();
    padded.resize(frames * HOP_LENGTH + N_FFT, 0.0);
    log_mel.spectrogram(&padded, frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mel::N_MELS;

    #[test]
    fn log_mel_of_a_tone_is_loudest_in_its_band() {
        let mel = LogMel::new();
        // One second of 1000 Hz: 15 mel of the 45.2 that the bands reach, 26.9 of their 81 edges.
        let tone: Vec<i16> = (0..16_000).map(|at| if at / 8 % 2 == 0 { 8_000 } else { -8_000 }).collect();
        let spectrogram = log_mel(&mel, &tone, 0);
        assert_eq!(spectrogram.len(), 200 * N_MELS);
        let row = &spectrogram[50 * N_MELS..51 * N_MELS];
        let loudest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert!((25..=27).contains(&loudest), "{loudest}");
        assert!(spectrogram[150 * N_MELS..151 * N_MELS].iter().all(|value| *value < row[loudest] - 1.9));
        assert_eq!(log_mel(&mel, &vec![0; 31 * 16_000], 0).len(), MAX_FRAMES * N_MELS);
        assert_eq!(log_mel(&mel, &[], 1_000).len(), 1_000 * N_MELS);
    }
}
