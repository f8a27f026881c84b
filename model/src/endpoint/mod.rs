//! Acoustic endpointing: from the audio of a turn so far, has the user finished, or only paused?
//!
//! [`EndOfTurn`] runs smart-turn v3: the encoder of Whisper tiny with a classifier on top, in 8-bit weights, which
//! responds to intonation and rhythm rather than words. It is asked while the user is silent and returns one
//! probability. The threshold, and how long a silence must last below it, are decided by the caller.
//!
//! It never detects speech itself, keeps no audio, and knows nothing of the rest of the conversation.

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
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is damaged, or another model: fetch it again.
    #[error("{} is not a smart-turn v3 model: {what}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The audio has a sample that is NaN or infinite: its source is broken.
    #[error("sample {at} of the turn is not a finite number")]
    NotFinite {
        /// Index of the sample in the slice passed in.
        at: usize,
    },
    /// Inference failed on valid audio.
    #[error("the end-of-turn model failed: {0}")]
    Run(String),
}

/// Estimates whether the user's turn is complete.
///
/// Holds the model and its feature buffers. Calls block; matrix products run on a thread pool of its own.
pub struct EndOfTurn {
    model: Model,
    input: NodeId,
    output: NodeId,
    run: RunOptions,
    features: LogMel,
}

impl EndOfTurn {
    /// Loads the model from an ONNX file and runs it once, so that a wrong file is found here and the first real query
    /// is as fast as later ones.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Read`] and [`EndpointError::Model`]; both name the file.
    pub fn load(path: impl AsRef<Path>, threads: usize) -> Result<Self, EndpointError> {
        let path = path.as_ref();
        let wrong = |what: String| EndpointError::Model { path: path.to_owned(), what };
        let bytes = std::fs::read(path)
            .map_err(|source| EndpointError::Read { path: path.to_owned(), source })?;
        // The parser of rten 0.27 loops forever on a varint that does not end, so files that are clearly not ONNX are
        // rejected first.
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
    /// `audio` is the user's turn so far at [`duplex_core::SAMPLE_RATE`], mono, nominally in -1..=1 (the level does not
    /// matter: the features are normalised), up to and including the silence that triggered the query. Its last
    /// [`WINDOW`] samples are used; a shorter turn is padded with silence in front.
    ///
    /// # Errors
    ///
    /// [`EndpointError::NotFinite`] for a NaN or infinite sample, [`EndpointError::Run`] if inference fails.
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
            // The exported graph ends with the sigmoid, despite the name of its output.
            [probability] if (0.0..=1.0).contains(&probability) => Ok(probability),
            _ => Err(EndpointError::Run(format!("expected one probability, got {scores:?}"))),
        }
    }
}
