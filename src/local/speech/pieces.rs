//! What is said at once. The voice needs memory with the square of a piece's length, and nothing of it is heard before all of it is made,
//! so both are bounded by the length in sounds, whatever the text is.

use super::RATE;

/// Symbols of the longest piece.
pub(super) const LONGEST: usize = 100;
/// A comma is no place to cut before so many symbols, but where there is no other.
const SHORTEST: usize = 40;
/// The first piece of a text ends at a comma behind so many symbols: until it is made nothing is heard.
const FIRST: usize = 70;

/// Silence after a sentence, and where one is cut at a comma.
const PAUSE: usize = RATE as usize / 5;
const COMMA: usize = RATE as usize / 10;

/// A sentence, or a part of a long one, in the voice's sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub(super) sounds: String,
    /// Samples of silence behind it.
    pub(super) pause: usize,
}

/// The sentences of a text in pieces: cut at commas, else between words, and a word without end within.
pub(super) fn pieces(sentences: impl IntoIterator<Item = String>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for sentence in sentences {
        let mut rest: Vec<char> = sentence.trim().chars().collect();
        while !rest.is_empty() {
            let end = if pieces.is_empty() { end(&rest, FIRST) } else { end(&rest, LONGEST) };
            let behind = rest.split_off(end);
            let pause = match rest.last() {
                _ if behind.is_empty() => PAUSE,
                Some(',' | ';' | ':') => COMMA,
                _ => 0,
            };
            let sounds: String = rest.iter().collect();
            // Marks alone are no sounds.
            if sounds.contains(char::is_alphabetic) {
                pieces.push(Piece { sounds: sounds.trim().to_owned(), pause });
            }
            rest = behind;
        }
    }
    pieces
}

/// Where a piece ends: with the sentence, where that is not too long, else at the last comma, else at the last blank.
fn end(sounds: &[char], wanted: usize) -> usize {
    let within = |most: usize| sounds.get(..most).unwrap_or(sounds);
    let comma = |most| {
        let at = within(most).iter().rposition(|c| matches!(c, ',' | ';' | ':'))?;
        (at >= SHORTEST).then_some(at + 1)
    };
    if sounds.len() <= wanted {
        return sounds.len();
    }
    if wanted < LONGEST
        && let Some(end) = comma(wanted)
    {
        return end;
    }
    if sounds.len() <= LONGEST {
        return sounds.len();
    }
    let blank = || within(LONGEST).iter().rposition(|c| *c == ' ').map(|at| at + 1);
    comma(LONGEST).or_else(blank).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<Piece> {
        pieces([text.to_owned()])
    }

    #[test]
    fn no_piece_is_longer_than_the_voice_has_memory_for() {
        assert_eq!(cut("ə bˈɛd."), [Piece { sounds: "ə bˈɛd.".to_owned(), pause: PAUSE }]);
        assert!(cut("").is_empty() && cut("?").is_empty());
        for text in ["nˈaɪn ".repeat(1_000), "ɑ".repeat(5_000), "nˈaɪn, ".repeat(1_000)] {
            let pieces = cut(&text);
            assert!(pieces.len() > 9 && pieces.iter().all(|piece| piece.sounds.chars().count() <= LONGEST));
            let all: String = pieces.iter().map(|piece| piece.sounds.replace(' ', "")).collect();
            assert_eq!(all, text.replace(' ', ""));
        }
    }

    #[test]
    fn a_long_sentence_is_cut_at_commas_and_the_first_piece_is_short() {
        let clause = "wˈʌn tˈuː θɹˈiː fˈɔːɹ fˈaɪv sˈɪks sˈɛvən ˈeɪt nˈaɪn tˈɛn ɪlˈɛvən";
        let pieces = cut(&format!("{clause}, {clause}, {clause}, {clause}."));
        assert!(pieces[0].sounds.chars().count() <= FIRST, "{pieces:?}");
        let (last, others) = pieces.split_last().unwrap();
        assert!(others.iter().all(|piece| piece.sounds.ends_with(',') && piece.pause == COMMA), "{pieces:?}");
        assert!(last.sounds.ends_with('.') && last.pause == PAUSE);
    }
}
