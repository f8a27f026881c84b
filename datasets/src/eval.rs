//! How well a model decides: by the dialogues' own words before each decision, and running free.
//!
//! *Forced*: before every decision stands what the dialogue says, so that each is judged by itself. *Free*: the model hears the user's
//! side only; its own words and silences stand before its decisions, and a mistake has its consequences.

use std::collections::BTreeMap;

use duplex_model::llm::{CallId, Llm, LlmError, Marks, Message, Role, Weights};
use duplex_model::llm::{DEFAULT_SYSTEM_PROMPT, Slice as LaidOut, Token};

use crate::dialogue::{Category, Dialogue, Phase, Slice};

/// How many slices a decision that is due may be late before it counts as never made.
const PATIENCE: usize = 4;

/// Below this probability of silence the assistant speaks. It may depend on whether it is speaking already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// While it is silent.
    pub silent: f32,
    /// While it speaks.
    pub speaking: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { silent: 0.5, speaking: 0.5 }
    }
}

/// Decisions, right and all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Right ones.
    pub right: usize,
    /// All.
    pub all: usize,
}

impl Score {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    /// Right ones of all; nothing where there are none.
    pub fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }
}

/// What a model was worth in forced decisions.
#[derive(Clone, Debug, Default)]
pub struct Forced {
    /// By what the assistant faced.
    pub phases: BTreeMap<Phase, Score>,
    /// By what happened in the dialogue.
    pub categories: BTreeMap<Category, Score>,
    /// By the longest slice, in ms.
    pub slices_ms: BTreeMap<u32, Score>,
    /// Said to speak and to be silent, by what was right: `[right speaks][model speaks]`.
    pub confusion: [[usize; 2]; 2],
}

impl Forced {
    /// All decisions.
    pub fn overall(&self) -> Score {
        let [[silent, false_speech], [false_silence, speech]] = self.confusion;
        Score { right: silent + speech, all: silent + false_speech + false_silence + speech }
    }

    /// F1 of speaking, and of silence.
    pub fn f1(&self) -> (f64, f64) {
        let [[silent, false_speech], [false_silence, speech]] = self.confusion;
        let f1 = |hits: usize| {
            2.0 * hits as f64 / (2 * hits + false_speech + false_silence).max(1) as f64
        };
        (f1(speech), f1(silent))
    }

    /// Counts a decision of `dialogue`.
    pub fn add(&mut self, dialogue: &Dialogue, asked: &Asked) {
        let right = asked.is_right();
        self.phases.entry(asked.phase).or_default().add(right);
        self.categories.entry(dialogue.category).or_default().add(right);
        self.slices_ms.entry(dialogue.slice_ms).or_default().add(right);
        self.confusion[usize::from(asked.phase.speaks())][usize::from(asked.speaks)] += 1;
    }
}

/// How late decisions were, in slices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// How many were so many slices late.
    pub late: BTreeMap<usize, usize>,
    /// How many were not made.
    pub never: usize,
}

impl Delays {
    fn add(&mut self, late: Option<usize>) {
        match late {
            Some(slices) => *self.late.entry(slices).or_default() += 1,
            None => self.never += 1,
        }
    }

    /// All decisions that were due.
    pub fn all(&self) -> usize {
        self.late.values().sum::<usize>() + self.never
    }

    /// The share of those that were made within so many slices.
    pub fn within(&self, slices: usize) -> Option<f64> {
        let made: usize = self.late.range(..=slices).map(|(_, count)| count).sum();
        (self.all() > 0).then(|| made as f64 / self.all() as f64)
    }

    /// The share of those that were not made.
    pub fn never_rate(&self) -> Option<f64> {
        (self.all() > 0).then(|| self.never as f64 / self.all() as f64)
    }
}

/// What a model was worth running free.
#[derive(Clone, Debug, Default)]
pub struct Free {
    /// Silent where it should be, and speaking where it should be, by what the assistant faced.
    pub phases: BTreeMap<Phase, Score>,
    /// From the end of what asks for an answer to the answer.
    pub starts: Delays,
    /// From the words that take the floor to silence.
    pub stops: Delays,
    /// Dialogues of hard pairs in which everything was right.
    pub hard_pairs: Score,
}

