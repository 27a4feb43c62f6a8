//! Lookup tables of the classes: currencies, units, months, abbreviations, signs.

/// A currency: its unit in singular and plural, its subunit in singular and plural.
pub(super) type Money = (&'static str, &'static str, &'static str, &'static str);

const DOLLAR: Money = ("dollar", "dollars", "cent", "cents");
const EURO: Money = ("euro", "euros", "cent", "cents");
const POUND: Money = ("pound", "pounds", "penny", "pence");
const YEN: Money = ("yen", "yen", "sen", "sen");
const FRANC: Money = ("swiss franc", "swiss francs", "centime", "centimes");
const YUAN: Money = ("yuan", "yuan", "fen", "fen");
const RUPEE: Money = ("rupee", "rupees", "paisa", "paise");

/// Currency signs, before or behind an amount.
#[rustfmt::skip]
pub(super) const CURRENCIES: &[(&str, Money)] = &[
    ("US$", ("us dollar", "us dollars", "cent", "cents")), ("C$", ("canadian dollar", "canadian dollars", "cent", "cents")),
    ("A$", ("australian dollar", "australian dollars", "cent", "cents")), ("$", DOLLAR), ("€", EURO), ("£", POUND), ("¥", YEN),
    ("₩", ("won", "won", "jeon", "jeon")), ("₹", RUPEE), ("₽", ("ruble", "rubles", "kopeck", "kopecks")),
    ("₺", ("lira", "lira", "kurush", "kurush")), ("₿", ("bitcoin", "bitcoins", "satoshi", "satoshis")),
    ("₴", ("hryvnia", "hryvnias", "kopeck", "kopecks")), ("zł", ("zloty", "zlotys", "grosz", "groszy")),
    ("USD", ("us dollar", "us dollars", "cent", "cents")), ("EUR", EURO), ("GBP", POUND), ("JPY", YEN), ("CHF", FRANC),
    ("CNY", YUAN), ("INR", RUPEE), ("CAD", ("canadian dollar", "canadian dollars", "cent", "cents")),
    ("AUD", ("australian dollar", "australian dollars", "cent", "cents")), ("¢", ("cent", "cents", "", "")),
];

/// Multiples behind a number.
#[rustfmt::skip]
pub(super) const MULTIPLES: &[(&str, &str)] = &[
    ("thousand", "thousand"), ("million", "million"), ("billion", "billion"), ("trillion", "trillion"), ("hundred", "hundred"),
    ("mn", "million"), ("bn", "billion"), ("tn", "trillion"),
];
/// Multiples of one letter, which count only in amounts of money or directly behind the number.
#[rustfmt::skip]
pub(super) const LETTERS: &[(&str, &str)] = &[
    ("k", "thousand"), ("K", "thousand"), ("m", "million"), ("M", "million"), ("MM", "million"), ("mm", "million"),
    ("b", "billion"), ("B", "billion"), ("t", "trillion"), ("T", "trillion"),
];

/// Periods behind a slash: `$10/mo`.
#[rustfmt::skip]
pub(super) const PERIODS: &[(&str, &str)] = &[
    ("mo", "month"), ("yr", "year"), ("y", "year"), ("hr", "hour"), ("h", "hour"), ("wk", "week"), ("d", "day"),
    ("day", "day"), ("min", "minute"), ("s", "second"), ("sec", "second"), ("kg", "kilogram"), ("lb", "pound"),
    ("mi", "mile"), ("km", "kilometer"), ("sq", "square"), ("ea", "each"), ("L", "liter"), ("l", "liter"), ("m", "meter"),
];

/// A unit: singular, plural, and whether it counts only directly behind the number.
pub(super) type Unit = (&'static str, &'static str, bool);

