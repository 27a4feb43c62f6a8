//! Keeps each event on one line, even if it contains texts from outside.

use std::fmt::{self, Write as _};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Wraps another format and escapes control characters as JSON does. So a text of a client or vendor cannot start a line of its
/// own or control a terminal. The fields of spans are escaped too.
pub(super) struct OneLine<F> {
    /// The wrapped format.
    pub(super) format: F,
    /// Whether it writes colours, whose escape characters are kept. It has escaped those of outside texts already.
    pub(super) colours: bool,
}

impl<S, N, F> FormatEvent<S, N> for OneLine<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&escaped(line.trim_end_matches('\n'), self.colours))?;
        writer.write_char('\n')
    }
}

fn escaped(text: &str, colours: bool) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{1b}' if colours => line.push(character),
            // Writing to a `String` cannot fail.
            _ if is_hidden(character) => _ = write!(line, "\\u{:04x}", u32::from(character)),
            _ => line.push(character),
        }
    }
    line
}

/// Returns whether a character is a control character, a line or paragraph separator, or one that changes the text direction.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_line_escapes_control_characters() {
        assert_eq!(escaped("a\r\nb\tc", false), "a\\r\\nb\\tc");
        assert_eq!(
            escaped("\0\u{1b}[2J\u{7f}\u{85}\u{9b}\u{2028}\u{202e}", false),
            "\\u0000\\u001b[2J\\u007f\\u0085\\u009b\\u2028\\u202e"
        );
        assert_eq!(escaped("\u{1b}[32mINFO\u{1b}[0m\n", true), "\u{1b}[32mINFO\u{1b}[0m\\n");
        assert_eq!(escaped("grüße, 你好 \\ \"x\"", false), "grüße, 你好 \\ \"x\"");
    }
}
