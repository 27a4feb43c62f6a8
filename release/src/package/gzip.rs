//! gzip (RFC 1952) without name or time: a member per 4 MiB of input, compressed on all cores.
//!
//! Where a block begins depends on the input alone, so the bytes are the same with any number of threads; memory is a few
//! blocks per thread, whatever the input's size. Several members in a row are one gzip file (section 2.2).

use std::io::{self, Write};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};

const BLOCK: usize = 4 << 20;

/// Smaller output than `gzip -9` on executables, in a fraction of its time (`bench/` measures both).
const LEVEL: i32 = 7;

/// Compresses what is written to it.
#[derive(Debug)]
pub struct Writer<W: Write> {
    inner: W,
    pending: Vec<u8>,
    threads: usize,
    written: bool,
}

impl<W: Write> Writer<W> {
    /// A writer in front of `inner`, on every core of this machine.
    pub fn new(inner: W) -> Self {
        Self::with_threads(inner, thread::available_parallelism().map_or(1, Into::into))
    }

    /// The same with so many threads. The output does not depend on it.
    pub fn with_threads(inner: W, threads: usize) -> Self {
        Self { inner, pending: Vec::new(), threads: threads.max(1), written: false }
    }

    /// Writes what is left and gives the inner writer back.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() || !self.written {
            self.compress()?;
        }
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn compress(&mut self) -> io::Result<()> {
        let blocks: Vec<&[u8]> = if self.pending.is_empty() { vec![&[]] } else { self.pending.chunks(BLOCK).collect() };
        let members = thread::scope(|scope| {
            let running: Vec<_> = blocks.into_iter().map(|block| scope.spawn(move || member(block))).collect();
            let lost = || io::Error::other("a compressing thread ended early");
            running.into_iter().map(|t| t.join().map_err(|_lost| lost())?).collect::<io::Result<Vec<_>>>()
        })?;
        members.iter().try_for_each(|member| self.inner.write_all(member))?;
        self.pending.clear();
        self.written = true;
        Ok(())
    }
}

fn member(block: &[u8]) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(LEVEL).map_err(|_no_such_level| io::Error::other("no such compression level"))?;
    let mut compressor = Compressor::new(level);
    let mut member = vec![0; compressor.gzip_compress_bound(block.len())];
    let size = compressor.gzip_compress(block, &mut member).map_err(io::Error::other)?;
    member.truncate(size);
    Ok(member)
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = BLOCK * self.threads - self.pending.len();
        let (taken, _) = bytes.split_at(bytes.len().min(room));
        self.pending.extend_from_slice(taken);
        if taken.len() == room {
            self.compress()?;
        }
        Ok(taken.len())
    }

    /// Blocks are cut by size alone: flushing early would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
