//! The user's side: the pending sound, its segments and hypotheses, and what to recognise next.

use crate::{
    Action, Permille, Policy, Samples, SegmentId, SessionTime, SliceClock, Speech, VadFrame,
    seam::Seam, words,
};

/// A segment of the user's sound. It is recognised as a whole, in a window that grows while the user speaks.
#[derive(Clone, Debug)]
struct Segment {
    segment: SegmentId,
    from: SessionTime,
    /// Its audio begins with the end of that of the segment before it.
    overlaps: bool,
    /// The newest hypothesis.
    text: String,
    /// How many leading words the two newest hypotheses agree on: those are committed.
    agreed: usize,
    /// Where the audio of the newest hypothesis ends.
    covers: SessionTime,
    confidence: Permille,
    /// Level of each frame in dBFS, to cut a long segment where it is quietest.
    levels: Vec<(SessionTime, i8)>,
}

impl Segment {
    fn new(segment: SegmentId, from: SessionTime) -> Self {
        Self {
            segment,
            from,
            overlaps: false,
            text: String::new(),
            agreed: 0,
            covers: SessionTime(0),
            confidence: Permille(0),
            levels: Vec::new(),
        }
    }

    /// The middle of the quietest `PAUSE` frames between these times, and the level of the loudest of them in dBFS. Of
    /// several that are as quiet, the latest.
    fn quietest(&self, early: SessionTime, late: SessionTime) -> Option<(SessionTime, i8)> {
        let between: Vec<_> =
            self.levels.iter().filter(|(at, _)| *at >= early && *at <= late).collect();
        let loudest = |frames: &[&(SessionTime, i8)]| frames.iter().map(|(_, level)| *level).max();
        let pauses = between.windows(PAUSE).map(|it| (it[PAUSE / 2].0, loudest(it)));
        let (cut, level) = pauses.min_by_key(|(at, level)| (*level, std::cmp::Reverse(*at)))?;
        Some((cut, level?))
    }

    fn words(&self) -> u32 {
        count(&self.text)
    }

    /// The words before it, and then its own.
    fn after(&self, before: &str) -> String {
        if self.overlaps {
            Seam::join(before, &self.text)
        } else {
            join([before, self.text.as_str()].into_iter())
        }
    }
}

/// The user's sound that is not settled yet: it may be a turn, a backchannel or a cough.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) speech: Speech,
    /// When the first voiced frame began.
    pub(crate) began: SessionTime,
    /// When the last voiced frame ended.
    pub(crate) voiced_until: SessionTime,
    /// Total length of the voiced frames.
    pub(crate) voiced: Samples,
    /// The highest high-band signal-to-noise ratio of a voiced frame, in dB.
    pub(crate) high_band_snr: i8,
    /// How many frames were voiced, in how many of them the detector was sure, and the sum of the levels of those in
    /// dBFS.
    frames: u32,
    clear_frames: u32,
    levels: i64,
    /// Sum over the voiced frames of the loudest level shortly before each, in dBFS.
    peaks: i64,
    /// When the last frame ended that was as loud as the voice is.
    loud_until: SessionTime,
    /// Somebody else talks on, much softer, since the user fell silent.
    is_talked_behind: bool,
    /// The newest acoustic end-of-turn score, and where the audio that it scores ends.
    pub(crate) end: Option<(SessionTime, Permille)>,
    /// The turn that it continues: its newest speech, and its words.
    continues: Option<(Option<Speech>, String)>,
    /// Words of segments that are closed.
    settled: String,
    /// How many those are, and the recogniser's mean probability of them.
    certainty: (u32, Permille),
    /// Closed segments whose final hypothesis is still missing.
    closing: Vec<Segment>,
    open: Option<Segment>,
}

impl Pending {
    /// The words of the whole turn so far, committed or not.
    pub(crate) fn text(&self) -> String {
        join([self.before(), &self.own_text()].into_iter())
    }

    /// The words of the turn that it continues.
    fn before(&self) -> &str {
        self.continues.as_ref().map_or("", |(_, words)| words)
    }

    /// The speech that it continues.
    pub(crate) fn continues(&self) -> Option<Speech> {
        self.continues.as_ref().and_then(|(speech, _)| *speech)
    }

