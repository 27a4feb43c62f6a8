//! What the classes look up: names of money, units, months, short forms, signs.

/// A currency: one of it, several, one of its parts, several of them.
pub(super) type Money = (&'static str, &'static str, &'static str, &'static str);

const DOLLAR: Money = ("dollar", "dollars", "cent", "cents");
const EURO: Money = ("euro", "euros", "cent", "cents");
const POUND: Money = ("pound", "pounds", "penny", "pence");
const YEN: Money = ("yen", "yen", "sen", "sen");
const FRANC: Money = ("swiss franc", "swiss francs", "centime", "centimes");
const YUAN: Money = ("yuan", "yuan", "fen", "fen");
const RUPEE: Money = ("rupee", "rupees", "paisa", "paise");

/// Before or behind a sum.
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

/// Behind a number: how often a thousand.
#[rustfmt::skip]
pub(super) const MULTIPLES: &[(&str, &str)] = &[
    ("thousand", "thousand"), ("million", "million"), ("billion", "billion"), ("trillion", "trillion"), ("hundred", "hundred"),
    ("mn", "million"), ("bn", "billion"), ("tn", "trillion"),
];
/// Single letters, which mean that only where money is meant, or where they touch the number.
#[rustfmt::skip]
pub(super) const LETTERS: &[(&str, &str)] = &[
    ("k", "thousand"), ("K", "thousand"), ("m", "million"), ("M", "million"), ("MM", "million"), ("mm", "million"),
    ("b", "billion"), ("B", "billion"), ("t", "trillion"), ("T", "trillion"),
];

/// How often a sum is due, behind a slash.
#[rustfmt::skip]
pub(super) const PERIODS: &[(&str, &str)] = &[
    ("mo", "month"), ("yr", "year"), ("y", "year"), ("hr", "hour"), ("h", "hour"), ("wk", "week"), ("d", "day"),
    ("day", "day"), ("min", "minute"), ("s", "second"), ("sec", "second"), ("kg", "kilogram"), ("lb", "pound"),
    ("mi", "mile"), ("km", "kilometer"), ("sq", "square"), ("ea", "each"), ("L", "liter"), ("l", "liter"), ("m", "meter"),
];

/// A unit: one, several, and whether it counts only where it touches the number.
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
pub(super) const HALVES: &[(&str, &str)] = &[
    ("a.m.", "am"), ("p.m.", "pm"), ("a.m", "am"), ("p.m", "pm"), ("am", "am"), ("pm", "pm"), ("a. m.", "am"), ("p. m.", "pm"),
];
#[rustfmt::skip]
pub(super) const ZONES: &[(&str, &str)] = &[
    ("est", "est"), ("edt", "edt"), ("cst", "cst"), ("cdt", "cdt"), ("mst", "mst"), ("mdt", "mdt"), ("pst", "pst"), ("pdt", "pdt"),
    ("gmt", "gmt"), ("utc", "utc"), ("cet", "cet"), ("cest", "cest"), ("bst", "bst"), ("e.s.t", "est"), ("p.s.t", "pst"), ("et", "et"),
];

/// Where a short form may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before a name, with or without its full stop.
    Title,
    /// Before a number.
    Number,
    /// Behind a name that begins with a capital.
    Name,
    /// Anywhere, with its full stop.
    Any,
}

