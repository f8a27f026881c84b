//! A vocabulary for tests in which a scripted call reads like a story.
//!
//! ```
//! use duplex_audio::room::Sound;
//! use duplex_harness::script::script;
//!
//! let silence = || Sound::from_session(vec![0.0; 1_600]);
//! let case = script("a cough")
//!     .ask(silence())
//!     .then_after_speaking(1.5, silence().effect())
//!     .ignored()
//!     .hanging_up_after(2.5)
//!     .case();
//! assert_eq!(case.cues.len(), 2);
//! ```

use std::collections::BTreeMap;

use duplex_audio::room::{Anchor, Cue, RoomOptions, Sound};
use duplex_core::Samples;

use crate::{
    case::{Announcement, Case, Category, Expectation, Split, first_words_within_ms},
    report::Expect,
};

/// How long after the call began, or after both sides have fallen silent, a question is asked.
const FIRST: Samples = Samples::from_millis(500);

/// A call that is being written. Cues are called `cue1`, `cue2` and so on, unless they are
/// [`named`](Self::named). Expectations apply to the cue before.
#[derive(Clone, Debug)]
pub struct Script {
    id: String,
    category: Category,
    room: RoomOptions,
    cues: Vec<(Cue, Expectation)>,
    announcements: Vec<Announcement>,
}

/// A call of the category [`Category::Turn`], unless [`of`](Script::of) sets another one.
pub fn script(id: &str) -> Script {
    let room = RoomOptions::default();
    Script {
        id: id.to_owned(),
        category: Category::Turn,
        room,
        cues: Vec::new(),
        announcements: Vec::new(),
    }
}

impl Script {
    /// Sets the category.
    #[must_use]
    pub fn of(self, category: Category) -> Self {
        Self { category, ..self }
    }

    /// Sets the room, instead of a quiet one with headphones.
    #[must_use]
    pub fn in_room(self, room: RoomOptions) -> Self {
        Self { room, ..self }
    }

    /// Ends the call this many seconds after the last cue, whatever the assistant does.
    #[must_use]
    pub fn hanging_up_after(mut self, seconds: f64) -> Self {
        self.room.hang_up_ms = Some(time(seconds).as_millis());
        self
    }

    /// Has the assistant told, this many seconds into the call, to say a text. A first cue that is
    /// asked for at a quiet moment comes after it.
    #[must_use]
    pub fn announcing(mut self, seconds: f64, text: &str) -> Self {
        self.announcements.push(Announcement { at: time(seconds), text: text.to_owned() });
        self
    }

    /// A question that expects an answer, asked when nobody speaks.
    #[must_use]
    pub fn ask(self, question: Sound) -> Self {
        let anchor = if self.cues.is_empty() { Anchor::Start(FIRST) } else { Anchor::Quiet(FIRST) };
        self.then(anchor, question).answered()
    }

    /// A sound once the assistant has been speaking for this many seconds.
    #[must_use]
    pub fn then_after_speaking(self, seconds: f64, sound: Sound) -> Self {
        self.then(Anchor::Speaking(time(seconds)), sound)
    }

    /// A sound once the assistant has said about this many words.
    #[must_use]
    pub fn then_after_words(self, words: u32, sound: Sound) -> Self {
        self.then(Anchor::Words(words), sound)
    }

    /// A sound once nobody has been audible for this many seconds.
    #[must_use]
    pub fn then_after_quiet(self, seconds: f64, sound: Sound) -> Self {
        self.then(Anchor::Quiet(time(seconds)), sound)
    }

    /// A sound this many seconds after the cue before, whatever the assistant does.
    #[must_use]
    pub fn then_after(self, seconds: f64, sound: Sound) -> Self {
        self.then(Anchor::AfterCue(time(seconds)), sound)
    }

    /// A sound at an anchor.
    #[must_use]
    pub fn then(mut self, anchor: Anchor, sound: Sound) -> Self {
        let id = format!("cue{}", self.cues.len() + 1);
        self.cues.push((Cue::new(id, sound, anchor), Expectation::default()));
        self
    }

    /// Names the cue before.
    #[must_use]
    pub fn named(mut self, id: &str) -> Self {
        if let Some((cue, _)) = self.cues.last_mut() {
            cue.id = id.to_owned();
        }
        self
    }

    /// Sets the words of the cue before.
    #[must_use]
    pub fn saying(mut self, text: &str) -> Self {
        if let Some((_, expectation)) = self.cues.last_mut() {
            expectation.text = text.to_owned();
        }
        self
    }

    /// Expects the assistant to answer.
    #[must_use]
    pub fn answered(self) -> Self {
        self.expecting(Expect::Respond)
    }

    /// Expects the assistant to fall silent.
    #[must_use]
    pub fn stops_it(self) -> Self {
        self.expecting(Expect::Stop)
    }

    /// Expects the assistant to continue, or to stay silent, as if nothing had happened.
    #[must_use]
    pub fn ignored(self) -> Self {
        self.expecting(Expect::Ignore)
    }

    /// Expects the assistant to wait for the end of the cue.
    #[must_use]
    pub fn waited_for(self) -> Self {
        self.expecting(Expect::Wait)
    }

    fn expecting(mut self, outcome: Expect) -> Self {
        if let Some((_, expectation)) = self.cues.last_mut() {
            expectation.outcomes.push(outcome);
        }
        self
    }

    /// The case.
    pub fn case(self) -> Case {
        let Self { id, category, mut room, mut cues, announcements } = self;
        room.first_words_within_ms = first_words_within_ms(&announcements);
        for (cue, expectation) in &mut cues {
            cue.answer_within = expectation.answer_within();
        }
        let expect: BTreeMap<_, _> =
            cues.iter().map(|(cue, expectation)| (cue.id.clone(), expectation.clone())).collect();
        let cues = cues.into_iter().map(|(cue, _)| cue).collect();
        Case {
            id,
            category,
            split: Split::Dev,
            known_issue: None,
            room,
            cues,
            expect,
            announcements,
            source: None,
        }
    }
}

fn time(seconds: f64) -> Samples {
    Samples::from_millis((seconds * 1_000.0).round().max(0.0) as u64)
}
