//! A text as people write it, into words as people say them, as a stage of its own: lines into paragraphs ([`lines`]), characters into
//! the voice's own ([`chars`]), then classes of what is written, in the order of [`CLASSES`]: the first that fits makes the words. What
//! they look up is in [`tables`].

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

/// What a sentence is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// In lower case.
    Word(String),
    /// One that was written with a capital; in lower case.
    Name(String),
    /// One in capitals: letters, or a word, which the dictionary knows; in lower case.
    Capitals(String),
    /// Letters that are said one by one, perhaps with `'s` behind them; in lower case.
    Letters(String),
    /// Words of another script, which are not said: its name.
    Foreign(&'static str),
    /// One of `, . ? ! ; :`.
    Mark(char),
}

/// Reads what stands at a place, behind these tokens; nothing where it is of another class.
type Class = fn(&mut Scan<'_>, &[Token]) -> Option<Vec<Token>>;

/// The classes, in the order in which they are asked.
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
    names::short_forms,
    names::initialisms,
    names::romans,
    words::words,
];

/// The sentences of a text that have something to say.
pub(super) fn sentences(text: &str) -> Vec<Vec<Token>> {
    lines::paragraphs(text).iter().flat_map(|paragraph| split(tokens(&chars::plain(paragraph)))).collect()
}

/// A paragraph in words and marks.
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

/// Whether a class may begin here: not within a word, but where letters and digits touch each other.
fn begins(scan: &Scan<'_>, c: char) -> bool {
    scan.before().is_none_or(|before| !before.is_alphanumeric() || before.is_ascii_digit() != c.is_ascii_digit())
}

/// The word that was read last, where it was one.
fn last_word(before: &[Token]) -> Option<&str> {
    match before.last() {
        Some(Token::Word(word) | Token::Name(word) | Token::Capitals(word)) => Some(word),
        _ => None,
    }
}

/// Into sentences; capitals are letters only where not all of a sentence is in capitals.
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