/// Short forms that have a full stop.
#[rustfmt::skip]
pub(super) const SHORT: &[(&str, (&str, Place))] = &[
    ("mr", ("mister", Place::Title)), ("mrs", ("missus", Place::Title)), ("ms", ("miz", Place::Title)),
    ("dr", ("doctor", Place::Title)), ("prof", ("professor", Place::Title)), ("gen", ("general", Place::Title)),
    ("col", ("colonel", Place::Title)), ("capt", ("captain", Place::Title)), ("lt", ("lieutenant", Place::Title)),
    ("sgt", ("sergeant", Place::Title)), ("rev", ("reverend", Place::Title)), ("hon", ("honorable", Place::Title)),
    ("pres", ("president", Place::Title)), ("gov", ("governor", Place::Title)), ("sen", ("senator", Place::Title)),
    ("rep", ("representative", Place::Title)), ("st", ("saint", Place::Title)), ("mt", ("mount", Place::Title)),
    ("ft", ("fort", Place::Title)), ("no", ("number", Place::Number)), ("nos", ("numbers", Place::Number)),
    ("p", ("page", Place::Number)), ("pp", ("pages", Place::Number)), ("vol", ("volume", Place::Number)),
    ("fig", ("figure", Place::Number)), ("ch", ("chapter", Place::Number)), ("sec", ("section", Place::Number)),
    ("ext", ("extension", Place::Number)), ("art", ("article", Place::Number)), ("ca", ("circa", Place::Number)),
    ("ave", ("avenue", Place::Name)), ("blvd", ("boulevard", Place::Name)), ("rd", ("road", Place::Name)),
    ("ln", ("lane", Place::Name)), ("hwy", ("highway", Place::Name)), ("expy", ("expressway", Place::Name)),
    ("ct", ("court", Place::Name)), ("sq", ("square", Place::Name)), ("pkwy", ("parkway", Place::Name)),
    ("jr", ("junior", Place::Any)), ("sr", ("senior", Place::Any)), ("vs", ("versus", Place::Any)),
    ("etc", ("et cetera", Place::Any)), ("approx", ("approximately", Place::Any)), ("dept", ("department", Place::Any)),
    ("inc", ("incorporated", Place::Any)), ("ltd", ("limited", Place::Any)), ("corp", ("corporation", Place::Any)),
    ("co", ("company", Place::Name)), ("bros", ("brothers", Place::Any)), ("incl", ("including", Place::Any)), ("excl", ("excluding", Place::Any)), ("est", ("established", Place::Any)),
    ("avg", ("average", Place::Any)), ("govt", ("government", Place::Any)),
    ("appt", ("appointment", Place::Any)), ("apt", ("apartment", Place::Any)), ("tel", ("telephone", Place::Any)),
    ("e.g", ("for example", Place::Any)), ("i.e", ("that is", Place::Any)), ("a.k.a", ("also known as", Place::Any)),
    ("mon", ("monday", Place::Any)), ("tue", ("tuesday", Place::Any)), ("tues", ("tuesday", Place::Any)),
    ("wed", ("wednesday", Place::Any)), ("thu", ("thursday", Place::Any)), ("thurs", ("thursday", Place::Any)),
    ("fri", ("friday", Place::Any)),
];

/// Degrees and the like, whose letters are said, with the full stops that they may have.
#[rustfmt::skip]
pub(super) const DEGREES: &[(&str, &str)] = &[
    ("Ph.D.", "phd"), ("Ph.D", "phd"), ("PhD", "phd"), ("Ph. D.", "phd"), ("M.Sc.", "msc"), ("B.Sc.", "bsc"), ("M.Ed.", "med"),
    ("Ed.D.", "edd"), ("LL.B.", "llb"), ("LL.M.", "llm"), ("Psy.D.", "psyd"), ("D.Phil.", "dphil"),
];

/// What is written with a slash and said otherwise.
#[rustfmt::skip]
pub(super) const PHRASES: &[(&str, &str)] = &[
    ("and/or", "and or"), ("w/o", "without"), ("etc", "et cetera"), ("tv", "t v"), ("24/7", "twenty four seven"), ("9/11", "nine eleven"), ("50/50", "fifty fifty"),
    ("401(k)", "four oh one k"), ("403(b)", "four oh three b"), ("c/o", "care of"), ("n/a", "not applicable"),
    ("COVID-19", "covid nineteen"), ("covid-19", "covid nineteen"), ("Covid-19", "covid nineteen"), ("4K", "four k"),
    ("7-eleven", "seven eleven"), ("km/h", "kilometers per hour"), ("C++", "c plus plus"), ("C#", "c sharp"),
];