/// A decision that a model was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// The number of the slice, from 0.
    pub at: usize,
    /// What the assistant faces.
    pub phase: Phase,
    /// Whether it speaks already.
    pub is_speaking: bool,
    /// The probability of silence.
    pub idle: f32,
    /// What the probability comes to.
    pub speaks: bool,
}

impl Asked {
    /// Whether the dialogue says the same.
    pub fn is_right(&self) -> bool {
        self.speaks == self.phase.speaks()
    }
}

/// Judges a model.
pub struct Judge<'l, 'w> {
    llm: &'l mut Llm<'w>,
    weights: &'w Weights,
    call: CallId,
    marks: Marks,
    thresholds: Thresholds,
}

impl<'l, 'w> Judge<'l, 'w> {
    /// A judge of `llm`, which was made of `weights`.
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
        Ok(Self { llm, weights, call, marks, thresholds })
    }

    /// What the model says at every decision of `dialogue` after what the dialogue says before it.
    ///
    /// # Errors
    /// What the model says; [`LlmError::ContextFull`] for a dialogue that is too long.
    pub fn ask(&mut self, dialogue: &Dialogue) -> Result<Vec<Asked>, LlmError> {
        let history = history(dialogue);
        let mut slices: Vec<LaidOut> = Vec::new();
        let mut was_idle = false;
        let mut all = Vec::new();
        for (place, slice) in dialogue.slices.iter().enumerate() {
            let is_speaking = slices.last().is_some_and(|it| it.assistant.is_some() && !it.ends);
            // One idle slice after another is the same question.
            if !(was_idle && slice.is_idle()) {
                let idle = self.idle(&history, &slices, slice.user.as_deref())?;
                let speaks = idle < self.threshold(is_speaking);
                let at = place;
                all.push(Asked { at, phase: slice.phase, is_speaking, idle, speaks });
            }
            was_idle = slice.is_idle();
            if !was_idle {
                slices.push(laid_out(slice));
            }
        }
        Ok(all)
    }

    /// The tokens of `dialogue`.
    pub fn lay_out(&self, dialogue: &Dialogue) -> Vec<Token> {
        let slices: Vec<LaidOut> = dialogue.slices.iter().map(laid_out).collect();
        self.marks.lay_out(self.weights, &history(dialogue), &slices)
    }

    /// The user's side of `dialogue`, and the model's own.
    ///
    /// The user waits for an answer that is due, for four slices at most. What the dialogue's user says during a reply that the model has
    /// already ended, or never gave, is left out: it would be another conversation.
    ///
    /// # Errors
    /// As [`Judge::ask`].
    pub fn run_free(&mut self, dialogue: &Dialogue, free: &mut Free) -> Result<(), LlmError> {
        let mut run = Run { history: history(dialogue), slices: Vec::new(), is_speaking: false };
        let words = words_a_slice(dialogue);
        let mut all_right = true;
        let mut slices = dialogue.slices.iter().peekable();
        while let Some(slice) = slices.next() {
            let user = slice.user.as_deref();
            match slice.phase {
                Phase::Start | Phase::LateStart | Phase::Resume => {
                    // The floor may be the model's already: it answered while the answer was held back.
                    if slice.phase != Phase::Start && run.is_speaking {
                        self.step(&mut run, user, words)?;
                        continue;
                    }
                    let mut late = None;
                    for waited in 0..=PATIENCE {
                        let user = user.filter(|_| waited == 0);
                        if self.step(&mut run, user, words)? {
                            late = Some(waited);
                            break;
                        }
                    }
                    all_right &= late.is_some_and(|late| late <= 1);
                    free.starts.add(late);
                    if late.is_none() {
                        return Ok(());
                    }
                }
                Phase::Stop => {
                    if !run.is_speaking {
                        // It ended by itself: there is nothing to stop.
                        self.step(&mut run, user, words)?;
                        continue;
                    }
                    let mut late = None;
                    for waited in 0..=PATIENCE {
                        // The user's next words come in their slices, with no pause for a reply that does not stop.
                        let mut next = || slices.next_if(|next| next.phase == Phase::Wait);
                        let user = if waited == 0 { user } else { None };
                        let user = user.or_else(|| next().and_then(|slice| slice.user.as_deref()));
                        if !self.step(&mut run, user, words)? {
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
                        let speaks = self.step(&mut run, user, words)?;
                        free.phases.entry(slice.phase).or_default().add(speaks);
                        all_right &= speaks;
                    }
                }
                Phase::Continue => {
                    if run.is_speaking {
                        let speaks = self.step(&mut run, user, words)?;
                        free.phases.entry(slice.phase).or_default().add(speaks);
                    }
                }
                Phase::Wait | Phase::Pause | Phase::Hold | Phase::Rest | Phase::Ignore => {
                    if run.is_speaking {
                        // The model's reply is longer than the dialogue's: it is let finish.
                        self.finish(&mut run, words)?;
                    }
                    let speaks = self.step(&mut run, user, words)?;
                    // To answer in the slice from which the dialogue holds the answer back is no mistake.
                    let right = !speaks || slice.phase == Phase::Hold;
                    free.phases.entry(slice.phase).or_default().add(right);
                    all_right &= right;
                    if speaks && slice.phase != Phase::Hold {
                        // What was said out of turn is taken back, so that the next decision is judged by itself.
                        run.is_speaking = false;
                        run.slices.pop();
                        run.slices.push(LaidOut { user: slice.user.clone(), ..LaidOut::default() });
                    }
                }
            }
        }
        if dialogue.category == Category::HardPair {
            free.hard_pairs.add(all_right);
        }
        Ok(())
    }

    /// A slice of the model's own: whether it speaks in it.
    fn step(&mut self, run: &mut Run, user: Option<&str>, words: usize) -> Result<bool, LlmError> {
        let speaks = self.decides(&run.history, &run.slices, user, run.is_speaking)?;
        let mut slice = LaidOut { user: user.map(str::to_owned), ..LaidOut::default() };
        if speaks {
            let tokens = self.tokens(&run.history, &run.slices, user);
            let said =
                self.llm.speak_slice(self.call, self.marks, &tokens, words, &mut || false)?;
            slice.assistant = said.assistant;
            slice.ends = said.ends;
        }
        run.is_speaking = slice.assistant.is_some() && !slice.ends;
        let spoke = slice.assistant.is_some();
        if spoke || slice.user.is_some() {
            run.slices.push(slice);
        }
        Ok(spoke)
    }

    /// The rest of a reply, while the user is silent.
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
        history: &[Message],
        slices: &[LaidOut],
        user: Option<&str>,
        is_speaking: bool,
    ) -> Result<bool, LlmError> {
        Ok(self.idle(history, slices, user)? < self.threshold(is_speaking))
    }

    fn idle(
        &mut self,
        history: &[Message],
        slices: &[LaidOut],
        user: Option<&str>,
    ) -> Result<f32, LlmError> {
        let tokens = self.tokens(history, slices, user);
        let idle = self.llm.idle_probability(self.call, self.marks, &tokens, &mut || false)?;
        Ok(idle.unwrap_or(1.0))
    }

    fn threshold(&self, is_speaking: bool) -> f32 {
        if is_speaking { self.thresholds.speaking } else { self.thresholds.silent }
    }

    fn tokens(&self, history: &[Message], slices: &[LaidOut], user: Option<&str>) -> Vec<Token> {
        let mut tokens = self.marks.lay_out(self.weights, history, slices);
        self.marks.ask(self.weights, user, &mut tokens);
        tokens
    }
}

/// A conversation that runs free.
struct Run {
    history: Vec<Message>,
    slices: Vec<LaidOut>,
    is_speaking: bool,
}

fn history(dialogue: &Dialogue) -> Vec<Message> {
    let mut messages = vec![Message::new(Role::System, DEFAULT_SYSTEM_PROMPT)];
    for turn in &dialogue.history {
        messages.push(Message::new(Role::User, &turn.user));
        messages.push(Message::new(Role::Assistant, &turn.assistant));
    }
    messages
}

fn laid_out(slice: &Slice) -> LaidOut {
    LaidOut { user: slice.user.clone(), assistant: slice.assistant.clone(), ends: slice.ends }
}

/// Words that the assistant speaks in a slice of the dialogue's length; at least one.
fn words_a_slice(dialogue: &Dialogue) -> usize {
    const WORDS_A_SECOND: f32 = 2.8;
    ((dialogue.slice_ms as f32 / 1000.0 * WORDS_A_SECOND).round() as usize).max(1)
}
