//! What Whisper's numbers stand for.

use std::collections::HashMap;

use serde::Deserialize;

/// The text begins, without marks of time; and ends.
pub(super) const PROMPT: [usize; 2] = [50_257, 50_362];
pub(super) const END: usize = 50_256;
/// Nobody speaks.
pub(super) const SILENCE: usize = 50_361;

/// The words, and which of them may be written.
pub(super) struct Words {
    /// By number; as bytes, as a word may end within a character.
    list: Vec<Vec<u8>>,
    may: Vec<bool>,
    /// The same where a text begins.
    may_first: Vec<bool>,
}

#[derive(Deserialize)]
struct Tokenizer {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Config {
    suppress_ids: Vec<usize>,
    suppress_ids_begin: Vec<usize>,
}

impl Words {
    pub(super) fn read(tokenizer: &str, config: &str) -> Result<Self, serde_json::Error> {
        let tokenizer: Tokenizer = serde_json::from_str(tokenizer)?;
        let config: Config = serde_json::from_str(config)?;
        let alphabet = alphabet();
        let mut words = vec![Vec::new(); END];
        for (word, number) in tokenizer.model.vocab {
            if let Some(place) = words.get_mut(number) {
                *place = word.chars().filter_map(|c| alphabet.get(&c).copied()).collect();
            }
        }
        let mut may = vec![true; END + 1];
        let never = |may: &mut [bool], numbers: &[usize]| {
            for number in numbers {
                if let Some(may) = may.get_mut(*number) {
                    *may = false;
                }
            }
        };
        never(&mut may, &config.suppress_ids);
        let mut may_first = may.clone();
        never(&mut may_first, &config.suppress_ids_begin);
        Ok(Self { list: words, may, may_first })
    }

    /// The best of the words that may be written here.
    pub(super) fn best(&self, fits: &[f32], first: bool) -> Option<usize> {
        let may = if first { &self.may_first } else { &self.may };
        let known = fits.iter().copied().zip(may).enumerate();
        let known = known.filter(|(_, (_, may))| **may).map(|(number, (fit, _))| (number, fit));
        known.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(number, _)| number)
    }

    /// The words as a text.
    pub(super) fn text(&self, numbers: &[usize]) -> String {
        let bytes: Vec<u8> = numbers.iter().filter_map(|number| self.list.get(*number)).flatten().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

/// The letters that stand for bytes in the list of words: printable ones for themselves, the others for those from 256 on.
fn alphabet() -> HashMap<char, u8> {
    let mut next = 256_u32;
    let letter = |byte: u8| match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap_or_default()
        }
    };
    let letters: Vec<char> = (0..=u8::MAX).map(letter).collect();
    letters.into_iter().zip(0..=u8::MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_words() {
        let tokenizer = r#"{"model": {"vocab": {"Hello": 0, "Ġwor": 1, "ld": 2, "ĠÃ©": 3, "!": 4}}}"#;
        let words = Words::read(tokenizer, r#"{"suppress_ids": [4], "suppress_ids_begin": [0]}"#).unwrap();
        assert_eq!(words.text(&[0, 1, 2, 3, 4, 60_000]), "Hello world é!");
        let fits = [5.0, 1.0, 2.0, 3.0, 9.0];
        assert_eq!(words.best(&fits, true), Some(3));
        assert_eq!(words.best(&fits, false), Some(0));
    }
}
