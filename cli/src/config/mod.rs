//! The configuration: one TOML file, every key with a default and a meaning.
//!
//! [`Config`] is the principal type; its doc comments are what `duplex config show` prints, and
//! what docs/configuration.md holds. To add a section, add a struct and a `nested` field: loading,
//! checking, `--set` and `show` follow from them.

mod load;
mod show;
mod voice;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use confique::Config as Derive;
use duplex_core::words::LANGUAGES;
use duplex_model::tts::Lexicon;
use duplex_model::weights::{Manifest, ModelSource, Role};
use duplex_runtime::SessionOptions;
use serde::{Deserialize, Serialize};

pub(crate) use load::file;
pub(crate) use voice::VoiceSource;

/// What can be configured.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Config {
    /// Which models are used. Each is a name that `duplex models list` shows, the path of a
    /// file, or the https URL of one (http from this machine only). A relative path counts from
    /// the folder in which duplex is started; `~/` is the home folder.
    #[config(nested)]
    pub(crate) models: Models,

    /// The language model.
    #[config(nested)]
    pub(crate) llm: Llm,

    /// A language model on another server that writes the replies: any endpoint that takes OpenAI's chat completions
    /// (vLLM, SGLang, llama-server, Ollama, a cloud). While it fails, the model on this machine answers.
    #[config(nested)]
    pub(crate) endpoint: Endpoint,

    /// Recognition.
    #[config(nested)]
    pub(crate) asr: Asr,

    /// The assistant's voice.
    #[config(nested)]
    pub(crate) voice: Voice,

    /// Sound.
    #[config(nested)]
    pub(crate) audio: Audio,

    /// Calls with this computer's microphone and loudspeaker (`duplex talk`).
    #[config(nested)]
    pub(crate) talk: Talk,

    /// Turn-taking: when the assistant speaks, stops, waits and resumes. Silence is counted from the user's last
    /// voiced frame.
    #[config(nested)]
    pub(crate) turn: Turn,

    /// What the mistakes of turn-taking cost against each other; only ratios matter. Every threshold follows from these:
    /// see docs/turn-taking.md.
    #[config(nested)]
    pub(crate) costs: Costs,

    /// Calls over WebSockets (`duplex serve`).
    #[config(nested)]
    pub(crate) server: Server,

    /// What a model's job costs in a virtual call, in which no clock runs.
    #[config(nested)]
    pub(crate) charges: Charges,
}

/// Which models are used.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Models {
    /// Writes the replies, unless llm.reply names another, and decides who speaks where turn.sources has
    /// it: a GGUF file with a chat template.
    #[config(default = "smollm2-135m")]
    pub(crate) llm: ModelSource,

    /// Recognises speech: a ggml file of whisper.cpp.
    #[config(default = "whisper-tiny.en")]
    pub(crate) asr: ModelSource,

    /// Speaks: a Piper voice (.onnx), with its description (.onnx.json) beside it; or a program that is installed, and
    /// the voice that it is asked for, as in PROGRAM:VOICE.
    #[config(default = "piper-en-us-joe")]
    pub(crate) voice: VoiceSource,

    /// Tells speech from other sound: Silero (.onnx).
    #[config(default = "silero-vad")]
    pub(crate) vad: ModelSource,

    /// Tells from the sound whether the user has finished: smart-turn (.onnx).
    #[config(default = "smart-turn")]
    pub(crate) turn: ModelSource,
}

impl Models {
    /// The model configured for `role`; none for what no call needs.
    pub(crate) fn source(&self, role: Role) -> Option<&ModelSource> {
        match role {
            Role::Llm => Some(&self.llm),
            Role::Asr => Some(&self.asr),
            Role::Voice => self.voice.model(),
            Role::Vad => Some(&self.vad),
            Role::Turn => Some(&self.turn),
            Role::Text => None,
        }
    }
}

