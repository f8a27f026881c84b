//! Where the time of the newest reply went.

use ratatui::{layout::Rect, style::Style, text::Line};

use super::{draw::spans, look::Look, state::State, text::width};

/// Columns before the latencies.
const HEAD: usize = 8;
const HEADING: &str = "latency";
/// The stage that a person feels.
const FELT: &str = "audible";
/// Columns from which on there is room for the heading.
const ROOMY: usize = 24;

/// The stages and the median of the call: a table where there is room, else as much as fits.
pub(super) fn lines(state: &State, area: Rect) -> Vec<Line<'static>> {
    let look = state.look;
    let stages = state.newest.unwrap_or_default();
    let audible = state.newest.map(|it| it.audible_ms);
    let named = [
        ("offset", stages.offset_ms),
        ("recognised", stages.recognised_ms),
        ("judged", stages.judged_ms),
        ("written", stages.written_ms),
        ("synthesised", stages.synthesised_ms),
        ("released", stages.released_ms),
        (FELT, audible),
        ("p50", state.median()),
    ];
    let value = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    let cells = named.map(|(name, ms)| (name, value(ms)));
    let columns = usize::from(area.width);
    match (area.height, table(&cells, columns, look)) {
        (0, _) => Vec::new(),
        (1, _) => vec![listed(HEADING, &cells, columns, look)],
        (_, Some(table)) => table,
        (_, None) => {
            let (first, rest) = cells.split_at(cells.len() / 2);
            vec![listed(HEADING, first, columns, look), listed("", rest, columns, look)]
        }
    }
}

fn stage_style(name: &str, look: Look) -> Style {
    if name == FELT { look.bold() } else { look.dim() }
}

/// Names above their values; none where they do not fit.
fn table(cells: &[(&str, String)], columns: usize, look: Look) -> Option<Vec<Line<'static>>> {
    let needs = |cell: &(&str, String)| width(cell.0).max(width(&cell.1));
    let needed: usize = cells.iter().map(needs).sum();
    let room = columns.checked_sub(HEAD + needed)?;
    // As far apart as there is room, within reason.
    let gap = (room / cells.len()).min(4);
    if gap == 0 {
        return None;
    }
    let line = |head: &str, texts: Vec<String>| {
        let head = (format!(" {head:<width$}", width = HEAD - 1), look.dim());
        let cells = cells.iter().zip(texts).map(|(cell, text)| {
            let space = " ".repeat(needs(cell) + gap - width(&text));
            (format!("{space}{text}"), stage_style(cell.0, look))
        });
        spans([head].into_iter().chain(cells))
    };
    let names = cells.iter().map(|cell| cell.0.to_owned()).collect();
    let values = cells.iter().map(|cell| cell.1.clone()).collect();
    Some(vec![line(HEADING, names), line("in ms", values)])
}

/// Names and values, as many as fit: what a person feels comes first.
fn listed(heading: &str, cells: &[(&str, String)], columns: usize, look: Look) -> Line<'static> {
    let head = if columns >= ROOMY { HEAD } else { 0 };
    let texts: Vec<_> = cells.iter().map(|(name, value)| format!("  {name} {value}")).collect();
    let mut ranked: Vec<usize> = (0..cells.len()).rev().collect();
    ranked.sort_by_key(|&at| cells[at].0 != FELT);
    let mut used = head;
    let mut fitting: Vec<usize> = ranked
        .into_iter()
        .filter(|&at| {
            let fits = used + width(&texts[at]) <= columns;
            used += if fits { width(&texts[at]) } else { 0 };
            fits
        })
        .collect();
    fitting.sort_unstable();
    let line = fitting.into_iter().map(|at| (texts[at].clone(), stage_style(cells[at].0, look)));
    let heading = format!(" {heading:<7}").chars().take(head).collect();
    spans([(heading, look.dim())].into_iter().chain(line))
}
