//! What a person sees of `sayna init`: a bar where standard error is a terminal, else a line per file.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use sayna::models::{Event, File};

/// Characters of a bar.
const WIDTH: u64 = 24;

/// Where the news go.
#[derive(Debug)]
pub(crate) struct Teller {
    terminal: bool,
    /// The step that was drawn last: a thousand pieces a second are not a thousand pictures.
    drawn: Option<u64>,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), drawn: None }
    }

    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::There { file, path } => self.line(&format!("{} is there: {}", file.name, path.display())),
            Event::Begun { file, bytes } => {
                self.drawn = None;
                if self.terminal {
                    return self.draw(file, *bytes);
                }
                let from = if *bytes > 0 { format!(", from byte {bytes} on") } else { String::new() };
                self.line(&format!("{}: {}{from}", file.name, size(file.bytes)));
            }
            Event::Came { file, bytes } => self.draw(file, *bytes),
            Event::Again { file, error } => self.line(&format!("{}: {error}; trying again", file.name)),
            Event::Done { file, path } => self.line(&format!("{} is here: {}", file.name, path.display())),
        }
    }

    fn line(&mut self, text: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        self.drawn = None;
        // Where nobody reads, the exit status has to do.
        writeln!(io::stderr(), "{clear}{text}").ok();
    }

    fn draw(&mut self, file: &File, bytes: u64) {
        let step = bytes.saturating_mul(200) / file.bytes.max(1);
        if !self.terminal || self.drawn.replace(step) == Some(step) {
            return;
        }
        let mut stderr = io::stderr();
        write!(stderr, "\r\x1b[K{}", bar(file, bytes)).and_then(|()| stderr.flush()).ok();
    }
}

fn bar(file: &File, bytes: u64) -> String {
    let full = (bytes.saturating_mul(WIDTH) / file.bytes.max(1)).min(WIDTH);
    let mut text = format!("{} [", file.name);
    for at in 0..WIDTH {
        text.push(if at < full { '#' } else { '-' });
    }
    // Writing to a text cannot fail.
    write!(text, "] {} of {}", size(bytes), size(file.bytes)).ok();
    text
}

/// In the unit that a person would say.
fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_much_of_a_file_is_there() {
        let file = sayna::models::all().into_iter().find(|file| file.name == "silero_vad.onnx").unwrap();
        assert_eq!(bar(&file, 0), "silero_vad.onnx [------------------------] 0 B of 2.3 MB");
        assert_eq!(bar(&file, 1_163_762), "silero_vad.onnx [############------------] 1.1 MB of 2.3 MB");
        assert_eq!(bar(&file, file.bytes), "silero_vad.onnx [########################] 2.3 MB of 2.3 MB");
    }
}
