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
        let SpeechWindow { audio, language, vocabulary } = window;
        let prompt = prompt(vocabulary);
        Ok(self.0.recognise(audio, &Request { language, prompt: prompt.as_deref() })?)
    }
}

/// A recogniser by whisper.cpp.
pub fn whisper(options: RecogniserOptions) -> ModelOptions<Recognition> {
    ModelOptions::<Recognition>::one(move |serve| {
        serve(&mut Whisper(Recogniser::spawn(options.clone())?));
        Ok(())
    })
}

/// Names as Whisper is told of them: as the end of something that was said before. Of the forms that were tried, a
/// sentence does least harm to what has no such name in it (docs/measurements-asr.md).
fn prompt(vocabulary: &[String]) -> Option<String> {
    match vocabulary {
        [] => None,
        [one] => Some(format!(" {one} is here.")),
        [others @ .., last] => Some(format!(" {} and {last} are here.", others.join(", "))),
    }
}
