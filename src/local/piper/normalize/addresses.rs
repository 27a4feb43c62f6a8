//! Telephone numbers, URLs, e-mail addresses and host names.

use super::Token;
use super::numbers::digits;
use super::scan::{Out, Scan, value};
use super::tables::{ADDRESS_SIGNS, SPELT_LABELS, TOP_LEVEL_DOMAINS};

/// The lengths of the groups of digits that are read as a telephone number without a `+`.
const TELEPHONE_GROUPS: &[&[usize]] =
    &[&[3, 3, 4], &[1, 3, 3, 4], &[3, 4], &[3, 2, 4], &[3, 3, 4, 1], &[3, 3, 4, 2], &[3, 3, 4, 3], &[3, 3, 4, 4]];

/// Groups of the longest telephone number. The limit keeps a failed match cheap.
const MAX_GROUPS: usize = 16;
/// Characters of the longest URL.
const MAX_ADDRESS_CHARS: usize = 2_000;

/// Reads telephone numbers: `+1 (555) 123-4567`, `555-0123`, `5551234567`, `1-800-GO-U-HAUL`.
pub(super) fn telephones(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let begin = *scan;
    if scan.eat("1-").is_some()
        && let Some(area) = scan.digits().filter(|area| area.len() == 3)
        && let Some(words) = letters_behind(scan)
    {
        out.say("one").mark(',').all(area_code(area)).mark(',');
        out.0.extend(words);
        return out.take();
    }
    *scan = begin;
    let plus = scan.eat("+").is_some();
    let (groups, signs) = groups(scan)?;
    let groups = match groups.as_slice() {
        [one] => split(one, plus)?,
        _ => groups,
    };
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let total: usize = lengths.iter().sum();
    let spaces_only = signs.iter().all(|sign| *sign == ' ');
    let fits = if plus {
        (7..=15).contains(&total)
    } else {
        // `100-2000` is a range, and `555 0123` are two numbers.
        let short = lengths == [3, 4];
        let round = groups.last().is_some_and(|last| last.ends_with("00"));
        TELEPHONE_GROUPS.contains(&lengths.as_slice()) && !(short && (spaces_only || round || !signs.contains(&'-')))
    };
    // A fraction, a time or a unit is no telephone number.
    (fits && scan.is_end() && !scan.rest().starts_with(['/', ':', '%', '$'])).then_some(())?;
    if plus {
        out.say("plus");
    }
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.mark(',');
        }
        let area = lengths.starts_with(&[1, 3]) && index == 1;
        if area {
            out.all(area_code(group))
        } else {
            out.all(digits(group))
        };
    }
    extension(scan, &mut out);
    out.take()
}

/// Returns an area code: `800` is eight hundred, others are read digit by digit.
fn area_code(area: &str) -> Vec<&'static str> {
    match value(area).filter(|_| area.ends_with("00")) {
        Some(value) => super::numbers::cardinal(value),
        None => digits(area).collect(),
    }
}

fn letters_behind(scan: &mut Scan<'_>) -> Option<Vec<Token>> {
    let mut out = Out::default();
    let mut any = false;
    while out.0.len() < MAX_GROUPS && scan.eat("-").is_some() {
        match (scan.letters(), any) {
            (Some(word), _) if word.chars().all(char::is_uppercase) => {
                any = true;
                out.0.push(Token::Capitals(word.to_lowercase()));
            }
            (None, _) => {
                out.all(digits(scan.digits()?));
            }
            _ => return None,
        }
    }
    (any && scan.is_end()).then_some(out.0)
}

/// Reads groups of digits and the signs between them.
fn groups<'a>(scan: &mut Scan<'a>) -> Option<(Vec<&'a str>, Vec<char>)> {
    let (mut groups, mut signs) = (Vec::new(), Vec::new());
    while groups.len() < MAX_GROUPS {
        let mut behind = *scan;
        if !groups.is_empty() {
            match behind.one_of(&['-', '.', ' ', '\u{a0}']) {
                Some(sign) => signs.push(sign),
                None if behind.rest().starts_with('(') || behind.before() == Some(')') => signs.push('('),
                None => break,
            }
        }
        let open = behind.eat("(").is_some();
        let digits = behind.digits();
        let closed = !open || behind.eat(")").is_some();
        let Some(digits) = digits.filter(|_| closed) else {
            signs.truncate(groups.len().saturating_sub(1));
            break;
        };
        groups.push(digits);
        *scan = behind;
    }
    (!groups.is_empty()).then_some((groups, signs))
}

