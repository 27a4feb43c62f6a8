//! Grapheme to phoneme: words as the phonemes of the voice. A word is looked up in the CMU dictionary, then there without its
//! ending, and then pronounced by `letter_rules` or spelt.

use super::letter_rules;
use super::normalize::Token;

/// The dictionary's phonemes (`ARPAbet`) without stress, and the voice's: the International Phonetic Alphabet as espeak-ng writes it.
#[rustfmt::skip]
const ARPABET_TO_IPA: &[(&str, &str)] = &[
    ("AA", "ɑː"), ("AE", "æ"), ("AO", "ɔː"), ("AW", "aʊ"), ("AY", "aɪ"), ("EH", "ɛ"), ("EY", "eɪ"), ("IH", "ɪ"),
    ("OW", "oʊ"), ("OY", "ɔɪ"), ("UH", "ʊ"), ("UW", "uː"), ("B", "b"), ("CH", "tʃ"), ("D", "d"), ("DH", "ð"),
    ("F", "f"), ("G", "ɡ"), ("HH", "h"), ("JH", "dʒ"), ("K", "k"), ("L", "l"), ("M", "m"), ("N", "n"), ("NG", "ŋ"),
    ("P", "p"), ("R", "ɹ"), ("S", "s"), ("SH", "ʃ"), ("T", "t"), ("TH", "θ"), ("V", "v"), ("W", "w"), ("Y", "j"),
    ("Z", "z"), ("ZH", "ʒ"),
];

/// Function words in their weak form, without stress.
#[rustfmt::skip]
const WEAK_FORMS: &[(&str, &str)] = &[
    ("the", "ðə"), ("a", "ɐ"), ("an", "ɐn"), ("and", "ænd"), ("to", "tə"), ("of", "ʌv"), ("is", "ɪz"), ("in", "ɪn"),
    ("for", "fɔːɹ"), ("at", "æt"), ("or", "ɔːɹ"), ("as", "æz"), ("it", "ɪt"), ("was", "wʌz"), ("are", "ɑːɹ"),
    ("be", "biː"), ("he", "hiː"), ("she", "ʃiː"), ("we", "wiː"), ("you", "juː"), ("your", "jʊɹ"), ("from", "fɹʌm"),
    ("with", "wɪð"), ("that", "ðæt"), ("i'm", "aɪm"), ("its", "ɪts"), ("on", "ɔn"),
];

/// Short words that are read as words when they are in capitals. Others of up to three letters are read as letters.
#[rustfmt::skip]
const EMPHASISED: &[&str] = &[
    "no", "so", "do", "go", "me", "my", "be", "not", "now", "you", "all", "new", "yes", "the", "and", "any", "can", "but", "out",
    "off", "one", "two", "how", "why", "who", "him", "her", "big", "bad", "ok",
];

/// The names of the letters, in `ARPAbet`.
#[rustfmt::skip]
const LETTER_NAMES: [&str; 26] = [
    "EY1", "B IY1", "S IY1", "D IY1", "IY1", "EH1 F", "JH IY1", "EY1 CH", "AY1", "JH EY1", "K EY1", "EH1 L", "EH1 M",
    "EH1 N", "OW1", "P IY1", "K Y UW1", "AA1 R", "EH1 S", "T IY1", "Y UW1", "V IY1", "D AH1 B AH0 L Y UW0", "EH1 K S",
    "W AY1", "Z IY1",
];

/// The CMU Pronouncing Dictionary.
pub(super) struct Dictionary {
    text: String,
    /// The offsets of the lines in `text`, sorted by word.
    lines: Vec<u32>,
}

impl Dictionary {
    /// Sorts the lines of `cmudict.dict`. A line is a word and its phonemes. Alternatives (`word(2)`) are left out, and `#` begins
    /// a comment.
    pub(super) fn new(text: String) -> Self {
        let mut lines = Vec::new();
        let mut at = 0_u32;
        for line in text.split_inclusive('\n') {
            if !word_of(line).ends_with(')') {
                lines.push(at);
            }
            at = at.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
        }
        let mut dictionary = Self { text, lines: Vec::new() };
        lines.sort_by(|a, b| word_of(dictionary.line(*a)).cmp(word_of(dictionary.line(*b))));
        dictionary.lines = lines;
        dictionary
    }

    fn line(&self, at: u32) -> &str {
        let rest = usize::try_from(at).ok().and_then(|at| self.text.get(at..)).unwrap_or_default();
        rest.split(['\n', '#']).next().unwrap_or_default()
    }

    /// Returns the `ARPAbet` of a word of the dictionary.
    fn get(&self, word: &str) -> Option<&str> {
        let found = self.lines.binary_search_by(|at| word_of(self.line(*at)).cmp(word)).ok()?;
        let line = self.line(*self.lines.get(found)?);
        line.split_once(' ').map(|(_, sounds)| sounds.trim())
    }

    /// Returns the `ARPAbet` of any word, or `None` if it can only be spelt.
    fn pronounce(&self, word: &str) -> Option<String> {
        self.get(word).map(str::to_owned).or_else(|| self.with_ending(word)).or_else(|| letter_rules::pronounce(word))
    }

