//! Finds the place where a text that exceeds a vendor's limit is split.

use unicode_segmentation::UnicodeSegmentation as _;

use super::limit::{GLUE, Limit};

/// Abbreviations, whose full stop does not end a sentence.
const TITLES: [&str; 10] = ["mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "jr", "sr"];

/// The kinds of places where a text may be split, the best first. Of one kind, the last place within the limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Sentence,
    Clause,
    Blank,
    /// Behind a sign, or before a bracket that opens.
    Sign,
    /// Behind a sign that holds a word or a number together, such as an apostrophe or the point of a decimal.
    Joint,
    /// At a space inside a pronunciation that alone exceeds the limit.
    Glue,
    /// Between two grapheme clusters.
    Character,
}

const PLACES: usize = Place::Character as usize + 1;

/// A grapheme cluster: a letter with its marks, or an emoji of several code points.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    text: &'a str,
    first: char,
}

impl<'a> Seen<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, first: text.chars().next().unwrap_or_default() }
    }
}

/// Returns where the first part of a text ends, in bytes.
pub(super) fn end(text: &str, limit: Limit) -> usize {
    let mut places: [Option<usize>; PLACES] = [None; PLACES];
    let mut size: usize = 0;
    // The last sign or letter that closes nothing: a quotation mark behind a full stop belongs to its sentence.
    let mut core = ' ';
    let mut before: Option<Seen<'_>> = None;
    let mut characters = text.grapheme_indices(true).peekable();
    while let Some((at, character)) = characters.next() {
        let this = Seen::new(character);
        size = character.chars().fold(size, |size, c| size.saturating_add(limit.size(c)));
        if size > limit.most() {
            let place = places.into_iter().flatten().next();
            return place.unwrap_or_else(|| if at > 0 { at } else { within(character, limit) });
        }
        if !is_closing(this.first) {
            core = this.first;
        }
        let next = characters.peek().map(|(_, next)| Seen::new(next));
        let behind = at + character.len();
        if this.first.is_whitespace() && !character.ends_with('\n') {
            note(&mut places, Place::Blank, at);
        } else if let Some(place) = next.and_then(|next| place(before, this, next, core, text.get(..at)?)) {
            note(&mut places, place, behind);
        }
        before = Some(this);
    }
    text.len()
}

fn note(places: &mut [Option<usize>; PLACES], place: Place, at: usize) {
    // Nothing is before the beginning of a text.
    if let Some(noted) = places.get_mut(place as usize).filter(|_| at > 0) {
        *noted = Some(at);
    }
}

/// Returns the kind of place between two characters.
fn place(before: Option<Seen<'_>>, this: Seen<'_>, next: Seen<'_>, core: char, text: &str) -> Option<Place> {
    if this.first == GLUE || next.first == GLUE {
        return (next.first == GLUE).then_some(Place::Glue);
    }
    let blank_follows = next.first.is_whitespace();
    let goes_on = is_closing(next.first) && !is_quote(next.first) || ends_sentence(next.first);
    if this.text.ends_with('\n') {
        return Some(Place::Sentence);
    }
    if ends_sentence(core) && !goes_on && (blank_follows || !is_quote(this.first)) {
        return Some(Place::Sentence);
    }
    if blank_follows && matches!(core, '.' | '!' | '?' | '…') && !(this.first == '.' && is_short(text)) {
        return Some(Place::Sentence);
    }
    if ends_clause(this.first) || blank_follows && matches!(this.first, ',' | ';' | ':' | '–' | '—') {
        return Some(Place::Clause);
    }
    let letter = |c: char| c.is_alphanumeric();
    if letter(this.first) && letter(next.first) {
        return is_apart(this.first, next.first).then_some(Place::Character);
    }
    // Of several signs in a row, all stay with what they are behind; those that open, with what they are before.
    if is_opening(this.first) || !letter(next.first) && !is_opening(next.first) {
        return Some(Place::Character);
    }
    let joins = match this.first {
        '\'' | '’' | '.' | '_' | '-' | '·' | '\u{2060}' | '\u{feff}' => {
            before.is_some_and(|before| letter(before.first))
        }
        ',' | ':' | '/' => before.is_some_and(|before| before.first.is_numeric()) && next.first.is_numeric(),
        _ => false,
    };
    Some(if joins { Place::Joint } else { Place::Sign })
}

