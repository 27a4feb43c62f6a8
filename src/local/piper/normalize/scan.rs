//! The input and the output of a class of [`super::CLASSES`]: a position in a text, and words.

use super::Token;
use super::numbers::{cardinal, digits, year};

/// A position in a text. A class gets a copy, so that a failed match leaves no trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the text from here on.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn before(&self) -> Option<char> {
        self.text.get(..self.at).and_then(|text| text.chars().next_back())
    }

    /// Moves forward by so many bytes, and returns them.
    pub(super) fn skip(&mut self, bytes: usize) -> &'a str {
        let part = self.rest().get(..bytes).unwrap_or_else(|| self.rest());
        self.at += part.len();
        part
    }

    pub(super) fn eat(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text).then(|| self.skip(text.len())).map(|_| ())
    }

    /// The same as [`Scan::eat`], in any case.
    pub(super) fn eat_any_case(&mut self, text: &str) -> Option<()> {
        let same = self.rest().get(..text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text));
        same.then(|| self.skip(text.len())).map(|_| ())
    }

    pub(super) fn one_of(&mut self, signs: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| signs.contains(c))?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn run(&mut self, of: impl Fn(char) -> bool) -> Option<&'a str> {
        let end = self.rest().find(|c| !of(c)).unwrap_or(self.rest().len());
        (end > 0).then(|| self.skip(end))
    }

    pub(super) fn digits(&mut self) -> Option<&'a str> {
        self.run(|c| c.is_ascii_digit())
    }

    pub(super) fn letters(&mut self) -> Option<&'a str> {
        self.run(|c| c.is_ascii_alphabetic())
    }

    pub(super) fn spaces(&mut self) -> bool {
        self.run(char::is_whitespace).is_some()
    }

    /// Whether no letter or digit follows.
    pub(super) fn is_end(&self) -> bool {
        self.peek().is_none_or(|c| !c.is_alphanumeric())
    }

    /// Whether one of these signs and a digit follow. What was read is then a part of a longer expression.
    pub(super) fn goes_on(&self, signs: &[char]) -> bool {
        self.rest().strip_prefix(signs).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Whether no letter or digit comes before.
    pub(super) fn is_begin(&self) -> bool {
        self.before().is_none_or(|c| !c.is_alphanumeric())
    }

    pub(super) fn ended(&self) -> Option<()> {
        self.is_end().then_some(())
    }

    /// Reads the longest entry of a table that is a whole word here, and returns its value.
    pub(super) fn entry<T: Copy>(&mut self, table: &[(&str, T)], any_case: bool) -> Option<T> {
        let fits = |(text, _): &&(&str, T)| {
            let mut scan = *self;
            let eaten = if any_case { scan.eat_any_case(text) } else { scan.eat(text) };
            eaten.is_some() && (scan.is_end() || !text.ends_with(char::is_alphanumeric))
        };
        let (text, value) = table.iter().filter(fits).max_by_key(|(text, _)| text.len())?;
        self.skip(text.len());
        Some(*value)
    }

    /// Returns the next word, behind any signs.
    pub(super) fn next_word(mut self) -> &'a str {
        self.run(|c| !c.is_alphanumeric());
        self.letters().unwrap_or_default()
    }

    /// Reads a number such as `1,234.5`, `.5` or `-3`, but no part of `1.2.3` or `1,2,3`.
    pub(super) fn number(&mut self) -> Option<Number<'a>> {
        let mut scan = *self;
        let apart = scan.before().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ')' | '-' | '/'));
        let minus = apart && scan.one_of(&['-', '−']).is_some();
        let whole = scan.whole().unwrap_or_default();
        let mut behind = scan;
        let fraction = behind.eat(".").and_then(|()| behind.digits());
        if fraction.is_some() {
            scan = behind;
        }
        if scan.goes_on(&['.', ',']) || (whole.is_empty() && fraction.is_none()) {
            return None;
        }
        *self = scan;
        Some(Number { minus, whole, fraction })
    }

    /// Reads digits, perhaps grouped in thousands by commas.
    fn whole(&mut self) -> Option<&'a str> {
        let begin = *self;
        let head = self.digits()?;
        let mut length = head.len();
        while (1..=3).contains(&head.len()) {
            let mut scan = *self;
            // Some languages group by spaces: `20 000` is hardly ever two numbers.
            let spaced = scan.eat(" ").is_some();
            let group = if spaced { scan.digits() } else { scan.eat(",").and_then(|()| scan.digits()) };
            if group.is_none_or(|group| group.len() != 3 || (spaced && group != "000")) || !scan.is_end() {
                break;
            }
            length += 4;
            *self = scan;
        }
        begin.rest().get(..length)
    }
}

/// A number as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    pub(super) minus: bool,
    pub(super) whole: &'a str,
    pub(super) fraction: Option<&'a str>,
}

impl Number<'_> {
    /// Returns its value if it is an integer.
    pub(super) fn value(&self) -> Option<u128> {
        self.fraction.is_none().then(|| value(self.whole)).flatten()
    }

    pub(super) fn is_one(&self) -> bool {
        !self.minus && self.value() == Some(1)
    }

    /// Returns its value if it can be a year.
    pub(super) fn year(&self) -> Option<u128> {
        let value = self.value().filter(|_| self.whole.len() == 4 && !self.minus)?;
        (1_100..=2_099).contains(&value).then_some(value)
    }

    /// Returns it in words.
    pub(super) fn words(&self) -> Vec<&'static str> {
        let mut words = if self.minus { vec!["minus"] } else { Vec::new() };
        words.extend(match value(self.whole) {
            _ if self.whole.is_empty() => Vec::new(),
            // Leading zeros and very long numbers are codes, which are read digit by digit.
            Some(value) if !is_code(self.whole) => cardinal(value),
            _ => digits(self.whole).collect(),
        });
        if let Some(fraction) = self.fraction {
            words.push("point");
            words.extend(digits(fraction));
        }
        words
    }

    /// Returns it in words, as a year if it can be one.
    pub(super) fn plain(&self) -> Vec<&'static str> {
        self.year().map_or_else(|| self.words(), year)
    }
}

fn is_code(whole: &str) -> bool {
    (whole.len() > 1 && whole.starts_with('0')) || (whole.len() > 15 && !whole.contains([',', '.', ' ']))
}

/// Returns the value of digits with any separators between them.
pub(super) fn value(digits: &str) -> Option<u128> {
    digits.replace([',', '.', ' '], "").parse().ok().filter(|value| *value < 10_u128.pow(36))
}

/// The words and marks that a class returns.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<Token>);

impl Out {
    /// Appends words, separated by spaces.
    pub(super) fn say(&mut self, words: &str) -> &mut Self {
        self.0.extend(words.split_whitespace().map(|word| Token::Word(word.to_lowercase())));
        self
    }

    pub(super) fn all<W: AsRef<str>>(&mut self, words: impl IntoIterator<Item = W>) -> &mut Self {
        words.into_iter().for_each(|word| {
            self.say(word.as_ref());
        });
        self
    }

    pub(super) fn letters(&mut self, letters: &str) -> &mut Self {
        self.0.push(Token::Letters(letters.to_lowercase()));
        self
    }

    pub(super) fn mark(&mut self, mark: char) -> &mut Self {
        self.0.push(Token::Mark(mark));
        self
    }

    /// Returns all tokens, as the result of a class.
    #[expect(clippy::unnecessary_wraps, reason = "a class returns an `Option`")]
    pub(super) fn take(&mut self) -> Option<Vec<Token>> {
        Some(std::mem::take(&mut self.0))
    }
}
