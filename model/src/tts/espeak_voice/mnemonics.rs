//! Phonemes as espeak-ng takes them: in ASCII, after Kirshenbaum (espeak-ng's docs/phonemes.md).

/// Phonemes of the International Phonetic Alphabet and espeak-ng's mnemonics for them, the longer ones first. Of those
/// that English has in pairs, the mnemonic is English's; other letters are their own.
const MNEMONICS: &[(&str, &str)] = &[
    ("ɜː", "3:"),
    ("ɑː", "A:"),
    ("ɔː", "O:"),
    ("oʊ", "oU"),
    ("əʊ", "oU"),
    ("ɔɪ", "OI"),
    ("æ", "a"),
    ("ɐ", "a#"),
    ("ɑ", "A:"),
    ("ɒ", "0"),
    ("ɔ", "O"),
    ("ə", "@"),
    ("ɚ", "3"),
    ("ɛ", "E"),
    ("ɜ", "3:"),
    ("ɪ", "I"),
    ("ᵻ", "I#"),
    ("ʊ", "U"),
    ("ʌ", "V"),
    ("ø", "Y"),
    ("œ", "W"),
    ("ʃ", "S"),
    ("ʒ", "Z"),
    ("θ", "T"),
    ("ð", "D"),
    ("ŋ", "N"),
    ("ɲ", "n^"),
    ("ʎ", "l^"),
    ("ç", "C"),
    ("ɟ", "J"),
    ("ɣ", "Q"),
    ("β", "B"),
    ("ʔ", "?"),
    ("ɾ", "*"),
    ("ɹ", "r"),
    ("ʁ", "r"),
    ("ɫ", "l"),
    ("ɡ", "g"),
    ("ː", ":"),
    ("ˈ", "'"),
    ("ˌ", ","),
    ("\u{303}", "~"),
    (" ", "||"),
];

/// The phonemes as espeak-ng takes them between `[[` and `]]`; none where it has no name for one.
pub(super) fn mnemonics(phonemes: &str) -> Option<String> {
    let mut mnemonics = String::new();
    let mut rest = phonemes;
    while let Some(first) = rest.chars().next() {
        let known = MNEMONICS.iter().find(|(phoneme, _)| rest.starts_with(phoneme));
        let length = match known {
            Some((phoneme, mnemonic)) => {
                mnemonics.push_str(mnemonic);
                phoneme.len()
            }
            None if first.is_ascii_lowercase() => {
                mnemonics.push(first);
                1
            }
            None => return None,
        };
        rest = &rest[length..];
    }
    Some(mnemonics)
}
