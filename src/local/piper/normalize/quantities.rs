//! Numbers and quantities: cardinals, ordinals, decimals, fractions, ranges, lists and measures.

use super::numbers::{cardinal, digits, fraction, ordinal, year};
use super::scan::{Number, Out, Scan, value};
use super::tables::{CODE_CONTEXTS, LETTERS, MULTIPLES, PERIODS, UNITS};
use std::cmp::Ordering;

use super::{Token, last_word};

/// An amount in words: `5`, `4 1/2`, `5-10`.
struct Amount {
    words: Vec<String>,
    /// Whether the unit behind it is in the singular.
    one: bool,
}

fn owned<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Vec<String> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}

/// Reads a fraction: `1/2`, `3/4th`.
fn parts(scan: &mut Scan<'_>) -> Option<(u128, u128)> {
    let part =
        |scan: &mut Scan<'_>| scan.digits().filter(|part| part.len() < 6 && !part.starts_with('0')).and_then(value);
    let number = part(scan)?;
    scan.eat("/").or_else(|| scan.eat(" / "))?;
    let of = part(scan)?;
    ["th", "rd", "nd"].iter().any(|ending| scan.eat_any_case(ending).is_some());
    (!scan.rest().starts_with(['/', '.']) && scan.is_end()).then_some((number, of))
}

/// Reads a fraction, an integer with a fraction, or a number.
fn single(scan: &mut Scan<'_>) -> Option<Amount> {
    let begin = *scan;
    if let Some((number, of)) = parts(scan) {
        let words = match number.cmp(&of) {
            Ordering::Equal if of > 4 => owned([cardinal(number), vec!["out", "of"], cardinal(of)].concat()),
            // `60/40` is a ratio.
            Ordering::Greater if of > 9 => owned([cardinal(number), cardinal(of)].concat()),
            _ => fraction(number, of),
        };
        return Some(Amount { words, one: number <= of });
    }
    *scan = begin;
    let number = scan.number()?;
    let mut behind = *scan;
    if behind.spaces()
        && number.fraction.is_none()
        && let Some((part, of)) = parts(&mut behind).filter(|(part, of)| *of > 0 && (part < of || *of < 20))
    {
        *scan = behind;
        let half = (part, of) == (1, 2);
        let part = if half { owned(["a", "half"]) } else { fraction(part, of) };
        return Some(Amount { words: [owned(number.words()), owned(["and"]), part].concat(), one: false });
    }
    Some(Amount { words: owned(number.words()), one: number.is_one() })
}

/// Reads a number without a unit.
pub(super) fn number(scan: &mut Scan<'_>, before: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let scan_before = scan.before();
    let zip = matches!(before.last(), Some(Token::Capitals(state)) if state.len() == 2) && scan.is_begin();
    let code = last_word(before).is_some_and(|word| CODE_CONTEXTS.contains(&word))
        || matches!(before, [.., Token::Word(first), Token::Word(last)] if first == "ending" && last == "in");
    let number = scan.number()?;
    // `BA2490`, `#12345`.
    let length = number.whole.len();
    let serial = scan_before.is_some_and(char::is_alphabetic) && length > 2 && !number.whole.ends_with("00");
    let code = code || serial || (zip && length == 5) || (length > 4 && last_word(before) == Some("number"));
    if code && number.fraction.is_none() && !number.whole.contains(',') {
        return out.all(digits(number.whole)).take();
    }
    out.all(number.plain()).take()
}

/// Reads ordinal numbers: `21st`.
pub(super) fn ordinals(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let number = scan.number()?;
    let value = number.value()?;
    let ending = match (value % 10, value % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    scan.eat_any_case(ending)?;
    scan.ended()?;
    Out::default().all(ordinal(value)).take()
}

/// Reads lists such as `1,2,3`, and numbers with a decimal comma such as `12,5`.
pub(super) fn lists(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut items = vec![scan.digits()?];
    // The rest of a longer list is read as another list.
    while items.len() < 64 && scan.eat(",").is_some() {
        items.push(scan.digits()?);
    }
    scan.ended()?;
    if scan.goes_on(&['.']) {
        return None;
    }
    let mut out = Out::default();
    match items.as_slice() {
        [_] => return None,
        [whole, part] if part.len() < 3 && !matches!(scan.next_word(), "and" | "or") => {
            let number = Number { minus: false, whole, fraction: Some(part) };
            return out.all(number.words()).take();
        }
        _ => {}
    }
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.mark(',');
        }
        out.all(Number { minus: false, whole: item, fraction: None }.words());
    }
    out.take()
}

