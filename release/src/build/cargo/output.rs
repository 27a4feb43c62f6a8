//! Cargo's standard error: a progress bar, which counts units, and lines, of which the last ones say what failed.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};

/// Lines that are kept: enough to see the error, bounded whatever a build script prints.
const LINES: usize = 40;
/// Bytes of one line that are kept.
const LINE: usize = 4096;

/// The progress of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Units {
    /// Compiled, or found compiled.
    pub(super) done: u64,
    /// All of this build.
    pub(super) total: u64,
}

/// Reads to the end, reports each count of the progress bar, and gives the last lines.
pub(super) fn read(stderr: impl Read, mut report: impl FnMut(&Units)) -> String {
    let mut lines = VecDeque::new();
    let mut line = Vec::new();
    let mut reader = BufReader::new(stderr);
    loop {
        let (used, is_end) = match reader.fill_buf() {
            Ok([]) | Err(_) => (0, true),
            Ok(bytes) => {
                // The bar is written over itself with carriage returns.
                let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
                let piece = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                line.extend(piece.iter().take(LINE.saturating_sub(line.len())));
                (end.map_or(bytes.len(), |end| end + 1), end.is_some())
            }
        };
        if is_end {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            match units(&text) {
                Some(units) => report(&units),
                None if !plain(&text).is_empty() => {
                    lines.push_back(plain(&text).to_owned());
                    lines.drain(..lines.len().saturating_sub(LINES));
                }
                None => {}
            }
        }
        if used == 0 {
            return Vec::from(lines).join("\n");
        }
        reader.consume(used);
    }
}

/// A line without the sequence that clears what the bar left on it.
fn plain(line: &str) -> &str {
    line.trim_start_matches("\u{1b}[K").trim_end()
}

/// `    Building [=====>      ] 120/283: rten, sayna`
fn units(line: &str) -> Option<Units> {
    let (_, counts) = plain(line).trim_start().strip_prefix("Building [")?.split_once("] ")?;
    let (done, rest) = counts.split_once('/')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some(Units { done: done.trim().parse().ok()?, total: digits.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (Vec<(u64, u64)>, String) {
        let mut counts = Vec::new();
        let lines = read(text.as_bytes(), |units| counts.push((units.done, units.total)));
        (counts, lines)
    }

    #[test]
    fn counts_are_reported_and_the_last_lines_kept() {
        let bar = "   Compiling serde v1.0.0\n\u{1b}[K    Building [=>      ] 12/283: serde\r\u{1b}[K    Building [==>     ] 130/283\r\
                   \u{1b}[Kerror[E0425]: cannot find value `x`\n  --> src/main.rs:1:1\n";
        let (counts, lines) = both(bar);
        assert_eq!(counts, [(12, 283), (130, 283)]);
        assert_eq!(lines, "   Compiling serde v1.0.0\nerror[E0425]: cannot find value `x`\n  --> src/main.rs:1:1");
    }

    #[test]
    fn cargo_output_is_bounded() {
        let (counts, lines) = both(&("x".repeat(1 << 20) + "\n").repeat(100));
        assert_eq!((counts.len(), lines.len()), (0, LINES * (LINE + 1) - 1));
        for odd in ["Building [", "Building [] /", "Building [] 1/", "Building [] a/b", "\u{1b}[K", "\r\r\n", ""] {
            assert_eq!(both(odd).0, [], "{odd:?}");
        }
    }
}