/// The language model.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Llm {
    /// A larger model that writes the replies, while models.llm decides who speaks: a name, path or
    /// URL, as models.llm is.
    pub(crate) reply: Option<ModelSource>,

    /// Path of the adapter that lets models.llm decide who speaks. Without it, the one that comes with
    /// the program, which fits smollm2-135m alone.
    pub(crate) adapter: Option<String>,

    /// CPU threads that write the reply. More than one only pays where cores are idle: the
    /// threads wait for one another at every step, and a busy core holds up all of them.
    #[config(default = 1, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// Tokens of the conversation, instructions and reply included, that the model can see at once. On a processor each
    /// costs time: a word of a reply takes twice as long at 2000 as at 600 (docs/measurements-llm.md).
    #[config(default = 1024, validate(*context >= 256, "at least 256"))]
    pub(crate) context: u32,

    /// How freely words are chosen; 0 always takes the likeliest.
    #[config(default = 0.2, validate((0.0..=2.0).contains(temperature), "between 0 and 2"))]
    pub(crate) temperature: f64,

    /// Words are chosen among the likeliest that together have this probability.
    #[config(default = 0.9, validate(*top_p > 0.0 && *top_p <= 1.0, "above 0, at most 1"))]
    pub(crate) top_p: f64,

    /// By how much, in nats, a word is made less likely with which a reply of the model on this machine would go on word
    /// for word as an earlier one; 0 does nothing. At 2 the model still repeats what it is sure of, but what it is asked
    /// to repeat mostly comes in other words (docs/measurements-topics.md).
    #[config(
        default = 2.0,
        validate((0.0..=20.0).contains(repetition_penalty), "between 0 and 20")
    )]
    pub(crate) repetition_penalty: f64,

    /// Tokens after which a reply ends, finished or not. What a model thinks before it is not counted.
    #[config(default = 120, validate(*max_reply_tokens > 0, "at least 1"))]
    pub(crate) max_reply_tokens: u32,

    /// What the model is told about its task before the conversation begins. `{date}` and `{time}` stand for those at
    /// the beginning of the call.
    #[config(
        default = "You answer questions in plain spoken English. Keep every answer to one or two short sentences."
    )]
    pub(crate) system_prompt: String,

    /// Seed of the choice of words: the same seed and the same tokens give the same reply.
    #[config(default = 1)]
    pub(crate) seed: u32,
}

/// A language model on another server.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Endpoint {
    /// The URL that `/chat/completions` is appended to, as in http://127.0.0.1:8000/v1. Without it, the replies are
    /// written on this machine.
    pub(crate) base_url: Option<String>,

    /// Name of the model, as the server knows it.
    pub(crate) model: Option<String>,

    /// The environment variable that holds the key, where the server asks for one.
    pub(crate) key_env: Option<String>,

    /// A file that holds the key, in place of the variable.
    pub(crate) key_file: Option<String>,

    /// Whether the key may go over http, which anybody on the way can read, to a machine other than this one.
    #[config(default = false)]
    pub(crate) allow_plain_http: bool,

    /// How long a connection may take.
    #[config(default = 1000, validate(*connect_ms > 0, "at least 1"))]
    pub(crate) connect_ms: u64,

    /// How long the first words of a reply may take, the connection and one retry included.
    #[config(default = 3000, validate(*first_token_ms > 0, "at least 1"))]
    pub(crate) first_token_ms: u64,

    /// How long a reply may pause between its words.
    #[config(default = 2000, validate(*stall_ms > 0, "at least 1"))]
    pub(crate) stall_ms: u64,

    /// How long the model on this machine answers alone after the server failed, unless the server says how long.
    #[config(default = 10_000)]
    pub(crate) rest_ms: u64,

    /// Tokens that the model can see at once. They are estimated, three bytes each, since only the server knows them.
    #[config(default = 8192, validate(*context >= 256, "at least 256"))]
    pub(crate) context: u32,
}

/// Recognition.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Asr {
    /// CPU threads of the recogniser.
    #[config(default = 1, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// What language the user speaks, as ISO 639-1. Turn-taking needs word lists of the language: there are those
    /// of en.
    #[config(default = "en", validate = language)]
    pub(crate) language: String,

    /// Name of the model whose known mishearings apply, as in whisper-tiny.en. Without it, those of models.asr; a
    /// file of your own has none.
    #[config(validate = profile)]
    pub(crate) profile: Option<String>,

    /// Names and words that are likelier in a call than elsewhere, at most 32. Few help: with many, whisper-tiny.en
    /// hears what has none of them worse (docs/measurements-asr.md).
    #[config(default = [], validate = vocabulary)]
    pub(crate) vocabulary: Vec<String>,

    /// Recogniser processes: windows of different calls are recognised at the same time.
    #[config(default = 1, validate((1..=16).contains(processes), "between 1 and 16"))]
    pub(crate) processes: u32,

    /// Path of the recogniser's program. Without it, `duplex-asr` beside this program.
    pub(crate) worker: Option<String>,
}

