//! Expands lists of values into the combinations to run.

use std::collections::BTreeSet;

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_pcg::Pcg32;

use super::file::{Effect, Level, OneOrMore, Part, VaryKeys};
use duplex_audio::room::NoiseKind;

/// Most combinations of a case; more than this are a mistake.
pub(super) const MOST: usize = 10_000;

/// One combination of the values that vary.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Variation {
    /// One for each turn without a sound of its own.
    pub(super) takes: Vec<Take>,
    pub(super) gap_ms: Option<u64>,
    pub(super) gain_db: Option<f32>,
    pub(super) speed: Option<f64>,
    pub(super) snr_db: Option<Level>,
    pub(super) echo_db: Option<Level>,
    pub(super) noise: Option<NoiseKind>,
}

/// The sound of a turn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Take {
    Clips(Vec<Part>),
    Effect(Effect),
}

/// The combinations of a case with `open` turns that have no sound of their own.
///
/// # Errors
/// The number of combinations, if it exceeds [`MOST`].
pub(super) fn variations(vary: &VaryKeys, open: usize) -> Result<Vec<Variation>, usize> {
    let takes = takes(vary, open);
    let sizes = [
        takes.len(),
        size(&vary.gap_ms),
        size(&vary.gain_db),
        size(&vary.speed),
        size(&vary.echo_db),
        size(&vary.snr_db),
        size(&vary.noise),
    ];
    let whole = sizes.iter().fold(1usize, |product, &size| product.saturating_mul(size.max(1)));
    let wanted = vary.count.map_or(whole, |count| count.min(whole));
    if wanted > MOST {
        return Err(whole);
    }
    let rows = rows(&sizes, wanted, vary.seed.unwrap_or(1));
    let variation = |row: Vec<usize>| Variation {
        takes: takes.get(row[0]).cloned().unwrap_or_default(),
        gap_ms: pick(&vary.gap_ms, row[1]),
        gain_db: pick(&vary.gain_db, row[2]),
        speed: pick(&vary.speed, row[3]),
        echo_db: pick(&vary.echo_db, row[4]),
        snr_db: pick(&vary.snr_db, row[5]),
        noise: pick(&vary.noise, row[6]),
    };
    Ok(rows.into_iter().map(variation).collect())
}

fn size<T>(axis: &Option<Vec<T>>) -> usize {
    axis.as_ref().map_or(1, |values| values.len().max(1))
}

fn pick<T: Clone>(axis: &Option<Vec<T>>, index: usize) -> Option<T> {
    axis.as_ref().and_then(|values| values.get(index)).cloned()
}

/// The list of clips or sounds in groups with one for each open turn; the last group is filled up
/// from the beginning of the list.
fn takes(vary: &VaryKeys, open: usize) -> Vec<Vec<Take>> {
    let clips = vary.clip.iter().flatten().map(OneOrMore::items);
    let clips = clips.map(|parts| Take::Clips(parts.to_vec()));
    let effects = vary.sound.iter().flatten().map(|&effect| Take::Effect(effect));
    let all: Vec<Take> = clips.chain(effects).collect();
    if open == 0 || all.is_empty() {
        return vec![Vec::new()];
    }
    let group = |n: usize| all.iter().cycle().skip(n * open).take(open).cloned().collect();
    (0..all.len().div_ceil(open)).map(group).collect()
}

/// `wanted` different combinations of indices below `sizes`, in order: all of them, or a sample in which
/// the values of each axis occur about equally often (Latin hypercube sampling: McKay, Beckman and
/// Conover 1979).
fn rows(sizes: &[usize], wanted: usize, seed: u64) -> Vec<Vec<usize>> {
    let whole = sizes.iter().fold(1usize, |product, &size| product.saturating_mul(size.max(1)));
    if wanted >= whole {
        return (0..whole).map(|number| row(sizes, number)).collect();
    }
    let mut random = Pcg32::seed_from_u64(seed);
    let columns: Vec<Vec<usize>> =
        sizes.iter().map(|&size| column(size, wanted, &mut random)).collect();
    let mut drawn = BTreeSet::new();
    for n in 0..wanted {
        let drawn_row = sizes.iter().zip(&columns);
        let mut number =
            drawn_row.fold(0, |number, (&size, column)| number * size.max(1) + column[n]);
        // If a combination is taken, the next free one replaces it.
        while !drawn.insert(number) {
            number = (number + 1) % whole;
        }
    }
    drawn.into_iter().map(|number| row(sizes, number)).collect()
}

