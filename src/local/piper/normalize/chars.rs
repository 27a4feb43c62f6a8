//! Characters that the voice does not know: letters lose their diacritics, typographic signs become those of a keyboard, and the
//! other scripts have names.

use icu_normalizer::DecomposingNormalizer;

/// Letters without a decomposition in Unicode.
#[rustfmt::skip]
const LETTERS: &[(char, &str)] = &[
    ('ł', "l"), ('Ł', "L"), ('đ', "d"), ('Đ', "D"), ('ð', "d"), ('Ð', "D"), ('þ', "th"), ('Þ', "Th"), ('ø', "o"), ('Ø', "O"),
    ('ħ', "h"), ('Ħ', "H"), ('ı', "i"), ('ĸ', "k"), ('ŋ', "ng"), ('Ŋ', "Ng"), ('ŧ', "t"), ('Ŧ', "T"), ('ß', "ss"), ('ẞ', "SS"),
    ('æ', "ae"), ('Æ', "Ae"), ('œ', "oe"), ('Œ', "Oe"), ('ə', "a"), ('Ə', "A"), ('ɓ', "b"), ('ɗ', "d"), ('ƙ', "k"), ('ơ', "o"),
    ('ư', "u"), ('ɛ', "e"), ('ɔ', "o"), ('ʼ', "'"), ('ʻ', "'"),
];

/// Typographic signs and their equivalent on a keyboard.
#[rustfmt::skip]
const SIGNS: &[(char, &str)] = &[
    ('’', "'"), ('‘', "'"), ('`', "'"), ('´', "'"), ('“', "\""), ('”', "\""), ('„', "\""), ('«', "\""), ('»', "\""),
    ('‐', "-"), ('‑', "-"), ('‒', "-"), ('⁄', "/"), ('∕', "/"), ('…', ". "), ('。', ". "), ('，', ", "), ('、', ", "),
    ('！', "! "), ('？', "? "), ('：', ": "), ('；', "; "), ('º', "°"), ('−', "-"), ('™', ""), ('®', ""), ('©', "copyright "),
    ('№', "No. "), ('℃', "°C"), ('℉', "°F"), ('µ', "μ"), ('·', " "), ('•', " "), ('●', " "), ('▪', " "), ('→', " to "),
];

/// Ranges of code points, and the name of their script.
#[rustfmt::skip]
const SCRIPTS: &[(u32, u32, &str)] = &[
    (0x0370, 0x03ff, "greek"), (0x1f00, 0x1fff, "greek"), (0x0400, 0x052f, "cyrillic"), (0x0530, 0x058f, "armenian"),
    (0x0590, 0x05ff, "hebrew"), (0x0600, 0x077f, "arabic"), (0x08a0, 0x08ff, "arabic"), (0x0900, 0x097f, "hindi"),
    (0x0980, 0x09ff, "bengali"), (0x0b80, 0x0bff, "tamil"), (0x0c00, 0x0c7f, "telugu"), (0x0e00, 0x0e7f, "thai"),
    (0x10a0, 0x10ff, "georgian"), (0x1100, 0x11ff, "korean"), (0x3040, 0x30ff, "japanese"), (0x3400, 0x9fff, "chinese"),
    (0xac00, 0xd7ff, "korean"), (0x20000, 0x3ffff, "chinese"),
];

/// Greek letters that are read as symbols when they stand alone.
#[rustfmt::skip]
pub(super) const GREEK: &[(char, &str)] = &[
    ('α', "alpha"), ('β', "beta"), ('γ', "gamma"), ('δ', "delta"), ('Δ', "delta"), ('ε', "epsilon"), ('θ', "theta"),
    ('λ', "lambda"), ('μ', "mu"), ('π', "pi"), ('ρ', "rho"), ('σ', "sigma"), ('Σ', "sigma"), ('τ', "tau"), ('φ', "phi"),
    ('χ', "chi"), ('ψ', "psi"), ('ω', "omega"), ('Ω', "omega"),
];

/// Returns the name of a letter's script, or `None` for ASCII letters.
pub(super) fn script(letter: char) -> Option<&'static str> {
    if !letter.is_alphabetic() || letter.is_ascii() {
        return None;
    }
    let code = u32::from(letter);
    let found = SCRIPTS.iter().find(|(first, last, _)| (*first..=*last).contains(&code));
    Some(found.map_or("foreign", |(.., name)| name))
}

/// Returns a text in ASCII letters and signs as far as possible (compatibility decomposition, NFKD, without marks).
pub(super) fn plain(text: &str) -> String {
    let normalizer = DecomposingNormalizer::new_nfkd();
    let mut out = String::with_capacity(text.len());
    let mut digit_before = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
        match c {
            // A range between digits, otherwise a pause.
            '–' | '—' | '―' if digit_before && digit(chars.peek()) => out.push('-'),
            '–' | '—' | '―' => out.push_str(" - "),
            // Kept for units: `m²`.
            '²' | '³' => out.push(c),
            '½' | '¼' | '¾' | '⅓' | '⅔' | '⅛' | '⅜' | '⅝' | '⅞' if digit_before => {
                out.push(' ');
                decomposed(&normalizer, c, &mut out);
            }
            _ => match SIGNS.iter().find(|(sign, _)| *sign == c) {
                Some((_, said)) => out.push_str(said),
                None => decomposed(&normalizer, c, &mut out),
            },
        }
        digit_before = c.is_ascii_digit();
    }
    out
}

fn decomposed(normalizer: &icu_normalizer::DecomposingNormalizerBorrowed<'_>, c: char, out: &mut String) {
    if c.is_ascii() {
        return out.push(c);
    }
    let mut bytes = [0; 4];
    for part in normalizer.normalize(c.encode_utf8(&mut bytes)).chars() {
        match part {
            // Diacritics, joiners and variation selectors.
            '\u{300}'..='\u{36f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ad}'
            | '\u{feff}' => {}
            '⁄' => out.push('/'),
            _ => match LETTERS.iter().find(|(letter, _)| *letter == part) {
                Some((_, said)) => out.push_str(said),
                None => out.push(part),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chars_lose_diacritics_and_typography() {
        for (written, expected) in [
            ("Nguyễn Wałęsa Erdoğan", "Nguyen Walesa Erdogan"),
            ("Đà Nẵng, Łódź, Þór, Åse, Straße", "Da Nang, Lodz, Thor, Ase, Strasse"),
            ("cafe\u{301} naïve ﬁne", "cafe naive fine"),
            ("１２３ 5½ ½ 5–10", "123 5 1/2 1/2 5-10"),
            ("well—then…", "well - then. "),
            ("25 ℃, 5 m²", "25 °C, 5 m²"),
        ] {
            assert_eq!(plain(written), expected);
        }
        assert_eq!(
            ["я", "你", "き", "한", "λ", "a", "é", "ኢ"].map(|text| script(text.chars().next().unwrap())),
            [
                Some("cyrillic"),
                Some("chinese"),
                Some("japanese"),
                Some("korean"),
                Some("greek"),
                None,
                Some("foreign"),
                Some("foreign"),
            ]
        );
    }
}