/// Returns whether a sign always ends a sentence, also without a space behind it.
fn ends_sentence(c: char) -> bool {
    matches!(
        c,
        // Chinese and Japanese.
        '。' | '｡' | '！' | '？'
        // Devanagari and its neighbours.
        | '।' | '॥'
        // Arabic and Urdu.
        | '؟' | '۔'
        // Armenian.
        | '։'
        // Ethiopic.
        | '።' | '፧' | '፨'
        // Tibetan.
        | '།' | '༎'
        // Myanmar.
        | '။'
        // Khmer.
        | '។' | '៕'
        // Mongolian.
        | '᠃' | '᠉'
        // Several in one.
        | '‼' | '⁇' | '⁈' | '⁉'
    )
}

/// Returns whether a sign always ends a clause, also without a space behind it.
fn ends_clause(c: char) -> bool {
    matches!(c, '、' | '，' | '；' | '：' | '､' | '،' | '؛' | '՝' | '፣' | '፤' | '፥' | '፦' | '၊' | '៖' | '᠂' | '᠈')
}

/// Quotation marks that open and close.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

fn is_closing(c: char) -> bool {
    is_quote(c) || matches!(c, ')' | ']' | '}' | '”' | '’' | '»' | '›' | '」' | '』' | '）' | '】' | '》' | '〉')
}

fn is_opening(c: char) -> bool {
    matches!(
        c,
        '(' | '['
            | '{'
            | '“'
            | '‘'
            | '„'
            | '‚'
            | '«'
            | '‹'
            | '「'
            | '『'
            | '（'
            | '【'
            | '《'
            | '〈'
            | '¿'
            | '¡'
    )
}

/// Returns whether two letters may be separated. Thai and Lao vowels that are written before or behind their consonant may not.
fn is_apart(this: char, next: char) -> bool {
    !matches!(this, 'เ'..='ไ' | 'ເ'..='ໄ') && !matches!(next, 'ะ' | 'า' | 'ๅ' | 'ๆ' | 'ະ' | 'າ' | 'ໆ')
}

/// Splits a character that alone exceeds the limit. Returns at least one code point.
fn within(character: &str, limit: Limit) -> usize {
    let mut size: usize = 0;
    let fits = |(_, c): &(usize, char)| {
        size = size.saturating_add(limit.size(*c));
        size <= limit.most()
    };
    let fitting = character.char_indices().take_while(fits).map(|(at, c)| at + c.len_utf8()).last();
    fitting.or_else(|| character.chars().next().map(char::len_utf8)).unwrap_or_default()
}

