//! Tests of text normalisation: cases of our own, and a public test set.

use super::{Token, sentences};

/// Cases of NVIDIA's `NeMo` text processing (Apache-2.0): class, written and spoken form, separated by `~`. They are all lines with
/// one answer of `test_cases_*.txt` in `tests/nemo_text_processing/en/data_text_normalization` of its repository.
const NEMO: &str = include_str!("nemo-en.txt");

fn normalized(text: &str) -> String {
    let shown = |token: Token| match token {
        Token::Word(word) | Token::Name(word) => format!(" {word}"),
        Token::Capitals(letters) | Token::Letters(letters) => format!(" {}", letters.to_uppercase()),
        Token::Foreign(script) => format!(" [{script}]"),
        Token::Mark(mark) => mark.to_string(),
    };
    sentences(text).into_iter().flatten().map(shown).collect::<String>().trim().to_owned()
}

#[test]
fn normalize_reads_our_own_cases() {
    let mut wrong = Vec::new();
    for line in include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let (written, expected) = line.split_once(" => ").unwrap();
        let written = written.replace("\\n", "\n");
        let said = normalized(&written);
        if said != expected {
            wrong.push(format!("{written} => {said}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(normalized("99999999999999999999"), ["nine"; 20].join(" "));
}

/// Returns the letters and digits alone. Word boundaries and `and` are a matter of style.
fn compared(text: &str) -> String {
    let words = text.to_lowercase();
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && *word != "and");
    words.map(|word| if word == "missus" { "misses" } else { word }).collect()
}

#[test]
fn normalize_reads_444_of_507_nemo_cases() {
    let (mut right, mut all) = (0, 0);
    let mut wrong = Vec::new();
    for line in NEMO.lines().filter(|line| !line.starts_with("# ")) {
        let (class, rest) = line.split_once('~').unwrap();
        let (written, expected) = rest.split_once('~').unwrap();
        all += 1;
        let said = normalized(written);
        if compared(&said) == compared(expected) {
            right += 1;
        } else {
            wrong.push(format!("{class}: {written} => {said}, not {expected}"));
        }
    }
    assert_eq!(
        (right, all),
        (444, 507),
        "docs/use/local-engines.md has the figure. Cases that differ:\n{}",
        wrong.join("\n")
    );
}

/// Text of no class is passed once, and not again from each of its positions. Nothing recurses.
#[test]
fn normalize_of_long_and_hostile_texts_is_fast() {
    for part in
        ["1,", "80s-", "1 ", "a.", "a-", "(1)", "1.", "$1-", "1/2 ", "я ", "a@", "1-800-A-", "'", "9", "I", "-\n"]
    {
        sentences(&part.repeat(4_000));
        sentences(&format!("{}x", part.repeat(4_000)));
    }
}

proptest::proptest! {
    #[test]
    fn normalize_takes_any_text(text in "\\PC{0,60}") {
        sentences(&text);
    }

    #[test]
    fn normalize_takes_any_number(text in "[0-9,./:$%€ x+()-]{0,24}") {
        sentences(&text);
    }
}
