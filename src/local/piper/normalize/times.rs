//! Dates, years and times of day.

use super::names::full_stop;
use super::numbers::{cardinal, decade, ordinal, year};
use super::scan::{Out, Scan, value};
use super::tables::{MERIDIEMS, MONTHS, TIME_ZONES};
use super::{Token, last_word};

/// Words behind which `12/25` is a day, and not a fraction.
const DAY_CONTEXTS: [&str; 8] = ["on", "by", "since", "until", "from", "dated", "before", "after"];

fn month(number: u128) -> Option<&'static str> {
    MONTHS.iter().find(|(_, other)| *other == number).map(|(name, _)| *name)
}

/// Reads a number of so many digits within bounds.
fn within(scan: &mut Scan<'_>, digits: std::ops::RangeInclusive<usize>, min: u128, max: u128) -> Option<u128> {
    let text = scan.digits().filter(|text| digits.contains(&text.len()))?;
    value(text).filter(|value| (min..=max).contains(value))
}

/// Reads a year of two or four digits.
fn years(scan: &mut Scan<'_>, out: &mut Out) -> Option<()> {
    let text = scan.digits()?;
    let number = value(text)?;
    match text.len() {
        4 if number % 1_000 == 0 => out.all(cardinal(number)),
        4 if (1_000..=2_999).contains(&number) => out.all(year(number)),
        2 if number < 10 => out.say("oh").all(cardinal(number)),
        2 => out.all(cardinal(number)),
        _ => return None,
    };
    scan.ended()
}

/// Reads the year, month and day of `2026-11-26` (ISO 8601).
fn iso<'a>(scan: &mut Scan<'a>) -> Option<(&'a str, u128, u128)> {
    let year = scan.digits().filter(|year| year.len() == 4)?;
    let sign = scan.one_of(&['-', '/', '.'])?;
    let month = within(scan, 1..=2, 1, 12)?;
    scan.eat(sign.encode_utf8(&mut [0; 4]))?;
    let day = within(scan, 1..=2, 1, 31)?;
    // A time may follow, as in `2026-11-26T10:30`.
    let mut behind = *scan;
    match behind.eat("T").filter(|()| behind.peek().is_some_and(|c| c.is_ascii_digit())) {
        Some(()) => *scan = behind,
        None => scan.ended()?,
    }
    Some((year, month, day))
}

/// Reads dates in figures: `2026-11-26`, `11/26/2026`, `26.11.2026`, and `12/25` behind one of [`DAY_CONTEXTS`].
pub(super) fn dates(scan: &mut Scan<'_>, before: &[Token]) -> Option<Vec<Token>> {
    let begin = *scan;
    let mut out = Out::default();
    if let Some((year, number, day)) = iso(scan) {
        out.say(month(number)?).all(ordinal(day)).mark(',');
        years(&mut Scan::new(year), &mut out)?;
        return out.take();
    }
    *scan = begin;
    let first = within(scan, 1..=2, 1, 31)?;
    let sign = scan.one_of(&['-', '/', '.'])?;
    let second = within(scan, 1..=2, 1, 31)?;
    // In the American order, month before day, where that is possible.
    let (number, day) = if first <= 12 { (first, second) } else { (second, first) };
    let name = month(number)?;
    if scan.eat(sign.encode_utf8(&mut [0; 4])).is_some() {
        if first <= 12 {
            out.say(name).all(ordinal(day)).mark(',');
        } else {
            out.say("the").all(ordinal(day)).say("of").say(name).mark(',');
        }
        years(scan, &mut out)?;
        return out.take();
    }
    let said = last_word(before).is_some_and(|word| DAY_CONTEXTS.contains(&word));
    (said && sign == '/' && scan.is_end() && first <= 12).then_some(())?;
    out.say(name).all(ordinal(day)).take()
}

/// Reads a month's name or its abbreviation.
fn name(scan: &mut Scan<'_>) -> Option<&'static str> {
    let number = scan.entry(MONTHS, true)?;
    let mut behind = *scan;
    if behind.eat(".").is_some() && behind.spaces() && behind.peek().is_some_and(|c| c.is_ascii_digit()) {
        scan.eat(".");
    }
    month(number)
}

/// Reads the day of a month, with or without an ending such as `th`.
fn day(scan: &mut Scan<'_>) -> Option<u128> {
    let day = within(scan, 1..=2, 1, 31)?;
    ["st", "nd", "rd", "th"].iter().any(|ending| scan.eat_any_case(ending).is_some());
    scan.ended()?;
    (!scan.goes_on(&['.', ',', ':', '/'])).then_some(day)
}

/// Reads the year behind a day and a month.
fn year_behind(scan: &mut Scan<'_>, out: &mut Out) {
    let mut behind = *scan;
    behind.eat(",").or_else(|| behind.eat("-"));
    behind.spaces();
    let mut said = Out::default();
    let long = behind.rest().find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.rest().len()) == 4;
    if long && years(&mut behind, &mut said).is_some() {
        *scan = behind;
        // A short pause comes before the year.
        out.mark(',').0.append(&mut said.0);
    }
}

