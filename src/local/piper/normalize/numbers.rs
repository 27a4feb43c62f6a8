//! Numbers in words.

#[rustfmt::skip]
const ONES: [&str; 20] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// Each is a thousand times the next.
#[rustfmt::skip]
const SCALES: [&str; 11] = [
    "decillion", "nonillion", "octillion", "septillion", "sextillion", "quintillion", "quadrillion", "trillion", "billion",
    "million", "thousand",
];

fn word(list: &[&'static str], index: u128) -> &'static str {
    usize::try_from(index).ok().and_then(|index| list.get(index).copied()).unwrap_or_default()
}

/// Returns a cardinal number: `1234` is one thousand two hundred thirty four.
pub(super) fn cardinal(number: u128) -> Vec<&'static str> {
    let mut words = Vec::new();
    let mut rest = number;
    for (name, power) in SCALES.into_iter().zip((1..=11).rev()) {
        let scale = 1_000_u128.pow(power);
        if rest >= scale {
            words.extend(cardinal(rest / scale));
            words.push(name);
            rest %= scale;
        }
    }
    if rest >= 100 {
        words.extend([word(&ONES, rest / 100), "hundred"]);
        rest %= 100;
    }
    if rest >= 20 {
        words.push(word(&TENS, rest / 10));
        rest %= 10;
    }
    if rest > 0 || words.is_empty() {
        words.push(word(&ONES, rest));
    }
    words
}

/// Returns an ordinal number: `21st` is twenty first.
pub(super) fn ordinal(number: u128) -> Vec<String> {
    let mut words: Vec<String> = cardinal(number).into_iter().map(str::to_owned).collect();
    if let Some(last) = words.last_mut() {
        *last = match last.as_str() {
            "one" => "first".to_owned(),
            "two" => "second".to_owned(),
            "three" => "third".to_owned(),
            "five" => "fifth".to_owned(),
            "eight" => "eighth".to_owned(),
            "nine" => "ninth".to_owned(),
            "twelve" => "twelfth".to_owned(),
            word => word.strip_suffix('y').map_or_else(|| format!("{word}th"), |stem| format!("{stem}ieth")),
        };
    }
    words
}

/// Returns a year from 1100 to 2099: `1984` is nineteen eighty four.
pub(super) fn year(number: u128) -> Vec<&'static str> {
    let (century, rest) = (number / 100, number % 100);
    match (century, rest) {
        (20, 0..=9) => cardinal(number),
        (_, 0) if century % 10 == 0 => cardinal(number),
        (_, 0) => [cardinal(century), vec!["hundred"]].concat(),
        (_, 1..=9) => [cardinal(century), vec!["oh", word(&ONES, rest)]].concat(),
        _ => [cardinal(century), cardinal(rest)].concat(),
    }
}

/// Returns a decade: `1990s` is nineteen nineties, `80s` is eighties.
pub(super) fn decade(number: u128) -> Vec<String> {
    plural(if number >= 1_000 { year(number) } else { cardinal(number) })
}

/// Puts the last word into the plural.
fn plural(words: Vec<&str>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    if let Some(last) = words.last_mut() {
        *last = last.strip_suffix('y').map_or_else(|| format!("{last}s"), |stem| format!("{stem}ies"));
    }
    words
}

/// Returns a fraction: `3/4` is three quarters, `1/2` is one half.
pub(super) fn fraction(number: u128, of: u128) -> Vec<String> {
    let mut words: Vec<String> = cardinal(number).into_iter().map(str::to_owned).collect();
    match of {
        0 | 1 => words.extend(["over", word(&ONES, of)].map(str::to_owned)),
        2 => words.push(if number == 1 { "half" } else { "halves" }.to_owned()),
        _ => {
            words.extend(if of == 4 { vec!["quarter".to_owned()] } else { ordinal(of) });
            if number != 1
                && let Some(last) = words.last_mut()
            {
                last.push('s');
            }
        }
    }
    words
}

/// Returns a number digit by digit.
pub(super) fn digits(text: &str) -> impl Iterator<Item = &'static str> {
    text.chars().filter_map(|c| c.to_digit(10)).map(|digit| word(&ONES, digit.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_words() {
        for (number, said) in [
            (0, "zero"),
            (13, "thirteen"),
            (40, "forty"),
            (105, "one hundred five"),
            (1_234, "one thousand two hundred thirty four"),
            (2_000_000, "two million"),
            (7_000_000_000_012, "seven trillion twelve"),
        ] {
            assert_eq!(cardinal(number).join(" "), said);
        }
        for (number, said) in
            [(1, "first"), (12, "twelfth"), (20, "twentieth"), (21, "twenty first"), (100, "one hundredth")]
        {
            assert_eq!(ordinal(number).join(" "), said);
        }
        for (number, said) in [
            (1984, "nineteen eighty four"),
            (1900, "nineteen hundred"),
            (1905, "nineteen oh five"),
            (2005, "two thousand five"),
            (2026, "twenty twenty six"),
        ] {
            assert_eq!(year(number).join(" "), said);
        }
        assert_eq!(decade(1990).join(" "), "nineteen nineties");
        assert_eq!(digits("01-5").collect::<Vec<_>>().join(" "), "zero one five");
    }
}
