//! gzip (RFC 1952) of one member without name or time, compressed on all cores.
//!
//! Every piece of 1 MiB is deflated by itself, knows the 32 KiB before it as its dictionary, and ends at a byte (RFC 1951,
//! an empty stored block), so that the pieces in a row are one stream. Where a piece begins depends on the input alone: the
//! bytes are the same with any number of threads. One member, as many readers stop after the first. Memory is a few
//! pieces per thread, whatever the input's size.

use std::io::{self, Write};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress};

const PIECE: usize = 1 << 20;
/// The farthest that deflate can look back (RFC 1951, 2).
const WINDOW: usize = 1 << 15;
/// As small as `gzip -9` makes executables, in half its time on one core (`bench/release.sh` measures it).
const LEVEL: u32 = 9;
/// Magic, deflate, no flags, no time, best compression, unknown system (RFC 1952, 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
/// An empty last block: the pieces themselves do not know which of them is the last.
const LAST: [u8; 2] = [3, 0];

/// Compresses what is written to it.
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
    /// The window before the pending input, then the pending input.
    buffer: Vec<u8>,
    window: usize,
    threads: usize,
    crc: Crc,
    begun: bool,
}

impl<W: Write> Writer<W> {
    /// A writer in front of `inner`, on every core of this machine.
    pub fn new(inner: W) -> Self {
        Self::with_threads(inner, thread::available_parallelism().map_or(1, Into::into))
    }

    /// The same with so many threads. The output does not depend on it.
    pub fn with_threads(inner: W, threads: usize) -> Self {
        Self { inner, buffer: Vec::new(), window: 0, threads: threads.max(1), crc: Crc::new(), begun: false }
    }

    /// Writes what is left and gives the inner writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.compress()?;
        self.inner.write_all(&LAST)?;
        self.inner.write_all(&self.crc.sum().to_le_bytes())?;
        // The size modulo 2^32 (RFC 1952, 2.3.1), which is how the counter runs.
        self.inner.write_all(&self.crc.amount().to_le_bytes())?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn room(&self) -> usize {
        PIECE * self.threads - (self.buffer.len() - self.window)
    }

    /// Deflates the pending input, piece by piece in parallel, and keeps its end as the next window.
    fn compress(&mut self) -> io::Result<()> {
        if !self.begun {
            self.inner.write_all(&HEADER)?;
            self.begun = true;
        }
        let pieces = pieces(&self.buffer, self.window);
        let deflated = thread::scope(|scope| {
            let running: Vec<_> = pieces.iter().map(|(window, piece)| scope.spawn(|| deflate(window, piece))).collect();
            let lost = || io::Error::other("a compressing thread ended early");
            running.into_iter().map(|t| t.join().map_err(|_lost| lost())?).collect::<io::Result<Vec<_>>>()
        })?;
        for bytes in &deflated {
            self.inner.write_all(bytes)?;
        }
        let keep = self.buffer.len().min(WINDOW);
        self.buffer.drain(..self.buffer.len() - keep);
        self.window = keep;
        Ok(())
    }
}

/// Each pending piece with the window before it.
fn pieces(buffer: &[u8], window: usize) -> Vec<(&[u8], &[u8])> {
    let starts = (window..buffer.len()).step_by(PIECE);
    let cut = |at: usize| Some((buffer.get(at.saturating_sub(WINDOW)..at)?, buffer.get(at..)?));
    starts.filter_map(cut).map(|(before, rest)| (before, rest.get(..PIECE).unwrap_or(rest))).collect()
}

fn deflate(window: &[u8], piece: &[u8]) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(Compression::new(LEVEL), false);
    if !window.is_empty() {
        compress.set_dictionary(window).map_err(io::Error::other)?;
    }
    let mut out = Vec::with_capacity(piece.len() / 2 + 64);
    loop {
        let taken = usize::try_from(compress.total_in()).map_err(io::Error::other)?;
        let left = piece.get(taken..).unwrap_or_default();
        compress.compress_vec(left, &mut out, FlushCompress::Sync).map_err(io::Error::other)?;
        // With room to spare there is nothing left to flush (zlib's manual, "deflate").
        if out.len() < out.capacity() && compress.total_in() == piece.len() as u64 {
            return Ok(out);
        }
        out.reserve(1 << 16);
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.buffer.extend_from_slice(taken);
        self.crc.update(taken);
        if taken.len() == room {
            self.compress()?;
        }
        Ok(taken.len())
    }

    /// Pieces are cut by size alone: flushing early would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
