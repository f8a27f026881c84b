//! The echo cancellers that are compared.

use duplex_audio::{EchoCanceller, MICROPHONE_FRAME};
use duplex_core::SAMPLE_RATE;
use sonora::high_pass_filter::HighPassFilter;
use sonora_aec3::{
    block::Block, block_framer::BlockFramer, block_processor::BlockProcessor,
    config::EchoCanceller3Config, frame_blocker::FrameBlocker,
};

pub(crate) type Frame = [f32; MICROPHONE_FRAME];

pub(crate) trait Canceller {
    fn process(&mut self, far: &Frame, near: &mut Frame);
}

/// One that is compared: its name, and how it is made.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    make: fn() -> Box<dyn Canceller>,
}

impl Candidate {
    /// What it leaves of `near`; both at the session rate.
    pub(crate) fn run(&self, far: &[f32], near: &[f32]) -> Vec<f32> {
        let mut canceller = (self.make)();
        let mut left = Vec::with_capacity(near.len());
        let (far, near) = (far.as_chunks().0, near.as_chunks().0);
        for (n, near) in near.iter().enumerate() {
            let (far, mut near) = (far.get(n).unwrap_or(&[0.0; MICROPHONE_FRAME]), *near);
            canceller.process(far, &mut near);
            left.extend(near);
        }
        left
    }
}

/// The product's canceller, the other port of AEC3, and other settings of the first.
pub(crate) const CANDIDATES: &[Candidate] = &[
    Candidate { name: "none", make: || Box::new(Nothing) },
    Candidate { name: "sonora (the product's)", make: || Box::new(EchoCanceller::new()) },
    Candidate { name: "aec3 0.4.0", make: || Box::new(Other::new()) },
    Candidate {
        name: "sonora, linear output",
        make: || Box::new(Tuned::new(|config| config.filter.export_linear_aec_output = true)),
    },
    Candidate {
        name: "sonora, filter of 80 ms",
        make: || Box::new(Tuned::new(|config| long_filter(config, 20))),
    },
    Candidate {
        name: "sonora, near end found sooner",
        make: || Box::new(Tuned::new(near_end_sooner)),
    },
    Candidate {
        name: "sonora, near end's masks always",
        make: || {
            Box::new(Tuned::new(|config| {
                config.suppressor.normal_tuning = config.suppressor.nearend_tuning.clone();
            }))
        },
    },
    Candidate {
        name: "sonora, longer, sooner, softer",
        make: || {
            Box::new(Tuned::new(|config| {
                long_filter(config, 20);
                near_end_sooner(config);
                softer(config);
            }))
        },
    },
];

fn long_filter(config: &mut EchoCanceller3Config, blocks: usize) {
    config.filter.refined.length_blocks = blocks;
    config.filter.coarse.length_blocks = blocks;
}

fn near_end_sooner(config: &mut EchoCanceller3Config) {
    let detection = &mut config.suppressor.dominant_nearend_detection;
    detection.snr_threshold = 10.0;
    detection.trigger_threshold = 3;
    detection.enr_threshold = 1.0;
}

fn softer(config: &mut EchoCanceller3Config) {
    let masks = &mut config.suppressor.nearend_tuning;
    masks.mask_hf.enr_transparent = 0.6;
    masks.mask_hf.enr_suppress = 1.0;
}

struct Nothing;

impl Canceller for Nothing {
    fn process(&mut self, _: &Frame, _: &mut Frame) {}
}

impl Canceller for EchoCanceller {
    fn process(&mut self, far: &Frame, near: &mut Frame) {
        EchoCanceller::process(self, far, near);
    }
}

/// The crate `aec3`, another port of the same canceller, with its high pass and nothing else.
struct Other(aec3::pipelines::linear::LinearPipeline);

impl Other {
    fn new() -> Self {
        let format = aec3::nodes::audio::AudioFormat::ten_ms(SAMPLE_RATE, 1);
        let pipeline = aec3::pipelines::linear::builder(format, format)
            .enable_noise_suppression(false)
            .enable_gain_controller2(false)
            .enable_post_filter(false)
            .build()
            .expect("the formats are valid");
        Self(pipeline)
    }
}

impl Canceller for Other {
    fn process(&mut self, far: &Frame, near: &mut Frame) {
        let mut cleaned = [0.0; MICROPHONE_FRAME];
        self.0.handle_render_frame(far).expect("the format is right");
        let gave = self.0.process_capture_frame(near, &mut cleaned).expect("the format is right");
        if gave {
            *near = cleaned;
        }
    }
}

/// Samples that sonora's parts take at once, and their full scale.
const SUB_FRAME: usize = 80;
const FULL_SCALE: f32 = 32_768.0;

/// sonora's canceller put together from its parts, as `sonora::AudioProcessing` does, which takes no settings.
struct Tuned {
    high_pass: HighPassFilter,
    processor: BlockProcessor,
    far: FrameBlocker,
    near: FrameBlocker,
    cleaned: BlockFramer,
    /// The output of the adaptive filter alone, where it is what is asked for.
    is_linear: bool,
}

impl Tuned {
    fn new(change: impl Fn(&mut EchoCanceller3Config)) -> Self {
        let mut config = EchoCanceller3Config::default();
        change(&mut config);
        assert!(config.validate(), "a setting is out of its range");
        Self {
            high_pass: HighPassFilter::new(SAMPLE_RATE as i32, 1),
            processor: BlockProcessor::new(&config, SAMPLE_RATE as usize, 1, 1),
            far: FrameBlocker::new(1, 1),
            near: FrameBlocker::new(1, 1),
            cleaned: BlockFramer::new(1, 1),
            is_linear: config.filter.export_linear_aec_output,
        }
    }

    fn clean(&mut self, block: &mut Block) {
        if self.is_linear {
            let mut linear = Block::new(1, 1);
            self.processor.process_capture(false, false, Some(&mut linear), block);
            block.swap(&mut linear);
        } else {
            self.processor.process_capture(false, false, None, block);
        }
    }
}

impl Canceller for Tuned {
    fn process(&mut self, far: &Frame, near: &mut Frame) {
        let mut block = Block::new(1, 1);
        let far = far.map(|x| x * FULL_SCALE);
        for far in far.chunks(SUB_FRAME) {
            self.far.insert_sub_frame_and_extract_block(&[vec![far]], &mut block);
            self.processor.buffer_render(&block);
        }
        if self.far.is_block_available() {
            self.far.extract_block(&mut block);
            self.processor.buffer_render(&block);
        }
        let mut captured = [near.iter().map(|x| x * FULL_SCALE).collect::<Vec<f32>>()];
        self.high_pass.process_channels(&mut captured);
        for (captured, near) in captured[0].chunks(SUB_FRAME).zip(near.chunks_mut(SUB_FRAME)) {
            self.near.insert_sub_frame_and_extract_block(&[vec![captured]], &mut block);
            self.clean(&mut block);
            let mut cleaned = [vec![vec![0.0; SUB_FRAME]]];
            self.cleaned.insert_block_and_extract_sub_frame(&block, &mut cleaned);
            near.iter_mut().zip(&cleaned[0][0]).for_each(|(x, y)| *x = y / FULL_SCALE);
        }
        if self.near.is_block_available() {
            self.near.extract_block(&mut block);
            self.clean(&mut block);
            self.cleaned.insert_block(&block);
        }
    }
}
