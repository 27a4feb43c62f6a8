//! A sentence as people write it, into words as people say them: numbers, money, dates, signs, letters.

use super::numbers::{cardinal, decade, digits, ordinal, year};
use super::sentences::SHORT;

/// What a sentence is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// In lower case.
    Word(String),
    /// Letters that are said one by one.
    Letters(String),
    /// One of `, . ? ! ; :`.
    Mark(char),
}

#[rustfmt::skip]
const SIGNS: &[(char, &str)] = &[
    ('&', "and"), ('+', "plus"), ('=', "equals"), ('@', "at"), ('%', "percent"), ('/', "slash"), ('#', "number"),
    ('°', "degrees"), ('<', "less than"), ('>', "greater than"), ('×', "times"),
];
const MONEY: &[(char, &str, &str)] =
    &[('$', "dollar", "cent"), ('£', "pound", "penny"), ('€', "euro", "cent"), ('¥', "yen", "")];
#[rustfmt::skip]
const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
];
const MULTIPLES: [&str; 4] = ["thousand", "million", "billion", "trillion"];

/// A sentence in words and marks. Capitals stand for letters only where not all of it is in capitals.
pub(super) fn tokens(sentence: &str) -> Vec<Token> {
    let shouted = !sentence.chars().any(char::is_lowercase);
    let mut reader = Reader { tokens: Vec::new(), shouted, money: None };
    for piece in sentence.split_whitespace() {
        reader.piece(&plain(piece));
    }
    reader.pay();
    reader.tokens
}

/// Typographers' signs as a keyboard has them, accents off: the voice speaks English.
fn plain(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    for c in piece.chars() {
        match c {
            '’' | '‘' | '`' => out.push('\''),
            '–' | '—' | '−' => out.push_str(" - "),
            '…' => out.push('.'),
            'à'..='å' => out.push('a'),
            'è'..='ë' => out.push('e'),
            'ì'..='ï' => out.push('i'),
            'ò'..='ö' | 'ø' => out.push('o'),
            'ù'..='ü' => out.push('u'),
            'À'..='Å' => out.push('A'),
            'È'..='Ë' => out.push('E'),
            'Ò'..='Ö' | 'Ø' => out.push('O'),
            'Ù'..='Ü' => out.push('U'),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            _ => out.push(c),
        }
    }
    out
}

struct Reader {
    tokens: Vec<Token>,
    shouted: bool,
    /// A sum whose unit is said behind a `million` that may follow.
    money: Option<&'static str>,
}

impl Reader {
    fn say(&mut self, words: &str) {
        self.tokens.extend(words.split_whitespace().map(|word| Token::Word(word.to_owned())));
    }

    fn say_all<W: AsRef<str>>(&mut self, words: impl IntoIterator<Item = W>) {
        words.into_iter().for_each(|word| self.say(word.as_ref()));
    }

    fn pay(&mut self) {
        if let Some(unit) = self.money.take() {
            self.say(&format!("{unit}s"));
        }
    }

    /// What stands between two blanks: marks around it, and something within.
    fn piece(&mut self, piece: &str) {
        let core = piece.trim_start_matches(['"', '\'', '(', '[', '{', '“', '*', '_', '~']);
        let body =
            core.trim_end_matches(['"', '\'', ')', ']', '}', '”', '*', '_', '~', ',', '.', '?', '!', ';', ':', '-']);
        let marks = core.get(body.len()..).unwrap_or_default();
        if !MULTIPLES.contains(&body.to_ascii_lowercase().as_str()) {
            self.pay();
        }
        self.body(body, marks.starts_with('.'));
        if MULTIPLES.contains(&body.to_ascii_lowercase().as_str()) || !marks.is_empty() {
            self.pay();
        }
        let mark = marks.chars().find(|c| matches!(c, ',' | '.' | '?' | '!' | ';' | ':'));
        let short = SHORT.iter().any(|(short, _)| short.eq_ignore_ascii_case(body));
        if body.is_empty() && piece.trim() == "-" {
            self.tokens.push(Token::Mark(','));
        } else if let Some(mark) = mark.filter(|mark| *mark != '.' || !short) {
            self.tokens.push(Token::Mark(mark));
        }
    }

