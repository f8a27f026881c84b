//! Writes the reports of an invented call, to work on their layout: `cargo run --release -p
//! duplex-harness --example report -- FOLDER`.

#[path = "../tests/sample_call/mod.rs"]
mod sample_call;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("out/report"), PathBuf::from);
    let call = sample_call::call();
    call.write(&folder)?;
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: call.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.join("call.wav"), spec)?;
    for (user, assistant) in call.user.iter().zip(&call.assistant) {
        for sample in [user, assistant] {
            wav.write_sample((sample * f32::from(i16::MAX)) as i16)?;
        }
    }
    wav.finalize()?;
    Ok(())
}
