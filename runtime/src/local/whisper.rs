//! whisper.cpp, in a process of its own.

use ::duplex_model::asr::{Hypothesis, Recogniser, RecogniserOptions, Request};

use crate::ports::{
    Description, ModelOptions, Port, PortError, Recognition, SpeechRecogniser, SpeechWindow,
};

struct Whisper(Recogniser);

impl Port for Whisper {
    fn describe(&self) -> Description {
        Description { process: self.0.pid(), ..Description::default() }
    }
}

impl SpeechRecogniser for Whisper {
    fn recognise(&mut self, window: SpeechWindow<'_>) -> Result<Hypothesis, PortError> {
        Ok(self.0.recognise(window.audio, &Request::default())?)
    }
}

/// A recogniser by whisper.cpp.
pub fn whisper(options: RecogniserOptions) -> ModelOptions<Recognition> {
    ModelOptions::<Recognition>::one(move |serve| {
        serve(&mut Whisper(Recogniser::spawn(options.clone())?));
        Ok(())
    })
}