    fn body(&mut self, body: &str, stop: bool) {
        if body.is_empty() {
            return;
        }
        let lower = body.to_ascii_lowercase();
        if let Some((_, said)) = SHORT.iter().find(|(short, _)| stop && *short == lower) {
            return self.say(said);
        }
        if body.contains(char::is_whitespace) {
            return body.split_whitespace().for_each(|part| self.piece(part));
        }
        if body.starts_with(|c: char| c.is_ascii_digit() || MONEY.iter().any(|(sign, ..)| *sign == c))
            && self.number(&lower)
        {
            return;
        }
        if let Some(rest) = lower.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.say("minus");
            if self.number(rest) {
                return;
            }
        }
        self.parts(body);
    }

    /// Anything that begins with a digit or a sign of money; false where it is something else.
    fn number(&mut self, text: &str) -> bool {
        let first = text.chars().next().unwrap_or_default();
        if let Some((sign, unit, small)) = MONEY.iter().find(|(sign, ..)| *sign == first) {
            return self.sum(text.trim_start_matches(*sign), unit, small);
        }
        if let Some(number) = text.strip_suffix('%').and_then(decimal) {
            self.say_all(number);
            self.say("percent");
            return true;
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(text.len());
        let (head, tail) = text.split_at(end);
        if let (Some(number), "st" | "nd" | "rd" | "th") = (whole(head), tail) {
            self.say_all(ordinal(number));
            return true;
        }
        if let (Some(number), "s" | "'s", 2 | 4) = (whole(head), tail, head.len()) {
            self.say_all(decade(number));
            return true;
        }
        if self.date(text) || self.time(text) {
            return true;
        }
        if text.contains('-') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            // A telephone's number, or a score.
            self.say_all(digits(text));
            return true;
        }
        match decimal(text) {
            Some(words) => self.say_all(words),
            None => return false,
        }
        true
    }

    fn sum(&mut self, text: &str, unit: &'static str, small: &str) -> bool {
        let (main, cents) = text.split_once('.').unwrap_or((text, ""));
        let Some(number) = whole(main) else { return false };
        match whole(cents).filter(|_| cents.len() == 2) {
            Some(cents) => {
                let plural = |count: u64, unit: &str| match (count, unit) {
                    (1, _) => unit.to_owned(),
                    (_, "penny") => "pence".to_owned(),
                    _ => format!("{unit}s"),
                };
                self.say_all(cardinal(number));
                self.say(&plural(number, unit));
                if cents > 0 {
                    self.say("and");
                    self.say_all(cardinal(cents));
                    self.say(&plural(cents, small));
                }
            }
            None if cents.is_empty() && number == 1 => self.say(&format!("one {unit}")),
            None => {
                let Some(words) = decimal(text) else { return false };
                self.say_all(words);
                self.money = Some(unit);
            }
        }
        true
    }

    /// `2026-11-26`.
    fn date(&mut self, text: &str) -> bool {
        let parts: Vec<Option<u64>> = text.split('-').map(whole).collect();
        let [Some(y @ 1100..=2099), Some(month @ 1..=12), Some(day @ 1..=31)] = *parts.as_slice() else { return false };
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied();
        self.say(month.unwrap_or_default());
        self.say_all(ordinal(day));
        self.tokens.push(Token::Mark(','));
        self.say_all(year(y));
        true
    }

    /// `10:30`, perhaps with `am` or `pm` behind it; also `5pm`.
    fn time(&mut self, text: &str) -> bool {
        let half = ["am", "pm"].into_iter().find(|half| text.ends_with(half));
        let clock = half.map_or(text, |half| text.trim_end_matches(half));
        let (hours, minutes) = match (clock.split_once(':'), half) {
            (Some((hours, minutes)), _) if minutes.len() == 2 => (whole(hours), whole(minutes)),
            (None, Some(_)) => (whole(clock), Some(0)),
            _ => return false,
        };
        let (Some(hours @ 0..=24), Some(minutes @ 0..=59)) = (hours, minutes) else { return false };
        self.say_all(cardinal(hours));
        match minutes {
            0 if half.is_none() => self.say("o'clock"),
            0 => {}
            1..=9 => self.say_all(["oh"].into_iter().chain(cardinal(minutes))),
            _ => self.say_all(cardinal(minutes)),
        }
        if let Some(half) = half {
            self.tokens.push(Token::Letters(half.to_owned()));
        }
        true
    }

    /// Words, numbers and signs that touch each other: `mp3`, `read/write`, `a.example`.
    fn parts(&mut self, body: &str) {
        let mut rest = body;
        while let Some(c) = rest.chars().next() {
            let kind = |c: char| (c.is_ascii_digit(), c.is_alphabetic() || c == '\'');
            let end = match kind(c) {
                (false, false) => c.len_utf8(),
                first => rest.find(|c| kind(c) != first).unwrap_or(rest.len()),
            };
            let (part, tail) = rest.split_at(end);
            rest = tail;
            match kind(c) {
                (true, _) => match whole(part) {
                    Some(number) => self.say_all(cardinal(number)),
                    None => self.say_all(digits(part)),
                },
                (_, true) => self.word(part),
                _ if c == '.' && !rest.is_empty() => self.say("dot"),
                _ => {
                    let sign = SIGNS.iter().find(|(sign, _)| *sign == c);
                    self.say(sign.map_or("", |(_, said)| said));
                }
            }
        }
    }

    fn word(&mut self, word: &str) {
        let capitals = word.len() > 1 && word.chars().all(char::is_uppercase);
        let token = if capitals && !self.shouted { Token::Letters } else { Token::Word };
        self.tokens.push(token(word.to_lowercase()));
    }
}

