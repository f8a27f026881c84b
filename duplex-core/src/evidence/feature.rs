//! The features: everything that is observed of a sound of the user's and of the situation it falls into, as numbers.

/// Defines [`Feature`], each with its name in policies, journals and tables.
macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = $name:literal,)*) => {
        /// One observation. Its value is in thousandths: -1000 to 1000, yes is 1000 and no is 0. What is not known
        /// is absent, and weighs nothing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $($(#[$doc])* $feature,)*
        }

        impl Feature {
            /// All of them, in the order of tables.
            pub const ALL: &[Self] = &[$(Self::$feature,)*];

            /// Its name in policies, journals and tables.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$feature => $name,)*
                }
            }
        }
    };
}

features! {
    // The sound.
    /// How much is missing to a voiced length of 800 ms.
    Brief = "brief",
    /// Share of the voiced frames in which the detector is sure of speech.
    Clear = "clear",
    /// The acoustic end-of-turn score: its logit, of 5.
    EndOfTurn = "end_of_turn",
    /// How much is missing to a high-band signal-to-noise ratio of 8 dB, which a voice that is close by has in all but
    /// loud noise; absent where too little was voiced to say.
    Far = "far",
    /// By how much more than 6 dB the voice is softer than that of the user's last turn that was answered, of 12 dB.
    Softer = "softer",
    /// How far the level is from the user's towards that of a softer voice that went on behind theirs: 1000 where it is
    /// that voice's. Absent where no such voice is known.
    LikeOthers = "like_others",
    /// The words are not final: the user is still speaking, or the recogniser has not answered.
    Partial = "partial",

    // What the recogniser makes of it. All words' features are absent while there are no words.
    /// The recogniser found no words in it.
    NoWords = "no_words",
    /// It is one word.
    OneWord = "one_word",
    /// It is two words.
    TwoWords = "two_words",
    /// How many of the words belong to no backchannel, of 4; more count as 4.
    OtherWords = "other_words",
    /// The recogniser's mean probability of the words: above 700, of 300.
    Certainty = "certainty",
    /// Share of the words that are no backchannel, and how certain they are: 0 at 400, 1000 at 900. A backchannel that the
    /// recogniser takes for words is rarely certain.
    SureWords = "sure_words",
    /// Share of the time that is missing to say so many words, 200 ms each: they are hallucinated.
    TooFast = "too_fast",
    /// Share of the words that are also among the assistant's last ones: its echo.
    Echo = "echo",

    // What the words do.
    /// Share of the words that belong to backchannels.
    Backchannel = "backchannel",
    /// They are backchannels, of which one asks the assistant to go on.
    GoOn = "go_on",
    /// They resemble what the recogniser makes of a backchannel.
    NearBackchannel = "near_backchannel",
    /// Share of the words that belong to a command to stop, where there is one.
    Command = "command",
    /// They resemble what the recogniser makes of a command to stop.
    NearCommand = "near_command",
    /// Share of the words that belong to a farewell, where there is one.
    Farewell = "farewell",
    /// They open like a question or a request.
    Asks = "asks",
    /// They end in a question mark.
    QuestionMark = "question_mark",
    /// Share of the words that ask for another way of speaking, or for a repetition: "Pardon?", "Louder."
    Repair = "repair",
    /// Share of the words that refuse or correct: "No.", "Not that."
    Refuses = "refuses",
    /// They call the assistant by its name.
    CallsAssistant = "calls_assistant",
    /// They address a person: "Mum, ...", "..., darling".
    CallsPerson = "calls_person",
    /// A sentence ends in a comma and a name.
    EndsInName = "ends_in_name",
    /// They open with a name and a comma.
    OpensWithName = "opens_with_name",
    /// They say that the assistant is not meant: "not you".
    Denies = "denies",
    /// They hold praise that only animals and small children get.
    Praise = "praise",
    /// Their wording is that of a request to an assistant: its logit, of 5.
    LikeRequest = "like_request",
    /// Their wording is that of a command to stop or of a farewell: its logit, of 5.
    LikeStop = "like_stop",
    /// Their wording is that of a backchannel: its logit, of 5.
    LikeBackchannel = "like_backchannel",
    /// Their wording is that of something said to another person: its logit, of 5.
    LikeAside = "like_aside",
    /// Their wording is that of a television, or of people in the background: its logit, of 5.
    LikeNarration = "like_narration",

    // Whether the sentence is whole.
    /// The words end in a word that belongs to a following one: "the", "and".
    Dangling = "dangling",
    /// The words end in a small word that often has something behind it: "to", "is".
    SmallWord = "small_word",
    /// The words end in a preposition, and nothing before it asks for what belongs to it: "Can you help me with".
    Preposition = "preposition",
    /// The words end in a phrase whose object is still to come: "I would like".
    Awaiting = "awaiting",
    /// The words end in a comma, a dash or an ellipsis.
    TrailsOff = "trails_off",
    /// The words end in a full stop, a question mark or an exclamation mark.
    FullStop = "full_stop",
    /// The words end in a row of digits that is too short for a number said in groups, where the user gives a number or
    /// says nothing but digits.
    FewDigits = "few_digits",
    /// The words end in a request for time to think: "let me think".
    Thinks = "thinks",
    /// The reply model's logit, of 5: that the words are whole, by how they would go on. Absent until it has read them.
    EndOfWords = "end_of_words",
    /// The user gives a list, spells, or dictates: they opened it so, or the assistant asked for it.
    GivesList = "gives_list",
    /// The user gives a number.
    GivesNumber = "gives_number",
    /// The words close a list: "that is all".
    ClosesList = "closes_list",
    /// Silence since the last voiced frame, of 2 s.
    Silence = "silence",

    // The situation.
    /// The assistant is speaking, or was until this sound cut its reply, or until a command that it adds a word or two to:
    /// what is said over the assistant stays that when it falls silent for it.
    Overlaps = "overlaps",
    /// The sound began while the assistant was speaking, or shortly after: 1000 at its end, 0 half a second later.
    FollowsSpeech = "follows_speech",
    /// The assistant's last words ask something.
    WasAsked = "was_asked",
    /// The assistant's last words offer something, or invite an answer.
    WasInvited = "was_invited",
    /// The user's last words were not answered, less than ten seconds ago.
    WasIgnored = "was_ignored",
    /// Share of the words that are also among those that were not answered.
    Repeats = "repeats",
    /// The duplex model's logit, of 5: that the assistant should answer these words, or fall silent for them where it is
    /// speaking.
    ModelYields = "model_yields",
}

