//! What a model says in what it writes.

mod marks;

use marks::{Found, Mark};

/// The longest thought before an answer, in bytes: what a model writes in minutes. It is longer than any reply, and a
/// bound of its own: nobody hears it, and somebody waits.
pub const LONGEST_THOUGHT: usize = 64 * 1024;

/// The longest name of who speaks, or of a channel, that is looked at.
const LONGEST_ROLE: usize = 32;

/// Names of those who speak, besides [`USERS`].
const OTHERS: [&str; 7] =
    ["assistant", "model", "system", "developer", "tool", "ipython", "environment"];

/// Names of the user.
const USERS: [&str; 2] = ["user", "human"];

/// Why there is nothing to say in what a model wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// A think block did not end, or nothing came after it: allow longer replies, or a model that thinks less.
    #[error("the model only thought: {bytes} bytes, and gave no answer")]
    OnlyThought {
        /// Length of the thought, at most a little more than [`LONGEST_THOUGHT`].
        bytes: usize,
    },
    /// White space, punctuation and marks.
    #[error("the model gave a reply without words")]
    NoWords,
}

/// Where a reply begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Within a think block, which the chat template has opened: only its end is written.
    pub in_thought: bool,
    /// After a part that was said before: it may be complete, so that no words follow.
    pub begun: bool,
}

/// Takes out of a stream of model text what is no part of the answer.
///
/// Think blocks are left out, whichever marks the model's family has for them; so are the marks of chat templates. A
/// reply is [over](Self::is_over) at the end of its turn, and where the model writes down the user's next turn. All
/// other text passes unchanged and at once: only what may be the beginning of a mark is held back, and that is shorter
/// than the longest mark. The output does not depend on where the pieces were cut.
///
/// ```
/// use duplex_model::llm::ReplyFilter;
///
/// let mut filter = ReplyFilter::default();
/// let mut said = String::new();
/// for piece in ["<thi", "nk>A question.</think>\n\n", "Great ques", "tion!<|im_", "end|>"] {
///     filter.push(piece, &mut said);
/// }
/// assert!(filter.is_over());
/// assert_eq!(filter.finish(&mut said), Ok(()));
/// assert_eq!(said, "Great question!");
/// ```
#[derive(Clone, Debug)]
pub struct ReplyFilter {
    /// May be the beginning of a mark.
    held: String,
    place: Place,
    /// How many think blocks are open.
    depth: usize,
    /// What follows the end of an inner block: the answer after all, should the outer one never end, as where a thought
    /// only mentions the mark.
    after_inner: Option<String>,
    /// A mark of a thought was met.
    marked: bool,
    /// Length of all thoughts in bytes, and whether they have words.
    thought: usize,
    thought_words: bool,
    /// Only white space lies between the beginning of the line and here.
    line_start: bool,
    /// What separates the last character of the output from the next.
    gap: Gap,
    /// White space is left out until there is text: it belongs to a mark.
    skips_space: bool,
    /// The last character of the output.
    last: Option<char>,
    /// Length of the output in bytes, and whether it has words.
    said: usize,
    words: bool,
    begun: bool,
    over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the answer, or in a think block where one is open.
    Message,
    /// In the name of who speaks.
    Role(String),
    /// In the head of a message, where its channel is named (harmony).
    Head(String),
    /// In a channel that nobody hears.
    Hidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    /// A thought: a sentence before it is not joined to a word after it.
    Thought,
    /// Somebody's turn began.
    Line,
}

impl Default for ReplyFilter {
    fn default() -> Self {
        Self::new(Opening::default())
    }
}

impl ReplyFilter {
    /// The most that is held back, in bytes.
    pub const LONGEST_MARK: usize = marks::LONGEST_MARK;

    /// A filter of a reply that begins there.
    pub fn new(Opening { in_thought, begun }: Opening) -> Self {
        Self {
            held: String::new(),
            place: Place::Message,
            depth: usize::from(in_thought),
            after_inner: None,
            marked: in_thought,
            thought: 0,
            thought_words: false,
            line_start: true,
            gap: Gap::None,
            skips_space: in_thought,
            last: None,
            said: 0,
            words: false,
            begun,
            over: false,
        }
    }

