//! The call as a picture: one strip of time, drawn at any scale.
//!
//! The static picture stacks strips like lines of music; the page scrolls along one long strip.
//! Lengths are in pixels; only `Strip::x` converts time to pixels.

mod badges;
mod captions;
mod markers;

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use badges::badges;
use captions::{BOLD, texts, width};
pub(crate) use markers::legend;
use markers::markers;

use super::{
    CallRecord, EventResult, Expect, Notice, clock,
    metrics::{Segment, segments},
};

/// Width of the static picture.
const PAGE: f64 = 1080.0;
const MARGIN: f64 = 20.0;
/// Time on one line of the static picture.
const LINE_MS: f64 = 15_000.0;

const USER_TEXT: f64 = 78.0;
const USER_WAVE: f64 = 112.0;
const WAVE: f64 = 50.0;
const ARROWS: f64 = 176.0;
const ASSISTANT_WAVE: f64 = 222.0;
const ASSISTANT_TEXT: f64 = 287.0;
/// Height of a strip.
pub(crate) const HEIGHT: f64 = 336.0;
/// Width of one bar of a waveform, in pixels.
const BAR: f64 = 2.0;
/// The share of that width that is drawn.
const BAR_WIDTH: f64 = 0.65;

/// A record, with what all its strips share.
pub(crate) struct Drawing<'a> {
    record: &'a CallRecord,
    user: Lane<'a>,
    assistant: Lane<'a>,
    /// Values of a track per millisecond.
    per_ms: f64,
    length_ms: f64,
    /// Width of one bar of a waveform, in pixels.
    bar: f64,
}

/// The audio that is drawn: tracks, or their outline.
pub(crate) struct Sides<'a> {
    /// Values of the user's side, any number per millisecond.
    pub(crate) user: &'a [f32],
    /// Values of the assistant's side, as many.
    pub(crate) assistant: &'a [f32],
    /// The user's speech.
    pub(crate) user_speech: Vec<Segment>,
    /// The assistant's speech.
    pub(crate) assistant_speech: Vec<Segment>,
    /// Length of both, in ms.
    pub(crate) length_ms: f64,
    /// Width of one bar of a waveform, in pixels.
    pub(crate) bar: f64,
}

struct Lane<'a> {
    name: &'static str,
    track: &'a [f32],
    peak: f32,
    segments: Vec<Segment>,
    texts: Vec<Text<'a>>,
    wave: f64,
    text: f64,
    lines: usize,
}

/// Words to place under a lane.
struct Text<'a> {
    start_ms: f64,
    end_ms: f64,
    words: &'a str,
    unheard: &'a str,
    class: String,
}

/// A section of the call at a scale.
struct Strip {
    from_ms: f64,
    to_ms: f64,
    scale: f64,
}

impl Strip {
    fn x(&self, ms: f64) -> f64 {
        MARGIN + (ms - self.from_ms) * self.scale / 1000.0
    }

    fn contains(&self, ms: f64) -> bool {
        (self.from_ms..self.to_ms).contains(&ms)
    }

    /// The part of a span that lies in the strip, as its edges in pixels.
    fn clip(&self, start_ms: f64, end_ms: f64) -> Option<(f64, f64)> {
        let (start, end) = (start_ms.max(self.from_ms), end_ms.min(self.to_ms));
        (start < end).then(|| (self.x(start), self.x(end)))
    }
}

impl<'a> Drawing<'a> {
    pub(crate) fn new(record: &'a CallRecord) -> Self {
        let sides = Sides {
            user: &record.user,
            assistant: &record.assistant,
            user_speech: segments(&record.user, record.rate),
            assistant_speech: segments(&record.assistant, record.rate),
            length_ms: record.duration_ms(),
            bar: BAR,
        };
        Self::over(record, sides)
    }

