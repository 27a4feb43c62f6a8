//! The log on standard error, one line per event, and the program's few lines on standard output.
//!
//! A thread of its own writes the lines, so no caller blocks. A closed pipe, a reader that has stopped, and a full disk cost only
//! lines, which are counted.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

mod line;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;
use line::OneLine;

/// The capacity of the queue of lines.
const WAITING: usize = 4_096;

/// The time limit for writing the last lines at the end of the program.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The number of lines that were not written. Global, because the streams belong to the whole process.
static DROPPED: AtomicU64 = AtomicU64::new(0);
static LINES: OnceLock<SyncSender<Line>> = OnceLock::new();

/// A message to the writing thread.
enum Line {
    Out(Vec<u8>),
    Error(Vec<u8>),
    /// Dropped when everything before it is written.
    Mark(SyncSender<()>),
}

/// Starts the log in the format of the configuration. A second call has no effect.
pub fn init(log: &Log) {
    // The configuration was checked, so the filter parses.
    let filter =
        log.filter.parse::<Targets>().unwrap_or_else(|_unchecked| Targets::new().with_default(LevelFilter::INFO));
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    // By default the subscriber reports its own errors by `eprintln!`, which panics if standard error has failed.
    let builder =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(Lines).log_internal_errors(false);
    let result = if log.json {
        let builder = builder.json().flatten_event(true).with_span_list(false);
        builder.map_event_format(|format| OneLine { format, colours: false }).finish().with(filter).try_init()
    } else {
        let builder = builder.with_ansi(colours);
        let one_line = |format: Format| OneLine { format: format.with_ansi(colours), colours };
        builder.map_event_format(one_line).finish().with(filter).try_init()
    };
    // Fails only if a program that embeds this one has a subscriber already.
    result.ok();
}

/// Prints a line to standard output, in order with the lines of the log.
pub fn say(line: impl std::fmt::Display) {
    send(Line::Out(format!("{line}\n").into_bytes()));
}

/// Returns the number of lines that could not be written.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits until all lines are written, at most 0.5 s.
pub fn finish() {
    let Some(lines) = LINES.get() else { return };
    let (mark, written) = sync_channel(0);
    if lines.try_send(Line::Mark(mark)).is_ok() {
        // The wait ends when the mark is dropped, or by its time limit.
        written.recv_timeout(LAST_LINES).ok();
    }
}

fn send(line: Line) {
    let start = || {
        let (lines, written) = sync_channel(WAITING);
        // Without the thread the receiver is gone, so every line is dropped and counted.
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write(&written)).ok();
        lines
    };
    if LINES.get_or_init(start).try_send(line).is_err() {
        count();
    }
}

fn count() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
}

fn write(lines: &Receiver<Line>) {
    let (mut out, mut error) = (Stream::new(io::stdout()), Stream::new(io::stderr()));
    for line in lines {
        match line {
            Line::Out(line) => out.write(&line),
            Line::Error(line) => error.write(&line),
            Line::Mark(mark) => drop(mark),
        }
    }
}

/// One of the two streams, and whether its last line is incomplete.
struct Stream<W> {
    to: W,
    torn: bool,
}

impl<W: Write> Stream<W> {
    fn new(to: W) -> Self {
        Self { to, torn: false }
    }

    /// Writes a line. It starts on a new line even if the last one is incomplete.
    fn write(&mut self, line: &[u8]) {
        let begun = if self.torn { self.to.write_all(b"\n") } else { Ok(()) };
        let written = begun.and_then(|()| self.to.write_all(line)).and_then(|()| self.to.flush());
        self.torn = written.is_err();
        if self.torn {
            count();
        }
    }
}

/// Passes each event on as one line.
#[derive(Debug, Clone, Copy)]
struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        send(Line::Error(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts so many bytes, then no more until it is emptied.
    struct Full(Vec<u8>, usize);

    impl Write for &mut Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.1 - self.0.len());
            self.0.extend_from_slice(&bytes[..taken]);
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn log_line_after_a_partial_write_starts_on_its_own() {
        let mut disk = Full(Vec::new(), 8);
        let mut stream = Stream::new(&mut disk);
        let before = dropped();
        stream.write(b"first\n");
        stream.write(b"second\n");
        stream.write(b"third\n");
        stream.to.1 = 100;
        stream.write(b"fourth\n");
        assert_eq!(String::from_utf8_lossy(&disk.0), "first\nse\nfourth\n");
        assert_eq!(dropped() - before, 2);
    }
}
