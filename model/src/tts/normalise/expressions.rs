//! Expressions that start with a digit, a currency sign or the name of a month: money, dates, times, telephone numbers,
//! fractions, quantities, ranges, years.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::lexicon::{CURRENCIES, Currency, MONTHS, UNITS};
use super::numbers::{cardinal, digits, fraction, may_be_year, number, ordinal, value, year};

/// The surroundings of an expression.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The word before, in lower case; empty at the start of a phrase.
    pub(super) before: &'a str,
    /// The text after the expression.
    pub(super) after: &'a str,
    /// Whether a letter stands right before it, as in "B2B".
    pub(super) in_name: bool,
}

type Read = fn(&Captures<'_>, Context<'_>) -> Option<String>;

struct Rule {
    pattern: Regex,
    read: Read,
}

/// Digits of the shortest code that is written in groups, and of the shortest international telephone number.
const SHORTEST_CODE: usize = 8;
/// Words before a number of three digits or more that is read digit by digit.
const BEFORE_CODE: &[&str] =
    &["call", "code", "dial", "extension", "isbn", "password", "pin", "text", "zip"];
/// Words before the name of a decade that is written without its century.
const BEFORE_DECADE: &[&str] =
    &["early", "her", "his", "late", "mid", "my", "our", "the", "their", "your"];

/// In order: the first rule that matches and can be read wins.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let number = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,18})(?:\.[0-9]{1,12})?|\.[0-9]{1,12}";
    // Elsewhere a comma stands before the cents.
    let amount = format!(r"[0-9]{{1,9}},[0-9]{{2}}\b|{number}");
    let longest_first = |mut written: Vec<&str>| {
        written.sort_by_key(|form| std::cmp::Reverse(form.len()));
        written.into_iter().map(regex::escape).collect::<Vec<_>>().join("|")
    };
    let units = longest_first(UNITS.iter().map(|unit| unit.0).collect());
    let currencies = longest_first(CURRENCIES.iter().flat_map(|c| c.written).copied().collect());
    let months = MONTHS.map(|(full, short)| format!("{full}|{short}\\.?")).join("|");
    let patterns: [(&str, Read); 33] = [
        (
            r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?",
            iso_moment,
        ),
        (r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})", iso_date),
        (r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", european_date),
        (r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})", american_date),
        (
            r"(<month>)\s([0-9]{1,2})(?:st|nd|rd|th)?(?:\s?[-–]\s?([0-9]{1,2})(?:st|nd|rd|th)?)?(?:,?\s([0-9]{4}))?",
            month_day,
        ),
        (r"(<month>),?\s([0-9]{4})", month_year),
        (r"([0-9]{1,2})(?:st|nd|rd|th)?\s(?:of\s)?(<month>)(?:,?\s([0-9]{4}))?", day_month),
        (r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\s?([aApP])\.?[mM]\b\.?)?", clock),
        (r"([0-9]{1,2})\s?([aApP])\.?[mM]\b\.?", hour),
        (r"([0-9]{1,3})\s?h\s?([0-9]{1,2})\s?m(?:in)?", hours_and_minutes),
        (r"([0-9]{1,2}):([0-9]{1,2})", ratio),
        (r"(?:\+?1[-. ])?(?:\([0-9]{3}\)\s?|[0-9]{3}[-. ])?[0-9]{3}[-.][0-9]{4}", telephone),
        (r"[0-9]{3} [0-9]{3} [0-9]{4}", telephone),
        (r"\+[0-9]{1,4}(?:[-. ]?\(?[0-9]{1,5}\)?){2,6}", international),
        (r"0[0-9]{2,4}(?:[ -][0-9]{3,4}){2}|0[0-9]{2,5}[ /-][0-9]{5,8}", telephone),
        (r"[0-9]{1,7}(?:-[0-9]{1,7}){2,6}", code),
        (r"[0-9]{1,3}(?: [0-9]{3}){2,5}|[0-9]{1,3}(?:[\x{a0}\x{202f}][0-9]{3}){1,5}", grouped),
        (r"[0-9]{1,3}(?:\.[0-9]{3}){2}", grouped),
        (r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", network),
        (r"[0-9]{1,6}(?:\.[0-9]{1,6}){2,5}", version),
        (r"(24/7|9/11|50/50)", idiom),
        (r"(?:([0-9]{1,6})\s)?([0-9]{1,4})[/⁄]([0-9]{1,4})", written_fraction),
        (r"([0-9]{1,6})?\s?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅛⅜⅝⅞])", sign_fraction),
        (
            r"(<currency>)\s?(<amount>)(?:\s?[-–]\s?(?:<currency>)?(<amount>))?(?:\s?(thousand|million|billion|trillion|bn|[kKmMbB]))?",
            money_before,
        ),
        (r"(<amount>)(?:\s(thousand|million|billion|trillion))?\s?(<currency>)", money_after),
        (r"([0-9,]{1,15})(?:st|nd|rd|th)", nth),
        (r"([0-9]{2,4})['’]?s", decade),
        (r"([0-9]{1,2})\s?ft\.?\s([0-9]{1,2})\s?in", feet_and_inches),
        (r#"([0-9]{1,2})['′]\s?([0-9]{1,2})(?:["″”]|'')?"#, feet_and_inches),
        (r"(<number>)(?:\s?[-–]\s?(<number>))?(?:\s?(<unit>))", quantity),
        (r"(<number>)[-–](<number>)|(<number>) – (<number>)", range),
        (r"(<number>)(?:\s?x\s?|×)(<number>)", dimensions),
        (r"(<number>)[eE]([+-]?)([0-9]{1,3})", power_of_ten),
    ];
    let compile = |pattern: &str| {
        let filled = pattern
            .replace("<amount>", &amount)
            .replace("<number>", number)
            .replace("<unit>", &units)
            .replace("<currency>", &currencies)
            .replace("<month>", &months);
        Regex::new(&format!("^(?:{filled})")).expect("a valid pattern")
    };
    let mut rules: Vec<Rule> = patterns
        .into_iter()
        .map(|(pattern, read)| Rule { pattern: compile(pattern), read })
        .collect();
    rules.push(Rule { pattern: compile(r"(<number>)(?:\s?(bn)|([kKMB]))?"), read: plain });
    rules
});

