//! What each cue shows: the observations of one trial.

use crate::{
    case::Category,
    report::Expect,
    score::{
        AssistantActivity, CueSpan, EDGE, Span, assistant_activity_at, begins, owes_answer, without,
    },
};

use super::{
    metric::{
        Metric::{self, *},
        Observation,
    },
    sides::{first_audio, heard, overlap},
};

/// Speech shorter than this, in ms, is a backchannel and no turn (Full-Duplex-Bench).
const TURN: f64 = 1_000.0;
/// An assistant that yields does so within this time, in ms (tau-voice).
const YIELDS_WITHIN: f64 = 2_000.0;
/// An assistant that falls silent within this time, in ms, of a sound that is no turn has yielded
/// to it (tau-voice); voicebench calls that a false barge-in.
const UNSHAKEN: f64 = 1_000.0;
/// An assistant that begins to speak within this time, in ms, of such a sound has answered it
/// (tau-voice).
const UNMOVED: f64 = 2_000.0;
/// The same for a spurious response (voicebench).
const SPURIOUS_WITHIN: f64 = 5_000.0;

/// A shorter silence of the assistant, in ms, is the closure of a consonant or the end of a word.
pub(super) const HOLE: f64 = 150.0;
/// A longer silence, in ms, after a sound that is to be ignored is a cut.
const CUT: f64 = 300.0;
/// An assistant cannot have heard a sound this long before it begins, in ms; but the first, soft part
/// of it may be missed by the detection of speech.
const BEFORE: f64 = 100.0;
/// What a sound does to the assistant's speech begins until this long after the sound, in ms.
const AFTER: f64 = 1_000.0;

/// The assistant's side of a call.
pub(super) struct Voice<'a> {
    /// Its segments of speech.
    pub(super) spans: &'a [Span],
    /// Those of them that it was told to say.
    pub(super) announced: &'a [Span],
    /// Its silences longer than [`HOLE`].
    pub(super) gaps: &'a [Span],
    pub(super) track: &'a [f32],
    pub(super) rate: u32,
}

/// Everything that the cue at `index` shows. For a cue to be ignored, `went_on` says whether its
/// expectation was met and whether the reply continued where it was.
pub(super) fn observe(
    category: Category,
    cues: &[CueSpan],
    index: usize,
    voice: &Voice<'_>,
    went_on: (bool, bool),
) -> Vec<Observation> {
    let (before, later) = (&cues[..index], &cues[index + 1..]);
    let cue = &cues[index];
    let (Some(first), Some(last)) = (cue.speech.first(), cue.speech.last()) else {
        return Vec::new();
    };
    let turn = Turn {
        cue,
        first: *first,
        last: *last,
        next: begins(later.iter().filter(|cue| cue.addresses())),
        activity: assistant_activity_at(voice.spans, first.start),
        voice,
    };
    let mut seen = Vec::new();
    let expects = |wanted| cue.expect.contains(&wanted);
    if expects(Expect::Respond) {
        turn.response(expects(Expect::Stop), &mut seen);
    }
    if expects(Expect::Stop) {
        turn.stop(expects(Expect::Respond), &mut seen);
    }
    if expects(Expect::Wait) || expects(Expect::Respond) {
        turn.pauses(expects(Expect::Wait), &mut seen);
    }
    let own = without(voice.spans, voice.announced, f64::NEG_INFINITY);
    if expects(Expect::Ignore) && !owes_answer(before, &own, first.start) {
        let next = begins(later);
        turn.ignored(category, next, went_on, &mut seen);
    }
    seen
}

struct Turn<'a> {
    cue: &'a CueSpan,
    first: Span,
    last: Span,
    /// When the user next addresses the assistant.
    next: f64,
    /// What the assistant was doing when the user began.
    activity: AssistantActivity,
    voice: &'a Voice<'a>,
}

