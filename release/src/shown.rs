//! Text from outside, on its way to a person. A terminal obeys control characters, and shows text in another order than it
//! is stored where a character asks for that: both are made visible.

use std::borrow::Cow;
use std::fmt::Write as _;

pub mod palette;

/// Whether a character does more to a terminal than to stand on it: control characters (C0, DEL, C1), those that change the
/// direction of text or end its line, and invisible ones that nothing legible is made of.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text as it may be printed. Line feeds and tabs stay; everything else that is unsafe becomes `\u{…}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'), |c, out| out.extend(c.escape_unicode()))
}

/// The same on one line, for a cell of a table.
pub fn on_one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe, |c, out| match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push(' '),
        other => out.extend(other.escape_unicode()),
    })
}

/// A number of things, in the singular or plural form of their name.
pub fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// The last gate before a terminal: what this program paints itself (`ESC [ … m`) stays, and nothing else that a terminal
/// obeys. Texts from outside were made visible before, where they were put in.
pub fn painted(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unsafe(c) && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(&shown(before));
        let own = after.split_once('m').filter(|(codes, _)| codes.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        if let Some((codes, after)) = own {
            let _infallible = write!(out, "\u{1b}[{codes}m");
            rest = after;
        } else {
            out.push_str("\\u{1b}[");
            rest = after;
        }
    }
    out.push_str(&shown(rest));
    Cow::Owned(out)
}

/// A JSON document in which unsafe characters are written as JSON's escapes: the same values, fit for a terminal. They stand in
/// strings alone, as JSON has no other place for them.
pub fn json(document: &str) -> Cow<'_, str> {
    escaped(
        document,
        |c| is_unsafe(c) && !matches!(c, '\n' | '\r' | '\t'),
        |c, out| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn escaped(text: &str, bad: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) { escape(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_control_characters_are_escaped() {
        let hostile = "a\u{1b}[2Jb\rc\u{7}d\u{9b}1me\u{202e}f\u{2066}g\u{200f}h\0i\u{7f}j\u{e0041}k";
        for text in [shown(hostile), on_one_line(hostile), painted(hostile)] {
            assert!(!text.chars().any(is_unsafe), "{text:?}");
            assert!(text.starts_with("a\\u{1b}[2Jb\\u{d}c\\u{7}d\\u{9b}1me\\u{202e}f\\u{2066}g"), "{text}");
        }
        assert_eq!(on_one_line("a\nb\tc"), "a\\nb c");
    }

    #[test]
    fn one_thing_is_singular() {
        let said: Vec<String> = (0..3).map(|n| counted(n, "binary", "binaries")).collect();
        assert_eq!(said, ["0 binaries", "1 binary", "2 binaries"]);
    }

    #[test]
    fn legible_text_of_any_language_stays() {
        for text in ["größe", "日本語", "שלום", "می\u{200c}خواهم", "👩\u{200d}💻", "a\nb\tc", ""] {
            assert_eq!(shown(text), text);
            assert_eq!(painted(text), text);
        }
    }

    #[test]
    fn colours_pass_the_last_gate_and_nothing_longer_does() {
        for text in ["\u{1b}[31mred\u{1b}[0m", "\u{1b}[1;38;5;2mx\u{1b}[m"] {
            assert_eq!(painted(text), text);
        }
        assert_eq!(painted("\u{1b}[31mx\u{1b}[2Jm"), "\u{1b}[31mx\\u{1b}[2Jm");
        assert_eq!(painted("\u{1b}]0;title\u{7}\u{1b}c"), "\\u{1b}]0;title\\u{7}\\u{1b}c");
        assert_eq!(painted("\u{1b}[?1049hm"), "\\u{1b}[?1049hm");
    }

    #[test]
    fn a_document_keeps_its_values() {
        let value = serde_json::json!({"a": "\u{1b}[2J\u{202e}\u{9b}\u{7f}\u{e0041}\u{feff}é"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&text);
        assert!(!safe.chars().any(|c| is_unsafe(c) && c != '\n'), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
