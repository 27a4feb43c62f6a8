//! gzip (RFC 1952) of one member without name or time, in bytes that do not depend on how the input is cut into writes.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

/// The level of `gzip -9`. One thread takes less than a second for an executable of 12 MB, so threads are not worth a
/// framing of our own.
const LEVEL: u32 = 9;

/// Compresses what is written to it.
#[derive(Debug)]
pub struct Writer<W: Write>(GzEncoder<W>);

impl<W: Write> Writer<W> {
    /// Returns a writer in front of `inner`. The header has no time, and "unknown" for the system (RFC 1952, 2.3.1), which is
    /// what every machine writes.
    pub fn new(inner: W) -> Self {
        Self(GzBuilder::new().mtime(0).operating_system(255).write(inner, Compression::new(LEVEL)))
    }

    /// Writes what is left and gives the inner writer back.
    pub fn finish(self) -> io::Result<W> {
        let mut inner = self.0.finish()?;
        inner.flush()?;
        Ok(inner)
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Does nothing: a flush would end a block of deflate, and change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
