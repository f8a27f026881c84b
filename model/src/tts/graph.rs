//! The network of a Piper voice, run in parts.
//!
//! The network is VITS. A text encoder gives the mean and standard deviation of an acoustic latent for each phoneme, a
//! duration predictor gives the number of frames per phoneme, and a flow and a vocoder turn the latent of each frame
//! into [`Graph::hop`] samples. A run of the whole graph draws its noise internally and returns audio only when
//! everything is done. Here the encoder and the duration predictor run once, the noise is drawn outside from a seed,
//! and flow and vocoder run over slices of frames: they are convolutions, so a slice with enough context on either side
//! gives the same samples as the whole.
//!
//! Kim, Kong, Son: "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech" (ICML
//! 2021), equations 3 and 6 for the prior.

use std::f32::consts::TAU;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use super::VoiceError;
use super::config::Inference;

/// Names of the values at which the graph is cut, as PyTorch's exporter gives them to every single-speaker Piper voice.
mod node {
    pub(super) const IDS: &str = "input";
    pub(super) const LENGTHS: &str = "input_lengths";
    pub(super) const SCALES: &str = "scales";
    /// Noise of the duration predictor, [1, 2, phonemes].
    pub(super) const DURATION_NOISE: &str = "/dp/RandomNormalLike_output_0";
    /// Frames per phoneme, rounded up, [1, 1, phonemes].
    pub(super) const DURATIONS: &str = "/Ceil_output_0";
    /// Mean of the prior, [1, channels, phonemes].
    pub(super) const MEAN: &str = "/enc_p/Split_output_0";
    /// Logarithm of the prior's standard deviation, [1, channels, phonemes].
    pub(super) const LOG_SPREAD: &str = "/enc_p/Split_output_1";
    /// The sampled latent, [1, channels, frames].
    pub(super) const LATENT: &str = "/Add_output_0";
    /// Which frames are speech, [1, 1, frames]: all of them.
    pub(super) const MASK: &str = "/Cast_2_output_0";
    pub(super) const SAMPLES: &str = "output";
}

/// Frames of context that a slice needs before and after it to approximate the samples of the whole. The network's
/// exact receptive field is 34 and 28 frames. Leaving out the rest causes an error about 60 dB below speech; including
/// it would delay the first chunk.
const CONTEXT_BEFORE: usize = 20;
const CONTEXT_AFTER: usize = 16;
/// Frames decoded once at load, to check that the graph can be cut and to find the hop size.
const PROBE_FRAMES: usize = 8;
/// Phoneme ids encoded once at load.
const PROBE_IDS: usize = 3;

/// The network and the nodes at which it is cut.
pub(super) struct Graph {
    model: Model,
    threads: Arc<ThreadPool>,
    nodes: Nodes,
    hop: usize,
}

struct Nodes {
    ids: NodeId,
    lengths: NodeId,
    scales: NodeId,
    duration_noise: NodeId,
    durations: NodeId,
    mean: NodeId,
    log_spread: NodeId,
    latent: NodeId,
    mask: NodeId,
    samples: NodeId,
}

/// The latent of an utterance, before the vocoder.
pub(super) struct Latent {
    /// Duration of each phoneme id, in frames.
    pub(super) durations: Vec<usize>,
    /// The latent, [frames, channels].
    frames: NdTensor<f32, 2>,
}

impl Latent {
    /// Length of the utterance in frames.
    pub(super) fn frames(&self) -> usize {
        self.frames.size(0)
    }
}

impl Graph {
    /// Loads the network and runs every part of it once.
    pub(super) fn load(path: &Path, threads: usize) -> Result<Self, VoiceError> {
        let bytes = std::fs::read(path)
            .map_err(|source| VoiceError::Read { path: path.to_owned(), source })?;
        let failed = |what: String| VoiceError::Model { path: path.to_owned(), what };
        let model = Model::load(bytes).map_err(|error| failed(error.to_string()))?;
        let find = |name| {
            model.find_node(name).ok_or_else(|| {
                failed(format!("has no value \"{name}\": not a single-speaker Piper voice"))
            })
        };
        let nodes = Nodes {
            ids: find(node::IDS)?,
            lengths: find(node::LENGTHS)?,
            scales: find(node::SCALES)?,
            duration_noise: find(node::DURATION_NOISE)?,
            durations: find(node::DURATIONS)?,
            mean: find(node::MEAN)?,
            log_spread: find(node::LOG_SPREAD)?,
            latent: find(node::LATENT)?,
            mask: find(node::MASK)?,
            samples: find(node::SAMPLES)?,
        };
        let threads = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        let mut graph = Self { model, threads, nodes, hop: 0 };
        graph.hop = graph.probe().map_err(|error| failed(error.to_string()))?;
        Ok(graph)
    }

    /// Samples per frame.
    pub(super) fn hop(&self) -> usize {
        self.hop
    }