/// A run of digits that no rule reads, because of the characters next to it.
static DIGITS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^[0-9]{1,18}").expect("a valid pattern"));

/// Length in bytes of the expression that `rest` starts with, and its spoken form.
pub(super) fn read(rest: &str, before: &str, in_name: bool) -> Option<(usize, String)> {
    let ruled = RULES.iter().find_map(|rule| {
        let captures = rule.pattern.captures(rest)?;
        let length = captures.get(0)?.len();
        let after = &rest[length..];
        if length == 0 || continues(after) {
            return None;
        }
        Some((length, (rule.read)(&captures, Context { before, after, in_name })?))
    });
    ruled.or_else(|| {
        let found = DIGITS.find(rest)?.as_str();
        Some((found.len(), number(found)))
    })
}

/// Whether what follows belongs to the expression, so that the match is only a part.
fn continues(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('.' | ',' | ':' | '/') => chars.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => c.is_alphanumeric(),
        None => false,
    }
}

fn group<'t>(captures: &Captures<'t>, index: usize) -> Option<&'t str> {
    captures.get(index).map(|group| group.as_str())
}

fn parse(captures: &Captures<'_>, index: usize) -> Option<u64> {
    value(group(captures, index)?)
}

fn day(value: u64) -> Option<String> {
    (1..=31).contains(&value).then(|| ordinal(value))
}

fn month_name(written: &str) -> Option<&'static str> {
    let start = written.get(..3)?;
    MONTHS.iter().map(|month| month.0).find(|month| month.starts_with(start))
}

fn iso_date(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    date(parse(captures, 1)?, parse(captures, 2)?, parse(captures, 3)?)
}

