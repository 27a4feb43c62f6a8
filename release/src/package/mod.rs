//! Package: a binary and its files → a deterministic archive and its checksum.
//!
//! Equal input gives equal bytes in any folder, for any user, umask, locale, time zone and number of threads: entries are
//! sorted, have owner 0, have modes 0755 or 0644 and the commit's time, and are written by one fixed compressor.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::atomic::{self, At as _, AtomicFile, PathError};
use crate::digest::{Digest, HashingWriter};
use crate::name::{FileName, THIRD_PARTY, checksum};
use crate::part::FileEntry;
use crate::table::ArchiveKind;

mod content;
mod entry;
pub mod gzip;
mod local;
mod read;
mod zip;

use content::Content;

pub use read::{Entry, extract, list, planned_entries, told_apart};
pub(crate) use zip::dos_time;

/// The inputs of an archive.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The folder inside, `<name>-<version>-<target>`.
    pub stem: &'a str,
    /// The archive's file name.
    pub archive: &'a str,
    /// Its form.
    pub kind: ArchiveKind,
    /// The time of every entry, seconds since 1970.
    pub epoch: i64,
    /// The executable.
    pub binary: &'a Path,
    /// Its name inside.
    pub exe_name: String,
    /// Further files: name inside, path here.
    pub files: Vec<(String, PathBuf)>,
    /// The text of [`THIRD_PARTY`].
    pub third_party: String,
}

/// The archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The archive.
    pub archive: FileEntry,
    /// Its checksum file.
    pub checksum: FileEntry,
    /// The executable inside, by its name there.
    pub binary: FileEntry,
}

/// An error of writing or reading an archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// A name that leaves the folder, or stands twice.
    #[error("{name:?} cannot be packed: {reason}")]
    Name {
        /// The name inside.
        name: String,
        /// The problem.
        reason: &'static str,
    },
    /// The commit's time does not fit the archive's form.
    #[error("the time {epoch} does not fit into the archive: {reason}")]
    Time {
        /// Seconds since 1970.
        epoch: i64,
        /// The range that the format allows.
        reason: &'static str,
    },
    /// A file had another length at its end than when it was opened.
    #[error("{}: changed while it was packed: {promised} bytes at first, {found} in the end", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length at first.
        promised: u64,
        /// The content that was read.
        found: u64,
    },
    /// The written archive reads back as another content.
    #[error("{}: reads back as {found}, expected {meant}", path.display())]
    ReadBack {
        /// The archive.
        path: PathBuf,
        /// Its entries.
        found: String,
        /// Those that were meant.
        meant: String,
    },
    /// An archive that is not of its form.
    #[error("{}: {source}", path.display())]
    Broken {
        /// The archive.
        path: PathBuf,
        /// The reader's error.
        source: io::Error,
    },
    /// No such entry.
    #[error("{}: has no {name}", path.display())]
    Missing {
        /// The archive.
        path: PathBuf,
        /// The entry.
        name: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("fix `files` in sayna-release.toml".to_owned()),
            Self::Time { .. } => Some("unset SOURCE_DATE_EPOCH, or set it to the commit's time".to_owned()),
            Self::ReadBack { .. } => {
                Some("this is a fault of the program: please report it with both lists".to_owned())
            }
            Self::Changed { .. } => Some("wait until nothing writes to it any more, then run again".to_owned()),
            Self::File(_) | Self::Broken { .. } | Self::Missing { .. } => None,
        }
    }
}

/// The line that `sha256sum` prints, and reads with `-c`: bare name, two spaces, one newline.
pub fn checksum_line(name: &str, digest: Digest) -> String {
    format!("{}  {name}\n", digest.hex())
}

/// One file on its way into an archive.
struct Item {
    name: String,
    executable: bool,
    content: Content,
}

/// The content of each item, in their order, as it was packed.
type Packed = Vec<(Digest, u64)>;

/// Writes `out/<archive>` and `out/<archive>.sha256`, and reads the archive back before anyone relies on it.
pub fn package(input: &Input<'_>, out: &Path) -> Result<Archive, Error> {
    let items = items(input)?;
    let path = out.join(input.archive);
    let mut file = AtomicFile::create(&path)?;
    let mut hashing = HashingWriter::new(&mut file);
    let packed = match input.kind {
        ArchiveKind::TarGz => tar(input, &items, &mut hashing, &path)?,
        ArchiveKind::Zip => zip::write(input, &items, &mut hashing, &path)?,
    };
    let (digest, size) = hashing.finish();
    file.commit()?;
    if let Err(error) = verify_written(input, &path, &packed) {
        // A bad archive must not stay under a good name; why it is bad says more than why it could not be removed.
        drop(std::fs::remove_file(&path));
        return Err(error);
    }
    let name = checksum(input.archive);
    atomic::write(&out.join(&name), checksum_line(input.archive, digest).as_bytes())?;
    let binary = items.iter().zip(&packed).find(|(item, _)| item.executable).map(|(_, content)| *content);
    let missing = || Error::Missing { path: path.clone(), name: input.exe_name.clone() };
    let (binary_digest, binary_size) = binary.ok_or_else(missing)?;
    Ok(Archive {
        archive: FileEntry { name: named(input.archive)?, size, digest },
        checksum: FileEntry::of(out, &name)?,
        binary: FileEntry { name: named(&input.exe_name)?, size: binary_size, digest: binary_digest },
    })
}

