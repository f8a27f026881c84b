//! Web addresses, mail addresses and file names.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::digits;

/// Maximum length of an address; what follows is read as text.
const PATTERN: &str = r"(?x)^(?:
    https?://[^\s<>()\x{22}]{1,100}
  | www\.[^\s<>()\x{22}]{1,100}
  | [A-Za-z0-9._%+-]{1,40}@[A-Za-z0-9-]{1,40}(?:\.[A-Za-z0-9-]{1,40})+
  | [A-Za-z0-9_-]{1,40}(?:\.[a-z0-9_-]{1,40})*\.[a-z][a-z0-9]{1,10}(?:/[^\s<>()\x{22}]{0,100})?
)";

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(PATTERN).expect("a valid pattern"));

/// Length in bytes of the address that `rest` starts with, and its spoken form.
pub(super) fn read(rest: &str) -> Option<(usize, String)> {
    let found = ADDRESS.find(rest)?.as_str();
    let found = found.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '-']);
    if !found.contains(['.', '/']) {
        return None;
    }
    let after = rest[found.len()..].chars().next();
    if after.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let bare = found.split_once("://").map_or(found, |(_, bare)| bare);
    // Nobody reads out a query.
    let bare = bare.split(['?', '#']).next().unwrap_or(bare);
    let bare = bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/');
    let mut spoken = String::new();
    for c in bare.chars() {
        if c.is_alphabetic() {
            spoken.push(c);
            continue;
        }
        let mut say = |word: &str| {
            if !spoken.ends_with(' ') && !spoken.is_empty() {
                spoken.push(' ');
            }
            spoken.push_str(word);
            spoken.push(' ');
        };
        match c {
            '.' => say("dot"),
            '/' => say("slash"),
            ':' => say("colon"),
            '-' => say("dash"),
            '_' => say("underscore"),
            '@' => say("at"),
            '+' => say("plus"),
            '=' => say("equals"),
            c if c.is_ascii_digit() => say(&digits(c.encode_utf8(&mut [0; 4]))),
            _ => say(""),
        }
    }
    let spoken = spoken.split_whitespace().collect::<Vec<_>>().join(" ");
    (!spoken.is_empty()).then_some((found.len(), spoken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_before_the_full_stop_of_its_sentence() {
        assert_eq!(read("example.com. Then"), Some((11, "example dot com".to_owned())));
    }

    #[test]
    fn a_sentence_end_without_a_space_is_no_address() {
        assert_eq!(read("done.Then"), None);
        assert_eq!(read("word"), None);
    }
}
