//! From the configuration to an engine and to the options of a call.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use duplex_core::{Costs, Mishearings, Overlap, Permille, Policy, Samples, Sources, Weights};
use duplex_model::adapter;
use duplex_model::asr::{self, RecogniserOptions};
use duplex_model::llm::{LlmOptions, ReplyLimits, Sampling};
use duplex_model::remote::{self, EndpointOptions, Secret};
use duplex_model::tts::{Lexicon, VoiceOptions};
use duplex_model::weights::{Manifest, ModelSource, Role, Store};
use duplex_runtime::models::{self, DuplexOptions, RemoteReplyOptions};
use duplex_runtime::ports::{ModelOptions, Synthesis};
use duplex_runtime::{CallOptions, Charges, Engine, EngineError, EngineOptions, ReplyOptions};

use crate::config::{self, Config, Endpoint, TurnPolicy, VoiceSource};
use crate::failure::{Exit, Failure};

/// Loads the configured models.
pub(crate) fn engine(config: &Config) -> Result<Arc<Engine>, Failure> {
    Ok(Arc::new(Engine::start(engine_options(config)?)?))
}

/// A voice, and how it speaks.
pub(crate) fn voice_options(config: &Config, voice: &ModelSource) -> Result<VoiceOptions, Failure> {
    let model = Store::open()?.path(Role::Voice, voice)?;
    let mut description = model.clone().into_os_string();
    description.push(".json");
    Ok(VoiceOptions {
        model,
        config: description.into(),
        threads: config.voice.threads as usize,
        speed: config.voice.speed as f32,
        seed: u64::from(config.llm.seed),
    })
}

/// Which models, and how they run: each is one line here.
pub(crate) fn engine_options(config: &Config) -> Result<EngineOptions, Failure> {
    Ok(EngineOptions {
        recogniser: ModelOptions {
            pool: config.asr.processes as usize,
            ..models::whisper(asr_options(config)?)
        },
        end_of_turn: models::smart_turn(path(Role::Turn, &config.models.turn)?, 1),
        duplex: duplex_options(config)?.map(models::duplex_model),
        replies: reply_models(config)?,
        voices: voices(config)?,
        instructions: config.llm.system_prompt.clone(),
        lexicon: Lexicon::new(&config.voice.pronunciation)
            .map_err(|error| Failure::new(Exit::Usage, format!("voice.pronunciation: {error}")))?,
        vad: path(Role::Vad, &config.models.vad)?,
    })
}

/// The models that write replies, by the names that calls choose them by; the first is the default.
fn reply_models(config: &Config) -> Result<Vec<ReplyOptions>, Failure> {
    let local = ReplyOptions::new(LOCAL, models::llama(reply_model(config)?, llm_options(config)));
    Ok(match remote_options(config)? {
        Some(options) => {
            let model = models::endpoint(options);
            let fallback = Some(LOCAL.to_owned());
            vec![ReplyOptions { name: ENDPOINT.to_owned(), model, fallback }, local]
        }
        None => vec![local],
    })
}

/// The language model on this machine, and that on another server.
const LOCAL: &str = "local";
const ENDPOINT: &str = "endpoint";

/// Opens a voice of a program, at a pace relative to its own.
type VoiceProgram = fn(voice: &str, pace: f32) -> ModelOptions<Synthesis>;

/// The programs that speak, by name.
const VOICE_PROGRAMS: &[(&str, VoiceProgram)] = &[("espeak", models::voices::espeak)];

/// The voices, by the names that calls choose them by; the first is the default.
fn voices(config: &Config) -> Result<Vec<(String, ModelOptions<Synthesis>)>, Failure> {
    let sources = std::iter::once(&config.models.voice).chain(&config.voice.others);
    sources.map(|source| Ok((source.to_string(), voice(config, source)?))).collect()
}

fn voice(config: &Config, source: &VoiceSource) -> Result<ModelOptions<Synthesis>, Failure> {
    let (program, voice) = match source {
        VoiceSource::Model(model) => {
            return Ok(models::voices::piper(voice_options(config, model)?));
        }
        VoiceSource::Program { program, voice } => (program, voice),
    };
    let Some((_, open)) = VOICE_PROGRAMS.iter().find(|(name, _)| name == program) else {
        let names: Vec<_> = VOICE_PROGRAMS.iter().map(|(name, _)| *name).collect();
        let known = names.join(", ");
        let message = format!("the voice {source}: no program of that name; there are: {known}");
        return Err(Failure::new(Exit::Usage, message));
    };
    Ok(open(voice, config.voice.speed as f32))
}

