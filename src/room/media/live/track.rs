//! The audio of a session in a room: from the tracks of participants to the session, and from the session to its own track.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::loading::Loading;
use super::mixer::Mixer;
use super::transport::{PLAYOUT_BUFFER_MS, WIRE};
use crate::audio::{Converter, Error, Format, Framer};
use crate::room::media::AudioFormats;

/// The duration of a frame.
const FRAME: Duration = Duration::from_millis(10);

/// How far ahead of its playback the loading sound is sent while there is no speech. The first speech is delayed by this time. A
/// machine that is busy for longer makes a gap in the sound, which is less disturbing than one in speech.
const PLAYOUT_LEAD: Duration = Duration::from_millis(50);

/// The audio of one session, owned by its task.
#[derive(Debug)]
pub(super) struct Audio {
    pub(super) input: RoomInput,
    pub(super) output: RoomOutput,
    pub(super) loading: Loading,
    /// When the audio that was sent to the track has been played.
    played_until: Option<Instant>,
    /// When the last speech that must not be dropped has been played.
    kept_until: Option<Instant>,
}

impl Audio {
    pub(super) fn new(formats: AudioFormats) -> Result<Self, Error> {
        let (input, output) = (RoomInput::new(formats.input)?, RoomOutput::new(formats.output)?);
        Ok(Self { input, output, loading: Loading::default(), played_until: None, kept_until: None })
    }

    /// Returns whether the loading sound plays without speech.
    pub(super) fn is_loading_alone(&self) -> bool {
        self.loading.sounds() && self.output.is_empty()
    }

    /// Returns when the next frame of the loading sound is due. None if it is due already, or if there is speech or no sound.
    pub(super) fn due(&self) -> Option<Instant> {
        self.played_until.filter(|_| self.is_loading_alone()).and_then(|until| until.checked_sub(PLAYOUT_LEAD))
    }

    /// Returns the next frame for the track, if one is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Bytes> {
        if self.due().is_some_and(|due| due > now) {
            return None;
        }
        let speech = self.output.next();
        if speech.is_some() && self.output.kept {
            self.kept_until = Some(now + Duration::from_millis(PLAYOUT_BUFFER_MS.into()));
        }
        let frame = self.loading.under(speech)?;
        self.played_until = Some(self.played_until.map_or(now, |until| until.max(now)) + FRAME);
        Some(frame)
    }

    /// Drops queued speech, unless it must be kept. Returns whether the buffer of the transport may be dropped too.
    pub(super) fn clear(&mut self, now: Instant) -> bool {
        if !self.output.kept {
            self.output.clear();
        }
        let free = self.kept_until.is_none_or(|kept| kept <= now);
        self.played_until = self.played_until.filter(|_| !free);
        free
    }
}

/// The tracks of participants, mixed into one and converted to the session's input format.
#[derive(Debug)]
pub(super) struct RoomInput {
    mixer: Mixer,
    converter: Converter,
    /// The size of one sample.
    bytes: usize,
    channels: usize,
}

impl RoomInput {
    pub(super) fn new(format: Format) -> Result<Self, Error> {
        let format = format.checked()?;
        let converter = Converter::new(WIRE, format.encoding, format.sample_rate)?;
        let bytes = format.encoding.sample_bytes().unwrap_or(1);
        Ok(Self { mixer: Mixer::default(), converter, bytes, channels: format.channels.into() })
    }

    /// Adds samples of a track. Returns the mixed audio that is complete.
    pub(super) fn push(&mut self, track: u64, samples: &[u8]) -> Bytes {
        self.mixer.push(track, samples);
        let one = self.converter.push(self.mixer.take());
        if self.channels == 1 {
            return one;
        }
        // Each channel gets the same samples.
        let samples = one.chunks_exact(self.bytes);
        samples.flat_map(|sample| std::iter::repeat_n(sample, self.channels)).flatten().copied().collect()
    }

    pub(super) fn remove(&mut self, track: u64) {
        self.mixer.remove(track);
    }
}

/// The session's speech, converted to frames of 10 ms for the track.
#[derive(Debug)]
pub(super) struct RoomOutput {
    format: Format,
    converter: Converter,
    framer: Framer,
    frames: VecDeque<Bytes>,
    /// Whether the latest speech must not be dropped.
    kept: bool,
}

impl RoomOutput {
    pub(super) fn new(format: Format) -> Result<Self, Error> {
        let converter = Converter::new(format, WIRE.encoding, WIRE.sample_rate)?;
        Ok(Self { format, converter, framer: Framer::new(&WIRE), frames: VecDeque::new(), kept: false })
    }

    /// Adds speech. If `kept` is true it must not be dropped.
    pub(super) fn push(&mut self, speech: Bytes, kept: bool) {
        self.kept = kept;
        let converted = self.converter.push(speech);
        self.frames.extend(self.framer.push(converted));
    }

