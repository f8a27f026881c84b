//! Commands: what a program asks of the conversation, and what follows from it later.

use std::collections::VecDeque;

use crate::{
    Action, Command, CommandId, ConversationEvent, Cut, Permille, Refusal, Samples, SessionChange,
    SessionTime, Turn, TurnChange, UserKind, Why,
    command::plain,
    reply::{Prompt, Reply},
    words,
};

use super::{AssistantState, DuplexSession};

/// Most texts that wait to be said.
const MOST_TO_SAY: usize = 16;

/// Most text of the user's that waits for an answer when more is sent, in bytes.
const MOST_UNANSWERED: usize = 4 * Command::LONGEST_TEXT;

/// Text to be said.
#[derive(Clone, Debug)]
struct ToSay {
    text: String,
    interruptible: bool,
    /// It is the session's own, to a user who is silent, was not understood, or takes their leave.
    by_itself: bool,
}

/// What was asked for by command and is not done yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    is_muted: bool,
    /// Since when push-to-talk is down.
    pressed: Option<SessionTime>,
    /// When the user's turn ended, by command; what was said until then may not have its words yet.
    turn_ends: Option<SessionTime>,
    /// That turn is answered even if it has no words.
    is_asked: bool,
    /// That turn is not answered.
    is_cancelled: bool,
    /// Words that were sent as the user's, and follow what the user has said until then.
    typed: VecDeque<String>,
    to_say: VecDeque<ToSay>,
    /// The call ends once nothing more is said.
    is_ending: bool,
    /// A change that waits for the reply under way to end.
    change: SessionChange,
    /// Since when neither side has said anything, and how often that was reported.
    idle_since: SessionTime,
    idle_reported: u64,
    /// How often since the user last spoke.
    idle_times: u32,
    /// The user was told that the last sound was not understood.
    asked_again: bool,
}

impl Orders {
    /// Whether the microphone is heard.
    pub(super) const fn hears(&self) -> bool {
        !self.is_muted || self.pressed.is_some()
    }

    /// Whether push-to-talk is down.
    pub(super) const fn has_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    /// When the user's turn ended by command, where its answer is not prepared yet.
    pub(super) const fn turn_ends(&self) -> Option<SessionTime> {
        self.turn_ends
    }

    /// Whether the call is about to end.
    pub(super) const fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// The user has said something.
    pub(super) fn user_is_there(&mut self) {
        self.idle_times = 0;
        self.asked_again = false;
        self.to_say.retain(|it| !it.by_itself);
    }
}

impl DuplexSession {
    /// Carries out a command, or refuses it.
    pub(super) fn obey(&mut self, id: CommandId, command: Command) {
        let was_open = self.orders.hears();
        let done = command.check().and_then(|()| match command {
            Command::Respond => self.respond(),
            Command::Cancel => self.cancel_all(),
            Command::UserText(text) => self.user_text(&text),
            Command::Earlier { user, assistant } => self.add_earlier(&user, &assistant),
            Command::Say { text, interruptible } => self.say(&text, interruptible),
            Command::Configure(change) => {
                self.configure(*change);
                self.notify(ConversationEvent::Configured { command: id });
                Ok(())
            }
            Command::Mute => {
                self.orders.is_muted = true;
                Ok(())
            }
            Command::Unmute => {
                self.orders.is_muted = false;
                Ok(())
            }
            Command::Press => self.press(),
            Command::Release => self.release(false),
            Command::End => self.end(),
            Command::Truncate { reply, audio } => self.truncate(reply, audio),
            Command::ToolResult { .. } => Err(Refusal::NoSuchToolCall),
        });
        if let Err(why) = done {
            self.refuse(id, why);
        }
        self.show_microphone(was_open);
    }

    /// Tells whoever sent it that a command changes nothing.
    pub(super) fn refuse(&mut self, command: CommandId, why: Refusal) {
        let text = why.to_string();
        self.notify(ConversationEvent::Refused { command, reason: why, text });
    }

    fn show_microphone(&mut self, was_open: bool) {
        let open = self.orders.hears();
        if open != was_open {
            self.actions.push(Action::Microphone { open });
            self.notify(ConversationEvent::Microphone { open });
        }
    }

