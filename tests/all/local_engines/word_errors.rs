//! Word errors of a recognised text.

pub(super) fn words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    text.split_whitespace().map(letters).filter(|word| !word.is_empty()).collect()
}

/// Returns the number of words to substitute, delete or insert (the Levenshtein distance of words).
pub(super) fn word_errors(said: &str, heard: &str) -> usize {
    let (said, heard) = (words(said), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let here = row[j + 1];
            row[j + 1] = (before + usize::from(word != other)).min(here + 1).min(row[j] + 1);
            before = here;
        }
    }
    row[heard.len()]
}

/// Returns the word errors per spoken word.
pub(super) fn word_error_rate(said: &str, heard: &str) -> f64 {
    rate(word_errors(said, heard), words(said).len())
}

pub(super) fn rate(errors: usize, words: usize) -> f64 {
    f64::from(u32::try_from(errors).unwrap()) / f64::from(u32::try_from(words).unwrap())
}

#[test]
fn word_errors_are_counted() {
    assert!(word_error_rate("a b c d", "A, b c d.").abs() < 1e-9);
    assert!((word_error_rate("a b c d", "a x c") - 0.5).abs() < 1e-9);
}
