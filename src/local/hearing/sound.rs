//! Sound as Whisper sees it: for every 10 ms, how loud it is in each of 80 bands.

use std::f64::consts::PI;

use super::layers::{Arithmetic, rows};
use crate::local::Error;

/// Samples a second.
pub const RATE: u32 = 16_000;
/// Bands from low to high, as an ear tells them apart.
pub(super) const BANDS: usize = 80;
/// The longest sound: half a minute.
pub(super) const LONGEST: usize = 3_000;
/// Samples from one moment to the next, and those that are looked at for one.
const STEP: usize = 160;
const WINDOW: usize = 400;
/// Frequencies that a window tells apart.
const FREQUENCIES: usize = WINDOW / 2 + 1;
/// Silence behind the end, which tells the model that it is one: a second.
const SILENCE: usize = 100;

/// The tables that it takes.
pub(super) struct Picture {
    /// For each sample of a window, its part in each frequency: real, then imaginary.
    waves: Vec<f32>,
    /// For each band, the part of each frequency in it.
    bands: Vec<f32>,
}

impl Picture {
    pub(super) fn new() -> Self {
        Self { waves: waves(), bands: bands() }
    }

    /// A row of bands for every moment: an even number, at least `least`, at most [`LONGEST`].
    pub(super) fn take(&self, arithmetic: &Arithmetic, samples: &[i16], least: usize) -> Result<Vec<f32>, Error> {
        let moments = ((samples.len() / STEP + SILENCE).max(least).min(LONGEST) / 2) * 2;
        // Mirrored at its beginning, as the model was taught.
        let mirrored = samples.iter().skip(1).take(WINDOW / 2).rev();
        let missing = WINDOW / 2 - mirrored.len();
        let sound = std::iter::repeat_n(&0, missing).chain(mirrored).chain(samples);
        let mut padded: Vec<f32> = sound.map(|sample| f32::from(*sample) / 32_768.0).collect();
        padded.resize(moments * STEP + WINDOW, 0.0);
        let windows: Vec<f32> = padded.windows(WINDOW).step_by(STEP).take(moments).flatten().copied().collect();
        let parts = arithmetic.multiply(rows(&windows, WINDOW)?, rows(&self.waves, FREQUENCIES * 2)?, 1.0, None)?;
        let power = |row: &[f32]| {
            let (real, imaginary) = row.split_at(FREQUENCIES);
            real.iter().zip(imaginary).map(|(re, im)| re * re + im * im).collect::<Vec<_>>()
        };
        let powers: Vec<f32> = parts.chunks_exact(FREQUENCIES * 2).flat_map(power).collect();
        let bands = rows(&self.bands, FREQUENCIES)?.transposed();
        let mut picture = arithmetic.multiply(rows(&powers, FREQUENCIES)?, bands, 1.0, None)?;
        let mut loudest = f32::MIN;
        for value in &mut picture {
            *value = value.max(1e-10).log10();
            loudest = loudest.max(*value);
        }
        for value in &mut picture {
            *value = (value.max(loudest - 8.0) + 4.0) / 4.0;
        }
        Ok(picture)
    }
}

/// A Fourier transform as a matrix, behind a window of Hann's.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, and seven digits do")]
fn waves() -> Vec<f32> {
    let mut waves = Vec::with_capacity(WINDOW * FREQUENCIES * 2);
    for at in 0..WINDOW {
        let window = 0.5 - 0.5 * (2.0 * PI * at as f64 / WINDOW as f64).cos();
        // The angle comes around, so that it stays small and exact.
        let angle = |frequency: usize| 2.0 * PI * (at * frequency % WINDOW) as f64 / WINDOW as f64;
        waves.extend((0..FREQUENCIES).map(|frequency| (window * angle(frequency).cos()) as f32));
        waves.extend((0..FREQUENCIES).map(|frequency| (window * angle(frequency).sin()) as f32));
    }
    waves
}

/// Triangles beside each other on Slaney's mel scale, each of the same area.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, and seven digits do")]
fn bands() -> Vec<f32> {
    // Linear up to 1000 Hz, which is 15 mel, and logarithmic above.
    let step = 6.4_f64.ln() / 27.0;
    let hertz = |mel: f64| if mel < 15.0 { mel * 200.0 / 3.0 } else { 1_000.0 * (step * (mel - 15.0)).exp() };
    let highest = 15.0 + (f64::from(RATE) / 2.0 / 1_000.0).ln() / step;
    let edge = |index: usize| hertz(highest * index as f64 / (BANDS + 1) as f64);
    let mut bands = Vec::with_capacity(BANDS * FREQUENCIES);
    for band in 0..BANDS {
        let [low, middle, high] = [edge(band), edge(band + 1), edge(band + 2)];
        bands.extend((0..FREQUENCIES).map(|frequency| {
            let frequency = frequency as f64 * f64::from(RATE) / WINDOW as f64;
            let (rising, falling) = ((frequency - low) / (middle - low), (high - frequency) / (high - middle));
            (rising.min(falling).max(0.0) * 2.0 / (high - low)) as f32
        }));
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_bright_in_its_band_and_nowhere_else() {
        let (arithmetic, picture) = (Arithmetic::new(), Picture::new());
        // A second of 1000 Hz: 15 mel of the 45.2 that the bands go up to, 26.9 of their 81 edges.
        let tone: Vec<i16> = (0..16_000).map(|at| if at / 8 % 2 == 0 { 8_000 } else { -8_000 }).collect();
        let seen = picture.take(&arithmetic, &tone, 0).unwrap();
        assert_eq!(seen.len(), 200 * BANDS);
        let row = &seen[50 * BANDS..51 * BANDS];
        let brightest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert!((25..=27).contains(&brightest), "{brightest}");
        assert!(seen[150 * BANDS..151 * BANDS].iter().all(|value| *value < row[brightest] - 1.9));
        assert_eq!(picture.take(&arithmetic, &vec![0; 31 * 16_000], 0).unwrap().len(), LONGEST * BANDS);
        assert_eq!(picture.take(&arithmetic, &[], 1_000).unwrap().len(), 1_000 * BANDS);
    }
}
