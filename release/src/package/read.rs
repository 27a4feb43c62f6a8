//! Reading archives back: what is in them, and one file out of them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;
use zip::ZipArchive;

use super::zip::dos_time;
use super::{Error, local};
use crate::atomic::{At as _, AtomicFile};
use crate::bounded::Bounded;
use crate::digest::Digest;
use crate::git::when;
use crate::name::THIRD_PARTY;
use crate::table::ArchiveKind;

/// One entry as an archive lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// At most this many entries of a kind are listed. The others are counted.
const TOLD: usize = 5;

/// Renders the difference between the entries of an archive and the planned ones: those that are too much and those that are
/// missing; where nothing but the time differs, the times; where nothing but the order does, the first entry out of place.
pub fn told_apart(found: &[Entry], planned: &[Entry]) -> String {
    let same = |(a, b): (&Entry, &Entry)| (&a.name, a.mode, a.owner) == (&b.name, b.mode, b.owner);
    let all_but_time = found.len() == planned.len() && found.iter().zip(planned).all(same);
    if let Some((a, b)) = found.iter().zip(planned).find(|(a, b)| all_but_time && a.time != b.time) {
        let time = |entry: &Entry| entry.time.parse().map_or(entry.time.clone(), when);
        return format!("holds entries of the time {}, planned is {}", time(a), time(b));
    }
    let kinds = [("holds", without(found, planned), "which is not planned"), ("lacks", without(planned, found), "")];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(_, entries, _)| !entries.is_empty())
        .map(|(verb, entries, end)| told(verb, &entries, end))
        .collect();
    if !kinds.is_empty() {
        return kinds.join(", and ");
    }
    match found.iter().zip(planned).find(|(a, b)| a != b) {
        Some((a, b)) => format!(
            "holds what was planned in another order: {} where {} belongs",
            cut(&a.to_string()),
            cut(&b.to_string())
        ),
        None => "holds what was planned".to_owned(),
    }
}

/// The entries that have no counterpart among the others, each of which is one entry's.
fn without<'a>(entries: &'a [Entry], others: &[Entry]) -> Vec<&'a Entry> {
    let mut left: BTreeMap<&Entry, usize> = BTreeMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    let mut is_left_over = |entry: &&Entry| match left.get_mut(*entry) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    entries.iter().filter(|entry| is_left_over(entry)).collect()
}

/// A text of an archive, as much as a line has room for.
fn cut(text: &str) -> String {
    const MOST: usize = 200;
    let rest = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    text.chars().take(MOST).chain(rest.chars()).collect()
}

fn told(verb: &str, entries: &[&Entry], end: &str) -> String {
    let words: Vec<String> = entries.iter().take(TOLD).map(|entry| cut(&entry.to_string())).collect();
    let more = entries.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let end = if end.is_empty() { String::new() } else { format!(", {end}") };
    format!("{verb} {}{more}{end}", words.join("; "))
}

/// Lists the entries of an archive, in its own order. It is read to its end, so that every checksum inside is compared; `limit`
/// is how many bytes it may be unpacked to.
pub fn list(path: &Path, kind: ArchiveKind, limit: u64) -> Result<Vec<Entry>, Error> {
    everything(path, kind, limit).map(|(entries, _)| entries)
}

/// The entries, and digest and size of each that is a file.
pub(super) fn everything(path: &Path, kind: ArchiveKind, limit: u64) -> Result<Everything, Error> {
    let broken = |source: io::Error| Error::Broken { path: path.to_owned(), source };
    let file = BufReader::with_capacity(1 << 17, File::open(path).at("read", path)?);
    match kind {
        ArchiveKind::TarGz => read_tar(file, limit).map_err(broken),
        ArchiveKind::Zip => {
            let again = BufReader::new(File::open(path).at("read", path)?);
            read_zip(file, again, limit).map_err(broken)
        }
    }
}

type Everything = (Vec<Entry>, Vec<(Digest, u64)>);

/// So many entries does no archive of a release have.
const ENTRIES: usize = 10_000;
const UNPACKED: &str = "an unpacked archive";

fn too_many() -> io::Error {
    io::Error::other(format!("it has more than {ENTRIES} entries"))
}

/// Every header is looked at as it stands: extensions (PAX, GNU) change what is unpacked, and so are entries like others here.
fn read_tar(file: BufReader<File>, limit: u64) -> io::Result<Everything> {
    let mut archive = tar::Archive::new(Bounded::new(MultiGzDecoder::new(file), UNPACKED, limit));
    let (mut found, mut contents) = (Vec::new(), Vec::new());
    let mut long = None;
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        if entry.header().entry_type() == EntryType::GNULongName && long.is_none() {
            long = Some(long_name(&mut entry)?);
            continue;
        }
        let header = entry.header();
        let kind = header.entry_type();
        let name = long.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let name = strange(header, String::from_utf8_lossy(&name).into_owned())?;
        let owner = (header.uid()?, header.gid()?);
        found.push(Entry { name, mode: header.mode()?, time: header.mtime()?.to_string(), owner });
        if !kind.is_dir() {
            contents.push(Digest::of_reader(&mut entry)?);
        }
        if found.len() > ENTRIES {
            return Err(too_many());
        }
    }
    // tar ends before gzip does, whose CRC-32 stands at its very end; some readers go on after the end of a first archive.
    let mut rest = archive.into_inner();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok((found, contents)),
            read if buffer.iter().take(read).all(|byte| *byte == 0) => {}
            _ => return Err(io::Error::other("it goes on after its end")),
        }
    }
}

