use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;

use anyhow::Context as _;
use duplex_audio::convert;
use duplex_core::SAMPLE_RATE;
use duplex_datasets::{Hearing, Part, Phrasebook};
use duplex_model::asr::{Recogniser, RecogniserOptions, Request, find_worker, plain_words};
use duplex_model::tts::{Voice, VoiceOptions};
use duplex_model::weights::Role;

use crate::{args, interrupt, progress};

/// Speeds at which a phrase is synthesised: backchannels are quick.
const SPEEDS: [f32; 3] = [1.0, 1.4, 1.8];
/// Silence around a phrase, in seconds.
const SILENCE_S: f32 = 0.3;

pub(crate) fn run(args: &args::Heard) -> anyhow::Result<()> {
    interrupt::catch()?;
    let options = RecogniserOptions::new(find_worker(None)?, super::default_model(Role::Asr)?);
    let mut recogniser = Recogniser::spawn(options)?;
    let model = super::default_model(Role::Voice)?;
    let config = model.with_extension("onnx.json");
    let mut voice = Voice::load(&VoiceOptions { model, config, threads: 1, speed: 1.0, seed: 1 })?;

    let unwritable = || format!("cannot write {}", args.out.display());
    let mut out = OpenOptions::new()
        .write(true)
        .truncate(true)
        .create(true)
        .open(&args.out)
        .with_context(unwritable)?;
    let book = Phrasebook::builtin();
    let phrases: Vec<&String> = Part::ALL
        .into_iter()
        .flat_map(|part| book.backchannels.of(part).iter().chain(book.commands.of(part)))
        .collect();
    let bar = progress::bar("phrases", phrases.len() as u64);
    for said in phrases {
        let mut heard = BTreeSet::new();
        for speed in SPEEDS {
            let audio = speak(&mut voice, said, speed)?;
            let text = recogniser.recognise(&audio, &Request::default())?.text;
            if !text.is_empty() && plain_words(&text) != plain_words(said) {
                heard.insert(text);
            }
        }
        if interrupt::happened() {
            break;
        }
        for heard in heard {
            let line = serde_json::to_string(&Hearing { said: said.clone(), heard })?;
            writeln!(out, "{line}").with_context(unwritable)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// `text` as speech with silence around it, at the session rate.
fn speak(voice: &mut Voice, text: &str, speed: f32) -> anyhow::Result<Vec<f32>> {
    let rate = voice.sample_rate();
    let silence = vec![0.0; (SILENCE_S * rate as f32) as usize];
    let mut samples = silence.clone();
    voice.speak(text, speed, &mut |chunk| {
        samples.extend(chunk.samples);
        ControlFlow::Continue(())
    })?;
    samples.extend(silence);
    Ok(convert(&samples, rate, SAMPLE_RATE))
}