    fn respond(&mut self) -> Result<(), Refusal> {
        match &self.assistant {
            AssistantState::Preparing(reply) if reply.prompt == Prompt::Sound => {}
            AssistantState::Silent => {}
            _ => return Err(Refusal::ReplyUnderWay),
        }
        if self.orders.is_ending {
            return Err(Refusal::Ending);
        }
        self.orders.is_asked = true;
        self.end_turn();
        Ok(())
    }

    /// The user's turn ends here.
    fn end_turn(&mut self) {
        (self.orders.turn_ends, self.orders.is_cancelled) = (Some(self.now), false);
        self.tracker.hasten(&self.policy, &mut self.actions);
    }

    fn cancel_all(&mut self) -> Result<(), Refusal> {
        let may_resume = self.interrupted.as_ref().is_some_and(|cut| !cut.ended);
        let is_due = self.orders.turn_ends.is_some() || may_resume;
        if matches!(self.assistant, AssistantState::Silent)
            && self.orders.to_say.is_empty()
            && !is_due
        {
            return Err(Refusal::NoReply);
        }
        self.orders.to_say.clear();
        // A turn that ended by command still gets its words, and no answer.
        self.orders.is_cancelled = self.orders.turn_ends.is_some();
        self.orders.is_asked = false;
        self.end_cut();
        match &self.assistant {
            AssistantState::Silent => {}
            AssistantState::Preparing(reply) => {
                if reply.prompt == Prompt::Sound {
                    self.settle(UserKind::Turn, Some(Why::Command));
                }
                self.drop_prepared(Why::Command);
            }
            AssistantState::Speaking(..) => self.cancel(Why::Command),
        }
        Ok(())
    }

    fn user_text(&mut self, text: &str) -> Result<(), Refusal> {
        if self.orders.is_ending {
            return Err(Refusal::Ending);
        }
        let unanswered = self.transcript.lines().last().filter(|_| self.unanswered().is_some());
        let waiting: usize = self.orders.typed.iter().map(String::len).sum();
        if waiting + unanswered.map_or(0, |line| line.text.len()) > MOST_UNANSWERED {
            return Err(Refusal::TooMuchToAnswer);
        }
        self.take_the_floor(Why::Revised);
        self.orders.typed.push_back(plain(text));
        self.orders.user_is_there();
        self.orders.is_asked = true;
        self.end_turn();
        Ok(())
    }

    /// Takes an exchange as said before.
    fn add_earlier(&mut self, user: &str, assistant: &str) -> Result<(), Refusal> {
        let is_idle = matches!(self.assistant, AssistantState::Silent)
            && self.tracker.pending.is_none()
            && self.interrupted.is_none()
            && self.orders.typed.is_empty()
            && self.unanswered().is_none();
        if !is_idle {
            return Err(Refusal::UnderWay);
        }
        let user = plain(user);
        if !user.is_empty() {
            self.transcript.push_user(&user);
        }
        self.transcript.push_assistant(plain(assistant), None);
        Ok(())
    }

    /// The words that were sent as the user's are a turn. Gives the words of that whole turn; none if there are none.
    fn settle_typed(&mut self) -> Option<String> {
        let mut whole = None;
        while let Some(text) = self.orders.typed.pop_front() {
            let speech = self.tracker.take_speech();
            let continues = self.unanswered();
            let line = self.transcript.push_user(&text).to_owned();
            self.showing.turn = Some(speech);
            whole = Some(line.clone());
            let at = self.now.as_millis();
            self.notify(ConversationEvent::UserTurn {
                speech,
                began_ms: at,
                ended_ms: at,
                text,
                kind: UserKind::Turn,
                why: None,
                typed: true,
                continues,
                line,
            });
        }
        whole
    }

    /// The user has the floor for certain: what is prepared or said ends, unless it cannot be interrupted.
    fn take_the_floor(&mut self, why: Why) {
        match &self.assistant {
            AssistantState::Silent => {}
            AssistantState::Preparing(_) => self.drop_prepared(why),
            AssistantState::Speaking(reply, _) if reply.is_protected() => {}
            AssistantState::Speaking(..) => self.cancel(Why::Command),
        }
        self.end_cut();
    }

