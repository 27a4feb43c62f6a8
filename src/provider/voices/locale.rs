//! Names for the parts of a language tag (BCP 47), as the vendors use them.

/// What people call the language: `English` for `en-US`; the code itself where it is not in the table.
pub(super) fn language(tag: &str) -> String {
    let code = tag.split('-').next().unwrap_or_default();
    named(LANGUAGES, code).unwrap_or(if tag.is_empty() { "Unknown" } else { tag }).to_owned()
}

/// How people call the way it is spoken in a region: `British` for `en-GB`; the region itself where it is not in the table, and
/// `Standard` by default.
pub(super) fn accent(tag: &str) -> String {
    let mut parts = tag.split('-').skip(1);
    // A script stands before the region, as in `sr-Latn-RS`.
    let region = parts.next().and_then(|part| if part.len() == 4 { parts.next().or(Some(part)) } else { Some(part) });
    match region.map(str::to_uppercase) {
        Some(region) => named(ACCENTS, &region).map_or(region, str::to_owned),
        None if tag.is_empty() => "Unknown".to_owned(),
        None => "Standard".to_owned(),
    }
}

fn named(table: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// ISO 639 codes, and the two old ones that are still in use.
#[rustfmt::skip]
const LANGUAGES: &[(&str, &str)] = &[
    ("af", "Afrikaans"), ("am", "Amharic"), ("ar", "Arabic"), ("as", "Assamese"), ("az", "Azerbaijani"), ("bg", "Bulgarian"),
    ("bn", "Bengali"), ("bs", "Bosnian"), ("ca", "Catalan"), ("cmn", "Chinese"), ("cs", "Czech"), ("cy", "Welsh"),
    ("da", "Danish"), ("de", "German"), ("el", "Greek"), ("en", "English"), ("es", "Spanish"), ("et", "Estonian"),
    ("eu", "Basque"), ("fa", "Persian"), ("fi", "Finnish"), ("fil", "Filipino"), ("fr", "French"), ("ga", "Irish"),
    ("gl", "Galician"), ("gu", "Gujarati"), ("he", "Hebrew"), ("hi", "Hindi"), ("hr", "Croatian"), ("hu", "Hungarian"),
    ("hy", "Armenian"), ("id", "Indonesian"), ("is", "Icelandic"), ("it", "Italian"), ("iu", "Inuktitut"), ("iw", "Hebrew"),
    ("ja", "Japanese"), ("jv", "Javanese"), ("ka", "Georgian"), ("kk", "Kazakh"), ("km", "Khmer"), ("kn", "Kannada"),
    ("ko", "Korean"), ("lo", "Lao"), ("lt", "Lithuanian"), ("lv", "Latvian"), ("mk", "Macedonian"), ("ml", "Malayalam"),
    ("mn", "Mongolian"), ("mr", "Marathi"), ("ms", "Malay"), ("mt", "Maltese"), ("my", "Burmese"), ("nb", "Norwegian Bokmål"),
    ("ne", "Nepali"), ("nl", "Dutch"), ("or", "Odia"), ("pa", "Punjabi"), ("pl", "Polish"), ("ps", "Pashto"),
    ("pt", "Portuguese"), ("ro", "Romanian"), ("ru", "Russian"), ("si", "Sinhala"), ("sk", "Slovak"), ("sl", "Slovenian"),
    ("so", "Somali"), ("sq", "Albanian"), ("sr", "Serbian"), ("su", "Sundanese"), ("sv", "Swedish"), ("sw", "Swahili"),
    ("ta", "Tamil"), ("te", "Telugu"), ("th", "Thai"), ("tr", "Turkish"), ("uk", "Ukrainian"), ("ur", "Urdu"),
    ("uz", "Uzbek"), ("vi", "Vietnamese"), ("wuu", "Wu Chinese"), ("yue", "Cantonese"), ("zh", "Chinese"), ("zu", "Zulu"),
];

/// ISO 3166 regions.
#[rustfmt::skip]
const ACCENTS: &[(&str, &str)] = &[
    ("AR", "Argentinian"), ("AT", "Austrian"), ("AU", "Australian"), ("BE", "Belgian"), ("BR", "Brazilian"),
    ("CA", "Canadian"), ("CH", "Swiss"), ("CL", "Chilean"), ("CN", "Mainland China"), ("CO", "Colombian"), ("DE", "German"),
    ("DK", "Danish"), ("EG", "Egyptian"), ("ES", "Spain"), ("FI", "Finnish"), ("FR", "French"), ("GB", "British"),
    ("HK", "Hong Kong"), ("ID", "Indonesian"), ("IE", "Irish"), ("IL", "Israeli"), ("IN", "Indian"), ("IT", "Italian"),
    ("JP", "Japanese"), ("KR", "Korean"), ("MX", "Mexican"), ("MY", "Malaysian"), ("NL", "Dutch"), ("NO", "Norwegian"),
    ("NZ", "New Zealand"), ("PE", "Peruvian"), ("PH", "Filipino"), ("PL", "Polish"), ("PT", "Portuguese"), ("RU", "Russian"),
    ("SA", "Saudi"), ("SE", "Swedish"), ("TH", "Thai"), ("TR", "Turkish"), ("TW", "Taiwanese"), ("UA", "Ukrainian"),
    ("US", "American"), ("VE", "Venezuelan"), ("VN", "Vietnamese"), ("ZA", "South African"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_named() {
        for (tag, expected, spoken) in [
            ("en-US", "English", "American"),
            ("es-ES", "Spanish", "Spain"),
            ("sr-Latn-RS", "Serbian", "RS"),
            ("zh-CN-liaoning", "Chinese", "Mainland China"),
            ("tlh-KX", "tlh-KX", "KX"),
            ("de", "German", "Standard"),
            ("", "Unknown", "Unknown"),
        ] {
            assert_eq!((language(tag).as_str(), accent(tag).as_str()), (expected, spoken), "{tag}");
        }
    }
}