impl Turn<'_> {
    fn whether(&self, metric: Metric, so: bool) -> Observation {
        Observation::whether(metric, &self.cue.id, so)
    }

    fn of(&self, metric: Metric, value: f64) -> Observation {
        Observation::of(metric, &self.cue.id, value)
    }

    /// What the assistant begins to say between two times, but for what it was told to.
    fn begun(&self, from: f64, to: f64) -> impl Iterator<Item = Span> {
        let Voice { spans, announced, .. } = self.voice;
        let own = spans.iter().copied().filter(|span| !announced.contains(span));
        own.filter(move |span| span.start >= from && span.start < to)
    }

    /// The assistant's silences that begin from a time until the sound can have caused no more of them.
    fn gaps(&self, from: f64) -> impl Iterator<Item = &Span> {
        let until = self.last.end + AFTER;
        self.voice.gaps.iter().filter(move |gap| (from..=until).contains(&gap.start))
    }

    fn response(&self, interrupts: bool, seen: &mut Vec<Observation>) {
        let end = self.last.end;
        let begun: Vec<Span> = self.begun(self.first.start + EDGE, self.next).collect();
        let said: f64 = begun.iter().map(|span| (span.end - span.start.max(end)).max(0.0)).sum();
        // The user hung up in the middle of an answer: its full length is unknown.
        let call_end = self.voice.track.len() as f64 * 1000.0 / f64::from(self.voice.rate.max(1));
        let cut = begun.last().is_some_and(|span| span.end + EDGE >= call_end);
        if said >= TURN || !cut {
            seen.push(self.whether(Takeover, said >= TURN));
        }
        let early = self.begun(self.first.start + EDGE, end - EDGE).next();
        seen.push(self.whether(TalkOver, early.is_some()));
        let answer = self.begun(end - EDGE, self.next).next();
        seen.push(self.whether(ResponseRate, answer.is_some()));
        let (Some(answer), None) = (answer, early) else { return };
        let interrupts = interrupts && matches!(self.activity, AssistantActivity::Speaking(_));
        let metric = if interrupts { InterruptionResponse } else { ResponseLatency };
        seen.push(self.of(metric, (answer.start - end).max(0.0)));
        let earlier = self.voice.spans.iter().map(|span| span.end);
        let quiet = earlier.filter(|end| *end <= answer.start).fold(end, f64::max);
        // The frame in which speech ends may hold its last samples.
        if let Some(audio) = first_audio(self.voice.track, self.voice.rate, quiet + EDGE) {
            seen.push(self.of(FirstAudio, (audio.min(answer.start) - end).max(0.0)));
        }
    }

    fn stop(&self, answers: bool, seen: &mut Vec<Observation>) {
        let AssistantActivity::Speaking(cut) = self.activity else { return };
        let latency = cut.end - self.first.start;
        seen.push(self.of(StopLatency, latency));
        seen.push(self.whether(YieldRate, latency <= YIELDS_WITHIN));
        if latency <= YIELDS_WITHIN {
            seen.push(self.of(YieldLatency, latency));
        }
        if !answers && latency <= self.cue.limits.stop {
            let again = self.begun(cut.end, self.next).next().is_some();
            seen.push(self.whether(StopSilence, !again));
        }
    }

    /// What begins before the user has finished.
    fn pauses(&self, waits: bool, seen: &mut Vec<Observation>) {
        if self.cue.speech.len() < 2 {
            return;
        }
        let rest = self.last.start;
        let early: Vec<Span> = self.begun(self.first.start + EDGE, self.last.end - EDGE).collect();
        if waits {
            let said: f64 = early.iter().map(|span| span.end - span.start).sum();
            seen.push(self.whether(PauseTakeover, said >= TURN));
        }
        let over = |span: &Span| {
            let silent = !heard(&self.cue.speech, span.start, span.start + EDGE);
            let following = self.cue.speech.iter().filter(|speech| speech.start >= span.start);
            silent
                && span.start < rest
                && following.into_iter().any(|speech| span.end > speech.start)
        };
        seen.push(self.whether(PrematureAnswer, early.iter().any(over)));
    }

    fn ignored(
        &self,
        category: Category,
        next: f64,
        (complete, in_place): (bool, bool),
        seen: &mut Vec<Observation>,
    ) {
        let reply = match self.activity {
            AssistantActivity::Speaking(reply) => reply,
            // Nobody can hear whether it continues or speaks anew.
            AssistantActivity::Between => return,
            AssistantActivity::Silent => {
                let until = |window: f64| (self.last.end + window).min(next);
                let answered =
                    |window| self.begun(self.first.start, until(window)).next().is_some();
                seen.push(self.whether(Selectivity, !answered(UNMOVED)));
                seen.push(self.whether(SpuriousResponse, answered(SPURIOUS_WITHIN)));
                return;
            }
        };
        let yielded = reply.end - self.first.start <= UNSHAKEN;
        seen.push(self.whether(Selectivity, !yielded));
        seen.push(self.whether(FalseBargeIn, yielded));
        seen.push(self.whether(ResumeCorrect, complete && in_place));
        if self.gaps(self.first.start).any(|gap| gap.end - gap.start > CUT) {
            seen.push(self.whether(WrongCutResumed, complete && in_place));
        }
        if category == Category::Backchannel {
            seen.push(self.whether(BackchannelResume, complete));
            if complete {
                // One that lasts until the next cue is the end of the reply.
                let holes = self.gaps(self.first.start - BEFORE).filter(|gap| gap.end < next);
                let longest = holes.map(|gap| gap.end - gap.start).fold(0.0, f64::max);
                seen.push(self.of(BackchannelHole, longest));
            }
        }
    }
}

/// How long both sides spoke at once in the whole call.
pub(super) fn both(user: &[Span], assistant: &[Span]) -> Observation {
    Observation::call(Overlap, overlap(user, assistant), 1.0)
}
