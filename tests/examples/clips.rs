//! Writes recorded clips as 16-bit WAV files, for programs that cannot read FLAC: `cargo run
//! --release -p duplex-harness --example clips -- FOLDER q01 s03`.

use std::path::{Path, PathBuf};

use duplex_audio::{Clip, WavWriter};
use duplex_core::SAMPLE_RATE;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("which folder?")?);
    std::fs::create_dir_all(&folder)?;
    for name in args {
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("speech/{name}.flac"));
        let samples = Clip::read(clip)?.mono(SAMPLE_RATE);
        let mut wav = WavWriter::<1>::create(folder.join(name).with_extension("wav"), SAMPLE_RATE)?;
        wav.write([&samples])?;
        wav.finish()?;
    }
    Ok(())
}