/// The model on another server, where one is configured.
fn remote_options(config: &Config) -> Result<Option<RemoteReplyOptions>, Failure> {
    let Endpoint { base_url, model, key_env, key_file, allow_plain_http, context, .. } =
        &config.endpoint;
    let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error.to_string());
    let Some(base_url) = base_url else {
        if model.is_some() || key_env.is_some() || key_file.is_some() {
            return Err(usage(&"[endpoint] has no base_url: set it, or leave out its other keys"));
        }
        return Ok(None);
    };
    let Some(model) = model.as_deref().map(str::trim).filter(|model| !model.is_empty()) else {
        return Err(usage(&"endpoint.base_url is set, and endpoint.model is not: name the model"));
    };
    let key = match (key_env, key_file) {
        (_, Some(file)) => Some(Secret::from_file(file.as_ref())),
        (Some(name), None) => Some(Secret::from_env(name)),
        (None, None) => None,
    };
    let ms = Duration::from_millis;
    let endpoint = EndpointOptions {
        key: key.transpose().map_err(|error| usage(&error))?,
        allow_plain_http: *allow_plain_http,
        connect: ms(config.endpoint.connect_ms),
        first_token: ms(config.endpoint.first_token_ms),
        stall: ms(config.endpoint.stall_ms),
        ..EndpointOptions::new(base_url.as_str(), model)
    };
    // What is wrong with the address is known now.
    remote::Endpoint::new(endpoint.clone()).map_err(|error| usage(&error))?;
    let llm = &config.llm;
    Ok(Some(RemoteReplyOptions {
        endpoint,
        most_tokens: llm.max_reply_tokens,
        temperature: llm.temperature as f32,
        top_p: llm.top_p as f32,
        seed: llm.seed,
        context: *context,
        rest: ms(config.endpoint.rest_ms),
    }))
}

/// Where a model lies.
fn path(role: Role, source: &ModelSource) -> Result<PathBuf, Failure> {
    Ok(Store::open()?.path(role, source)?)
}

/// The recogniser, and how it runs.
pub(crate) fn asr_options(config: &Config) -> Result<RecogniserOptions, Failure> {
    let worker = asr::find_worker(config.asr.worker.as_deref().map(std::path::Path::new))
        .map_err(|error| model_failure("recogniser", &error))?;
    Ok(RecogniserOptions {
        threads: config.asr.threads as usize,
        language: config.asr.language.clone(),
        ..RecogniserOptions::new(worker, path(Role::Asr, &config.models.asr)?)
    })
}

/// The language model that writes the replies.
pub(crate) fn reply_model(config: &Config) -> Result<PathBuf, Failure> {
    path(Role::Llm, config.llm.reply.as_ref().unwrap_or(&config.models.llm))
}

/// Whether the replies may have several paragraphs: those of the default model get worse with the second.
fn writes_paragraphs(config: &Config) -> bool {
    let model = config.llm.reply.as_ref().unwrap_or(&config.models.llm);
    let default = Manifest::builtin().default_for(Role::Llm);
    !default.is_some_and(|default| *model == ModelSource::Named(default.name.clone()))
}

/// How the language models run.
pub(crate) fn llm_options(config: &Config) -> LlmOptions {
    let llm = &config.llm;
    let hard = llm.max_reply_tokens as usize;
    let paragraphs = writes_paragraphs(config);
    // The rest of a sentence still fits.
    let soft = if paragraphs { hard * 4 / 5 } else { LlmOptions::default().reply.soft.min(hard) };
    LlmOptions {
        context: llm.context,
        calls: config.server.max_calls,
        threads: llm.threads,
        sampling: Sampling {
            temperature: llm.temperature as f32,
            top_p: llm.top_p as f32,
            seed: llm.seed,
            dry_multiplier: llm.repetition_penalty as f32,
            ..Sampling::default()
        },
        reply: ReplyLimits { soft, hard, paragraphs },
    }
}

/// The duplex model, where it is asked.
fn duplex_options(config: &Config) -> Result<Option<DuplexOptions>, Failure> {
    if !policy(config).sources.model() {
        return Ok(None);
    }
    let store = Store::open()?;
    let adapter = match &config.llm.adapter {
        Some(path) => PathBuf::from(path),
        None => adapter::built_in(store.root()).map_err(|e| {
            let message =
                format!("the adapter cannot be written to {}: {e}", store.root().display());
            Failure::new(Exit::Io, message)
        })?,
    };
    let model = store.path(Role::Llm, &config.models.llm)?;
    Ok(Some(DuplexOptions { model, adapter, llm: llm_options(config) }))
}

/// How a call runs.
pub(crate) fn call_options(config: &Config) -> CallOptions {
    let mut options = CallOptions { policy: policy(config), ..CallOptions::default() };
    options.front_end.cancel_echo = config.audio.cancel_echo;
    options.duck_db = config.audio.duck_db as f32;
    options.session.vocabulary.clone_from(&config.asr.vocabulary);
    options
}

