use proptest::prelude::*;

use super::*;

fn lexicon(entries: &[(&str, &str)]) -> Lexicon {
    Lexicon::new(entries.iter().copied()).unwrap()
}

/// What is read, with phonemes in place of their stand-ins.
fn read(lexicon: &Lexicon, clause: &str) -> String {
    let reading = lexicon.read(clause, |_| true);
    let mut text = reading.text().to_owned();
    let given: Vec<_> = reading.phonemes().collect();
    for (range, phonemes) in given.into_iter().rev() {
        text.replace_range(range, &format!("/{phonemes}/"));
    }
    text
}

fn error(word: &str, said: &str) -> String {
    Lexicon::new([(word, said)]).unwrap_err().to_string()
}

#[test]
fn words_are_found_whole_in_any_case_with_what_stands_around_them() {
    let lexicon = lexicon(&[
        ("Saoirse", "SEER-sha"),
        ("Niamh", "/niːv/"),
        ("gif", "jif"),
        ("Saoirse Ronan", "the actress"),
        ("C++", "see plus plus"),
        ("Zoë", "zoey"),
        ("O'Brien", "oh bryan"),
    ]);
    for (clause, expected) in [
        ("Saoirse", "SEER-sha"),
        (
            "I met Saoirse, her (saoirse) and SAOIRSE.",
            "I met SEER-sha, her (SEER-sha) and SEER-sha.",
        ),
        ("Saoirse's and Saoirse’s dog", "SEER-sha's and SEER-sha’s dog"),
        ("“Saoirse” or Saoirse-led or *Saoirse*", "“SEER-sha” or SEER-sha-led or *SEER-sha*"),
        ("Niamh's and niamh.", "/niːvz/ and /niːv/."),
        ("anti-Niamh-like", "anti- /niːv/ like"),
        ("Saoirse  Ronan and Saoirse's Ronan", "the actress and SEER-sha's Ronan"),
        ("gifs, gift, a gif", "gifs, gift, a jif"),
        ("C++, c++ and C", "see plus plus, see plus plus and C"),
        ("Zoë and ZOË", "zoey and zoey"),
        ("O’Brien", "oh bryan"),
        ("gif'll, d'gif", "gif'll, d'gif"),
        ("gif.com or a@gif.org or https://x/gif", "gif.com or a@gif.org or https://x/gif"),
        ("", ""),
    ] {
        assert_eq!(read(&lexicon, clause), expected, "{clause}");
    }
}

#[test]
fn a_word_in_capitals_is_found_only_so() {
    let lexicon = lexicon(&[("US", "you ess"), ("who", "hoo"), ("WHO", "the health people")]);
    assert_eq!(read(&lexicon, "Tell us of the US."), "Tell us of the you ess.");
    assert_eq!(read(&lexicon, "Who is the WHO?"), "hoo is the the health people?");
}

#[test]
fn what_is_said_for_a_word_is_not_looked_up_again() {
    let lexicon = lexicon(&[("a", "b"), ("b", "a"), ("c", "c c"), ("x", "y z"), ("z", "x")]);
    assert_eq!(read(&lexicon, "a b c x z"), "b a c c y z x");
}

#[test]
fn words_of_scripts_that_do_not_part_them_are_found() {
    let lexicon = lexicon(&[("東京", "Tokyo"), ("สวัสดี", "sawatdee"), ("Москва", "Moscow")]);
    assert_eq!(read(&lexicon, "東京都は"), "Tokyo都は");
    assert_eq!(read(&lexicon, "in 東京."), "in Tokyo.");
    assert_eq!(read(&lexicon, "МОСКВА и москвич"), "Moscow и москвич");
}

#[test]
fn what_is_said_maps_back_to_the_written_word() {
    let lexicon = lexicon(&[("SQL", "structured query"), ("Niamh", "/niːv/")]);
    let clause = "Niamh's SQL, ok";
    let reading = lexicon.read(clause, |_| true);
    assert_eq!(reading.text(), "Name structured query, ok");
    let spoken: Vec<_> = [4, 15, 21, 22, 25].map(|at| reading.written(at)).into();
    let heard: Vec<_> = spoken.iter().map(|at| at.map(|at| &clause[..at])).collect();
    let all = Some(clause);
    assert_eq!(heard, [Some("Niamh's"), None, Some("Niamh's SQL"), Some("Niamh's SQL,"), all]);
}