/// The assistant's voice.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Voice {
    /// CPU threads of the synthesiser.
    #[config(default = 1, validate(*threads > 0, "at least 1"))]
    pub(crate) threads: u32,

    /// Further voices, as models.voice is, that a call may choose by name.
    #[config(default = [])]
    pub(crate) others: Vec<VoiceSource>,

    /// How fast it speaks; 1 is the voice's own pace, 2 twice as fast.
    #[config(default = 1.0, validate((0.5..=2.0).contains(speed), "between 0.5 and 2"))]
    pub(crate) speed: f64,

    /// How words are pronounced that the voice reads otherwise: each with another spelling, or with phonemes between
    /// slashes, in the International Phonetic Alphabet, as in { Saoirse = "SEER-sha", Niamh = "/niːv/" }. A word is found
    /// whole, also with 's, in any case; one in capitals, as US, only so. It may be several words.
    #[config(default = {}, validate = pronunciation)]
    pub(crate) pronunciation: BTreeMap<String, String>,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Audio {
    /// Whether the echo of the assistant's voice is cancelled in the microphone's signal; not needed with headphones.
    #[config(default = true)]
    pub(crate) cancel_echo: bool,

    /// Level of the assistant's voice while it is unclear who has the floor, in dB.
    #[config(default = -14.0, validate((-60.0..=0.0).contains(duck_db), "between -60 and 0"))]
    pub(crate) duck_db: f64,
}

/// Calls with this computer's microphone and loudspeaker.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Talk {
    /// The microphone: its name, or a part that only it has, as `duplex devices` lists them; `default` is the system's,
    /// `none` is none. Without it, the one that was chosen last.
    pub(crate) microphone: Option<String>,

    /// The loudspeaker, as talk.microphone.
    pub(crate) loudspeaker: Option<String>,
}

/// Who yields to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TurnPolicy {
    /// The evidence decides
    #[default]
    Duplex,
    /// Any voice stops the assistant
    BargeIn,
    /// The assistant does not listen while it speaks
    TurnBased,
}

/// Which models are asked whose turn it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sources {
    #[default]
    Acoustic,
    Model,
    Both,
}

