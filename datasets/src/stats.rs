//! Statistics of a data set: counts, and a page with plots.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use maud::{DOCTYPE, PreEscaped, html};
use plotters::prelude::*;

use crate::dialogue::{Category, Dialogue, Phase};

/// Counts over dialogues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Dialogues by category.
    pub categories: BTreeMap<Category, usize>,
    /// Slices by phase.
    pub phases: BTreeMap<Phase, usize>,
    /// Dialogues by maximum slice length, in ms.
    pub slices_ms: BTreeMap<u32, usize>,
    /// Dialogues by number of slices.
    pub lengths: BTreeMap<usize, usize>,
    /// Slices by number of the user's words in them.
    pub user_words: BTreeMap<usize, usize>,
    /// Slices by number of the assistant's words in them.
    pub assistant_words: BTreeMap<usize, usize>,
}

impl Stats {
    /// Counts `dialogue`.
    pub fn add(&mut self, dialogue: &Dialogue) {
        let words =
            |text: &Option<String>| text.as_ref().map_or(0, |text| text.split_whitespace().count());
        *self.categories.entry(dialogue.category).or_default() += 1;
        *self.slices_ms.entry(dialogue.slice_ms).or_default() += 1;
        *self.lengths.entry(dialogue.slices.len()).or_default() += 1;
        for slice in &dialogue.slices {
            *self.phases.entry(slice.phase).or_default() += 1;
            *self.user_words.entry(words(&slice.user)).or_default() += 1;
            *self.assistant_words.entry(words(&slice.assistant)).or_default() += 1;
        }
    }

    /// Number of dialogues counted.
    pub fn dialogues(&self) -> usize {
        self.categories.values().sum()
    }

    /// Number of slices counted.
    pub fn slices(&self) -> usize {
        self.phases.values().sum()
    }

    /// Number of words of the user and of the assistant.
    pub fn words(&self) -> (usize, usize) {
        let sum = |counts: &BTreeMap<usize, usize>| counts.iter().map(|(n, k)| n * k).sum();
        (sum(&self.user_words), sum(&self.assistant_words))
    }

    /// The share of slices in which the assistant speaks.
    pub fn speaking_share(&self) -> f64 {
        let speaking: usize =
            self.phases.iter().filter(|(phase, _)| phase.speaks()).map(|(_, n)| n).sum();
        speaking as f64 / self.slices().max(1) as f64
    }

    /// A self-contained HTML page with plots; it loads nothing from the network. `name` is the title.
    pub fn page(&self, name: &str) -> String {
        let by_name = |counts: Vec<(&'static str, usize)>| bars(&counts);
        let categories = Category::ALL
            .iter()
            .map(|it| (it.name(), self.categories.get(it).copied().unwrap_or(0)))
            .collect();
        let phases = Phase::ALL
            .iter()
            .map(|it| (it.name(), self.phases.get(it).copied().unwrap_or(0)))
            .collect();
        let (user, assistant) = self.words();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (name) }
                    style { "body{font:15px system-ui,sans-serif;max-width:860px;margin:2em auto;padding:0 1em}svg{width:100%;height:auto}" }
                }
                body {
                    h1 { (name) }
                    p {
                        (self.dialogues()) " dialogues, " (self.slices()) " slices, "
                        (user) " words of users, " (assistant) " words of the assistant, which speaks in "
                        (format!("{:.0} %", 100.0 * self.speaking_share())) " of the slices."
                    }
                    h2 { "Dialogues by category" }
                    (PreEscaped(by_name(categories)))
                    h2 { "Slices by what the assistant faces" }
                    (PreEscaped(by_name(phases)))
                    h2 { "Dialogues by number of slices" }
                    (PreEscaped(histogram(&self.lengths)))
                    h2 { "Slices with words by the user's words in them" }
                    (PreEscaped(histogram(&without_none(&self.user_words))))
                    h2 { "Slices with words by the assistant's words in them" }
                    (PreEscaped(histogram(&without_none(&self.assistant_words))))
                }
            }
        }
        .into_string()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, assistant) = self.words();
        writeln!(f, "{:>9} dialogues", self.dialogues())?;
        writeln!(
            f,
            "{:>9} slices; the assistant speaks in {:.1} %",
            self.slices(),
            100.0 * self.speaking_share()
        )?;
        writeln!(f, "{user:>9} words of users")?;
        writeln!(f, "{assistant:>9} words of the assistant")?;
        writeln!(f, "\ncategory")?;
        for (category, count) in &self.categories {
            writeln!(f, "{count:>9} {}", category.name())?;
        }
        writeln!(f, "\nphase of a slice")?;
        for (phase, count) in &self.phases {
            writeln!(f, "{count:>9} {}", phase.name())?;
        }
        writeln!(f, "\nlongest slice, ms")?;
        for (ms, count) in &self.slices_ms {
            writeln!(f, "{count:>9} {ms}")?;
        }
        Ok(())
    }
}

fn without_none(counts: &BTreeMap<usize, usize>) -> BTreeMap<usize, usize> {
    counts.iter().filter(|(words, _)| **words > 0).map(|(n, k)| (*n, *k)).collect()
}

/// A labelled bar chart, as SVG.
fn bars(counts: &[(&'static str, usize)]) -> String {
    const ROW: u32 = 22;
    const LEFT: i32 = 170;
    const WIDTH: u32 = 800;
    let height = ROW * counts.len() as u32;
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let mut svg = String::new();
    let drawn = (|| -> Result<(), Box<dyn std::error::Error + '_>> {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        for (at, (name, count)) in counts.iter().enumerate() {
            let top = (at as u32 * ROW) as i32;
            let room = WIDTH as i32 - LEFT - 80;
            let right = LEFT + (room as usize * count / most) as i32;
            let style = ("sans-serif", 14).into_font().color(&BLACK);
            area.draw(&Text::new(*name, (4, top + 4), style.clone()))?;
            let bar = [(LEFT, top + 3), (right, top + ROW as i32 - 3)];
            area.draw(&Rectangle::new(bar, RGBColor(70, 110, 160).filled()))?;
            area.draw(&Text::new(count.to_string(), (right + 6, top + 4), style))?;
        }
        Ok(area.present()?)
    })();
    // Only writing to a disk could fail, and this writes to a string.
    if let Err(error) = drawn {
        let _ = write!(svg, "<!-- {error} -->");
    }
    svg
}

/// A histogram, as SVG.
fn histogram(counts: &BTreeMap<usize, usize>) -> String {
    let last = counts.keys().max().copied().unwrap_or(0) as u32;
    let most = counts.values().max().copied().unwrap_or(1);
    let mut svg = String::new();
    let drawn = (|| -> Result<(), Box<dyn std::error::Error + '_>> {
        let area = SVGBackend::with_string(&mut svg, (800, 220)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(70)
            .build_cartesian_2d((0..last + 1).into_segmented(), 0..most + most / 10 + 1)?;
        chart.configure_mesh().disable_x_mesh().draw()?;
        let data = counts.iter().map(|(number, count)| (*number as u32, *count));
        let style = RGBColor(70, 110, 160).filled();
        chart.draw_series(Histogram::vertical(&chart).style(style).margin(1).data(data))?;
        drop(chart);
        Ok(area.present()?)
    })();
    if let Err(error) = drawn {
        let _ = write!(svg, "<!-- {error} -->");
    }
    svg
}
