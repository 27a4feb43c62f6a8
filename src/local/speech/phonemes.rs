//! Words into the sounds that the voice knows: by the CMU dictionary, else by its words with an ending, else by spelling.

use super::normal::Token;
use super::spelling;

/// The dictionary's sounds without stress, and those of the voice: the International Phonetic Alphabet as espeak writes it.
#[rustfmt::skip]
const SOUNDS: &[(&str, &str)] = &[
    ("AA", "ɑː"), ("AE", "æ"), ("AO", "ɔː"), ("AW", "aʊ"), ("AY", "aɪ"), ("EH", "ɛ"), ("EY", "eɪ"), ("IH", "ɪ"),
    ("OW", "oʊ"), ("OY", "ɔɪ"), ("UH", "ʊ"), ("UW", "uː"), ("B", "b"), ("CH", "tʃ"), ("D", "d"), ("DH", "ð"),
    ("F", "f"), ("G", "ɡ"), ("HH", "h"), ("JH", "dʒ"), ("K", "k"), ("L", "l"), ("M", "m"), ("N", "n"), ("NG", "ŋ"),
    ("P", "p"), ("R", "ɹ"), ("S", "s"), ("SH", "ʃ"), ("T", "t"), ("TH", "θ"), ("V", "v"), ("W", "w"), ("Y", "j"),
    ("Z", "z"), ("ZH", "ʒ"),
];

/// Words that lose their stress between others.
#[rustfmt::skip]
const WEAK: &[(&str, &str)] = &[
    ("the", "ðə"), ("a", "ɐ"), ("an", "ɐn"), ("and", "ænd"), ("to", "tə"), ("of", "ʌv"), ("is", "ɪz"), ("in", "ɪn"),
    ("for", "fɔːɹ"), ("at", "æt"), ("or", "ɔːɹ"), ("as", "æz"), ("it", "ɪt"), ("was", "wʌz"), ("are", "ɑːɹ"),
    ("be", "biː"), ("he", "hiː"), ("she", "ʃiː"), ("we", "wiː"), ("you", "juː"), ("your", "jʊɹ"), ("from", "fɹʌm"),
    ("with", "wɪð"), ("that", "ðæt"), ("i'm", "aɪm"), ("its", "ɪts"), ("on", "ɔn"),
];

/// Short words that are written in capitals because they stand out; others of that length are letters.
#[rustfmt::skip]
const LOUD: &[&str] = &[
    "no", "so", "do", "go", "me", "my", "be", "not", "now", "you", "all", "new", "yes", "the", "and", "any", "can", "but", "out",
    "off", "one", "two", "how", "why", "who", "him", "her", "big", "bad", "ok",
];

/// The names of the letters.
#[rustfmt::skip]
const LETTERS: [&str; 26] = [
    "EY1", "B IY1", "S IY1", "D IY1", "IY1", "EH1 F", "JH IY1", "EY1 CH", "AY1", "JH EY1", "K EY1", "EH1 L", "EH1 M",
    "EH1 N", "OW1", "P IY1", "K Y UW1", "AA1 R", "EH1 S", "T IY1", "Y UW1", "V IY1", "D AH1 B AH0 L Y UW0", "EH1 K S",
    "W AY1", "Z IY1",
];

/// The CMU dictionary: its text, and where its words begin, in the order of the words.
pub(super) struct Dictionary {
    text: String,
    lines: Vec<u32>,
}

impl Dictionary {
    /// A line is a word and its sounds; `word(2)` is another way to say it, and `#` begins a remark.
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

    /// The sounds of a word.
    fn get(&self, word: &str) -> Option<&str> {
        let found = self.lines.binary_search_by(|at| word_of(self.line(*at)).cmp(word)).ok()?;
        let line = self.line(*self.lines.get(found)?);
        line.split_once(' ').map(|(_, sounds)| sounds.trim())
    }

