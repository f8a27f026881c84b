//! Evaluates a model's decisions, teacher-forced and free-running.
//!
//! *Forced* (teacher forcing): the dialogue's own text precedes every decision, so that each is judged by itself.
//! *Free*: the model gets the user's side only; its own words and silences precede its decisions, and a mistake has its
//! consequences.

mod score;

use std::time::{Duration, Instant};

use duplex_model::llm::{CallId, ChatMessage, Llm, LlmError, Marks, Role, UserInput, Weights};
use duplex_model::llm::{DEFAULT_SYSTEM_PROMPT, LONGEST_SILENCE, Slice as LaidOut, Token};

use crate::dialogue::{Category, Dialogue, Phase, Slice};

pub use score::{Delays, Forced, Free, Score};

/// A decision that is due and comes more than this many slices late counts as never made.
const PATIENCE: usize = 4;

/// The assistant speaks if the probability of silence is below these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// While it is silent: after words, after one slice of silence, and so on, up to [`LONGEST_SILENCE`].
    pub silent: [f32; 1 + LONGEST_SILENCE],
    /// While it speaks.
    pub speaking: f32,
}

impl Default for Thresholds {
    /// The thresholds at which the built-in adapter is evaluated. A long silence ends a sentence however unfinished it
    /// sounds, a short one does not; docs/duplex-model.md says how they were chosen.
    fn default() -> Self {
        Self { silent: [0.5, 0.2, 0.5, 0.8, 0.95], speaking: 0.6 }
    }
}

impl Thresholds {
    /// With fewer thresholds for a silent assistant, the last of which applies to all longer silences.
    pub fn new(silent: &[f32], speaking: f32) -> Self {
        let last = silent.last().copied().unwrap_or(0.5);
        let silent = std::array::from_fn(|at| silent.get(at).copied().unwrap_or(last));
        Self { silent, speaking }
    }

    fn of(&self, user: &UserInput, is_speaking: bool) -> f32 {
        match user {
            _ if is_speaking => self.speaking,
            UserInput::Words { .. } => self.silent[0],
            UserInput::Silence(slices) => self.silent[(*slices).min(LONGEST_SILENCE)],
        }
    }
}

/// A decision that a model was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Index of the slice, from 0.
    pub at: usize,
    /// The assistant's situation.
    pub phase: Phase,
    /// Whether it is already speaking.
    pub is_speaking: bool,
    /// The model's probability of silence.
    pub idle: f32,
    /// The decision: whether the assistant speaks.
    pub speaks: bool,
}

impl Asked {
    /// Whether the dialogue has the same decision.
    pub fn is_right(&self) -> bool {
        self.speaks == self.phase.speaks()
    }
}

/// The decisions of a baseline that knows only silence: it answers anything after `wait` whole slices of silence, or at
/// once if `wait` is 0, and falls silent at any word.
pub fn by_silence(dialogue: &Dialogue, wait: usize) -> Vec<Asked> {
    let slices = laid_out(&dialogue.slices);
    let mut is_unanswered = false;
    let mut all = Vec::new();
    for (at, slice, is_speaking) in asked_of(&slices) {
        let answers = match &slice.user {
            UserInput::Words { falls_silent, .. } => *falls_silent && wait == 0,
            UserInput::Silence(silence) => is_unanswered && *silence >= wait.max(1),
        };
        let has_words = matches!(slice.user, UserInput::Words { .. });
        let speaks = if is_speaking { !has_words } else { answers };
        is_unanswered = (is_unanswered || has_words) && slice.assistant.is_none();
        let (phase, idle) = (dialogue.slices[at].phase, if speaks { 0.0 } else { 1.0 });
        all.push(Asked { at, phase, is_speaking, idle, speaks });
    }
    all
}

/// The slices of a dialogue in which there is a decision, with their index and whether the assistant is speaking before
/// them. After [`LONGEST_SILENCE`], the next idle slice would be the same decision.
fn asked_of(slices: &[LaidOut]) -> impl Iterator<Item = (usize, &LaidOut, bool)> {
    let is_new = |slice: &LaidOut| {
        let is_longer = matches!(slice.user, UserInput::Silence(n) if n > LONGEST_SILENCE);
        !(slice.is_idle() && is_longer)
    };
    let asked = slices.iter().enumerate().filter(move |(_, slice)| is_new(slice));
    asked.map(move |(at, slice)| {
        let before = at.checked_sub(1).map(|last| &slices[last]);
        (at, slice, before.is_some_and(|it| it.assistant.is_some() && !it.ends))
    })
}

