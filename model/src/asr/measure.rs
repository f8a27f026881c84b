use std::time::{Duration, Instant};

use duplex_core::Samples;

use super::{AsrError, Recogniser, Request};

/// What one window cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement {
    /// Length of the audio.
    pub window: Samples,
    /// From the call to its answer, the way over the pipes included.
    pub wall: Duration,
    /// Time of all threads of the process.
    pub cpu: Duration,
}

/// Recognises each of the windows once, in order, and says what it cost. A window that the level alone rules out costs nothing.
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
