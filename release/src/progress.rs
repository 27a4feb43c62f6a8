//! Progress of a run: bars where standard error is a terminal, plain lines where it is not.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, MultiProgress, ProgressBar, ProgressStyle};

use crate::shown::{self, on_one_line, shown};

/// Bytes that go by without a line where there are no bars.
const SMALL: u64 = 1_000_000;

/// The interval of the lines on work under way, where there are no bars.
const EVERY: Duration = Duration::from_secs(20);

/// Shows the progress of a run on standard error. A command owns it and lends it to the stages.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: Option<MultiProgress>,
    quiet: bool,
}

/// One piece of work under way.
#[derive(Debug)]
pub struct Task {
    bar: Option<ProgressBar>,
    plain: Option<Plain>,
    /// The work under way, where a ticker prints it.
    note: Arc<Mutex<String>>,
    ticker: Option<Ticker>,
}

/// A thread that prints what is being done, every 20 seconds until it is dropped.
#[derive(Debug)]
struct Ticker {
    // Dropped to end the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Work in bytes that gets a line when it is done.
#[derive(Debug)]
struct Plain {
    progress: Progress,
    name: String,
    total: u64,
    done: Arc<AtomicU64>,
    begun: Instant,
}

impl Progress {
    /// Bars on a terminal, else lines.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bars: terminal.then(MultiProgress::new), quiet: false }
    }

    /// Nothing at all, for tests and for work inside other work.
    pub fn quiet() -> Self {
        Self { bars: None, quiet: true }
    }

    /// Says one line, above any bar.
    pub fn line(&self, text: &str) {
        self.print(&shown(text));
    }

    /// The same of a text that this program has painted.
    pub fn painted(&self, text: &str) {
        self.print(&shown::painted(text));
    }

    fn print(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.bars {
            Some(bars) => {
                // A closed standard error leaves no reader for this.
                let _closed = bars.println(text);
            }
            None => {
                let _closed = writeln!(anstream::stderr(), "{text}");
            }
        }
    }

    /// Starts work that is counted in bytes.
    pub fn bytes(&self, name: &str, total: u64) -> Task {
        let style = "  {wide_msg} {bar:16} {decimal_bytes:>9} / {decimal_total_bytes:>9} {eta:>4}";
        let mut task =
            self.task(name, ProgressStyle::with_template(style), |style| ProgressBar::new(total).with_style(style));
        if task.bar.is_none() && total >= SMALL {
            let (progress, name, done) = (self.clone(), name.to_owned(), Arc::new(AtomicU64::new(0)));
            let (said, sent) = (name.clone(), Arc::clone(&done));
            let bytes = move || DecimalBytes(sent.load(Ordering::Relaxed));
            task.ticker = self.ticker(move || format!("{said}: {} of {}", bytes(), DecimalBytes(total)));
            task.plain = Some(Plain { progress, name, total, done, begun: Instant::now() });
        }
        task
    }

    /// Starts work of unknown length.
    pub fn spinner(&self, name: &str) -> Task {
        let style = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})");
        let mut task = self.task(name, style, |style| ProgressBar::new_spinner().with_style(style));
        let note = Arc::clone(&task.note);
        task.ticker = self.ticker(move || note.lock().unwrap_or_else(PoisonError::into_inner).clone());
        task
    }

    /// Lines of running work, where there are no bars to show it.
    fn ticker(&self, note: impl Fn() -> String + Send + 'static) -> Option<Ticker> {
        if self.quiet || self.bars.is_some() {
            return None;
        }
        let (progress, begun) = (self.clone(), Instant::now());
        let (end, ended) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                progress.line(&format!("{:>10}  {}  ({} s)", "working", note(), begun.elapsed().as_secs()));
            }
        });
        Some(Ticker { end: Some(end), thread: Some(thread) })
    }

    fn task(
        &self,
        name: &str,
        style: Result<ProgressStyle, indicatif::style::TemplateError>,
        make: impl FnOnce(ProgressStyle) -> ProgressBar,
    ) -> Task {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(make(style.unwrap_or_else(|_wrong_template| ProgressStyle::default_bar())));
            bar.set_message(on_one_line(name).into_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Task { bar, plain: None, note: Arc::new(Mutex::new(name.to_owned())), ticker: None }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Task {
    /// Counts bytes that are done.
    pub fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
        if let Some(plain) = &self.plain {
            plain.done.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Says what is being done now.
    pub fn note(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(on_one_line(text).into_owned());
        }
        text.clone_into(&mut self.note.lock().unwrap_or_else(PoisonError::into_inner));
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

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        // What failed says so itself.
        if let Some(Plain { progress, name, total, begun, .. }) =
            self.plain.as_ref().filter(|p| p.done.load(Ordering::Relaxed) == p.total)
        {
            let seconds = begun.elapsed().as_secs_f64();
            progress.line(&format!("{:>10}  {name}  {}  ({seconds:.1} s)", "sent", DecimalBytes(*total)));
        }
    }
}
