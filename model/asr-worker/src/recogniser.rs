//! whisper.cpp behind the two operations of the protocol: load and decode.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

use crate::model_file;
use crate::protocol::{Decoded, Load, Ready, Token, Window};

/// A loaded model and the state for one decoding at a time.
pub(crate) struct Recogniser {
    context: WhisperContext,
    state: WhisperState,
    /// Parameters common to all windows in the language of `Load`. whisper-rs loses memory each time a language is set,
    /// so it is set once, here.
    shared: FullParams<'static, 'static>,
    /// The same in other languages, each made when it is first asked for.
    others: BTreeMap<String, FullParams<'static, 'static>>,
    threads: usize,
}

impl Recogniser {
    /// Loads the model and returns it with its description.
    pub(crate) fn load(load: Load) -> Result<(Self, Ready)> {
        let begin = Instant::now();
        let path = PathBuf::from(OsString::from_vec(load.model));
        model_file::check(&path)?;
        let threads = load.threads.clamp(1, 64);

        let mut parameters = WhisperContextParameters::default();
        // With flash attention whisper.cpp (1.8.3) rounds the context up to a multiple of 256, and the decoder attends
        // to what earlier windows left there.
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(&path, parameters)
            .context("whisper.cpp does not accept the file")?;
        let state =
            context.create_state().context("not enough memory for whisper.cpp's buffers")?;

        let mut shared = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        shared.set_n_threads(threads as i32);
        shared.set_no_context(true);
        shared.set_single_segment(true);
        // The time stamps are not used, but a decoder that must place the end of the speech stops there: without them
        // one clip in ten is repeated.
        shared.set_no_timestamps(false);
        shared.set_temperature_inc(0.0);
        // The client decides whether a text is accepted, on more evidence than whisper.cpp uses: nothing is suppressed
        // here.
        shared.set_no_speech_thold(f32::INFINITY);
        shared.set_print_progress(false);
        match load.language.as_str() {
            "en" => shared.set_language(Some("en")),
            "auto" if context.is_multilingual() => shared.set_language(None),
            "auto" => shared.set_language(Some("en")),
            language if context.is_multilingual() && !language.contains('\0') => {
                shared.set_language(Some(
                    whisper_code(language)
                        .with_context(|| format!("Whisper knows no language {language:?}"))?,
                ));
            }
            language => bail!("this model knows only English, not {language:?}"),
        }

        let ready = Ready {
            kind: context.model_type_readable_str_lossy()?.into_owned(),
            languages: languages(&context),
            max_context: context.model_n_audio_ctx() as u32,
            load: begin.elapsed(),
        };
        let others = BTreeMap::new();
        Ok((Self { context, state, shared, others, threads: threads as usize }, ready))
    }

    /// Recognises one window.
    pub(crate) fn decode(&mut self, window: &Window) -> Result<Decoded> {
        let (begin, cpu) = (Instant::now(), cpu_time());
        let prompt = match window.prompt.as_str() {
            "" => Vec::new(),
            // No token is shorter than one byte, so this is enough room.
            text => self
                .context
                .tokenize(text, text.len() + 1)
                .context("the prompt cannot be tokenised")?,
        };
        let mut params = self.params(&window.language)?;
        params.set_audio_ctx(window.context as i32);
        params.set_max_tokens(window.max_tokens as i32);
        params.set_tokens(&prompt);
        self.state.full(params, &window.audio)?;

        let end = self.context.token_eot();
        let (mut tokens, mut ended, mut logprob) = (Vec::new(), false, 0.0);
        for segment in self.state.as_iter() {
            for token in (0..segment.n_tokens()).filter_map(|index| segment.get_token(index)) {
                let data = token.token_data();
                if data.id < end {
                    tokens.push(Token { text: token.to_bytes()?.to_vec(), probability: data.p });
                    logprob += data.plog;
                }
                ended |= data.id == end;
            }
        }
        let no_speech = self.no_speech()?;
        let mean_logprob = logprob / tokens.len().max(1) as f32;
        Ok(Decoded {
            tokens,
            ended,
            mean_logprob,
            no_speech,
            compute: begin.elapsed(),
            cpu: cpu_time() - cpu,
        })
    }

    /// The parameters of a window in a language.
    fn params(&mut self, language: &str) -> Result<FullParams<'static, 'static>> {
        if language.is_empty() {
            return Ok(self.shared.clone());
        }
        if let Some(params) = self.others.get(language) {
            return Ok(params.clone());
        }
        let known = languages(&self.context).into_iter().find(|known| known == language);
        let known = known.with_context(|| format!("this model does not know {language:?}"))?;
        let mut params = self.shared.clone();
        params.set_language(whisper_code(&known));
        self.others.insert(known, params.clone());
        Ok(params)
    }

    /// The probability of `<|nospeech|>` directly after `<|startoftranscript|>`, where Whisper is trained to predict it
    /// (whisper.cpp reads it after `<|notimestamps|>`, where it has no meaning). The encoder output of the last window
    /// is still in place.
    fn no_speech(&mut self) -> Result<f32> {
        self.state.decode(&[self.context.token_sot()], 0, self.threads)?;
        let logits = self.state.get_logits()?;
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
        let logit = logits
            .get(self.context.token_nosp() as usize)
            .context("the vocabulary lacks <|nospeech|>")?;
        Ok((logit - highest).exp() / sum)
    }
}

/// Codes of the languages that a model knows.
fn languages(context: &WhisperContext) -> Vec<String> {
    if !context.is_multilingual() {
        return vec!["en".to_owned()];
    }
    let ids = 0..=whisper_rs::get_lang_max_id();
    ids.filter_map(whisper_rs::get_lang_str).map(str::to_owned).collect()
}

/// whisper.cpp's own static string of a language, which outlives all parameters.
fn whisper_code(language: &str) -> Option<&'static str> {
    whisper_rs::get_lang_id(language).and_then(whisper_rs::get_lang_str)
}

/// CPU time of all threads of this process, including finished ones.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
