//! What is said at the moment, by both sides.

use ratatui::{layout::Rect, style::Style, text::Line};

use super::{
    look::Look,
    state::{State, Talk},
    transcript::Labelled,
};
use crate::view::{Voice, Who};

/// The user's words: the newest.
pub(super) fn user(state: &State, area: Rect) -> Vec<Line<'static>> {
    let look = state.look;
    let conversation = &state.conversation;
    let committed = look.clean(conversation.committed.trim());
    let space = if committed.is_empty() { "" } else { " " };
    let sure = format!("{committed}{space}");
    let mut words = vec![(sure.clone(), Style::new())];
    words.extend(look.tentative(conversation.tentative.trim()));
    if words.iter().all(|(text, _)| text.trim().is_empty()) {
        let hint = match (state.talk, conversation.is_muted) {
            (Talk::Held, _) => "(release space when you are done)",
            (Talk::Open, _) => "(press space again when you are done)",
            (Talk::Off, true) if state.has_keys => "(muted: m opens the microphone)",
            (Talk::Off, true) => "(muted)",
            (Talk::Off, false) => "",
        };
        words = vec![(hint.to_owned(), look.dim())];
    }
    live(Who::User, &words, None, area, look)
}

/// The assistant's words: those around the end of what was heard.
pub(super) fn assistant(state: &State, area: Rect) -> Vec<Line<'static>> {
    let look = state.look;
    let Some(reply) = &state.conversation.reply else {
        let dots = if state.conversation.is_preparing { "..." } else { "" };
        return live(Who::Assistant, &[(dots.to_owned(), look.dim())], None, area, look);
    };
    let heard = look.clean(reply.heard.trim_start());
    let unheard = match heard.is_empty() {
        true => reply.unheard.trim_start(),
        false => &reply.unheard,
    };
    // Marks stand around words, not around the space before them.
    let words = unheard.trim_start();
    let space = " ".repeat(usize::from(words.len() < unheard.len()));
    let mut shown = vec![(heard.clone(), Style::new()), (space, Style::new())];
    shown.extend(match reply.voice {
        Voice::Cut => look.unheard(words),
        Voice::Full | Voice::Ducked | Voice::Held => look.tentative(words),
    });
    live(Who::Assistant, &shown, Some(&heard), area, look)
}

/// The rows around the end of what was `heard`, or else the last.
fn live(
    who: Who,
    words: &[(String, Style)],
    heard: Option<&str>,
    area: Rect,
    look: Look,
) -> Vec<Line<'static>> {
    let rows = usize::from(area.height);
    let labelled = Labelled::new(None, who, words, area.width.into(), look);
    let last = labelled.rows().saturating_sub(rows);
    let from =
        heard.map_or(last, |heard| last.min(labelled.row_after(heard).saturating_sub(rows / 3)));
    labelled.lines(from)
}
