//! Parses YAML into a tree with line numbers, without knowledge of the keys.
//!
//! It uses the parser's events and not serde, because a well-formed but invalid value must have a position, and all errors must be
//! reported at once. Aliases, tags and deep nesting are rejected, so that the cost is linear in the size of the file.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::MAX_BYTES;
use super::fault::{Position, Problem, quote};

/// The limit of nesting. The deepest key is at level four.
const MAX_DEPTH: usize = 32;

/// A problem with its position, unless it concerns the whole file.
pub(super) type Located = (Option<Position>, Problem);

/// One value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Text; `quoted` tells `"null"` from `null`.
    Scalar { text: String, quoted: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys in the order of the file, with repetitions.
    Mapping(Vec<(Word, Node)>),
    /// Something that was already reported and should not be reported again.
    Broken,
}

/// A key and where it stands.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) at: Position,
    pub(super) text: String,
}

impl Node {
    /// What YAML calls null: nothing, `~` or `null` without quotes.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What this is, as it fits after "not".
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "empty".to_owned(),
            Kind::Scalar { text, .. } => format!("`{}`", quote(text)),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
            Kind::Broken => "this".to_owned(),
        }
    }
}

/// Reads one document. `None` where there is none, because the file is empty or cannot be understood.
pub(super) fn read(bytes: &[u8]) -> (Option<Node>, Vec<Located>) {
    let text = match text(bytes) {
        Ok(text) => text,
        Err(problem) => return (None, vec![problem]),
    };
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    let end = builder.build(&mut parser);
    let mut problems = builder.problems;
    match end {
        Ok(()) => (builder.root, problems),
        Err(problem) => {
            problems.push(problem);
            (None, problems)
        }
    }
}

/// The bytes as text that a YAML parser can be given.
fn text(bytes: &[u8]) -> Result<&str, Located> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err((None, Problem::TooLarge));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let good = bytes.get(..e.valid_up_to()).unwrap_or_default();
        (Some(position_after(&String::from_utf8_lossy(good))), Problem::NotUtf8)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    match text.char_indices().find(|(_, c)| control(*c)) {
        Some((at, c)) => Err((Some(position_after(text.get(..at).unwrap_or_default())), Problem::Control(c))),
        None => Ok(text),
    }
}

fn position_after(text: &str) -> Position {
    let line = text.rsplit('\n').next().unwrap_or_default();
    Position { line: text.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

fn position(mark: &Marker) -> Position {
    Position { line: mark.line(), column: mark.col() + 1 }
}

/// A collection whose end has not come yet.
#[derive(Debug)]
enum Open {
    Sequence(Position, Vec<Node>),
    Mapping { at: Position, entries: Vec<(Word, Node)>, next: Next },
}

/// What a mapping waits for: keys and values take turns.
#[derive(Debug)]
enum Next {
    Key,
    ValueOf(Word),
    /// The value of a key that was reported.
    Skipped,
}

/// Puts events together. A stack of its own, not the machine's, so depth is a number that is compared.
#[derive(Debug, Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    problems: Vec<Located>,
}

impl Builder {
    fn build(&mut self, parser: &mut Parser<'_, StrInput<'_>>) -> Result<(), Located> {
        let mut documents = 0_usize;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|e| broken(&e))?;
            let at = position(&span.start);
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err((Some(at), Problem::SecondDocument));
                    }
                }
                Event::Alias(_) => {
                    self.problems.push((Some(at), Problem::Alias));
                    self.close(Node { at, kind: Kind::Broken });
                }
                Event::Scalar(text, style, _, tag) => self.scalar(at, text, style, tag.is_some()),
                Event::SequenceStart(_, tag) => self.open(at, tag.is_some(), Open::Sequence(at, Vec::new()))?,
                Event::MappingStart(_, tag) => {
                    self.open(at, tag.is_some(), Open::Mapping { at, entries: Vec::new(), next: Next::Key })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close_collection(),
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn scalar(&mut self, at: Position, text: Cow<'_, str>, style: ScalarStyle, tagged: bool) {
        let kind = if tagged {
            self.problems.push((Some(at), Problem::Tag));
            Kind::Broken
        } else {
            Kind::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }
        };
        self.close(Node { at, kind });
    }

    fn open(&mut self, at: Position, tagged: bool, collection: Open) -> Result<(), Located> {
        if tagged {
            self.problems.push((Some(at), Problem::Tag));
        }
        if self.open.len() == MAX_DEPTH {
            return Err((Some(at), Problem::TooDeep(MAX_DEPTH)));
        }
        self.open.push(collection);
        Ok(())
    }

    fn close_collection(&mut self) {
        match self.open.pop() {
            Some(Open::Sequence(at, items)) => self.close(Node { at, kind: Kind::Sequence(items) }),
            Some(Open::Mapping { at, entries, .. }) => self.close(Node { at, kind: Kind::Mapping(entries) }),
            None => {}
        }
    }

    /// Hands a finished value to what it stands in.
    fn close(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping { entries, next, .. }) => match std::mem::replace(next, Next::Key) {
                Next::ValueOf(word) => entries.push((word, node)),
                Next::Skipped => {}
                Next::Key => *next = word(node, &mut self.problems).map_or(Next::Skipped, Next::ValueOf),
            },
        }
    }
}

/// A key is a scalar; anything else is reported, and its value is skipped.
fn word(node: Node, problems: &mut Vec<Located>) -> Option<Word> {
    let described = node.describe();
    match node.kind {
        Kind::Scalar { text, .. } => Some(Word { at: node.at, text }),
        Kind::Broken => None,
        Kind::Sequence(_) | Kind::Mapping(_) => {
            problems.push((Some(node.at), Problem::NotAKey(described)));
            None
        }
    }
}

fn broken(error: &ScanError) -> Located {
    (Some(position(error.marker())), Problem::Syntax(quote_all(error.info())))
}

/// The parser's own words can carry a piece of the file.
fn quote_all(info: &str) -> String {
    info.chars().take(200).flat_map(char::escape_debug).collect()
}