/// Turn-taking: when the assistant speaks, stops, waits and resumes.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Turn {
    /// Who yields to whom: `duplex`; or, for comparison, what others do: `barge-in` (any voice stops
    /// the assistant for good, 800 ms of silence end a turn), `turn-based` (the same, and it does not
    /// listen while it speaks). The latter two set fixed_wait_ms, yield_after_ms, resume_within_ms and
    /// reopen_within_ms themselves.
    #[config(default = "duplex")]
    pub(crate) policy: TurnPolicy,

    /// Which models judge whether the user's turn is over: `acoustic` (the end-of-turn model, from the sound), `model`
    /// (the duplex model, from what both sides said), or `both`. Silence and words count in any case.
    #[config(default = "acoustic")]
    pub(crate) sources: Sources,

    /// Silence after which words that are not answered are settled where the duplex model is asked: it may think
    /// otherwise after a slice of silence.
    #[config(default = 4000)]
    pub(crate) ignore_after_ms: u64,

    /// How long a verdict on the user's words waits for the duplex model.
    #[config(default = 300)]
    pub(crate) model_patience_ms: u64,

    /// Length of the duplex model's slices: how often it is asked again while nobody speaks. The adapter was trained on
    /// 480 to 2000.
    #[config(default = 960, validate(*decision_slice_ms >= 160, "at least 160"))]
    pub(crate) decision_slice_ms: u64,

    /// Length of a slice: how often the user's words are recognised while they speak.
    #[config(default = 640, validate(*slice_ms >= 160, "at least 160"))]
    pub(crate) slice_ms: u64,

    /// Audio before an onset that is recognised with it: detection lags the first sound.
    #[config(default = 320)]
    pub(crate) preroll_ms: u64,

    /// Shortest window to recognise while the user speaks.
    #[config(default = 800)]
    pub(crate) shortest_window_ms: u64,

    /// Longest window to recognise: longer speech is cut where it is quietest.
    #[config(default = 8000, validate((4000..=20_000).contains(longest_window_ms), "between 4000 and 20000"))]
    pub(crate) longest_window_ms: u64,

    /// Probability of speech, in thousandths, from which a frame is certainly voiced.
    #[config(default = 700, validate((0..=1000).contains(clear_permille), "between 0 and 1000"))]
    pub(crate) clear_permille: u64,

    /// How long voice activity detection lags the last sound: frames that are less than clear count as voiced only once
    /// they last longer.
    #[config(default = 96)]
    pub(crate) linger_ms: u64,

    /// Silence after which the end of the user's words is recognised, beyond what voice activity
    /// detection takes to notice it.
    #[config(default = 32)]
    pub(crate) tail_after_ms: u64,

    /// Silence after which what follows is recognised apart from what came before.
    #[config(default = 900)]
    pub(crate) split_after_ms: u64,

    /// Silence before which nothing is answered.
    #[config(default = 160)]
    pub(crate) shortest_wait_ms: u64,

    /// Silence after which a turn is answered although it does not seem over.
    #[config(default = 2400, validate((400..=30_000).contains(longest_wait_ms), "between 400 and 30000"))]
    pub(crate) longest_wait_ms: u64,

    /// A silence that ends a turn whatever the evidence, as most voice agents do it; 0: the evidence decides.
    #[config(default = 0, validate(*fixed_wait_ms <= 30_000, "at most 30000"))]
    pub(crate) fixed_wait_ms: u64,

    /// How long the user must speak over the assistant before its playout is put on hold.
    #[config(default = 240)]
    pub(crate) hold_after_ms: u64,

    /// How long the user must speak over the assistant to take the floor by length alone.
    #[config(default = 1400)]
    pub(crate) yield_after_ms: u64,

    /// A voice that is so many dB softer or louder than the one that began to speak is somebody else's, and does not keep
    /// a turn from ending; 0: every voice is the user's.
    #[config(default = 8, validate(*other_voice_db <= 60, "at most 60"))]
    pub(crate) other_voice_db: u64,

    /// How much of a voice must have been voiced before its high-band SNR says something.
    #[config(default = 600)]
    pub(crate) near_after_ms: u64,

    /// Silence after which a sound without words, or with words that need no answer, is settled.
    #[config(default = 250)]
    pub(crate) settle_after_ms: u64,

    /// Silence after which the assistant continues although the recogniser has not answered.
    #[config(default = 1500)]
    pub(crate) recogniser_patience_ms: u64,

    /// A recognition without an answer counts as lost after this.
    #[config(default = 10_000)]
    pub(crate) lost_after_ms: u64,

    /// How much audio is synthesised ahead of what is heard.
    #[config(default = 2000)]
    pub(crate) lead_ms: u64,

    /// How long after a cut the reply may still resume.
    #[config(default = 12_000)]
    pub(crate) resume_within_ms: u64,

    /// A user who speaks within this much of the assistant's speech was interrupted: both parts are one turn.
    #[config(default = 1000)]
    pub(crate) reopen_within_ms: u64,

    /// How often a failed job is tried again for one reply.
    #[config(default = 1)]
    pub(crate) retries: u32,

    /// Silence of both sides after which it is reported, and idle_question asked; 0: never.
    #[config(default = 0)]
    pub(crate) idle_after_ms: u64,

    /// What the assistant asks then, as in "Are you there?"; empty: nothing.
    #[config(default = "")]
    pub(crate) idle_question: String,

    /// What the assistant says, once until the user's next turn, after a voice of which the recogniser makes no words;
    /// empty: nothing.
    #[config(default = "Sorry?")]
    pub(crate) unheard_question: String,

    /// What the assistant says to a farewell that breaks off what it was saying, as in "Goodbye."; empty: nothing.
    #[config(default = "")]
    pub(crate) farewell: String,

    /// Whether the call ends once the user has taken their leave, and the assistant theirs.
    #[config(default = false)]
    pub(crate) ends_at_farewell: bool,

    /// How often it asks before the user has spoken again.
    #[config(default = 2)]
    pub(crate) idle_questions: u32,

    /// Push-to-talk that a client does not release counts as released after this.
    #[config(default = 60_000)]
    pub(crate) longest_press_ms: u64,
}

