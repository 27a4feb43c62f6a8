//! Where sentences end: the voice computes one as a whole, and the first can be heard while the second is made.

/// Longer ones are cut at a comma or a blank.
const LONGEST: usize = 300;

/// Words before a full stop that ends no sentence, and how they are said.
#[rustfmt::skip]
pub(super) const SHORT: &[(&str, &str)] = &[
    ("mr", "mister"), ("mrs", "missus"), ("ms", "miz"), ("dr", "doctor"), ("prof", "professor"), ("st", "saint"),
    ("sr", "senior"), ("jr", "junior"), ("vs", "versus"), ("etc", "et cetera"), ("approx", "approximately"),
    ("e.g", "for example"), ("i.e", "that is"), ("dept", "department"),
];

/// The sentences of a text, each with the mark at its end.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let blank_follows =
            chars.peek().is_none_or(|(_, next)| next.is_whitespace() || matches!(*next, '"' | '”' | ')'));
        let sentence = text.get(begin..end).unwrap_or_default();
        let ends = match c {
            '\n' | '!' | '?' | '…' => true,
            '.' => !is_short(sentence),
            ',' | ';' | ':' => sentence.len() > LONGEST / 2,
            ' ' => sentence.len() > LONGEST,
            _ => false,
        };
        if ends && (blank_follows || c.is_whitespace()) {
            found.push(sentence);
            begin = end;
        }
    }
    found.push(text.get(begin..).unwrap_or_default());
    found.into_iter().map(str::trim).filter(|sentence| sentence.chars().any(char::is_alphanumeric)).collect()
}

/// Whether what ends in this full stop is an abbreviation or somebody's initial.
fn is_short(sentence: &str) -> bool {
    let word = sentence.trim_end_matches('.').rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = word.to_ascii_lowercase();
    let initial = word.len() == 1 && word != "I" && word.starts_with(char::is_uppercase);
    initial || SHORT.iter().any(|(short, _)| *short == lower && lower != "etc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_people_end_them() {
        let text = "Dr. J. Smith paid $3.50. Did he? Yes!\nNew line";
        assert_eq!(sentences(text), ["Dr. J. Smith paid $3.50.", "Did he?", "Yes!", "New line"]);
        assert!(sentences("... !? \n").is_empty());
        let long = "word ".repeat(400);
        assert!(sentences(&long).iter().all(|sentence| sentence.len() <= LONGEST + 5));
        assert_eq!(sentences(&long).join(" "), long.trim());
    }
}
