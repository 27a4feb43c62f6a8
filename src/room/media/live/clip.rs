//! Decodes the loading sound of a client into samples.

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

/// The limits of sample rate and duration (upstream's), and the size limit in bytes: 10 s in two channels at the highest rate.
const RATES: RangeInclusive<u32> = 8_000..=48_000;
const LENGTHS: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(10);
const MOST: usize = 1_920_000;

/// The bytes that a WAV file may have besides its audio.
const AROUND: usize = 64 * 1024;

/// Why a loading sound is rejected.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClipError {
    /// The format is neither of the two.
    #[error("unsupported format: use wav or pcm")]
    Format,
    /// The data is larger than the longest clip.
    #[error("data is {0} bytes; the limit is {MOST}")]
    TooLarge(usize),
    /// The data is not base64.
    #[error("data is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// The data is not a WAV file although the format says so.
    #[error("data is not a WAV file: it does not begin with RIFF")]
    NotWav,
    /// The WAV file cannot be parsed.
    #[error(transparent)]
    Audio(#[from] Error),
    /// The WAV file has samples of another kind.
    #[error("unsupported sample format {0}: use 16-bit PCM")]
    Encoding(&'static str),
    /// The sample rate of `pcm` is missing.
    #[error("pcm needs a sample_rate")]
    NoRate,
    /// The sample rate is out of range.
    #[error("sample rate is {0} Hz; use {min} to {max} Hz", min = RATES.start(), max = RATES.end())]
    Rate(u32),
    /// The number of channels is out of range.
    #[error("sound has {0} channels; use 1 or 2")]
    Channels(u16),
    /// The sound is too short or too long.
    #[error("sound is {0:?} long; the limits are {min:?} and {max:?}", min = LENGTHS.start(), max = LENGTHS.end())]
    Length(Duration),
}

/// The samples of a loading sound at the rate of [`WIRE`], at least 0.25 s. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Clip(pub(super) Arc<[i16]>);

impl Clip {
    /// Decodes a sound and applies its volume.
    pub(super) async fn new(sound: &LoadingAudio) -> Result<Self, ClipError> {
        let (format, mut audio) = read(sound)?;
        let volume = sound.volume.unwrap_or(1.0).clamp(0.0, 1.0);
        let mut converter = Converter::new(format, WIRE.encoding, WIRE.sample_rate)?;
        let quarter = format.sample_rate as usize * format.frame_bytes().unwrap_or(1) / 4;
        let mut samples = Vec::new();
        // 0.25 s at a time, so that other tasks run in between.
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

/// Returns the format and the samples in whole frames, if they are within the limits.
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

    /// 0.25 s at 48 kHz, with each sample different.
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
    async fn loading_sound_has_the_same_samples_as_wav_and_pcm() {
        let audio = bytes(&ramp());
        assert_eq!(samples(&pcm(&audio, 48_000, 1)).await, ramp());
        let file = wav(WIRE, &audio);
        assert_eq!(samples(&file).await, ramp());
        // The header takes precedence over the other fields, and half a sample is dropped.
        let (format, cut) = (Some("WAV".to_owned()), [&audio[..], &[1]].concat());
        let other = LoadingAudio { format, sample_rate: Some(8_000), channels: Some(2), ..file };
        assert_eq!(samples(&other).await, ramp());
        let guessed = LoadingAudio { format: None, channels: None, ..pcm(&cut, 48_000, 1) };
        assert_eq!(samples(&guessed).await, ramp());
        // With the format `pcm`, a RIFF header is audio.
        let raw = [&b"RIFF"[..], &audio].concat();
        assert_eq!(samples(&pcm(&raw, 48_000, 1)).await[2..], ramp());
    }

    #[tokio::test]
    async fn loading_sound_is_converted_to_the_rooms_format() {
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
    async fn loading_sound_volume_is_clamped_to_the_original() {
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
    fn invalid_loading_sound_is_rejected_with_the_reason() {
        let audio = bytes(&ramp());
        let sound = || pcm(&audio, 48_000, 1);
        let named = |name: &str| LoadingAudio { format: Some(name.to_owned()), ..sound() };
        let mulaw = Format { encoding: Encoding::Mulaw, ..WIRE };
        let mut float = [&wav::header(&WIRE, None).unwrap()[..], &audio].concat();
        float[20] = 3;
        let float = LoadingAudio { format: None, ..pcm(&float, 48_000, 1) };
        let rate = |sample_rate| wav(Format { sample_rate, ..WIRE }, &audio);
        for (sound, reason) in [
            (named("mp3"), "unsupported format: use wav or pcm"),
            (named("wav"), "data is not a WAV file: it does not begin with RIFF"),
            (LoadingAudio { data: "a clip".to_owned(), ..sound() }, "data is not base64: Invalid symbol 32, offset 1."),
            (LoadingAudio { data: "A".repeat(2_700_000), ..sound() }, "data is 2025000 bytes; the limit is 1920000"),
            (float, "not a supported WAV file: neither 16-bit PCM nor A-law nor mu-law"),
            (wav(mulaw, &audio), "unsupported sample format mulaw: use 16-bit PCM"),
            (LoadingAudio { sample_rate: None, ..sound() }, "pcm needs a sample_rate"),
            (LoadingAudio { sample_rate: None, format: None, ..sound() }, "pcm needs a sample_rate"),
            (pcm(&audio, 7_999, 1), "sample rate is 7999 Hz; use 8000 to 48000 Hz"),
            (pcm(&audio, 48_001, 1), "sample rate is 48001 Hz; use 8000 to 48000 Hz"),
            (rate(96_000), "sample rate is 96000 Hz; use 8000 to 48000 Hz"),
            (pcm(&audio, 48_000, 0), "sound has 0 channels; use 1 or 2"),
            (pcm(&audio, 48_000, 3), "sound has 3 channels; use 1 or 2"),
            (wav(Format { channels: 4, ..WIRE }, &audio), "sound has 4 channels; use 1 or 2"),
            (pcm(&audio[..23_904], 48_000, 1), "sound is 249ms long; the limits are 250ms and 10s"),
            (pcm(&vec![0; 160_016], 8_000, 1), "sound is 10.001s long; the limits are 250ms and 10s"),
            (pcm(b"RIFF", 48_000, 1), "sound is 41.666µs long; the limits are 250ms and 10s"),
            (
                LoadingAudio { format: None, ..pcm(b"RIFF", 48_000, 1) },
                "sound is 0ns long; the limits are 250ms and 10s",
            ),
        ] {
            assert_eq!(read(&sound).map_err(|error| error.to_string()).unwrap_err(), reason);
        }
    }

    #[test]
    fn longest_loading_sound_is_accepted() {
        let (stereo, audio) = (Format { channels: 2, ..WIRE }, vec![0; MOST]);
        assert_eq!(read(&wav(stereo, &audio)).unwrap(), (stereo, Bytes::from(audio)));
    }

    proptest! {
        #[test]
        fn accepted_loading_sound_is_within_the_limits(
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
