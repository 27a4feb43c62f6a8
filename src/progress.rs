//! The progress of `sayna init`: a bar where standard error is a terminal, else lines.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use sayna::models::{Event, File};

/// How often a download gets a line where there is no bar.
const EVERY: Duration = Duration::from_secs(20);

/// Shows the events of one `sayna init`. The program owns it until all files are in their place.
#[derive(Debug)]
pub(crate) struct DownloadProgress {
    terminal: bool,
    /// Hidden where standard error is no terminal.
    bar: ProgressBar,
    /// What [`Ticker`] prints: the file that is being fetched and its size and progress in bytes.
    current: Arc<Mutex<Option<Download>>>,
    _ticker: Option<Ticker>,
}

#[derive(Debug)]
struct Download {
    name: String,
    bytes: u64,
    total: u64,
}

/// A thread that prints a line every 20 seconds until it is dropped.
#[derive(Debug)]
struct Ticker {
    // Dropped to end the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DownloadProgress {
    pub(crate) fn new() -> Self {
        let (terminal, current) = (io::stderr().is_terminal(), Arc::default());
        let ticker = (!terminal).then(|| Ticker::start(Arc::clone(&current)));
        Self { terminal, bar: ProgressBar::hidden(), current, _ticker: ticker }
    }

    pub(crate) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::There { file, path } => self.line(&format!("{} is there: {}", file.name, path.display())),
            Event::Begun { file, bytes } => self.begin(file, *bytes),
            Event::Came { bytes, .. } => {
                self.bar.set_position(*bytes);
                if let Some(download) = &mut *self.current.lock().unwrap_or_else(PoisonError::into_inner) {
                    download.bytes = *bytes;
                }
            }
            Event::Again { file, error } => self.line(&format!("{}: {error}; retrying", file.name)),
            Event::Done { file, path } => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.bar.finish_and_clear();
                self.line(&format!("{} is here: {}", file.name, path.display()));
            }
        }
    }

    fn begin(&mut self, file: &File, bytes: u64) {
        if self.terminal {
            self.bar = bar(ProgressBar::new(file.bytes), file, bytes);
            return;
        }
        let from = if bytes > 0 { format!(", resumed at byte {bytes}") } else { String::new() };
        self.line(&format!("{}: {}{from}", file.name, DecimalBytes(file.bytes)));
        let download = Download { name: file.name.clone(), bytes, total: file.bytes };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(download);
    }

    /// Prints a line, above the bar if there is one.
    fn line(&self, text: &str) {
        // The exit status reports the result where standard error is closed.
        self.bar.suspend(|| writeln!(io::stderr(), "{text}").ok());
    }
}

impl Ticker {
    fn start(current: Arc<Mutex<Option<Download>>>) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if let Some(Download { name, bytes, total }) = &*current.lock().unwrap_or_else(PoisonError::into_inner)
                {
                    let (bytes, total) = (DecimalBytes(*bytes), DecimalBytes(*total));
                    writeln!(io::stderr(), "{name}: {bytes} of {total}").ok();
                }
            }
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A thread that only prints has no result.
            drop(thread.join());
        }
    }
}

fn bar(bar: ProgressBar, file: &File, bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:24}] {decimal_bytes} of {decimal_total_bytes}");
    let style = style.unwrap_or_else(|_wrong_template| ProgressStyle::default_bar()).progress_chars("#-");
    bar.with_style(style).with_message(file.name.clone()).with_position(bytes)
}

#[cfg(test)]
mod tests {
    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal that keeps the last line that was drawn.
    #[derive(Debug, Clone, Default)]
    struct Recorder(Arc<Mutex<String>>);

    impl TermLike for Recorder {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_progress_bar_shows_how_much_of_a_file_is_there() {
        let file = sayna::models::all().into_iter().find(|file| file.name == "silero_vad.onnx").unwrap();
        let drawn = |bytes| {
            let terminal = Recorder::default();
            let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
            let bar = bar(ProgressBar::with_draw_target(Some(file.bytes), target), &file, bytes);
            bar.force_draw();
            terminal.0.lock().unwrap().trim_end().to_owned()
        };
        assert_eq!(drawn(0), "silero_vad.onnx [------------------------] 0 B of 2.33 MB");
        assert_eq!(drawn(1_163_762), "silero_vad.onnx [############------------] 1.16 MB of 2.33 MB");
        assert_eq!(drawn(file.bytes), "silero_vad.onnx [########################] 2.33 MB of 2.33 MB");
    }
}
