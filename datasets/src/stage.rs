//! The timeline of a dialogue: cuts what both sides say into slices.

use std::collections::VecDeque;

use rand::RngExt as _;
use rand_pcg::Pcg32;

use crate::dialogue::{Phase, Slice};
use crate::utterance::{Run, Utterance};

/// Speaking rate of the assistant, in words per second.
const ASSISTANT_RATE: std::ops::Range<f32> = 2.4..3.2;

/// The shortest silence that voice activity detection distinguishes from the gaps between words, in ms.
const SILENCE_MS: u32 = 200;

/// What an utterance of the user asks of the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// An answer, with these words.
    For(Vec<String>),
    /// To end the reply; nothing else.
    ForSilence,
    /// To resume the interrupted reply.
    ToGoOn,
    /// Nothing: it is a backchannel.
    ForNothing,
    /// Nothing: it is addressed to somebody else.
    Elsewhere,
}

/// How an utterance starts and is answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Number of its first words that do not show yet whether it takes the floor.
    pub(crate) unclear: usize,
    /// Number of slices by which the answer is late.
    pub(crate) late: usize,
}

/// The slices so far, and who is speaking.
pub(crate) struct Stage {
    slice_ms: u32,
    /// Speaking rate of the assistant, in words per millisecond.
    rate: f32,
    /// Fraction of a word carried over from the previous slices.
    carry: f32,
    slices: Vec<Slice>,
    /// The rest of the reply being spoken; empty while the assistant is silent.
    reply: VecDeque<String>,
    /// The rest of the last interrupted reply.
    broken_off: VecDeque<String>,
}

impl Stage {
    pub(crate) fn new(slice_ms: u32, random: &mut Pcg32) -> Self {
        let rate = random.random_range(ASSISTANT_RATE) / 1000.0;
        Self {
            slice_ms,
            rate,
            carry: 0.0,
            slices: Vec::new(),
            reply: VecDeque::new(),
            broken_off: VecDeque::new(),
        }
    }

    pub(crate) fn into_slices(self) -> Vec<Slice> {
        self.slices
    }

    pub(crate) fn is_speaking(&self) -> bool {
        !self.reply.is_empty()
    }

    /// Number of words of the reply still to be spoken.
    pub(crate) fn words_left(&self) -> usize {
        self.reply.len()
    }

    /// Slices in which nobody speaks.
    pub(crate) fn rest(&mut self, slices: usize) {
        debug_assert!(!self.is_speaking());
        for _ in 0..slices {
            self.push_silence(Phase::Rest);
        }
    }

    /// Continues the reply until at most `left` of its words are left.
    pub(crate) fn go_on_until(&mut self, left: usize) {
        while self.reply.len() > left {
            self.push_silence(Phase::Continue);
        }
    }

    /// The user says `utterance`.
    pub(crate) fn user_says(
        &mut self,
        utterance: &Utterance,
        calls: &Calls,
        manner: Manner,
        random: &mut Pcg32,
    ) {
        let mut said = 0;
        let mut broke_off_now = false;
        let last_run = utterance.runs.len() - 1;
        for (at, run) in utterance.runs.iter().enumerate() {
            let chunks = self.cut(run, random);
            let last_chunk = chunks.len() - 1;
            for (place, (words, ms)) in chunks.into_iter().enumerate() {
                said += words.len();
                let is_final = at == last_run && place == last_chunk;
                let falls_silent =
                    place == last_chunk && (at == last_run || run.pause_ms >= SILENCE_MS);
                broke_off_now = false;
                let phase = if self.is_speaking() {
                    match calls {
                        Calls::ForNothing => Phase::Backchannel,
                        Calls::Elsewhere => Phase::Overheard,
                        _ if said <= manner.unclear && !is_final => Phase::Unclear,
                        _ => {
                            self.broken_off = std::mem::take(&mut self.reply);
                            broke_off_now = true;
                            Phase::Stop
                        }
                    }
                } else if is_final {
                    self.conclude(calls, manner)
                } else if falls_silent {
                    Phase::Break
                } else {
                    Phase::Wait
                };
                self.push(Some(words.join(" ")), falls_silent, phase, ms);
            }
            if at < last_run {
                self.pause(run.pause_ms);
            }
        }
        // The slice that interrupted the reply was silent; the answer comes in a slice of its own.
        let answers = matches!(calls, Calls::For(_) | Calls::ToGoOn);
        if answers && (broke_off_now || manner.late > 0) {
            for _ in 1..manner.late {
                self.push_silence(Phase::Hold);
            }
            let phase = if *calls == Calls::ToGoOn { Phase::Resume } else { Phase::LateStart };
            self.take_floor(calls);
            self.push_silence(phase);
        }
    }

