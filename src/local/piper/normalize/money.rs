//! Amounts of money.

use super::Token;
use super::numbers::cardinal;
use super::scan::{Number, Out, Scan, value};
use super::tables::{CURRENCIES, LETTERS, MULTIPLES, Money, PERIODS};

/// Reads an amount with its currency sign before or behind it: `$5.20`, `5 €`, `$3M`, `$10/month`.
pub(super) fn money(scan: &mut Scan<'_>, _: &[Token]) -> Option<Vec<Token>> {
    let mut out = Out::default();
    amount_of_money(scan, &mut out)?;
    let mut behind = *scan;
    let spaced = behind.spaces();
    if behind.eat("-").is_some() && behind.spaces() == spaced {
        let mut other = Out::default();
        if amount_of_money(&mut behind, &mut other).is_some() {
            out.say("to");
            out.0.extend(other.0);
            *scan = behind;
        }
    }
    if scan.eat("/").is_some() {
        let word = scan.entry(PERIODS, false).or_else(|| scan.letters());
        out.say("per").say(word?);
    }
    out.take()
}

fn amount_of_money(scan: &mut Scan<'_>, out: &mut Out) -> Option<()> {
    let negative = scan.is_begin() && scan.one_of(&['-', '−']).is_some();
    if let Some(money) = scan.entry(CURRENCIES, false) {
        let negative = negative || scan.one_of(&['-', '−']).is_some();
        scan.spaces();
        let mut amount = decimal_comma(scan).or_else(|| scan.number())?;
        amount.minus = negative;
        let mut behind = *scan;
        // `$5-10`.
        if behind.eat("-").is_some()
            && let Some(most) =
                behind.number().filter(|_| behind.is_end() || behind.peek().is_some_and(char::is_alphabetic))
        {
            *scan = behind;
            out.all(amount.words()).say("to");
            amount = most;
        }
        return with_multiple(scan, amount, money, out);
    }
    let mut amount = decimal_comma(scan).or_else(|| scan.number())?;
    amount.minus |= negative;
    let mut behind = *scan;
    behind.spaces();
    let multiple = behind.entry(MULTIPLES, true);
    if multiple.is_some() {
        behind.spaces();
    }
    let money = behind.entry(CURRENCIES, false)?;
    // The sign belongs to the next amount.
    if behind.peek().is_some_and(char::is_alphanumeric) {
        return None;
    }
    *scan = behind;
    match multiple {
        Some(multiple) => out.all(amount.words()).say(multiple).say(money.1),
        None => coins(amount, money, out),
    };
    Some(())
}

/// Reads a number with a decimal comma: `5,50`.
fn decimal_comma<'a>(scan: &mut Scan<'a>) -> Option<Number<'a>> {
    let mut behind = *scan;
    let begin = behind.rest();
    behind.digits()?;
    // `1.234,56`.
    let mut group = behind;
    while group.eat(".").is_some() && group.digits().is_some_and(|group| group.len() == 3) {
        behind = group;
    }
    let whole = begin.get(..begin.len() - behind.rest().len())?;
    behind.eat(",")?;
    let part = behind.digits().filter(|part| part.len() == 2 && behind.is_end())?;
    *scan = behind;
    Some(Number { minus: false, whole, fraction: Some(part) })
}

/// Appends the amount behind a currency sign, with a multiple such as `million` if one follows.
fn with_multiple(scan: &mut Scan<'_>, amount: Number<'_>, money: Money, out: &mut Out) -> Option<()> {
    let mut behind = *scan;
    let spaced = behind.spaces();
    let letters = |scan: &mut Scan<'_>| scan.entry(LETTERS, false).filter(|_| !spaced || scan.is_end());
    if let Some(multiple) = behind.entry(MULTIPLES, true).or_else(|| letters(&mut behind)) {
        *scan = behind;
        out.all(amount.words()).say(multiple).say(money.1);
    } else {
        scan.ended()?;
        coins(amount, money, out);
    }
    Some(())
}

/// Appends an amount in two units: `5.20` is five dollars and twenty cents.
fn coins<'o>(amount: Number<'_>, money: Money, out: &'o mut Out) -> &'o mut Out {
    let (one, many, small, smalls) = money;
    let part = amount.fraction.unwrap_or_default().trim_end_matches('0');
    if part.len() > 2 || small.is_empty() {
        return out.all(amount.words()).say(if amount.is_one() { one } else { many });
    }
    let cents = value(&format!("{part:0<2}")).unwrap_or_default();
    let whole = Number { fraction: None, ..amount };
    let is_zero = whole.whole.is_empty() || value(whole.whole) == Some(0);
    if !is_zero || cents == 0 {
        let whole = if whole.whole.is_empty() { Number { whole: "0", ..whole } } else { whole };
        out.all(whole.words()).say(if value(whole.whole) == Some(1) { one } else { many });
    } else if amount.minus {
        out.say("minus");
    }
    if cents > 0 {
        out.say(if is_zero { "" } else { "and" });
        out.all(cardinal(cents)).say(if cents == 1 { small } else { smalls });
    }
    out
}
