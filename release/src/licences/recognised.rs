//! Which licence of SPDX a text is.
//!
//! Word for word or not at all: a text of which a sentence was changed or added is another licence, however alike. As
//! SPDX's matching guidelines have it, punctuation, case, the marks of comments and of list entries, notices of copyright
//! above the terms, and names in the places that licences leave for them do not count.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

/// The places for names: all words between the two phrases, no more than [`LONGEST_NAME`].
const NAMES: [(&[&str], &[&str]); 3] = [
    (&["neither", "the", "name", "of"], &["may", "be", "used", "to", "endorse"]),
    (&["software", "is", "provided", "by"], &["as", "is", "and"]),
    (&["in", "no", "event", "shall"], &["be", "liable"]),
];
const LONGEST_NAME: usize = 20;
/// The longest paragraph that is taken for a notice of copyright.
const LONGEST_NOTICE: usize = 60;
/// Text that is not in a notice of copyright.
const TERMS: [&str; 7] = ["permission", "permitted", "redistribution", "licensed", "conditions", "not", "may"];

/// The identifier of the licence whose text this is. Several have one text, such as `GPL-2.0-only` and `-or-later`:
/// which of them is meant stands elsewhere, so none of them is recognised.
pub(super) fn recognised(text: &str) -> Option<&'static str> {
    static KNOWN: LazyLock<HashMap<String, Option<&'static str>>> = LazyLock::new(known);
    KNOWN.get(&terms(text)).copied().flatten()
}

fn known() -> HashMap<String, Option<&'static str>> {
    let mut known = HashMap::new();
    let ids = spdx::identifiers::LICENSES.iter().filter_map(|licence| spdx::license_id(licence.name));
    for id in ids.filter(|id| !id.is_deprecated()) {
        let is_certain = !id.name.ends_with("-only") && !id.name.ends_with("-or-later");
        match known.entry(terms(id.text())) {
            Entry::Vacant(place) => {
                place.insert(is_certain.then_some(id.name));
            }
            Entry::Occupied(mut place) => {
                place.insert(None);
            }
        }
    }
    known.remove("");
    known
}

/// The words that count, with a blank between two of them.
fn terms(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_matches(['/', '*', ' ', '\t'])).collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty());
    let words: Vec<String> = paragraphs.skip_while(|lines| is_notice(lines)).flatten().flat_map(|l| words(l)).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (before, after) in NAMES {
        leave_out_name(&mut words, before, after);
    }
    words.join(" ")
}

/// A title, or who holds the copyright.
fn is_notice(paragraph: &[&str]) -> bool {
    let all: Vec<String> = paragraph.iter().flat_map(|line| words(line)).collect();
    let is_title = all.len() <= 4 && all.last().is_some_and(|word| word == "license");
    let first = paragraph.first().map(|line| line.to_lowercase()).unwrap_or_default();
    let is_copyright = ["copyright", "(c)", "\u{a9}", "all rights reserved"].iter().any(|word| first.starts_with(word));
    let has_terms = all.iter().any(|word| TERMS.contains(&word.as_str()));
    is_title || (is_copyright && all.len() <= LONGEST_NOTICE && !has_terms)
}

/// A line's words in lower case, without the marks of list entries. Those count nowhere in a line: where it was wrapped,
/// one may stand at its beginning that stands in the middle elsewhere.
fn words(line: &str) -> Vec<String> {
    let counted = line.split_whitespace().filter(|part| !is_mark(part));
    let words = counted.flat_map(|part| part.split(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty());
    let words = words.map(str::to_lowercase);
    words.map(|word| if word == "https" { "http".to_owned() } else { word }).collect()
}

/// `1.`, `(a)`, `ii)`
fn is_mark(part: &str) -> bool {
    let mark = part.trim_start_matches('(').trim_end_matches(['.', ')']);
    let counts = mark.bytes().all(|b| b.is_ascii_digit()) || mark.bytes().all(|b| b"ivx".contains(&b));
    mark.len() < part.len() && mark.is_ascii() && ((mark.len() <= 2 && counts) || mark.len() <= 1)
}

fn leave_out_name(words: &mut Vec<&str>, before: &[&str], after: &[&str]) {
    let at = |words: &[&str], phrase: &[&str]| words.windows(phrase.len()).position(|found| found == phrase);
    let Some(begin) = at(words, before).map(|position| position + before.len()) else { return };
    let Some(length) = words.get(begin..).and_then(|rest| at(rest, after)) else { return };
    if length <= LONGEST_NAME {
        words.drain(begin..begin + length);
    }
}
