//! A fixed quarter of a set, for runs in real time.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::case::{Case, Category};

/// Which of the quarters it is. Results of different runs are comparable only while it stays the same.
const SEED: &str = "duplex-quarter-1:";

/// The share of each category that is taken, rounded up: one case in so many.
const ONE_IN: usize = 4;

/// Keeps a quarter of the cases of each category, rounded up, in their order.
///
/// Which they are depends on nothing but the names of the cases in a category: neither on the order of
/// the cases nor on other categories. A case that is added to a category replaces one of its quarter at
/// most.
pub fn quarter(cases: &mut Vec<Case>) {
    let chosen = chosen(cases.iter().map(|case| (case.category, case.id.as_str())));
    cases.retain(|case| chosen.contains(&case.id));
}

/// The names of a stratified quarter: of each category those with the smallest digests.
fn chosen<'a>(cases: impl Iterator<Item = (Category, &'a str)>) -> BTreeSet<String> {
    let mut categories: BTreeMap<Category, BTreeSet<([u8; 32], &str)>> = BTreeMap::new();
    for (category, id) in cases {
        let digest = Sha256::digest(format!("{SEED}{id}"));
        categories.entry(category).or_default().insert((digest.into(), id));
    }
    let quarter = |ordered: BTreeSet<([u8; 32], &'a str)>| {
        let count = ordered.len().div_ceil(ONE_IN);
        ordered.into_iter().take(count).map(|(_, id)| id.to_owned())
    };
    categories.into_values().flat_map(quarter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as the shipped set has them, so many of each category.
    fn names(each: usize) -> Vec<(Category, String)> {
        let of = |category: Category| {
            (0..each).map(move |n| (category, format!("{}/q{n:02}", category.as_str())))
        };
        Category::ALL.into_iter().flat_map(of).collect()
    }

    fn chosen_of(names: &[(Category, String)]) -> BTreeSet<String> {
        chosen(names.iter().map(|(category, id)| (*category, id.as_str())))
    }

    #[test]
    fn the_quarter_does_not_depend_on_the_order_of_the_cases() {
        let mut names = names(30);
        let first = chosen_of(&names);
        names.reverse();
        assert_eq!(chosen_of(&names), first);
        names.sort_by_key(|(_, id)| id.chars().rev().collect::<String>());
        assert_eq!(chosen_of(&names), first);
    }

    #[test]
    fn each_category_has_a_quarter_rounded_up() {
        for each in [1, 2, 4, 5, 18, 30, 31] {
            let chosen = chosen_of(&names(each));
            for category in Category::ALL {
                let begin = format!("{}/", category.as_str());
                let count = chosen.iter().filter(|id| id.starts_with(&begin)).count();
                assert_eq!(count, each.div_ceil(4), "{category:?} of {each}");
            }
        }
    }

    #[test]
    fn a_case_that_is_added_changes_no_other_category() {
        let before = names(30);
        let mut after = before.clone();
        after.push((Category::Turn, "turn/another".to_owned()));
        let others = |names: &[(Category, String)]| -> Vec<String> {
            chosen_of(names).into_iter().filter(|id| !id.starts_with("turn/")).collect()
        };
        assert_eq!(others(&before), others(&after));
        let lost = chosen_of(&before).difference(&chosen_of(&after)).count();
        assert!(lost <= 1, "{lost} cases gave way to one");
    }

    #[test]
    fn the_quarter_is_the_same_in_every_version() {
        let names: Vec<_> = (0..8).map(|n| (Category::Turn, format!("turn/q{n}"))).collect();
        assert_eq!(Vec::from_iter(chosen_of(&names)), ["turn/q3", "turn/q5"]);
    }
}
