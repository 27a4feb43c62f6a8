//! Splits a text that exceeds a vendor's limit where people pause: at the end of a sentence, else of a clause, else of a word.

use super::cut::end;
use super::limit::{GLUE, Limit};
use crate::provider::Pronunciation;

/// Replaces the spaces inside pronunciations by [`GLUE`], so that no text is split inside one.
pub(super) fn glued(pronunciations: &[Pronunciation]) -> Vec<Pronunciation> {
    let glue = |text: &str| text.chars().map(|c| if c.is_whitespace() { GLUE } else { c }).collect();
    let glued = |p: &Pronunciation| Pronunciation { word: p.word.clone(), pronunciation: glue(&p.pronunciation) };
    pronunciations.iter().map(glued).collect()
}

/// Returns the text as it is spoken, with spaces inside its pronunciations.
pub(super) fn unglued(text: &str) -> String {
    text.replace(GLUE, " ")
}

/// Returns whether a text has anything to speak: a letter or a digit that is not part of an emoji.
pub(super) fn is_spoken(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Letters in boxes and circles, and characters that the selector behind them turns into an emoji.
        let emoji = matches!(c, '\u{1f100}'..='\u{1f2ff}') || chars.peek() == Some(&'\u{fe0f}');
        if c.is_alphanumeric() && !emoji {
            return true;
        }
    }
    false
}

/// Splits a text into parts within the limit, each with something to speak. Only spaces between the parts are lost.
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
    fn text_parts_end_where_people_pause() {
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
    fn text_parts_never_split_a_pronunciation() {
        let words = [Pronunciation { word: "API".into(), pronunciation: "A. P. I".into() }];
        let text = Pronunciations::new(&glued(&words)).apply("one two three API four", 100).unwrap();
        assert_eq!(parts(&text, Limit::Characters(18)), ["one two three", "A. P. I four"]);
        assert_eq!(unglued(&text), "one two three A. P. I four");
    }

    #[test]
    fn signs_and_emoji_are_not_spoken() {
        for silent in ["", " \n", "...", "?!", "—", "🎉", "👍🏽 !", "1️⃣", "🅰️", "🇩🇪", "***"] {
            assert!(!is_spoken(silent), "{silent}");
        }
        for spoken in ["a", "5%", "привет", "你好", "½", "👍 ok", "#1"] {
            assert!(is_spoken(spoken), "{spoken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_parts_are_within_the_limit_and_lose_no_word(text in "[a-z.,!? \u{e4}\u{1f389}]{0,200}", most in 4_usize..60) {
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
