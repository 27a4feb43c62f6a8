//! The libraries inside a prebuilt native input, by the file of licences that lies beside it.
//!
//! The file is Markdown of one form, which WebRTC's `generate_licenses.py` writes: per library a heading `# name`, and
//! below it one block between two lines of three backquotes with the library's texts, escaped as for HTML. Anything else
//! in the file is refused: a text that is not understood would be missing where it has to stand.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::iter::Zip;
use std::ops::RangeFrom;
use std::path::{Path, PathBuf};
use std::str::Lines;

use super::recognised::recognised;
use super::texts::normal;
use super::{Error, policy};
use crate::atomic::{At as _, PathError};
use crate::table::{Native, Supply};

/// The largest file. That of the libwebrtc of 2026 has 177 kB.
const MOST_BYTES: u64 = 4_000_000;
/// The most libraries. That libwebrtc has 28.
const MOST_LIBRARIES: usize = 500;
/// The longest name.
const LONGEST_NAME: usize = 100;
const FENCE: &str = "```";

/// Lines with their numbers.
type Numbered<'t> = Zip<Lines<'t>, RangeFrom<usize>>;

/// A native input that a binary links, and the libraries inside it.
#[derive(Debug, Clone)]
pub struct Linked<'a> {
    /// The table's entry.
    pub native: &'a Native,
    /// The libraries of its file of licences, in that order; empty where the table names no such file.
    pub libraries: Vec<Library>,
}

/// A library inside a native input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Its name: `abseil-cpp`.
    pub name: String,
    /// The text of its licences, with LF at the ends of lines and no other control character than tabs.
    pub text: String,
    /// The SPDX identifier of the licence whose text this is, word for word; `None` for any other text.
    pub licence: Option<&'static str>,
}

/// The reason why a file of licences cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Larger than any such file.
    #[error("it has more than {MOST_BYTES} bytes")]
    Size,
    /// Not text.
    #[error("it is not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// The place.
        offset: usize,
    },
    /// A file without a heading.
    #[error("it lists no library: no line begins with \"# \"")]
    NoLibrary,
    /// More headings than any such file.
    #[error("it lists more than {MOST_LIBRARIES} libraries")]
    Many,
    /// A heading that is no name.
    #[error("line {line}: a library's name has 1 to {LONGEST_NAME} characters of ASCII and no space")]
    Name {
        /// Its line.
        line: usize,
    },
    /// Text that belongs to no library.
    #[error("line {line} stands neither in a heading nor in a block of a library's text")]
    Outside {
        /// Its line.
        line: usize,
    },
    /// A library without a text.
    #[error("line {line}: {name} has no text")]
    NoText {
        /// The heading's line.
        line: usize,
        /// The library.
        name: String,
    },
    /// A block without an end.
    #[error("line {line}: the block of {name} does not end")]
    Unclosed {
        /// The heading's line.
        line: usize,
        /// The library.
        name: String,
    },
    /// One name for two libraries.
    #[error("line {line}: {name} is listed twice")]
    Twice {
        /// The second heading's line.
        line: usize,
        /// The library.
        name: String,
    },
}

impl<'a> Linked<'a> {
    /// Reads what lies in the folder of a native input.
    pub fn read(native: &'a Native, folder: Option<&Path>) -> Result<Self, Error> {
        let Supply::Download(download) = &native.supply else { return Ok(Self { native, libraries: Vec::new() }) };
        let Some(file) = &download.licences else { return Ok(Self { native, libraries: Vec::new() }) };
        let input = native.to_string();
        let Some(folder) = folder else {
            let variable = native.env.clone().unwrap_or_default();
            return Err(Error::NoFolder { input, file: file.clone(), variable });
        };
        let path = folder.join(file);
        let bytes = match bounded(&path) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => return Err(Error::NotThere { input, path }),
            bytes => bytes?,
        };
        let libraries = libraries(&bytes).map_err(|fault| Error::Inside { input, path: path.clone(), fault })?;
        let linked = Self { native, libraries };
        linked.covered(path)?;
        Ok(linked)
    }

    /// Each licence that was recognised stands in the table: a newer input may bring one that no maintainer has read.
    fn covered(&self, path: PathBuf) -> Result<(), Error> {
        let expression = self.native.licence.get_ref();
        let named = policy::identifiers(expression);
        let other = |library: &&Library| library.licence.is_some_and(|id| !named.iter().any(|name| name == id));
        let Some(library) = self.libraries.iter().find(other) else { return Ok(()) };
        Err(Error::NotCovered {
            input: self.native.to_string(),
            path,
            library: library.name.clone(),
            licence: library.licence.unwrap_or_default().to_owned(),
            expression: expression.clone(),
        })
    }
}

/// No more than one byte over the limit.
fn bounded(path: &Path) -> Result<Vec<u8>, PathError> {
    let mut bytes = Vec::new();
    let file = File::open(path).at("read", path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).at("read", path)?;
    Ok(bytes)
}

/// The libraries that a file of licences lists.
pub fn libraries(bytes: &[u8]) -> Result<Vec<Library>, Fault> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Fault::Size);
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Fault::NotUtf8 { offset: e.valid_up_to() })?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    let mut found: Vec<Library> = Vec::new();
    while let Some((content, line)) = lines.next() {
        if content.trim().is_empty() {
            continue;
        }
        let name = content.strip_prefix("# ").ok_or(Fault::Outside { line })?.trim();
        let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        if !is_name {
            return Err(Fault::Name { line });
        }
        if found.iter().any(|library| library.name == name) {
            return Err(Fault::Twice { line, name: name.to_owned() });
        }
        if found.len() == MOST_LIBRARIES {
            return Err(Fault::Many);
        }
        let body = block(&mut lines, line, name)?;
        let licence = recognised(&body);
        found.push(Library { name: name.to_owned(), text: body, licence });
    }
    if found.is_empty() { Err(Fault::NoLibrary) } else { Ok(found) }
}

/// The text below a heading.
fn block(lines: &mut Numbered<'_>, line: usize, name: &str) -> Result<String, Fault> {
    let none = || Fault::NoText { line, name: name.to_owned() };
    let begin = lines.find(|(content, _)| !content.trim().is_empty());
    if begin.is_none_or(|(content, _)| content.trim_end() != FENCE) {
        return Err(none());
    }
    let mut body = String::new();
    for (content, _) in lines {
        if content.trim_end() == FENCE {
            let body = normal(printable(&unescaped(&body)).as_bytes());
            return if body.trim().is_empty() { Err(none()) } else { Ok(body) };
        }
        body.push_str(content);
        body.push('\n');
    }
    Err(Fault::Unclosed { line, name: name.to_owned() })
}

/// The text before it was escaped for HTML: each of the five that Python's `html.escape` writes, once.
fn unescaped(text: &str) -> String {
    const ESCAPED: [(&str, char); 5] =
        [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#x27;", '\'')];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, at)) = rest.find('&').and_then(|position| rest.split_at_checked(position)) {
        out.push_str(before);
        let (length, character) = ESCAPED
            .iter()
            .find(|(escaped, _)| at.starts_with(escaped))
            .map_or((1, '&'), |(escaped, character)| (escaped.len(), *character));
        out.push(character);
        rest = at.get(length..).unwrap_or_default();
    }
    out + rest
}

/// A space for whatever a terminal would obey instead of showing, or by which it would show text in another order.
fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(obeyed, " ")
}
