//! Plays the loading sound of a room: a clip in a loop, mixed under speech.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::clip::Clip;
use super::transport::WIRE;

/// The number of samples in 10 ms.
const FRAME: usize = WIRE.sample_rate as usize / 100;

/// The length of the fade-out, in samples: 30 ms, upstream's value.
const FADE: u16 = 1_440;

/// The state of the loading sound.
#[derive(Debug, Default)]
pub(super) struct Loading {
    clip: Option<Clip>,
    on: bool,
    /// The index of the clip's next sample.
    at: usize,
    /// The volume, from 0 (silent) to [`FADE`].
    level: u16,
}

impl Loading {
    /// Starts a clip. One that is playing goes on, and one that is fading out comes back from where it is.
    pub(super) fn start(&mut self, clip: Clip) {
        if !self.sounds() {
            (self.at, self.level) = (0, FADE);
        }
        (self.clip, self.on) = (Some(clip), true);
    }

    /// Fades the clip out.
    pub(super) fn stop(&mut self) {
        self.on = false;
    }

    /// Returns whether the clip is audible.
    pub(super) fn sounds(&self) -> bool {
        self.level > 0
    }

    /// Returns the next 10 ms: speech, the clip, or both. None if there is neither.
    pub(super) fn under(&mut self, speech: Option<Bytes>) -> Option<Bytes> {
        if !self.sounds() {
            return speech;
        }
        let speech = speech.unwrap_or_default();
        let mut said = speech.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample));
        let mut frame = BytesMut::with_capacity(FRAME * 2);
        for _ in 0..FRAME {
            frame.put_i16_le(said.next().unwrap_or_default().saturating_add(self.sample()));
        }
        Some(frame.freeze())
    }

    fn sample(&mut self) -> i16 {
        self.level = if self.on { FADE.min(self.level + 1) } else { self.level.saturating_sub(1) };
        let samples = self.clip.as_ref().map_or(&[][..], |clip| &*clip.0);
        let sample = samples.get(self.at).copied().unwrap_or_default();
        self.at = if self.at + 1 < samples.len() { self.at + 1 } else { 0 };
        let softer = i32::from(sample) * i32::from(self.level) / i32::from(FADE);
        i16::try_from(softer).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three and a half frames, each sample another.
    const LENGTH: i16 = 1_680;

    fn started() -> Loading {
        let mut loading = Loading::default();
        loading.start(clip());
        loading
    }

    fn clip() -> Clip {
        Clip((0..LENGTH).map(|n| n * 10 + 100).collect())
    }

    /// Returns the next frames without speech.
    fn heard(loading: &mut Loading, frames: usize) -> Vec<i16> {
        let frames = std::iter::from_fn(|| loading.under(None)).take(frames);
        frames.flat_map(|frame| samples(&frame)).collect()
    }

    fn samples(frame: &[u8]) -> Vec<i16> {
        frame.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
    }

    fn speech(value: i16) -> Bytes {
        std::iter::repeat_n(value.to_le_bytes(), FRAME).flatten().collect()
    }

    #[test]
    fn speech_without_a_loading_sound_is_unchanged() {
        let mut loading = Loading::default();
        let said = speech(5);
        assert_eq!(loading.under(Some(said.clone())).unwrap().as_ptr(), said.as_ptr());
        loading.stop();
        assert_eq!((loading.under(None), loading.sounds()), (None, false));
    }

    #[test]
    fn loading_sound_loops_without_a_seam() {
        let mut loading = started();
        let mut all = heard(&mut loading, 5);
        // A second time changes nothing.
        loading.start(clip());
        all.extend(heard(&mut loading, 5));
        let expected: Vec<i16> = clip().0.iter().copied().cycle().take(10 * FRAME).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn loading_sound_is_added_to_speech_without_overflow() {
        let mut loading = started();
        let expected: Vec<i16> = clip().0[..FRAME].iter().map(|sample| sample - 500).collect();
        assert_eq!(samples(&loading.under(Some(speech(-500))).unwrap()), expected);
        assert_eq!(samples(&loading.under(Some(speech(i16::MAX))).unwrap()), [i16::MAX; FRAME]);
        // The clip has gone on under speech.
        assert_eq!(heard(&mut loading, 1), clip().0[2 * FRAME..3 * FRAME]);
    }

    #[test]
    fn loading_sound_fades_out_and_restarts_from_its_beginning() {
        let mut loading = started();
        heard(&mut loading, 3);
        loading.stop();
        let faded: Vec<i16> = std::iter::from_fn(|| loading.under(None)).flat_map(|frame| samples(&frame)).collect();
        let full = clip().0.to_vec();
        let from = full.iter().cycle().skip(3 * FRAME).take(FADE.into());
        let expected: Vec<i16> = from
            .zip((0..i32::from(FADE)).rev())
            .map(|(sample, level)| i16::try_from(i32::from(*sample) * level / 1_440).unwrap())
            .collect();
        assert_eq!(faded, expected);
        assert!(!loading.sounds());
        loading.start(clip());
        assert_eq!(heard(&mut loading, 1), full[..FRAME]);
    }

    #[test]
    fn loading_sound_may_come_back_while_it_fades_under_speech() {
        let mut loading = Loading::default();
        let flat = Clip([1_440; FRAME].into());
        loading.start(flat.clone());
        loading.stop();
        let first = samples(&loading.under(Some(speech(1))).unwrap());
        assert_eq!((first[0], first[FRAME - 1]), (1_440, 961));
        loading.start(flat);
        let second = heard(&mut loading, 2);
        assert_eq!((second[0], second[FRAME - 1], second[FRAME]), (961, 1_440, 1_440));
    }
}
