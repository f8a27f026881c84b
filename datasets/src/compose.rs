//! Composes a dialogue, category by category.

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, index};
use rand_pcg::Pcg32;

use crate::Part;
use crate::dialogue::{Category, Slice, Turn};
use crate::phrases::{Hearing, Phrasebook, Phrases};
use crate::stage::{Calls, Manner, Stage};
use crate::texts::{Exchange, brief};
use crate::utterance::{Hand, Pause, sentence};

/// Probability that a word is misrecognised, normally and in [`Category::Misheard`].
const ERRORS: f64 = 0.02;
const MISHEARD: f64 = 0.18;

/// Probability that a backchannel or command with known misrecognitions is replaced by one of them.
const HEARD_WRONG: f64 = 0.25;

/// Duration of a pause inside a sentence, in ms.
const PAUSE_MS: std::ops::Range<u32> = 250..2200;

/// Probability that a reply is cut to its first sentences, as spoken replies should be brief.
const BRIEF: f64 = 0.7;

/// Probability that the user reacts just after the end of a reply instead of during it.
const OVER: f64 = 0.15;

/// Minimum number of words left of a reply when the user interrupts it or says a backchannel.
const WORDS_AHEAD: usize = 3;

/// A dialogue being composed.
pub(crate) struct Scene<'a> {
    book: &'a Phrasebook,
    exchanges: &'a [Exchange],
    words: &'a [String],
    part: Part,
    category: Category,
    hand: Hand,
    stage: Stage,
    random: Pcg32,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        book: &'a Phrasebook,
        exchanges: &'a [Exchange],
        words: &'a [String],
        part: Part,
        category: Category,
        slice_ms: u32,
        mut random: Pcg32,
    ) -> Self {
        let errors = if category == Category::Misheard { MISHEARD } else { ERRORS };
        let hand = Hand::new(errors, &mut random);
        let stage = Stage::new(slice_ms, &mut random);
        Self { book, exchanges, words, part, category, hand, stage, random }
    }

    /// Composes the dialogue: its earlier turns and its slices.
    pub(crate) fn play(mut self) -> (Vec<Turn>, Vec<Slice>) {
        let history = self.history();
        if self.random.random_bool(0.3) {
            let slices = self.random.random_range(1..=3);
            self.stage.rest(slices);
        }
        match self.category {
            Category::Basic | Category::Misheard => self.basic(),
            Category::TopicInterweaving => {
                self.interrupt_with_question(self.book.openers.of(self.part))
            }
            Category::Termination => self.terminate(),
            Category::Regeneration => self.regenerate(),
            Category::Reset => self.interrupt_with_question(self.book.resets.of(self.part)),
            Category::BackOnTopic => self.back_on_topic(),
            Category::Backchannel => self.backchannel(),
            Category::Pause => self.pause(),
            Category::LateStart => self.late_start(),
            Category::HardPair => self.hard_pair(),
            Category::ToOthers => self.speech_to_others(),
            Category::Stop => self.stop(),
            Category::FalseAlarm => self.false_alarm(),
        }
        self.stage.go_on_until(0);
        let slices = self.random.random_range(0..=2);
        self.stage.rest(slices);
        (history, self.stage.into_slices())
    }

    fn history(&mut self) -> Vec<Turn> {
        let turns = if self.random.random_bool(0.4) { self.random.random_range(1..=3) } else { 0 };
        let turn = |exchange: Exchange| Turn { user: exchange.ask, assistant: exchange.reply };
        (0..turns).map(|_| turn(self.exchange())).collect()
    }

    fn basic(&mut self) {
        for turn in 0..self.random.random_range(1..=2) {
            if turn > 0 {
                self.between();
            }
            let exchange = self.exchange();
            self.ask(&exchange, Manner::default());
            if self.random.random_bool(0.15) {
                self.insert_backchannel();
            }
            self.stage.go_on_until(0);
        }
        if self.random.random_bool(0.25) {
            self.between();
            let thanks = self.pick(&self.book.thanks);
            let reply = self.pick(&self.book.thanks_replies);
            self.say(&thanks, &Calls::For(split(&reply)), Manner::default());
        }
    }

    fn interrupt_with_question(&mut self, openers: &[String]) {
        self.ask_and_reach_middle_or_end();
        let opener = openers.choose(&mut self.random).cloned().unwrap_or_default();
        let exchange = self.exchange();
        let text = join(&opener, &exchange.ask);
        self.say(&text, &Calls::For(split(&exchange.reply)), Manner::default());
    }

    fn terminate(&mut self) {
        self.ask_and_reach_middle_or_end();
        let command = self.heard(&self.book.commands);
        self.say(&command, &Calls::ForSilence, Manner::default());
        self.after_a_stop();
    }

    fn regenerate(&mut self) {
        let exchange = self.ask_and_reach_middle_or_end();
        let (text, reply) = if self.random.random_bool(0.5) {
            (self.pick(&self.book.regenerate_short), first_sentence(&exchange.reply).to_owned())
        } else {
            (self.pick(&self.book.regenerate_again), exchange.reply)
        };
        self.say(&text, &Calls::For(split(&reply)), Manner::default());
    }

    fn back_on_topic(&mut self) {
        let exchange = self.ask_and_reach_middle();
        let said = split(&exchange.reply).len() - self.stage.words_left();
        let brief = self.pick(&self.book.brief);
        let mut reply = split(&self.pick(&self.book.brief_replies));
        reply.extend(split(&self.pick(&self.book.returns)));
        // From the start of the interrupted sentence, in lower case after the phrase of return.
        reply.extend(from_sentence_of(&exchange.reply, said));
        self.say(&brief, &Calls::For(reply), Manner::default());
    }

    fn backchannel(&mut self) {
        let exchange = self.long_exchange();
        self.ask(&exchange, Manner::default());
        for _ in 0..self.random.random_range(1..=3) {
            self.insert_backchannel();
        }
        self.stage.go_on_until(0);
        if self.random.random_bool(0.4) {
            self.between();
            let backchannel = self.heard(&self.book.backchannels);
            self.say(&backchannel, &Calls::ForNothing, Manner::default());
        }
    }

    fn pause(&mut self) {
        for turn in 0..self.random.random_range(1..=2) {
            if turn > 0 {
                self.stage.go_on_until(0);
                self.between();
            }
            let exchange = self.exchange();
            let pauses = self.random.random_range(1..=2);
            self.say_with_pauses(&exchange.ask, pauses, &answer(&exchange), Manner::default());
        }
    }

    fn late_start(&mut self) {
        for turn in 0..self.random.random_range(1..=2) {
            if turn > 0 {
                self.stage.go_on_until(0);
                self.between();
            }
            let exchange = self.exchange();
            // Usually one slice, up to four: as many as the layout distinguishes.
            let late = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4].choose(&mut self.random);
            let late = late.copied().unwrap_or(1);
            self.ask(&exchange, Manner { late, ..Manner::default() });
        }
    }

    fn hard_pair(&mut self) {
        self.ask_and_reach_middle();
        if self.random.random_bool(0.4) {
            self.insert_backchannel();
            return;
        }
        let opener = self.pick(&self.book.hard_openers);
        let exchange = self.exchange();
        let calls = answer(&exchange);
        let text = join(&opener, &exchange.ask);
        let pauses = usize::from(self.random.random_bool(0.3));
        self.say_with_pauses(&text, pauses, &calls, Manner::default());
    }

    fn speech_to_others(&mut self) {
        if self.random.random_bool(0.5) {
            self.ask_and_reach_middle();
            let aside = self.aside();
            self.say(&aside, &Calls::Elsewhere, Manner::default());
            self.stage.go_on_until(0);
            return;
        }
        let aside = self.aside();
        self.say(&aside, &Calls::Elsewhere, Manner::default());
        self.between();
        if self.random.random_bool(0.6) {
            let exchange = self.exchange();
            self.ask(&exchange, Manner::default());
        }
    }

    fn stop(&mut self) {
        if self.random.random_bool(0.2) {
            let command = self.heard(&self.book.commands);
            self.say(&command, &Calls::ForSilence, Manner::default());
        } else {
            self.ask_and_reach_middle_or_end();
            for _ in 0..self.random.random_range(1..=2) {
                let command = self.heard(&self.book.commands);
                self.say(&command, &Calls::ForSilence, Manner::default());
            }
        }
        self.after_a_stop();
    }

    fn false_alarm(&mut self) {
        self.ask_and_reach_middle();
        let opener = ["wait", "um", "hold on", "sorry"].choose(&mut self.random).copied();
        self.say(opener.unwrap_or("wait"), &Calls::ForSilence, Manner::default());
        if self.random.random_bool(0.5) {
            let slices = self.random.random_range(1..=2);
            self.stage.rest(slices);
        }
        let takes_back = self.pick(&self.book.takes_back);
        self.say(&takes_back, &Calls::ToGoOn, Manner::default());
    }

    fn after_a_stop(&mut self) {
        let slices = self.random.random_range(1..=4);
        self.stage.rest(slices);
        if self.random.random_bool(0.4) {
            let exchange = self.exchange();
            self.ask(&exchange, Manner::default());
        }
    }

    /// A few slices of silence between turns.
    fn between(&mut self) {
        let slices = self.random.random_range(0..=3);
        self.stage.rest(slices);
    }

    /// A backchannel somewhere in the rest of the reply, if enough of it is left.
    fn insert_backchannel(&mut self) {
        let left = self.stage.words_left();
        if left <= WORDS_AHEAD {
            return;
        }
        let place = self.random.random_range(WORDS_AHEAD..left);
        self.stage.go_on_until(place);
        let backchannel = self.heard(&self.book.backchannels);
        self.say(&backchannel, &Calls::ForNothing, Manner::default());
    }

    /// Asks a question and lets the reply continue to some point; sometimes to its end, after which the user says the
    /// same.
    fn ask_and_reach_middle_or_end(&mut self) -> Exchange {
        let exchange = self.ask_and_reach_middle();
        if self.random.random_bool(OVER) {
            self.stage.go_on_until(0);
            let slices = self.random.random_range(0..=2);
            self.stage.rest(slices);
        }
        exchange
    }

    /// Asks a question and lets the reply continue to some point.
    fn ask_and_reach_middle(&mut self) -> Exchange {
        let exchange = self.long_exchange();
        self.ask(&exchange, Manner::default());
        let left = self.stage.words_left();
        if left > WORDS_AHEAD {
            let place = self.random.random_range(WORDS_AHEAD..left);
            self.stage.go_on_until(place);
        }
        exchange
    }

    /// Asks a question. Sometimes the answer comes late, in any category: what was not answered at once must still be
    /// answered.
    fn ask(&mut self, exchange: &Exchange, mut manner: Manner) {
        if manner.late == 0 {
            manner.late = match self.random.random_range(0..20) {
                0 | 1 => self.random.random_range(2..=4),
                2 | 3 => 1,
                _ => 0,
            };
        }
        let pauses = usize::from(self.random.random_bool(0.25));
        self.say_with_pauses(&exchange.ask, pauses, &answer(exchange), manner);
    }

    fn aside(&mut self) -> String {
        let (vocative, aside) = (self.pick(&self.book.vocatives), self.pick(&self.book.asides));
        match self.random.random_range(0..4) {
            0 => format!("{aside} {vocative}"),
            1 => format!("hey {vocative}, {aside}"),
            _ => format!("{vocative}, {aside}"),
        }
    }

    fn say(&mut self, text: &str, calls: &Calls, manner: Manner) {
        self.say_with_pauses(text, 0, calls, manner);
    }

    fn say_with_pauses(&mut self, text: &str, pauses: usize, calls: &Calls, manner: Manner) {
        let text = sentence(text);
        let count = split(&text).len();
        let pauses = pauses.min(count.saturating_sub(1));
        let mut pauses: Vec<Pause> = index::sample(&mut self.random, count.max(2) - 1, pauses)
            .into_iter()
            .map(|at| self.silence(at + 1))
            .collect();
        pauses.sort_by_key(|pause| pause.before);
        let utterance = self.hand.write(&text, &pauses, self.words, &mut self.random);
        let heard: Vec<String> =
            utterance.runs.iter().flat_map(|run| run.words.iter().cloned()).collect();
        let unclear = self.book.backchannel_words(&heard);
        self.stage.user_says(&utterance, calls, Manner { unclear, ..manner }, &mut self.random);
    }

    fn silence(&mut self, before: usize) -> Pause {
        let ms = self.random.random_range(PAUSE_MS);
        let filler = self.random.random_bool(0.3).then(|| self.pick(&self.book.fillers));
        Pause { before, ms, filler }
    }

    /// A phrase, sometimes as it is misrecognised.
    fn heard(&mut self, phrases: &Phrases) -> String {
        let said = self.pick(phrases);
        match Hearing::of(&said).choose(&mut self.random) {
            Some(heard) if self.random.random_bool(HEARD_WRONG) => heard.clone(),
            _ => said,
        }
    }

    fn pick(&mut self, phrases: &Phrases) -> String {
        phrases.of(self.part).choose(&mut self.random).cloned().unwrap_or_default()
    }

    fn exchange(&mut self) -> Exchange {
        let exchanges = self.exchanges;
        let mut exchange = exchanges[self.random.random_range(0..exchanges.len())].clone();
        if self.random.random_bool(BRIEF) {
            exchange.reply = brief(&exchange.reply).to_owned();
        }
        exchange
    }

    /// An exchange whose reply can be interrupted: the first long enough of a few, or the longest of them.
    fn long_exchange(&mut self) -> Exchange {
        const ENOUGH_WORDS: usize = 10;
        let drawn: Vec<Exchange> = (0..8).map(|_| self.exchange()).collect();
        let words = |it: &Exchange| split(&it.reply).len();
        let long = drawn.iter().find(|it| words(it) >= ENOUGH_WORDS);
        let exchange = long.or_else(|| drawn.iter().max_by_key(|it| words(it))).cloned();
        exchange.unwrap_or_else(|| self.exchange())
    }
}

fn answer(exchange: &Exchange) -> Calls {
    Calls::For(split(&exchange.reply))
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// `opener` followed by `text`, which then starts in lower case.
fn join(opener: &str, text: &str) -> String {
    if opener.is_empty() {
        return text.to_owned();
    }
    let keeps = text.starts_with("I ") || text.starts_with("I'");
    let mut chars = text.chars();
    let first: String = match chars.next() {
        Some(first) if !keeps => first.to_lowercase().collect(),
        first => first.into_iter().collect(),
    };
    format!("{opener} {first}{}", chars.as_str())
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(['.', '?', '!']).map_or(text.len(), |at| at + 1);
    &text[..end]
}

/// The words of `text` from the start of the sentence that contains word `at`.
fn from_sentence_of(text: &str, at: usize) -> Vec<String> {
    let words = split(text);
    let ends = |word: &String| word.ends_with(['.', '?', '!']);
    let begin = words[..at.min(words.len())].iter().rposition(ends).map_or(0, |end| end + 1);
    words[begin..].to_vec()
}
