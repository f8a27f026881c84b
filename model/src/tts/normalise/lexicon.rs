//! Written forms with another spoken form: abbreviations, units, currencies, months, symbols.

/// What else the full stop of an abbreviation can mean, and what must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abbreviated {
    /// A title or similar: a name follows, so its full stop never ends a sentence. Read with or without the full stop.
    BeforeName,
    /// Read only before a number, as in "No. 5".
    BeforeNumber,
    /// Read only with its full stop, which may also end the sentence.
    Anywhere,
}

use Abbreviated::{Anywhere, BeforeName, BeforeNumber};

/// Written form in lower case without its last full stop, spoken form, and where it may occur.
const ABBREVIATIONS: &[(&str, &str, Abbreviated)] = &[
    ("mr", "Mister", BeforeName),
    ("mrs", "Missus", BeforeName),
    ("ms", "Miz", BeforeName),
    ("dr", "Doctor", BeforeName),
    ("prof", "Professor", BeforeName),
    ("rev", "Reverend", BeforeName),
    ("gen", "General", BeforeName),
    ("col", "Colonel", BeforeName),
    ("capt", "Captain", BeforeName),
    ("lt", "Lieutenant", BeforeName),
    ("sgt", "Sergeant", BeforeName),
    ("gov", "Governor", BeforeName),
    ("sen", "Senator", BeforeName),
    ("st", "Saint", BeforeName),
    ("mt", "Mount", BeforeName),
    ("no", "number", BeforeNumber),
    ("nos", "numbers", BeforeNumber),
    ("fig", "figure", BeforeNumber),
    ("p", "page", BeforeNumber),
    ("pp", "pages", BeforeNumber),
    ("ch", "chapter", BeforeNumber),
    ("vol", "volume", BeforeNumber),
    ("sec", "section", BeforeNumber),
    ("eq", "equation", BeforeNumber),
    ("ca", "circa", BeforeNumber),
    ("jr", "Junior", Anywhere),
    ("sr", "Senior", Anywhere),
    ("vs", "versus", Anywhere),
    ("etc", "et cetera", Anywhere),
    ("approx", "approximately", Anywhere),
    ("dept", "department", Anywhere),
    ("est", "established", Anywhere),
    ("inc", "incorporated", Anywhere),
    ("ltd", "limited", Anywhere),
    ("corp", "corporation", Anywhere),
    ("co", "company", Anywhere),
    ("ave", "Avenue", Anywhere),
    ("blvd", "Boulevard", Anywhere),
    ("rd", "Road", Anywhere),
    ("min", "minutes", Anywhere),
    ("max", "maximum", Anywhere),
    ("tel", "telephone", Anywhere),
    ("ext", "extension", Anywhere),
    ("jan", "January", Anywhere),
    ("feb", "February", Anywhere),
    ("apr", "April", Anywhere),
    ("aug", "August", Anywhere),
    ("sept", "September", Anywhere),
    ("oct", "October", Anywhere),
    ("nov", "November", Anywhere),
    ("dec", "December", Anywhere),
];

/// The spoken form of a word without its last full stop, and where it may occur.
pub(crate) fn abbreviation(word: &str) -> Option<(&'static str, Abbreviated)> {
    // Names are capitalised: "gen", "col" and "no" as words are not.
    let capital = word.starts_with(char::is_uppercase);
    ABBREVIATIONS
        .iter()
        .find(|(written, _, _)| word.eq_ignore_ascii_case(written))
        .filter(|(_, _, place)| *place != BeforeName || capital)
        .map(|&(_, spoken, place)| (spoken, place))
}

/// Letters with full stops between, in lower case without the last one.
const DOTTED: &[(&str, &str)] = &[
    ("e.g", "for example"),
    ("i.e", "that is"),
    ("a.m", "AM"),
    ("p.m", "PM"),
    ("a.k.a", "also known as"),
    ("ph.d", "PhD"),
    ("u.s", "US"),
];