/// Evaluates a model.
pub struct Judge<'l, 'w> {
    llm: &'l mut Llm<'w>,
    weights: &'w Weights,
    call: CallId,
    marks: Marks,
    thresholds: Thresholds,
    /// Per free-running slice, the time of the decision and of the words, if the model spoke.
    times: Vec<Duration>,
}

impl<'l, 'w> Judge<'l, 'w> {
    /// Evaluates `llm`, which was made from `weights`.
    ///
    /// # Errors
    /// [`LlmError::NoSliceMarks`]; [`LlmError::TooManyCalls`].
    pub fn new(
        llm: &'l mut Llm<'w>,
        weights: &'w Weights,
        thresholds: Thresholds,
    ) -> Result<Self, LlmError> {
        let marks = Marks::of(weights)?;
        let call = llm.open_call()?;
        Ok(Self { llm, weights, call, marks, thresholds, times: Vec::new() })
    }

    /// Per free-running slice, the time of the decision and of the words, if the model spoke.
    pub fn times(&self) -> &[Duration] {
        &self.times
    }

    /// The model's answer at every decision of `dialogue`, given the dialogue's text before it.
    ///
    /// # Errors
    /// Those of the language model; [`LlmError::ContextFull`] for a dialogue that is too long.
    pub fn ask(&mut self, dialogue: &Dialogue) -> Result<Vec<Asked>, LlmError> {
        let history = history(dialogue);
        let slices = laid_out(&dialogue.slices);
        let mut all = Vec::new();
        for (at, slice, is_speaking) in asked_of(&slices) {
            let idle = self.idle(&history, &slices[..at], &slice.user)?;
            let speaks = idle < self.thresholds.of(&slice.user, is_speaking);
            all.push(Asked { at, phase: dialogue.slices[at].phase, is_speaking, idle, speaks });
        }
        Ok(all)
    }

    /// The tokens of `dialogue`.
    pub fn lay_out(&self, dialogue: &Dialogue) -> Vec<Token> {
        self.marks.lay_out(self.weights, &history(dialogue), &laid_out(&dialogue.slices))
    }