/// Calls over WebSockets.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Server {
    /// Where to listen. An address that other machines reach needs `--allow-remote` as well.
    #[config(default = "127.0.0.1:8765")]
    pub(crate) listen: SocketAddr,

    /// Calls at once, and conversations that the language model keeps in its cache. One more is
    /// refused.
    #[config(default = 2, validate((1..=64).contains(max_calls), "between 1 and 64"))]
    pub(crate) max_calls: u32,

    /// A call in which the client sends neither sound nor text for so many seconds is over.
    #[config(default = 30, validate(*idle_s > 0, "at least 1"))]
    pub(crate) idle_s: u64,

    /// Depth of the jitter buffer: how late a client's message may come without a gap. It delays every answer.
    #[config(default = 40, validate((0..=500).contains(jitter_ms), "between 0 and 500"))]
    pub(crate) jitter_ms: u64,
}

/// What the mistakes of turn-taking cost.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Costs {
    /// The caller's turn, answer or command is ignored.
    #[config(default = 115, validate = cost)]
    pub(crate) ignored: u16,

    /// The same, where the caller's words before were not answered either.
    #[config(default = 400, validate = cost)]
    pub(crate) ignored_again: u16,

    /// What wants no answer is answered.
    #[config(default = 40, validate = cost)]
    pub(crate) needless_answer: u16,

    /// The assistant falls silent for what wants no silence.
    #[config(default = 60, validate = cost)]
    pub(crate) needless_stop: u16,

    /// The assistant goes on over a caller's turn until the words are final.
    #[config(default = 25, validate = cost)]
    pub(crate) talked_over: u16,

    /// The assistant pauses for what wants no silence until the words are final.
    #[config(default = 12, validate = cost)]
    pub(crate) gap: u16,

    /// The assistant answers a caller who goes on.
    #[config(default = 40, validate = cost)]
    pub(crate) cut_in: u16,

    /// The caller waits a moment longer for the answer: as much again for each second that passed already.
    #[config(default = 10, validate = cost)]
    pub(crate) wait: u16,
}

/// What a model's job costs in a virtual call.
#[derive(Clone, Debug, PartialEq, Derive, Serialize)]
pub(crate) struct Charges {
    /// A window of the recogniser.
    #[config(default = 250)]
    pub(crate) recognise_ms: u64,

    /// An end-of-turn score.
    #[config(default = 80)]
    pub(crate) detect_end_of_turn_ms: u64,

    /// A decision of the duplex model.
    #[config(default = 60)]
    pub(crate) decide_ms: u64,

    /// Prefilling the KV cache with the user's words.
    #[config(default = 30)]
    pub(crate) prefill_ms: u64,

    /// A clause of a reply.
    #[config(default = 150)]
    pub(crate) write_ms: u64,

    /// The first audio of a clause.
    #[config(default = 120)]
    pub(crate) first_audio_ms: u64,

    /// Each further piece of its audio.
    #[config(default = 80)]
    pub(crate) more_audio_ms: u64,
}

/// Whether a mistake costs something, and not beyond all reason.
fn cost(cost: &u16) -> Result<(), &'static str> {
    if (1..=10_000).contains(cost) { Ok(()) } else { Err("between 1 and 10000") }
}

/// The name of a recogniser, as its mishearings are kept with it.
fn profile(name: &impl AsRef<str>) -> Result<(), String> {
    let models = Manifest::builtin().models().iter().filter(|model| model.role == Role::Asr);
    let known: Vec<_> = models.map(|model| model.name.as_str()).collect();
    if known.contains(&name.as_ref()) {
        return Ok(());
    }
    Err(format!("no recogniser of that name is known; there are: {}", known.join(", ")))
}

/// What a call would be refused for.
fn vocabulary(words: &impl AsRef<[String]>) -> Result<(), String> {
    let options =
        SessionOptions { vocabulary: words.as_ref().to_vec(), ..SessionOptions::default() };
    options.check().map_err(|error| error.to_string())
}

/// What a call would be refused for.
fn pronunciation(words: &BTreeMap<String, String>) -> Result<(), String> {
    Lexicon::new(words).map(drop).map_err(|error| error.to_string())
}

/// Without word lists, turn-taking would be that of another language, with no sign of it.
fn language(code: &impl AsRef<str>) -> Result<(), String> {
    if LANGUAGES.contains(&code.as_ref()) {
        return Ok(());
    }
    Err(format!(
        "turn-taking has no word lists for this language; it has: {}",
        LANGUAGES.join(", ")
    ))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