    /// Returns the `ARPAbet` of a word whose stem is in the dictionary.
    fn with_ending(&self, word: &str) -> Option<String> {
        let voiceless = |sounds: &str| matches!(sounds.rsplit(' ').next(), Some("P" | "T" | "K" | "F" | "TH"));
        let sibilant = |sounds: &str| matches!(sounds.rsplit(' ').next(), Some("S" | "Z" | "SH" | "ZH" | "CH" | "JH"));
        if let Some(sounds) = word.strip_suffix("'s").or(word.strip_suffix('s')).and_then(|stem| self.get(stem)) {
            let ending = if sibilant(sounds) {
                "IH0 Z"
            } else if voiceless(sounds) {
                "S"
            } else {
                "Z"
            };
            return Some(format!("{sounds} {ending}"));
        }
        for (ending, said) in
            [("ing", "IH0 NG"), ("er", "ER0"), ("ly", "L IY0"), ("ness", "N AH0 S"), ("less", "L AH0 S")]
        {
            let stem = word.strip_suffix(ending);
            let found = stem.and_then(|stem| self.get(stem).or_else(|| self.get(&format!("{stem}e"))));
            if let Some(sounds) = found {
                return Some(format!("{sounds} {said}"));
            }
        }
        let stem = word.strip_suffix("ed")?;
        let sounds = self.get(stem).or_else(|| self.get(&format!("{stem}e")))?;
        let ending = match sounds.rsplit(' ').next() {
            Some("T" | "D") => "IH0 D",
            _ if voiceless(sounds) || sibilant(sounds) => "T",
            _ => "D",
        };
        Some(format!("{sounds} {ending}"))
    }

    /// Returns the phonemes of a sentence, with its marks.
    pub(super) fn phonemes(&self, tokens: &[Token]) -> String {
        let mut out = String::new();
        for token in tokens {
            match token {
                // A second mark in a row, and one at the beginning, are left out.
                Token::Mark(mark) if out.ends_with(char::is_alphabetic) || out.ends_with('ː') => out.push(*mark),
                Token::Mark(_) => {}
                Token::Word(word) | Token::Name(word) => self.word(word, &mut out),
                Token::Capitals(word) if self.is_word(word) => self.word(word, &mut out),
                Token::Foreign(script) => [*script, "text"].iter().for_each(|word| self.word(word, &mut out)),
                Token::Letters(letters) | Token::Capitals(letters) => spell(letters, &mut out),
            }
        }
        out
    }

    /// Whether capitals are an emphasised word, and not letters.
    fn is_word(&self, capitals: &str) -> bool {
        EMPHASISED.contains(&capitals) || (capitals.len() > 3 && self.get(capitals).is_some())
    }

    fn word(&self, word: &str, out: &mut String) {
        let word = word.trim_matches('\'');
        if let Some((_, weak)) = WEAK_FORMS.iter().find(|(known, _)| *known == word) {
            space(out);
            return out.push_str(weak);
        }
        match self.pronounce(word) {
            Some(sounds) => {
                space(out);
                push_ipa(&sounds, out);
            }
            None => spell(word, out),
        }
    }
}

fn word_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

fn space(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}

/// Appends the names of the letters, and an `'s` behind them as a phoneme. Characters that are no ASCII letters are left out.
fn spell(word: &str, out: &mut String) {
    let (word, ending) = word.strip_suffix("'s").map_or((word, ""), |word| (word, "z"));
    for letter in word.bytes().filter(u8::is_ascii_lowercase) {
        if let Some(sounds) = LETTER_NAMES.get(usize::from(letter - b'a')) {
            space(out);
            push_ipa(sounds, out);
        }
    }
    out.push_str(ending);
}

/// Appends `ARPAbet` as IPA. The mark of stress stands directly before its vowel.
fn push_ipa(sounds: &str, out: &mut String) {
    for sound in sounds.split_whitespace() {
        let (sound, stress) = match sound.strip_suffix(['0', '1', '2']) {
            Some(vowel) => (vowel, sound.chars().last()),
            None => (sound, None),
        };
        out.push_str(match stress {
            Some('1') => "ˈ",
            Some('2') => "ˌ",
            _ => "",
        });
        let stressed = matches!(stress, Some('1' | '2'));
        out.push_str(match (sound, stressed) {
            ("AH", true) => "ʌ",
            ("AH", false) => "ə",
            ("ER", true) => "ɜː",
            ("ER", false) => "ɚ",
            ("IY", true) => "iː",
            ("IY", false) => "i",
            _ => ARPABET_TO_IPA.iter().find(|(known, _)| *known == sound).map_or("", |(_, said)| said),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::piper::normalize::sentences;

    fn dictionary() -> Dictionary {
        let text = "fail F EY1 L\nagain AH0 G EH1 N\nagain(2) AH0 G EY1 N\nbetter B EH1 T ER0 # a remark\ntry T R AY1\n\
                    want W AA1 N T\nact AE1 K T\n'em AH0 M\nhouse HH AW1 S\n";
        Dictionary::new(text.to_owned())
    }

    #[test]
    fn g2p_of_sentences() {
        let dictionary = dictionary();
        for (text, phonemes) in [
            ("Fail again, better!", "fˈeɪl əɡˈɛn, bˈɛtɚ!"),
            ("The acts of the house.", "ðə ˈækts ʌv ðə hˈaʊs."),
            ("He wanted the API", "hiː wˈɑːntɪd ðə ˈeɪ pˈiː ˈaɪ"),
            ("?, try", "tɹˈaɪ"),
            ("xkcd", "ˈɛks kˈeɪ sˈiː dˈiː"),
            ("APIs", "ˈeɪ pˈiː ˈaɪz"),
            ("AGAIN the ACT", "əɡˈɛn ðə ˈeɪ sˈiː tˈiː"),
        ] {
            let found: String = sentences(text).iter().map(|sentence| dictionary.phonemes(sentence)).collect();
            assert_eq!(found, phonemes, "{text}");
        }
    }
}