    /// Draws the record's turns, notices and events over audio other than its tracks.
    pub(crate) fn over(record: &'a CallRecord, sides: Sides<'a>) -> Self {
        let lane = |name, track: &'a [f32], segments, texts, wave, text, lines| Lane {
            name,
            track,
            peak: track.iter().fold(1e-3, |peak: f32, x| peak.max(x.abs())),
            segments,
            texts,
            wave,
            text,
            lines,
        };
        let user = record.user_turns.iter().map(|said| Text {
            start_ms: said.start_ms as f64,
            end_ms: said.end_ms as f64,
            words: &said.text,
            unheard: "",
            class: format!("words {}", if said.kind == "turn" { "user" } else { "aside" }),
        });
        let assistant = record.assistant_turns.iter().map(|spoken| Text {
            start_ms: spoken.start_ms as f64,
            end_ms: spoken.end_ms as f64,
            words: &spoken.heard,
            unheard: spoken.unheard(),
            class: "words assistant".to_owned(),
        });
        Self {
            record,
            user: lane(
                "user",
                sides.user,
                sides.user_speech,
                user.collect(),
                USER_WAVE,
                USER_TEXT,
                3,
            ),
            assistant: lane(
                "assistant",
                sides.assistant,
                sides.assistant_speech,
                assistant.collect(),
                ASSISTANT_WAVE,
                ASSISTANT_TEXT,
                4,
            ),
            per_ms: sides.user.len() as f64 / sides.length_ms.max(1.0),
            length_ms: sides.length_ms,
            bar: sides.bar,
        }
    }

    /// A standalone picture: lines of 15 s, one under the other, and a legend.
    pub(crate) fn picture(&self) -> String {
        let lines = ((self.length_ms / LINE_MS).ceil() as usize).max(1);
        let height = 58.0 + lines as f64 * HEIGHT + 34.0;
        let figures = format!(
            "{} · response p50 {} · stop p50 {}",
            if self.record.passed { "passed" } else { "failed" },
            millis(self.record.summary.response_latency_ms.p50),
            millis(self.record.summary.stop_latency_ms.p50),
        );
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="call" width=(PAGE) height=(height)
                viewBox=(format!("0 0 {PAGE} {height}")) role="img" aria-label=(printable(&self.record.title)) {
                style { (PreEscaped(STYLE)) }
                rect class="paper" width=(PAGE) height=(height) rx="8" {}
                text class="title" x=(MARGIN) y="34" { (printable(&self.record.title)) }
                text class="figures" x=(PAGE - MARGIN) y="34" text-anchor="end" { (figures) }
                @for line in 0..lines {
                    g transform=(format!("translate(0 {})", 50.0 + line as f64 * HEIGHT)) {
                        (self.line(line, lines))
                    }
                }
                g transform=(format!("translate({MARGIN} {})", height - 26.0)) { (legend()) }
            }
        }
        .into_string()
    }

    fn line(&self, line: usize, lines: usize) -> Markup {
        let from_ms = line as f64 * LINE_MS;
        let to_ms = if line + 1 == lines { self.length_ms } else { from_ms + LINE_MS };
        self.strip(&Strip { from_ms, to_ms, scale: (PAGE - 2.0 * MARGIN) * 1000.0 / LINE_MS })
    }

    /// The whole call as one strip at `scale` pixels a second; time zero is at [`Self::origin`].
    pub(crate) fn long(&self, scale: f64) -> Markup {
        let to_ms = self.length_ms;
        let width = 2.0 * MARGIN + to_ms * scale / 1000.0;
        html! {
            svg class="call" width=(format!("{width:.0}")) height=(HEIGHT) {
                (self.strip(&Strip { from_ms: 0.0, to_ms, scale }))
            }
        }
    }

    /// Pixels from the left edge of a strip to its beginning.
    pub(crate) const fn origin() -> f64 {
        MARGIN
    }

    fn strip(&self, strip: &Strip) -> Markup {
        html! {
            (axis(strip))
            (self.ducks(strip))
            (self.lane(&self.user, strip))
            (self.lane(&self.assistant, strip))
            (self.cuts(strip))
            (self.arrows(strip))
            (markers(&self.record.notices, strip))
            (badges(&self.record.events, strip))
        }
    }

    fn lane(&self, lane: &Lane<'_>, strip: &Strip) -> Markup {
        let (left, right) = (strip.x(strip.from_ms), strip.x(strip.to_ms));
        let middle = lane.wave + WAVE / 2.0;
        html! {
            @for (x, end) in lane.segments.iter().filter_map(|s| strip.clip(s.start_ms, s.end_ms)) {
                rect class=(format!("segment {}", lane.name)) x=(px(x)) y=(lane.wave)
                    width=(px(end - x)) height=(WAVE) rx="3" {}
            }
            line class="rest" x1=(px(left)) x2=(px(right)) y1=(middle) y2=(middle) {}
            path class=(format!("wave {}", lane.name)) style=(format!("stroke-width:{:.1}", self.bar * BAR_WIDTH))
                d=(self.wave(lane, strip)) {}
            text class=(format!("lane {}", lane.name)) text-anchor="middle"
                transform=(format!("translate({} {middle}) rotate(-90)", px(left - 6.0))) {
                (lane.name)
            }
            (texts(lane, strip))
        }
    }

    /// The waveform in bars of a few pixels: the loudest sample of each, up and down from the
    /// middle.
    fn wave(&self, lane: &Lane<'_>, strip: &Strip) -> String {
        let bars = ((strip.to_ms - strip.from_ms) * strip.scale / 1000.0 / self.bar) as usize;
        let sample = |bar: usize| {
            let ms = strip.from_ms + bar as f64 * self.bar * 1000.0 / strip.scale;
            ((ms * self.per_ms).round() as usize).min(lane.track.len())
        };
        let middle = lane.wave + WAVE / 2.0;
        let mut path = String::new();
        for bar in 0..bars {
            let samples = &lane.track[sample(bar)..sample(bar + 1)];
            let peak = samples.iter().fold(0.0, |peak: f32, x| peak.max(x.abs())) / lane.peak;
            let half = f64::from(peak) * (WAVE / 2.0 - 2.0);
            if half >= 0.4 {
                let x = strip.x(strip.from_ms) + (bar as f64 + 0.5) * self.bar;
                write!(path, "M{x:.1} {:.1}v{:.1}", middle - half, 2.0 * half)
                    .expect("a string takes whatever is written to it");
            }
        }
        path
    }

    /// Where the assistant's voice was ducked.
    fn ducks(&self, strip: &Strip) -> Markup {
        let mut spans = Vec::new();
        let mut since = None;
        for notice in &self.record.notices {
            match notice.kind.as_str() {
                "duck" => since = since.or(Some(notice.at_ms)),
                "unduck" | "resume" | "cancel" | "finished" => {
                    spans.extend(since.take().map(|from| (from as f64, notice.at_ms as f64)));
                }
                _ => {}
            }
        }
        html! {
            @for (x, end) in spans.into_iter().filter_map(|(a, b)| strip.clip(a, b)) {
                rect class="duck" x=(px(x)) y=(ASSISTANT_WAVE) width=(px(end - x)) height=(WAVE) {
                    title { "voice lowered" }
                }
            }
        }
    }

    fn cuts(&self, strip: &Strip) -> Markup {
        html! {
            @for spoken in &self.record.assistant_turns {
                @if let Some(why) = spoken.cut.as_ref().filter(|_| strip.contains(spoken.end_ms as f64)) {
                    @let x = strip.x(spoken.end_ms as f64);
                    line class="cut" x1=(px(x)) x2=(px(x)) y1=(ASSISTANT_WAVE - 3.0)
                        y2=(ASSISTANT_WAVE + WAVE + 3.0) {
                        title { "cut: " (printable(why)) }
                    }
                    text class="cut" x=(px(x + 4.0)) y=(ASSISTANT_WAVE + 10.0) { "cut" }
                }
            }
        }
    }

    /// Arrows from the sound that a latency counts from to the sound that ends it.
    fn arrows(&self, strip: &Strip) -> Markup {
        let arrow = |event: &EventResult| {
            let (from, latency) = (event.from_ms? as f64, event.latency_ms?);
            let end = from + latency;
            if !strip.contains(from) && !strip.contains(end) {
                return None;
            }
            let (x1, x2) = (strip.x(from.max(strip.from_ms)), strip.x(end.min(strip.to_ms)));
            let class = if event.expect == Expect::Stop { "latency stop" } else { "latency" };
            let (top, bottom) = (USER_WAVE + WAVE, ASSISTANT_WAVE);
            let mut path = String::new();
            if strip.contains(from) {
                write!(path, "M{x1:.1} {top}V{ARROWS}").ok()?;
            } else {
                write!(path, "M{x1:.1} {ARROWS}").ok()?;
            }
            write!(path, "H{x2:.1}").ok()?;
            if strip.contains(end) {
                write!(path, "V{}M{:.1} {}l3.5 6l3.5 -6", bottom - 1.0, x2 - 3.5, bottom - 7.0)
                    .ok()?;
            }
            let label = format!("{latency:.0} ms");
            // Beside the arrow where there is no room on it.
            let inside = x2 - x1 > width(&label) * BOLD + 6.0;
            let (x, anchor) =
                if inside { ((x1 + x2) / 2.0, "middle") } else { (x2 + 4.0, "start") };
            Some(html! {
                path class=(class) d=(path) { title { (printable(&event.id)) ": " (label) } }
                text class=(class) x=(px(x)) y=(ARROWS - 4.0) text-anchor=(anchor) { (label) }
            })
        };
        html! { @for drawn in self.record.events.iter().filter_map(arrow) { (drawn) } }
    }
}

fn axis(strip: &Strip) -> Markup {
    let first = (strip.from_ms / 1000.0).ceil() as u64;
    let last = (strip.to_ms / 1000.0).floor() as u64;
    html! {
        @for second in first..=last {
            @let x = px(strip.x(second as f64 * 1000.0));
            line class="tick" x1=(x) x2=(x) y1="16" y2=(ASSISTANT_WAVE + WAVE) {}
            text class="tick" x=(x) y="12" text-anchor="middle" { (second) " s" }
        }
    }
}

/// Text without the characters that XML forbids.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Milliseconds as text.
pub(crate) fn millis(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"))
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Colours follow the reader's scheme; print is always light.
pub(crate) const STYLE: &str = include_str!("drawing.css");
