//! Reading zstd: frames in a row (RFC 8878), and no older format.
//!
//! git-cliff-core's macros ask for the library with its readers of seven older formats, and it is compiled once. No layer has
//! those formats, and a layer can come from anyone: each frame's first bytes are checked before the library reads them.

use std::io::{self, BufRead, Chain, Cursor, Read};

use zstd::Decoder;

/// The first bytes of a frame (RFC 8878, 3.1.1).
const FRAME: u32 = 0xFD2F_B528;
/// The first of the sixteen that begin a frame to be skipped (RFC 8878, 3.1.2), and the last.
const SKIPPED: [u32; 2] = [0x184D_2A50, 0x184D_2A5F];

/// A frame's first bytes, which were read already, and what follows.
type Marked<R> = Chain<Cursor<[u8; 4]>, R>;

/// The limit of all frames of a reader.
pub(super) struct Frames<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    Between(R),
    Within(Decoder<'static, Marked<R>>),
    Ended,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { state: State::Between(inner) }
    }

    /// The next frame's decoder; `None` at the end.
    fn begin(mut inner: R) -> io::Result<Option<Decoder<'static, Marked<R>>>> {
        if inner.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut first = [0; 4];
        inner.read_exact(&mut first)?;
        let magic = u32::from_le_bytes(first);
        if magic != FRAME && !(SKIPPED[0]..=SKIPPED[1]).contains(&magic) {
            return Err(io::Error::other(format!("{magic:#010x} begins no zstd frame (RFC 8878)")));
        }
        Decoder::with_buffer(Cursor::new(first).chain(inner)).map(|decoder| Some(decoder.single_frame()))
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // An error leaves `Ended` behind: nothing is read after it.
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Between(inner) => {
                    let Some(decoder) = Self::begin(inner)? else { return Ok(0) };
                    self.state = State::Within(decoder);
                }
                State::Within(mut decoder) => {
                    let read = decoder.read(buffer)?;
                    if read > 0 || buffer.is_empty() {
                        self.state = State::Within(decoder);
                        return Ok(read);
                    }
                    let (_first, inner) = decoder.finish().into_inner();
                    self.state = State::Between(inner);
                }
                State::Ended => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        // A buffer of three bytes: a frame's first four are never in it at once.
        Frames::new(io::BufReader::with_capacity(3, bytes)).read_to_end(&mut all)?;
        Ok(all)
    }

    fn frame(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).unwrap()
    }

    #[test]
    fn frames_in_a_row_are_one_text() {
        let skipped = [SKIPPED[0].to_le_bytes().as_slice(), &[3, 0, 0, 0], b"abc"].concat();
        let long = vec![b'x'; 300_000];
        let all = [frame(b"one, "), skipped, frame(b""), frame(&long)].concat();
        assert_eq!(read(&all).unwrap(), [b"one, ".as_slice(), &long].concat());
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn older_formats_and_torn_frames_are_errors() {
        for magic in [0xFD2F_B527_u32, 0xFD2F_B522, 0x1EB5_2FFD] {
            let old = [magic.to_le_bytes().as_slice(), &[0; 32]].concat();
            for bytes in [old.clone(), [frame(b"new"), old].concat()] {
                let error = read(&bytes).unwrap_err().to_string();
                assert!(error.contains(&format!("{magic:#010x}")), "{error}");
            }
        }
        let whole = frame(b"whole");
        for end in 1..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end} of {} bytes", whole.len());
        }
    }
}
