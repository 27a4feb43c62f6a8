//! Bounds on what comes from outside: no file, document or unpacked stream is read beyond its announced size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::atomic::{At as _, AtomicFile, PathError};

/// A JSON document, or another text, of a release. The largest that there are, SBOMs of big projects, have a tenth of it.
pub const DOCUMENT: u64 = 64 << 20;
/// The excess over a budget in bytes from which on a download is refused.
const SPARE: u64 = 64 << 20;

/// Returns the limit of a thing that has this budget. A rehearsal may exceed the budget, which is then reported.
pub const fn above(budget: u64) -> u64 {
    budget.saturating_mul(2).saturating_add(SPARE)
}

/// The most that something of this packed budget is unpacked to.
pub const fn unpacked(budget: u64) -> u64 {
    budget.saturating_mul(8).saturating_add(SPARE)
}

/// More than was said.
#[derive(Debug, thiserror::Error)]
#[error("{what} has {found} bytes; the limit is {limit}")]
pub struct TooLong {
    /// The name of the input.
    pub what: String,
    /// Its size in bytes, or `more`.
    pub found: String,
    /// The limit in bytes.
    pub limit: u64,
}

/// Refuses a size that is known before anything is read.
pub fn check(what: &str, found: u64, limit: u64) -> Result<(), TooLong> {
    if found <= limit { Ok(()) } else { Err(TooLong { what: what.to_owned(), found: found.to_string(), limit }) }
}

/// A reader that fails where the one behind it goes on for longer than `limit` bytes.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    what: &'static str,
    limit: u64,
    left: u64,
}

impl<R> Bounded<R> {
    /// In front of `inner`; `what` is for the message.
    pub const fn new(inner: R, what: &'static str, limit: u64) -> Self {
        Self { inner, what, limit, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte beyond the end tells something too long from something that ends here.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        if let Some(left) = self.left.checked_sub(read as u64) {
            self.left = left;
            return Ok(read);
        }
        let (what, found) = (self.what.to_owned(), format!("{} or more", self.limit.saturating_add(1)));
        Err(io::Error::other(TooLong { what, found, limit: self.limit }))
    }
}

/// A whole file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PathError> {
    let file = File::open(path).at("read", path)?;
    let size = file.metadata().at("read", path)?.len();
    check("this file", size, limit).map_err(io::Error::other).at("read", path)?;
    let mut bytes = Vec::new();
    // It may grow, and a device has no size.
    Bounded::new(file, "this file", limit).read_to_end(&mut bytes).at("read", path)?;
    Ok(bytes)
}

/// Copies a file of at most `limit` bytes.
pub fn copy(from: &Path, to: &Path, limit: u64) -> Result<(), PathError> {
    let source = File::open(from).at("read", from)?;
    let size = source.metadata().at("read", from)?.len();
    check("this file", size, limit).map_err(io::Error::other).at("copy", from)?;
    let mut file = AtomicFile::create(to)?;
    io::copy(&mut Bounded::new(source, "this file", limit), &mut file).at("copy to", to)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_within_its_limit_is_read_and_larger_input_is_refused_with_both_sizes() {
        for size in [0, 1, 9, 10] {
            let mut read = Vec::new();
            Bounded::new(io::repeat(7).take(size), "it", 10).read_to_end(&mut read).unwrap();
            assert_eq!(read.len() as u64, size);
        }
        for size in [11, 1 << 40] {
            let mut read = Vec::new();
            let error = Bounded::new(io::repeat(7).take(size), "a layer", 10).read_to_end(&mut read).unwrap_err();
            assert_eq!(error.to_string(), "a layer has 11 or more bytes; the limit is 10");
            assert!(read.len() <= 10);
        }
        assert_eq!(check("a.zip", 12, 10).unwrap_err().to_string(), "a.zip has 12 bytes; the limit is 10");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_without_an_end_is_no_document() {
        let error = read(Path::new("/dev/zero"), 1000).unwrap_err().to_string();
        assert!(error.contains("has 1001 or more bytes; the limit is 1000"), "{error}");
    }
}
