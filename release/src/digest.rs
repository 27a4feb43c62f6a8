//! SHA-256 digests: how every file, blob and manifest of a release is named and compared.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::atomic::{At as _, PathError};

/// A SHA-256 digest, written `sha256:<64 lower-case hex digits>` (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// Text that is not `sha256:` and 64 lower-case hex digits.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a digest of the form sha256:<64 lower-case hex digits>")]
pub struct NotADigest(String);

impl Digest {
    /// The digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest and the size in bytes of everything a reader gives.
    pub fn of_reader(reader: &mut impl Read) -> io::Result<(Self, u64)> {
        let mut hashing = HashingWriter::new(io::sink());
        io::copy(reader, &mut hashing)?;
        Ok(hashing.finish())
    }

    /// The digest and the size in bytes of a file, read once.
    pub fn of_file(path: &Path) -> io::Result<(Self, u64)> {
        Self::of_reader(&mut File::open(path)?)
    }

    /// The 64 hex digits alone, as `sha256sum` prints them and as OCI layouts name blobs.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads a pin: 64 hex digits, or Nix's form, `sha256-` and the digest in base64.
    pub fn from_pin(text: &str) -> Result<Self, NotADigest> {
        let Some(sum) = text.strip_prefix("sha256-") else { return Self::from_hex(text) };
        let bytes = STANDARD.decode(sum).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| NotADigest(text.to_owned()))
    }

    /// The digest in base64, as Nix writes it.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads the 64 hex digits that `sha256sum` prints.
    pub fn from_hex(text: &str) -> Result<Self, NotADigest> {
        let wrong = || NotADigest(text.to_owned());
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong());
        }
        let bytes = hex::decode(text).map_err(|_not_hex| wrong())?;
        bytes.try_into().map(Self).map_err(|_wrong_length| wrong())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = NotADigest;
    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let hex = text.strip_prefix("sha256:").ok_or_else(|| NotADigest(text.to_owned()))?;
        Self::from_hex(hex)
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;
    fn try_from(text: String) -> Result<Self, NotADigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Copies a file into a writer and returns the digest of the copied bytes. `on_progress` gets the number of bytes after each piece.
pub fn copy(from: &Path, to: impl Write, on_progress: &dyn Fn(u64)) -> Result<Digest, PathError> {
    let mut source = File::open(from).at("read", from)?;
    let mut hashing = HashingWriter::new(to);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = source.read(&mut buffer).at("read", from)?;
        let (chunk, _) = buffer.split_at(count);
        if chunk.is_empty() {
            return Ok(hashing.finish().0);
        }
        hashing.write_all(chunk).at("copy", from)?;
        on_progress(count as u64);
    }
}

/// Hashes and counts what passes through it to another writer.
#[derive(Debug)]
pub struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// A writer in front of `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), size: 0 }
    }

    /// The digest and the count of the bytes written so far.
    pub fn finish(self) -> (Digest, u64) {
        (Digest(self.hasher.finalize().into()), self.size)
    }

    /// The inner writer with the digest and the count.
    pub fn into_parts(self) -> (W, Digest, u64) {
        (self.inner, Digest(self.hasher.finalize().into()), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let (done, _) = bytes.split_at(written);
        self.hasher.update(done);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_file_has_the_digest_everyone_knows() {
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), text);
        assert_eq!(text.parse::<Digest>().unwrap(), Digest::of(b""));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "sha256:", "sha512:00", "SHA256:e3", &format!("sha256:{}", "A".repeat(64))] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_spellings_of_the_empty_digest_agree() {
        let empty = Digest::of(b"");
        assert_eq!(Digest::from_pin("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").ok(), Some(empty));
        assert_eq!(Digest::from_pin(&empty.hex()).ok(), Some(empty));
        for wrong in
            ["", "=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF!="]
        {
            assert!(Digest::from_pin(&format!("sha256-{wrong}")).is_err(), "{wrong}");
        }
    }
}