    /// The committed words of the whole turn.
    pub(crate) fn committed(&self) -> String {
        join([self.before(), &self.agreement().0].into_iter())
    }

    /// The words of the sound itself.
    pub(crate) fn own_text(&self) -> String {
        let segments = self.closing.iter().chain(&self.open);
        segments.fold(self.settled.clone(), |before, segment| segment.after(&before))
    }

    /// The sound's committed words and its tentative ones: those that two successive hypotheses agree on, and the rest.
    pub(crate) fn agreement(&self) -> (String, String) {
        let Some(open) = self.open.as_ref().filter(|_| self.closing.is_empty()) else {
            return (self.settled.clone(), join(self.closing.iter().map(|s| s.text.as_str())));
        };
        let Seam { mut head, skip } = if open.overlaps {
            Seam::of(&self.settled, &open.text)
        } else {
            Seam { head: self.settled.split_whitespace().collect(), skip: 0 }
        };
        let mut own = open.text.split_whitespace().skip(skip);
        head.extend(own.by_ref().take(open.agreed.saturating_sub(skip)));
        (head.join(" "), own.collect::<Vec<_>>().join(" "))
    }

    /// Every voiced frame has been recognised.
    pub(crate) fn is_recognised(&self) -> bool {
        self.is_recognised_until(self.voiced_until)
    }

    /// The recogniser's mean probability of the words of all segments, by their number.
    pub(crate) fn confidence(&self) -> Permille {
        let open = self.closing.iter().chain(&self.open).map(|it| (it.words(), it.confidence));
        let parts = open.chain([self.certainty]);
        let (words, sum) = parts.fold((0, 0), |(words, sum), (some, confidence)| {
            (words + some, sum + some * u32::from(confidence.0))
        });
        Permille((sum / words.max(1)) as u16)
    }

    /// Where the audio ends that is recognised once the user is silent. More silence than ends a segment is of no use to a
    /// recogniser that has not answered for long, nor is what others say.
    fn tail_until(&self, now: SessionTime, policy: &Policy) -> SessionTime {
        let most = if self.is_talked_behind { BEHIND } else { policy.split_after };
        now.min(self.voiced_until + most)
    }

    /// Share of the voiced frames in which the detector was sure of speech, in thousandths.
    pub(crate) fn clear_share(&self) -> u32 {
        self.clear_frames * 1000 / self.frames.max(1)
    }

    /// Mean level of the frames in which the detector was sure of speech, in dBFS.
    pub(crate) fn level(&self) -> Option<i32> {
        (self.clear_frames > 0).then(|| (self.levels / i64::from(self.clear_frames)) as i32)
    }

    /// How loud the voice usually is at its loudest, in dBFS; none before enough of it was heard.
    fn usual_peak(&self) -> Option<i32> {
        let enough = self.frames as usize >= RECENT;
        enough.then(|| (self.peaks / i64::from(self.frames)) as i32)
    }

    /// The acoustic end-of-turn score. One of audio before the last voiced frame says nothing.
    pub(crate) fn end_score(&self) -> Option<Permille> {
        self.end.filter(|(to, _)| *to >= self.voiced_until).map(|(_, score)| score)
    }

    /// Every voiced frame until then has been recognised.
    fn is_recognised_until(&self, at: SessionTime) -> bool {
        self.closing.is_empty()
            && self.open.as_ref().is_none_or(|it| it.covers >= self.voiced_until.min(at))
    }

    /// It continues no turn any more: gives back that turn's words.
    pub(crate) fn part_from_turn(&mut self) -> Option<String> {
        self.continues.take().map(|(_, words)| words)
    }

    /// A segment is closed, with the words that it has.
    fn close(&mut self, segment: &Segment) {
        self.settled = segment.after(&self.settled);
        let words = count(&self.settled);
        let new = segment.words().min(words);
        let (_, mean) = self.certainty;
        let sum = (words - new) * u32::from(mean.0) + new * u32::from(segment.confidence.0);
        self.certainty = (words, Permille((sum / words.max(1)) as u16));
    }

