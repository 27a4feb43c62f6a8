//! A loading sound: from what a client writes to samples.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::task::yield_now;

use super::transport::WIRE;
use crate::audio::{Converter, Encoding, Error, Format, wav};
use crate::room::media::LoadingAudio;

/// What is taken; upstream's limits. Longer than the longest, in two channels at the highest rate, nothing can be.
const RATES: RangeInclusive<u32> = 8_000..=48_000;
const LENGTHS: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(10);
const MOST: usize = 1_920_000;

/// What a WAV file may have around its audio.
const AROUND: usize = 64 * 1024;

/// Why a loading sound is not played.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClipError {
    /// Neither of the two.
    #[error("its format is neither wav nor pcm")]
    Format,
    /// More than could be played.
    #[error("its data has {0} bytes, {MOST} are the most")]
    TooLarge(usize),
    /// Not bytes.
    #[error("its data is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Something else than its format says.
    #[error("its data is no WAV file: it does not begin with RIFF")]
    NotWav,
    /// A WAV file that cannot be read.
    #[error(transparent)]
    Audio(#[from] Error),
    /// A WAV file of telephones.
    #[error("its samples are {0}, 16-bit PCM is taken")]
    Encoding(&'static str),
    /// Samples of no known rate.
    #[error("pcm needs a sample_rate")]
    NoRate,
    /// A rate outside of what is taken.
    #[error("its sample rate is {0} Hz, {min} to {max} are taken", min = RATES.start(), max = RATES.end())]
    Rate(u32),
    /// More than the two sides of a head, or none.
    #[error("it has {0} channels, 1 or 2 are taken")]
    Channels(u16),
    /// Too short to be looped, or too long to be kept.
    #[error("it is {0:?} long, {min:?} to {max:?} are taken", min = LENGTHS.start(), max = LENGTHS.end())]
    Length(Duration),
}

/// Samples at [`WIRE`]'s rate, at least a quarter of a second of them.
#[derive(Debug, Clone)]
pub(super) struct Clip(pub(super) Arc<[i16]>);

impl Clip {
    /// Decodes it, and makes it as loud as it shall be.
    pub(super) async fn new(sound: &LoadingAudio) -> Result<Self, ClipError> {
        let (format, mut audio) = read(sound)?;
        let volume = sound.volume.unwrap_or(1.0).clamp(0.0, 1.0);
        let mut converter = Converter::new(format, WIRE.encoding, WIRE.sample_rate)?;
        let quarter = format.sample_rate as usize * format.frame_bytes().unwrap_or(1) / 4;
        let mut samples = Vec::new();
        // A quarter of a second at a time: everybody else's work comes between.
        while !audio.is_empty() {
            let piece = audio.split_to(audio.len().min(quarter));
            append(&mut samples, &converter.push(piece), volume);
            yield_now().await;
        }
        append(&mut samples, &converter.finish(), volume);
        Ok(Self(samples.into()))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "softer than a sample is a sample")]
fn append(samples: &mut Vec<i16>, bytes: &[u8], volume: f32) {
    let read = bytes.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample));
    samples.extend(read.map(|sample| (f32::from(sample) * volume).round() as i16));
}

/// Whole frames of 16-bit samples, within what is taken.
fn read(sound: &LoadingAudio) -> Result<(Format, Bytes), ClipError> {
    let LoadingAudio { data, format, sample_rate, channels, .. } = sound;
    let named = |name: &str| format.as_ref().is_some_and(|format| format.eq_ignore_ascii_case(name));
    if format.is_some() && !named("wav") && !named("pcm") {
        return Err(ClipError::Format);
    }
    let bytes = data.len() / 4 * 3;
    if bytes > MOST + AROUND {
        return Err(ClipError::TooLarge(bytes));
    }
    let data = Bytes::from(STANDARD.decode(data)?);
    let riff = data.starts_with(b"RIFF");
    let (format, mut audio) = if named("wav") && !riff {
        return Err(ClipError::NotWav);
    } else if riff && !named("pcm") {
        let mut reader = wav::Reader::new(WIRE);
        let audio = reader.push(data)?;
        (reader.format(), audio)
    } else {
        let sample_rate = sample_rate.ok_or(ClipError::NoRate)?;
        (Format { encoding: Encoding::Linear16, sample_rate, channels: channels.unwrap_or(1) }, data)
    };
    check(format)?;
    let frame = format.frame_bytes().unwrap_or(1);
    audio.truncate(audio.len() - audio.len() % frame);
    let length = format.duration(audio.len()).unwrap_or_default();
    if LENGTHS.contains(&length) { Ok((format, audio)) } else { Err(ClipError::Length(length)) }
}

