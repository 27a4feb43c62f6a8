//! The local headers of a zip. A program that unpacks by them, and not by the directory at the end, must get the same files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

/// "APPNOTE.TXT", 4.3.7 and 4.3.9: how a local header and a data descriptor begin.
const HEADER: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
/// The flag of an entry whose sizes follow its data.
const STREAMED: u16 = 1 << 3;

/// An entry of the central directory.
struct Listed {
    name: Vec<u8>,
    start: u64,
    method: u16,
    time: (u16, u16),
    sums: [u32; 3],
}

/// Compares each local header with the directory's entry. Between the entries, before and after them there is nothing.
pub(super) fn check(archive: &mut ZipArchive<BufReader<File>>, mut file: BufReader<File>) -> io::Result<()> {
    let mut at = 0;
    for position in 0..archive.len() {
        let listed = listed(archive, position)?;
        let name = String::from_utf8_lossy(&listed.name).into_owned();
        if listed.start != at {
            return Err(wrong(&name, "is not where the entry before it ends"));
        }
        file.seek(SeekFrom::Start(at))?;
        at = entry(&mut file, &listed).map_err(|what| wrong(&name, &what.to_string()))?;
    }
    if at == archive.central_directory_start() {
        Ok(())
    } else {
        Err(io::Error::other("it has something after its entries"))
    }
}

fn wrong(name: &str, what: &str) -> io::Error {
    io::Error::other(format!("the local header of {name:?} {what}"))
}

fn listed(archive: &mut ZipArchive<BufReader<File>>, position: usize) -> io::Result<Listed> {
    let entry = archive.by_index_raw(position)?;
    let name = entry.name_raw().to_vec();
    // Another name in an extra field is one that some programs prefer.
    if entry.name()?.as_bytes() != name {
        return Err(wrong(&String::from_utf8_lossy(&name), "has a second name"));
    }
    let small = |size: u64| u32::try_from(size).map_err(|_large| wrong(&String::from_utf8_lossy(&name), "is of Zip64"));
    let method = match entry.compression() {
        CompressionMethod::Stored => 0,
        CompressionMethod::Deflated => 8,
        other => return Err(wrong(&String::from_utf8_lossy(&name), &format!("is compressed by {other}"))),
    };
    let time = entry.last_modified().map(|time| (time.timepart(), time.datepart())).unwrap_or_default();
    let sums = [entry.crc32(), small(entry.compressed_size())?, small(entry.size())?];
    let start = entry.header_start();
    Ok(Listed { name, start, method, time, sums })
}

/// Reads one entry and gives where it ends.
fn entry(file: &mut BufReader<File>, listed: &Listed) -> io::Result<u64> {
    let differs = |what: &str| Err(io::Error::other(format!("{what} than the directory at the end of the archive")));
    let begin = number(file)?;
    let [_version, flags, method, time, date] = [word(file)?, word(file)?, word(file)?, word(file)?, word(file)?];
    let sums = [number(file)?, number(file)?, number(file)?];
    let (name_size, extra_size) = (word(file)?, word(file)?);
    let mut name = vec![0; usize::from(name_size)];
    file.read_exact(&mut name)?;
    let streamed = flags & STREAMED != 0;
    if begin != HEADER {
        return Err(io::Error::other("is not a local file header"));
    }
    if name != listed.name {
        return differs(&format!("has another name, {:?},", String::from_utf8_lossy(&name)));
    }
    if (method, (time, date)) != (listed.method, listed.time) {
        return differs("has another compression or time");
    }
    if sums != listed.sums && !(streamed && sums == [0; 3]) {
        return differs("has another size or checksum");
    }
    if extra_size != 0 {
        return Err(io::Error::other("has an extra field"));
    }
    let [_, compressed, _] = listed.sums;
    file.seek_relative(i64::from(compressed))?;
    if streamed && ([number(file)?, number(file)?, number(file)?, number(file)?] != with_begin(listed.sums)) {
        return differs("is followed by another size or checksum");
    }
    file.stream_position()
}

fn with_begin([crc, compressed, size]: [u32; 3]) -> [u32; 4] {
    [DESCRIPTOR, crc, compressed, size]
}

fn word(file: &mut impl Read) -> io::Result<u16> {
    let mut bytes = [0; 2];
    file.read_exact(&mut bytes)?;
    Ok(u16::from_le_bytes(bytes))
}

fn number(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