    /// Makes this the continuation of a turn that was settled with these words.
    pub(crate) fn continue_turn(&mut self, speech: Option<Speech>, words: String) {
        self.continues = Some((speech, words));
    }
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn count(text: &str) -> u32 {
    text.split_whitespace().count() as u32
}

/// How far a segment goes on behind the place where a long one is cut, and the next one begins before it: a word that is
/// cut there is whole in one of them.
const SEAM: Samples = Samples::from_millis(500);

/// Frames of a pause between words, some 160 ms: the closure of a consonant is shorter.
const PAUSE: usize = 5;

/// How far below the voice's mean level a pause is, in dB.
const PAUSE_DB: i32 = 15;

/// How much is recognised behind the user's last loud frame where others talk on: a last consonant.
const BEHIND: Samples = Samples::from_millis(160);

/// Frames over which the loudest level of a voice is taken: a syllable or two.
const RECENT: usize = 12;

/// Fewest frames of a softer voice from which its level is known: the end of the user's own word is shorter.
const ENOUGH_OF_OTHERS: i64 = 12;

/// Frames of it that are remembered: some 10 s.
const MOST_OF_OTHERS: i64 = 320;

/// How one voice's level lies against another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distance {
    Softer,
    Same,
    Louder,
}

/// What a frame changes for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoiceEdge {
    /// The user starts to speak with this frame.
    Onset,
    /// The user fell silent with this frame.
    Offset,
    /// A voice begins that is much louder than the one that was heard so far: it is another one, and what was heard
    /// before is none of its words.
    Louder,
    /// As before.
    Unchanged,
}

/// The recognition job that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Job {
    segment: SegmentId,
    to: SessionTime,
    asked: SessionTime,
}

/// Follows the user's sound and keeps the recogniser busy with it, one job at a time.
#[derive(Clone, Debug)]
pub(crate) struct UserTracker {
    pub(crate) pending: Option<Pending>,
    pub(crate) speaking: bool,
    slices: SliceClock,
    next: SegmentId,
    /// The speech that the user began with the newest onset; none once it is settled.
    speech: Option<Speech>,
    /// The number of the next one.
    next_speech: Speech,
    /// The user's turn ends by command: its words are wanted at once.
    is_hastened: bool,
    /// The next sound's audio begins no earlier: what came before was settled with words of its own.
    not_before: SessionTime,
    job: Option<Job>,
    /// Until then nothing is requested, since the recogniser has just failed.
    retry_at: SessionTime,
    /// The end of the audio of the newest request for an end-of-turn score.
    detected_until: SessionTime,
    /// The end of the newest frame with a speech probability of at least `Policy::clear`.
    clear_until: SessionTime,
    /// The frames of a softer voice that went on behind the user's: how many, and the sum of their levels in dBFS.
    others: (i64, i64),
    /// Levels of the newest frames, in dBFS, in a ring.
    recent: [i8; RECENT],
    frames: usize,
    now: SessionTime,
    frame: Samples,
}