/// "March fifth twenty twenty-four at fourteen thirty": who wants the seconds says so.
fn iso_moment(captures: &Captures<'_>, context: Context<'_>) -> Option<String> {
    let day = iso_date(captures, context)?;
    let (hour, minute) = (parse(captures, 4)?, parse(captures, 5)?);
    Some(format!("{day} at {}", time(hour, minute, None)?))
}

fn european_date(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    date(parse(captures, 3)?, parse(captures, 2)?, parse(captures, 1)?)
}

fn american_date(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let (month, day) = (parse(captures, 1)?, parse(captures, 2)?);
    let year = match parse(captures, 3)? {
        short @ 0..=49 => 2000 + short,
        short @ 50..=99 => 1900 + short,
        full => full,
    };
    // Day first, if only that makes a valid date.
    if month > 12 { date(year, day, month) } else { date(year, month, day) }
}

fn date(in_year: u64, month: u64, of_month: u64) -> Option<String> {
    let (month, _) = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    Some(format!("{month} {} {}", day(of_month)?, year(in_year)))
}

fn month_day(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let mut spoken = format!("{} {}", month_name(group(captures, 1)?)?, day(parse(captures, 2)?)?);
    if let Some(last) = parse(captures, 3) {
        spoken += &format!(" to {}", day(last)?);
    }
    if let Some(in_year) = parse(captures, 4) {
        spoken += &format!(" {}", year(in_year));
    }
    Some(spoken)
}

fn month_year(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let in_year = group(captures, 2).filter(|written| may_be_year(written)).and_then(value)?;
    Some(format!("{} {}", month_name(group(captures, 1)?)?, year(in_year)))
}

fn day_month(captures: &Captures<'_>, context: Context<'_>) -> Option<String> {
    let article = if context.before == "the" { "" } else { "the " };
    let mut spoken =
        format!("{article}{} of {}", day(parse(captures, 1)?)?, month_name(group(captures, 2)?)?);
    if let Some(in_year) = parse(captures, 3) {
        spoken += &format!(" {}", year(in_year));
    }
    Some(spoken)
}

fn clock(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let (hour, minute) = (parse(captures, 1)?, parse(captures, 2)?);
    let half = group(captures, 4).map(half_of_day);
    let mut spoken = time(hour, minute, half)?;
    if let Some(second) = parse(captures, 3) {
        let unit = if second == 1 { "second" } else { "seconds" };
        spoken += &format!(" and {} {unit}", cardinal(second));
    }
    if let Some(half) = half {
        spoken += &format!(" {half}");
    }
    Some(spoken)
}

/// A time of the day, with whatever of AM and PM follows it.
fn time(hour: u64, minute: u64, half: Option<&str>) -> Option<String> {
    if hour > 24 || minute > 59 {
        return None;
    }
    let hours = cardinal(hour);
    Some(match (minute, half) {
        (0, None) if hour > 12 || hour == 0 => format!("{hours} hundred"),
        (0, None) => format!("{hours} o'clock"),
        (0, Some(_)) => hours,
        (1..=9, _) => format!("{hours} oh {}", cardinal(minute)),
        _ => format!("{hours} {}", cardinal(minute)),
    })
}

fn hours_and_minutes(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let count = |index, one: &str, many: &str| {
        let value = parse(captures, index)?;
        Some(format!("{} {}", cardinal(value), if value == 1 { one } else { many }))
    };
    Some(format!("{} {}", count(1, "hour", "hours")?, count(2, "minute", "minutes")?))
}

fn hour(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let hour = parse(captures, 1).filter(|hour| (1..=12).contains(hour))?;
    Some(format!("{} {}", cardinal(hour), half_of_day(group(captures, 2)?)))
}

fn half_of_day(letter: &str) -> &'static str {
    if letter.eq_ignore_ascii_case("a") { "AM" } else { "PM" }
}

fn ratio(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(format!("{} to {}", cardinal(parse(captures, 1)?), cardinal(parse(captures, 2)?)))
}

fn telephone(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(digits(group(captures, 0)?))
}

/// A number that begins with a country's code.
fn international(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let spoken = digits(group(captures, 0)?);
    (spoken.split(' ').count() >= SHORTEST_CODE).then(|| format!("plus {spoken}"))
}

