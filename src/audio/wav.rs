//! The header of WAV files (RIFF, `fmt ` and `data`): writing one, and reading a stream that begins with one.

use bytes::{Buf as _, Bytes, BytesMut};

use super::{Encoding, Error, Format};

/// Bytes of the header that [`header`] writes.
pub const HEADER: usize = 44;

/// The placeholder for an unknown length. Players then read to the end.
const UNKNOWN: u32 = u32::MAX;

/// The most bytes of chunks before the audio, which are skipped.
const MAX_HEAD: usize = 64 * 1024;
const TOO_LONG: &str = "no audio in its first 64 KiB";

/// Returns the header for `bytes` bytes of audio, or for a stream of unknown length. `None` for a format that WAV cannot hold.
pub fn header(format: &Format, bytes: Option<u32>) -> Option<[u8; HEADER]> {
    let tag: u16 = match format.encoding {
        Encoding::Linear16 | Encoding::Wav => 1,
        Encoding::Alaw => 6,
        Encoding::Mulaw => 7,
        Encoding::Mp3 | Encoding::Opus | Encoding::Flac | Encoding::Aac => return None,
    };
    let sample: u16 = if tag == 1 { 2 } else { 1 };
    let frame = sample * format.channels;
    let data = bytes.unwrap_or(UNKNOWN);
    let riff = bytes.map_or(UNKNOWN, |bytes| bytes.saturating_add(36));
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &riff.to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &tag.to_le_bytes(),
        &format.channels.to_le_bytes(),
        &format.sample_rate.to_le_bytes(),
        &(format.sample_rate * u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        &(sample * 8).to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    fields.concat().try_into().ok()
}

/// Removes the header of a stream. A stream without one passes unchanged, in the expected format.
#[derive(Debug)]
pub struct Reader {
    state: State,
    format: Format,
}

#[derive(Debug)]
enum State {
    /// The bytes before the audio, which has not begun yet.
    Head(BytesMut),
    /// Within the audio, with the bytes that are still to arrive.
    Audio(usize),
}

impl Reader {
    /// Creates a reader. Without a header, the format of the stream is `expected`.
    pub fn new(expected: Format) -> Self {
        Self { state: State::Head(BytesMut::new()), format: expected }
    }

    /// Returns the format. It is that of the header once [`Reader::push`] has returned audio.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Takes a piece and returns the audio in it.
    pub fn push(&mut self, piece: Bytes) -> Result<Bytes, Error> {
        let mut audio = match &mut self.state {
            State::Audio(_) => piece,
            State::Head(head) => {
                head.extend_from_slice(&piece);
                let Some((format, begin, length)) = read_head(head, self.format)? else {
                    return if head.len() > MAX_HEAD {
                        Err(Error::Wav("no audio in its first 64 KiB"))
                    } else {
                        Ok(Bytes::new())
                    };
                };
                let mut audio = std::mem::take(head).freeze();
                audio.advance(begin);
                self.format = format;
                self.state = State::Audio(length);
                audio
            }
        };
        if let State::Audio(left) = &mut self.state {
            // Chunks behind the audio hold titles and the like.
            audio.truncate(*left);
            *left -= audio.len();
        }
        Ok(audio)
    }

    /// Returns the rest behind the end of the stream: a few bytes that were too short to be recognised as a header.
    pub fn finish(&mut self) -> Bytes {
        match &mut self.state {
            State::Head(head) if !head.starts_with(b"RIFF") => std::mem::take(head).freeze(),
            State::Head(_) | State::Audio(_) => Bytes::new(),
        }
    }
}

/// Returns the format, the begin and the length of the audio. `None` while more bytes are needed.
fn read_head(head: &[u8], expected: Format) -> Result<Option<(Format, usize, usize)>, Error> {
    let riff = head.len().min(4);
    if head.get(..riff) != b"RIFF".get(..riff) {
        return Ok(Some((expected, 0, usize::MAX)));
    }
    if head.get(8..12).is_some_and(|form| form != b"WAVE") {
        return Err(Error::Wav("its form is not WAVE"));
    }
    let (mut at, mut format) = (12, None);
    while let (Some(name), Some(length)) = (head.get(at..at + 4), head.get(at + 4..at + 8)) {
        let length = length.try_into().map_or(0, u32::from_le_bytes);
        if name == b"data" {
            let format = format.ok_or(Error::Wav("`data` stands before `fmt `"))?;
            // Writers that cannot seek leave 0 or the largest number.
            let known = length != 0 && length < UNKNOWN - 64;
            return Ok(Some((format, at + 8, if known { length as usize } else { usize::MAX })));
        }
        let Some(end) = (at + 8).checked_add(length as usize).filter(|end| *end <= MAX_HEAD) else {
            return Err(Error::Wav(TOO_LONG));
        };
        if name == b"fmt " {
            let Some(body) = head.get(at + 8..end) else { return Ok(None) };
            format = Some(read_format(body)?);
        }
        // Chunks are padded to even lengths.
        at = end + end % 2;
    }
    Ok(None)
}

fn read_format(body: &[u8]) -> Result<Format, Error> {
    let short = |at: usize| body.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes);
    let rate = body.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    // In the extensible form the real tag is the first half of the sub-format.
    let tag = match short(0) {
        Some(0xfffe) => short(24),
        tag => tag,
    };
    let encoding = match (tag, short(14)) {
        (Some(1), Some(16)) => Encoding::Linear16,
        (Some(6), Some(8)) => Encoding::Alaw,
        (Some(7), Some(8)) => Encoding::Mulaw,
        _ => return Err(Error::Wav("neither 16-bit PCM nor A-law nor mu-law")),
    };
    let (Some(channels), Some(sample_rate)) = (short(2), rate) else { return Err(Error::Wav("`fmt ` is cut")) };
    Format { encoding, sample_rate, channels }.checked()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PCM: Format = Format { encoding: Encoding::Linear16, sample_rate: 24_000, channels: 1 };

    fn read(bytes: &[u8], step: usize) -> Result<(Format, Vec<u8>), Error> {
        let mut reader = Reader::new(PCM);
        let mut audio = Vec::new();
        for piece in bytes.chunks(step) {
            audio.extend(reader.push(Bytes::copy_from_slice(piece))?);
        }
        audio.extend(reader.finish());
        Ok((reader.format(), audio))
    }

    #[test]
    fn wav_reader_accepts_pieces_of_any_size() {
        for format in [
            PCM,
            Format { encoding: Encoding::Mulaw, sample_rate: 8_000, channels: 1 },
            Format { encoding: Encoding::Alaw, sample_rate: 8_000, channels: 2 },
        ] {
            for length in [Some(6), None] {
                let mut file = header(&format, length).unwrap().to_vec();
                file.extend(b"audio!");
                for step in 1..=file.len() {
                    assert_eq!(read(&file, step), Ok((format, b"audio!".to_vec())));
                }
            }
        }
        assert_eq!(header(&Format { encoding: Encoding::Mp3, ..PCM }, None), None);
    }

    #[test]
    fn wav_reader_skips_other_chunks() {
        let mut file = header(&PCM, Some(4)).unwrap().to_vec();
        file.splice(12..12, *b"LIST\x03\0\0\0abc\0");
        file.extend(b"1234LIST\x04\0\0\0junk");
        assert_eq!(read(&file, 7), Ok((PCM, b"1234".to_vec())));
    }

    #[test]
    fn wav_reader_accepts_the_extensible_format() {
        let mut file = header(&PCM, Some(4)).unwrap().to_vec();
        file[16] = 40;
        file[20..22].copy_from_slice(&0xfffe_u16.to_le_bytes());
        let mut extension = [0; 24];
        (extension[0], extension[2], extension[8]) = (22, 16, 1);
        file.splice(36..36, extension);
        file.extend(b"1234");
        assert_eq!(read(&file, 5), Ok((PCM, b"1234".to_vec())));
    }

    #[test]
    fn wav_reader_passes_audio_without_a_header() {
        assert_eq!(read(b"RI", 1), Ok((PCM, b"RI".to_vec())), "too short to tell, so it is what was expected");
        assert_eq!(read(b"\0\0\x01\0", 3), Ok((PCM, b"\0\0\x01\0".to_vec())));
        assert_eq!(read(b"RIPE audio", 3), Ok((PCM, b"RIPE audio".to_vec())));
    }

    #[test]
    fn wav_reader_rejects_other_files() {
        let mut float = header(&PCM, None).unwrap();
        float[20] = 3;
        assert_eq!(read(&float, 44), Err(Error::Wav("neither 16-bit PCM nor A-law nor mu-law")));
        assert_eq!(read(b"RIFF\0\0\0\0AVI LIST", 4), Err(Error::Wav("its form is not WAVE")));
        assert_eq!(read(b"RIFF\0\0\0\0WAVEdata\0\0\0\0", 4), Err(Error::Wav("`data` stands before `fmt `")));
        let mut endless = b"RIFF\0\0\0\0WAVE".to_vec();
        endless.extend(b"LIST\0\0\0\0".repeat(MAX_HEAD / 8 + 1));
        assert_eq!(read(&endless, 1_000), Err(Error::Wav(TOO_LONG)));
        let mut zero = header(&PCM, None).unwrap();
        zero[24..28].fill(0);
        assert_eq!(read(&zero, 44), Err(Error::Rate(0)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), step in 1_usize..60) {
            let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
            file.extend(&bytes);
            // Other piece sizes give the same result.
            prop_assert_eq!(read(&file, step), read(&file, file.len()));
        }
    }
}