    fn say(&mut self, text: &str, interruptible: bool) -> Result<(), Refusal> {
        if self.orders.is_ending {
            return Err(Refusal::Ending);
        }
        let waiting: usize = self.orders.to_say.iter().map(|it| it.text.len()).sum();
        if self.orders.to_say.len() == MOST_TO_SAY || waiting > Command::LONGEST_TEXT {
            return Err(Refusal::TooMuchToSay);
        }
        self.orders.to_say.push_back(ToSay { text: plain(text), interruptible, by_itself: false });
        Ok(())
    }

    /// Says that the user was not understood, once until the user's next turn.
    pub(super) fn ask_again(&mut self) {
        let question = self.policy.unheard_question.clone();
        let has_other = !self.orders.to_say.is_empty() || self.orders.is_ending;
        if !question.is_empty()
            && !has_other
            && !std::mem::replace(&mut self.orders.asked_again, true)
        {
            // What is said by itself is not refused: nothing else waits to be said.
            self.say_by_itself(plain(&question));
        }
    }

    /// The user has taken their leave. What is a turn is answered anyway; a command is obeyed silently but for this.
    pub(super) fn take_leave(&mut self, kind: UserKind) {
        let text = plain(&self.policy.farewell);
        if kind == UserKind::Stop && self.policy.answers && !text.is_empty() {
            self.say_by_itself(text);
        }
        self.orders.is_ending |= self.policy.ends_at_farewell;
    }

    /// Says something of the session's own, unless the user says something first.
    fn say_by_itself(&mut self, text: String) {
        self.orders.to_say.push_back(ToSay { text, interruptible: true, by_itself: true });
    }

    /// A text that was prepared and not begun is said later.
    pub(super) fn say_again(&mut self, reply: &Reply) {
        if let Prompt::Text { interruptible, by_itself } = reply.prompt {
            let text = reply.utterance.planned().to_owned();
            self.orders.to_say.push_front(ToSay { text, interruptible, by_itself });
        }
    }

    /// Begins with the next text that is to be said, where nothing else is.
    pub(super) fn say_next(&mut self) {
        let is_silent = matches!(self.assistant, AssistantState::Silent);
        if !is_silent || self.orders.pressed.is_some() || self.orders.turn_ends.is_some() {
            return;
        }
        let user_waits = self.tracker.pending.is_some();
        let next = self.orders.to_say.pop_front_if(|it| !it.interruptible || !user_waits);
        let Some(next) = next else { return };
        self.end_cut();
        let (turn, timeline) = self.next_turn(self.now);
        let ToSay { text, interruptible, by_itself } = next;
        let reply =
            Reply::dictated(turn, &text, Prompt::Text { interruptible, by_itself }, timeline);
        self.notify(ConversationEvent::ReplyPreparing { reply: turn, answers: String::new() });
        self.assistant = AssistantState::Preparing(reply);
    }

    /// Prepares the answer to a turn that ended by command, once its words are there.
    pub(super) fn answer_the_turn(&mut self, ended: SessionTime) {
        let is_heard = self.tracker.is_recognised_until(ended);
        if !is_heard && self.now - ended < self.policy.lost_after {
            return;
        }
        self.forget_the_turn();
        let is_asked = std::mem::take(&mut self.orders.is_asked);
        let is_cancelled = std::mem::take(&mut self.orders.is_cancelled);
        let mut from = ended;
        let mut text = String::new();
        // A sound that the recogniser gives no words for stays, and is judged when it does.
        if let Some(user) = self.tracker.pending.as_ref().filter(|_| is_heard) {
            (text, from) = (user.text(), user.voiced_until.min(ended));
            let has_words = !words::normalise(&text).is_empty();
            if is_asked && !has_words {
                self.end_cut();
            }
            self.tracker.part();
            let noise = (UserKind::Noise, Some(Why::NoWords));
            let (kind, why) = if has_words { (UserKind::Turn, None) } else { noise };
            self.settle(kind, if is_cancelled { Some(Why::Command) } else { why });
        } else if let Some(before) = self.tracker.part_from_turn() {
            self.transcript.push_user(&before);
        }
        if let Some(typed) = self.settle_typed() {
            text = typed;
        } else if words::normalise(&text).is_empty() {
            if !is_asked {
                return self.resume(Why::NoWords);
            }
            let unanswered = self.transcript.lines().last().filter(|_| self.unanswered().is_some());
            text = unanswered.map(|line| line.text.clone()).unwrap_or_default();
        }
        self.end_cut();
        if is_cancelled {
            return self.drop_prepared(Why::Command);
        }
        match &mut self.assistant {
            AssistantState::Preparing(reply) if reply.is_to(&text) => {
                reply.prompt = Prompt::Command;
            }
            _ => {
                self.drop_prepared(Why::Revised);
                self.start(text, Prompt::Command, from);
            }
        }
    }

