//! Texts from outside in Markdown, in URLs and in shell commands.

use std::fmt::Write as _;

use crate::shown::on_one_line;

/// The characters that mean something to Markdown or to GitHub inside of a line.
const MEANT: &str = "\\`*[]<>|~&#!$^";

/// Returns the text as the cell of a table shows it.
pub fn cell(text: &str) -> String {
    let text = on_one_line(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Between letters, an underscore is one.
        let after = rest.peek().copied().unwrap_or(' ');
        let emphasis = c == '_' && !(before.is_alphanumeric() && after.is_alphanumeric());
        if MEANT.contains(c) || emphasis {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

/// Returns the text as a code span, for a line that is no cell of a table.
pub fn code(text: &str) -> String {
    let text = on_one_line(text);
    let fence = fence(&text);
    let odd = text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let pad = if odd { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns the backticks around a code span of the text: one more than it has itself in a row.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest + 1)
}

/// Returns the text as one segment of a URL's path.
pub fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Returns the text as one word of a shell's command line.
pub fn quoted(text: &str) -> String {
    let text = on_one_line(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@+=,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_releases_stay_legible() {
        for name in ["sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz", "glibc 2.34 or newer, libgcc"] {
            assert_eq!(cell(name), name);
        }
        assert_eq!(code("docker.io/saynaai/sayna:1.2.3"), "`docker.io/saynaai/sayna:1.2.3`");
        assert_eq!(url("sayna-1.2.3-x86_64.tar.gz"), "sayna-1.2.3-x86_64.tar.gz");
        assert_eq!(
            quoted("https://github.com/a/b/.github/x.yml@refs/tags/v1"),
            "https://github.com/a/b/.github/x.yml@refs/tags/v1"
        );
    }

    #[test]
    fn odd_characters_are_escaped() {
        assert_eq!(cell("a|b`c<d_ *e*\u{202e}"), "a\\|b\\`c\\<d\\_ \\*e\\*\\\\u{202e}");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(url("a b)/ü"), "a%20b%29%2F%C3%BC");
        assert_eq!(quoted("a'; rm -rf $HOME"), "'a'\\''; rm -rf $HOME'");
        assert_eq!(quoted("--version"), "'--version'");
        assert_eq!(quoted(""), "''");
    }
}
