//! Words that are spoken as something else.

use crate::provider::Pronunciation;

/// Replaces whole words, in one pass from left to right: what was put in is not looked at again, so that two words can be
/// exchanged, and of words that begin at the same place the longest counts. A word may have spaces and signs in it.
pub(super) fn pronounce(text: &str, pronunciations: &[Pronunciation]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let fits =
            |p: &&Pronunciation| !p.word.is_empty() && rest.starts_with(&p.word) && is_whole(before, rest, &p.word);
        if let Some(found) = pronunciations.iter().filter(fits).max_by_key(|p| p.word.len()) {
            out.push_str(&found.pronunciation);
            before = found.word.chars().next_back();
            rest = rest.split_at_checked(found.word.len()).map_or("", |(_, rest)| rest);
        } else {
            out.push(next);
            before = Some(next);
            rest = rest.split_at_checked(next.len_utf8()).map_or("", |(_, rest)| rest);
        }
    }
    out
}

/// Neither end of `word` is inside of a longer one.
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

    fn said(text: &str, words: &[(&str, &str)]) -> String {
        let pronunciation = |(word, pronunciation): &(&str, &str)| Pronunciation {
            word: (*word).into(),
            pronunciation: (*pronunciation).into(),
        };
        pronounce(text, &words.iter().map(pronunciation).collect::<Vec<_>>())
    }

    #[test]
    fn whole_words_are_replaced() {
        let words =
            [("API", "A P I"), ("C++", "see plus plus"), ("Köln", "Cologne"), ("New York", "NY"), ("New", "Old")];
        assert_eq!(said("API, an API's APIs; rAPId (API)", &words), "A P I, an A P I's APIs; rAPId (A P I)");
        assert_eq!(
            said("C++ and C++11 in Köln, Kölner", &words),
            "see plus plus and see plus plus11 in Cologne, Kölner"
        );
        assert_eq!(said("New York, New Yorker, New", &words), "NY, Old Yorker, Old");
        assert_eq!(said("api", &words), "api");
        assert_eq!(said("", &words), "");
    }

    #[test]
    fn what_was_put_in_stays() {
        assert_eq!(said("a b", &[("a", "b"), ("b", "a")]), "b a");
        assert_eq!(said("aa", &[("a", "x"), ("", "y")]), "aa");
    }
}