    /// The user's turn does not end by command any more.
    fn forget_the_turn(&mut self) {
        self.orders.turn_ends = None;
        self.tracker.unhasten();
    }

    /// Releases a reply that was asked for by command, as soon as there is something to hear.
    pub(super) fn release_by_command(&mut self) {
        let AssistantState::Preparing(reply) = &self.assistant else { return };
        // A user who speaks before a text begins is heard first.
        let yields = matches!(reply.prompt, Prompt::Text { interruptible: true, .. });
        if yields && self.tracker.pending.is_some() {
            return self.drop_prepared(Why::Revised);
        }
        if !reply.utterance.has_audio() {
            return;
        }
        let silence = self.tracker.silence();
        self.speak(silence, Permille(1000), Permille(0));
    }

    fn configure(&mut self, change: SessionChange) {
        self.change_turns(change.turns.clone());
        let (language, vocabulary) = (change.language.clone(), change.vocabulary.clone());
        if language.is_some() || vocabulary.is_some() {
            let heard = SessionChange { language, vocabulary, ..SessionChange::default() };
            self.actions.push(Action::Configure(Box::new(heard)));
        }
        let said = SessionChange {
            language: None,
            vocabulary: None,
            turns: TurnChange::default(),
            ..change
        };
        if said == SessionChange::default() {
            return;
        }
        self.orders.change = std::mem::take(&mut self.orders.change).then(said);
        // A reply that nobody has asked for yet is prepared again as it is to be now.
        let is_early = |it: &Reply| it.prompt == Prompt::Sound;
        if matches!(&self.assistant, AssistantState::Preparing(reply) if is_early(reply)) {
            self.drop_prepared(Why::Revised);
        }
        if matches!(self.assistant, AssistantState::Silent) && !self.can_resume() {
            self.apply_change();
        }
    }

    fn change_turns(&mut self, change: TurnChange) {
        let TurnChange { overlap, answers, fixed_wait, longest_wait, idle_after, idle_question } =
            change;
        let policy = &mut self.policy;
        policy.overlap = overlap.unwrap_or(policy.overlap);
        policy.answers = answers.unwrap_or(policy.answers);
        let is_unasked = |it: &Reply| it.prompt == Prompt::Sound;
        let is_early = matches!(&self.assistant, AssistantState::Preparing(it) if is_unasked(it));
        if !policy.answers && is_early {
            self.drop_prepared(Why::Revised);
        }
        let policy = &mut self.policy;
        policy.idle_after = idle_after.unwrap_or(policy.idle_after);
        if let Some(wait) = fixed_wait {
            policy.fixed_wait = (wait > Samples(0)).then_some(wait);
        }
        policy.longest_wait = longest_wait.unwrap_or(policy.longest_wait);
        if let Some(question) = idle_question {
            policy.idle_question = question;
        }
    }

    /// Applies a change that waited for the reply under way to end.
    pub(super) fn apply_change(&mut self) {
        let change = std::mem::take(&mut self.orders.change);
        if change == SessionChange::default() {
            return;
        }
        self.actions.push(Action::Configure(Box::new(change)));
        // Instructions come before everything else that a model has read.
        let context = self.transcript.context("", true, String::new());
        self.actions.push(Action::Prefill(context));
        self.prefilled.clear();
    }

    fn press(&mut self) -> Result<(), Refusal> {
        if self.orders.is_ending {
            return Err(Refusal::Ending);
        }
        if self.orders.pressed.is_some() {
            return Err(Refusal::Pressed);
        }
        self.orders.pressed = Some(self.now);
        // What was to be answered still is, also if nothing is said before the release.
        let is_due = |it: &Reply| it.prompt == Prompt::Command;
        self.orders.is_asked |=
            matches!(&self.assistant, AssistantState::Preparing(reply) if is_due(reply));
        self.forget_the_turn();
        self.notify(ConversationEvent::PushToTalk { down: true, lapsed: false });
        self.take_the_floor(Why::WentOn);
        Ok(())
    }

