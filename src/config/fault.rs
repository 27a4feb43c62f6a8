//! Errors of the configuration: the problem, its place, and a hint.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::nearest;

/// A position in a file. Lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// The place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file, and the position in it unless the whole file is meant.
    File(PathBuf, Option<Position>),
    /// A variable of the environment.
    Environment(&'static str),
    /// A key that is not set.
    Unset,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(at)) => write!(f, "{}:{}:{}", path.display(), at.line, at.column),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Unset => f.write_str("the configuration"),
        }
    }
}

/// The problem of an error.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such key.
    #[error("unknown key `{}`", quote(&path(section, word)))]
    UnknownKey {
        /// The section of the key. Empty at the top level.
        section: String,
        /// The key as written.
        word: String,
    },
    /// The value is invalid.
    #[error("`{key}` must be {expected}, not {found}")]
    Wrong {
        /// The key.
        key: &'static str,
        /// The expected value.
        expected: &'static str,
        /// A description of the value found.
        found: String,
    },
    /// The mappings of this list have no such field.
    #[error("`{key}` has no field `{}`", quote(field))]
    UnknownField {
        /// The list.
        key: &'static str,
        /// The field as written.
        field: String,
        /// The fields that exist.
        known: &'static [&'static str],
    },
    /// Several values contradict each other.
    #[error("{message}")]
    Rule {
        /// The problem of an error.
        message: String,
        /// The next step for the user.
        hint: String,
    },
    /// The section is not a mapping.
    #[error("{what} must be a mapping (`key: value` lines), not {found}")]
    NotAMapping {
        /// The document, or a section.
        what: String,
        /// A description of the value found.
        found: String,
    },
    /// The key appears twice.
    #[error("`{key}` is already set on line {first}")]
    Duplicate {
        /// The key with its sections.
        key: String,
        /// The line of its first appearance.
        first: usize,
    },
    /// The line of a `.env` file sets no variable.
    #[error("not a line of the form NAME=value")]
    NotAnAssignment,
    /// The quoted value has no end.
    #[error("`{}`: the value begins with a quote ({mark}) that is not closed", quote(name))]
    OpenQuote {
        /// The variable.
        name: String,
        /// `'` or `"`.
        mark: char,
    },
    /// The quoted value ends before its line.
    #[error("`{}`: more text follows behind the quote that ends the value", quote(name))]
    BehindQuote {
        /// The variable.
        name: String,
    },
    /// The key is not a plain word.
    #[error("a key must be a plain word, not {0}")]
    NotAKey(String),
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The file is beyond [`super::MAX_BYTES`].
    #[error("is larger than the limit of {} KiB", super::MAX_BYTES / 1024)]
    TooLarge,
    /// The file or variable is not text.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// A control character, which YAML forbids and which parsers cut files at.
    #[error("control character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// The YAML is invalid. The text is the parser's.
    #[error("not valid YAML: {0}")]
    Syntax(String),
    /// The nesting is too deep.
    #[error("nested more than {0} levels deep")]
    TooDeep(usize),
    /// An alias, `*name`.
    #[error("aliases (`*name`) are not supported")]
    Alias,
    /// A tag, `!name`.
    #[error("tags (`!name`) are not supported")]
    Tag,
    /// A second document, after `---`.
    #[error("a second document begins here")]
    SecondDocument,
}

impl Problem {
    /// Returns the next step, if it is more than to correct the value.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { section, word } => nearest::hint(section, word),
            Self::UnknownField { known, .. } => format!("known here: `{}`", known.join("`, `")),
            Self::Rule { hint, .. } => hint.clone(),
            Self::Duplicate { .. } => "keep one of the two".to_owned(),
            Self::Unreadable(e) if e.kind() == io::ErrorKind::NotFound => {
                "check the path given with `-c`; without `-c`, only the environment and the defaults count".to_owned()
            }
            Self::TooLarge => "check that the path given with `-c` is a configuration file".to_owned(),
            Self::NotAnAssignment => "put `#` before a comment, and a value of several lines between quotes".to_owned(),
            Self::OpenQuote { .. } => {
                "close it; or put the value between the other quotes, if this one is a part of it".to_owned()
            }
            Self::BehindQuote { .. } => {
                "a quote before it may not be closed; put a value that has one kind of quotes between the other kind"
                    .to_owned()
            }
            Self::Alias => "write the value out".to_owned(),
            Self::Tag => "put quotes around a text that begins with `!`; remove the tag otherwise".to_owned(),
            Self::SecondDocument => "keep one; a configuration is a single document".to_owned(),
            _ => return None,
        })
    }
}

/// One error.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Fault {
    /// The place.
    pub place: Place,
    /// The problem.
    pub problem: Problem,
}

impl Fault {
    pub(super) fn in_file(path: &Path, position: Option<Position>, problem: Problem) -> Self {
        Self { place: Place::File(path.to_owned(), position), problem }
    }

    pub(super) fn position(&self) -> Option<Position> {
        if let Place::File(_, position) = self.place { position } else { None }
    }
}

/// The number of errors that are printed. A wrong file can have thousands.
const SHOWN: usize = 20;

/// All errors of a configuration. Never empty.
#[derive(Debug)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn none_or(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }

    pub(super) fn one(fault: Fault) -> Self {
        Self(vec![fault])
    }

    /// Returns the errors: those of the file from top to bottom, then those of the environment.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        writeln!(f, "{count} error{} in the configuration", if count == 1 { "" } else { "s" })?;
        for fault in self.0.iter().take(SHOWN) {
            write!(f, "\n  {fault}")?;
            if let Some(hint) = fault.problem.hint() {
                write!(f, "\n      {hint}")?;
            }
        }
        if count > SHOWN {
            write!(f, "\n  … and {} more", count - SHOWN)?;
        }
        Ok(())
    }
}

/// Returns a key with its section.
pub(super) fn path(section: &str, word: &str) -> String {
    if section.is_empty() { word.to_owned() } else { format!("{section}.{word}") }
}

/// Shortens a foreign text for a message: one line, no control characters.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
