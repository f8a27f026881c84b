//! The picture of the interface in the documentation.

use std::{fmt::Write as _, fs, path::Path};

use ratatui::style::{Color, Modifier};

use super::*;

/// Size of a character, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 12.0;
const BACKGROUND: &str = "#16181d";

fn colour(colour: Color) -> &'static str {
    match colour {
        Color::Cyan => "#56c8d8",
        Color::Green => "#8ccf7e",
        Color::Yellow => "#e5c76b",
        Color::Red => "#ef6b73",
        _ => "#d8dee6",
    }
}

/// The screen as SVG: a text for each run of characters of one style.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (width * CELL.0 + 2.0 * MARGIN, height * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         role=\"img\" aria-label=\"duplex talk in a terminal of 80 columns\" font-size=\"14\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let first = &buffer[(x, y)];
            let style = (first.fg, first.modifier);
            let run: String = (x..buffer.area.width)
                .map(|x| &buffer[(x, y)])
                .take_while(|cell| (cell.fg, cell.modifier) == style)
                .map(|cell| cell.symbol())
                .collect();
            run_of(&mut svg, (x, y), &run, style);
            x += u16::try_from(run.chars().count()).unwrap();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn run_of(svg: &mut String, (x, y): (u16, u16), run: &str, (fg, modifier): (Color, Modifier)) {
    let is_reversed = modifier.contains(Modifier::REVERSED);
    let left = MARGIN + f32::from(x) * CELL.0;
    let top = MARGIN + f32::from(y) * CELL.1;
    let width = |characters: usize| characters as f32 * CELL.0;
    if is_reversed {
        let (width, height) = (width(run.chars().count()), CELL.1);
        let fill = colour(fg);
        writeln!(svg, r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height}" fill="{fill}"/>"#)
            .unwrap();
    }
    let text = run.trim();
    if text.is_empty() {
        return;
    }
    let before = run.len() - run.trim_start().len();
    let (left, width) = (left + width(before), width(text.chars().count()));
    let baseline = top + 13.5;
    let fill = if is_reversed { BACKGROUND } else { colour(fg) };
    let mut style = String::new();
    if modifier.contains(Modifier::BOLD) {
        style.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::DIM) {
        style.push_str(" opacity=\"0.6\"");
    }
    if modifier.contains(Modifier::CROSSED_OUT) {
        style.push_str(" text-decoration=\"line-through\"");
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    write!(svg, r#"<text x="{left:.1}" y="{baseline:.1}" textLength="{width:.1}""#).unwrap();
    writeln!(svg, r#" xml:space="preserve" fill="{fill}"{style}>{text}</text>"#).unwrap();
}

/// The picture is written by `make docs`, which runs this test with UPDATE_DOCS=1.
#[test]
fn the_picture_of_the_interface_is_what_is_drawn() {
    let panel = panel();
    panel.is_recording.store(true, std::sync::atomic::Ordering::Relaxed);
    let buffer = drawn(&mut state(COLOUR, &conversation(), &panel), 80, 24);
    let svg = svg(&buffer);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/talk.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &svg).unwrap();
    }
    assert!(svg.len() < 60_000);
    assert_eq!(fs::read_to_string(path).unwrap(), svg, "run `make docs`");
}
