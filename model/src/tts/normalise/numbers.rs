//! Numbers in words, independent of their context.

use num2words::Num2Words;

/// Longer runs of digits are not quantities: they are read digit by digit.
const QUANTITY_DIGITS: usize = 15;
/// Four-digit years that are read in pairs.
const YEARS: std::ops::RangeInclusive<u64> = 1100..=2099;

/// "one hundred five".
pub(super) fn cardinal(value: u64) -> String {
    words(Num2Words::new(value), value)
}

/// "one hundred fifth".
pub(super) fn ordinal(value: u64) -> String {
    words(Num2Words::new(value).ordinal(), value)
}

/// "nineteen oh five", "two thousand five", "twenty twenty-four".
pub(super) fn year(value: u64) -> String {
    words(Num2Words::new(value).year(), value).replace("oh-", "oh ")
}

/// Whether a number of four digits may be a year.
pub(super) fn may_be_year(written: &str) -> bool {
    written.len() == 4 && written.parse().is_ok_and(|value| YEARS.contains(&value))
}

fn words(number: Num2Words, value: u64) -> String {
    match number.to_words() {
        // American usage has no "and"; the crate puts one before the last two digits.
        Ok(words) => words.replace(" and ", " "),
        Err(_) => digits(&value.to_string()),
    }
}

/// Digit by digit; all other characters are left out.
pub(super) fn digits(written: &str) -> String {
    const NAMES: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let names: Vec<&str> =
        written.chars().filter_map(|c| c.to_digit(10)).map(|digit| NAMES[digit as usize]).collect();
    names.join(" ")
}

/// A number as written: "1,234", "3.50", ".5", "007".
pub(super) fn number(written: &str) -> String {
    let (whole, decimals) = written.split_once('.').unwrap_or((written, ""));
    let whole = integer(whole);
    match (whole.is_empty(), decimals.is_empty()) {
        (_, true) => whole,
        (true, false) => format!("point {}", digits(decimals)),
        (false, false) => format!("{whole} point {}", digits(decimals)),
    }
}

/// A whole number as written, with or without commas.
fn integer(written: &str) -> String {
    let plain: String = written.chars().filter(char::is_ascii_digit).collect();
    let coded = plain.len() > 1 && plain.starts_with('0');
    match plain.parse() {
        Ok(value) if !coded && plain.len() <= QUANTITY_DIGITS => cardinal(value),
        _ => digits(&plain),
    }
}

/// "three quarters", "one half", "two thirds"; none if the fraction is not read this way.
pub(super) fn fraction(over: u64, under: u64) -> Option<String> {
    let part = match under {
        2 if over == 1 => "half".to_owned(),
        2 => "halves".to_owned(),
        4 if over == 1 => "quarter".to_owned(),
        4 => "quarters".to_owned(),
        3..=100 if over == 1 => ordinal(under),
        3..=100 => ordinal(under) + "s",
        _ => return None,
    };
    Some(format!("{} {part}", cardinal(over)))
}

/// The value of a number as written, if it is whole and fits.
pub(super) fn value(written: &str) -> Option<u64> {
    written.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_read_in_pairs() {
        assert_eq!(year(1905), "nineteen oh five");
        assert_eq!(year(1900), "nineteen hundred");
        assert_eq!(year(2005), "two thousand five");
        assert_eq!(year(2024), "twenty twenty-four");
    }

    #[test]
    fn codes_and_endless_numbers_are_read_by_digit() {
        assert_eq!(number("007"), "zero zero seven");
        assert_eq!(number("1234567890123456").split(' ').count(), 16);
    }
}
