//! Has the user finished, or only paused? Told from the sound of the turn so far.
//!
//! [`EndOfTurn`] runs smart-turn v3: the encoder of Whisper tiny with a classifier on top, 8-bit
//! weights, which hears intonation and rhythm rather than words. It is asked while the user is
//! silent and answers with one number; when that number is high enough, and for how long a silence
//! must last where it is not, is decided elsewhere.

mod features;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::NdTensorView;

use features::{BANDS, FRAMES, LogMel};

pub use features::WINDOW;

/// The tag of `ir_version`, the first field of an ONNX file.
const ONNX_BEGINS: u8 = 0x08;
const INPUT: &str = "input_features";
const OUTPUT: &str = "logits";

/// Why the end of a turn could not be estimated.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The file cannot be read: fetch the model, or name another file.
    #[error("cannot read the end-of-turn model {}: {source}", path.display())]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged, or another model: fetch it again.
    #[error("{} is not a smart-turn v3 model: {what}", path.display())]
    Model {
        /// The file asked for.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The audio holds a sample that is not a finite number: whoever recorded it must be mended.
    #[error("sample {at} of the turn is not a finite number")]
    NotFinite {
        /// Its place in the slice handed over.
        at: usize,
    },
    /// The model failed on sound that it should have taken.
    #[error("the end-of-turn model failed: {0}")]
    Run(String),
}

/// Estimates whether the user's turn is complete.
///
/// Holds the model and the buffers of its features. Runs on the caller's thread, with a pool of
/// threads of its own for the matrices.
pub struct EndOfTurn {
    model: Model,
    input: NodeId,
    output: NodeId,
    run: RunOptions,
    features: LogMel,
}

impl EndOfTurn {
    /// Loads the model from an ONNX file and runs it once, so that a wrong file is found here and
    /// the first real question is as fast as the others.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Read`] and [`EndpointError::Model`]; both name the file.
    pub fn load(path: impl AsRef<Path>, threads: usize) -> Result<Self, EndpointError> {
        let path = path.as_ref();
        let wrong = |what: String| EndpointError::Model { path: path.to_owned(), what };
        let bytes = std::fs::read(path)
            .map_err(|source| EndpointError::Read { path: path.to_owned(), source })?;
        // The parser of rten 0.27 never returns from a number that does not end, so what plainly
        // is no ONNX is turned away before it.
        if bytes.first() != Some(&ONNX_BEGINS) {
            return Err(wrong("it is no ONNX file".to_owned()));
        }
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(bytes).map_err(|error| wrong(error.to_string()))?;
        let node =
            |name: &str| model.find_node(name).ok_or_else(|| wrong(format!("it has no `{name}`")));
        let (input, output) = (node(INPUT)?, node(OUTPUT)?);
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        let run = RunOptions::default().with_thread_pool(Some(pool));
        let mut endpoint = Self { model, input, output, run, features: LogMel::new() };
        endpoint.probability(&[]).map_err(|error| wrong(error.to_string()))?;
        Ok(endpoint)
    }

    /// The probability, 0 to 1, that the turn is complete.
    ///
    /// `audio` is the user's turn so far at [`duplex_core::SAMPLE_RATE`], mono, nominally within
    /// ±1 (the level does not matter: the model hears it normalised), up to and including the
    /// silence that raised the question. Its last [`WINDOW`] samples are used; a shorter turn is
    /// taken as preceded by silence.
    ///
    /// # Errors
    ///
    /// [`EndpointError::NotFinite`] for a sample that is no number, [`EndpointError::Run`] where
    /// the model fails.
    pub fn probability(&mut self, audio: &[f32]) -> Result<f32, EndpointError> {
        let start = audio.len().saturating_sub(WINDOW);
        let recent = &audio[start..];
        if let Some(at) = recent.iter().position(|sample| !sample.is_finite()) {
            return Err(EndpointError::NotFinite { at: start + at });
        }
        let failed = |error: &dyn std::fmt::Display| EndpointError::Run(error.to_string());
        let features = NdTensorView::from_data([1, BANDS, FRAMES], self.features.compute(recent));
        let [output] = self
            .model
            .run_n(vec![(self.input, features.into())], [self.output], Some(self.run.clone()))
            .map_err(|error| failed(&error))?;
        let (_, scores) = output.into_shape_vec::<f32, 2>().map_err(|error| failed(&error))?;
        match scores[..] {
            // The export ends with the sigmoid, whatever the output is called.
            [probability] if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(EndpointError::Run(format!("expected one probability, got {scores:?}"))),
        }
    }
}
