//! Parses a `.env` file, which adds to the environment. Values are not expanded, and no error contains a value.

use std::collections::HashMap;
use std::path::Path;

use super::fault::{Fault, Faults, Position, Problem};
use super::{MAX_BYTES, read};

/// Returns the variables of a file, or none if it does not exist. The last line of a name counts.
///
/// A line is `NAME=value`, optionally after `export `. A quoted value may have several lines. Between `'` it is literal, between
/// `"` the escapes `\n`, `\r`, `\t`, `\\`, `\"` and `\$` are replaced. Without quotes a value ends with its line, or
/// before a `#` that follows a space. A `$` has no special meaning.
pub fn dotenv(path: &Path) -> Result<HashMap<String, String>, Faults> {
    let wrong = |position, problem| Fault::in_file(path, position, problem);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(Problem::Unreadable(e)) if e.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(problem) => return Err(Faults::one(wrong(None, problem))),
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Faults::one(wrong(None, Problem::TooLarge)));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Faults::one(wrong(Some(Position { line, column: 1 }), Problem::NotUtf8))
    })?;
    let (variables, problems) = parse(text);
    let faults = problems.into_iter().map(|(line, problem)| wrong(Some(Position { line, column: 1 }), problem));
    Faults::none_or(faults.collect()).map(|()| variables)
}

/// Returns the variables, and the problems with their lines.
fn parse(text: &str) -> (HashMap<String, String>, Vec<(usize, Problem)>) {
    let mut lines = Lines { rest: text.strip_prefix('\u{feff}').unwrap_or(text), number: 0 };
    let (mut variables, mut problems) = (HashMap::new(), Vec::new());
    while let Some(line) = lines.next() {
        let number = lines.number;
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match assignment(line, &mut lines) {
            Ok((name, value)) => drop(variables.insert(name, value)),
            Err(problem) => problems.push((number, problem)),
        }
    }
    (variables, problems)
}

/// The lines of a text, without line ends.
struct Lines<'a> {
    rest: &'a str,
    /// The number of the last line, from 1.
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

fn assignment(line: &str, lines: &mut Lines<'_>) -> Result<(String, String), Problem> {
    let bare = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(line);
    let (name, value) = bare.split_once('=').ok_or(Problem::NotAnAssignment)?;
    let name = name.trim();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    // An invalid name may be a part of a secret, so the error does not repeat it.
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.bytes().all(word) {
        return Err(Problem::NotAnAssignment);
    }
    let begin = value.trim_start();
    let value = match begin.chars().next() {
        Some(quote @ ('\'' | '"')) => quoted(name, quote, begin.get(1..).unwrap_or_default(), lines)?,
        _ => bare_value(value).to_owned(),
    };
    Ok((name.to_owned(), value))
}

fn bare_value(text: &str) -> &str {
    let comment =
        text.char_indices().zip(text.chars().skip(1)).find(|((_, before), c)| before.is_whitespace() && *c == '#');
    let end = comment.map_or(text.len(), |((at, _), _)| at);
    text.get(..end).unwrap_or(text).trim()
}

/// Returns the value after an opening quote. It may continue on the following lines.
fn quoted(name: &str, quote: char, first: &str, lines: &mut Lines<'_>) -> Result<String, Problem> {
    let mut value = String::new();
    let mut line = first;
    loop {
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' if quote == '"' => match characters.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(escaped @ ('\\' | '"' | '$')) => value.push(escaped),
                    // Not an escape, for example in a path of Windows.
                    Some(other) => value.extend(['\\', other]),
                    None => value.push('\\'),
                },
                _ if character == quote => {
                    let rest = characters.as_str();
                    let nothing =
                        rest.trim().is_empty() || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#'));
                    return if nothing { Ok(value) } else { Err(Problem::BehindQuote { name: name.to_owned() }) };
                }
                _ => value.push(character),
            }
        }
        value.push('\n');
        line = lines.next().ok_or_else(|| Problem::OpenQuote { name: name.to_owned(), mark: quote })?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotenv_values_are_literal() {
        for (text, value) in [
            ("A=b", "b"),
            ("\u{feff}export A = b c \r\n", "b c"),
            ("A=", ""),
            ("A=''", ""),
            ("A=b#c # d", "b#c"),
            ("A= # b", ""),
            ("A=#b", "#b"),
            ("A=pa$$word$HOME${HOME}", "pa$$word$HOME${HOME}"),
            ("A='pa$word # \\n'", "pa$word # \\n"),
            ("A=\"pa$word\\$\\\"\\\\\\n\\x\"", "pa$word$\"\\\n\\x"),
            ("A=\"b\" # c", "b"),
            ("A='{\n  \"b\": 1\r\n}'", "{\n  \"b\": 1\n}"),
            ("A=b'c\"d", "b'c\"d"),
            ("A=C:\\new", "C:\\new"),
            ("A=b==", "b=="),
            ("A=x\nA=b", "b"),
            ("# c\n\n  \nA=b", "b"),
            ("A=ü # é", "ü"),
        ] {
            let (variables, problems) = parse(text);
            assert!(problems.is_empty(), "{text:?}: {problems:?}");
            assert_eq!(variables.get("A").map(String::as_str), Some(value), "{text:?}");
        }
    }

    #[test]
    fn dotenv_errors_name_line_and_key_without_values() {
        for (text, line, said) in [
            ("A=b\nB='hunter2\n", 2, "`B`: the value begins with a quote (') that is not closed"),
            ("B=\"hunter2\nC=1", 1, "`B`: the value begins with a quote (\") that is not closed"),
            ("B='hunter2\nC='x'", 1, "`B`: more text follows behind the quote that ends the value"),
            ("B='a'hunter2", 1, "`B`: more text follows behind the quote that ends the value"),
            ("\n\nhunter2", 3, "not a line of the form NAME=value"),
            ("hunter2/+=", 1, "not a line of the form NAME=value"),
            ("2hunter2=x", 1, "not a line of the form NAME=value"),
            ("=hunter2", 1, "not a line of the form NAME=value"),
            ("hunter2: x", 1, "not a line of the form NAME=value"),
        ] {
            let (_, problems) = parse(text);
            let told: Vec<_> = problems.iter().map(|(line, problem)| (*line, problem.to_string())).collect();
            assert_eq!(told.first(), Some(&(line, said.to_owned())), "{text:?}");
            let hints: String = problems.iter().filter_map(|(_, problem)| problem.hint()).collect();
            assert!(!format!("{told:?}{hints}").contains("hunter2"), "{told:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_variables_or_problems(text in "([A-B= '\"\\\\#$\n\r]|\\PC){0,60}") {
            parse(&text);
        }
    }
}