    /// Encodes a few padding ids and decodes a few frames; returns the samples per frame.
    fn probe(&self) -> Result<usize, VoiceError> {
        let quiet = Inference { noise_scale: 0.0, length_scale: 1.0, noise_w: 0.0 };
        let latent = self.encode(&[0; PROBE_IDS], quiet, 0)?;
        let channels = latent.frames.size(1);
        let frames = NdTensor::zeros([PROBE_FRAMES, channels]);
        let samples = self.run_decoder(&frames, 0..PROBE_FRAMES)?.len();
        if samples == 0 || samples % PROBE_FRAMES != 0 {
            return Err(inference(format!("{PROBE_FRAMES} frames gave {samples} samples")));
        }
        Ok(samples / PROBE_FRAMES)
    }

    /// From phoneme ids to the latent of each frame. The same ids, scales and seed give the same latent.
    pub(super) fn encode(
        &self,
        ids: &[i32],
        scales: Inference,
        seed: u64,
    ) -> Result<Latent, VoiceError> {
        let mut noise = Noise::new(seed);
        let count = ids.len();
        let lengths = i32::try_from(count).map_err(inference)?;
        let duration_noise: Vec<f32> = (0..2 * count).map(|_| noise.draw()).collect();
        let inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.nodes.ids, Tensor::from_data(&[1, count], ids.to_vec()).into()),
            (self.nodes.lengths, Tensor::from_data(&[1], vec![lengths]).into()),
            (
                self.nodes.scales,
                Tensor::from_data(
                    &[3],
                    vec![scales.noise_scale, scales.length_scale, scales.noise_w],
                )
                .into(),
            ),
            (self.nodes.duration_noise, Tensor::from_data(&[1, 2, count], duration_noise).into()),
        ];
        let outputs = [self.nodes.durations, self.nodes.mean, self.nodes.log_spread];
        let [durations, mean, log_spread] =
            self.model.run_n(inputs, outputs, self.options()).map_err(inference)?;
        let durations: NdTensor<f32, 3> = durations.try_into().map_err(inference)?;
        let mean: NdTensor<f32, 3> = mean.try_into().map_err(inference)?;
        let log_spread: NdTensor<f32, 3> = log_spread.try_into().map_err(inference)?;
        let [_, channels, phonemes] = mean.shape();
        if phonemes != count || log_spread.shape() != mean.shape() || durations.len() != count {
            return Err(inference("the encoder's outputs do not fit its input".to_owned()));
        }

        let durations: Vec<usize> = durations.iter().map(|&frames| frames as usize).collect();
        let mut frames = NdTensor::zeros([durations.iter().sum(), channels]);
        let each_frame =
            durations.iter().enumerate().flat_map(|(id, &times)| std::iter::repeat_n(id, times));
        for (frame, id) in each_frame.enumerate() {
            for channel in 0..channels {
                let spread = log_spread[[0, channel, id]].exp() * scales.noise_scale;
                frames[[frame, channel]] = mean[[0, channel, id]] + noise.draw() * spread;
            }
        }
        Ok(Latent { durations, frames })
    }

    /// Turns a latent into samples, slice by slice.
    pub(super) fn vocoder<'a>(&'a self, latent: &'a Latent) -> Vocoder<'a> {
        Vocoder { graph: self, latent, at: 0, overlap: Vec::new() }
    }

    fn run_decoder(
        &self,
        frames: &NdTensor<f32, 2>,
        range: Range<usize>,
    ) -> Result<Vec<f32>, VoiceError> {
        let (width, channels) = (range.len(), frames.size(1));
        let slice = frames.slice(range);
        let latent = slice.transposed().to_vec();
        let inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.nodes.latent, Tensor::from_data(&[1, channels, width], latent).into()),
            (self.nodes.mask, Tensor::from_data(&[1, 1, width], vec![1.0f32; width]).into()),
        ];
        let [samples] =
            self.model.run_n(inputs, [self.nodes.samples], self.options()).map_err(inference)?;
        match samples {
            Value::FloatTensor(samples) => Ok(samples.into_data()),
            _ => Err(inference("the vocoder's output is not made of floats".to_owned())),
        }
    }

    fn options(&self) -> Option<RunOptions> {
        Some(RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads))))
    }
}

/// The state of the vocoder within an utterance.
pub(super) struct Vocoder<'a> {
    graph: &'a Graph,
    latent: &'a Latent,
    /// Frames done.
    at: usize,
    /// The frame after the last slice, as computed with that slice, with little context after it. It is cross-faded
    /// into the next slice, so that the small difference between the two does not click.
    overlap: Vec<f32>,
}