    /// Takes a piece of text and appends to `out` what is said of it, and of what was held back.
    ///
    /// Whether all that was given before proves to be a thought: where a think block ends that never began, as its
    /// beginning is in the prompt. `out` has what follows it, and what was given and not yet said is to be dropped.
    pub fn push(&mut self, piece: &str, out: &mut String) -> bool {
        let (begin, mut takes_back) = (out.len(), false);
        for c in piece.chars() {
            if self.over {
                break;
            }
            let line_start = self.line_start && !self.is_thinking();
            if self.held.is_empty() && !marks::may_begin(c, line_start) {
                self.text(c, out);
                continue;
            }
            self.held.push(c);
            if self.settle(out) {
                out.truncate(begin);
                takes_back = true;
            }
        }
        takes_back
    }

    /// Ends the reply, unless it is over, and appends what was held back.
    ///
    /// # Errors
    /// [`NoAnswer`], where nothing was given that can be said. A reply that was [begun](Opening::begun) needs no words,
    /// but an end of its thoughts.
    pub fn finish(&mut self, out: &mut String) -> Result<(), NoAnswer> {
        let held = std::mem::take(&mut self.held);
        // A reply that is cut may be so within a mark.
        if !self.over && !held.starts_with("<|") && !held.starts_with("<｜") {
            held.chars().for_each(|c| self.text(c, out));
        }
        if let Some(answer) = self.after_inner.take() {
            self.depth = 0;
            answer.chars().for_each(|c| self.say(c, out));
        }
        self.over = true;
        if self.words || (self.begun && !self.is_thinking()) {
            Ok(())
        } else if self.has_thought() {
            Err(NoAnswer::OnlyThought { bytes: self.thought })
        } else {
            Err(NoAnswer::NoWords)
        }
    }

    /// Whether the model's turn has ended, or its thought is too long: the rest of what it writes is no part of it.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the model thinks: what it writes is not said.
    pub fn is_thinking(&self) -> bool {
        self.depth > 0 || matches!(self.place, Place::Head(_) | Place::Hidden)
    }

    /// Whether any of it was a thought.
    pub fn has_thought(&self) -> bool {
        self.thought_words || self.is_thinking()
    }

    /// Whether the turn goes on after a special token of this text: those around thoughts do not end it.
    pub(super) fn goes_on_after(&self, token: &str) -> bool {
        match marks::find(token, false) {
            Found::Whole(Mark::MessageEnd) => self.is_thinking(),
            Found::Whole(mark) => matches!(
                mark,
                Mark::Open | Mark::Close | Mark::Channel | Mark::Start | Mark::Message
            ),
            _ => false,
        }
    }

    /// Takes as much of what is held back as is certainly a mark or text. Whether what was given is taken back.
    fn settle(&mut self, out: &mut String) -> bool {
        let mut takes_back = false;
        while !self.held.is_empty() && !self.over {
            match marks::find(&self.held, self.line_start && !self.is_thinking()) {
                Found::Beginning => break,
                Found::Whole(mark) => {
                    self.held.clear();
                    self.give_up_role(out);
                    takes_back |= self.mark(mark);
                }
                Found::Text => {
                    let first = self.held.remove(0);
                    self.text(first, out);
                }
            }
        }
        takes_back
    }

    /// What a mark does. Whether what was given is taken back.
    fn mark(&mut self, mark: Mark) -> bool {
        match mark {
            Mark::Open => {
                self.depth += 1;
                self.marked = true;
                self.after_inner = None;
            }
            Mark::Close => return self.close(),
            Mark::Channel | Mark::Start => {
                self.marked = true;
                self.place = Place::Head(String::new());
            }
            Mark::Message => self.open_message(),
            Mark::MessageEnd if matches!(self.place, Place::Head(_) | Place::Hidden) => {
                self.place = Place::Head(String::new());
            }
            // Before any words it is a slip of the template.
            Mark::End | Mark::MessageEnd => {
                self.over = self.words || self.begun || self.is_thinking();
                self.skip_space(Gap::None);
            }
            Mark::Header if self.place == Place::Message => self.place = Place::Role(String::new()),
            Mark::User => self.over = true,
            Mark::Own => self.skip_space(Gap::Line),
            Mark::Header | Mark::Silent => self.skip_space(Gap::None),
        }
        false
    }