/// Reads versions (`1.2.3`) and IPv4 addresses (`10.0.0.1`).
pub(super) fn dotted(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut groups = vec![scan.digits()?];
    loop {
        let mut behind = *scan;
        match behind.eat(".").and_then(|()| behind.digits()) {
            Some(group) => groups.push(group),
            None => break,
        }
        *scan = behind;
    }
    if groups.len() < 3 {
        return None;
    }
    let mut out = Out::default();
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.say(if groups.len() == 4 { "dot" } else { "point" });
        }
        if groups.len() == 4 {
            out.all(digits(group));
        } else {
            out.all(Number { minus: false, whole: group, fraction: None }.words());
        }
    }
    out.take()
}

/// Reads ranges and quantities with their unit: `5-10`, `1980-1986`, `2x4`, `5 kg`.
pub(super) fn measures(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let begin = *scan;
    // `B2s` and `1/2/3` are no quantities.
    if scan.before().is_some_and(|c| c.is_alphabetic() || c == '/') {
        return None;
    }
    let mut amount = comma(scan).or_else(|| single(scan))?;
    let first = (begin, *scan);
    let mut ranged = false;
    let mut behind = *scan;
    if let Some(word) = between(&mut behind)
        && let Some(other) = single(&mut behind)
    {
        let (mut one, mut two) = (first.0, first.1);
        between(&mut two);
        let (one, two) = (one.number(), two.number());
        let years = (one.and_then(|one| one.year()), two.and_then(|two| two.year()));
        // Also `1960-80`.
        let short = two.is_some_and(|two| two.whole.len() == 2 && two.fraction.is_none());
        let (head, tail) = match years {
            (Some(one), Some(two)) if !unit_follows(behind) => (owned(year(one)), owned(year(two))),
            (Some(one), None) if short && !unit_follows(behind) => (owned(year(one)), other.words),
            _ => (amount.words, other.words),
        };
        *scan = behind;
        ranged = true;
        amount = Amount { words: [head, owned([word]), tail].concat(), one: false };
    }
    let whole = !first.0.rest().get(..first.0.rest().len() - first.1.rest().len()).unwrap_or_default().contains('/');
    let mut out = Out::default();
    out.all(amount.words);
    let multiplied = multiple(scan, &mut out);
    let united = unit(scan, amount.one && !multiplied, &mut out);
    // A number alone is of another class.
    if !(ranged || multiplied || united || !whole) {
        return None;
    }
    out.take()
}

/// Reads feet and inches: `6'2"`.
pub(super) fn feet(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let feet = scan.digits().filter(|feet| feet.len() < 3).and_then(value)?;
    scan.eat("'")?;
    let inches = scan.digits().filter(|inches| inches.len() < 3).and_then(value)?;
    scan.eat("\"").or_else(|| scan.eat("''"))?;
    let (foot, inch) = (if feet == 1 { "foot" } else { "feet" }, if inches == 1 { "inch" } else { "inches" });
    out.all(cardinal(feet)).say(foot).all(cardinal(inches)).say(inch).take()
}

/// Reads a number with a decimal comma before a unit: `12,5 kg`.
fn comma(scan: &mut Scan<'_>) -> Option<Amount> {
    let mut behind = *scan;
    let whole = behind.digits()?;
    behind.eat(",")?;
    let part = behind.digits().filter(|part| part.len() < 3)?;
    if !unit_follows(behind) {
        return None;
    }
    *scan = behind;
    Some(Amount { words: owned(Number { minus: false, whole, fraction: Some(part) }.words()), one: false })
}