    fn release(&mut self, lapsed: bool) -> Result<(), Refusal> {
        self.orders.pressed.take().ok_or(Refusal::NotPressed)?;
        self.notify(ConversationEvent::PushToTalk { down: false, lapsed });
        self.end_turn();
        Ok(())
    }

    /// A client that is gone, or has lost a key's release, does not keep the assistant silent for ever.
    pub(super) fn release_a_forgotten_press(&mut self) {
        let longest = self.policy.longest_press;
        if self.orders.pressed.is_some_and(|since| self.now - since >= longest) {
            let was_open = self.orders.hears();
            _ = self.release(true);
            self.show_microphone(was_open);
            let seconds = longest.as_millis() / 1000;
            self.warn(&format!("push-to-talk was down for {seconds} s: it counts as released"));
        }
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.orders.is_ending, true) {
            return Err(Refusal::Ending);
        }
        if let Some(reply) = self.reply() {
            reply.end_with_the_sentence();
        }
        Ok(())
    }

    fn truncate(&mut self, id: Turn, audio: Samples) -> Result<(), Refusal> {
        let spoken = matches!(&self.assistant, AssistantState::Speaking(it, _) if it.id == id);
        let reply = match (&mut self.assistant, &mut self.newest) {
            (AssistantState::Speaking(reply, _), _) if spoken => reply,
            (_, Some(newest)) if newest.reply.id == id => &mut newest.reply,
            _ => return Err(Refusal::NoSuchReply),
        };
        if audio > reply.utterance.audio() {
            let audio_ms = reply.utterance.audio().as_millis();
            return Err(Refusal::BeyondTheEnd { audio_ms });
        }
        reply.utterance.rewind(audio);
        let (heard, unheard) =
            (reply.utterance.heard().to_owned(), reply.utterance.unheard().to_owned());
        if let Some(newest) = self.newest.as_mut().filter(|_| !spoken)
            && let Some(line) = newest.line
        {
            let cut = Cut { at: self.now, why: Why::Command, unheard: unheard.clone() };
            newest.line = self.transcript.amend(line, &heard, cut);
        }
        if let Some(cut) = self.interrupted.as_mut().filter(|cut| cut.reply.id == id) {
            cut.reply.utterance.rewind(audio);
        }
        self.notify(ConversationEvent::ReplyTruncated { reply: id, heard, unheard });
        if spoken {
            self.cancel(Why::Command);
        }
        Ok(())
    }

    /// What follows from earlier commands: a change that waited, a question into the silence, the end of the call.
    pub(super) fn consider_orders(&mut self) {
        let is_silent = matches!(self.assistant, AssistantState::Silent);
        if is_silent && !self.can_resume() {
            self.apply_change();
        }
        self.consider_idle();
        if self.orders.is_ending && is_silent && self.orders.to_say.is_empty() {
            self.leave();
        }
    }

    fn consider_idle(&mut self) {
        let after = self.policy.idle_after;
        let is_quiet = matches!(self.assistant, AssistantState::Silent)
            && self.tracker.pending.is_none()
            && !self.tracker.speaking
            && self.orders.pressed.is_none()
            && self.orders.turn_ends.is_none()
            && self.orders.to_say.is_empty();
        if !is_quiet || after == Samples(0) {
            (self.orders.idle_since, self.orders.idle_reported) = (self.now, 0);
            return;
        }
        let silence = self.now - self.orders.idle_since;
        if silence.0 / after.0 <= self.orders.idle_reported {
            return;
        }
        self.orders.idle_reported = silence.0 / after.0;
        self.orders.idle_times += 1;
        let times = self.orders.idle_times;
        self.notify(ConversationEvent::UserIdle { silence_ms: silence.as_millis(), times });
        let question = plain(&self.policy.idle_question);
        if times <= self.policy.idle_questions && !question.is_empty() && !self.orders.is_ending {
            self.say_by_itself(question);
        }
    }
}