impl UserTracker {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            pending: None,
            speaking: false,
            slices: SliceClock::new(policy.slice),
            next: SegmentId(0),
            speech: None,
            next_speech: Speech(0),
            is_hastened: false,
            not_before: SessionTime(0),
            job: None,
            retry_at: SessionTime(0),
            detected_until: SessionTime(0),
            clear_until: SessionTime(0),
            others: (0, 0),
            recent: [i8::MIN; RECENT],
            frames: 0,
            now: SessionTime(0),
            frame: Samples(0),
        }
    }

    /// The silence since the last voiced frame; where no sound is pending, the whole call so far.
    pub(crate) fn silence(&self) -> Samples {
        self.pending.as_ref().map_or(self.now - SessionTime(0), |user| self.now - user.voiced_until)
    }

    /// Takes in a frame that ends `at`. `may_part`: what is pending may be settled where a louder voice begins.
    pub(crate) fn frame(
        &mut self,
        at: SessionTime,
        frame: VadFrame,
        may_part: bool,
        policy: &Policy,
        actions: &mut Vec<Action>,
    ) -> VoiceEdge {
        self.frame = at - self.now;
        self.now = at;
        self.recent[self.frames % RECENT] = frame.level;
        self.frames += 1;
        let distance = self.distance(policy);
        if frame.speech && frame.probability >= policy.clear && distance == Distance::Softer {
            self.hear_others(frame.level);
        }
        // Who talks on much softer behind the user is somebody else: a television, for instance.
        let frame = VadFrame { speech: frame.speech && distance != Distance::Softer, ..frame };
        let edge = match (self.speaking, frame.speech) {
            (true, true) if distance == Distance::Louder && may_part => VoiceEdge::Louder,
            (false, true) => VoiceEdge::Onset,
            (true, false) => VoiceEdge::Offset,
            _ => VoiceEdge::Unchanged,
        };
        match edge {
            VoiceEdge::Louder => return edge,
            VoiceEdge::Offset if distance == Distance::Softer => self.end_before_softer(),
            _ => {}
        }
        self.speaking = frame.speech;
        if edge == VoiceEdge::Onset {
            self.begin_speech();
        }
        if frame.speech && frame.probability >= policy.clear {
            self.clear_until = at;
        }
        if frame.speech && self.is_voiced(policy) {
            self.voiced(frame, policy);
        }
        if let Some(open) = self.pending.as_mut().and_then(|user| user.open.as_mut()) {
            open.levels.push((at, frame.level));
        }
        let slice_over = match edge {
            VoiceEdge::Offset => {
                self.slices.close(at);
                true
            }
            _ => self.slices.advance(at),
        };
        self.split(policy);
        self.recognise(slice_over, policy, actions);
        self.detect_end_of_turn(policy, actions);
        edge
    }

    /// Level of a softer voice that went on behind the user's, in dBFS; none where too little of one was heard.
    pub(crate) fn others_level(&self) -> Option<i32> {
        let (frames, levels) = self.others;
        (frames >= ENOUGH_OF_OTHERS).then(|| (levels / frames) as i32)
    }

    fn hear_others(&mut self, level: i8) {
        let (frames, levels) = self.others;
        // The older half fades: voices come and go.
        let (frames, levels) =
            if frames >= MOST_OF_OTHERS { (frames / 2, levels / 2) } else { (frames, levels) };
        self.others = (frames + 1, levels + i64::from(level));
    }

    /// How the voice of the newest frames lies against the one that began the pending sound.
    fn distance(&self, policy: &Policy) -> Distance {
        let usual = self.pending.as_ref().and_then(Pending::usual_peak);
        let Some(usual) = usual.filter(|_| policy.other_voice > 0) else { return Distance::Same };
        let (peak, apart) = (i32::from(self.recent_peak()), i32::from(policy.other_voice));
        if peak + apart <= usual {
            Distance::Softer
        } else if peak >= usual + apart {
            Distance::Louder
        } else {
            Distance::Same
        }
    }

    /// The loudest of the newest frames, in dBFS.
    fn recent_peak(&self) -> i8 {
        self.recent.iter().copied().max().unwrap_or(i8::MIN)
    }

    /// A much louder voice begins: its audio begins here.
    pub(crate) fn begin_louder(&mut self, policy: &Policy) {
        self.not_before = self.now.back(policy.preroll);
    }

    /// The voice that goes on is somebody else's: the user's own ended with its last loud frame.
    fn end_before_softer(&mut self) {
        if let Some(user) = &mut self.pending {
            user.voiced_until = user.loud_until;
            user.is_talked_behind = true;
        }
    }

    /// The speech probability falls over a few frames once the user is silent, and counting these as voiced would delay
    /// the recognition of the tail. Unclear frames are voiced only once they last longer than `Policy::linger`: then it
    /// is a voice that goes on faintly.
    fn is_voiced(&self, policy: &Policy) -> bool {
        self.clear_until == self.now || self.now - self.clear_until > policy.linger
    }

    fn voiced(&mut self, heard: VadFrame, policy: &Policy) {
        let (now, frame, peak) = (self.now, self.frame, self.recent_peak());
        let speech = self.begin_speech();
        let user = self.pending.get_or_insert_with(|| Pending {
            speech,
            continues: None,
            began: now.back(frame),
            voiced_until: now,
            voiced: Samples(0),
            high_band_snr: 0,
            frames: 0,
            clear_frames: 0,
            levels: 0,
            peaks: 0,
            loud_until: now,
            is_talked_behind: false,
            end: None,
            settled: String::new(),
            certainty: (0, Permille(0)),
            closing: Vec::new(),
            open: None,
        });
        user.voiced_until = now;
        user.voiced = user.voiced + frame;
        user.high_band_snr = user.high_band_snr.max(heard.high_band_snr);
        user.frames += 1;
        user.peaks += i64::from(peak);
        user.is_talked_behind = false;
        let usual = (user.peaks / i64::from(user.frames)) as i32;
        if i32::from(heard.level) + i32::from(policy.other_voice) > usual {
            user.loud_until = now;
        }
        if heard.probability >= policy.clear {
            user.clear_frames += 1;
            user.levels += i64::from(heard.level);
        }
        if user.open.is_none() {
            let after = user.closing.last().map_or(self.not_before, |closing| closing.covers);
            let from = now.back(frame + policy.preroll).max(after);
            user.open = Some(Segment::new(self.next, from));
            self.next = SegmentId(self.next.0 + 1);
        }
    }

    /// Closes the open segment after a long pause, or cuts it where it gets too long.
    fn split(&mut self, policy: &Policy) {
        let now = self.now;
        let Some(user) = &mut self.pending else { return };
        let Some(open) = user.open.as_ref() else { return };
        if now - user.voiced_until >= policy.split_after {
            let is_done = open.covers >= user.voiced_until && user.closing.is_empty();
            if let Some(closed) = user.open.take_if(|_| is_done) {
                user.close(&closed);
            }
            return;
        }
        if now - open.from < policy.longest_window {
            return;
        }
        // Not within the newest slice: the words there are only just being spoken. Nor later than the window allows,
        // where the recogniser has not answered for long.
        let early = open.from + half(policy.longest_window);
        let late = now.back(policy.slice).min(open.from + policy.longest_window);
        let (cut, quietest) = open.quietest(early, late).unwrap_or((late, i8::MAX));
        // In a pause no word is cut, and there is none that both windows could hear.
        let is_pause = user.level().is_some_and(|level| i32::from(quietest) <= level - PAUSE_DB);
        let shared = if is_pause { Samples(0) } else { SEAM };
        let levels = open.levels.iter().copied().filter(|(at, _)| *at > cut).collect();
        let from = cut.back(shared).max(open.from);
        let rest = Segment { overlaps: !is_pause, levels, ..Segment::new(self.next, from) };
        self.next = SegmentId(self.next.0 + 1);
        if let Some(mut closed) = user.open.replace(rest) {
            closed.covers = now.min(cut + shared);
            user.closing.push(closed);
        }
    }

    /// Requests a recognition where one is due and no job is outstanding.
    pub(crate) fn recognise(
        &mut self,
        slice_over: bool,
        policy: &Policy,
        actions: &mut Vec<Action>,
    ) {
        let now = self.now;
        if self.job.is_some_and(|job| now - job.asked < policy.lost_after) || now < self.retry_at {
            return;
        }
        let Some(user) = &self.pending else { return };
        let silence = now - user.voiced_until;
        let (segment, to, tail) = match (user.closing.first(), &user.open) {
            (Some(closing), _) => (closing, closing.covers, true),
            (None, Some(open)) if open.covers >= user.voiced_until => return,
            (None, Some(open)) if self.is_hastened => (open, now, true),
            (None, Some(open)) if silence >= policy.tail_after => {
                (open, user.tail_until(now, policy), true)
            }
            (None, Some(open)) => {
                let due =
                    slice_over || now - open.covers.max(open.from) >= policy.slice + policy.slice;
                if !due || silence > Samples(0) || now - open.from < policy.shortest_window {
                    return;
                }
                (open, now, false)
            }
            (None, None) => return,
        };
        self.job = Some(Job { segment: segment.segment, to, asked: now });
        actions.push(Action::Recognise { segment: segment.segment, from: segment.from, to, tail });
    }

    fn detect_end_of_turn(&mut self, policy: &Policy, actions: &mut Vec<Action>) {
        let Some(user) = self.pending.as_ref().filter(|_| policy.sources.acoustic()) else {
            return;
        };
        if self.now - user.voiced_until >= policy.tail_after
            && self.detected_until < user.voiced_until
        {
            self.detected_until = self.now;
            actions.push(Action::DetectEndOfTurn {
                from: user.began.back(policy.preroll),
                to: user.tail_until(self.now, policy),
            });
        }
    }

    /// Takes in a hypothesis; false where it changes nothing, because no outstanding job or pending sound is its own.
    pub(crate) fn recognised(
        &mut self,
        segment: SegmentId,
        to: SessionTime,
        text: String,
        confidence: Permille,
    ) -> bool {
        if self.job.is_none_or(|job| job.segment != segment || job.to != to) {
            return false;
        }
        self.job = None;
        let Some(user) = &mut self.pending else { return false };
        if let Some(index) = user.closing.iter().position(|closing| closing.segment == segment) {
            let closing = &mut user.closing[index];
            (closing.text, closing.confidence) = (text, confidence);
            if closing.covers == to {
                let closed = user.closing.remove(index);
                user.close(&closed);
            }
            return true;
        }
        let Some(open) = user.open.as_mut().filter(|open| open.segment == segment) else {
            return false;
        };
        let (old, new) = (words::normalise(&open.text), words::normalise(&text));
        let agreed = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        // One written word may be several normalised ones ("Uh-huh"): never count past the text.
        open.agreed = agreed.min(text.split_whitespace().count());
        open.text = text;
        open.covers = to;
        open.confidence = confidence;
        true
    }

    /// The recogniser failed on `segment`: its audio is requested again when a recognition is due, but not at once. One
    /// that fails every time must not be asked with every frame.
    pub(crate) fn recogniser_failed(&mut self, segment: SegmentId, policy: &Policy) {
        if self.job.is_some_and(|job| job.segment == segment) {
            self.job = None;
            self.retry_at = self.now + half(policy.slice);
        }
    }

    /// Takes in an acoustic end-of-turn score; one of audio before the last voiced frame is ignored.
    pub(crate) fn end_of_turn(&mut self, to: SessionTime, probability: Permille) {
        if let Some(user) = self.pending.as_mut().filter(|user| to >= user.voiced_until) {
            user.end = Some((to, probability));
        }
    }

    /// Words come between the turn that the pending sound continues and its own: gives back that turn's.
    pub(crate) fn part_from_turn(&mut self) -> Option<String> {
        self.pending.as_mut()?.part_from_turn()
    }

    /// The speech of the newest onset, or else the next one.
    pub(crate) fn speech(&self) -> Speech {
        self.speech.unwrap_or(self.next_speech)
    }

    /// The user's sound is a speech from its onset on.
    fn begin_speech(&mut self) -> Speech {
        match self.speech {
            Some(speech) => speech,
            None => {
                let speech = self.take_speech();
                self.speech = Some(speech);
                speech
            }
        }
    }

    /// The speech is settled. Where the user is still speaking, what follows is another: gives both.
    pub(crate) fn end_speech(&mut self) -> Option<(Speech, Speech)> {
        let ended = self.speech.take()?;
        self.speaking.then(|| (ended, self.begin_speech()))
    }

    /// Takes the number of the next speech.
    pub(crate) fn take_speech(&mut self) -> Speech {
        let speech = self.next_speech;
        self.next_speech = Speech(speech.0 + 1);
        speech
    }

    /// The user's turn ends now, by command: requests its words without waiting for a silence.
    pub(crate) fn hasten(&mut self, policy: &Policy, actions: &mut Vec<Action>) {
        self.is_hastened = self.pending.is_some();
        self.recognise(false, policy, actions);
    }

    /// It does not any more.
    pub(crate) fn unhasten(&mut self) {
        self.is_hastened = false;
    }

    /// Whether all that the user said until then has its words.
    pub(crate) fn is_recognised_until(&self, at: SessionTime) -> bool {
        self.pending.as_ref().is_none_or(|user| user.is_recognised_until(at))
    }

    /// The pending sound is about to be settled although the user may be speaking: what follows is recognised from where
    /// its words end.
    pub(crate) fn part(&mut self) {
        let open = self.pending.as_ref().and_then(|user| user.open.as_ref());
        self.not_before = open.map_or(self.not_before, |open| open.covers);
    }

    /// Takes the pending sound, which is settled: a later sound is a new one.
    pub(crate) fn settle(&mut self) -> Option<Pending> {
        self.is_hastened = false;
        self.pending.take()
    }
}

const fn half(span: Samples) -> Samples {
    Samples(span.0 / 2)
}
