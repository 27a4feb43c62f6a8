//! The bytes of an entry, and their digest when they were packed.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use super::Error;
use crate::atomic::{At as _, PathError};
use crate::digest::{Digest, HashingWriter};

/// A file on this machine, or a text.
pub(super) enum Content {
    Path(PathBuf),
    Text(String),
}

/// A reader that remembers what it gave.
pub(super) struct Meter<'a> {
    inner: Box<dyn Read + 'a>,
    given: HashingWriter<io::Sink>,
}

impl Content {
    /// The size that is promised in a header, and a reader.
    pub(super) fn open(&self) -> Result<(u64, Meter<'_>), PathError> {
        let (size, inner): (u64, Box<dyn Read>) = match self {
            Self::Path(path) => {
                let file = File::open(path).at("read", path)?;
                (file.metadata().at("read", path)?.len(), Box::new(file))
            }
            Self::Text(text) => (text.len() as u64, Box::new(text.as_bytes())),
        };
        Ok((size, Meter { inner, given: HashingWriter::new(io::sink()) }))
    }

    /// The digest and size that were packed. A file that another program changed while it was packed is refused.
    pub(super) fn packed(&self, promised: u64, meter: Meter<'_>) -> Result<(Digest, u64), Error> {
        let (digest, found) = meter.given.finish();
        match self {
            Self::Path(path) if found != promised => Err(Error::Changed { path: path.clone(), promised, found }),
            _ => Ok((digest, found)),
        }
    }
}

impl Read for Meter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.given.write_all(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}