#[rustfmt::skip]
pub(super) const UNITS: &[(&str, Unit)] = &[
    ("kg", ("kilogram", "kilograms", false)), ("KG", ("kilogram", "kilograms", false)), ("Kg", ("kilogram", "kilograms", false)),
    ("g", ("gram", "grams", false)), ("mg", ("milligram", "milligrams", false)), ("μg", ("microgram", "micrograms", false)),
    ("lb", ("pound", "pounds", false)), ("lbs", ("pound", "pounds", false)), ("oz", ("ounce", "ounces", false)),
    ("t", ("ton", "tons", true)), ("km", ("kilometer", "kilometers", false)), ("m", ("meter", "meters", false)),
    ("cm", ("centimeter", "centimeters", false)), ("mm", ("millimeter", "millimeters", false)),
    ("μm", ("micrometer", "micrometers", false)), ("nm", ("nanometer", "nanometers", false)),
    ("mi", ("mile", "miles", false)), ("ft", ("foot", "feet", false)), ("in", ("inch", "inches", true)),
    ("yd", ("yard", "yards", false)), ("mph", ("mile per hour", "miles per hour", false)),
    ("kph", ("kilometer per hour", "kilometers per hour", false)), ("kmh", ("kilometer per hour", "kilometers per hour", false)),
    ("km/h", ("kilometer per hour", "kilometers per hour", false)), ("m/s", ("meter per second", "meters per second", false)),
    ("ml", ("milliliter", "milliliters", false)), ("mL", ("milliliter", "milliliters", false)),
    ("cl", ("centiliter", "centiliters", false)), ("l", ("liter", "liters", false)), ("L", ("liter", "liters", false)),
    ("gal", ("gallon", "gallons", false)), ("pt", ("pint", "pints", false)), ("tbsp", ("tablespoon", "tablespoons", false)),
    ("tsp", ("teaspoon", "teaspoons", false)), ("ha", ("hectare", "hectares", true)),
    ("sq ft", ("square foot", "square feet", false)), ("sq m", ("square meter", "square meters", false)),
    ("s", ("second", "seconds", true)), ("sec", ("second", "seconds", false)), ("secs", ("second", "seconds", false)),
    ("ms", ("millisecond", "milliseconds", false)), ("min", ("minute", "minutes", false)), ("mins", ("minute", "minutes", false)),
    ("h", ("hour", "hours", false)), ("hr", ("hour", "hours", false)), ("hrs", ("hour", "hours", false)),
    ("yr", ("year", "years", false)), ("yrs", ("year", "years", false)),
    ("kB", ("kilobyte", "kilobytes", false)), ("KB", ("kilobyte", "kilobytes", false)),
    ("MB", ("megabyte", "megabytes", false)), ("GB", ("gigabyte", "gigabytes", false)), ("TB", ("terabyte", "terabytes", false)),
    ("kbps", ("kilobit per second", "kilobits per second", false)), ("mbps", ("megabit per second", "megabits per second", false)),
    ("Mbps", ("megabit per second", "megabits per second", false)), ("Gbps", ("gigabit per second", "gigabits per second", false)),
    ("Hz", ("hertz", "hertz", false)), ("kHz", ("kilohertz", "kilohertz", false)), ("MHz", ("megahertz", "megahertz", false)),
    ("GHz", ("gigahertz", "gigahertz", false)), ("W", ("watt", "watts", false)), ("kW", ("kilowatt", "kilowatts", false)),
    ("MW", ("megawatt", "megawatts", false)), ("kWh", ("kilowatt hour", "kilowatt hours", false)),
    ("V", ("volt", "volts", false)), ("A", ("amp", "amps", true)), ("mA", ("milliamp", "milliamps", false)),
    ("mAh", ("milliamp hour", "milliamp hours", false)), ("J", ("joule", "joules", false)), ("N", ("newton", "newtons", true)),
    ("kcal", ("kilocalorie", "kilocalories", false)), ("cal", ("calorie", "calories", false)), ("Pa", ("pascal", "pascals", false)),
    ("dB", ("decibel", "decibels", false)), ("psi", ("psi", "psi", false)), ("px", ("pixel", "pixels", false)),
    ("%", ("percent", "percent", false)), ("°C", ("degree celsius", "degrees celsius", false)),
    ("°F", ("degree fahrenheit", "degrees fahrenheit", false)), ("°", ("degree", "degrees", false)),
    ("°K", ("degree kelvin", "degrees kelvin", false)), ("‰", ("per mille", "per mille", false)),
];

#[rustfmt::skip]
pub(super) const MONTHS: &[(&str, u128)] = &[
    ("january", 1), ("february", 2), ("march", 3), ("april", 4), ("may", 5), ("june", 6), ("july", 7), ("august", 8),
    ("september", 9), ("october", 10), ("november", 11), ("december", 12), ("jan", 1), ("feb", 2), ("mar", 3), ("apr", 4),
    ("jun", 6), ("jul", 7), ("aug", 8), ("sep", 9), ("sept", 9), ("oct", 10), ("nov", 11), ("dec", 12),
];

#[rustfmt::skip]
pub(super) const MERIDIEMS: &[(&str, &str)] = &[
    ("a.m.", "am"), ("p.m.", "pm"), ("a.m", "am"), ("p.m", "pm"), ("am", "am"), ("pm", "pm"), ("a. m.", "am"), ("p. m.", "pm"),
];
#[rustfmt::skip]
pub(super) const TIME_ZONES: &[(&str, &str)] = &[
    ("est", "est"), ("edt", "edt"), ("cst", "cst"), ("cdt", "cdt"), ("mst", "mst"), ("mdt", "mdt"), ("pst", "pst"), ("pdt", "pdt"),
    ("gmt", "gmt"), ("utc", "utc"), ("cet", "cet"), ("cest", "cest"), ("bst", "bst"), ("e.s.t", "est"), ("p.s.t", "pst"), ("et", "et"),
];

