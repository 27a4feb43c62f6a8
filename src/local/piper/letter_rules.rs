//! Letter-to-sound rules: the probable pronunciation of a word that is not in the dictionary, in `ARPAbet`.

/// Letters and their phonemes. The first rule that matches applies. `^` is the beginning of a word, `$` its end.
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

/// The long vowels, as before one consonant and a silent `e` ("make").
const LONG_VOWELS: [(char, &str); 5] = [('a', "EY"), ('e', "IY"), ('i', "AY"), ('o', "OW"), ('u', "UW")];

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Returns the `ARPAbet` of a word of small letters, with the stress on its first vowel, or `None` if the word has no vowel.
pub(super) fn pronounce(word: &str) -> Option<String> {
    if !word.chars().any(is_vowel) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut sounds: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(rest) = word.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, sound) = silent_e(rest).or_else(|| by_rule(rest, at == 0)).unwrap_or((1, ""));
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

/// Matches `ake` at the end of a word: the vowel is long, the consonant follows the rules, and the `e` is silent.
fn silent_e(rest: &str) -> Option<(usize, &'static str)> {
    let mut chars = rest.chars();
    let (first, second, third) = (chars.next()?, chars.next(), chars.next());
    let name = LONG_VOWELS.iter().find(|(vowel, _)| *vowel == first).map(|(_, name)| *name);
    match (second, third, chars.next()) {
        (Some(second), Some('e'), None) if !is_vowel(second) && !matches!(second, 'w' | 'x' | 'r') => Some((1, name?)),
        // The `e` itself, two letters later.
        (None, None, None) if first == 'e' => Some((1, "")),
        _ => None,
    }
}

fn by_rule(rest: &str, begins: bool) -> Option<(usize, &'static str)> {
    let matches = |(letters, _): &&(&str, &str)| {
        let (letters, first) = letters.strip_prefix('^').map_or((*letters, false), |letters| (letters, true));
        let (letters, last) = letters.strip_suffix('$').map_or((letters, false), |letters| (letters, true));
        rest.starts_with(letters) && (!first || begins) && (!last || rest.len() == letters.len())
    };
    let (letters, sound) = RULES.iter().find(matches)?;
    Some((letters.trim_matches(['^', '$']).len(), sound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_rules_pronounce_unknown_words() {
        for (word, expected) in [
            ("sayna", "S EY1 N AH0"),
            ("blick", "B L IH1 K"),
            ("glake", "G L EY1 K"),
            ("phorgation", "F AO1 R G AE0 SH AH0 N"),
            ("knup", "N AH1 P"),
        ] {
            assert_eq!(pronounce(word).as_deref(), Some(expected), "{word}");
        }
        assert_eq!(pronounce("xkcd"), None);
        assert_eq!(pronounce("привет"), None);
    }
}