/// Reads dates with a month's name: `Jan. 15, 2020`, `July 1876`, `25 July 2012`.
pub(super) fn months(scan: &mut Scan<'_>, before: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    if scan.peek()?.is_ascii_digit() {
        let day = day(scan)?;
        let gap = scan.spaces() || scan.eat("-").is_some();
        let of = scan.eat("of ").is_some();
        let written = scan.rest();
        let name = name(scan).filter(|_| gap)?;
        out.say(if last_word(before) == Some("the") { "" } else { "the" }).all(ordinal(day)).say("of").say(name);
        let length = out.0.len();
        year_behind(scan, &mut out);
        // `25 may` is a number and a verb, unless it is capitalised or has a year.
        (of || name != "may" || written.starts_with('M') || out.0.len() > length).then_some(())?;
        return out.take();
    }
    let written = scan.rest();
    let name = name(scan)?;
    (name != "may" && name != "march" || !written.starts_with('m')).then_some(())?;
    let gap = scan.spaces() || scan.eat("-").is_some();
    out.say(name);
    let mut behind = *scan;
    if let Some(day) = day(&mut behind).filter(|_| gap) {
        *scan = behind;
        out.all(ordinal(day));
        year_behind(scan, &mut out);
        return out.take();
    }
    let mut said = Out::default();
    let long = scan.rest().find(|c: char| !c.is_ascii_digit()) != Some(2) && gap;
    (long && years(scan, &mut said).is_some()).then_some(())?;
    out.0.extend(said.0);
    out.take()
}

/// Reads decades: `1980s`, `'80s`, `1960s-80s`.
pub(super) fn decades(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    out.all(one_decade(scan)?);
    let mut behind = *scan;
    if behind.eat("-").is_some()
        && let Some(other) = one_decade(&mut behind)
    {
        *scan = behind;
        out.say("to").all(other);
    }
    out.take()
}

fn one_decade(scan: &mut Scan<'_>) -> Option<Vec<String>> {
    scan.eat("'");
    let text = scan.digits().filter(|text| matches!(text.len(), 2 | 4) && text.ends_with('0'))?;
    scan.eat("s").or_else(|| scan.eat("'s")).or_else(|| scan.eat(" s").filter(|()| text.len() == 4))?;
    scan.ended()?;
    let number = value(text).filter(|number| *number < 100 || (1_000..=2_999).contains(number))?;
    Some(decade(number))
}

/// Reads times of day and ranges of them: `10:30`, `9:30 a.m.`, `5pm`, `14:10:30`, `9:00-17:30`.
pub(super) fn times(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let mut behind = *scan;
    // `5-7pm`.
    if let Some(hours) = within(&mut behind, 1..=2, 1, 12)
        && behind.eat("-").is_some()
        && clock(&mut behind, &mut out).is_some()
        && out.0.iter().any(|token| matches!(token, Token::Letters(_)))
    {
        *scan = behind;
        let mut first = Out::default();
        first.all(cardinal(hours)).say("to").0.append(&mut out.0);
        return first.take();
    }
    out.0.clear();
    clock(scan, &mut out)?;
    let mut behind = *scan;
    let spaced = behind.spaces();
    let mut other = Out::default();
    if behind.eat("-").is_some() && behind.spaces() == spaced && clock(&mut behind, &mut other).is_some() {
        *scan = behind;
        out.say("to").0.extend(other.0);
    }
    out.take()
}

fn clock(scan: &mut Scan<'_>, out: &mut Out) -> Option<()> {
    let hours = within(scan, 1..=2, 0, 24)?;
    let mut behind = *scan;
    let sign = behind.one_of(&[':', '.']);
    let minutes = sign.and_then(|_| within(&mut behind, 2..=2, 0, 59));
    if minutes.is_some() {
        *scan = behind;
        behind.eat(":");
    }
    if let (Some(minutes), Some(':')) = (minutes, sign)
        && let Some(seconds) = within(&mut behind, 2..=2, 0, 59)
        && scan.eat(":").is_some()
    {
        *scan = behind;
        let part = |count: u128, name: &str| format!("{name}{}", if count == 1 { "" } else { "s" });
        out.all(cardinal(hours)).say(&part(hours, "hour")).all(cardinal(minutes)).say(&part(minutes, "minute"));
        out.say("and").all(cardinal(seconds)).say(&part(seconds, "second"));
        meridiem(scan, out);
        scan.eat("Z");
        return scan.ended();
    }
    let mut said = Out::default();
    let mut behind = *scan;
    let has_meridiem = meridiem(&mut behind, &mut said);
    // `1.59` and `5` are times only before `p.m.`
    (has_meridiem || (minutes.is_some() && sign == Some(':'))).then_some(())?;
    out.all(cardinal(hours));
    match minutes {
        Some(0) if !has_meridiem && hours == 0 => out.say("hundred hours"),
        Some(0) if !has_meridiem => out.say("o'clock"),
        None | Some(0) => out,
        Some(minutes @ 1..=9) => out.say("oh").all(cardinal(minutes)),
        Some(minutes) => out.all(cardinal(minutes)),
    };
    // A time zone may follow without `am` or `pm`.
    *scan = behind;
    out.0.extend(said.0);
    scan.ended()
}

/// Reads `a.m.` or `p.m.`, and a time zone. Returns whether there was one of the two.
fn meridiem(scan: &mut Scan<'_>, out: &mut Out) -> bool {
    let mut behind = *scan;
    behind.spaces();
    let Some(name) = behind.entry(MERIDIEMS, true) else {
        let written = behind.rest();
        if let Some(zone) = behind.entry(TIME_ZONES, true).filter(|zone| written.starts_with(&zone.to_uppercase())) {
            out.letters(zone);
            *scan = behind;
        }
        return false;
    };
    let dotted = behind.before() == Some('.');
    if !dotted && !behind.is_end() {
        return false;
    }
    *scan = behind;
    out.letters(name);
    behind.spaces();
    if let Some(zone) = behind.entry(TIME_ZONES, true) {
        *scan = behind;
        out.letters(zone);
    } else if dotted && let Some(mark) = full_stop(*scan) {
        out.mark(mark);
    }
    true
}