#[test]
fn a_voice_without_the_phonemes_reads_the_word_as_it_is_written() {
    let lexicon = lexicon(&[("Niamh", "/niːv/"), ("gif", "jif")]);
    let reading = lexicon.read("Niamh's gif", |phonemes| phonemes != "niːv");
    assert_eq!((reading.text(), reading.phonemes().count()), ("Niamh's jif", 0));
}

#[test]
fn transcriptions_are_taken_as_people_write_them() {
    let lexicon =
        lexicon(&[("a", "/ 'gɜ:.t͡ʃər /"), ("x", "/ɹɝʤ/"), ("z", "/bʊʃ/"), ("k", "/kæt/")]);
    assert_eq!(read(&lexicon, "a x"), "/ɡˈɜːtʃəɹ/ /ɹɜːdʒ/");
    assert_eq!(read(&lexicon, "z's k's a's"), "/bʊʃᵻz/ /kæts/ /ɡˈɜːtʃəɹz/");
}

#[test]
fn what_is_no_entry_is_named() {
    for (word, said, named) in [
        ("", "x", "which does not begin with a letter or a digit"),
        (" ", "x", "which does not begin"),
        ("...", "x", "of `...`, which does not begin"),
        ("Saoirse", "", "the pronunciation of `Saoirse` is empty"),
        ("Saoirse", " - ", "the pronunciation of `Saoirse` is empty"),
        ("Saoirse", "//", "is empty"),
        ("Saoirse", "/ˈː/", "is empty"),
        ("Saoirse", "/", "has '/'"),
        ("Saoirse", "/sɪ", "has '/'"),
        ("Saoirse", "[[s'IS@]]", "has '['"),
        ("Saoirse", "<b>x</b>", "has '<'"),
        ("Saoirse", "a\u{1b}[31m", "has '\\u{1b}'"),
        ("Saoirse", "/s5/", "`Saoirse` have '5', which is no letter"),
        ("Saoirse", "/Сирша/", "have 'С'"),
        ("a\u{0}b", "x", "`a\\0b`, which has '\\0'"),
        ("**a**", "x", "has '*'"),
        ("\u{1b}[31mred", "x", "`\\u{1b}[31mred`, which has '\\u{1b}'"),
    ] {
        let error = error(word, said);
        assert!(error.contains(named), "{word:?} = {said:?}: {error}");
    }
    let long = error(&"a".repeat(10_000), "x");
    assert!(long.contains("at most 64 bytes") && long.len() < 300, "{long}");
    assert!(error("a", &"a ".repeat(10_000)).contains("is too long"));
    let twice = Lexicon::new([("Ada", "a"), ("ada", "b")]).unwrap_err();
    assert_eq!(twice.to_string(), "`ada` has two pronunciations");
}

#[test]
fn thousands_of_words_are_taken_and_no_more() {
    let word = |number: usize| (format!("the word{number}"), "x".to_owned());
    let most = Lexicon::new((0..10_000).map(word)).unwrap();
    assert_eq!(read(&most, "the word9999 and the word10000"), "x and the word10000");
    let error = Lexicon::new((0..10_001).map(word)).unwrap_err();
    assert_eq!(error, LexiconError::TooMany { count: 10_001 });
}

#[test]
fn of_two_lexicons_the_nearer_counts() {
    let call = lexicon(&[("Ada", "ay da"), ("US", "you ess")]);
    let all = call.or(&lexicon(&[("ada", "no"), ("us", "uz"), ("Bob", "bop")])).unwrap();
    assert_eq!(read(&all, "Ada, US, us, Bob"), "ay da, you ess, uz, bop");
}

proptest! {
    #[test]
    fn any_entry_is_one_or_an_error_and_any_clause_is_read(
        entries in prop::collection::vec(("(\\PC|[ab' /ə.\\-]){0,6}", "(\\PC|[ab' /ə.\\-]){0,6}"), 0..4),
        clause in "(\\PC|[ab'’ /.\\-@]){0,30}",
    ) {
        let kept: Vec<_> = entries.into_iter().filter(|(word, said)| Lexicon::new([(word, said)]).is_ok()).collect();
        let lexicon = Lexicon::new(kept).unwrap_or_default();
        let reading = lexicon.read(&clause, |_| true);
        let mut last = 0;
        for at in 0..=reading.text().len() {
            let Some(written) = reading.written(at).filter(|_| reading.text().is_char_boundary(at)) else { continue };
            prop_assert!(clause.is_char_boundary(written) && written >= last);
            last = written;
        }
        prop_assert_eq!(last, clause.len());
    }
}