/// The spoken form of letters with full stops between.
pub(crate) fn dotted(word: &str) -> Option<&'static str> {
    DOTTED.iter().find(|(written, _)| word.eq_ignore_ascii_case(written)).map(|&(_, spoken)| spoken)
}

/// Capitalised words that start a sentence far more often than they continue a name.
const STARTERS: &[&str] = &[
    "A", "After", "Also", "And", "As", "At", "But", "Can", "Do", "Does", "For", "He", "Here",
    "How", "However", "I", "If", "In", "Is", "It", "Its", "My", "Now", "On", "Or", "Our", "She",
    "So", "That", "The", "Their", "Then", "There", "These", "They", "This", "To", "We", "What",
    "When", "Where", "Who", "Why", "Would", "You", "Your",
];

/// Whether a word, as written, looks like the first of a sentence.
pub(crate) fn starts_sentence(word: &str) -> bool {
    let word = word.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    STARTERS.contains(&word)
}

/// Months, in full and abbreviated.
pub(super) const MONTHS: [(&str, &str); 12] = [
    ("January", "Jan"),
    ("February", "Feb"),
    ("March", "Mar"),
    ("April", "Apr"),
    ("May", "May"),
    ("June", "Jun"),
    ("July", "Jul"),
    ("August", "Aug"),
    ("September", "Sept?"),
    ("October", "Oct"),
    ("November", "Nov"),
    ("December", "Dec"),
];

