//! What a person sees while work is going on: bars where standard error is a terminal, plain lines where it is not.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where progress goes.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: Option<MultiProgress>,
    quiet: bool,
}

/// One piece of work under way.
#[derive(Debug)]
pub struct Task {
    bar: Option<ProgressBar>,
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
        if self.quiet {
            return;
        }
        match &self.bars {
            Some(bars) => {
                // Nobody is left to tell when standard error is closed.
                let _closed = bars.println(text);
            }
            None => {
                let _closed = writeln!(anstream::stderr(), "{text}");
            }
        }
    }

    /// Starts work that is counted in bytes.
    pub fn bytes(&self, name: &str, total: u64) -> Task {
        let style = ProgressStyle::with_template("  {msg:40!} {bar:24} {bytes:>10} / {total_bytes} {eta:>4}");
        self.task(name, style, |style| ProgressBar::new(total).with_style(style))
    }

    /// Starts work of unknown length.
    pub fn spinner(&self, name: &str) -> Task {
        let style = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})");
        self.task(name, style, |style| ProgressBar::new_spinner().with_style(style))
    }

    fn task(
        &self,
        name: &str,
        style: Result<ProgressStyle, indicatif::style::TemplateError>,
        make: impl FnOnce(ProgressStyle) -> ProgressBar,
    ) -> Task {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(make(style.unwrap_or_else(|_wrong_template| ProgressStyle::default_bar())));
            bar.set_message(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Task { bar }
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
    }

    /// Says what is being done now.
    pub fn note(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
