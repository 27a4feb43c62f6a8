//! Colours and figures of everything that people read.

use anstyle::{AnsiColor, Style};

/// Something that holds.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something that does not hold.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something that a person has to look at.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Details.
pub const QUIET: Style = Style::new().dimmed();
/// Titles.
pub const TITLE: Style = Style::new().bold();

/// A size for people: whole kilobytes below a megabyte, else tenths of megabytes, which are all that a person compares.
pub fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
    }
}
