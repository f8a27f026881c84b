//! Draws a live transcript from the stream on standard input, with what nobody heard of a reply struck through:
//!
//! `duplex converse --input user.wav --output call.wav --json | cargo run --release -p duplex --example live_transcript`

use std::io::{self, BufRead, Write};

use serde_json::Value;

/// Columns of a running line, which is drawn anew with every event.
const COLUMNS: usize = 60;

fn main() -> io::Result<()> {
    draw(io::stdin().lock(), &mut io::stdout().lock())
}

/// Draws a stream.
pub(crate) fn draw(events: impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut heard = String::new();
    for line in events.lines() {
        let event: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| event[key].as_str().unwrap_or("").replace(char::is_control, " ");
        match event["type"].as_str().unwrap_or("") {
            "user_words" => {
                running(out, "you", &[text("committed"), text("tentative")].join(" "), "")?
            }
            "user_turn" if event["kind"] != "noise" => finished(out, "you", &text("text"), "")?,
            "reply_started" => heard.clear(),
            "reply_heard" => {
                heard += &text("text");
                running(out, "duplex", &heard, "")?;
            }
            "reply_cancelled" => running(out, "duplex", &heard, &text("unheard"))?,
            "reply_resumed" => running(out, "duplex", &heard, "")?,
            "reply_ended" => finished(out, "duplex", &text("heard"), &text("unheard"))?,
            _ => {}
        }
    }
    Ok(())
}

/// A line that is drawn anew: its end, without a line break of the terminal's.
fn running(out: &mut impl Write, who: &str, heard: &str, unheard: &str) -> io::Result<()> {
    let heard: String = heard.chars().skip(heard.chars().count().saturating_sub(COLUMNS)).collect();
    write!(out, "\r\x1b[K\x1b[?7l{who:>7}: {heard}\x1b[9m{unheard}\x1b[29m\x1b[?7h")?;
    out.flush()
}

fn finished(out: &mut impl Write, who: &str, heard: &str, unheard: &str) -> io::Result<()> {
    writeln!(out, "\r\x1b[K{who:>7}: {heard}\x1b[9m{unheard}\x1b[29m")
}