/// A name that every system stores as it is.
pub fn named(name: &str) -> Result<FileName, Error> {
    name.parse()
        .map_err(|_no_file_name| Error::Name { name: name.to_owned(), reason: "no file can have this name everywhere" })
}

/// Sorted by name, each name good and only once.
fn items(input: &Input<'_>) -> Result<Vec<Item>, Error> {
    let plain = |(name, path): &(String, PathBuf)| Item {
        name: name.clone(),
        executable: false,
        content: Content::Path(path.clone()),
    };
    let mut items: Vec<Item> = input.files.iter().map(plain).collect();
    let content = Content::Path(input.binary.to_owned());
    items.push(Item { name: input.exe_name.clone(), executable: true, content });
    let content = Content::Text(input.third_party.clone());
    items.push(Item { name: THIRD_PARTY.to_owned(), executable: false, content });
    items.sort_by(|a, b| a.name.cmp(&b.name));
    entry::check(input.stem)?;
    if input.stem.contains('/') {
        return Err(Error::Name { name: input.stem.to_owned(), reason: "the archive has one folder" });
    }
    check_names(&items.iter().map(|i| i.name.as_str()).collect::<Vec<_>>())?;
    Ok(items)
}

/// Whether files of these names can lie in one archive, on every system.
pub fn check_names(all: &[&str]) -> Result<(), Error> {
    let (mut names, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for name in all.iter().copied() {
        entry::check(name)?;
        let lower = name.to_lowercase();
        folders.extend(lower.match_indices('/').map(|(end, _)| lower.split_at(end).0.to_owned()));
        let refused = |reason| Err(Error::Name { name: name.to_owned(), reason });
        if !names.insert(lower) {
            return refused("it stands twice, or differs from another by case alone");
        }
    }
    match names.intersection(&folders).next() {
        Some(name) => Err(Error::Name { name: name.clone(), reason: "it is a file, and another name's folder" }),
        None => Ok(()),
    }
}

fn tar(input: &Input<'_>, items: &[Item], out: &mut impl Write, path: &Path) -> Result<Packed, Error> {
    let epoch = input.epoch;
    let mtime =
        u64::try_from(epoch).map_err(|_negative| Error::Time { epoch, reason: "tar has no time before 1970" })?;
    let mut builder = tar::Builder::new(gzip::Writer::new(out));
    let header = |size: u64, mode: u32, kind: tar::EntryType| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(mtime);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(kind);
        header
    };
    let folder = format!("{}/", input.stem);
    let mut head = header(0, 0o755, tar::EntryType::Directory);
    builder.append_data(&mut head, &folder, io::empty()).at("write", path)?;
    let mut packed = Packed::with_capacity(items.len());
    for item in items {
        let (size, mut reader) = item.content.open()?;
        let mut head = header(size, if item.executable { 0o755 } else { 0o644 }, tar::EntryType::Regular);
        builder.append_data(&mut head, format!("{folder}{}", item.name), &mut reader).at("write", path)?;
        packed.push(item.content.packed(size, reader)?);
    }
    builder.into_inner().and_then(gzip::Writer::finish).at("write", path)?;
    Ok(packed)
}

/// Reads the archive from the disk, with other code than wrote it, down to the content of each file.
fn verify_written(input: &Input<'_>, path: &Path, packed: &[(Digest, u64)]) -> Result<(), Error> {
    let names = input.files.iter().map(|(name, _)| name.as_str());
    let meant = planned_entries(input.stem, &input.exe_name, names, input.epoch, input.kind);
    let (found, contents) = read::everything(path, input.kind, u64::MAX)?;
    let differs = |found: String, meant: String| Err(Error::ReadBack { path: path.to_owned(), found, meant });
    if found != meant {
        let words = |entries: &[Entry]| entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return differs(words(&found), words(&meant));
    }
    if contents != packed {
        let words = |contents: &[(Digest, u64)]| {
            contents.iter().map(|(digest, size)| format!("{size} bytes {digest}")).collect::<Vec<_>>().join("; ")
        };
        return differs(words(&contents), words(packed));
    }
    Ok(())
}