/// Words that begin a sentence, behind a short form that may end one.
#[rustfmt::skip]
pub(super) const STARTERS: &[&str] = &[
    "The", "A", "An", "It", "He", "She", "We", "They", "You", "I", "This", "That", "These", "Those", "There", "Here", "But", "And",
    "So", "If", "In", "On", "At", "When", "Then", "What", "Where", "Who", "Why", "How", "Do", "Does", "Did", "Is", "Are", "Was",
    "Were", "Will", "Would", "Can", "Could", "Should", "My", "Your", "His", "Her", "Our", "Their", "Its", "Please", "No", "Yes",
    "After", "Before", "For", "From", "However", "Let", "Not", "Now", "Once", "One", "Some", "Since", "With", "As", "By", "To",
];

/// Ends of the names of streets.
#[rustfmt::skip]
pub(super) const STREETS: &[&str] = &[
    "street", "st", "avenue", "ave", "road", "rd", "lane", "ln", "drive", "dr", "boulevard", "blvd", "court", "ct", "way",
    "highway", "hwy", "parkway", "pkwy", "place", "square", "expressway", "expy", "terrace",
];

/// Words before a number whose digits are said one by one.
#[rustfmt::skip]
pub(super) const CODES: &[&str] = &["pin", "code", "otp", "zip", "dial", "extension", "ext", "call", "pnr", "passcode", "ending"];

/// Words before a Roman number.
#[rustfmt::skip]
pub(super) const COUNTED: &[&str] = &[
    "chapter", "part", "section", "act", "scene", "volume", "book", "war", "phase", "type", "level", "bowl", "article", "title",
    "class", "grade", "stage", "tier", "appendix", "figure", "table", "episode", "rocky", "mark",
];
/// Names that are numbered in order.
#[rustfmt::skip]
pub(super) const REGNAL: &[&str] = &[
    "henry", "louis", "elizabeth", "george", "john", "paul", "charles", "james", "edward", "richard", "william", "benedict",
    "philip", "francis", "frederick", "nicholas", "alexander", "catherine", "napoleon", "pius", "leo", "gregory", "innocent",
    "peter", "sam", "robert", "mary", "ferdinand", "carl", "gustav", "rama", "otto",
];

/// A sign that is said wherever it stands for something.
#[rustfmt::skip]
pub(super) const SIGNS: &[(char, &str)] = &[
    ('&', "and"), ('+', "plus"), ('=', "equals"), ('@', "at"), ('%', "percent"), ('°', "degrees"), ('<', "less than"),
    ('>', "greater than"), ('×', "times"), ('÷', "divided by"), ('±', "plus or minus"), ('≈', "about"), ('≤', "at most"),
    ('≥', "at least"), ('≠', "is not"), ('$', "dollar"), ('€', "euro"), ('£', "pound"), ('¥', "yen"), ('₩', "won"), ('¢', "cents"),
    ('§', "section"), ('‰', "per mille"), ('∞', "infinity"), ('√', "square root of"), ('²', "squared"), ('³', "cubed"),
];

/// Signs as they are said in addresses.
#[rustfmt::skip]
pub(super) const ADDRESS: &[(char, &str)] = &[
    ('.', "dot"), ('/', "slash"), (':', "colon"), ('-', "dash"), ('_', "underscore"), ('@', "at"), ('&', "ampersand"), ('=', "equals"),
    ('?', "question mark"), ('#', "hash"), ('%', "percent"), ('+', "plus"), ('~', "tilde"),
];
/// Ends of names of hosts; what is here or has a scheme is an address.
#[rustfmt::skip]
pub(super) const DOMAINS: &[&str] = &[
    "com", "org", "net", "edu", "gov", "mil", "info", "biz", "io", "ai", "app", "dev", "co", "uk", "de", "fr", "us", "ca", "au",
    "eu", "ch", "at", "nl", "es", "it", "jp", "cn", "in", "br", "ru", "pl", "se", "no", "dk", "fi", "me", "tv", "example", "sm",
];
/// Parts of addresses that are spelt.
#[rustfmt::skip]
pub(super) const SPELT: &[&str] = &[
    "http", "https", "www", "ftp", "html", "htm", "php", "css", "js", "xml", "json", "pdf", "jpg", "png", "gif", "mp", "uk", "de",
    "fr", "us", "ca", "au", "eu", "ch", "nl", "es", "jp", "cn", "br", "ru", "pl", "se", "dk", "fi", "tv", "io", "ai", "sm", "id",
    "api", "faq", "url",
];
