//! What of HTML is found in what models write: tags, and names of characters.

/// What a tag does to what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// It begins or ends a line.
    Line,
    /// It begins or ends a cell of a table.
    Cell,
    /// What follows is an exponent.
    Exponent,
    /// Nothing.
    Inline,
}

/// The tag of this name, in any case; none if HTML has no such tag.
pub(super) fn tag(name: &str) -> Option<Tag> {
    Some(match name.to_ascii_lowercase().as_str() {
        "br" | "p" | "div" | "li" | "ul" | "ol" | "dl" | "dt" | "dd" | "tr" | "table" | "thead"
        | "tbody" | "hr" | "pre" | "blockquote" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "section" | "article" | "header" | "footer" | "details" | "summary" | "body" | "html" => {
            Tag::Line
        }
        "td" | "th" => Tag::Cell,
        "sup" => Tag::Exponent,
        "a" | "abbr" | "b" | "big" | "cite" | "code" | "del" | "em" | "font" | "i" | "img"
        | "ins" | "kbd" | "mark" | "q" | "s" | "small" | "span" | "strike" | "strong" | "sub"
        | "tt" | "u" | "var" | "wbr" => Tag::Inline,
        _ => return None,
    })
}

/// The character that a name between `&` and `;` stands for.
pub(super) fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "deg" => '°',
        "euro" => '€',
        "pound" => '£',
        "yen" => '¥',
        "times" => '×',
        "divide" => '÷',
        "plusmn" => '±',
        "frac12" => '½',
        "frac14" => '¼',
        "frac34" => '¾',
        "sup2" => '²',
        "sup3" => '³',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "rarr" => '→',
        "bull" | "middot" => '•',
        _ => return None,
    })
}