/// Returns whether a full stop behind this text belongs to an abbreviation: a title, an initial, or letters with full stops.
fn is_short(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    word.chars().count() < 2 || word.contains('.') || TITLES.iter().any(|title| title.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::super::parts::{glued, parts};
    use super::super::pronounce::Pronunciations;
    use super::*;
    use crate::provider::Pronunciation;

    const LIMIT: Limit = Limit::Characters(250);

    #[test]
    fn text_without_spaces_is_split_behind_signs() {
        for (unit, ends) in [
            ("one,two,three,", &["one,", "two,", "three,"][..]),
            ("One!Two?Three.", &["One!", "Two?", "Three."]),
            ("https://a.example/b?c=d&", &["://", "example/", "?", "=", "&"]),
            ("it's,1,000.5;", &["it's,", "000.5;"]),
            ("one(two)", &["one", ")"]),
        ] {
            let text = unit.repeat(200);
            let parts = parts(&text, LIMIT);
            assert_eq!(parts.concat(), text);
            let (_, others) = parts.split_last().unwrap();
            for part in others {
                assert!(part.chars().count() > 200, "{part}");
                assert!(ends.iter().any(|end| part.ends_with(end)), "{part}");
            }
        }
    }

    #[test]
    fn text_without_spaces_keeps_pronunciations_whole() {
        let words = [Pronunciation { word: "API".into(), pronunciation: "ay pee eye".into() }];
        for (text, end) in [("API,".repeat(450), "ay pee eye,"), ("API".to_owned() + &"|API".repeat(450), "eye|")] {
            let text = Pronunciations::new(&glued(&words)).apply(&text, 10_000).unwrap();
            let parts = parts(&text, LIMIT);
            let (last, others) = parts.split_last().unwrap();
            assert!(others.iter().all(|part| part.starts_with("ay pee") && part.ends_with(end)), "{others:?}");
            assert!(last.starts_with("ay pee"));
        }
        let long = [Pronunciation { word: "X".into(), pronunciation: "one two three".into() }];
        let text = Pronunciations::new(&glued(&long)).apply("X", 100).unwrap();
        assert_eq!(parts(&text, Limit::Characters(8)), ["one two", "three"]);
    }

    #[test]
    fn text_is_never_split_within_a_grapheme() {
        for (text, within) in [
            ("สวัสดี", &['\u{e31}', '\u{e35}'][..]),
            ("เก้า", &['ก', '\u{e49}', 'า']),
            ("e\u{301}", &['\u{301}']),
            ("नमस्ते", &['\u{94d}', '\u{947}', 'त']),
            ("a\u{200d}b", &['\u{200d}']),
            ("a👩\u{200d}👧\u{fe0f}", &['\u{200d}', '👧', '\u{fe0f}']),
            ("👍🏽a", &['🏽']),
        ] {
            for most in [249, 250, 251, 252] {
                let text = text.repeat(200);
                let parts = parts(&text, Limit::Characters(most));
                assert_eq!(parts.concat(), text);
                for part in &parts {
                    assert!(!part.starts_with(within), "{most}: {part}");
                }
            }
        }
        // A letter with more marks than all that is taken.
        let marks = "e".to_owned() + &"\u{301}".repeat(20);
        assert_eq!(end(&marks, Limit::Bytes(8)), 7);
        assert_eq!(end("\u{1f389}", Limit::Bytes(2)), 4);
    }

    #[test]
    fn text_is_split_at_sentences_and_clauses_of_all_scripts() {
        for (sentence, clause) in [
            ("यह एक है।", "यह, "),
            ("यह एक है॥", "यह, "),
            ("ما هذا؟", "نعم، "),
            ("یہ ایک ہے۔", "ہاں؛ "),
            ("Սա մեկ է։", "այո՝ "),
            ("ይህ አንድ ነው።", "አዎ፣ "),
            ("ይህ ምንድን ነው፧", "አዎ፤ "),
            ("នេះគឺមួយ។", "បាទ៖ "),
            ("ဒါကတစ်ခုပါ။", "ဟုတ်ကဲ့၊ "),
            ("これは一つです。", "はい、"),
            ("「これですか？」", "はい，"),
            ("这是一个！", "是；"),
            ("What is this?!\" ", "yes, "),
        ] {
            let most = sentence.chars().count() + 6;
            let text = [sentence, "ab cd ef gh"].concat();
            assert_eq!(parts(&text, Limit::Characters(most)), [sentence.trim_end(), "ab cd ef gh"]);
            let most = clause.chars().count() + 6;
            let text = [clause, "ab cd ef gh"].concat();
            assert_eq!(parts(&text, Limit::Characters(most))[0], clause.trim_end(), "{text}");
        }
    }
}
