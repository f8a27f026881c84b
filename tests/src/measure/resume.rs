//! Whether a reply that fell silent continues where it was, judged by its audio.
//!
//! What follows the gap is compared with the reply before it by normalised cross-correlation: if it
//! is found there, the reply went back to that point. A synthesiser that speaks the same words with
//! different samples is not found; then the words decide, see [`same_words`].

use duplex_audio::resample;

use super::{sides::excerpt, words};

/// Sample rate of the comparison, in Hz: half of it covers the voiced part of speech, and the work
/// grows with its square.
const RATE: u32 = 4_000;
/// How much of what follows the gap is compared, in ms.
const COMPARED: f64 = 600.0;
/// Sounds are the same if most of their blocks of this length, in ms, are: one loud vowel is like
/// any other of that voice.
const BLOCK: f64 = 100.0;
/// Blocks with less than this share of the loudest block's energy are ignored.
const SOFT: f64 = 0.001;
/// Less audio than this, in ms, cannot be judged.
const SHORTEST: f64 = 200.0;
/// The longest part of a reply that is searched, in ms.
const SEARCHED: f64 = 20_000.0;
/// Sounds with at least this correlation are the same. Vowels of one voice reach 0.6.
const SAME: f32 = 0.8;
/// A word or two may be repeated, in ms.
const MOST_REPEATED: f64 = 1_000.0;
/// How many first words identify a beginning.
const FIRST_WORDS: usize = 3;

/// A gap in a reply, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// When the reply began.
    pub began: f64,
    /// When it fell silent.
    pub cut: f64,
    /// When it was heard again.
    pub again: f64,
    /// Until when it was heard then.
    pub until: f64,
}

/// How far, in ms, the reply goes back after the gap, if that is more than a word or two. None if
/// it continues, or if something follows that was not heard before.
pub fn went_back(track: &[f32], rate: u32, gap: Gap) -> Option<f64> {
    let began = gap.began.max(gap.cut - SEARCHED);
    let low = |from: f64, to: f64| resample::convert(excerpt(track, rate, from, to), rate, RATE);
    let after = low(gap.again, gap.until.min(gap.again + COMPARED));
    if (after.len() as f64) < SHORTEST * f64::from(RATE) / 1000.0 {
        return None;
    }
    let before = low(began, gap.cut);
    let lag = best_match(&before, &after)?;
    let likeness = likeness(&before[lag..lag + after.len()], &after)?;
    let back = gap.cut - (began + lag as f64 * 1000.0 / f64::from(RATE));
    (likeness >= SAME && back > MOST_REPEATED).then_some(back)
}

/// Whether what follows the gap begins with the words that the reply began with.
pub fn same_words(beginning: &str, after: &str) -> bool {
    let first = |text| words::normalise(text).into_iter().take(FIRST_WORDS).collect::<Vec<_>>();
    let (beginning, after) = (first(beginning), first(after));
    beginning.len().min(after.len()) == FIRST_WORDS
        && strsim::generic_levenshtein(&beginning, &after) <= 1
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|x| f64::from(x * x)).sum()
}

/// The median of the blocks' correlations, from -1 to 1. None if no block is loud enough.
fn likeness(a: &[f32], b: &[f32]) -> Option<f32> {
    let block = (BLOCK / 1000.0 * f64::from(RATE)) as usize;
    let blocks = || a.chunks_exact(block).zip(b.chunks_exact(block));
    let loudest = blocks().map(|(_, b)| energy(b)).fold(0.0, f64::max);
    let mut found: Vec<f32> = blocks()
        .filter(|(_, b)| energy(b) > loudest * SOFT)
        .map(|(a, b)| {
            let product: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum();
            (product / (energy(a) * energy(b)).sqrt().max(f64::MIN_POSITIVE)) as f32
        })
        .collect();
    found.sort_by(f32::total_cmp);
    found.get(found.len() / 2).copied()
}

/// The position in `sound` that matches `sample` best.
fn best_match(sound: &[f32], sample: &[f32]) -> Option<usize> {
    let norm = energy(sample);
    if norm <= 0.0 || sound.len() < sample.len() {
        return None;
    }
    // The energy of the window is updated: what leaves it is subtracted, and what enters it is
    // added.
    let mut power = energy(&sound[..sample.len()]);
    let mut best = (0, f32::MIN);
    for (lag, window) in sound.windows(sample.len()).enumerate() {
        let product: f32 = window.iter().zip(sample).map(|(a, b)| a * b).sum();
        let likeness = f64::from(product) / (norm * power).sqrt().max(f64::MIN_POSITIVE);
        if likeness as f32 > best.1 {
            best = (lag, likeness as f32);
        }
        let entering = sound.get(lag + sample.len()).copied().unwrap_or(0.0);
        power = (power + f64::from(entering * entering - window[0] * window[0])).max(0.0);
    }
    Some(best.0)
}

#[cfg(test)]
mod tests {
    use duplex_audio::{Clip, noise};

    use super::*;

    const HZ: u32 = 16_000;

    /// Two seconds of a voice, a gap of half a second, and more of the voice from `position` on.
    fn resumed_at(position: usize) -> (Vec<f32>, Gap) {
        let voice: Vec<f32> = noise::pink(5).take(64_000).map(|x| 0.1 * x).collect();
        let mut track = voice[..32_000].to_vec();
        track.resize(40_000, 0.0);
        track.extend(voice[position..position + 16_000].iter().map(|x| x * 0.7));
        (track, Gap { began: 0.0, cut: 2_000.0, again: 2_500.0, until: 3_500.0 })
    }

    #[test]
    fn a_reply_that_goes_on_does_not_go_back() {
        for position in [32_000, 24_000] {
            let (track, gap) = resumed_at(position);
            assert_eq!(went_back(&track, HZ, gap), None, "from sample {position}");
        }
    }

    #[test]
    fn a_reply_that_starts_over_goes_back_to_its_beginning() {
        let (track, gap) = resumed_at(0);
        let back = went_back(&track, HZ, gap).unwrap_or_default();
        assert!((back - 2_000.0).abs() < 2.0, "{back} ms");
    }

    #[test]
    fn another_sentence_of_the_same_voice_is_no_repetition() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("speech");
        let list = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap_or_default();
        let clips = list.lines().filter(|line| line.contains("af_heart"));
        let clips = clips.filter_map(|line| line.split('\t').next());
        let mut voice = Vec::new();
        for clip in clips {
            let path = folder.join(clip).with_extension("flac");
            voice.extend(Clip::read(path).map(|clip| clip.mono(HZ)).unwrap_or_default());
        }
        let length = voice.len() as f64 * 1000.0 / f64::from(HZ);
        assert!(length > 20_000.0, "{length} ms of speech");
        for cut in (2_000..length as usize - 1_000).step_by(1_400).map(|cut| cut as f64) {
            let gap = Gap { began: 0.0, cut, again: cut, until: cut + 1_000.0 };
            assert_eq!(went_back(&voice, HZ, gap), None, "at {cut} ms");
        }
    }

    #[test]
    fn words_show_a_beginning_where_the_sound_differs() {
        assert!(same_words("The reason for the change", "the reason four"));
        assert!(!same_words("The reason for the change", "during autumn is due"));
        assert!(!same_words("The", "The"), "too little to tell");
    }
}