    /// The sounds of any word; none where it can only be spelt.
    fn sounds(&self, word: &str) -> Option<String> {
        self.get(word).map(str::to_owned).or_else(|| self.with_ending(word)).or_else(|| spelling::sounds(word))
    }

    /// A word that is there without its ending.
    fn with_ending(&self, word: &str) -> Option<String> {
        let hard = |sounds: &str| matches!(sounds.rsplit(' ').next(), Some("P" | "T" | "K" | "F" | "TH"));
        let hissing = |sounds: &str| matches!(sounds.rsplit(' ').next(), Some("S" | "Z" | "SH" | "ZH" | "CH" | "JH"));
        if let Some(sounds) = word.strip_suffix("'s").or(word.strip_suffix('s')).and_then(|stem| self.get(stem)) {
            let ending = if hissing(sounds) {
                "IH0 Z"
            } else if hard(sounds) {
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
            _ if hard(sounds) || hissing(sounds) => "T",
            _ => "D",
        };
        Some(format!("{sounds} {ending}"))
    }

    /// A sentence in the voice's sounds.
    pub(super) fn pronounce(&self, tokens: &[Token]) -> String {
        let mut out = String::new();
        for token in tokens {
            match token {
                // Two marks in a row are one pause, and none begins a sentence.
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

    /// Whether capitals are a word that stands out, and not letters.
    fn is_word(&self, capitals: &str) -> bool {
        LOUD.contains(&capitals) || (capitals.len() > 3 && self.get(capitals).is_some())
    }

    fn word(&self, word: &str, out: &mut String) {
        let word = word.trim_matches('\'');
        if let Some((_, weak)) = WEAK.iter().find(|(known, _)| *known == word) {
            blank(out);
            return out.push_str(weak);
        }
        match self.sounds(word) {
            Some(sounds) => {
                blank(out);
                say(&sounds, out);
            }
            None => spell(word, out),
        }
    }
}

fn word_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

fn blank(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}

/// Letter by letter, an `'s` behind them as a sound; what is no letter of ours is left out.
fn spell(word: &str, out: &mut String) {
    let (word, ending) = word.strip_suffix("'s").map_or((word, ""), |word| (word, "z"));
    for letter in word.bytes().filter(u8::is_ascii_lowercase) {
        if let Some(sounds) = LETTERS.get(usize::from(letter - b'a')) {
            blank(out);
            say(sounds, out);
        }
    }
    out.push_str(ending);
}

/// The dictionary's sounds as the voice's. The stress is written directly before its vowel.
fn say(sounds: &str, out: &mut String) {
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
            _ => SOUNDS.iter().find(|(known, _)| *known == sound).map_or("", |(_, said)| said),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::speech::normal::sentences;

    fn dictionary() -> Dictionary {
        let text = "fail F EY1 L\nagain AH0 G EH1 N\nagain(2) AH0 G EY1 N\nbetter B EH1 T ER0 # a remark\ntry T R AY1\n\
                    want W AA1 N T\nact AE1 K T\n'em AH0 M\nhouse HH AW1 S\n";
        Dictionary::new(text.to_owned())
    }

    #[test]
    fn a_sentence_becomes_sounds() {
        let dictionary = dictionary();
        for (text, sounds) in [
            ("Fail again, better!", "fˈeɪl əɡˈɛn, bˈɛtɚ!"),
            ("The acts of the house.", "ðə ˈækts ʌv ðə hˈaʊs."),
            ("He wanted the API", "hiː wˈɑːntɪd ðə ˈeɪ pˈiː ˈaɪ"),
            ("?, try", "tɹˈaɪ"),
            ("xkcd", "ˈɛks kˈeɪ sˈiː dˈiː"),
            ("APIs", "ˈeɪ pˈiː ˈaɪz"),
            ("AGAIN the ACT", "əɡˈɛn ðə ˈeɪ sˈiː tˈiː"),
        ] {
            let said: String = sentences(text).iter().map(|sentence| dictionary.pronounce(sentence)).collect();
            assert_eq!(said, sounds, "{text}");
        }
    }
}