    /// Runs the user's side of `dialogue` with the model's own replies.
    ///
    /// The user waits for an answer that is due for at most four slices; without one the conversation ends. If the
    /// model's reply ends before the dialogue's, an interruption is treated as a normal turn, and backchannels and
    /// speech to others are skipped.
    ///
    /// # Errors
    /// As [`Judge::ask`].
    pub fn run_free(&mut self, dialogue: &Dialogue, free: &mut Free) -> Result<(), LlmError> {
        let mut run = Run { history: history(dialogue), ..Run::default() };
        let words = words_a_slice(dialogue.slice_ms);
        let mut all_right = true;
        // Slices since the end of words that the dialogue answers late.
        let mut delay = 0;
        // Whether the model answered them before the dialogue does.
        let mut has_answered = false;
        let mut slices = dialogue.slices.iter().peekable();
        while let Some(slice) = slices.next() {
            if dialogue.category == Category::FalseAlarm
                && slice.phase == Phase::Stop
                && !run.is_speaking
            {
                // Nothing was interrupted, so nothing can be resumed.
                return Ok(());
            }
            let phase = faced(slice, slices.peek().map(|next| next.phase), run.is_speaking);
            match phase {
                Phase::LateStart if has_answered => {
                    // The model answered before the dialogue does. Its reply may be over, too.
                    has_answered = false;
                    if run.is_speaking {
                        self.step(&mut run, Some(slice), words)?;
                    }
                }
                Phase::Start | Phase::LateStart | Phase::Resume => {
                    self.finish(&mut run, words)?;
                    let mut late = None;
                    for waited in 0..=PATIENCE {
                        let slice = (waited == 0).then_some(slice);
                        if self.step(&mut run, slice, words)? {
                            late = Some(delay + waited);
                            break;
                        }
                    }
                    delay = 0;
                    all_right &= late.is_some_and(|late| late <= 1);
                    free.starts.add(late);
                    if late.is_none() {
                        break;
                    }
                }
                Phase::Stop => {
                    let mut late = None;
                    for waited in 0..=PATIENCE {
                        // The user's next words come in their slices, without waiting for a reply that does not stop.
                        let speaks_on =
                            |next: &&Slice| matches!(next.phase, Phase::Wait | Phase::Break);
                        let slice =
                            if waited == 0 { Some(slice) } else { slices.next_if(speaks_on) };
                        if !self.step(&mut run, slice, words)? {
                            late = Some(waited);
                            break;
                        }
                    }
                    all_right &= late.is_some_and(|late| late <= 1);
                    free.stops.add(late);
                    run.is_speaking = false;
                }
                Phase::Backchannel | Phase::Overheard | Phase::Unclear => {
                    if run.is_speaking {
                        let speaks = self.step(&mut run, Some(slice), words)?;
                        free.phases.entry(slice.phase).or_default().add(speaks);
                        all_right &= speaks;
                    }
                }
                Phase::Continue => {
                    if run.is_speaking {
                        let speaks = self.step(&mut run, Some(slice), words)?;
                        free.phases.entry(slice.phase).or_default().add(speaks);
                    }
                }
                Phase::Hold => {
                    // Answering in the slice after which the dialogue delays its answer is not a mistake.
                    if has_answered {
                        if run.is_speaking {
                            self.step(&mut run, Some(slice), words)?;
                        }
                        continue;
                    }
                    self.finish(&mut run, words)?;
                    if self.step(&mut run, Some(slice), words)? {
                        free.starts.add(Some(delay));
                        all_right &= delay <= 1;
                        has_answered = true;
                        delay = 0;
                    } else {
                        delay += 1;
                    }
                }
                Phase::Wait | Phase::Break | Phase::Pause | Phase::Rest | Phase::Ignore => {
                    self.finish(&mut run, words)?;
                    let idle = run.idle;
                    let speaks = self.step(&mut run, Some(slice), words)?;
                    free.phases.entry(phase).or_default().add(!speaks);
                    all_right &= !speaks;
                    if speaks {
                        // Words out of turn are removed again, so that the next decision is judged by itself.
                        run.is_speaking = false;
                        if let Some(LaidOut { user, .. }) = run.slices.pop() {
                            run.idle = idle;
                            run.push(LaidOut { user, ..LaidOut::default() });
                        }
                    }
                }
            }
        }
        if dialogue.category == Category::HardPair {
            free.hard_pairs.add(all_right);
        }
        Ok(())
    }

    /// Decides one slice, and writes the model's words in it; returns whether it spoke.
    fn step(
        &mut self,
        run: &mut Run,
        slice: Option<&Slice>,
        words: usize,
    ) -> Result<bool, LlmError> {
        let began = Instant::now();
        let user = slice.map_or(UserInput::Silence(1 + run.idle), |slice| heard(slice, run.idle));
        let speaks = self.decides(&run.history, &run.slices, &user, run.is_speaking)?;
        let mut slice = LaidOut { user, ..LaidOut::default() };
        if speaks {
            let tokens = self.tokens(&run.history, &run.slices, &slice.user);
            let said =
                self.llm.speak_slice(self.call, self.marks, &tokens, words, &mut || false)?;
            slice.assistant = said.assistant;
            slice.ends = said.ends;
        }
        run.is_speaking = slice.assistant.is_some() && !slice.ends;
        let spoke = slice.assistant.is_some();
        self.times.push(began.elapsed());
        run.push(slice);
        Ok(spoke)
    }

    /// Lets the model finish a reply that is longer than the dialogue's, while the user is silent.
    fn finish(&mut self, run: &mut Run, words: usize) -> Result<(), LlmError> {
        const LONGEST_REPLY: usize = 60;
        for _ in 0..LONGEST_REPLY {
            if !run.is_speaking || !self.step(run, None, words)? {
                break;
            }
        }
        run.is_speaking = false;
        Ok(())
    }

    fn decides(
        &mut self,
        history: &[ChatMessage],
        slices: &[LaidOut],
        user: &UserInput,
        is_speaking: bool,
    ) -> Result<bool, LlmError> {
        Ok(self.idle(history, slices, user)? < self.thresholds.of(user, is_speaking))
    }

    fn idle(
        &mut self,
        history: &[ChatMessage],
        slices: &[LaidOut],
        user: &UserInput,
    ) -> Result<f32, LlmError> {
        let tokens = self.tokens(history, slices, user);
        let idle = self.llm.idle_probability(self.call, self.marks, &tokens, &mut || false)?;
        Ok(idle.unwrap_or(1.0))
    }

