//! Voice activity detection: [`VoiceActivity`] gives a speech probability per window, [`Detector`] turns the
//! probabilities into a decision.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use duplex_core::SAMPLE_RATE;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{NdTensor, Tensor, prelude::*};

use crate::units::{ACTIVITY_WINDOW, sane};

/// Samples of the previous window that the model takes as context.
const CONTEXT: usize = 64;

/// Shape of the model's recurrent state, for a batch of one.
const STATE: [usize; 3] = [2, 1, 128];

/// What can go wrong when the voice activity model is loaded.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    /// The file is missing, damaged, or not an ONNX model.
    #[error("{path}: cannot load the voice activity model: {reason}; fetch it again", path = path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The loader's message.
        reason: String,
    },
    /// The file holds another model, or another version of this one.
    #[error("{path}: not a Silero voice activity model of version 5 or 6: {reason}", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or failed.
        reason: String,
    },
}

/// The Silero voice activity model (version 6), for one stream.
pub struct VoiceActivity {
    model: Arc<Model>,
    nodes: Nodes,
    options: RunOptions,
    input: [f32; CONTEXT + ACTIVITY_WINDOW],
    state: NdTensor<f32, 3>,
}

#[derive(Clone, Copy)]
struct Nodes {
    input: NodeId,
    state: NodeId,
    rate: NodeId,
    output: NodeId,
    next_state: NodeId,
}

impl VoiceActivity {
    /// Loads the model and runs it once on a window of silence.
    ///
    /// # Errors
    /// [`ActivityError`] names the file and says what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ActivityError> {
        let model = ModelOptions::with_all_ops().load_file(path).map_err(|error| {
            ActivityError::Load { path: path.into(), reason: error.to_string() }
        })?;
        let foreign = |reason: String| ActivityError::Foreign { path: path.into(), reason };
        let node = |name| model.node_id(name).map_err(|error| foreign(error.to_string()));
        let nodes = Nodes {
            input: node("input")?,
            state: node("state")?,
            rate: node("sr")?,
            output: node("output")?,
            next_state: node("stateN")?,
        };
        // The model is far too small to gain from a second thread.
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let mut activity = Self {
            model: Arc::new(model),
            nodes,
            options: RunOptions::default().with_thread_pool(Some(pool)),
            input: [0.0; CONTEXT + ACTIVITY_WINDOW],
            state: NdTensor::zeros(STATE),
        };
        activity.run().map_err(foreign)?;
        activity.reset();
        Ok(activity)
    }

    /// The same model for another stream: it shares the weights and starts with a fresh state.
    pub fn another(&self) -> Self {
        Self {
            model: Arc::clone(&self.model),
            nodes: self.nodes,
            options: self.options.clone(),
            input: [0.0; CONTEXT + ACTIVITY_WINDOW],
            state: NdTensor::zeros(STATE),
        }
    }

    /// The probability, 0 to 1, that the next `window` of the stream contains speech.
    pub fn probability(&mut self, window: &[f32; ACTIVITY_WINDOW]) -> f32 {
        self.input.copy_within(ACTIVITY_WINDOW.., 0);
        for (input, &sample) in self.input[CONTEXT..].iter_mut().zip(window) {
            *input = sane(sample);
        }
        // Shapes are fixed and were checked when the model was loaded.
        self.run().unwrap_or(0.0)
    }

    /// Resets the state: what follows is another stream.
    pub fn reset(&mut self) {
        self.input = [0.0; CONTEXT + ACTIVITY_WINDOW];
        self.state = NdTensor::zeros(STATE);
    }

    fn run(&mut self) -> Result<f32, String> {
        let input = Tensor::from_data(&[1, self.input.len()], self.input.to_vec());
        let rate = Tensor::from(SAMPLE_RATE as i32);
        let inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.nodes.input, Value::from(input).into()),
            (self.nodes.state, self.state.view().into()),
            (self.nodes.rate, Value::from(rate).into()),
        ];
        let wanted = [self.nodes.output, self.nodes.next_state];
        let outputs = self
            .model
            .run(inputs, &wanted, Some(self.options.clone()))
            .map_err(|error| error.to_string())?;
        let [output, state]: [Value; 2] =
            outputs.try_into().map_err(|_| String::from("it gave another number of outputs"))?;
        let output: Tensor<f32> = output.try_into().map_err(|_| String::from("not a number"))?;
        self.state = state.try_into().map_err(|_| String::from("its state has another shape"))?;
        output.iter().next().copied().ok_or_else(|| String::from("it gave nothing"))
    }
}

/// The decision on one window of audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activity {
    /// Whether somebody is speaking, after hysteresis.
    pub speech: bool,
    /// The model's speech probability for this window.
    pub probability: f32,
    /// Level of this window, in dBFS.
    pub level_db: f32,
}

/// When a [`Detector`] changes its state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// A window with at least this probability can start speech.
    pub onset: f32,
    /// A window with a lower probability than this can end speech.
    pub offset: f32,
    /// Consecutive windows needed to start speech.
    pub onset_windows: u32,
    /// Consecutive windows needed to end speech.
    pub offset_windows: u32,
    /// Windows below this level, in dBFS, never start speech.
    pub floor_db: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { onset: 0.5, offset: 0.35, onset_windows: 1, offset_windows: 2, floor_db: -58.0 }
    }
}

/// Turns a series of speech probabilities into a decision, with hysteresis.
///
/// It counts consecutive windows that contradict the present state; one window that agrees with the state resets the
/// count.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    speech: bool,
    against: u32,
}

impl Detector {
    /// A detector that starts in silence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next window's probability and level. The thresholds may differ from window to window, since they
    /// depend on whether echo is expected.
    pub fn update(&mut self, probability: f32, level_db: f32, thresholds: &Thresholds) -> Activity {
        let (against, needed) = if self.speech {
            (probability < thresholds.offset, thresholds.offset_windows)
        } else {
            let loud = level_db >= thresholds.floor_db;
            (probability >= thresholds.onset && loud, thresholds.onset_windows)
        };
        self.against = if against { self.against + 1 } else { 0 };
        if against && self.against >= needed {
            self.speech = !self.speech;
            self.against = 0;
        }
        Activity { speech: self.speech, probability, level_db }
    }

    /// Returns to the silent state.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
