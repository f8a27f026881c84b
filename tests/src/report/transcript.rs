//! `transcript.md`: the call as a dialogue, with what was cut off and why.

use std::fmt::Write as _;

use super::{CallRecord, Said, Spoken, clock};

/// Characters that Markdown would take for markup.
const MARKUP: &[char] = &['\\', '`', '*', '_', '[', ']', '<', '>', '|', '~', '#'];

pub(super) fn markdown(record: &CallRecord) -> String {
    let mut lines: Vec<(u64, String)> = record.user_turns.iter().map(said).collect();
    lines.extend(record.assistant_turns.iter().map(spoken));
    lines.sort_by_key(|(start, _)| *start);

    let mut text = format!(
        "# {}\n\n{} · {}\n\nStruck through: planned, but never heard.\n\n",
        plain_markdown(&record.title),
        clock(record.duration_ms() as u64),
        if record.passed { "passed" } else { "failed" },
    );
    for (_, line) in lines {
        text.push_str(&line);
        text.push('\n');
    }
    if !record.events.is_empty() {
        text.push_str("## Events\n\n| time | event | expected | outcome | latency | |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for event in &record.events {
            let latency = event.latency_ms.map_or_else(String::new, |ms| format!("{ms:.0} ms"));
            let verdict = if event.passed { "pass" } else { "**fail**" };
            writeln!(
                text,
                "| {} | {} | {} | {} | {latency} | {verdict} |",
                clock(event.at_ms),
                plain_markdown(&event.id),
                event.expect.as_str(),
                plain_markdown(&event.outcome),
            )
            .expect("a string takes whatever is written to it");
        }
    }
    text
}

fn said(said: &Said) -> (u64, String) {
    let words =
        if said.text.is_empty() { "(no words)".to_owned() } else { plain_markdown(&said.text) };
    let kind = if said.kind == "turn" {
        String::new()
    } else {
        format!(" · {}", plain_markdown(&said.kind))
    };
    let state = if said.is_final { "" } else { " · tentative" };
    let time = clock(said.start_ms);
    (said.start_ms, format!("**User** · {time}{kind}{state}  \n{words}\n"))
}

fn spoken(spoken: &Spoken) -> (u64, String) {
    let mut words = plain_markdown(spoken.heard.trim());
    let unheard = spoken.unheard();
    if !unheard.is_empty() {
        words = format!("{words} ~~{}~~", plain_markdown(unheard));
    }
    if let Some(why) = &spoken.cut {
        words = format!("{words}  \n*cut at {}: {}*", clock(spoken.end_ms), plain_markdown(why));
    }
    let resumed = if spoken.resumed { " · resumed" } else { "" };
    let time = clock(spoken.start_ms);
    (spoken.start_ms, format!("**Assistant** · {time}{resumed}  \n{}\n", words.trim_start()))
}

/// A text of which Markdown takes nothing for markup; control characters become spaces.
pub fn plain_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if MARKUP.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { ' ' } else { character });
    }
    escaped
}