/// Symbol, singular, plural.
pub(super) const UNITS: &[(&str, &str, &str)] = &[
    ("km/h", "kilometer per hour", "kilometers per hour"),
    ("kph", "kilometer per hour", "kilometers per hour"),
    ("mph", "mile per hour", "miles per hour"),
    ("m/s", "meter per second", "meters per second"),
    ("km²", "square kilometer", "square kilometers"),
    ("m²", "square meter", "square meters"),
    ("m³", "cubic meter", "cubic meters"),
    ("cm²", "square centimeter", "square centimeters"),
    ("km", "kilometer", "kilometers"),
    ("m", "meter", "meters"),
    ("cm", "centimeter", "centimeters"),
    ("mm", "millimeter", "millimeters"),
    ("nm", "nanometer", "nanometers"),
    ("mi", "mile", "miles"),
    ("yd", "yard", "yards"),
    ("ft", "foot", "feet"),
    ("kg", "kilogram", "kilograms"),
    ("g", "gram", "grams"),
    ("mg", "milligram", "milligrams"),
    ("lbs", "pound", "pounds"),
    ("lb", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("l", "liter", "liters"),
    ("L", "liter", "liters"),
    ("ml", "milliliter", "milliliters"),
    ("mL", "milliliter", "milliliters"),
    ("tbsp", "tablespoon", "tablespoons"),
    ("tsp", "teaspoon", "teaspoons"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("secs", "second", "seconds"),
    ("ms", "millisecond", "milliseconds"),
    ("°C", "degree Celsius", "degrees Celsius"),
    ("°F", "degree Fahrenheit", "degrees Fahrenheit"),
    ("°", "degree", "degrees"),
    ("%", "percent", "percent"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("KB", "kilobyte", "kilobytes"),
    ("kB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Gbps", "gigabit per second", "gigabits per second"),
    ("V", "volt", "volts"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("MW", "megawatt", "megawatts"),
    ("dB", "decibel", "decibels"),
    ("kcal", "kilocalorie", "kilocalories"),
    ("cal", "calorie", "calories"),
    ("psi", "pound per square inch", "pounds per square inch"),
];

/// How a currency is read.
pub(super) struct Currency {
    /// Symbols and codes of the currency.
    pub(super) written: &'static [&'static str],
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// Singular and plural of a hundredth; none if none is in use.
    pub(super) cent: Option<(&'static str, &'static str)>,
}

pub(super) const CURRENCIES: &[Currency] = &[
    Currency {
        written: &["$", "US$", "USD"],
        one: "dollar",
        many: "dollars",
        cent: Some(("cent", "cents")),
    },
    Currency {
        written: &["€", "EUR"], one: "euro", many: "euros", cent: Some(("cent", "cents"))
    },
    Currency {
        written: &["£", "GBP"],
        one: "pound",
        many: "pounds",
        cent: Some(("penny", "pence")),
    },
    Currency { written: &["¥", "JPY"], one: "yen", many: "yen", cent: None },
    Currency {
        written: &["₹", "INR"],
        one: "rupee",
        many: "rupees",
        cent: Some(("paisa", "paise")),
    },
    Currency {
        written: &["CHF"],
        one: "Swiss franc",
        many: "Swiss francs",
        cent: Some(("centime", "centimes")),
    },
];

/// Symbols that are read wherever they occur.
pub(super) fn symbol(sign: char) -> Option<&'static str> {
    Some(match sign {
        '&' => "and",
        '%' => "percent",
        '@' => "at",
        '+' => "plus",
        '=' => "equals",
        '×' => "times",
        '÷' => "divided by",
        '≈' => "about",
        '±' => "plus or minus",
        '≤' => "at most",
        '≥' => "at least",
        '≠' => "is not",
        '∞' => "infinity",
        '√' => "square root of",
        '°' => "degrees",
        '§' => "section",
        '$' => "dollars",
        '€' => "euros",
        '£' => "pounds",
        '¥' => "yen",
        '₹' => "rupees",
        _ => return None,
    })
}

/// The digit that a character is above the line.
pub(super) fn superscript(sign: char) -> Option<char> {
    Some(match sign {
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁰' | '⁴'..='⁹' => char::from_digit(sign as u32 - '⁰' as u32, 10)?,
        _ => return None,
    })
}

/// The digit that a character is below the line.
pub(super) fn subscript(sign: char) -> Option<char> {
    matches!(sign, '₀'..='₉').then(|| char::from_digit(sign as u32 - '₀' as u32, 10))?
}

/// Whether a text starts with the name of a month or the code of a currency.
pub(super) fn starts_expression(text: &str) -> bool {
    let code = |currency: &str| currency.len() > 1 && text.starts_with(currency);
    MONTHS.iter().any(|month| text.starts_with(&month.0[..3]))
        || CURRENCIES.iter().flat_map(|currency| currency.written).any(|written| code(written))
}

/// Fractions of a single character.
pub(super) fn vulgar_fraction(sign: char) -> Option<(u64, u64)> {
    Some(match sign {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

/// Words before a Roman numeral that is read as a cardinal number.
const COUNTED: &[&str] = &[
    "act", "article", "book", "chapter", "class", "level", "part", "phase", "section", "stage",
    "type", "volume", "war",
];
/// Names before a Roman numeral that is read as an ordinal.
const REIGNING: &[&str] = &[
    "alexander",
    "catherine",
    "charles",
    "edward",
    "elizabeth",
    "francis",
    "frederick",
    "george",
    "henry",
    "james",
    "john",
    "louis",
    "napoleon",
    "nicholas",
    "paul",
    "peter",
    "philip",
    "pius",
    "richard",
    "william",
];
const ROMAN: &[&str] = &[
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV",
    "XVI", "XVII", "XVIII", "XIX", "XX",
];

/// What a Roman numeral after a word (in lower case) stands for.
pub(super) enum Roman {
    Cardinal(u64),
    Ordinal(u64),
}

/// Reads a Roman numeral if the word before it calls for one.
pub(super) fn roman(before: &str, word: &str) -> Option<Roman> {
    let value = ROMAN.iter().position(|&numeral| numeral == word)? as u64 + 1;
    if COUNTED.contains(&before) {
        Some(Roman::Cardinal(value))
    } else if REIGNING.contains(&before) && value > 1 {
        Some(Roman::Ordinal(value))
    } else {
        None
    }
}