/// Splits digits without signs between them into groups.
fn split(digits: &str, plus: bool) -> Option<Vec<&str>> {
    let national = |digits: &str| digits.len() == 10 && !digits.starts_with(['0', '1']);
    let lengths: Vec<usize> = match digits.len() {
        10 if !plus && national(digits) => vec![3, 3, 4],
        11 if digits.starts_with('1') && digits.get(1..).is_some_and(national) => vec![1, 3, 3, 4],
        8..=15 if plus => {
            let rest = digits.len() - 2;
            let last = if rest % 3 == 1 { 4 } else { rest % 3 };
            [vec![2], vec![3; (rest - last) / 3], if last > 0 { vec![last] } else { Vec::new() }].concat()
        }
        _ => return None,
    };
    let mut rest = digits;
    let mut groups = Vec::new();
    for length in lengths {
        let (group, behind) = rest.split_at_checked(length)?;
        groups.push(group);
        rest = behind;
    }
    Some(groups)
}

/// Reads an extension: `x123`, `ext. 123`.
fn extension(scan: &mut Scan<'_>, out: &mut Out) {
    let mut behind = *scan;
    behind.eat(",");
    behind.spaces();
    if ["extension", "ext.", "ext", "x"].iter().any(|word| behind.eat_any_case(word).is_some()) {
        behind.spaces();
        if let Some(number) = behind.digits().filter(|_| behind.is_end()) {
            out.mark(',').say("extension").all(digits(number));
            *scan = behind;
        }
    }
}

/// Reads URLs, e-mail addresses and host names: `https://example.org/a-b`, `a.b@example.org`, `example.org`.
pub(super) fn addresses(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    // Behind another sign it would be a part of a longer expression that is no address.
    let begins =
        scan.before().is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '<' | '(' | '[' | ',' | ';' | '*'));
    (begins && scan.peek()?.is_ascii_alphanumeric()).then_some(())?;
    let rest = scan.rest();
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';');
    let end = rest.char_indices().take(MAX_ADDRESS_CHARS).find(|(_, c)| ends(*c)).map_or(rest.len(), |(at, _)| at);
    (end <= MAX_ADDRESS_CHARS * 4).then_some(())?;
    let text = rest.get(..end)?.trim_end_matches(['.', '!', '?', ':', '\'', '*', '_', '-']);
    is_address(text).then_some(())?;
    scan.skip(text.len());
    let mut out = Out::default();
    let mut parts = Scan::new(text);
    while let Some(c) = parts.peek() {
        if let Some(word) = parts.letters() {
            if word.len() == 1 || SPELT_LABELS.contains(&word.to_ascii_lowercase().as_str()) {
                out.letters(word);
            } else {
                out.say(word);
            }
        } else if let Some(number) = parts.digits() {
            out.all(digits(number));
        } else {
            parts.skip(c.len_utf8());
            let sign = ADDRESS_SIGNS.iter().find(|(sign, _)| *sign == c);
            out.say(sign.map_or("", |(_, said)| said));
        }
    }
    out.take()
}

fn is_address(text: &str) -> bool {
    if let Some((scheme, rest)) = text.split_once("://") {
        return !rest.is_empty() && scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    }
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if let Some((name, host)) = text.split_once('@') {
        return starts(name) && starts(host) && host.contains('.');
    }
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let label =
        |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let Some((last, names)) = labels.split_last() else { return false };
    let known = *last == last.to_ascii_lowercase() && TOP_LEVEL_DOMAINS.contains(last);
    names.iter().any(|name| name.len() > 1 && name.contains(|c: char| c.is_ascii_alphabetic()))
        && labels.iter().all(label)
        && (known || (text.starts_with("www.") && labels.len() > 2))
}
