use std::time::{Duration, Instant};

use duplex_core::Samples;

use super::{AsrError, Recogniser, Request};

/// The cost of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement {
    /// Length of the audio.
    pub window: Samples,
    /// Wall time from the call to its answer, including the pipes.
    pub wall: Duration,
    /// CPU time of all threads of the process.
    pub cpu: Duration,
}

/// Recognises each window once, in order, and measures its cost. A window that is rejected by level alone costs
/// nothing.
///
/// # Errors
///
/// Those of [`Recogniser::recognise`].
pub fn measure(
    recogniser: &mut Recogniser,
    windows: &[&[f32]],
) -> Result<Vec<Measurement>, AsrError> {
    let one = |audio: &&[f32]| {
        let begin = Instant::now();
        let hypothesis = recogniser.recognise(audio, &Request::default())?;
        Ok(Measurement {
            window: Samples(audio.len() as u64),
            wall: begin.elapsed(),
            cpu: hypothesis.cpu,
        })
    };
    windows.iter().map(one).collect()
}
