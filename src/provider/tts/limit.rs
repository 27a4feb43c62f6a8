//! How much of a text a vendor takes at once. A longer one is asked for in parts, which are cut where people pause: at the end of a
//! sentence, else of a clause, else of a word.

use super::cut::end;
use crate::provider::Pronunciation;

/// Stands for a blank inside a pronunciation until the text has been cut: no part ends there. It is as long as a blank.
pub(super) const GLUE: char = '\u{1f}';

/// The most that a vendor takes in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// No limit is documented.
    None,
    /// Characters of Unicode.
    Characters(usize),
    /// Bytes in UTF-8.
    Bytes(usize),
}

impl Limit {
    pub(super) fn size(self, c: char) -> usize {
        match self {
            Self::None => 0,
            Self::Characters(_) => 1,
            Self::Bytes(_) => c.len_utf8(),
        }
    }

    pub(super) fn most(self) -> usize {
        match self {
            Self::None => usize::MAX,
            Self::Characters(most) | Self::Bytes(most) => most,
        }
    }
}

/// Pronunciations that no text is cut inside of.
pub(super) fn glued(pronunciations: &[Pronunciation]) -> Vec<Pronunciation> {
    let glue = |text: &str| text.chars().map(|c| if c.is_whitespace() { GLUE } else { c }).collect();
    let glued = |p: &Pronunciation| Pronunciation { word: p.word.clone(), pronunciation: glue(&p.pronunciation) };
    pronunciations.iter().map(glued).collect()
}

/// The text as it is spoken, with blanks inside its pronunciations.
pub(super) fn unglued(text: &str) -> String {
    text.replace(GLUE, " ")
}

/// Whether there is anything in a text that could be spoken: a letter or a digit that is no part of an emoji.
pub(super) fn is_spoken(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Letters in boxes and circles, and what is shown as an emoji by the selector behind it.
        let emoji = matches!(c, '\u{1f100}'..='\u{1f2ff}') || chars.peek() == Some(&'\u{fe0f}');
        if c.is_alphanumeric() && !emoji {
            return true;
        }
    }
    false
}

/// The text in parts that the vendor takes, each with something to say. Nothing of the text is lost but blanks between the parts.
pub(super) fn parts(text: &str, limit: Limit) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (part, behind) = rest.split_at_checked(end(rest, limit)).unwrap_or((rest, ""));
        if is_spoken(part) {
            parts.push(unglued(part.trim_end()));
        }
        rest = behind.trim_start_matches(|c: char| c.is_whitespace() || c == GLUE);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tts::pronounce::Pronunciations;

    #[test]
    fn a_text_is_cut_where_people_pause() {
        let limit = Limit::Characters(24);
        for (text, expected) in [
            ("One two. Three four five six.", vec!["One two.", "Three four five six."]),
            ("I met Dr. Smith in May. He left.", vec!["I met Dr. Smith in May.", "He left."]),
            ("one two, three four five six", vec!["one two,", "three four five six"]),
            ("one two three four five six", vec!["one two three four five", "six"]),
            ("\"Go on!\" she said to them all.", vec!["\"Go on!\"", "she said to them all."]),
            ("... One. ... 🎉", vec!["... One. ... 🎉"]),
            ("It is short.", vec!["It is short."]),
        ] {
            assert_eq!(parts(text, limit), expected, "{text}");
        }
        assert_eq!(parts("你好。再见", Limit::Bytes(9)), ["你好。", "再见"]);
        assert_eq!(parts("aaaa bbbb", Limit::None), ["aaaa bbbb"]);
        assert!(parts(" … 🎉 ", limit).is_empty());
    }

    #[test]
    fn a_pronunciation_stays_whole() {
        let words = [Pronunciation { word: "API".into(), pronunciation: "A. P. I".into() }];
        let text = Pronunciations::new(&glued(&words)).apply("one two three API four", 100).unwrap();
        assert_eq!(parts(&text, Limit::Characters(18)), ["one two three", "A. P. I four"]);
        assert_eq!(unglued(&text), "one two three A. P. I four");
    }

    #[test]
    fn signs_and_emoji_say_nothing() {
        for silent in ["", " \n", "...", "?!", "—", "🎉", "👍🏽 !", "1️⃣", "🅰️", "🇩🇪", "***"] {
            assert!(!is_spoken(silent), "{silent}");
        }
        for spoken in ["a", "5%", "привет", "你好", "½", "👍 ok", "#1"] {
            assert!(is_spoken(spoken), "{spoken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_part_is_within_the_limit_and_no_word_is_lost(text in "[a-z.,!? \u{e4}\u{1f389}]{0,200}", most in 4_usize..60) {
            for limit in [Limit::Characters(most), Limit::Bytes(most)] {
                let parts = parts(&text, limit);
                for part in &parts {
                    let size: usize = part.chars().map(|c| limit.size(c)).sum();
                    proptest::prop_assert!(size <= most, "{part}");
                }
                let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                proptest::prop_assert_eq!(letters(&parts.concat()), letters(&text));
            }
        }
    }
}