    /// The end of a think block. Whether what was given is taken back.
    fn close(&mut self) -> bool {
        let inner = self.depth > 1;
        let bare = !std::mem::replace(&mut self.marked, true);
        self.after_inner = inner.then(String::new);
        self.depth = self.depth.saturating_sub(1);
        if bare {
            self.thought += self.said;
            self.thought_words |= self.words;
            (self.last, self.said, self.words) = (None, 0, false);
        }
        self.place = Place::Message;
        self.skip_space(Gap::Thought);
        bare
    }

    /// What a channel says follows (harmony): a `final` one is for the user.
    fn open_message(&mut self) {
        let Place::Head(head) = &self.place else { return };
        let name = head.split_whitespace().next().unwrap_or_default();
        self.over = USERS.iter().any(|user| user.eq_ignore_ascii_case(name));
        // A message to a tool says so.
        let heard = matches!(name, "" | "final" | "assistant") && !head.contains("to=");
        self.place = if heard { Place::Message } else { Place::Hidden };
        if heard {
            self.skip_space(Gap::Thought);
        }
    }

    /// White space after a mark is left out where it would begin the output or a turn, or follow other white space.
    fn skip_space(&mut self, gap: Gap) {
        self.skips_space |= gap == Gap::Line || self.last.is_none_or(char::is_whitespace);
        self.line_start |= gap != Gap::None;
        if gap != Gap::None {
            self.gap = gap;
        }
    }

    /// Takes a character that is no part of a mark.
    fn text(&mut self, c: char, out: &mut String) {
        match c {
            '\n' => self.line_start = true,
            c if !c.is_whitespace() => self.line_start = false,
            _ => {}
        }
        match &mut self.place {
            Place::Role(_) => self.role(c, out),
            Place::Head(head) => {
                if head.len() < LONGEST_ROLE {
                    head.push(c);
                }
                self.think(c);
            }
            Place::Hidden => self.think(c),
            Place::Message if self.depth > 0 => {
                if let Some(answer) = &mut self.after_inner {
                    answer.push(c);
                }
                self.think(c);
            }
            Place::Message => self.say(c, out),
        }
    }

    fn role(&mut self, c: char, out: &mut String) {
        let Place::Role(name) = &mut self.place else { return };
        if name.is_empty() && c.is_whitespace() {
            return;
        }
        name.push(c);
        let is = |role: &&str| role.eq_ignore_ascii_case(name);
        let begins = |role: &&str| {
            role.get(..name.len()).is_some_and(|role| role.eq_ignore_ascii_case(name))
        };
        if USERS.iter().any(is) {
            self.over = true;
        } else if OTHERS.iter().any(is) {
            self.place = Place::Message;
            self.skip_space(Gap::Line);
        } else if !USERS.iter().chain(&OTHERS).any(begins) {
            self.give_up_role(out);
        }
    }

    /// What was taken for the name of who speaks is text.
    fn give_up_role(&mut self, out: &mut String) {
        if let Place::Role(name) = &mut self.place
            && !self.over
        {
            let name = std::mem::take(name);
            self.place = Place::Message;
            self.skip_space(Gap::Line);
            name.chars().for_each(|c| self.text(c, out));
        }
    }

    fn think(&mut self, c: char) {
        self.thought += c.len_utf8();
        self.thought_words |= c.is_alphanumeric();
        self.over |= self.thought > LONGEST_THOUGHT;
    }

    fn say(&mut self, c: char, out: &mut String) {
        if c.is_whitespace() && self.skips_space {
            return;
        }
        self.skips_space = false;
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if let Some(last) = self.last.filter(|last| !last.is_whitespace() && !c.is_whitespace()) {
            match gap {
                Gap::Line => out.push('\n'),
                Gap::Thought if c.is_alphanumeric() && !last.is_alphanumeric() => out.push(' '),
                Gap::Thought | Gap::None => {}
            }
        }
        out.push(c);
        self.last = Some(c);
        self.said += c.len_utf8();
        self.words |= c.is_alphanumeric();
    }
}

#[cfg(test)]
mod tests;