    fn tokens(&self, history: &[ChatMessage], slices: &[LaidOut], user: &UserInput) -> Vec<Token> {
        self.marks.question(self.weights, history, slices, user)
    }
}

/// The model's situation in a slice, from the dialogue's phase in it and in the next one. If the model is silent, words
/// meant to interrupt a reply have nothing to interrupt.
fn faced(slice: &Slice, next: Option<Phase>, is_speaking: bool) -> Phase {
    match (slice.phase, next) {
        (Phase::Stop, Some(Phase::Hold | Phase::LateStart)) if !is_speaking => Phase::Hold,
        (Phase::Stop, None | Some(Phase::Rest | Phase::Ignore)) if !is_speaking => Phase::Ignore,
        // The user continues to speak.
        (Phase::Stop | Phase::Unclear, _) if !is_speaking && slice.falls_silent => Phase::Break,
        (Phase::Stop | Phase::Unclear, _) if !is_speaking => Phase::Wait,
        (phase, _) => phase,
    }
}

/// A free-running conversation.
#[derive(Default)]
struct Run {
    history: Vec<ChatMessage>,
    slices: Vec<LaidOut>,
    /// Number of idle slices at the end.
    idle: usize,
    is_speaking: bool,
}

impl Run {
    fn push(&mut self, slice: LaidOut) {
        self.idle = if slice.is_idle() { self.idle + 1 } else { 0 };
        self.slices.push(slice);
    }
}

fn history(dialogue: &Dialogue) -> Vec<ChatMessage> {
    let mut messages = vec![ChatMessage::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for turn in &dialogue.history {
        messages.push(ChatMessage::new(Role::User, &turn.user));
        messages.push(ChatMessage::new(Role::Assistant, &turn.assistant));
    }
    messages
}

fn laid_out(slices: &[Slice]) -> Vec<LaidOut> {
    let mut idle = 0;
    let laid_out = slices.iter().map(|slice| {
        let user = heard(slice, idle);
        idle = if slice.is_idle() { idle + 1 } else { 0 };
        LaidOut { user, assistant: slice.assistant.clone(), ends: slice.ends }
    });
    laid_out.collect()
}

/// The user's part of `slice` after so many idle slices.
fn heard(slice: &Slice, idle: usize) -> UserInput {
    match &slice.user {
        None => UserInput::Silence(1 + idle),
        Some(text) => UserInput::Words { text: text.clone(), falls_silent: slice.falls_silent },
    }
}

/// Number of words that the assistant speaks in a slice of `slice_ms`; at least one.
pub(crate) fn words_a_slice(slice_ms: u32) -> usize {
    const WORDS_A_SECOND: f32 = 2.8;
    ((slice_ms as f32 / 1000.0 * WORDS_A_SECOND).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_of_nothing_is_a_turn_like_others() {
        let slice = |phase, falls_silent| Slice {
            user: Some("stop it".into()),
            falls_silent,
            assistant: None,
            ends: false,
            phase,
        };
        let faced = |falls_silent, next| faced(&slice(Phase::Stop, falls_silent), next, false);
        for next in [Phase::Wait, Phase::Break, Phase::Start] {
            assert_eq!(faced(false, Some(next)), Phase::Wait);
            assert_eq!(faced(true, Some(next)), Phase::Break);
        }
        assert_eq!(faced(true, Some(Phase::LateStart)), Phase::Hold);
        assert_eq!([None, Some(Phase::Rest)].map(|next| faced(true, next)), [Phase::Ignore; 2]);
        let unclear = slice(Phase::Unclear, false);
        assert_eq!(super::faced(&unclear, Some(Phase::Stop), false), Phase::Wait);
        for phase in [Phase::Stop, Phase::Unclear] {
            assert_eq!(super::faced(&slice(phase, true), Some(Phase::Wait), true), phase);
        }
    }

    #[test]
    fn the_last_threshold_holds_for_all_longer_silences() {
        let thresholds = Thresholds::new(&[0.3, 0.5, 0.7], 0.6);
        let of = |user: UserInput| thresholds.of(&user, false);
        assert_eq!(of(UserInput::finished("what is tea")), 0.3);
        assert_eq!(
            [1, 2, 3, 9].map(|silence| of(UserInput::Silence(silence))),
            [0.5, 0.7, 0.7, 0.7]
        );
        assert_eq!(thresholds.of(&UserInput::Silence(1), true), 0.6);
        assert_eq!(Thresholds::new(&[0.4], 0.5).silent, [0.4; 5]);
    }
}