/// Where an abbreviation may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Before a name, with or without its full stop.
    Title,
    /// Before a number.
    Number,
    /// Behind a name that begins with a capital.
    Name,
    /// Anywhere, with its full stop.
    Any,
}

/// Abbreviations with a full stop.
#[rustfmt::skip]
pub(super) const ABBREVIATIONS: &[(&str, (&str, Position))] = &[
    ("mr", ("mister", Position::Title)), ("mrs", ("missus", Position::Title)), ("ms", ("miz", Position::Title)),
    ("dr", ("doctor", Position::Title)), ("prof", ("professor", Position::Title)), ("gen", ("general", Position::Title)),
    ("col", ("colonel", Position::Title)), ("capt", ("captain", Position::Title)), ("lt", ("lieutenant", Position::Title)),
    ("sgt", ("sergeant", Position::Title)), ("rev", ("reverend", Position::Title)), ("hon", ("honorable", Position::Title)),
    ("pres", ("president", Position::Title)), ("gov", ("governor", Position::Title)), ("sen", ("senator", Position::Title)),
    ("rep", ("representative", Position::Title)), ("st", ("saint", Position::Title)), ("mt", ("mount", Position::Title)),
    ("ft", ("fort", Position::Title)), ("no", ("number", Position::Number)), ("nos", ("numbers", Position::Number)),
    ("p", ("page", Position::Number)), ("pp", ("pages", Position::Number)), ("vol", ("volume", Position::Number)),
    ("fig", ("figure", Position::Number)), ("ch", ("chapter", Position::Number)), ("sec", ("section", Position::Number)),
    ("ext", ("extension", Position::Number)), ("art", ("article", Position::Number)), ("ca", ("circa", Position::Number)),
    ("ave", ("avenue", Position::Name)), ("blvd", ("boulevard", Position::Name)), ("rd", ("road", Position::Name)),
    ("ln", ("lane", Position::Name)), ("hwy", ("highway", Position::Name)), ("expy", ("expressway", Position::Name)),
    ("ct", ("court", Position::Name)), ("sq", ("square", Position::Name)), ("pkwy", ("parkway", Position::Name)),
    ("jr", ("junior", Position::Any)), ("sr", ("senior", Position::Any)), ("vs", ("versus", Position::Any)),
    ("etc", ("et cetera", Position::Any)), ("approx", ("approximately", Position::Any)), ("dept", ("department", Position::Any)),
    ("inc", ("incorporated", Position::Any)), ("ltd", ("limited", Position::Any)), ("corp", ("corporation", Position::Any)),
    ("co", ("company", Position::Name)), ("bros", ("brothers", Position::Any)), ("incl", ("including", Position::Any)), ("excl", ("excluding", Position::Any)), ("est", ("established", Position::Any)),
    ("avg", ("average", Position::Any)), ("govt", ("government", Position::Any)),
    ("appt", ("appointment", Position::Any)), ("apt", ("apartment", Position::Any)), ("tel", ("telephone", Position::Any)),
    ("e.g", ("for example", Position::Any)), ("i.e", ("that is", Position::Any)), ("a.k.a", ("also known as", Position::Any)),
    ("mon", ("monday", Position::Any)), ("tue", ("tuesday", Position::Any)), ("tues", ("tuesday", Position::Any)),
    ("wed", ("wednesday", Position::Any)), ("thu", ("thursday", Position::Any)), ("thurs", ("thursday", Position::Any)),
    ("fri", ("friday", Position::Any)),
];

/// Academic degrees and similar abbreviations, which are spelt, with and without full stops.
#[rustfmt::skip]
pub(super) const DEGREES: &[(&str, &str)] = &[
    ("Ph.D.", "phd"), ("Ph.D", "phd"), ("PhD", "phd"), ("Ph. D.", "phd"), ("M.Sc.", "msc"), ("B.Sc.", "bsc"), ("M.Ed.", "med"),
    ("Ed.D.", "edd"), ("LL.B.", "llb"), ("LL.M.", "llm"), ("Psy.D.", "psyd"), ("D.Phil.", "dphil"),
];

/// Phrases with a slash.
#[rustfmt::skip]
pub(super) const PHRASES: &[(&str, &str)] = &[
    ("and/or", "and or"), ("w/o", "without"), ("etc", "et cetera"), ("tv", "t v"), ("24/7", "twenty four seven"), ("9/11", "nine eleven"), ("50/50", "fifty fifty"),
    ("401(k)", "four oh one k"), ("403(b)", "four oh three b"), ("c/o", "care of"), ("n/a", "not applicable"),
    ("COVID-19", "covid nineteen"), ("covid-19", "covid nineteen"), ("Covid-19", "covid nineteen"), ("4K", "four k"),
    ("7-eleven", "seven eleven"), ("km/h", "kilometers per hour"), ("C++", "c plus plus"), ("C#", "c sharp"),
];

