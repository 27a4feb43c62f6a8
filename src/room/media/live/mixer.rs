//! Mixes the tracks of a room into one.

use std::collections::{BTreeMap, VecDeque};

use bytes::{BufMut as _, Bytes, BytesMut};

use super::transport::WIRE;

/// How long the other tracks wait for one that falls behind, in samples: 100 ms.
const MAX_TRACK_LAG: usize = WIRE.sample_rate as usize / 10;

/// Sums tracks. The mixer has no clock, because tracks arrive in real time: a sample is complete when all tracks have it. A track
/// that falls behind by [`MAX_TRACK_LAG`] is ignored until it sends again. A single track is never delayed.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    tracks: BTreeMap<u64, Track>,
}

#[derive(Debug, Default)]
struct Track {
    samples: VecDeque<i16>,
    late: bool,
}

impl Mixer {
    /// Adds samples of a track, 16 bits each.
    pub(super) fn push(&mut self, track: u64, samples: &[u8]) {
        let track = self.tracks.entry(track).or_default();
        track.late = false;
        track.samples.extend(samples.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)));
    }

    /// Removes a track that has ended.
    pub(super) fn remove(&mut self, track: u64) {
        self.tracks.remove(&track);
    }

    /// Takes the samples that are complete.
    pub(super) fn take(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        loop {
            let waited_for = self.tracks.values().filter(|track| !track.late);
            let whole = waited_for.map(|track| track.samples.len()).min().unwrap_or_default();
            self.sum(whole, &mut out);
            if self.tracks.values().all(|track| track.samples.len() < MAX_TRACK_LAG) {
                return out.freeze();
            }
            for track in self.tracks.values_mut() {
                track.late = track.samples.is_empty();
            }
        }
    }

    fn sum(&mut self, samples: usize, out: &mut BytesMut) {
        for _ in 0..samples {
            let sum =
                self.tracks.values_mut().filter_map(|track| track.samples.pop_front()).fold(0, i16::saturating_add);
            out.put_i16_le(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = WIRE.sample_rate as usize / 100;

    fn push(mixer: &mut Mixer, track: u64, value: i16, frames: usize) {
        let samples: Vec<u8> = std::iter::repeat_n(value.to_le_bytes(), frames * FRAME).flatten().collect();
        mixer.push(track, &samples);
    }

    /// Returns runs of equal samples, with their lengths in frames.
    fn taken(mixer: &mut Mixer) -> Vec<(i16, usize)> {
        let mut runs: Vec<(i16, usize)> = Vec::new();
        for sample in mixer.take().as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)) {
            match runs.last_mut() {
                Some((value, length)) if *value == sample => *length += 1,
                _ => runs.push((sample, 1)),
            }
        }
        runs.into_iter().map(|(value, length)| (value, length / FRAME)).collect()
    }

    #[test]
    fn mixer_passes_a_single_track_on_at_once() {
        let mut mixer = Mixer::default();
        push(&mut mixer, 1, 5, 1);
        assert_eq!(taken(&mut mixer), [(5, 1)]);
        mixer.remove(1);
        assert_eq!(taken(&mut mixer), []);
    }

    #[test]
    fn mixer_sums_tracks_in_step_without_overflow() {
        let mut mixer = Mixer::default();
        push(&mut mixer, 1, 5, 2);
        push(&mut mixer, 2, 7, 1);
        assert_eq!(taken(&mut mixer), [(12, 1)]);
        push(&mut mixer, 2, 8, 1);
        assert_eq!(taken(&mut mixer), [(13, 1)]);
        push(&mut mixer, 1, i16::MIN, 1);
        push(&mut mixer, 2, -1, 1);
        assert_eq!(taken(&mut mixer), [(i16::MIN, 1)]);
    }

    #[test]
    fn mixer_waits_once_for_a_late_track() {
        let mut mixer = Mixer::default();
        push(&mut mixer, 1, 5, 1);
        push(&mut mixer, 2, 7, 1);
        assert_eq!(taken(&mut mixer), [(12, 1)]);
        push(&mut mixer, 1, 5, 9);
        assert_eq!(taken(&mut mixer), []);
        push(&mut mixer, 1, 5, 1);
        assert_eq!(taken(&mut mixer), [(5, 10)]);
        push(&mut mixer, 1, 5, 1);
        assert_eq!(taken(&mut mixer), [(5, 1)]);
        // Back again, and in step again.
        push(&mut mixer, 2, 7, 1);
        assert_eq!(taken(&mut mixer), []);
        push(&mut mixer, 1, 5, 1);
        assert_eq!(taken(&mut mixer), [(12, 1)]);
    }
}
