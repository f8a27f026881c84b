use proptest::prelude::*;

use super::*;

fn spoken(pieces: &[&str]) -> String {
    let (mut text, mut out) = (SpeechText::default(), String::new());
    pieces.iter().for_each(|piece| text.push(piece, &mut out));
    text.finish(&mut out);
    out
}

#[test]
fn plain_sentences_pass_unchanged() {
    let text = "It's 3.5 miles, or 5-6 km (roughly). Isn't that well-known? 20% off: $4.99!";
    assert_eq!(spoken(&[text]), text);
}

#[test]
fn emphasis_code_and_headings_lose_their_marks() {
    assert_eq!(
        spoken(&["# Tips\n\nUse **bold** and `code`, *always*."]),
        "Tips. Use bold and code, always."
    );
}

#[test]
fn list_items_become_sentences() {
    assert_eq!(spoken(&["Try:\n1. Walk\n2) Run\n- Swim\n* Rest."]), "Try: Walk. Run. Swim. Rest.");
}

#[test]
fn a_line_without_a_stop_gets_one_whatever_closes_it() {
    assert_eq!(
        spoken(&["- Walk (slowly)\n- Give 100%\n- Say \"Yes.\"\n- And \"No\"\nThen 休む。\nRest"]),
        "Walk (slowly). Give 100%. Say \"Yes.\" And \"No\". Then 休む。 Rest"
    );
}

#[test]
fn paragraphs_go_on_after_one_another() {
    assert_eq!(
        spoken(&["It is late.\n\nSo go home\n\n## Tomorrow\n\nCome again."]),
        "It is late. So go home. Tomorrow. Come again."
    );
}

#[test]
fn numbers_that_begin_a_line_are_kept() {
    for text in ["365 days make a year.", "3.14 is pi.", "12", "1969.", "-5 degrees"] {
        assert_eq!(spoken(&[text]), text);
    }
}

#[test]
fn emoji_are_silent_and_links_are_read_by_their_text() {
    assert_eq!(
        spoken(&["Hi \u{1F44B}\u{1F3FD} there \u{2764}\u{FE0F}! See [the docs](https://x.y/z)."]),
        "Hi there! See the docs."
    );
}

#[test]
fn a_text_breaks_off_until_its_sentence_ends() {
    for text in ["Paris", "The answer to the", "It is \"Paris\"", "Milk, eggs,", "好的"] {
        assert!(breaks_off(text), "{text}");
    }
    for text in ["", "Paris.", "It is \"Paris.\"", "Really?", "好的。", "Well done! 🎉", "Wait…"]
    {
        assert!(!breaks_off(text), "{text}");
    }
}

#[test]
fn titles_and_initials_end_no_sentence() {
    for text in ["It is here.", "Really?", "He said \"no.\"", "So am I.", "It costs 5."] {
        assert!(ends_sentence(text), "{text}");
    }
    for text in ["Her name is Mrs.", "By J. R. R.", "It is", "It is,", ""] {
        assert!(!ends_sentence(text), "{text}");
    }
}

proptest! {
    #[test]
    fn where_the_text_is_cut_does_not_matter(text in "[ a1.*_~#`|<>&;:!$^{}x/\\\\\\-\\n\\])(\\[]{0,40}|(\\PC|[\\n`|]){0,30}", cut in 0usize..40) {
        let cut = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
        prop_assert_eq!(spoken(&[&text[..cut], &text[cut..]]), spoken(&[&text]));
    }

    #[test]
    fn nothing_spoken_has_loose_white_space(text in "\\PC{0,60}|[ a1.\\-*#\\n]{0,40}") {
        let said = spoken(&[&text]);
        prop_assert_eq!(said.trim(), said.as_str());
        prop_assert!(!said.contains("  ") && !said.contains('\n'));
    }
}

