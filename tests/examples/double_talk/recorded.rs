//! Recordings of real devices, from the AEC challenge: what the loudspeaker was given, and what the microphone heard.

use std::path::Path;

use duplex_audio::level_db;
use duplex_model::asr::plain_words;

use crate::{
    cancellers::CANDIDATES,
    scene::{SECOND, lines, read},
    words::Words,
};

/// What is recognised at once.
const PIECE: usize = 7 * SECOND;

impl Words {
    fn all(&mut self, sound: &[f32]) -> Vec<String> {
        sound.chunks(PIECE).flat_map(|piece| plain_words(&self.heard(piece))).collect()
    }
}

/// How many of `heard` also stand in `said`, in the same order: the longest common subsequence.
fn common(heard: &[String], said: &[String]) -> usize {
    let mut row = vec![0; said.len() + 1];
    for word in heard {
        let mut diagonal = 0;
        for (n, other) in said.iter().enumerate() {
            let above = row[n + 1];
            row[n + 1] = if word == other { diagonal + 1 } else { above.max(row[n]) };
            diagonal = above;
        }
    }
    row[said.len()]
}

pub(crate) fn report(words: &mut Words, folder: &Path) {
    println!("\nRecorded; the words of the loudspeaker are those heard in what it was given\n");
    println!(
        "| recording | canceller | level after 3 s | words heard | of these the loudspeaker's |"
    );
    println!("|---|---|---|---|---|");
    let names = lines(folder).map(|fields| fields[0].clone());
    let mut texts = Vec::new();
    for name in names.filter(|name| name.starts_with("aec-") && name.ends_with("-mic.flac")) {
        let microphone = read(folder.join(&name));
        let far = read(folder.join(name.replace("-mic.flac", "-lpb.flac")));
        let said = words.all(&far);
        let title = name.trim_start_matches("aec-").trim_end_matches("-mic.flac");
        for candidate in CANDIDATES {
            let left = candidate.run(&far, &microphone);
            let heard = words.all(&left);
            println!(
                "| {title} | {} | {:.1} dB | {} | {} |",
                candidate.name,
                level_db(&left[3 * SECOND..]),
                heard.len(),
                common(&heard, &said),
            );
            texts.push(format!("{title}, {}: {}", candidate.name, heard.join(" ")));
        }
        texts.push(format!("{title}, loudspeaker: {}\n", said.join(" ")));
    }
    println!("\n{}", texts.join("\n"));
}