fn check(format: Format) -> Result<(), ClipError> {
    let Format { encoding, sample_rate, channels } = format;
    if encoding != Encoding::Linear16 {
        Err(ClipError::Encoding(encoding.name()))
    } else if !RATES.contains(&sample_rate) {
        Err(ClipError::Rate(sample_rate))
    } else if !(1..=2).contains(&channels) {
        Err(ClipError::Channels(channels))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As many samples as a quarter of a second has at 48 kHz, each another.
    fn ramp() -> Vec<i16> {
        (-6_000..6_000).collect()
    }

    fn bytes(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    fn pcm(audio: &[u8], sample_rate: u32, channels: u16) -> LoadingAudio {
        let (data, sample_rate, channels) = (STANDARD.encode(audio), Some(sample_rate), Some(channels));
        LoadingAudio { data, format: Some("pcm".to_owned()), sample_rate, channels, volume: None }
    }

    fn wav(format: Format, audio: &[u8]) -> LoadingAudio {
        let header = wav::header(&format, Some(audio.len().try_into().unwrap())).unwrap();
        let data = STANDARD.encode([&header[..], audio].concat());
        LoadingAudio { data, format: None, sample_rate: None, channels: None, volume: None }
    }

    async fn samples(sound: &LoadingAudio) -> Vec<i16> {
        Clip::new(sound).await.unwrap().0.to_vec()
    }

    #[tokio::test]
    async fn both_formats_are_the_same_samples() {
        let audio = bytes(&ramp());
        assert_eq!(samples(&pcm(&audio, 48_000, 1)).await, ramp());
        let file = wav(WIRE, &audio);
        assert_eq!(samples(&file).await, ramp());
        // A header counts more than what is said beside it; and half a sample is none.
        let (format, cut) = (Some("WAV".to_owned()), [&audio[..], &[1]].concat());
        let other = LoadingAudio { format, sample_rate: Some(8_000), channels: Some(2), ..file };
        assert_eq!(samples(&other).await, ramp());
        let guessed = LoadingAudio { format: None, channels: None, ..pcm(&cut, 48_000, 1) };
        assert_eq!(samples(&guessed).await, ramp());
        // What is said to be no file is none.
        let raw = [&b"RIFF"[..], &audio].concat();
        assert_eq!(samples(&pcm(&raw, 48_000, 1)).await[2..], ramp());
    }

    #[tokio::test]
    async fn channels_and_rates_become_those_of_the_room() {
        let stereo: Vec<i16> = ramp().into_iter().flat_map(|sample| [sample - 5, sample + 5]).collect();
        assert_eq!(samples(&pcm(&bytes(&stereo), 48_000, 2)).await, ramp());
        let stereo = Format { channels: 2, ..WIRE };
        assert_eq!(samples(&wav(stereo, &bytes(&vec![7; 24_000]))).await, vec![7; 12_000]);
        for rate in [8_000, 16_000, 22_050, 44_100] {
            let second = vec![1_000; rate as usize];
            let clip = samples(&pcm(&bytes(&second), rate, 1)).await;
            assert_eq!(clip.len(), 48_000, "{rate}");
            // The ends of a filter ring.
            assert!(clip[500..47_500].iter().all(|sample| sample.abs_diff(1_000) < 5), "{rate}");
        }
    }

    #[tokio::test]
    async fn it_is_as_loud_as_it_shall_be_and_never_louder_than_it_was() {
        let loud = [i16::MIN, i16::MAX].repeat(6_000);
        for (volume, expected) in [
            (0.5, [-16_384, 16_384]),
            (0.0, [0, 0]),
            (-1.0, [0, 0]),
            (1.0, [i16::MIN, i16::MAX]),
            (9.0, [i16::MIN, i16::MAX]),
        ] {
            let sound = LoadingAudio { volume: Some(volume), ..pcm(&bytes(&loud), 48_000, 1) };
            assert_eq!(samples(&sound).await[..2], expected, "{volume}");
        }
    }

    #[test]
    fn what_cannot_be_played_is_refused_with_the_reason() {
        let audio = bytes(&ramp());
        let sound = || pcm(&audio, 48_000, 1);
        let named = |name: &str| LoadingAudio { format: Some(name.to_owned()), ..sound() };
        let mulaw = Format { encoding: Encoding::Mulaw, ..WIRE };
        let mut float = [&wav::header(&WIRE, None).unwrap()[..], &audio].concat();
        float[20] = 3;
        let float = LoadingAudio { format: None, ..pcm(&float, 48_000, 1) };
        let rate = |sample_rate| wav(Format { sample_rate, ..WIRE }, &audio);
        for (sound, reason) in [
            (named("mp3"), "its format is neither wav nor pcm"),
            (named("wav"), "its data is no WAV file: it does not begin with RIFF"),
            (
                LoadingAudio { data: "a clip".to_owned(), ..sound() },
                "its data is not base64: Invalid symbol 32, offset 1.",
            ),
            (
                LoadingAudio { data: "A".repeat(2_700_000), ..sound() },
                "its data has 2025000 bytes, 1920000 are the most",
            ),
            (float, "not a WAV file that can be read: neither 16-bit PCM nor A-law nor mu-law"),
            (wav(mulaw, &audio), "its samples are mulaw, 16-bit PCM is taken"),
            (LoadingAudio { sample_rate: None, ..sound() }, "pcm needs a sample_rate"),
            (LoadingAudio { sample_rate: None, format: None, ..sound() }, "pcm needs a sample_rate"),
            (pcm(&audio, 7_999, 1), "its sample rate is 7999 Hz, 8000 to 48000 are taken"),
            (pcm(&audio, 48_001, 1), "its sample rate is 48001 Hz, 8000 to 48000 are taken"),
            (rate(96_000), "its sample rate is 96000 Hz, 8000 to 48000 are taken"),
            (pcm(&audio, 48_000, 0), "it has 0 channels, 1 or 2 are taken"),
            (pcm(&audio, 48_000, 3), "it has 3 channels, 1 or 2 are taken"),
            (wav(Format { channels: 4, ..WIRE }, &audio), "it has 4 channels, 1 or 2 are taken"),
            (pcm(&audio[..23_904], 48_000, 1), "it is 249ms long, 250ms to 10s are taken"),
            (pcm(&vec![0; 160_016], 8_000, 1), "it is 10.001s long, 250ms to 10s are taken"),
            (pcm(b"RIFF", 48_000, 1), "it is 41.666µs long, 250ms to 10s are taken"),
            (LoadingAudio { format: None, ..pcm(b"RIFF", 48_000, 1) }, "it is 0ns long, 250ms to 10s are taken"),
        ] {
            assert_eq!(read(&sound).map_err(|error| error.to_string()).unwrap_err(), reason);
        }
    }

    #[test]
    fn the_longest_is_taken() {
        let (stereo, audio) = (Format { channels: 2, ..WIRE }, vec![0; MOST]);
        assert_eq!(read(&wav(stereo, &audio)).unwrap(), (stereo, Bytes::from(audio)));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_within_the_limits(
            begin in prop::sample::select(vec![&b""[..], b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0"]),
            bytes in prop::collection::vec(any::<u8>(), 0..6_000),
            format in prop::option::of(prop::sample::select(vec!["wav", "pcm", "PCM", "mp3"])),
            sample_rate in prop::option::of(7_000_u32..50_000),
            channels in prop::option::of(0_u16..4),
        ) {
            let (data, format) = (STANDARD.encode([begin, &bytes].concat()), format.map(str::to_owned));
            if let Ok((format, audio)) = read(&LoadingAudio { data, format, sample_rate, channels, volume: None }) {
                prop_assert!(check(format).is_ok());
                prop_assert!(LENGTHS.contains(&format.duration(audio.len()).unwrap()));
                prop_assert_eq!(audio.len() % format.frame_bytes().unwrap(), 0);
            }
        }
    }
}
