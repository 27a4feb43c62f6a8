//! What is said for what is written: cases of our own, and a public set of that job.

use super::{Token, sentences};

/// Cases of NVIDIA's `NeMo` text processing, Apache-2.0: the class, what is written and what is said, between `~`. From
/// `tests/nemo_text_processing/en/data_text_normalization` of its repository, all of `test_cases_*.txt` with one answer each.
const NEMO: &str = include_str!("nemo-en.txt");

fn said(text: &str) -> String {
    let shown = |token: Token| match token {
        Token::Word(word) | Token::Name(word) => format!(" {word}"),
        Token::Capitals(letters) | Token::Letters(letters) => format!(" {}", letters.to_uppercase()),
        Token::Foreign(script) => format!(" [{script}]"),
        Token::Mark(mark) => mark.to_string(),
    };
    sentences(text).into_iter().flatten().map(shown).collect::<String>().trim().to_owned()
}

#[test]
fn what_is_written_is_said_in_words() {
    let mut wrong = Vec::new();
    for line in include_str!("cases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let (written, expected) = line.split_once(" => ").unwrap();
        let written = written.replace("\\n", "\n");
        let said = said(&written);
        if said != expected {
            wrong.push(format!("{written} => {said}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(said("99999999999999999999"), ["nine"; 20].join(" "));
}

/// Letters and digits alone: how words are parted, and whether `and` is said, is a matter of style.
fn compared(text: &str) -> String {
    let words = text.to_lowercase();
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && *word != "and");
    words.map(|word| if word == "missus" { "misses" } else { word }).collect()
}

#[test]
fn a_public_set_of_cases_is_read_as_it_says() {
    let (mut right, mut all) = (0, 0);
    let mut wrong = Vec::new();
    for line in NEMO.lines().filter(|line| !line.starts_with("# ")) {
        let (class, rest) = line.split_once('~').unwrap();
        let (written, expected) = rest.split_once('~').unwrap();
        all += 1;
        let said = said(written);
        if compared(&said) == compared(expected) {
            right += 1;
        } else {
            wrong.push(format!("{class}: {written} => {said}, not {expected}"));
        }
    }
    assert_eq!(
        (right, all),
        (444, 507),
        "docs/use/local-engines.md has the figure; what is read otherwise:\n{}",
        wrong.join("\n")
    );
}

/// What fits no class is passed over once, not looked at again from each of its places; nothing calls itself.
#[test]
fn long_and_hostile_texts_are_read() {
    for part in
        ["1,", "80s-", "1 ", "a.", "a-", "(1)", "1.", "$1-", "1/2 ", "я ", "a@", "1-800-A-", "'", "9", "I", "-\n"]
    {
        sentences(&part.repeat(4_000));
        sentences(&format!("{}x", part.repeat(4_000)));
    }
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_read(text in "\\PC{0,60}") {
        sentences(&text);
    }

    #[test]
    fn any_number_can_be_read(text in "[0-9,./:$%€ x+()-]{0,24}") {
        sentences(&text);
    }
}
