//! Words and signs, which no other class reads.

use super::Token;
use super::chars::{GREEK, script};
use super::scan::{Number, Out, Scan};
use super::tables::SIGNS;

/// Reads a word with its apostrophes, or all words in other scripts up to the next one in Latin letters.
pub(super) fn words(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    if let Some(letter) = scan.peek().filter(|c| script(*c).is_some()) {
        return foreign(scan, letter);
    }
    scan.eat("'");
    let mut word = scan.letters()?.to_owned();
    loop {
        let mut behind = *scan;
        // Latin letters that `chars` could not replace are left out of the word.
        if let Some(c) = scan.peek().filter(|c| matches!(c, '\u{c0}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}')) {
            scan.skip(c.len_utf8());
            word.push_str(scan.letters().unwrap_or_default());
            continue;
        }
        let Some(tail) = behind.eat("'").and_then(|()| behind.letters()) else { break };
        word = format!("{word}'{tail}");
        *scan = behind;
    }
    let lower = word.to_lowercase();
    // `APIs`, `CEO's`.
    let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or(&word);
    let capitals = stem.len() > 1 && stem.chars().all(char::is_uppercase);
    out.0.push(match word.chars().next().filter(char::is_ascii_uppercase) {
        Some(_) if capitals && stem.len() < word.len() => Token::Letters(format!("{}'s", stem.to_lowercase())),
        Some(_) if capitals => Token::Capitals(lower),
        Some(_) => Token::Name(lower),
        None => Token::Word(lower),
    });
    out.take()
}

/// Replaces words in another script by a pause and the script's name.
fn foreign(scan: &mut Scan<'_>, letter: char) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let mut behind = *scan;
    behind.skip(letter.len_utf8());
    if let Some((_, name)) = GREEK.iter().find(|(greek, _)| *greek == letter).filter(|_| behind.is_end()) {
        *scan = behind;
        return out.say(name).take();
    }
    let rest = scan.rest();
    // Up to their last letter, across spaces and signs.
    let (mut end, mut name) = (0, "foreign");
    for (at, c) in rest.char_indices() {
        match script(c) {
            Some(found) => {
                // Japanese mixes scripts: one kana makes all of it Japanese.
                name = if end == 0 || found == "japanese" { found } else { name };
                end = at + c.len_utf8();
            }
            None if c.is_ascii_alphanumeric() || c == '\n' => break,
            None => {}
        }
    }
    scan.skip(end);
    out.mark(',');
    out.0.push(Token::Foreign(name));
    out.mark(',').take()
}

/// Reads what is of no class: marks, signs that are spoken, and signs that are not.
pub(super) fn sign(scan: &mut Scan<'_>, tokens: &mut Vec<Token>) {
    let Some(c) = scan.peek() else { return };
    let before = scan.before();
    scan.skip(c.len_utf8());
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let next = scan.peek();
    let mut say = |words: &str| {
        let mut out = Out::default();
        out.say(words);
        tokens.append(&mut out.0);
    };
    match c {
        // Digits of no class are still read.
        '0'..='9' => {
            let more = scan.digits().unwrap_or_default();
            let whole = format!("{c}{more}");
            say(&Number { minus: false, whole: &whole, fraction: None }.words().join(" "));
        }
        '.' if word(next) && (word(before) || is_space(before)) => say("dot"),
        ',' | ';' | '?' | '!' | '.' => tokens.push(Token::Mark(c)),
        ':' if !word(before) || !word(next) => tokens.push(Token::Mark(c)),
        ':' => say("to"),
        '-' if is_space(before) && is_space(next) => tokens.push(Token::Mark(',')),
        '-' if next == Some('-') && word(before) => tokens.push(Token::Mark(',')),
        '/' if before.is_some_and(|c| c != '/') && next.is_some_and(|c| c != '/') => say("slash"),
        '#' if next.is_some_and(|c| c.is_ascii_digit()) => say("number"),
        '#' if word(next) || word(before) => say("hash"),
        '_' if word(before) && word(next) => say("underscore"),
        '*' if before.is_some_and(|c| c.is_ascii_digit()) && next.is_some_and(|c| c.is_ascii_digit()) => say("times"),
        // An arrow, or the mark of a quotation.
        '>' | '<' if !is_space(before) || !is_space(next) => {}
        _ => {
            if let Some((_, said)) = SIGNS.iter().find(|(sign, _)| *sign == c) {
                say(said);
            }
        }
    }
}
