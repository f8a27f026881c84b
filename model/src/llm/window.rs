//! The window: which of the oldest messages a model no longer reads.
//!
//! When a window moves, what is left of the conversation stands at other positions, and the KV cache reads it anew. The
//! rules here make that rare, half a window at a time, and put it where nobody waits: after a reply that was heard to
//! its end. The window is moved as if the messages had arrived one by one, so that the same messages always have the
//! same window, and it stays where it is while messages are added until it is full again.

use super::{ChatMessage, Role};

/// Room that a window keeps for the user's next turn once a reply was heard to its end: more than a minute of speech. A
/// user who speaks for longer may have to wait for the window to move.
const NEXT_TURN: usize = 256;

/// The role of a message, and where it stands in the tokens of the whole conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) role: Role,
    /// Index of the first token of its text.
    pub(super) begin: usize,
    /// Index after its last token, without what ends its turn.
    pub(super) end: usize,
}

/// The most that a window holds, in tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// While the user speaks or a reply is written.
    pub(super) full: usize,
    /// When a reply was heard to its end.
    pub(super) after_reply: usize,
    /// When the window has just moved.
    pub(super) moved: usize,
}

impl Limits {
    /// Those of a window of `budget` tokens, of which a small one keeps a quarter for the user's next turn.
    pub(super) fn of(budget: usize) -> Self {
        let next_turn = NEXT_TURN.min(budget / 4);
        Self { full: budget, after_reply: budget - next_turn, moved: budget / 2 }
    }
}

/// How many of the oldest of `messages` are outside the window.
///
/// After a move the window begins with a user's message. One exception: a reply that is being written stays without
/// its question where the two do not fit together.
pub(super) fn oldest_to_drop(messages: &[Extent], limits: Limits) -> usize {
    let mut oldest = 0;
    for (newest, message) in messages.iter().enumerate() {
        let next = messages.get(newest + 1).filter(|next| next.role == Role::User);
        // A user's message after the assistant's, even without words yet, shows that the reply is over.
        let (end, limit, last_resort) = match next {
            Some(next) if message.role == Role::Assistant => {
                (next.begin, limits.after_reply, newest + 1)
            }
            _ => (message.end, limits.full, newest),
        };
        let size = |oldest: usize| end.saturating_sub(messages[oldest].begin);
        if size(oldest) <= limit {
            continue;
        }
        let mut turns = (oldest + 1..=newest).filter(|at| messages[*at].role == Role::User);
        let newest_turn = turns.clone().next_back().filter(|at| size(*at) <= limit);
        let moved = turns.find(|at| size(*at) <= limits.moved);
        oldest = moved.or(newest_turn).unwrap_or(last_resort);
    }
    oldest
}

/// How many of the oldest messages after the system prompt to drop, so that the rest fits `room` tokens: as
/// [`Llm::fit`](super::Llm::fit), for a model of whose tokens only an estimate is known. `size` says how many a message
/// takes, with what stands around its text.
pub fn fit_by_size(
    messages: &[ChatMessage],
    room: usize,
    size: impl Fn(&ChatMessage) -> usize,
) -> usize {
    let first = usize::from(messages.first().is_some_and(|first| first.role == Role::System));
    let (system, history) = messages.split_at(first);
    let budget = room.saturating_sub(system.iter().map(&size).sum());
    let mut begin = 0;
    let extents: Vec<_> = history
        .iter()
        .map(|message| {
            let end = begin + size(message);
            let extent = Extent { role: message.role, begin, end };
            begin = end;
            extent
        })
        .collect();
    oldest_to_drop(&extents, Limits::of(budget))
}

/// How many of the oldest of some parts to drop so that the rest fits `room` tokens: when they no longer do, at least
/// half, so that the cache is read anew rarely.
pub(super) fn oldest_parts_to_drop(sizes: &[usize], room: usize) -> usize {
    let (mut oldest, mut size) = (0, 0);
    for (newest, part) in sizes.iter().enumerate() {
        size += part;
        if size > room {
            while size > room / 2 && oldest <= newest {
                size -= sizes[oldest];
                oldest += 1;
            }
        }
    }
    oldest
}

/// The longest part of a turn that is dropped or kept as a whole, in characters: a long word, or a piece of what is
/// written without spaces.
const LONGEST_PART: usize = 32;

/// The newest words of a turn, as much of it as fits `room` tokens, where `size` says how many a text takes. When it no
/// longer fits it loses at least its older half, so that the cache is read anew rarely. At least one part of it stays.
pub fn newest_words(text: &str, room: usize, size: impl Fn(&str) -> usize) -> &str {
    let text = text.trim();
    let mut begins = vec![0];
    let (mut length, mut spaced) = (0, false);
    for (at, c) in text.char_indices() {
        let begins_word = spaced && !c.is_whitespace();
        if begins_word || length == LONGEST_PART {
            begins.push(at);
            length = 0;
        }
        spaced = c.is_whitespace();
        length += 1;
    }
    let ends = begins.iter().skip(1).copied().chain([text.len()]);
    let sizes: Vec<_> =
        begins.iter().zip(ends).map(|(begin, end)| size(&text[*begin..end])).collect();
    let dropped = oldest_parts_to_drop(&sizes, room).min(begins.len() - 1);
    text[begins[dropped]..].trim_start()
}

/// The sizes of a conversation's messages in tokens, kept so that a long call is not tokenised again at each turn.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    known: Vec<(ChatMessage, usize)>,
}

