//! What a stream of bytes means, and how long it sounds.

use std::time::Duration;

use super::Error;

/// Below this, speech cannot be understood.
pub(super) const MIN_RATE: u32 = 4_000;
/// Above this, no device records and no provider takes.
pub(super) const MAX_RATE: u32 = 192_000;
/// More channels than one microphone array has.
pub(super) const MAX_CHANNELS: u16 = 16;

/// How samples are written as bytes.
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
    /// Reads a name as clients write it, in any case. Names with a vendor's numbers behind them, such as `mp3_44100_128`,
    /// mean their first part.
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

    /// The name that is used in messages.
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

    /// Bytes of one sample; none where a byte has no fixed length.
    pub fn sample_bytes(self) -> Option<usize> {
        match self {
            Self::Linear16 => Some(2),
            Self::Mulaw | Self::Alaw => Some(1),
            Self::Wav | Self::Mp3 | Self::Opus | Self::Flac | Self::Aac => None,
        }
    }

    /// The media type of a body in this encoding.
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

/// An encoding with its rate and channels (interleaved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// How a sample is written.
    pub encoding: Encoding,
    /// Samples a second of each channel.
    pub sample_rate: u32,
    /// Channels, one after the other in each frame.
    pub channels: u16,
}

impl Format {
    /// One channel.
    pub fn mono(encoding: Encoding, sample_rate: u32) -> Self {
        Self { encoding, sample_rate, channels: 1 }
    }

    /// Refuses numbers that no audio has, before anything is divided or allocated by them.
    pub fn checked(self) -> Result<Self, Error> {
        if !(MIN_RATE..=MAX_RATE).contains(&self.sample_rate) {
            return Err(Error::Rate(self.sample_rate));
        }
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            return Err(Error::Channels(self.channels));
        }
        Ok(self)
    }

    /// Bytes of one sample of every channel; none for a compressed format.
    pub fn frame_bytes(&self) -> Option<usize> {
        self.encoding.sample_bytes().map(|bytes| bytes * usize::from(self.channels))
    }

    /// Bytes a second; none for a compressed format.
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.frame_bytes().map(|bytes| bytes as u64 * u64::from(self.sample_rate))
    }

    /// How long `bytes` bytes sound; none for a compressed format.
    pub fn duration(&self, bytes: usize) -> Option<Duration> {
        let rate = self.bytes_per_second().filter(|rate| *rate > 0)?;
        let (seconds, rest) = (bytes as u64 / rate, bytes as u64 % rate);
        // Below one second of bytes, so that the product is small.
        Some(Duration::from_secs(seconds) + Duration::from_nanos(rest * 1_000_000_000 / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_spelling() {
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
    fn bytes_and_time_agree() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(format.duration(3_200), Some(Duration::from_millis(100)));
        assert_eq!(Format { channels: 2, ..format }.duration(3_200), Some(Duration::from_millis(50)));
        assert_eq!(Format::mono(Encoding::Mulaw, 8_000).duration(80), Some(Duration::from_millis(10)));
        assert_eq!(Format::mono(Encoding::Mp3, 44_100).duration(80), None);
        assert_eq!(Format::mono(Encoding::Alaw, 8_000).duration(usize::MAX).map(|d| d.as_secs() > 0), Some(true));
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let format = Format::mono(Encoding::Linear16, 16_000);
        assert_eq!(format.checked(), Ok(format));
        assert_eq!(Format { sample_rate: 0, ..format }.checked(), Err(Error::Rate(0)));
        assert_eq!(Format { sample_rate: u32::MAX, ..format }.checked(), Err(Error::Rate(u32::MAX)));
        assert_eq!(Format { channels: 0, ..format }.checked(), Err(Error::Channels(0)));
        assert_eq!(Format { channels: 17, ..format }.checked(), Err(Error::Channels(17)));
    }
}
