//! Parses YAML into a tree with line numbers, without knowledge of the keys.
//!
//! It uses the parser's events and not serde, because a well-formed but invalid value must have a position, and all errors must
//! be reported at once. Aliases, tags and deep nesting are rejected, so that the cost is linear in the size of the file.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

use super::MAX_BYTES;
use super::fault::{Position, Problem, quote};

/// The limit of nesting. The deepest key is at level four.
const MAX_DEPTH: usize = 32;

/// A problem with its position, unless it concerns the whole file.
pub(super) type Located = (Option<Position>, Problem);

/// One value of the tree.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) kind: Kind,
}

/// The kind of a value.
#[derive(Debug)]
pub(super) enum Kind {
    /// A text. `quoted` distinguishes `"null"` from `null`.
    Scalar { text: String, quoted: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys in the order of the file, with repetitions.
    Mapping(Vec<(Word, Node)>),
    /// A value whose problem was reported already.
    Broken,
}

/// A key and its position.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) at: Position,
    pub(super) text: String,
}

impl Node {
    /// Returns whether the value is null in YAML: nothing, `~` or `null` without quotes.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// Returns a description that follows "not".
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

/// Reads one document. Returns `None` if the file is empty or cannot be parsed.
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

/// Returns the bytes as a text that the YAML parser accepts.
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

/// A collection that is still open.
#[derive(Debug)]
enum Open {
    Sequence(Position, Vec<Node>),
    Mapping { at: Position, entries: Vec<(Word, Node)>, next: Next },
}

/// The state of a mapping: keys and values alternate.
#[derive(Debug)]
enum Next {
    Key,
    ValueOf(Word),
    /// The value of a key whose problem was reported.
    Skipped,
}

/// Builds the tree from events. It has a stack of its own, so that the depth can be limited.
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

    /// Adds a complete value to its collection.
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

/// Cleans the parser's text, which may contain a part of the file.
fn quote_all(info: &str) -> String {
    info.chars().take(200).flat_map(char::escape_debug).collect()
}