impl Sizes {
    /// The size of each of `messages`: from the first one that has changed on, what `count` says.
    pub(super) fn of(
        &mut self,
        messages: &[ChatMessage],
        count: impl Fn(&ChatMessage) -> usize,
    ) -> impl Iterator<Item = usize> {
        let same = self.known.iter().zip(messages).take_while(|((known, _), it)| known == *it);
        self.known.truncate(same.count());
        let new = &messages[self.known.len()..];
        self.known.extend(new.iter().map(|message| (message.clone(), count(message))));
        self.known.iter().map(|(_, size)| *size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of these sizes, the user's and the assistant's in turn, with two tokens between them.
    fn conversation(sizes: &[usize]) -> Vec<Extent> {
        let mut begin = 10;
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        let extent = |(role, size): (Role, &usize)| {
            let extent = Extent { role, begin, end: begin + size };
            begin += size + 2;
            extent
        };
        roles.zip(sizes).map(extent).collect()
    }

    #[test]
    fn a_window_moves_when_a_reply_was_heard_and_the_next_turn_may_not_fit() {
        let limits = Limits { full: 100, after_reply: 80, moved: 50 };
        let drop = |sizes: &[usize]| oldest_to_drop(&conversation(sizes), limits);
        // While the reply is written, and while the user speaks, all the room may be used.
        assert_eq!(drop(&[20, 20, 20, 30]), 0);
        assert_eq!(drop(&[20, 20, 20, 12]), 0);
        assert_eq!(drop(&[20, 20, 20, 12, 0]), 0);
        assert_eq!(drop(&[20, 20, 20, 12, 20]), 0);
        assert_eq!(drop(&[20, 20, 20, 13, 0]), 2);
        // What the user says next changes nothing until the window is full again.
        assert_eq!(drop(&[20, 20, 20, 13, 63]), 2);
        assert_eq!(drop(&[20, 20, 20, 13, 64]), 4);
    }

    #[test]
    fn a_long_exchange_stays_if_the_next_turn_fits_beside_it() {
        let limits = Limits { full: 100, after_reply: 80, moved: 50 };
        let drop = |sizes: &[usize]| oldest_to_drop(&conversation(sizes), limits);
        assert_eq!(drop(&[20, 20, 40, 30, 0]), 2);
        assert_eq!(drop(&[20, 20, 40, 40, 0]), 4);
    }

    #[test]
    fn a_reply_under_way_keeps_its_question_if_both_fit() {
        let limits = Limits { full: 100, after_reply: 80, moved: 50 };
        let drop = |sizes: &[usize]| oldest_to_drop(&conversation(sizes), limits);
        assert_eq!(drop(&[20, 20, 60, 30]), 2);
        assert_eq!(drop(&[20, 20, 80, 30]), 3);
    }

    #[test]
    fn a_window_by_size_counts_the_system_prompt_and_begins_with_a_user() {
        let mut messages = vec![ChatMessage::new(Role::System, "0123456789")];
        for number in 0..20 {
            let role = if number % 2 == 0 { Role::User } else { Role::Assistant };
            messages.push(ChatMessage::new(role, "0123456789"));
        }
        let drop = |room| fit_by_size(&messages, room, |message| message.text.len());
        assert_eq!(drop(1_000), 0);
        let dropped = drop(110);
        assert!((10..19).contains(&dropped) && dropped % 2 == 0, "{dropped}");
        assert_eq!(fit_by_size(&[], 0, |_| 1), 0);
    }

    #[test]
    fn of_a_turn_that_does_not_fit_the_newest_words_stay_and_rarely_move() {
        let words = |count: usize| (0..count).map(|at| format!("w{at} ")).collect::<String>();
        let count = |text: &str| text.split_whitespace().count();
        assert_eq!(newest_words(" all of it ", 3, count), "all of it");
        let mut begins = std::collections::BTreeSet::new();
        for spoken in 1..400 {
            let text = words(spoken);
            let kept = newest_words(&text, 40, count);
            assert!(text.trim().ends_with(kept) && (1..=40).contains(&count(kept)), "{kept}");
            assert!(spoken <= 40 || count(kept) >= 20, "{kept}");
            begins.insert(kept.split(' ').next().unwrap_or_default().to_owned());
        }
        assert!(begins.len() <= 20, "the window moved {} times", begins.len());
    }

    #[test]
    fn what_is_written_without_spaces_is_cut_between_characters() {
        let text = "天空是蓝色的".repeat(100);
        let kept = newest_words(&text, 100, |text| text.chars().count());
        assert!(text.ends_with(kept) && (20..=100).contains(&kept.chars().count()), "{kept}");
        assert_eq!(newest_words("", 0, str::len), "");
        assert_eq!(newest_words("word", 0, str::len), "word");
    }

    #[test]
    fn parts_that_do_not_fit_lose_half_at_once() {
        assert_eq!(oldest_parts_to_drop(&[], 0), 0);
        assert_eq!(oldest_parts_to_drop(&[10; 10], 100), 0);
        let dropped: Vec<_> =
            (11..18).map(|count| oldest_parts_to_drop(&vec![10; count], 100)).collect();
        assert_eq!(dropped, [6, 6, 6, 6, 6, 6, 12]);
        assert_eq!(oldest_parts_to_drop(&[10, 200], 100), 2);
    }
}
