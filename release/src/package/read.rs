//! Reading archives back: what is in them, and one file out of them.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::zip::dos_time;
use super::{Error, THIRD_PARTY};
use crate::atomic::{At as _, AtomicFile};
use crate::digest::Digest;
use crate::git::when;
use crate::table::ArchiveKind;

/// One entry as an archive lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its whole name; folders end with a slash.
    pub name: String,
    /// Permission bits.
    pub mode: u32,
    /// In the archive's own terms: seconds since 1970, or a DOS date and time.
    pub time: String,
    /// User and group number; zip has none.
    pub owner: (u64, u64),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:o} {} {}:{}", self.name, self.mode, self.time, self.owner.0, self.owner.1)
    }
}

/// The entries that an archive of that form must have, in order.
pub fn planned_entries<'a>(
    stem: &str,
    exe_name: &'a str,
    files: impl Iterator<Item = &'a str>,
    epoch: i64,
    kind: ArchiveKind,
) -> Vec<Entry> {
    let time = match kind {
        ArchiveKind::TarGz => epoch.to_string(),
        ArchiveKind::Zip => dos_time(epoch).map_or_else(|e| e.to_string(), |t| t.to_string()),
    };
    let mut names: Vec<&str> = files.chain([exe_name, THIRD_PARTY]).collect();
    names.sort_unstable();
    let entry = |name: String, mode| Entry { name, mode, time: time.clone(), owner: (0, 0) };
    let folder = (kind == ArchiveKind::TarGz).then(|| entry(format!("{stem}/"), 0o755));
    let mode = |name: &str| if name == exe_name { 0o755 } else { 0o644 };
    folder.into_iter().chain(names.into_iter().map(|n| entry(format!("{stem}/{n}"), mode(n)))).collect()
}

/// How the entries of an archive and the planned ones are told apart: where nothing but the time differs, by their times.
pub fn told_apart(found: &[Entry], planned: &[Entry]) -> (String, String) {
    let same = |(a, b): (&Entry, &Entry)| (&a.name, a.mode, a.owner) == (&b.name, b.mode, b.owner);
    let words = |entries: &[Entry]| entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if found.len() != planned.len() || !found.iter().zip(planned).all(same) {
        return (words(found), words(planned));
    }
    let time = |entry: &Entry| format!("entries of the time {}", entry.time.parse().map_or(entry.time.clone(), when));
    let other = found.iter().zip(planned).find(|(a, b)| a.time != b.time);
    other.map_or_else(|| (words(found), words(planned)), |(a, b)| (time(a), time(b)))
}

/// What an archive holds, in its own order. It is read to its end, so that every checksum inside is compared.
pub fn list(path: &Path, kind: ArchiveKind) -> Result<Vec<Entry>, Error> {
    everything(path, kind).map(|(entries, _)| entries)
}

/// The entries, and digest and size of each that is a file.
pub(super) fn everything(path: &Path, kind: ArchiveKind) -> Result<Everything, Error> {
    let broken = |source: io::Error| Error::Broken { path: path.to_owned(), source };
    let file = BufReader::with_capacity(1 << 17, File::open(path).at("read", path)?);
    match kind {
        ArchiveKind::TarGz => read_tar(file).map_err(broken),
        ArchiveKind::Zip => read_zip(file).map_err(broken),
    }
}

type Everything = (Vec<Entry>, Vec<(Digest, u64)>);

fn read_tar(file: BufReader<File>) -> io::Result<Everything> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
    let (mut found, mut contents) = (Vec::new(), Vec::new());
    for entry in archive.entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let kind = header.entry_type();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // A link, a device or a hidden user name is no file that anyone planned.
        let named = header.username_bytes().is_some_and(|n| !n.is_empty());
        let strange = named || !(kind.is_file() || kind.is_dir());
        let name = if strange { format!("{name} ({kind:?})") } else { name };
        let owner = (header.uid()?, header.gid()?);
        found.push(Entry { name, mode: header.mode()?, time: header.mtime()?.to_string(), owner });
        if !kind.is_dir() {
            contents.push(Digest::of_reader(&mut entry)?);
        }
    }
    // tar ends before gzip does, whose CRC-32 stands at its very end.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok((found, contents))
}

fn read_zip(file: BufReader<File>) -> io::Result<Everything> {
    let mut archive = ZipArchive::new(file)?;
    let (mut found, mut contents) = (Vec::new(), Vec::new());
    for position in 0..archive.len() {
        let mut entry = archive.by_index(position)?;
        // Reading to the end checks the CRC.
        let content = Digest::of_reader(&mut entry)?;
        found.push(Entry {
            name: entry.name()?.into_owned(),
            mode: entry.unix_mode().unwrap_or_default() & 0o7777,
            time: entry.last_modified().map(|t| t.to_string()).unwrap_or_default(),
            owner: (0, 0),
        });
        if !entry.is_dir() {
            contents.push(content);
        }
    }
    Ok((found, contents))
}

/// Copies one entry's bytes to a new executable file.
pub fn extract(path: &Path, kind: ArchiveKind, name: &str, to: &Path) -> Result<(), Error> {
    let broken = |source: io::Error| Error::Broken { path: path.to_owned(), source };
    let missing = || Error::Missing { path: path.to_owned(), name: name.to_owned() };
    let file = BufReader::new(File::open(path).at("read", path)?);
    match kind {
        ArchiveKind::TarGz => {
            let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
            for entry in archive.entries().map_err(broken)? {
                let mut entry = entry.map_err(broken)?;
                if entry.path_bytes().as_ref() == name.as_bytes() {
                    return save(&mut entry, to);
                }
            }
            Err(missing())
        }
        ArchiveKind::Zip => {
            let mut archive = ZipArchive::new(file).map_err(|e| broken(e.into()))?;
            save(&mut archive.by_name(name).map_err(|_not_there| missing())?, to)
        }
    }
}

fn save(entry: &mut impl Read, to: &Path) -> Result<(), Error> {
    let mut file = AtomicFile::create(to)?.executable();
    io::copy(entry, &mut file).at("unpack to", to)?;
    Ok(file.commit()?)
}
