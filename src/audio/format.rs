//! The format of audio: encoding, sample rate, channels and duration.

use std::time::Duration;

use super::Error;

/// The lowest sample rate in Hz: below it, speech is unintelligible.
pub(super) const MIN_RATE: u32 = 4_000;
/// The highest sample rate in Hz: no provider accepts more.
pub(super) const MAX_RATE: u32 = 192_000;
/// The most channels.
pub(super) const MAX_CHANNELS: u16 = 16;

/// An encoding of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Signed 16-bit little-endian.
    Linear16,
    /// G.711 mu-law, one byte a sample.
    Mulaw,
    /// G.711 A-law, one byte a sample.
    Alaw,
    /// 16-bit PCM behind a RIFF header.
    Wav,
    /// MPEG-1 or -2 layer III.
    Mp3,
    /// Opus in Ogg.
    Opus,
    /// FLAC.
    Flac,
    /// AAC in ADTS frames.
    Aac,
}

impl Encoding {
    /// Parses a name, in any case. Of names with a vendor's numbers, such as `mp3_44100_128`, the first part counts.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let word = match name.split_once('_') {
            Some((word, numbers)) if numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') => word,
            _ => &name,
        };
        Some(match word {
            "linear16" | "pcm" | "pcm_s16le" => Self::Linear16,
            "mulaw" | "ulaw" | "pcm_mulaw" => Self::Mulaw,
            "alaw" | "pcm_alaw" => Self::Alaw,
            "wav" => Self::Wav,
            "mp3" | "mpeg" => Self::Mp3,
            "opus" | "ogg" => Self::Opus,
            "flac" => Self::Flac,
            "aac" => Self::Aac,
            _ => return None,
        })
    }

    /// Returns the name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear16 => "linear16",
            Self::Mulaw => "mulaw",
            Self::Alaw => "alaw",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Flac => "flac",
            Self::Aac => "aac",
        }
    }

    /// Returns the bytes of one sample. `None` for WAV and compressed encodings.
    pub fn sample_bytes(self) -> Option<usize> {
        match self {
            Self::Linear16 => Some(2),
            Self::Mulaw | Self::Alaw => Some(1),
            Self::Wav | Self::Mp3 | Self::Opus | Self::Flac | Self::Aac => None,
        }
    }

    /// Returns the media type of a body in this encoding.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Linear16 => "audio/pcm",
            Self::Mulaw => "audio/basic",
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/ogg",
            Self::Alaw | Self::Flac | Self::Aac => "application/octet-stream",
        }
    }
}

/// An encoding with its sample rate and its number of interleaved channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// The encoding of a sample.
    pub encoding: Encoding,
    /// Samples per second of each channel.
    pub sample_rate: u32,
    /// The number of channels, interleaved.
    pub channels: u16,
}

impl Format {
    /// Returns a format with one channel.
    pub fn mono(encoding: Encoding, sample_rate: u32) -> Self {
        Self { encoding, sample_rate, channels: 1 }
    }

    /// Rejects rates and numbers of channels that are out of range, before they are used to divide or allocate.
    pub fn checked(self) -> Result<Self, Error> {
        if !(MIN_RATE..=MAX_RATE).contains(&self.sample_rate) {
            return Err(Error::Rate(self.sample_rate));
        }
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            return Err(Error::Channels(self.channels));
        }
        Ok(self)
    }

    /// Returns the bytes of one sample of all channels. `None` for a compressed format.
    pub fn frame_bytes(&self) -> Option<usize> {
        self.encoding.sample_bytes().map(|bytes| bytes * usize::from(self.channels))
    }

    /// Returns the bytes per second. `None` for a compressed format.
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.frame_bytes().map(|bytes| bytes as u64 * u64::from(self.sample_rate))
    }

    /// Returns the duration of `bytes` bytes. `None` for a compressed format.
    pub fn duration(&self, bytes: usize) -> Option<Duration> {
        let rate = self.bytes_per_second().filter(|rate| *rate > 0)?;
        let (seconds, rest) = (bytes as u64 / rate, bytes as u64 % rate);
        // The rest is less than a second, so the product is small.
        Some(Duration::from_secs(seconds) + Duration::from_nanos(rest * 1_000_000_000 / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_names_are_parsed_in_any_spelling() {
        for (name, encoding) in [
            ("linear16", Encoding::Linear16),
            ("PCM", Encoding::Linear16),
            ("pcm_s16le", Encoding::Linear16),
            ("pcm_24000", Encoding::Linear16),
            ("ulaw", Encoding::Mulaw),
            ("ulaw_8000", Encoding::Mulaw),
            ("MuLaw", Encoding::Mulaw),
            ("alaw", Encoding::Alaw),
            ("wav", Encoding::Wav),
            ("mpeg", Encoding::Mp3),
            ("mp3_44100_128", Encoding::Mp3),
            ("ogg", Encoding::Opus),
            ("opus", Encoding::Opus),
            (" flac ", Encoding::Flac),
            ("aac", Encoding::Aac),
        ] {
            assert_eq!(Encoding::parse(name), Some(encoding), "{name}");
            assert_eq!(Encoding::parse(encoding.name()), Some(encoding));
        }
        for name in ["", "_", "mp4", "linear 16", "pcm_f32le", "mp3_best", "16000"] {
            assert_eq!(Encoding::parse(name), None, "{name}");
        }
    }

    #[test]
    fn format_converts_bytes_to_duration() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(format.duration(3_200), Some(Duration::from_millis(100)));
        assert_eq!(Format { channels: 2, ..format }.duration(3_200), Some(Duration::from_millis(50)));
        assert_eq!(Format::mono(Encoding::Mulaw, 8_000).duration(80), Some(Duration::from_millis(10)));
        assert_eq!(Format::mono(Encoding::Mp3, 44_100).duration(80), None);
        assert_eq!(Format::mono(Encoding::Alaw, 8_000).duration(usize::MAX).map(|d| d.as_secs() > 0), Some(true));
    }

    #[test]
    fn format_rejects_numbers_out_of_range() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(format.checked(), Ok(format));
        assert_eq!(Format { sample_rate: 0, ..format }.checked(), Err(Error::Rate(0)));
        assert_eq!(Format { sample_rate: u32::MAX, ..format }.checked(), Err(Error::Rate(u32::MAX)));
        assert_eq!(Format { channels: 0, ..format }.checked(), Err(Error::Channels(0)));
        assert_eq!(Format { channels: 17, ..format }.checked(), Err(Error::Channels(17)));
    }
}
