//! `SHA256SUMS`: the digests of all assets in one file, in the form that `sha256sum` writes and reads with `-c`.
//!
//! It is made from the manifest and lists the manifest, so that the manifest cannot list it. The attestations come later than
//! both, and are in neither. One job signs the manifest and this file together.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::name::{self, FileName, MANIFEST, NotAFileName};
use crate::package::checksum_line;

/// The most lines that are read: a release has a few dozen files.
const LINES: usize = 10_000;

/// The reason why bytes are not such a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No line.
    #[error("it is empty")]
    Empty,
    /// More lines than any release has files.
    #[error("it has more than {LINES} lines")]
    Long,
    /// Not a digest, two spaces and a name.
    #[error("line {0} is not 64 hexadecimal digits, two spaces and a name")]
    Line(usize),
    /// A name that leaves its folder, or that not every system can store.
    #[error("line {line}: {fault}")]
    Name {
        /// Which line.
        line: usize,
        /// The problem.
        fault: NotAFileName,
    },
    /// A file with two digests, or out of order.
    #[error("line {0} does not come after the line before it in the order of names")]
    Order(usize),
}

/// Returns the file's text for a manifest, whose bytes have the digest `own`.
pub fn text(manifest: &Manifest, own: Digest) -> String {
    of(manifest, own).iter().map(|(name, digest)| checksum_line(name, *digest)).collect()
}

/// Returns the files that it lists, each with its digest.
pub fn of(manifest: &Manifest, own: Digest) -> BTreeMap<String, Digest> {
    let name = manifest.names().manifest();
    let checksum = Digest::of(checksum_line(&name, own).as_bytes());
    let mut files: BTreeMap<String, Digest> =
        manifest.assets().map(|file| (file.name.to_string(), file.digest)).collect();
    files.insert(name::checksum(&name), checksum);
    files.insert(name, own);
    files
}

/// Returns the digest of that text.
pub fn digest(manifest: &Manifest, own: Digest) -> Digest {
    Digest::of(text(manifest, own).as_bytes())
}

/// Reads such a file from outside: exactly the form that [`text`] writes, so that every program reads the same in it.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<FileName, Digest>, Error> {
    let mut files: BTreeMap<FileName, Digest> = BTreeMap::new();
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate().map(|(n, line)| (n + 1, line)) {
        if number > LINES {
            return Err(Error::Long);
        }
        let (digest, name) = parse(line).ok_or(Error::Line(number))?;
        let name: FileName = name.parse().map_err(|fault| Error::Name { line: number, fault })?;
        if files.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(Error::Order(number));
        }
        files.insert(name, digest);
    }
    Ok(files)
}

fn parse(line: &[u8]) -> Option<(Digest, &str)> {
    let (hex, name) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.split_once("  ")?;
    let small = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    Some((format!("sha256:{hex}").parse().ok().filter(|_| small)?, name))
}

/// Returns the name of the one manifest in such a file: the file's own name says neither package nor version.
pub fn manifest_of(files: &BTreeMap<FileName, Digest>) -> Option<&FileName> {
    let mut manifests = files.keys().filter(|name| name.ends_with(MANIFEST));
    manifests.next().filter(|_| manifests.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str) -> String {
        checksum_line(name, Digest::of(name.as_bytes()))
    }

    #[test]
    fn only_the_form_that_is_written_is_read() {
        let good = line("a.release.json") + &line("a.release.json.sha256") + &line("b");
        let files = read(good.as_bytes()).unwrap();
        assert_eq!(files.len(), 3);
        assert_eq!(manifest_of(&files).unwrap(), &"a.release.json");
        let digits = "0".repeat(64);
        for (text, said) in [
            (String::new(), "it is empty"),
            ("\n".to_owned(), "line 1 is not 64"),
            (line("a") + "x", "line 2 is not 64"),
            (line("a").replace('\n', ""), "line 1 is not 64"),
            (line("a").replace("  ", " *"), "line 1 is not 64"),
            (line("a").to_uppercase(), "line 1 is not 64"),
            (format!("{}  a\n", &digits[1..]), "line 1 is not 64"),
            (format!("\\{digits}  a\n"), "line 1 is not 64"),
            (line("../a"), "line 1: \"../a\" is not a portable file name"),
            (line("a").replace('\n', "\r\n"), "line 1: \"a\\r\" is not a portable file name"),
            (line("b") + &line("a"), "line 2 does not come after"),
            (line("a") + &line("a"), "line 2 does not come after"),
            ((0..=LINES).map(|n| line(&format!("{n:09}"))).collect(), "it has more than 10000 lines"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(said), "{text:?}: {error}");
        }
        assert!(read(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_file_with_two_manifests_or_none_is_of_no_release() {
        for text in [line("a"), line("a.release.json") + &line("b.release.json")] {
            assert!(manifest_of(&read(text.as_bytes()).unwrap()).is_none(), "{text}");
        }
    }
}
