//! From the tracks of a room to what a session hears, and from what it says to its own track.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::link::WIRE;
use super::mixer::Mixer;
use crate::audio::{Converter, Error, Format, Framer};

/// Everybody who is listened to, as one, in the session's form.
#[derive(Debug)]
pub(super) struct Ears {
    mixer: Mixer,
    converter: Converter,
    /// Of one sample.
    bytes: usize,
    channels: usize,
}

impl Ears {
    pub(super) fn new(heard: Format) -> Result<Self, Error> {
        let heard = heard.checked()?;
        let converter = Converter::new(WIRE, heard.encoding, heard.sample_rate)?;
        let bytes = heard.encoding.sample_bytes().unwrap_or(1);
        Ok(Self { mixer: Mixer::default(), converter, bytes, channels: heard.channels.into() })
    }

    /// Takes samples of a track, and gives what can be told by now.
    pub(super) fn push(&mut self, track: u64, samples: &[u8]) -> Bytes {
        self.mixer.push(track, samples);
        let one = self.converter.push(self.mixer.take());
        if self.channels == 1 {
            return one;
        }
        // Who says that there are several hears the same in each.
        let samples = one.chunks_exact(self.bytes);
        samples.flat_map(|sample| std::iter::repeat_n(sample, self.channels)).flatten().copied().collect()
    }

    pub(super) fn remove(&mut self, track: u64) {
        self.mixer.remove(track);
    }
}

/// Speech on its way to the track, in frames of 10 ms.
#[derive(Debug)]
pub(super) struct Mouth {
    spoken: Format,
    converter: Converter,
    framer: Framer,
    frames: VecDeque<Bytes>,
}

impl Mouth {
    pub(super) fn new(spoken: Format) -> Result<Self, Error> {
        let converter = Converter::new(spoken, WIRE.encoding, WIRE.sample_rate)?;
        Ok(Self { spoken, converter, framer: Framer::new(&WIRE), frames: VecDeque::new() })
    }

    pub(super) fn push(&mut self, speech: Bytes) {
        let converted = self.converter.push(speech);
        self.frames.extend(self.framer.push(converted));
    }

    /// The utterance has ended: what the filter still holds is its end, and not the beginning of the next.
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

    /// Drops what waits.
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
        // It has been made once; and the old one would do, at the cost of a few milliseconds of what it holds.
        if let Ok(Self { converter, framer, .. }) = Self::new(self.spoken) {
            (self.converter, self.framer) = (converter, framer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Encoding;

    #[test]
    fn speech_becomes_whole_frames_and_ends_whole() {
        let mut mouth = Mouth::new(Format::mono(Encoding::Linear16, 16_000)).unwrap();
        mouth.push(Bytes::from(vec![1; 16_000 * 2 / 4 + 2]));
        mouth.end();
        let frames: Vec<Bytes> = std::iter::from_fn(|| mouth.next()).collect();
        assert!(frames.iter().all(|frame| frame.len() == 960));
        // A quarter of a second, and a sample more.
        assert_eq!(frames.len(), 26);
        mouth.push(Bytes::from(vec![1; 32_000]));
        mouth.clear();
        mouth.end();
        assert!(mouth.is_empty() && mouth.next().is_none());
    }

    #[test]
    fn who_hears_in_stereo_hears_the_same_twice() {
        let stereo = Format { encoding: Encoding::Linear16, sample_rate: 48_000, channels: 2 };
        let mut ears = Ears::new(stereo).unwrap();
        assert_eq!(ears.push(1, &[1, 2, 3, 4]), [1, 2, 1, 2, 3, 4, 3, 4][..]);
        let mut telephone = Ears::new(Format::mono(Encoding::Mulaw, 8_000)).unwrap();
        let bytes: usize = (0..100).map(|_| telephone.push(1, &[0; 960]).len()).sum();
        // The filter keeps some milliseconds.
        assert!((7_900..=8_000).contains(&bytes), "{bytes}");
        assert!(Ears::new(Format::mono(Encoding::Mp3, 44_100)).is_err());
    }
}