/// The name of the next entry, where a header has no room for it (GNU tar, "Extended Formats").
fn long_name(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut name = Vec::new();
    Bounded::new(entry, "a name in an archive", 4096).read_to_end(&mut name)?;
    if name.pop() == Some(0) { Ok(name) } else { Err(io::Error::other("a long name has no end")) }
}

/// Appends the unplanned properties of an entry to its name: a link, a device, an extension, a size without content, a user's
/// name.
fn strange(header: &tar::Header, name: String) -> io::Result<String> {
    let kind = header.entry_type();
    let said = |bytes: Option<&[u8]>| bytes.is_some_and(|b| !b.is_empty());
    let device = |number: io::Result<Option<u32>>| number.ok().flatten().is_some_and(|n| n != 0);
    let strange = !(kind.is_file() || kind.is_dir())
        || kind.is_dir() != name.ends_with('/')
        || (kind.is_dir() && header.entry_size()? != 0)
        || said(header.username_bytes())
        || said(header.groupname_bytes())
        || said(header.link_name_bytes().as_deref())
        || device(header.device_major())
        || device(header.device_minor());
    Ok(if strange { format!("{name} ({kind:?})") } else { name })
}

fn read_zip(file: BufReader<File>, again: BufReader<File>, limit: u64) -> io::Result<Everything> {
    let mut archive = ZipArchive::new(file)?;
    let (mut found, mut contents) = (Vec::new(), Vec::new());
    if archive.len() > ENTRIES {
        return Err(too_many());
    }
    if archive.offset() != 0 || !archive.comment().is_empty() {
        return Err(io::Error::other("it has something before or after its entries"));
    }
    let mut left = limit;
    for position in 0..archive.len() {
        let mut entry = archive.by_index(position)?;
        // Reading to the end checks the CRC.
        let content = Digest::of_reader(&mut Bounded::new(&mut entry, UNPACKED, left))?;
        left = left.saturating_sub(content.1);
        let name = entry.name()?.into_owned();
        let mode = entry.unix_mode().unwrap_or_default();
        let regular = matches!(mode & 0o170_000, 0 | 0o100_000) && !entry.is_dir() && !entry.is_symlink();
        let folder = mode & 0o170_000 == 0o040_000 && entry.is_dir() && content.1 == 0;
        let name = if regular || folder { name } else { format!("{name} (no file: mode {mode:o})") };
        found.push(Entry {
            name,
            mode: mode & 0o7777,
            time: entry.last_modified().map(|t| t.to_string()).unwrap_or_default(),
            owner: (0, 0),
        });
        if !entry.is_dir() {
            contents.push(content);
        }
    }
    local::check(&mut archive, again)?;
    Ok((found, contents))
}

/// Copies one entry's bytes, of which there are `limit` at most, to a new executable file.
pub fn extract(path: &Path, kind: ArchiveKind, name: &str, to: &Path, limit: u64) -> Result<(), Error> {
    let broken = |source: io::Error| Error::Broken { path: path.to_owned(), source };
    let missing = || Error::Missing { path: path.to_owned(), name: name.to_owned() };
    let file = BufReader::new(File::open(path).at("read", path)?);
    match kind {
        ArchiveKind::TarGz => {
            let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
            for entry in archive.entries().map_err(broken)? {
                let entry = entry.map_err(broken)?;
                if entry.path_bytes().as_ref() == name.as_bytes() {
                    let file = entry.header().entry_type().is_file();
                    return if file { save(entry, to, limit) } else { Err(missing()) };
                }
            }
            Err(missing())
        }
        ArchiveKind::Zip => {
            let mut archive = ZipArchive::new(file).map_err(|e| broken(e.into()))?;
            let entry = archive.by_name(name).map_err(|_not_there| missing())?;
            if entry.is_symlink() { Err(missing()) } else { save(entry, to, limit) }
        }
    }
}

fn save(entry: impl Read, to: &Path, limit: u64) -> Result<(), Error> {
    let mut file = AtomicFile::create(to)?.executable();
    io::copy(&mut Bounded::new(entry, "an unpacked file", limit), &mut file).at("unpack to", to)?;
    Ok(file.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, time: &str) -> Entry {
        Entry { name: name.to_owned(), mode: 0o644, time: time.to_owned(), owner: (0, 0) }
    }

    fn entries(names: &[&str]) -> Vec<Entry> {
        names.iter().map(|name| entry(name, "0")).collect()
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let planned = entries(&["a", "b", "c"]);
        let times = format!("holds entries of the time {}, planned is {}", when(1), when(0));
        for (found, said) in [
            (entries(&["a", "b", "c", "d"]), "holds d 644 0 0:0, which is not planned"),
            (entries(&["a", "b", "b", "c"]), "holds b 644 0 0:0, which is not planned"),
            (entries(&["a", "c"]), "lacks b 644 0 0:0"),
            (entries(&["a", "x", "c"]), "holds x 644 0 0:0, which is not planned, and lacks b 644 0 0:0"),
            (
                entries(&["a", "c", "b"]),
                "holds what was planned in another order: c 644 0 0:0 where b 644 0 0:0 belongs",
            ),
            (vec![entry("a", "1"), entry("b", "0"), entry("c", "0")], &times),
        ] {
            assert_eq!(told_apart(&found, &planned), said);
        }
    }

    #[test]
    fn an_archive_of_a_thousand_others_is_told_in_one_line() {
        let long = "ü".repeat(4000);
        let found: Vec<Entry> = (0..1000).map(|n| entry(&format!("{n}{long}"), "0")).collect();
        let said = told_apart(&found, &entries(&["a"]));
        assert!(said.contains("…; and 995 more, which is not planned, and lacks a 644"), "{said}");
        assert!(said.chars().count() < 1_200, "{said}");
    }
}
