//! Replaces words of a text by their pronunciations.

use crate::provider::{OptionsError, Pronunciation};

/// The longest word with a pronunciation, in bytes. It bounds the work per character of a text.
const LONGEST_WORD: usize = 400;

/// An index of words with their pronunciations, sorted by bytes, so that words with a common prefix are adjacent. A `Synthesizer`
/// owns it.
#[derive(Debug, Default)]
pub(super) struct Pronunciations {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    word: String,
    spoken: String,
    /// The index of the longest other word that is a prefix of this one.
    shorter: Option<usize>,
}

/// The text with its pronunciations exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl Pronunciations {
    /// Rejects words of more than [`LONGEST_WORD`] bytes.
    pub(super) fn check(words: &[Pronunciation]) -> Result<(), OptionsError> {
        let expected = "a list of words of at most 400 bytes each";
        let field = "pronunciations";
        let fits = words.iter().all(|entry| entry.word.len() <= LONGEST_WORD);
        if fits { Ok(()) } else { Err(OptionsError::Range { field, expected }) }
    }

    /// Builds the index. Of two entries with the same word, the last one counts.
    pub(super) fn new(words: &[Pronunciation]) -> Self {
        let mut sorted: Vec<&Pronunciation> = words.iter().filter(|entry| !entry.word.is_empty()).rev().collect();
        sorted.sort_by(|a, b| a.word.cmp(&b.word));
        sorted.dedup_by(|a, b| a.word == b.word);
        let mut entries: Vec<Entry> = Vec::with_capacity(sorted.len());
        // The prefixes of the last word, each a prefix of the next.
        let mut open: Vec<usize> = Vec::new();
        for entry in sorted {
            let begins = |at: &usize| entries.get(*at).is_some_and(|shorter| entry.word.starts_with(&shorter.word));
            while open.last().is_some_and(|at| !begins(at)) {
                open.pop();
            }
            let shorter = open.last().copied();
            open.push(entries.len());
            entries.push(Entry { word: entry.word.clone(), spoken: entry.pronunciation.clone(), shorter });
        }
        Self { entries }
    }

    /// Replaces whole words in one pass from left to right. Replaced text is not searched again, so two words can be exchanged.
    /// Of words that begin at the same place, the longest counts. A word may contain spaces and signs. Fails as soon as the
    /// result exceeds `most` characters.
    pub(super) fn apply(&self, text: &str, most: usize) -> Result<String, TooLong> {
        let mut out = String::with_capacity(text.len());
        let (mut rest, mut before, mut chars) = (text, None, 0);
        while let Some(next) = rest.chars().next() {
            let taken = if let Some(found) = self.find(before, rest) {
                out.push_str(&found.spoken);
                chars += found.spoken.chars().take(most.saturating_add(1)).count();
                before = found.word.chars().next_back();
                found.word.len()
            } else {
                out.push(next);
                chars += 1;
                before = Some(next);
                next.len_utf8()
            };
            if chars > most {
                return Err(TooLong);
            }
            rest = rest.split_at_checked(taken).map_or("", |(_, rest)| rest);
        }
        Ok(out)
    }

    /// Returns the longest whole word that `rest` begins with.
    fn find(&self, before: Option<char>, rest: &str) -> Option<&Entry> {
        // Words that are a prefix of `rest` sort before it. The last entry before it is the longest of them, or shares a prefix
        // with all of them.
        let mut at = self.entries.partition_point(|entry| entry.word.as_str() <= rest).checked_sub(1);
        while let Some(entry) = at.and_then(|at| self.entries.get(at)) {
            if rest.starts_with(&entry.word) && is_whole(before, rest, &entry.word) {
                return Some(entry);
            }
            at = entry.shorter;
        }
        None
    }
}