impl Feature {
    /// What the wording resembles, in the order of [`Act::ALL`](crate::words::Act::ALL).
    pub const OF_ACTS: &[Self] = &[
        Self::LikeRequest,
        Self::LikeStop,
        Self::LikeBackchannel,
        Self::LikeAside,
        Self::LikeNarration,
    ];
}

/// How many features there are.
pub const FEATURES: usize = Feature::ALL.len();

/// What was observed at a moment: a value for each [`Feature`] that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features([Option<i16>; FEATURES]);

impl Default for Features {
    fn default() -> Self {
        Self([None; FEATURES])
    }
}

impl Features {
    /// The value of a feature in thousandths; none where it is not known.
    pub const fn get(&self, feature: Feature) -> Option<i16> {
        self.0[feature as usize]
    }

    /// Sets a feature, in thousandths; beyond -1000 or 1000 it counts as that.
    pub fn set(&mut self, feature: Feature, value: i64) {
        self.0[feature as usize] = Some(value.clamp(-1000, 1000) as i16);
    }

    /// Sets a feature to yes or no.
    pub fn flag(&mut self, feature: Feature, is_so: bool) {
        self.set(feature, if is_so { 1000 } else { 0 });
    }

    /// The same without one feature.
    #[must_use]
    pub fn without(mut self, feature: Feature) -> Self {
        self.0[feature as usize] = None;
        self
    }

    /// The features that are known, with their values.
    pub fn known(&self) -> impl Iterator<Item = (Feature, i16)> {
        Feature::ALL.iter().filter_map(|&feature| Some((feature, self.get(feature)?)))
    }
}
