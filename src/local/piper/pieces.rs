//! The pieces of a text that are synthesised at once. The network's memory grows with the square of a piece's length, and a piece
//! is only heard when all of it is computed. A limit in phonemes bounds both for any text.

use super::RATE;

/// Characters of the longest piece.
const MAX_CHARS: usize = 100;
/// Characters before the first comma at which a piece is cut.
const MIN_CHARS: usize = 40;
/// Characters of a text's first piece if it has a comma to be cut at. A short one is heard sooner.
const FIRST_CHARS: usize = 70;

/// Samples of silence after a sentence (0.2 s), and where one is cut at a comma (0.1 s).
const SENTENCE_PAUSE: usize = RATE as usize / 5;
const COMMA_PAUSE: usize = RATE as usize / 10;

/// A sentence, or a part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// In the International Phonetic Alphabet, with the marks of the text.
    pub(super) phonemes: String,
    /// Samples of silence behind it.
    pub(super) pause: usize,
}

/// Cuts sentences at commas, otherwise between words, and a word that is too long within it.
pub(super) fn pieces(sentences: impl IntoIterator<Item = String>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for sentence in sentences {
        let mut rest: Vec<char> = sentence.trim().chars().collect();
        while !rest.is_empty() {
            let end = if pieces.is_empty() { end(&rest, FIRST_CHARS) } else { end(&rest, MAX_CHARS) };
            let behind = rest.split_off(end);
            let pause = match rest.last() {
                _ if behind.is_empty() => SENTENCE_PAUSE,
                Some(',' | ';' | ':') => COMMA_PAUSE,
                _ => 0,
            };
            let phonemes: String = rest.iter().collect();
            // Marks alone have no sound.
            if phonemes.contains(char::is_alphabetic) {
                pieces.push(Piece { phonemes: phonemes.trim().to_owned(), pause });
            }
            rest = behind;
        }
    }
    pieces
}

/// Returns the length of the next piece: the sentence if it is short enough, otherwise up to the last comma, otherwise up to the
/// last space.
fn end(sentence: &[char], wanted: usize) -> usize {
    let within = |most: usize| sentence.get(..most).unwrap_or(sentence);
    let comma = |most| {
        let at = within(most).iter().rposition(|c| matches!(c, ',' | ';' | ':'))?;
        (at >= MIN_CHARS).then_some(at + 1)
    };
    if sentence.len() <= wanted {
        return sentence.len();
    }
    if wanted < MAX_CHARS
        && let Some(end) = comma(wanted)
    {
        return end;
    }
    if sentence.len() <= MAX_CHARS {
        return sentence.len();
    }
    let space = || within(MAX_CHARS).iter().rposition(|c| *c == ' ').map(|at| at + 1);
    comma(MAX_CHARS).or_else(space).unwrap_or(MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<Piece> {
        pieces([text.to_owned()])
    }

    #[test]
    fn pieces_of_any_text_are_bounded() {
        assert_eq!(cut("ə bˈɛd."), [Piece { phonemes: "ə bˈɛd.".to_owned(), pause: SENTENCE_PAUSE }]);
        assert!(cut("").is_empty() && cut("?").is_empty());
        for text in ["nˈaɪn ".repeat(1_000), "ɑ".repeat(5_000), "nˈaɪn, ".repeat(1_000)] {
            let pieces = cut(&text);
            assert!(pieces.len() > 9 && pieces.iter().all(|piece| piece.phonemes.chars().count() <= MAX_CHARS));
            let all: String = pieces.iter().map(|piece| piece.phonemes.replace(' ', "")).collect();
            assert_eq!(all, text.replace(' ', ""));
        }
    }

    #[test]
    fn pieces_end_at_commas_and_the_first_is_short() {
        let clause = "wˈʌn tˈuː θɹˈiː fˈɔːɹ fˈaɪv sˈɪks sˈɛvən ˈeɪt nˈaɪn tˈɛn ɪlˈɛvən";
        let pieces = cut(&format!("{clause}, {clause}, {clause}, {clause}."));
        assert!(pieces[0].phonemes.chars().count() <= FIRST_CHARS, "{pieces:?}");
        let (last, others) = pieces.split_last().unwrap();
        assert!(others.iter().all(|piece| piece.phonemes.ends_with(',') && piece.pause == COMMA_PAUSE), "{pieces:?}");
        assert!(last.phonemes.ends_with('.') && last.pause == SENTENCE_PAUSE);
    }
}
