//! The zip archive of the Windows targets: deflate, forward slashes, times in UTC, no owner.

use std::io::{self, Write};
use std::path::Path;

use ::zip::write::{SimpleFileOptions, ZipWriter};
use ::zip::{CompressionMethod, DateTime};

use super::{Error, Input, Item, Packed};
use crate::atomic::At as _;

/// Writes the archive as a stream: sizes follow each entry, as the output cannot be rewound.
pub(super) fn write(input: &Input<'_>, items: &[Item], out: &mut impl Write, path: &Path) -> Result<Packed, Error> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(dos_time(input.epoch)?);
    let mut writer = ZipWriter::new_stream(out);
    let broken = |e: ::zip::result::ZipError| Error::Broken { path: path.to_owned(), source: io::Error::other(e) };
    let mut packed = Packed::with_capacity(items.len());
    for item in items {
        let (size, mut reader) = item.content.open()?;
        let options = options.unix_permissions(if item.executable { 0o755 } else { 0o644 });
        writer.start_file(format!("{}/{}", input.stem, item.name), options).map_err(broken)?;
        io::copy(&mut reader, &mut writer).at("write", path)?;
        packed.push(item.content.packed(size, reader)?);
    }
    writer.finish().map_err(broken)?;
    Ok(packed)
}

/// MS-DOS time: two-second steps from 1980 to 2107, taken as UTC so that no time zone enters.
pub(crate) fn dos_time(epoch: i64) -> Result<DateTime, Error> {
    let wrong = || Error::Time { epoch, reason: "zip has times from 1980 to 2107" };
    let time = jiff::Timestamp::from_second(epoch).map_err(|_out_of_range| wrong())?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |n: i8| u8::try_from(n).map_err(|_negative| wrong());
    let year = u16::try_from(time.year()).map_err(|_negative| wrong())?;
    let (month, day) = (small(time.month())?, small(time.day())?);
    let (hour, minute, second) = (small(time.hour())?, small(time.minute())?, small(time.second())?);
    DateTime::from_date_and_time(year, month, day, hour, minute, second).map_err(|_out_of_range| wrong())
}
