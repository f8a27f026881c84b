//! What echo cancellers do where both speak, and what the recogniser makes of it: docs/measurements-audio.md. Needs the
//! models, and a folder of recordings for the last part:
//! `cargo run --release -p duplex-harness --example double_talk -- [FOLDER]`.

#![expect(clippy::print_stdout, reason = "a report is what this program is for")]

mod cancellers;
mod recorded;
mod scene;
mod single;
mod words;

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let set = scene::Set::read(folder.as_deref());
    single::report(&set);
    let mut words = words::Words::new();
    words::report(&mut words, &set);
    if let Some(folder) = &folder {
        recorded::report(&mut words, folder);
    }
}