/// A whole number, perhaps with commas between its thousands. Longer ones are no quantity.
fn whole(text: &str) -> Option<u64> {
    let digits = text.replace(',', "");
    let is_number = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = !text.contains(',') || text.rsplit(',').all(|group| group.len() <= 3);
    (is_number && grouped).then(|| digits.parse().ok()).flatten()
}

/// A number with what is behind its point; one that looks like a year is said as one.
fn decimal(text: &str) -> Option<Vec<&'static str>> {
    let (head, tail) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(tail) || (tail.is_empty() && text.contains('.')) {
        return None;
    }
    if tail.is_empty() && is_digits(head) && (head.len() > 15 || (head.len() > 1 && head.starts_with('0'))) {
        return Some(digits(head).collect());
    }
    let number = whole(head)?;
    if tail.is_empty() {
        let is_year = head.len() == 4 && (1100..=2099).contains(&number);
        return Some(if is_year { year(number) } else { cardinal(number) });
    }
    Some(cardinal(number).into_iter().chain(["point"]).chain(digits(tail)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let shown = |token: Token| match token {
            Token::Word(word) => format!(" {word}"),
            Token::Letters(letters) => format!(" {}", letters.to_uppercase()),
            Token::Mark(mark) => mark.to_string(),
        };
        tokens(text).into_iter().map(shown).collect::<String>().trim().to_owned()
    }

    #[test]
    fn what_is_written_is_said_in_words() {
        for (written, expected) in [
            ("Hello, world!", "hello, world!"),
            ("I have 3 cats.", "i have three cats."),
            ("It costs $5.20, not $1.", "it costs five dollars and twenty cents, not one dollar."),
            ("$3 million (net)", "three million dollars net"),
            ("$2.5 billion", "two point five billion dollars"),
            ("On 2026-11-26 at 10:05", "on november twenty sixth, twenty twenty six at ten oh five"),
            ("in 1984, the 21st", "in nineteen eighty four, the twenty first"),
            ("1,500 people", "one thousand five hundred people"),
            ("50% of 3.14", "fifty percent of three point one four"),
            ("Call 555-0123 at 5pm", "call five five five zero one two three at five PM"),
            ("Dr. Smith & Mr. Jones", "doctor smith and mister jones"),
            ("the API of example.org", "the API of example dot org"),
            ("STOP NOW", "stop now"),
            ("-5 degrees", "minus five degrees"),
            ("an mp3, the 1990s", "an mp three, the nineteen nineties"),
            ("wait — what?", "wait, what?"),
            ("café naïve 🎉 ok", "cafe naive ok"),
            ("007", "zero zero seven"),
            ("99999999999999999999", &["nine"; 20].join(" ")),
            ("don't", "don't"),
        ] {
            assert_eq!(said(written), expected, "{written}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC{0,60}") {
            tokens(&text);
        }
    }
}