    /// The phase of the slice in which an utterance ends while the assistant is silent.
    fn conclude(&mut self, calls: &Calls, manner: Manner) -> Phase {
        match calls {
            Calls::For(_) | Calls::ToGoOn if manner.late > 0 => Phase::Hold,
            Calls::For(_) => {
                self.take_floor(calls);
                Phase::Start
            }
            Calls::ToGoOn => {
                self.take_floor(calls);
                Phase::Resume
            }
            Calls::ForSilence | Calls::ForNothing | Calls::Elsewhere => Phase::Ignore,
        }
    }

    fn take_floor(&mut self, calls: &Calls) {
        self.reply = match calls {
            Calls::For(words) => words.iter().cloned().collect(),
            Calls::ToGoOn => std::mem::take(&mut self.broken_off),
            Calls::ForSilence | Calls::ForNothing | Calls::Elsewhere => VecDeque::new(),
        };
    }

    /// The words of a run, per slice, with the duration of the slice in ms. The run starts at a random offset in the
    /// slice grid, and its end closes the last slice.
    fn cut(&self, run: &Run, random: &mut Pcg32) -> Vec<(Vec<String>, u32)> {
        let mut chunks: Vec<(Vec<String>, u32)> = Vec::new();
        let mut edge = random.random_range(1..=self.slice_ms);
        let mut since = 0;
        let mut words = Vec::new();
        for (word, ms) in run.words.iter().zip(&run.ends_ms) {
            while *ms > edge {
                if !words.is_empty() {
                    chunks.push((std::mem::take(&mut words), edge - since));
                }
                since = edge;
                edge += self.slice_ms;
            }
            words.push(word.clone());
        }
        let end = run.ends_ms.last().copied().unwrap_or(since);
        chunks.push((words, end.saturating_sub(since).max(1)));
        chunks
    }

    /// A silence of `ms` inside an utterance.
    fn pause(&mut self, ms: u32) {
        let mut left = ms;
        while left >= self.slice_ms {
            let phase = if self.is_speaking() { Phase::Continue } else { Phase::Pause };
            self.push_silence(phase);
            left -= self.slice_ms;
        }
    }

    /// A slice in which the user says nothing.
    fn push_silence(&mut self, phase: Phase) {
        self.push(None, false, phase, self.slice_ms);
    }

    fn push(&mut self, user: Option<String>, falls_silent: bool, phase: Phase, ms: u32) {
        let assistant = phase.speaks().then(|| self.speak(ms)).flatten();
        let ends = assistant.is_some() && self.reply.is_empty();
        // The reply ended inside the utterance that this slice belongs to.
        let phase = if phase.speaks() && assistant.is_none() { Phase::Ignore } else { phase };
        self.slices.push(Slice { user, falls_silent, assistant, ends, phase });
    }

    /// As many words of the reply as fit `ms`, and at least one if any is left.
    fn speak(&mut self, ms: u32) -> Option<String> {
        let fitting = self.rate * ms as f32 + self.carry;
        let count = (fitting as usize).clamp(1, self.reply.len().max(1));
        // A word that was spoken although it did not fit is subtracted from the following slices.
        self.carry = (fitting - count as f32).clamp(-1.0, 1.0);
        let words: Vec<String> = self.reply.drain(..count.min(self.reply.len())).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}