/// Returns whether neither end of `word` is inside a longer word.
fn is_whole(before: Option<char>, rest: &str, word: &str) -> bool {
    let after = rest.get(word.len()..).and_then(|rest| rest.chars().next());
    let apart = |a: Option<char>, b: Option<char>| !(a.is_some_and(is_letter) && b.is_some_and(is_letter));
    apart(before, word.chars().next()) && apart(word.chars().next_back(), after)
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pronounced(text: &str, words: &[(&str, &str)]) -> String {
        let pronunciation = |(word, pronunciation): &(&str, &str)| Pronunciation {
            word: (*word).into(),
            pronunciation: (*pronunciation).into(),
        };
        Pronunciations::new(&words.iter().map(pronunciation).collect::<Vec<_>>()).apply(text, 1_000).unwrap()
    }

    #[test]
    fn pronunciations_replace_whole_words() {
        let words =
            [("API", "A P I"), ("C++", "see plus plus"), ("Köln", "Cologne"), ("New York", "NY"), ("New", "Old")];
        assert_eq!(pronounced("API, an API's APIs; rAPId (API)", &words), "A P I, an A P I's APIs; rAPId (A P I)");
        assert_eq!(
            pronounced("C++ and C++11 in Köln, Kölner", &words),
            "see plus plus and see plus plus11 in Cologne, Kölner"
        );
        assert_eq!(pronounced("New York, New Yorker, New", &words), "NY, Old Yorker, Old");
        assert_eq!(pronounced("api", &words), "api");
        assert_eq!(pronounced("", &words), "");
    }

    #[test]
    fn pronunciations_are_not_replaced_again() {
        assert_eq!(pronounced("a b", &[("a", "b"), ("b", "a")]), "b a");
        assert_eq!(pronounced("aa", &[("a", "x"), ("", "y")]), "aa");
    }

    /// The rule in its simplest form, without an index.
    fn replaced_linearly(text: &str, words: &[Pronunciation]) -> String {
        let (mut out, mut rest, mut before) = (String::new(), text, None);
        while let Some(next) = rest.chars().next() {
            let fits =
                |p: &&Pronunciation| !p.word.is_empty() && rest.starts_with(&p.word) && is_whole(before, rest, &p.word);
            let found = words.iter().filter(fits).max_by_key(|p| p.word.len());
            out.push_str(found.map_or(&next.to_string(), |found| &found.pronunciation));
            before = found.map_or(Some(next), |found| found.word.chars().next_back());
            rest = &rest[found.map_or(next.len_utf8(), |found| found.word.len())..];
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn pronunciation_index_agrees_with_a_linear_search(text in "[ab+ é]{0,40}", words in proptest::collection::vec("[ab+ é]{0,5}", 0..30)) {
            let pronunciation = |(number, word): (usize, &String)| Pronunciation { word: word.clone(), pronunciation: format!("<{number}>") };
            let words: Vec<_> = words.iter().enumerate().map(pronunciation).collect();
            proptest::prop_assert_eq!(Pronunciations::new(&words).apply(&text, 10_000), Ok(replaced_linearly(&text, &words)));
        }
    }

    #[test]
    fn pronunciations_beyond_the_limit_fail_before_the_text_is_built() {
        let long = Pronunciation { word: "a".into(), pronunciation: "x".repeat(100_000) };
        let words = Pronunciations::new(&[long]);
        assert_eq!(words.apply(&"a ".repeat(2_500), 5_000), Err(TooLong));
        assert_eq!(words.apply("a", 100_000).map(|text| text.len()), Ok(100_000));
        assert_eq!(words.apply("a", 99_999), Err(TooLong));
        assert_eq!(Pronunciations::default().apply("abc", 2), Err(TooLong));
    }

    #[test]
    fn pronunciation_of_a_too_long_word_is_rejected() {
        let word = |length: usize| [Pronunciation { word: "é".repeat(length), pronunciation: String::new() }];
        assert!(Pronunciations::check(&word(200)).is_ok());
        assert!(Pronunciations::check(&word(201)).is_err());
    }
}
