//! Licence texts: from a crate's own folder, else from SPDX.

use std::fs;
use std::path::{Path, PathBuf};

use spdx::{AdditionItem, LicenseItem};

use super::Error;
use super::policy::Terms;
use crate::atomic::{At as _, PathError};
use crate::graph::{Crate, Origin};

/// The names of files with licence texts, in upper case.
const LICENCES: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"];
/// Of files that must come along but license nothing.
const NOTICES: [&str; 2] = ["NOTICE", "COPYRIGHT"];
/// Endings of files whose name merely looks like one of those.
const NOT_TEXT: [&str; 12] = ["rs", "toml", "json", "yml", "yaml", "py", "sh", "js", "c", "h", "go", "csv"];
/// Folders of a crate that are not linked.
const NOT_LINKED: [&str; 4] = ["tests", "benches", "examples", "fuzz"];

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Text {
    /// A licence that a component ships.
    Shipped(String),
    /// A notice that a component ships, or the licence of foreign code inside it.
    Notice(String),
    /// SPDX's text of the named licence, for want of a shipped one.
    Canonical(String, String),
}

impl Text {
    /// Whether it says under which terms the component as a whole may be used.
    pub(super) fn is_licence(&self) -> bool {
        !matches!(self, Self::Notice(_))
    }

    /// Whether it is such terms in full. Some files called LICENSE only say where the licence is to be found; none of
    /// those disclaims warranty as every licence in use does, but for the notice of Apache-2.0, which names a URL.
    pub(super) fn is_whole(&self) -> bool {
        let text = self.body().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let disclaims = text.contains("as is") || text.contains("as-is");
        let is_apache_notice =
            text.contains("may obtain a copy of the license at") && !text.contains("terms and conditions");
        self.is_licence() && disclaims && !is_apache_notice
    }

    /// The text itself.
    pub(super) fn body(&self) -> &str {
        match self {
            Self::Shipped(body) | Self::Notice(body) | Self::Canonical(_, body) => body,
        }
    }
}

/// The texts in a crate's folder, by path. Code that a crate has taken in (C libraries, say) brings its own, in
/// folders below; a crate of this workspace is its top folder alone. One from Git may share the texts at the top of its
/// repository with others.
pub(super) fn shipped(krate: &Crate) -> Result<Vec<Text>, PathError> {
    let mut files = Vec::new();
    let depth = if krate.id.origin == Origin::Project { 0 } else { 8 };
    collect(&krate.folder, depth, false, &mut files)?;
    let above = if matches!(krate.id.origin, Origin::Git { .. }) { above(&krate.folder) } else { Vec::new() };
    for folder in &above {
        collect(folder, 0, false, &mut files)?;
    }
    if let Some(file) = &krate.licence_file
        && !files.contains(file)
    {
        files.push(file.clone());
    }
    let mut texts = Vec::new();
    for path in files {
        let bytes = fs::read(&path).at("read", &path)?;
        let body = normal(&bytes);
        if body.is_empty() || bytes.contains(&0) {
            continue;
        }
        let is_own = krate.licence_file.as_ref() == Some(&path)
            || is_own_licence(&krate.folder, &path)
            || above.iter().any(|folder| is_own_licence(folder, &path));
        let text = if is_own { Text::Shipped(body) } else { Text::Notice(body) };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

/// The folders above a crate in Cargo's checkout of a repository; none of a crate that was vendored.
fn above(folder: &Path) -> Vec<&Path> {
    let Some(top) = folder.ancestors().position(|above| above.join(".cargo-ok").exists()) else { return Vec::new() };
    folder.ancestors().take(top + 1).skip(1).collect()
}

/// Files that hold texts, sorted by path; `all` where the folder itself is one of licences.
fn collect(folder: &Path, depth: usize, all: bool, files: &mut Vec<PathBuf>) -> Result<(), PathError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).at("list", folder)? {
        entries.push(entry.at("list", folder)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
        let is_named = is_called(&name, &LICENCES) || is_called(&name, &NOTICES);
        if path.is_dir() {
            let skipped = NOT_LINKED.iter().any(|skip| name.eq_ignore_ascii_case(skip)) || name.starts_with('.');
            if is_named {
                collect(&path, 0, true, files)?;
            } else if depth > 0 && !skipped {
                collect(&path, depth - 1, false, files)?;
            }
        } else if (is_named || all) && !has_ending(&path, &NOT_TEXT) {
            files.push(path);
        }
    }
    Ok(())
}

/// `LICENSE-MIT`, `license.txt`, `.licenses`, `MIT-LICENSE`
fn is_called(name: &str, words: &[&str]) -> bool {
    let mut parts = name.split(['.', '-', '_']);
    parts.any(|part| words.contains(&part)) || words.iter().any(|word| name.trim_start_matches('.').starts_with(word))
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|found| endings.iter().any(|ending| found.eq_ignore_ascii_case(ending)))
}

/// Whether a file is, or lies in, something called LICENSE at the top of the folder.
fn is_own_licence(folder: &Path, path: &Path) -> bool {
    let Some(first) = path.strip_prefix(folder).ok().and_then(|below| below.iter().next()) else { return false };
    is_called(&first.to_string_lossy().to_uppercase(), &LICENCES)
}

/// SPDX's text of each licence that the terms are taken under.
pub(super) fn canonical(component: &str, terms: &Terms) -> Result<Vec<Text>, Error> {
    let mut texts = Vec::new();
    for licence in &terms.allowed {
        let none = || Error::NoText { component: component.to_owned(), licence: licence.to_string() };
        let LicenseItem::Spdx { id, .. } = &licence.license else { return Err(none()) };
        let mut body = normal(id.text().as_bytes());
        match &licence.addition {
            Some(AdditionItem::Spdx(exception)) => {
                body = format!("{body}\n\n{}", normal(exception.text().as_bytes()));
            }
            Some(AdditionItem::Other(_)) => return Err(none()),
            None => {}
        }
        if body.is_empty() {
            return Err(none());
        }
        texts.push(Text::Canonical(licence.to_string(), body));
    }
    Ok(texts)
}

/// The same text however it was saved: UTF-8 (else Latin-1), LF, nothing at the ends of lines, no blank lines around.
pub(super) fn normal(bytes: &[u8]) -> String {
    let text =
        std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned);
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_marks_and_old_encodings_do_not_matter() {
        assert_eq!(normal(b"\xef\xbb\xbf\r\n  A  \r\nB\r\n\r\n"), "  A\nB");
        assert_eq!(normal(b"\xa9 1999"), "\u{a9} 1999");
        assert_eq!(normal(b" \n\n"), "");
    }
}
