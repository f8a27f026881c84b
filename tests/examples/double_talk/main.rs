//! What echo cancellers do where both speak, and what the recogniser makes of it: docs/measurements-audio.md. Needs the
//! models, and a folder of recordings for the last part:
//! `cargo run --release -p duplex-harness --example double_talk -- [FOLDER [PART...]]`, with the parts `echo`, `words` and
//! `recorded`, all where none is named.

#![expect(clippy::print_stdout, reason = "a report is what this program is for")]

mod cancellers;
mod recorded;
mod scene;
mod single;
mod words;

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let parts: Vec<String> = std::env::args().skip(2).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|it| it == part);
    let set = scene::Set::read(folder.as_deref());
    if is_wanted("echo") {
        single::report(&set);
    }
    let mut words = words::Words::new();
    if is_wanted("words") {
        words::report(&mut words, &set);
    }
    if let Some(folder) = folder.filter(|_| is_wanted("recorded")) {
        recorded::report(&mut words, &folder);
    }
}
