//! Messages for people that point into a file: title, the line with a caret under what is meant, and the next step.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::shown::shown;

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It stops what was asked for.
    Error,
    /// It stops nothing, but a person should look at it.
    Warning,
    /// It is only said.
    Note,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The file, for the line above the text.
    pub path: &'a Path,
    /// Its whole text.
    pub text: &'a str,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// A message and all that is shown around it.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The severity.
    pub severity: Severity,
    /// The problem.
    pub title: &'a str,
    /// The place.
    pub place: Option<Place<'a>>,
    /// The next step.
    pub hint: Option<&'a str>,
}

/// One sentence of the words that were meant, for a hint; `None` where nothing is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let limit = (word.chars().count() / 3).max(1) + 1;
    scored.filter(|(distance, _)| *distance <= limit).min().map(|(_, candidate)| candidate)
}

/// The message as text, ending in a line feed; coloured with ANSI codes or plain.
pub fn render(message: &Message<'_>, colour: bool) -> String {
    let level = match message.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let path = message.place.as_ref().map(|place| shown(&place.path.display().to_string()).into_owned());
    let (title, hint) = (shown(message.title), message.hint.map(shown));
    let text = message.place.as_ref().map(|place| shown(place.text)).unwrap_or_default();
    let mut groups = Vec::new();
    if let Some(place) = &message.place {
        // Escaped characters are longer than the characters that they stand for.
        let span = inside(place.text, &place.span);
        let at = |byte: usize| place.text.get(..byte).map_or(0, |before| shown(before).len());
        let annotation = AnnotationKind::Primary.span(at(span.start)..at(span.end));
        let snippet: Snippet<'_, _> = Snippet::source(&*text).path(path).annotation(annotation);
        let group = level.primary_title(&*title).element(snippet);
        groups.push(group.elements(hint.as_deref().map(|hint| Level::HELP.message(hint))));
    } else {
        groups.push(Group::with_title(level.primary_title(&*title)));
        groups.extend(hint.as_deref().map(|hint| Group::with_title(Level::HELP.primary_title(hint))));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    // Each on its own: rendered together, groups without a place are joined by an empty gutter.
    groups.chunks(1).flat_map(|group| [renderer.render(group), "\n".to_owned()]).collect()
}

/// A span that lies within the text, on character boundaries: a renderer may slice by it.
fn inside(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Line and column of a byte, both from 1; columns count characters.
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..inside(text, &(byte..byte)).start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self, false))
    }
}