/// `count` indices below `size`, each as often as the others or once more.
fn column(size: usize, count: usize, random: &mut Pcg32) -> Vec<usize> {
    let mut indices = Vec::new();
    while indices.len() < count {
        let mut round: Vec<usize> = (0..size.max(1)).collect();
        round.shuffle(random);
        indices.extend(round);
    }
    indices.truncate(count);
    indices
}

/// The combination with a number, the last axis counting fastest.
fn row(sizes: &[usize], mut number: usize) -> Vec<usize> {
    let mut row = vec![0; sizes.len()];
    for (index, &size) in row.iter_mut().zip(sizes).rev() {
        *index = number % size.max(1);
        number /= size.max(1);
    }
    row
}

impl Variation {
    /// What distinguishes it from the others of its case, for the case's name; empty if nothing
    /// does.
    pub(super) fn name(&self) -> String {
        let mut parts: Vec<String> = self.takes.iter().map(Take::name).collect();
        let level = |level: Level| level.db().map_or("none".to_owned(), |db| db.abs().to_string());
        parts.extend(self.gap_ms.map(|gap| format!("gap{gap}")));
        parts.extend(
            self.gain_db.filter(|&gain| gain != 0.0).map(|gain| {
                format!("{}{}", if gain < 0.0 { "softer" } else { "louder" }, gain.abs())
            }),
        );
        parts.extend(self.speed.filter(|&speed| speed != 1.0).map(|x| format!("speed{x}")));
        parts.extend(self.echo_db.map(|echo| format!("echo{}", level(echo))));
        parts.extend(self.snr_db.map(|snr| format!("snr{}", level(snr))));
        parts.extend(self.noise.map(|noise| format!("{noise:?}").to_lowercase()));
        parts.join("-")
    }
}

impl Take {
    fn name(&self) -> String {
        match self {
            Self::Effect(effect) => format!("{effect:?}").to_lowercase(),
            Self::Clips(parts) => parts.iter().map(Part::name).collect::<Vec<_>>().join("+"),
        }
    }
}

impl Part {
    /// The clip's name, and where a part of it begins.
    fn name(&self) -> String {
        match self {
            Self::Whole(clip) => clip.clone(),
            Self::Cut(cut) => format!("{}@{}", cut.clip, cut.from_ms.unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_count_every_combination_comes_once() {
        let all = rows(&[2, 1, 3], 6, 1);
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
    }

    #[test]
    fn a_sample_contains_no_combination_twice() {
        for seed in 0..20 {
            let sample = rows(&[3, 4, 2], 23, seed);
            assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), 23);
        }
    }

    #[test]
    fn a_sample_of_a_large_product_uses_each_value_equally_often() {
        let sample = rows(&[5, 7, 3, 11], 30, 4);
        for (axis, size) in [5, 7, 3, 11].into_iter().enumerate() {
            let uses: Vec<usize> = (0..size)
                .map(|value| sample.iter().filter(|row| row[axis] == value).count())
                .collect();
            // A replaced combination moves one value; hence the margin of one.
            let fair = 30 / size;
            assert!(uses.iter().all(|&n| n + 1 >= fair && n <= fair + 2), "axis {axis}: {uses:?}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_sample_and_another_seed_another() {
        assert_eq!(rows(&[9, 9, 9], 20, 3), rows(&[9, 9, 9], 20, 3));
        assert_ne!(rows(&[9, 9, 9], 20, 3), rows(&[9, 9, 9], 20, 4));
    }
}