/// Words that begin a new sentence behind an abbreviation.
#[rustfmt::skip]
pub(super) const SENTENCE_STARTERS: &[&str] = &[
    "The", "A", "An", "It", "He", "She", "We", "They", "You", "I", "This", "That", "These", "Those", "There", "Here", "But", "And",
    "So", "If", "In", "On", "At", "When", "Then", "What", "Where", "Who", "Why", "How", "Do", "Does", "Did", "Is", "Are", "Was",
    "Were", "Will", "Would", "Can", "Could", "Should", "My", "Your", "His", "Her", "Our", "Their", "Its", "Please", "No", "Yes",
    "After", "Before", "For", "From", "However", "Let", "Not", "Now", "Once", "One", "Some", "Since", "With", "As", "By", "To",
];

/// Last words of street names.
#[rustfmt::skip]
pub(super) const STREET_SUFFIXES: &[&str] = &[
    "street", "st", "avenue", "ave", "road", "rd", "lane", "ln", "drive", "dr", "boulevard", "blvd", "court", "ct", "way",
    "highway", "hwy", "parkway", "pkwy", "place", "square", "expressway", "expy", "terrace",
];

/// Words before a number that is read digit by digit.
#[rustfmt::skip]
pub(super) const CODE_CONTEXTS: &[&str] = &["pin", "code", "otp", "zip", "dial", "extension", "ext", "call", "pnr", "passcode", "ending"];

/// Words before a Roman numeral that counts.
#[rustfmt::skip]
pub(super) const ROMAN_CONTEXTS: &[&str] = &[
    "chapter", "part", "section", "act", "scene", "volume", "book", "war", "phase", "type", "level", "bowl", "article", "title",
    "class", "grade", "stage", "tier", "appendix", "figure", "table", "episode", "rocky", "mark",
];
/// Names before a Roman numeral that is an ordinal.
#[rustfmt::skip]
pub(super) const REGNAL_NAMES: &[&str] = &[
    "henry", "louis", "elizabeth", "george", "john", "paul", "charles", "james", "edward", "richard", "william", "benedict",
    "philip", "francis", "frederick", "nicholas", "alexander", "catherine", "napoleon", "pius", "leo", "gregory", "innocent",
    "peter", "sam", "robert", "mary", "ferdinand", "carl", "gustav", "rama", "otto",
];

/// Signs that are spoken.
#[rustfmt::skip]
pub(super) const SIGNS: &[(char, &str)] = &[
    ('&', "and"), ('+', "plus"), ('=', "equals"), ('@', "at"), ('%', "percent"), ('°', "degrees"), ('<', "less than"),
    ('>', "greater than"), ('×', "times"), ('÷', "divided by"), ('±', "plus or minus"), ('≈', "about"), ('≤', "at most"),
    ('≥', "at least"), ('≠', "is not"), ('$', "dollar"), ('€', "euro"), ('£', "pound"), ('¥', "yen"), ('₩', "won"), ('¢', "cents"),
    ('§', "section"), ('‰', "per mille"), ('∞', "infinity"), ('√', "square root of"), ('²', "squared"), ('³', "cubed"),
];

/// The names of signs in addresses.
#[rustfmt::skip]
pub(super) const ADDRESS_SIGNS: &[(char, &str)] = &[
    ('.', "dot"), ('/', "slash"), (':', "colon"), ('-', "dash"), ('_', "underscore"), ('@', "at"), ('&', "ampersand"), ('=', "equals"),
    ('?', "question mark"), ('#', "hash"), ('%', "percent"), ('+', "plus"), ('~', "tilde"),
];
/// Top-level domains. A name with one of them, or with a scheme, is an address.
#[rustfmt::skip]
pub(super) const TOP_LEVEL_DOMAINS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "mil", "info", "biz", "io", "ai", "app", "dev", "co", "uk", "de", "fr", "us", "ca", "au",
    "eu", "ch", "at", "nl", "es", "it", "jp", "cn", "in", "br", "ru", "pl", "se", "no", "dk", "fi", "me", "tv", "example", "sm",
];
/// Labels of addresses that are spelt.
#[rustfmt::skip]
pub(super) const SPELT_LABELS: &[&str] = &[
    "http", "https", "www", "ftp", "html", "htm", "php", "css", "js", "xml", "json", "pdf", "jpg", "png", "gif", "mp", "uk", "de",
    "fr", "us", "ca", "au", "eu", "ch", "nl", "es", "jp", "cn", "br", "ru", "pl", "se", "dk", "fi", "tv", "io", "ai", "sm", "id",
    "api", "faq", "url",
];
