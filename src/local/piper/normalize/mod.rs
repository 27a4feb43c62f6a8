//! Text normalisation: a written text as the words that are spoken.
//!
//! [`lines`] joins lines to paragraphs, and [`chars`] replaces characters that the voice does not know. Then one of [`CLASSES`]
//! reads each word. These are the *semiotic classes* of the literature ("Normalization of non-standard words", Sproat et al.
//! 2001): numbers, dates, money and so on. The classes are tried in order, and the first match applies. [`tables`] has the words
//! that they look up.

mod addresses;
#[cfg(test)]
mod cases;
mod chars;
mod lines;
mod money;
mod names;
mod numbers;
mod quantities;
mod scan;
mod tables;
mod times;
mod words;

use scan::Scan;

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, in lower case.
    Word(String),
    /// A word that was capitalised, in lower case.
    Name(String),
    /// A word that was in capitals, in lower case. The dictionary decides whether it is read as a word or as letters.
    Capitals(String),
    /// Letters to spell, perhaps with `'s` behind them, in lower case.
    Letters(String),
    /// Words in another script, which are left out: the script's name.
    Foreign(&'static str),
    /// One of `, . ? ! ; :`.
    Mark(char),
}

/// Reads one expression at the position, behind these tokens. Returns `None` if the text there is not of this class.
type Class = fn(&mut Scan<'_>, &[Token]) -> Option<Vec<Token>>;

/// All classes, in the order in which they are tried.
const CLASSES: &[Class] = &[
    names::phrases,
    names::houses,
    quantities::feet,
    addresses::addresses,
    times::dates,
    times::months,
    times::decades,
    addresses::telephones,
    times::times,
    money::money,
    quantities::ordinals,
    quantities::measures,
    quantities::number,
    quantities::lists,
    quantities::dotted,
    names::abbreviations,
    names::initialisms,
    names::roman_numerals,
    words::words,
];

/// Returns the sentences of a text that contain words.
pub(super) fn sentences(text: &str) -> Vec<Vec<Token>> {
    lines::paragraphs(text).iter().flat_map(|paragraph| split(tokens(&chars::plain(paragraph)))).collect()
}

/// Returns a paragraph as words and marks.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut scan = Scan::new(text);
    while let Some(c) = scan.peek() {
        let read = |class: &Class| {
            let mut at = scan;
            let words = class(&mut at, &tokens).filter(|_| at.rest().len() < scan.rest().len())?;
            Some((words, at))
        };
        let found = if begins(&scan, c) { CLASSES.iter().find_map(read) } else { None };
        match found {
            Some((words, at)) => {
                tokens.extend(words);
                scan = at;
            }
            None => words::sign(&mut scan, &mut tokens),
        }
    }
    tokens
}

/// Whether an expression may begin here: outside of a word, or where a letter and a digit touch.
fn begins(scan: &Scan<'_>, c: char) -> bool {
    scan.before().is_none_or(|before| !before.is_alphanumeric() || before.is_ascii_digit() != c.is_ascii_digit())
}

/// Returns the last token if it is a word.
fn last_word(before: &[Token]) -> Option<&str> {
    match before.last() {
        Some(Token::Word(word) | Token::Name(word) | Token::Capitals(word)) => Some(word),
        _ => None,
    }
}

/// Splits tokens into sentences. In a sentence that is mostly in capitals, words in capitals are read as words.
fn split(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut sentences: Vec<Vec<Token>> = vec![Vec::new()];
    let mut ended = false;
    for token in tokens {
        let ends = matches!(token, Token::Mark('.' | '?' | '!'));
        if ended && !ends {
            sentences.push(Vec::new());
        }
        ended = ends;
        if let Some(sentence) = sentences.last_mut() {
            sentence.push(token);
        }
    }
    sentences.retain(|sentence| sentence.iter().any(|token| !matches!(token, Token::Mark(_))));
    for sentence in &mut sentences {
        let capitals = sentence.iter().filter(|token| matches!(token, Token::Capitals(_))).count();
        let words = sentence.iter().filter(|token| matches!(token, Token::Word(_) | Token::Name(_))).count();
        if capitals > 1 && capitals > words * 2 {
            for token in sentence {
                if let Token::Capitals(word) = token {
                    *token = Token::Word(std::mem::take(word));
                }
            }
        }
    }
    sentences
}