impl Vocoder<'_> {
    /// The samples of the next frames: [`Graph::hop`] per frame. None when all are done.
    pub(super) fn next(&mut self, frames: usize) -> Result<Option<Vec<f32>>, VoiceError> {
        let (hop, all) = (self.graph.hop, self.latent.frames());
        if self.at == all {
            return Ok(None);
        }
        let end = (self.at + frames.max(1)).min(all);
        let start = self.at.saturating_sub(CONTEXT_BEFORE);
        let stop = (end + CONTEXT_AFTER).min(all);
        let mut samples = self.graph.run_decoder(&self.latent.frames, start..stop)?;
        if samples.len() != (stop - start) * hop {
            return Err(inference(format!("{} frames gave {}", stop - start, samples.len())));
        }
        let behind = samples.split_off((end - start) * hop);
        samples.drain(..(self.at - start) * hop);
        for (index, (sample, before)) in samples.iter_mut().zip(&self.overlap).enumerate() {
            let share = index as f32 / hop as f32;
            *sample = before + share * (*sample - before);
        }
        self.overlap = behind;
        self.overlap.truncate(hop);
        self.at = end;
        Ok(Some(samples))
    }
}

fn inference(error: impl ToString) -> VoiceError {
    VoiceError::Inference { what: error.to_string() }
}

/// Normally distributed numbers from a seed, by the Box-Muller method. The network's own random nodes cannot be seeded,
/// and a call must be reproducible.
struct Noise {
    uniform: fastrand::Rng,
    spare: Option<f32>,
}

impl Noise {
    fn new(seed: u64) -> Self {
        Self { uniform: fastrand::Rng::with_seed(seed), spare: None }
    }

    fn draw(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - [0, 1) is never zero, so its logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform.f32()).ln()).sqrt();
        let (sin, cos) = (TAU * self.uniform.f32()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_standard_normal_and_repeats_with_its_seed() {
        let draw = |seed| {
            let mut noise = Noise::new(seed);
            (0..20_000).map(|_| noise.draw()).collect::<Vec<_>>()
        };
        let drawn = draw(7);
        let mean = drawn.iter().sum::<f32>() / drawn.len() as f32;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / drawn.len() as f32;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert_eq!(drawn, draw(7));
        assert_ne!(drawn, draw(8));
    }

    fn graph() -> Graph {
        let store = std::env::var_os("DUPLEX_MODELS")
            .expect("DUPLEX_MODELS names no folder of models: run make models");
        let path = std::path::PathBuf::from(store).join("piper-en-us-joe/en_US-joe-medium.onnx");
        Graph::load(&path, 1).unwrap()
    }

    /// Ids of some vowels and consonants with padding between, as in a phrase of two seconds.
    fn phrase() -> Vec<i32> {
        let phonemes = [20, 59, 24, 120, 27, 100, 3, 41, 120, 61, 88, 8, 3, 15, 122, 31].repeat(3);
        let padded = phonemes.into_iter().flat_map(|id| [id, 0]);
        [1, 0].into_iter().chain(padded).chain([2]).collect()
    }

    const SCALES: Inference = Inference { noise_scale: 0.667, length_scale: 1.0, noise_w: 0.8 };

    #[test]
    fn slices_sound_like_the_whole() {
        let graph = graph();
        let latent = graph.encode(&phrase(), SCALES, 3).unwrap();
        let frames = latent.frames();
        let whole = graph.run_decoder(&latent.frames, 0..frames).unwrap();
        for size in [28, 63] {
            let mut vocoder = graph.vocoder(&latent);
            let mut slices = Vec::new();
            while let Some(samples) = vocoder.next(size).unwrap() {
                slices.extend(samples);
            }
            assert_eq!(slices.len(), whole.len());
            let error: Vec<f32> = slices.iter().zip(&whole).map(|(a, b)| a - b).collect();
            let noise: f32 = error.iter().map(|x| x * x).sum();
            let signal: f32 = whole.iter().map(|x| x * x).sum();
            let ratio = 10.0 * (signal / noise).log10();
            assert!(ratio > 50.0, "{size}: {ratio:.1} dB");
            // A click would be a second difference of the error that stands out from those around it.
            let bend = |at: usize| (error[at - 1] - 2.0 * error[at] + error[at + 1]).abs();
            let bends = |range: Range<usize>| range.map(bend).fold(0.0, f32::max);
            for border in (size * graph.hop()..slices.len() - 1).step_by(size * graph.hop()) {
                let around = bends(border - graph.hop()..border - 2)
                    .max(bends(border + 2..(border + graph.hop()).min(slices.len() - 1)));
                let at = bends(border - 2..border + 2);
                assert!(at <= 1.5 * around + 1e-5, "{size} at {border}: {at} around {around}");
            }
        }
    }

    #[test]
    fn durations_add_up_to_the_frames() {
        let graph = graph();
        let ids = phrase();
        let latent = graph.encode(&ids, SCALES, 0).unwrap();
        assert_eq!(latent.durations.len(), ids.len());
        assert_eq!(latent.durations.iter().sum::<usize>(), latent.frames());
    }

    #[test]
    fn the_same_seed_gives_the_same_sound() {
        let graph = graph();
        let sound = |seed| {
            let latent = graph.encode(&phrase(), SCALES, seed).unwrap();
            graph.vocoder(&latent).next(10).unwrap()
        };
        assert_eq!(sound(5), sound(5));
        assert_ne!(sound(5), sound(6));
    }
}