/// Digits in groups: of a card, a book.
fn code(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(digits(group(captures, 0)?)).filter(|spoken| spoken.split(' ').count() >= SHORTEST_CODE)
}

/// A number whose thousands are apart.
fn grouped(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(number(&group(captures, 0)?.replace('.', "")))
}

/// The address of a computer.
fn network(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let parts: Vec<_> = group(captures, 0)?.split('.').collect();
    let is_byte = |part: &&str| part.parse::<u8>().is_ok();
    let spoken: Vec<_> = parts.iter().map(|part| digits(part)).collect();
    parts.iter().all(is_byte).then(|| spoken.join(" dot "))
}

/// "six point zero two times ten to the power of twenty-three".
fn power_of_ten(captures: &Captures<'_>, context: Context<'_>) -> Option<String> {
    let sign = if group(captures, 2)? == "-" { "minus " } else { "" };
    let (factor, power) = (number(group(captures, 1)?), cardinal(parse(captures, 3)?));
    (!context.in_name).then(|| format!("{factor} times ten to the power of {sign}{power}"))
}

fn version(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let parts: Vec<String> = group(captures, 0)?.split('.').map(number).collect();
    Some(parts.join(" point "))
}

fn idiom(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let (left, right) = group(captures, 0)?.split_once('/')?;
    Some(format!("{} {}", number(left), number(right)))
}

fn written_fraction(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let (over, under) = (parse(captures, 2)?, parse(captures, 3)?);
    let part = fraction(over, under).filter(|_| over < under);
    Some(match (parse(captures, 1), part) {
        (Some(whole), Some(part)) => mixed(whole, over, &part),
        (Some(_), None) => return None,
        (None, Some(part)) => part,
        (None, None) => format!("{} over {}", cardinal(over), cardinal(under)),
    })
}

fn sign_fraction(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let sign = group(captures, 2)?.chars().next()?;
    let (over, under) = super::lexicon::vulgar_fraction(sign)?;
    let part = fraction(over, under)?;
    Some(match parse(captures, 1) {
        Some(whole) => mixed(whole, over, &part),
        None => part,
    })
}

/// "two and a half", "three and two thirds".
fn mixed(whole: u64, over: u64, part: &str) -> String {
    match part.strip_prefix("one ") {
        Some(part) if over == 1 => {
            let article =
                if part.starts_with("eigh") || part.starts_with("elev") { "an" } else { "a" };
            format!("{} and {article} {part}", cardinal(whole))
        }
        _ => format!("{} and {part}", cardinal(whole)),
    }
}

fn currency(written: &str) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|currency| currency.written.contains(&written))
}

fn money_before(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let currency = currency(group(captures, 1)?)?;
    let first = group(captures, 2)?;
    let scale = group(captures, 4).map(scale);
    match group(captures, 3) {
        None => Some(amount(first, scale, currency)),
        Some(last) if scale.is_none() && first.contains('.') => {
            Some(format!("{} to {}", amount(first, None, currency), amount(last, None, currency)))
        }
        Some(last) => Some(format!("{} to {}", number(first), amount(last, scale, currency))),
    }
}

fn money_after(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(amount(group(captures, 1)?, group(captures, 2), currency(group(captures, 3)?)?))
}

fn scale(written: &str) -> &str {
    match written {
        "k" | "K" => "thousand",
        "m" | "M" => "million",
        "b" | "B" | "bn" => "billion",
        full => full,
    }
}

fn amount(written: &str, scale: Option<&str>, currency: &Currency) -> String {
    let cents = written.split_once(',').filter(|(_, cents)| cents.len() == 2);
    let pointed = cents.map(|(whole, cents)| format!("{whole}.{cents}"));
    let written = pointed.as_deref().unwrap_or(written);
    if let Some(scale) = scale {
        return format!("{} {scale} {}", number(written), currency.many);
    }
    let (whole, hundredths) = written.split_once('.').unwrap_or((written, "00"));
    let (Some(cent), 2) = (currency.cent, hundredths.len()) else {
        return format!("{} {}", number(written), currency.many);
    };
    let count = |written: &str, one: &str, many: &str| {
        let unit = if value(written) == Some(1) { one } else { many };
        let spoken = value(written).map_or_else(|| number(written), cardinal);
        format!("{spoken} {unit}")
    };
    let wholes = count(whole, currency.one, currency.many);
    let cents = count(hundredths, cent.0, cent.1);
    match (value(whole), value(hundredths)) {
        (_, Some(0)) => wholes,
        (Some(0) | None, _) => cents,
        _ => format!("{wholes} and {cents}"),
    }
}

