//! The voices.

use std::ops::ControlFlow;

use ::duplex_model::tts::{Chunk, Voice, VoiceOptions};

use crate::ports::{ModelOptions, Port, PortError, SpeechSynthesiser, Synthesis};

impl Port for Voice {}

impl SpeechSynthesiser for Voice {
    fn sample_rate(&self) -> u32 {
        self.sample_rate()
    }

    fn speak(
        &mut self,
        text: &str,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError> {
        Ok(self.speak(text, speed, emit)?)
    }
}

/// A Piper voice.
pub fn piper(options: VoiceOptions) -> ModelOptions<Synthesis> {
    ModelOptions::<Synthesis>::one(move |serve| {
        serve(&mut Voice::load(&options)?);
        Ok(())
    })
}
