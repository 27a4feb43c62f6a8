//! How a word that no dictionary has is probably pronounced: by the rules of English spelling, in the dictionary's own
//! symbols.

/// Letters and their sounds; the first that fits counts. `^` stands for the beginning of a word, `$` for its end.
#[rustfmt::skip]
const RULES: &[(&str, &str)] = &[
    ("^kn", "N"), ("^wr", "R"), ("^ps", "S"), ("^x", "Z"), ("^rh", "R"), ("^gn", "N"), ("^mc", "M AH K"),
    ("tion", "SH AH N"), ("sion", "ZH AH N"), ("cious", "SH AH S"), ("tious", "SH AH S"), ("ture", "CH ER"),
    ("ough", "OW"), ("augh", "AO"), ("eigh", "EY"), ("igh", "AY"), ("tch", "CH"), ("sch", "SH"), ("dge", "JH"),
    ("ch", "CH"), ("sh", "SH"), ("ph", "F"), ("th", "TH"), ("wh", "W"), ("ck", "K"), ("gh", "G"), ("qu", "K W"),
    ("ng$", "NG"), ("nk", "NG K"), ("mb$", "M"), ("le$", "AH L"), ("ism$", "IH Z AH M"), ("bb", "B"), ("cc", "K"),
    ("dd", "D"), ("ff", "F"), ("gg", "G"), ("kk", "K"), ("ll", "L"), ("mm", "M"), ("nn", "N"), ("pp", "P"), ("rr", "R"),
    ("ss", "S"), ("tt", "T"), ("vv", "V"), ("zz", "Z"), ("eau", "OW"), ("ear", "IH R"), ("eer", "IH R"),
    ("air", "EH R"), ("are$", "EH R"), ("ire$", "AY ER"), ("ore", "AO R"), ("oor", "AO R"), ("our", "AW ER"),
    ("ure$", "Y UH R"), ("ee", "IY"), ("ea", "IY"), ("oo", "UW"), ("ou", "AW"), ("ow$", "OW"), ("ow", "AW"),
    ("oa", "OW"), ("oi", "OY"), ("oy", "OY"), ("ai", "EY"), ("ay", "EY"), ("au", "AO"), ("aw", "AO"), ("ei", "AY"),
    ("ey$", "IY"), ("ie$", "IY"), ("ie", "IY"), ("ue$", "UW"), ("ew", "UW"), ("eu", "UW"), ("ia", "IY AH"),
    ("io", "IY OW"), ("er", "ER"), ("ir", "ER"), ("ur", "ER"), ("ar", "AA R"), ("or", "AO R"), ("yr", "IH R"),
    ("ce", "S EH"), ("ci", "S IH"), ("cy", "S IY"), ("ge", "JH EH"), ("gi", "JH IH"), ("gy", "JH IY"), ("^y", "Y"),
    ("y$", "IY"), ("y", "IH"), ("a$", "AH"), ("o$", "OW"), ("i$", "IY"), ("u$", "UW"), ("s$", "Z"), ("x", "K S"),
    ("c", "K"), ("j", "JH"), ("q", "K"), ("a", "AE"), ("e", "EH"), ("i", "IH"), ("o", "AA"), ("u", "AH"), ("b", "B"),
    ("d", "D"), ("f", "F"), ("g", "G"), ("h", "HH"), ("k", "K"), ("l", "L"), ("m", "M"), ("n", "N"), ("p", "P"),
    ("r", "R"), ("s", "S"), ("t", "T"), ("v", "V"), ("w", "W"), ("z", "Z"),
];

/// A vowel, one consonant and a silent `e` at the end: the vowel says its name.
const NAMES: [(char, &str); 5] = [('a', "EY"), ('e', "IY"), ('i', "AY"), ('o', "OW"), ('u', "UW")];

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// The sounds of a word of small letters, the stress on its first vowel; none where nobody could say it as a word.
pub(super) fn sounds(word: &str) -> Option<String> {
    if !word.chars().any(is_vowel) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut sounds: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(rest) = word.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, sound) = magic(rest).or_else(|| by_rule(rest, at == 0)).unwrap_or((1, ""));
        sounds.extend(sound.split_whitespace());
        at += length;
    }
    let mut stress = "1";
    let marked = sounds.into_iter().map(|sound| {
        let vowel = sound.starts_with(['A', 'E', 'I', 'O', 'U']);
        let mark = if vowel { std::mem::replace(&mut stress, "0") } else { "" };
        format!("{sound}{mark}")
    });
    Some(marked.collect::<Vec<_>>().join(" "))
}

/// `ake` at the end of a word: its vowel, and then the consonant by the rules; the `e` is silent.
fn magic(rest: &str) -> Option<(usize, &'static str)> {
    let mut chars = rest.chars();
    let (first, second, third) = (chars.next()?, chars.next(), chars.next());
    let name = NAMES.iter().find(|(vowel, _)| *vowel == first).map(|(_, name)| *name);
    match (second, third, chars.next()) {
        (Some(second), Some('e'), None) if !is_vowel(second) && !matches!(second, 'w' | 'x' | 'r') => Some((1, name?)),
        // What is left of it two letters later; `e` alone is a word's only vowel elsewhere.
        (None, None, None) if first == 'e' => Some((1, "")),
        _ => None,
    }
}

fn by_rule(rest: &str, begins: bool) -> Option<(usize, &'static str)> {
    let fits = |(letters, _): &&(&str, &str)| {
        let (letters, first) = letters.strip_prefix('^').map_or((*letters, false), |letters| (letters, true));
        let (letters, last) = letters.strip_suffix('$').map_or((letters, false), |letters| (letters, true));
        rest.starts_with(letters) && (!first || begins) && (!last || rest.len() == letters.len())
    };
    let (letters, sound) = RULES.iter().find(fits)?;
    Some((letters.trim_matches(['^', '$']).len(), sound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_said_as_they_are_spelt() {
        for (word, expected) in [
            ("sayna", "S EY1 N AH0"),
            ("blick", "B L IH1 K"),
            ("glake", "G L EY1 K"),
            ("phorgation", "F AO1 R G AE0 SH AH0 N"),
            ("knup", "N AH1 P"),
        ] {
            assert_eq!(sounds(word).as_deref(), Some(expected), "{word}");
        }
        assert_eq!(sounds("xkcd"), None);
        assert_eq!(sounds("привет"), None);
    }
}
