//! Words under the sound they belong to.

use maud::{Markup, html};

use super::{Lane, MARGIN, Strip, Text, printable, px};

/// Distance between rows.
const LINE: f64 = 14.0;
/// Width of the widest common lower-case letter in the 11 px text of a wide font.
const CHARACTER: f64 = 6.9;
/// The least width of a caption, where there is room.
const CAPTION: f64 = 190.0;
/// From here on a word fits above the sound it stands for.
const WORDS_FROM_SCALE: f64 = 100.0;

/// A run of words on one row.
struct Run {
    x: f64,
    row: usize,
    heard: String,
    unheard: String,
}

/// Words at their times, at large scales; at small ones, lines from the beginning of their turn.
/// The time of a word is estimated from the letters before it.
pub(super) fn texts(lane: &Lane<'_>, strip: &Strip) -> Markup {
    html! {
        @for (index, text) in lane.texts.iter().enumerate() {
            // Up to the next turn of the lane, or the edge.
            @let right = lane.texts[index + 1..]
                .iter()
                .find(|next| strip.contains(next.start_ms))
                .map_or(strip.x(strip.to_ms) + MARGIN, |next| strip.x(next.start_ms) - 8.0);
            @let runs = runs(text, strip, right, lane.lines);
            @let used = runs.iter().map(|run| run.row + 1).max().unwrap_or(0);
            // The user's words stand on the sound, the assistant's hang from it.
            @let first = if lane.text < lane.wave { lane.lines - used } else { 0 };
            g class=(text.class) {
                title { (printable(text.words)) @if !text.unheard.is_empty() { " [unheard: " (printable(text.unheard)) "]" } }
                @for run in runs {
                    text x=(px(run.x)) y=(lane.text + (first + run.row) as f64 * LINE) {
                        (printable(&run.heard))
                        @if !run.unheard.is_empty() {
                            @if !run.heard.is_empty() { " " }
                            tspan class="unheard" { (printable(&run.unheard)) }
                        }
                    }
                }
            }
        }
    }
}

fn runs(text: &Text<'_>, strip: &Strip, right: f64, rows: usize) -> Vec<Run> {
    let words: Vec<(f64, &str)> =
        timed(text).into_iter().filter(|(ms, _)| strip.contains(*ms)).collect();
    let ends_here = strip.contains(text.end_ms - 1.0);
    let unheard = if ends_here { text.unheard } else { "" };
    if strip.scale < WORDS_FROM_SCALE {
        let Some((x, end)) = strip.clip(text.start_ms, text.end_ms) else { return Vec::new() };
        let width = (end - x).max(CAPTION).min((right - x).max(40.0));
        let heard = words.iter().map(|(_, word)| (*word, false));
        let rest = unheard.split_whitespace().map(|word| (word, true));
        return wrapped(heard.chain(rest), x, width, rows);
    }
    let mut free = vec![f64::MIN; rows];
    let mut runs: Vec<Run> = Vec::new();
    for (ms, word) in words {
        // The first row with room at its time; if there is none, behind the shortest one.
        let x = strip.x(ms);
        let row = free
            .iter()
            .position(|free| *free <= x)
            .unwrap_or_else(|| (0..rows).min_by(|a, b| free[*a].total_cmp(&free[*b])).unwrap_or(0));
        let x = x.max(free[row]);
        free[row] = x + width(word) + SPACE;
        runs.push(Run { x, row, heard: word.to_owned(), unheard: String::new() });
    }
    if !unheard.is_empty() {
        let x = free.iter().fold(strip.x(text.end_ms) + 6.0, |x, free| x.max(*free));
        let rest = unheard.split_whitespace().map(|word| (word, true));
        runs.extend(wrapped(rest, x, CAPTION.min((right - x).max(40.0)), rows));
    }
    runs
}

/// Breaks words into lines of at most `width` pixels. What does not fit into the last line is left
/// out, and the omission marked.
fn wrapped<'a>(
    words: impl Iterator<Item = (&'a str, bool)>,
    x: f64,
    limit: f64,
    rows: usize,
) -> Vec<Run> {
    let empty = |row| Run { x, row, heard: String::new(), unheard: String::new() };
    let mut runs = vec![empty(0)];
    let mut used = 0.0;
    for (word, unheard) in words {
        let mut row = runs.len() - 1;
        if used > 0.0 && used + width(word) > limit {
            if runs.len() == rows {
                let last = &mut runs[row];
                let text = if unheard { &mut last.unheard } else { &mut last.heard };
                text.push_str(" …");
                break;
            }
            row += 1;
            runs.push(empty(row));
            used = 0.0;
        }
        let text = if unheard { &mut runs[row].unheard } else { &mut runs[row].heard };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        used += width(word) + SPACE;
    }
    runs
}

/// A space between words.
const SPACE: f64 = 4.0;
/// How much wider bold text is.
pub(super) const BOLD: f64 = 1.1;

/// The most that a text can be wide, in pixels, in a font that is not known here.
pub(super) fn width(text: &str) -> f64 {
    let letter = |character: char| match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | '\'' | ':' | ';' | '!' | '|' | ' ' => 0.52,
        'f' | 't' | 'r' => 0.66,
        'm' | 'w' | 'M' | 'W' => 1.55,
        'A'..='Z' => 1.12,
        _ => 1.0,
    };
    text.chars().map(letter).sum::<f64>() * CHARACTER
}

/// The words of a text with the time in ms at which each begins.
fn timed<'a>(text: &Text<'a>) -> Vec<(f64, &'a str)> {
    let letters = |word: &str| word.chars().count() as f64 + 1.0;
    let total: f64 = text.words.split_whitespace().map(letters).sum();
    let mut before = 0.0;
    let place = |word| {
        let ms = text.start_ms + (text.end_ms - text.start_ms) * before / total;
        before += letters(word);
        (ms, word)
    };
    text.words.split_whitespace().map(place).collect()
}