fn unit_follows(mut scan: Scan<'_>) -> bool {
    unit(&mut scan, false, &mut Out::default())
}

/// Reads the sign between the numbers of a range, and returns its word.
fn between(scan: &mut Scan<'_>) -> Option<&'static str> {
    let digit = |scan: &Scan<'_>| scan.peek().is_some_and(|c| c.is_ascii_digit());
    let mut behind = *scan;
    let spaced = behind.spaces();
    let sign = behind.one_of(&['-', 'x', '×', '*', '+'])?;
    let spaced_behind = behind.spaces();
    if spaced != spaced_behind || !digit(&behind) || (sign == '*' && spaced) {
        return None;
    }
    let sum = {
        let mut rest = behind;
        rest.number();
        rest.rest().trim_start().starts_with('=')
    };
    let word = match sign {
        '-' if sum => "minus",
        '-' => "to",
        '+' => "plus",
        '*' => "times",
        _ => "by",
    };
    *scan = behind;
    Some(word)
}

/// Reads `million`, or `M` directly behind the number.
fn multiple(scan: &mut Scan<'_>, out: &mut Out) -> bool {
    let mut behind = *scan;
    let spaced = behind.spaces();
    let word = behind.entry(MULTIPLES, true).or_else(|| {
        let mut large = LETTERS.iter().copied().filter(|(text, _)| matches!(*text, "k" | "K" | "M" | "B"));
        // `221B Baker Street` is no amount, and `5 B` are bytes.
        let name = behind
            .rest()
            .get(1..)
            .and_then(|rest| rest.strip_prefix(' '))
            .is_some_and(|rest| rest.starts_with(char::is_uppercase));
        let fits = |(text, _): &(&str, &str)| !spaced && !name && behind.eat(text).is_some() && behind.is_end();
        large.find(fits).map(|(_, word)| word)
    });
    let Some(word) = word.filter(|_| behind.is_end()) else { return false };
    out.say(word);
    *scan = behind;
    true
}

/// Reads a unit, perhaps with another behind a slash.
fn unit(scan: &mut Scan<'_>, one: bool, out: &mut Out) -> bool {
    let mut behind = *scan;
    let apart = behind.spaces() || behind.eat("-").is_some();
    let power = |scan: &mut Scan<'_>| match scan.one_of(&['²', '³']) {
        Some('²') => Some("square"),
        Some(_) => Some("cubic"),
        None => None,
    };
    let squared = UNITS.iter().find_map(|(text, unit)| {
        let mut at = behind;
        at.eat(text)?;
        let power = power(&mut at).or_else(|| at.eat("2").map(|()| "square").filter(|_| at.is_end()))?;
        Some((*unit, power, at))
    });
    let plain = || {
        let mut at = behind;
        let unit = at.entry(UNITS, false).filter(|(.., touching)| !(apart && *touching))?;
        Some((unit, "", at))
    };
    let Some((unit, power, at)) = squared.or_else(plain) else { return per(scan, out) };
    *scan = at;
    out.say(power).say(if one { unit.0 } else { unit.1 });
    per(scan, out);
    let mut stop = *scan;
    // The full stop of an abbreviation within a sentence: `5 ft. tall`.
    if stop.eat(".").is_some() && stop.spaces() && stop.peek().is_some_and(char::is_lowercase) {
        scan.eat(".");
    }
    true
}

/// Reads the unit behind a slash: `/kg`, `/mo`.
fn per(scan: &mut Scan<'_>, out: &mut Out) -> bool {
    let mut behind = *scan;
    if behind.eat("/").is_none() {
        return false;
    }
    let unit = |scan: &mut Scan<'_>| scan.entry(UNITS, false).map(|(one, ..)| one);
    let Some(word) = behind.entry(PERIODS, false).or_else(|| unit(&mut behind)).filter(|_| behind.is_end()) else {
        return false;
    };
    out.say(if word == "each" { "" } else { "per" }).say(word);
    *scan = behind;
    true
}