/// Written by a model, heard by a person.
const TABLE: &[(&str, &str)] = &[
    // Headings, rules, quotations, lists
    ("Title\n=====\nText\n\n---\n\nMore", "Title. Text. More"),
    ("> It is\n> so.\n>> Really", "It is. so. Really"),
    ("- Fruit\n  - Apples\n    1. Red\n  - Pears", "Fruit. Apples. Red. Pears"),
    ("- [ ] Milk\n- [x] Bread", "Milk. Bread"),
    ("– One\n• Two\n→ Three", "One. Two. Three"),
    ("1️⃣ Walk\n2️⃣ Run", "Walk. Run"),
    ("***\nSo\n___", "So"),
    // Emphasis, and what looks like it
    ("**Bold**, *it*, __b__, _i_, ~~old~~ ***all***.", "Bold, it, b, i, old all."),
    ("3 * 4 is 2*6, ~50 of snake_case", "3 × 4 is 2×6, ~50 of snake case"),
    // Tables
    ("| Name | Age |\n|:-----|----:|\n| Ann | 5 |\n| Bob | 7 |", "Name, Age. Ann, 5. Bob, 7"),
    ("Name | Age\n--- | ---\nAnn | 5", "Name, Age. Ann, 5"),
    // Code
    ("Use `git push -f`.", "Use git push -f."),
    ("Run this:\n```bash\nls -la | wc\n```\nThen stop.", "Run this: Then stop."),
    ("```\nDear Ann,\n```\nThat is it.", "Dear Ann, That is it."),
    ("~~~python\nx = 1\n```\n~~~\nDone", "Done"),
    ("```python\nprint(1)", ""),
    ("```x = 1``` is it", "x = 1 is it"),
    // Links, notes, sources, pictures
    ("See [the docs](https://x.y/a_(b)) or [this][1].", "See the docs or this."),
    ("![A cat](cat.png) Meow", "A cat Meow"),
    (
        "It is so[^1], they say [2] and [3-5].\n\n[^1]: In a book.",
        "It is so, they say and. In a book.",
    ),
    ("Rome【4†source】 is old.", "Rome is old."),
    ("Go to <https://x.org/a_b> or <me@x.org>.", "Go to https://x.org/a_b or me@x.org."),
    ("An [open] one and f[0, 1]", "An open one and f0, 1"),
    // HTML
    ("One<br>two<br/><b>three</b> <a href=\"x>\">four</a>", "One. two. three \">four"),
    ("<ul><li>One</li><li>Two</li></ul><!-- no -->", "One. Two"),
    ("<table><tr><td>1</td><td>2</td></tr></table>", "1, 2"),
    (
        "R&amp;D&nbsp;&lt;3 &#8364;5 &hellip; AT&T & co; &unknown;",
        "R&D <3 €5 … AT&T & co; &unknown;",
    ),
    ("10<sup>6</sup> H<sub>2</sub>O", "10^6 H2O"),
    ("a < b and b<c, List<String>", "a < b and b<c, List<String>"),
    // Emoji and signs
    ("Hi 👨‍👩‍👧‍👦 🇩🇪 ❤️‍🔥 ⏰ ✅ ☎️ there 👋🏽!", "Hi there!"),
    ("Press 1️⃣ or #️⃣ on Acme™ ©", "Press or on Acme"),
    ("Settings → Wi-Fi ➡️ On", "Settings, Wi-Fi On"),
    // LaTeX
    ("\\(x^2\\) and \\[a \\times b\\]", "x^2 and a × b"),
    ("$x^2$ and $$\\frac{1}{2}$$ of $5 and 5$.", "x^2 and 1 over 2 of $5 and 5$."),
    ("\\frac{x^{2}}{\\sqrt{y}} \\leq \\pi", "x^2 over √y ≤ pi"),
    ("It is 5\\% \\*or\\* \\$3.", "It is 5% or $3."),
];

#[test]
fn markup_is_said_as_a_person_would_or_left_out() {
    let wrong: Vec<String> = TABLE
        .iter()
        .map(|&(written, said)| (written, said, spoken(&[written])))
        .filter(|(_, said, got)| got != said)
        .map(|(written, said, got)| format!("{written:?}\n  gives   {got:?}\n  but not {said:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_written_form_is_said_alike_in_any_pieces() {
    for (written, said) in TABLE {
        let mut pieces: Vec<_> = written.split_inclusive(|_: char| true).collect();
        assert_eq!(spoken(&pieces), *said);
        pieces.clear();
        for (at, _) in written.char_indices() {
            assert_eq!(spoken(&[&written[..at], &written[at..]]), *said, "{written:?} at {at}");
        }
    }
}
