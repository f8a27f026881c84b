//! The voices.

use std::ops::ControlFlow;

use ::duplex_model::tts::{Chunk, EspeakVoice, Reading, Voice, VoiceOptions};

use crate::ports::{ModelOptions, Port, PortError, SpeechSynthesiser, Synthesis};

impl Port for Voice {}

impl SpeechSynthesiser for Voice {
    fn sample_rate(&self) -> u32 {
        self.sample_rate()
    }

    fn knows(&mut self, phonemes: &str) -> bool {
        Self::knows(self, phonemes)
    }

    fn speak(
        &mut self,
        clause: Reading<'_>,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError> {
        Ok(self.speak(clause, speed, emit)?)
    }
}

/// A Piper voice.
pub fn piper(options: VoiceOptions) -> ModelOptions<Synthesis> {
    ModelOptions::<Synthesis>::one(move |serve| {
        serve(&mut Voice::load(&options)?);
        Ok(())
    })
}

impl Port for EspeakVoice {}

impl SpeechSynthesiser for EspeakVoice {
    fn sample_rate(&self) -> u32 {
        self.sample_rate()
    }

    fn knows(&mut self, phonemes: &str) -> bool {
        Self::knows(self, phonemes)
    }

    fn speak(
        &mut self,
        clause: Reading<'_>,
        speed: f32,
        emit: &mut dyn FnMut(Chunk) -> ControlFlow<()>,
    ) -> Result<(), PortError> {
        Ok(self.speak(clause, speed, emit)?)
    }
}

/// espeak-ng in a language of its own, as `de` or `en-us`, at a pace relative to its own.
pub fn espeak(language: &str, pace: f32) -> ModelOptions<Synthesis> {
    let language = language.to_owned();
    ModelOptions::<Synthesis>::one(move |serve| {
        serve(&mut EspeakVoice::load(&language, pace)?);
        Ok(())
    })
}