/// What the configured recogniser is known to mishear; nothing for a file of the user's own.
fn mishearings(config: &Config) -> Mishearings {
    let named = match (&config.asr.profile, &config.models.asr) {
        (Some(profile), _) => Some(profile),
        (None, ModelSource::Named(name)) => Some(name),
        (None, ModelSource::Path(_) | ModelSource::Url(_)) => None,
    };
    let model = named.and_then(|name| Manifest::builtin().get(name));
    model.map(|model| model.mishearings.clone()).unwrap_or_default()
}

/// The turn-taking policy.
pub(crate) fn policy(config: &Config) -> Policy {
    let turn = &config.turn;
    let ms = Samples::from_millis;
    let reference = match turn.policy {
        TurnPolicy::Duplex => None,
        TurnPolicy::BargeIn => Some(Policy::barge_in()),
        TurnPolicy::TurnBased => Some(Policy::turn_based()),
    };
    let ours = Policy {
        overlap: Overlap::Weighed,
        words: true,
        mishearings: mishearings(config),
        sources: match turn.sources {
            config::Sources::Acoustic => Sources::Acoustic,
            config::Sources::Model => Sources::Model,
            config::Sources::Both => Sources::Both,
        },
        ignore_after: ms(turn.ignore_after_ms),
        model_patience: ms(turn.model_patience_ms),
        decision_slice: ms(turn.decision_slice_ms),
        slice: ms(turn.slice_ms),
        preroll: ms(turn.preroll_ms),
        shortest_window: ms(turn.shortest_window_ms),
        longest_window: ms(turn.longest_window_ms),
        clear: permille(turn.clear_permille),
        linger: ms(turn.linger_ms),
        tail_after: ms(turn.tail_after_ms),
        split_after: ms(turn.split_after_ms),
        weights: Weights::default(),
        costs: costs(config),
        shortest_wait: ms(turn.shortest_wait_ms),
        longest_wait: ms(turn.longest_wait_ms),
        fixed_wait: (turn.fixed_wait_ms > 0).then(|| ms(turn.fixed_wait_ms)),
        hold_after: ms(turn.hold_after_ms),
        yield_after: ms(turn.yield_after_ms),
        other_voice: u8::try_from(turn.other_voice_db).unwrap_or(u8::MAX),
        near_after: ms(turn.near_after_ms),
        settle_after: ms(turn.settle_after_ms),
        recogniser_patience: ms(turn.recogniser_patience_ms),
        lost_after: ms(turn.lost_after_ms),
        lead: ms(turn.lead_ms),
        resume_within: ms(turn.resume_within_ms),
        reopen_within: ms(turn.reopen_within_ms),
        retries: turn.retries,
        answers: true,
        idle_after: ms(turn.idle_after_ms),
        idle_question: turn.idle_question.clone(),
        unheard_question: turn.unheard_question.clone(),
        farewell: turn.farewell.clone(),
        ends_at_farewell: turn.ends_at_farewell,
        idle_questions: turn.idle_questions,
        longest_press: ms(turn.longest_press_ms),
    };
    let Some(reference) = reference else { return ours };
    Policy {
        unheard_question: reference.unheard_question,
        other_voice: reference.other_voice,
        overlap: reference.overlap,
        words: reference.words,
        sources: reference.sources,
        fixed_wait: reference.fixed_wait,
        yield_after: reference.yield_after,
        resume_within: reference.resume_within,
        reopen_within: reference.reopen_within,
        ..ours
    }
}

/// What the mistakes of turn-taking cost.
fn costs(config: &Config) -> Costs {
    let config::Costs {
        ignored,
        ignored_again,
        needless_answer,
        needless_stop,
        talked_over,
        gap,
        cut_in,
        wait,
    } = config.costs;
    Costs { ignored, ignored_again, needless_answer, needless_stop, talked_over, gap, cut_in, wait }
}

fn permille(value: u64) -> Permille {
    Permille(value.min(1000) as u16)
}

/// What a job of a virtual call costs.
pub(crate) fn charges(config: &Config) -> Charges {
    let ms = Samples::from_millis;
    let charges = &config.charges;
    Charges {
        recognise: ms(charges.recognise_ms),
        detect_end_of_turn: ms(charges.detect_end_of_turn_ms),
        decide: ms(charges.decide_ms),
        prefill: ms(charges.prefill_ms),
        write: ms(charges.write_ms),
        first_audio: ms(charges.first_audio_ms),
        more_audio: ms(charges.more_audio_ms),
    }
}

/// A model that cannot be used.
pub(crate) fn model_failure(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, format!("the {name}: {error}")).with_hint(MODELS_HINT)
}

const MODELS_HINT: &str =
    "`duplex models verify` tells which files are whole, `duplex models pull` fetches them again";

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let failure = |exit| Failure::new(exit, error.to_string());
        match &error {
            // What is configured is wrong, and no file.
            EngineError::Options(_) => failure(Exit::Usage),
            EngineError::Thread(_) => failure(Exit::Io).with_hint(MODELS_HINT),
            _ => failure(Exit::Unavailable).with_hint(MODELS_HINT),
        }
    }
}