fn nth(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(ordinal(parse(captures, 1)?))
}

fn decade(captures: &Captures<'_>, context: Context<'_>) -> Option<String> {
    let written = group(captures, 1)?;
    let value = value(written).filter(|value| value % 10 == 0)?;
    let spoken = match written.len() {
        // "30s" are seconds.
        2 if value > 0 && BEFORE_DECADE.contains(&context.before) => cardinal(value),
        4 if may_be_year(written) => year(value),
        _ => return None,
    };
    Some(match spoken.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => spoken + "s",
    })
}

fn feet_and_inches(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let inches = parse(captures, 2).filter(|&inches| inches < 12)?;
    Some(format!("{} foot {}", cardinal(parse(captures, 1)?), cardinal(inches)))
}

fn quantity(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let (first, last) = (group(captures, 1)?, group(captures, 2));
    let (_, one, many) = UNITS.iter().find(|unit| Some(unit.0) == group(captures, 3))?;
    Some(match last {
        Some(last) => format!("{} to {} {many}", number(first), number(last)),
        None if first == "1" => format!("one {one}"),
        None => format!("{} {many}", number(first)),
    })
}

fn range(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    let first = group(captures, 1).or_else(|| group(captures, 3))?;
    let last = group(captures, 2).or_else(|| group(captures, 4))?;
    let years = may_be_year(first) && may_be_year(last);
    let read = |written: &str| match value(written) {
        Some(value) if years => year(value),
        _ => number(written),
    };
    Some(format!("{} to {}", read(first), read(last)))
}

fn dimensions(captures: &Captures<'_>, _: Context<'_>) -> Option<String> {
    Some(format!("{} by {}", number(group(captures, 1)?), number(group(captures, 2)?)))
}

fn plain(captures: &Captures<'_>, context: Context<'_>) -> Option<String> {
    let written = group(captures, 1)?;
    if let Some(letter) = group(captures, 2).or_else(|| group(captures, 3)) {
        // "4K" is a resolution, "4k" a number, "B2B" neither.
        return Some(match letter {
            _ if context.in_name => return None,
            "K" if written.len() == 1 => format!("{} K", number(written)),
            letter => format!("{} {}", number(written), scale(letter)),
        });
    }
    // "Call 911."
    let is_code = written.bytes().all(|byte| byte.is_ascii_digit()) && written.len() > 2;
    if is_code && BEFORE_CODE.contains(&context.before) {
        return Some(digits(written));
    }
    if may_be_year(written) && !counts(context) {
        return value(written).map(year);
    }
    Some(number(written))
}

/// Whether a four-digit number is a count rather than a year, judged by the word after it.
fn counts(context: Context<'_>) -> bool {
    /// Words that may follow a year within a phrase.
    const AFTER_YEAR: &[&str] = &[
        "and", "as", "at", "because", "but", "by", "for", "from", "he", "in", "is", "it", "of",
        "on", "or", "she", "that", "the", "they", "through", "to", "until", "was", "we", "were",
        "when", "which", "while", "with", "you",
    ];
    /// Words that stand before a year and seldom before a count.
    const BEFORE_YEAR: &[&str] =
        &["around", "before", "by", "circa", "during", "in", "since", "until", "year"];
    if BEFORE_YEAR.contains(&context.before) {
        return false;
    }
    let Some(next) = context.after.strip_prefix(' ') else { return false };
    let next: String = next.chars().take_while(|c| c.is_alphabetic()).collect();
    next.starts_with(char::is_lowercase) && !AFTER_YEAR.contains(&next.as_str())
}