    /// Ends the utterance, so that samples in the resampling filter are not carried over into the next one.
    pub(super) fn end(&mut self) {
        let rest = self.converter.finish();
        self.frames.extend(self.framer.push(rest));
        if let Some(last) = self.framer.finish() {
            let mut whole = BytesMut::from(last);
            whole.resize(WIRE.frame_bytes().unwrap_or(1) * WIRE.sample_rate as usize / 100, 0);
            self.frames.push_back(whole.freeze());
        }
        self.begin();
    }

    /// Drops queued frames.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.begin();
    }

    pub(super) fn next(&mut self) -> Option<Bytes> {
        self.frames.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn begin(&mut self) {
        // Cannot fail, because the format was valid before. The old converter would add a few milliseconds of old speech.
        if let Ok(Self { converter, framer, .. }) = Self::new(self.format) {
            (self.converter, self.framer) = (converter, framer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clip::Clip;
    use super::*;
    use crate::audio::Encoding;

    #[test]
    fn room_output_cuts_speech_into_whole_frames() {
        let mut output = RoomOutput::new(Format::mono(Encoding::Linear16, 16_000)).unwrap();
        output.push(Bytes::from(vec![1; 16_000 * 2 / 4 + 2]), false);
        output.end();
        let frames: Vec<Bytes> = std::iter::from_fn(|| output.next()).collect();
        assert!(frames.iter().all(|frame| frame.len() == 960));
        // A quarter of a second, and a sample more.
        assert_eq!(frames.len(), 26);
        output.push(Bytes::from(vec![1; 32_000]), false);
        output.clear();
        output.end();
        assert!(output.is_empty() && output.next().is_none());
    }

    #[test]
    fn loading_sound_is_sent_50_ms_ahead_and_speech_at_once() {
        let form = Format::mono(Encoding::Linear16, 48_000);
        let mut audio = Audio::new(AudioFormats { input: form, output: form }).unwrap();
        let begun = Instant::now();
        let frames = |audio: &mut Audio, after| std::iter::from_fn(|| audio.next(begun + FRAME * after)).count();
        assert_eq!((audio.next(begun), audio.due()), (None, None));
        audio.loading.start(Clip([1; 500].into()));
        assert_eq!((frames(&mut audio, 0), audio.due()), (6, Some(begun + FRAME)));
        assert_eq!((frames(&mut audio, 1), frames(&mut audio, 1), frames(&mut audio, 3)), (1, 0, 2));
        // Speech is never delayed. The sound alone waits until the speech has been played.
        audio.output.push(Bytes::from(vec![0; 960 * 20]), false);
        assert_eq!((audio.due(), frames(&mut audio, 3)), (None, 20));
        assert_eq!((audio.due(), frames(&mut audio, 23)), (Some(begun + FRAME * 24), 0));
        assert!(audio.clear(begun + FRAME * 23));
        assert_eq!((frames(&mut audio, 23), frames(&mut audio, 1_000)), (6, 6));
        // Fading out ends the sound.
        audio.loading.stop();
        assert_eq!((frames(&mut audio, 2_000), audio.due()), (3, None));
    }

    #[test]
    fn clear_keeps_uninterruptible_speech_in_queue_and_buffer() {
        let form = Format::mono(Encoding::Linear16, 48_000);
        let mut audio = Audio::new(AudioFormats { input: form, output: form }).unwrap();
        let begun = Instant::now();
        audio.output.push(Bytes::from(vec![0; 960 * 2]), true);
        assert!(audio.next(begun).is_some() && !audio.clear(begun) && audio.next(begun).is_some());
        // Speech after it may be dropped, but not the part that is in the transport's buffer.
        audio.output.push(Bytes::from(vec![0; 960 * 2]), false);
        assert!(!audio.clear(begun + FRAME * 19) && audio.next(begun).is_none());
        assert!(audio.clear(begun + FRAME * 20));
    }

    #[test]
    fn room_input_in_stereo_repeats_each_sample() {
        let stereo = Format { encoding: Encoding::Linear16, sample_rate: 48_000, channels: 2 };
        let mut input = RoomInput::new(stereo).unwrap();
        assert_eq!(input.push(1, &[1, 2, 3, 4]), [1, 2, 1, 2, 3, 4, 3, 4][..]);
        let mut telephone = RoomInput::new(Format::mono(Encoding::Mulaw, 8_000)).unwrap();
        let bytes: usize = (0..100).map(|_| telephone.push(1, &[0; 960]).len()).sum();
        // The filter keeps some milliseconds.
        assert!((7_900..=8_000).contains(&bytes), "{bytes}");
        assert!(RoomInput::new(Format::mono(Encoding::Mp3, 44_100)).is_err());
    }
}
