//! Abbreviations, initialisms, Roman numerals, house numbers, and phrases with signs in them.

use super::numbers::{cardinal, ordinal};
use super::scan::{Out, Scan, value};
use super::tables::{
    ABBREVIATIONS, DEGREES, PHRASES, Position, REGNAL_NAMES, ROMAN_CONTEXTS, SENTENCE_STARTERS, STREET_SUFFIXES,
};
use super::{Token, last_word};

/// Returns the full stop of an abbreviation that was just read, if it also ends the sentence.
pub(super) fn full_stop(scan: Scan<'_>) -> Option<char> {
    let rest = scan.rest().trim_start_matches(['"', '\'', ')']);
    let word = scan.next_word();
    let spaced = rest.starts_with(char::is_whitespace);
    (rest.trim().is_empty() || (spaced && SENTENCE_STARTERS.contains(&word))).then_some('.')
}

/// Endings of a street's ordinal number.
const ORDINALS: [&str; 4] = ["first", "second", "third", "th"];

fn with_full_stop(mut out: Out, scan: Scan<'_>) -> Option<Vec<Token>> {
    if let Some(mark) = full_stop(scan) {
        out.mark(mark);
    }
    out.take()
}

/// Reads phrases such as `and/or` and `24/7`.
pub(super) fn phrases(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let said = scan.entry(PHRASES, false)?;
    Out::default().say(said).take()
}

/// Reads a house number in pairs of digits: `1428 Elm St.` is fourteen twenty eight.
pub(super) fn houses(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let number = scan.digits().filter(|number| matches!(number.len(), 3 | 4) && !number.starts_with('0'))?;
    let mut street = scan.rest().strip_prefix(' ')?.split(' ').take(4).map(|word| word.trim_end_matches(['.', ',']));
    let capital = |word: &&str| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    street.next().filter(capital)?;
    let is_street = |word: &str| STREET_SUFFIXES.contains(&word.to_lowercase().as_str());
    street.take_while(capital).any(is_street).then_some(())?;
    let (first, last) = number.split_at_checked(number.len() - 2)?;
    let (first, last) = (value(first)?, value(last)?);
    let mut out = Out::default();
    match last {
        0 if first % 10 == 0 => return None,
        0 => out.all(cardinal(first)).say("hundred"),
        1..=9 => out.all(cardinal(first)).say("oh").all(cardinal(last)),
        _ => out.all(cardinal(first)).all(cardinal(last)),
    };
    out.take()
}

/// Reads abbreviations: `Dr. Smith`, `Elm St.`, `No. 5`, `etc.`
pub(super) fn abbreviations(scan: &mut Scan<'_>, before: &[Token]) -> Option<Vec<Token>> {
    if let Some(letters) = scan.entry(DEGREES, false) {
        let mut out = Out::default();
        out.letters(letters);
        return if scan.before() == Some('.') { with_full_stop(out, *scan) } else { out.take() };
    }
    let begin = *scan;
    let mut entries = ABBREVIATIONS.iter().filter(|(short, _)| begin.clone().eat_any_case(short).is_some());
    let capital = scan.peek().is_some_and(char::is_uppercase);
    entries.find_map(|(short, (said, place))| {
        *scan = begin;
        scan.skip(short.len());
        let dotted = scan.eat(".").is_some();
        if !dotted && !scan.is_end() {
            return None;
        }
        let mut behind = *scan;
        let spaced = behind.spaces();
        let next = behind.peek();
        let name = spaced && next.is_some_and(char::is_uppercase);
        let behind_name = matches!(before.last(), Some(Token::Name(_)))
            || matches!(before.last(), Some(Token::Word(word)) if ORDINALS.iter().any(|ending| word.ends_with(ending)));
        // The words, and whether they may end a sentence.
        let (said, may_end) = match place {
            // `123 Main St.` is a street, `Main Dr.` is a drive.
            Position::Title if behind_name && matches!(*short, "st" | "dr") && (dotted || capital) => {
                let ends_name = !name || full_stop(*scan).is_some() || !dotted;
                ends_name.then_some((if *short == "st" { "street" } else { "drive" }, true))?
            }
            Position::Title if name && capital && (dotted || matches!(*short, "mr" | "mrs" | "ms" | "dr")) => {
                (*said, false)
            }
            Position::Number if dotted && next.is_some_and(|c| c.is_ascii_digit()) => (*said, false),
            Position::Name if behind_name && capital => (*said, true),
            Position::Any if said.ends_with("day") && !capital => return None,
            Position::Any if dotted || (*short == "vs" && spaced) => (*said, true),
            _ => return None,
        };
        let mut out = Out::default();
        out.say(said);
        if may_end && dotted { with_full_stop(out, *scan) } else { out.take() }
    })
}

/// Reads letters with full stops: `U.S.`, `J. K. Rowling`, `U.S.A`.
pub(super) fn initialisms(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut letters = String::new();
    while letters.len() < 16 {
        let mut behind = *scan;
        let Some(letter) = behind.letters().filter(|letter| letter.len() == 1) else { break };
        if behind.eat(".").is_none() {
            // The last letter may lack its full stop.
            if letters.is_empty() || !behind.is_end() {
                break;
            }
            letters.push_str(letter);
            *scan = behind;
            return Out::default().letters(&letters).take();
        }
        letters.push_str(letter);
        *scan = behind;
    }
    let upper = letters.chars().all(char::is_uppercase);
    let mut behind = *scan;
    match letters.len() {
        0 => return None,
        // An initial, unless it is the pronoun or ends a sentence.
        1 => {
            let name = behind.spaces() && behind.peek().is_some_and(char::is_uppercase);
            (upper && letters != "I" && name && full_stop(*scan).is_none()).then_some(())?;
        }
        _ if !scan.is_end() => return None,
        _ => {}
    }
    let mut out = Out::default();
    out.letters(&letters);
    with_full_stop(out, *scan)
}

/// Reads Roman numerals: `Chapter IV`, `Henry VIII`.
pub(super) fn roman_numerals(scan: &mut Scan<'_>, before: &[Token]) -> Option<Vec<Token>> {
    let text = scan.letters()?;
    scan.ended()?;
    let word = last_word(before)?;
    if REGNAL_NAMES.contains(&word) && text.len() > 1 {
        return Out::default().say("the").all(ordinal(roman_value(text)?)).take();
    }
    ROMAN_CONTEXTS.contains(&word).then_some(())?;
    Out::default().all(cardinal(roman_value(text)?)).take()
}

/// Returns the value of a Roman numeral below a hundred in its canonical form.
fn roman_value(text: &str) -> Option<u128> {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    const TENS: [&str; 10] = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"];
    let all = TENS.iter().enumerate().flat_map(|(tens, ten)| {
        ONES.iter().enumerate().map(move |(ones, one)| (format!("{ten}{one}"), tens * 10 + ones))
    });
    let found = all.skip(1).find(|(written, _)| written == text)?;
    u128::try_from(found.1).ok()
}
