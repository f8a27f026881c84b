use proptest::prelude::*;

use super::*;

/// Written form, spoken form.
const TABLE: &[(&str, &str)] = &[
    // Numbers
    ("5 apples", "five apples"),
    ("I have 21.", "I have twenty-one."),
    ("105 miles", "one hundred five miles"),
    ("1,000,000 people", "one million people"),
    ("3.14", "three point one four"),
    ("0.5 percent", "zero point five percent"),
    (".5", "point five"),
    ("-4 today", "minus four today"),
    ("Agent 007", "Agent zero zero seven"),
    (
        "1234567890123456789",
        "one two three four five six seven eight nine zero one two three four five six seven eight nine",
    ),
    ("1,2,3", "one, two, three"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("5 - 3", "five minus three"),
    ("3 * 4", "three times four"),
    ("10^6", "ten to the power of six"),
    ("~50", "about fifty"),
    ("10k users and 3M more", "ten thousand users and three million more"),
    ("a 4K screen", "a four K screen"),
    // Ordinals
    ("the 1st", "the first"),
    ("22nd", "twenty-second"),
    ("the 100th time", "the one hundredth time"),
    ("a 5th-grade class", "a fifth grade class"),
    // Money
    ("$45.99", "forty-five dollars and ninety-nine cents"),
    ("$1", "one dollar"),
    ("$0.05", "five cents"),
    ("$1,250.50 in cash.", "one thousand two hundred fifty dollars and fifty cents in cash."),
    ("$3.5 million", "three point five million dollars"),
    ("$5-10", "five to ten dollars"),
    ("-$20", "minus twenty dollars"),
    ("£9.99", "nine pounds and ninety-nine pence"),
    ("20€", "twenty euros"),
    ("100 USD", "one hundred dollars"),
    ("¥500", "five hundred yen"),
    ("$2bn", "two billion dollars"),
    // Dates
    ("2024-03-05", "March fifth twenty twenty-four"),
    ("3/14/2015", "March fourteenth twenty fifteen"),
    ("March 5, 2024", "March fifth twenty twenty-four"),
    ("Mar. 5", "March fifth"),
    ("on July 4th", "on July fourth"),
    ("June 5-7", "June fifth to seventh"),
    ("5 March 2024", "the fifth of March twenty twenty-four"),
    ("the 5th of May", "the fifth of May"),
    ("in September 1999", "in September nineteen ninety-nine"),
    // Years and decades
    ("in 1905.", "in nineteen oh five."),
    ("It fell in 1989, later.", "It fell in nineteen eighty-nine, later."),
    ("1990-1995", "nineteen ninety to nineteen ninety-five"),
    ("1500 sheep", "one thousand five hundred sheep"),
    ("the 1980s", "the nineteen eighties"),
    ("the '90s", "the nineties"),
    ("2000 was", "two thousand was"),
    // Times
    ("3:00", "three o'clock"),
    ("at 3:05 pm", "at three oh five PM"),
    ("Come at 5 p.m. The door is open.", "Come at five PM. The door is open."),
    ("9:30 a.m. on Monday", "nine thirty AM on Monday"),
    ("14:30", "fourteen thirty"),
    ("15:00", "fifteen hundred"),
    ("9:00-17:00", "nine o'clock to seventeen hundred"),
    ("1:02:03", "one oh two and three seconds"),
    ("a 3:2 win", "a three to two win"),
    // Fractions
    ("1/2 cup", "one half cup"),
    ("3/4", "three quarters"),
    ("2 1/2 cups", "two and a half cups"),
    ("1½", "one and a half"),
    ("⅔ of it", "two thirds of it"),
    ("open 24/7", "open twenty-four seven"),
    // Percentages, ranges, units
    ("50%", "fifty percent"),
    ("5-10%", "five to ten percent"),
    ("3–4 days", "three to four days"),
    ("5 km", "five kilometers"),
    ("1 km", "one kilometer"),
    ("100 km/h", "one hundred kilometers per hour"),
    ("72°F", "seventy-two degrees Fahrenheit"),
    ("-5 °C outside", "minus five degrees Celsius outside"),
    ("16GB", "sixteen gigabytes"),
    ("2.5kg", "two point five kilograms"),
    ("20 m²", "twenty square meters"),
    ("He is 5'10\".", "He is five foot ten."),
    ("3x4", "three by four"),
    // Telephone numbers, versions
    ("555-1234", "five five five one two three four"),
    ("(212) 555-0100", "two one two five five five zero one zero zero"),
    ("version 2.0.1", "version two point zero point one"),
    // Abbreviations
    ("Dr. Smith", "Doctor Smith"),
    ("Mr. and Mrs. Jones", "Mister and Missus Jones"),
    ("St. Paul lives on Main St.", "Saint Paul lives on Main Street."),
    ("e.g. this", "for example this"),
    ("cats, dogs, etc.", "cats, dogs, et cetera."),
    ("A vs. B", "A versus B"),
    ("No. 5", "number five"),
    ("No. I do not.", "No. I do not."),
    ("the U.S. Army", "the US Army"),
    ("in the U.S. It is big.", "in the US. It is big."),
    ("J. K. Rowling", "J K Rowling"),
    ("a Ph.D. in art", "a PhD in art"),
    ("World War II", "World War two"),
    ("Henry VIII", "Henry the eighth"),
    ("NASA and the FBI", "NASA and the FBI"),
    ("AT&T", "AT and T"),
    ("R&D", "R and D"),
    ("A4 paper", "eh four paper"),
    ("C# or C++", "C sharp or C plus plus"),
    ("COVID-19", "COVID nineteen"),
    ("MP3", "MP three"),
    // Addresses
    ("https://www.example.com/foo", "example dot com slash foo"),
    ("me@example.org.", "me at example dot org."),
    ("Open main.rs now", "Open main dot rs now"),
    ("https://x.org/a?b=1&c=2#d", "x dot org slash a"),
    ("http://localhost:8080/", "localhost colon eight zero eight zero"),
    ("192.168.0.1", "one nine two dot one six eight dot zero dot one"),
    (".NET and main() of file(s)", "dot NET and main of file"),
    // Telephone numbers of other countries, codes
    ("+44 20 7946 0958", "plus four four two zero seven nine four six zero nine five eight"),
    ("020 7946 0958", "zero two zero seven nine four six zero nine five eight"),
    ("089 123456", "zero eight nine one two three four five six"),
    ("+5 points", "plus five points"),
    ("Call 911 now", "Call nine one one now"),
    ("911 calls", "nine hundred eleven calls"),
    ("ZIP 90210", "ZIP nine zero two one zero"),
    ("978-3-16-148410-0", "nine seven eight three one six one four eight four one zero zero"),
    ("123-45-6789", "one two three four five six seven eight nine"),
    // Numbers and money as they are written elsewhere
    ("€5,50", "five euros and fifty cents"),
    ("1,50 € each", "one euro and fifty cents each"),
    ("$5,500", "five thousand five hundred dollars"),
    ("USD 100 or EUR 5.50", "one hundred dollars or five euros and fifty cents"),
    ("$3.50–$4", "three dollars and fifty cents to four dollars"),
    ("3 bn people", "three billion people"),
    ("1 000 000", "one million"),
    ("1.234.567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
    ("6.02e23", "six point zero two times ten to the power of twenty-three"),
    ("1e-6", "one times ten to the power of minus six"),
    // Dates, times and lengths of time
    ("2024-03-05T14:30:00Z", "March fifth twenty twenty-four at fourteen thirty"),
    ("2024/03/05", "March fifth twenty twenty-four"),
    ("12.05.2024", "May twelfth twenty twenty-four"),
    ("9am-5pm", "nine AM to five PM"),
    ("2h30m", "two hours thirty minutes"),
    ("for 30s", "for thirty seconds"),
    ("'90s music", "nineties music"),
    // Quantities
    ("$5/month", "five dollars per month"),
    ("500 MB/s", "five hundred megabytes per second"),
    ("5 ft 10 in", "five foot ten"),
    ("5 × 3 and 5×3", "five times three and five by three"),
    // Formulas
    ("x^2 + y^3 - 10^-3", "x squared plus y cubed minus ten to the power of minus three"),
    ("e^x", "e to the power of x"),
    ("10⁶ m/s²", "ten to the power of six m s squared"),
    ("CO₂ and H₂O", "CO two and H two O"),
    (
        "x > 5, x >= 5, a != b, a == b",
        "x is greater than five, x is at least five, a is not b, a equals b",
    ),
    ("a -> b => c", "a, b, c"),
    ("Settings > Wi-Fi", "Settings, Wi-Fi"),
    ("B2B and 2B", "B two B and two billion"),
    // Marks
    ("w/ milk, w/o sugar", "with milk, without sugar"),
    ("and/or", "and or"),
    ("**Bold** text", "Bold text"),
    ("# Title\n\n- one\n- two", "Title. one. two"),
    ("Wait... what?!", "Wait, what?"),
    ("yes — no", "yes, no"),
    ("(in brackets) too", "in brackets, too"),
    ("“It’s fine,” she said.", "It's fine, she said."),
    ("state-of-the-art", "state-of-the-art"),
    ("Hi 👋🏽 there\u{200b}!", "Hi there!"),
    ("#1 of #rust", "number one of hashtag rust"),
];

#[test]
fn expressions_are_written_out_for_speech() {
    let wrong: Vec<String> = TABLE
        .iter()
        .map(|&(written, spoken)| (written, spoken, normalise(written)))
        .filter(|(_, spoken, got)| got.text() != *spoken)
        .map(|(written, spoken, got)| {
            format!("{written:?}\n  gives   {:?}\n  but not {spoken:?}", got.text())
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_no_sound_gives_nothing() {
    for silent in ["", " ", "\n", "...", "👋", "\u{7}\u{0}", "—", "*", "\"\""] {
        assert_eq!(normalise(silent), Spoken::default(), "{silent:?}");
    }
}

#[test]
fn an_expression_of_several_words_maps_to_all_it_was_written_as() {
    let text = "It costs $45.99, Dr. Who.";
    let spoken = normalise(text);
    let pairs: Vec<(&str, &str)> = spoken
        .words()
        .iter()
        .map(|word| (&text[word.written.clone()], spoken.word(word)))
        .collect();
    assert_eq!(
        pairs,
        [
            ("It", "It"),
            ("costs", "costs"),
            ("$45.99", "forty-five dollars and ninety-nine cents"),
            ("Dr.", "Doctor"),
            ("Who", "Who"),
        ]
    );
}

/// For any text: ranges in order and on character boundaries; only words and stops; idempotent.
fn check(text: &str) {
    let spoken = normalise(text);
    let (mut written, mut said) = (0, 0);
    for word in spoken.words() {
        assert!(word.written.start >= written && word.spoken.start >= said, "{text:?}");
        assert!(!text[word.written.clone()].is_empty());
        assert!(!spoken.word(word).is_empty());
        (written, said) = (word.written.end, word.spoken.end);
    }
    assert!(
        !spoken.text().contains(|c: char| c.is_control() || c.is_ascii_digit()),
        "{text:?} gives {:?}",
        spoken.text()
    );
    let again = normalise(spoken.text());
    assert_eq!(again.text(), spoken.text(), "of {text:?}");
}

/// Pieces that make the rules interact.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "$", "€", "5", "12", "2024", "1990", "1,000", "3.5", "1/2", "½", "%", "-", "–", "—", ".",
        ",", ":", "/", " ", " ", " ", "\n", "\n\n", "km", "m", "GB", "°C", "am", "p.m.", "PM",
        "Dr", "St", "No", "no", "co", "etc", "e.g.", "U.S.", "Ph.D.", "March", "May", "Jan", "A",
        "I", "II", "War", "Henry", "the", "of", "in", "The", "word", "don't", "'", "’", "\"", "(",
        ")", "*", "#", "@", "&", "+", "=", "<", ">", "~", "^", "x", "s", "th", "st", "k", "K",
        "http://", "www.", ".com", "a@b.co", "👋", "é", "日本", "\u{301}", "\u{200b}", "_", "!",
        "?", "…", "min", "sec", "C", "J", "USD", "²", "⁶", "₂", "->", ">=", "w/", "w/o", "(s)",
        "()", "T14:30", "e6", "+44", "'90s", "\u{a0}", "call", "EUR",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_normalised_once_and_for_all(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn expressions_in_any_order_are_normalised_once_and_for_all(text in pieces()) {
        check(&text);
    }
}
