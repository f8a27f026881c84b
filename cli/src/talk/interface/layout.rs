//! Which rows of the screen show what: what matters most has room first.

use ratatui::layout::Rect;

/// Rows from which on each meter has one, with its device.
pub(super) const FULL_METERS: u16 = 16;
/// Rows from which on the latencies have one.
pub(super) const LATENCY: u16 = 11;

/// Areas of the screen; those for which there is no room have no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    /// Clock, who has the floor, and what must not be overlooked.
    pub(super) header: Rect,
    /// Levels and devices.
    pub(super) meters: Rect,
    pub(super) upper_rule: Rect,
    /// Final lines.
    pub(super) transcript: Rect,
    pub(super) lower_rule: Rect,
    /// What is said at the moment.
    pub(super) user: Rect,
    pub(super) assistant: Rect,
    pub(super) latency: Rect,
    /// Keys, or the line that is typed.
    pub(super) footer: Rect,
}

impl Areas {
    /// The areas of a screen; where a line `is_typed`, it has room before all else.
    pub(super) fn of(screen: Rect, is_typed: bool) -> Self {
        let mut left = screen.height;
        let mut take = |wanted: u16| {
            let rows = wanted.min(left);
            left -= rows;
            rows
        };
        let from = |height: u16, rows: u16| if screen.height >= height { rows } else { 0 };
        let typed = take(u16::from(is_typed));
        let words = match screen.height {
            0..20 => 1,
            20..30 => 2,
            30.. => 3,
        };
        // In the order in which they have room.
        let header = take(1);
        let assistant = take(words);
        let user = take(words);
        let footer = typed + take(from(5, u16::from(!is_typed)));
        let meters = take(from(8, 1) + from(FULL_METERS, 1));
        let latency = take(from(LATENCY, 1) + from(20, 1));
        let lower = take(from(9, 1));
        let upper = take(from(13, 1));
        let rest = take(u16::MAX);

        let mut top = screen.y;
        let mut next = |rows: u16| {
            let area = Rect { y: top, height: rows, ..screen };
            top = top.saturating_add(rows);
            area
        };
        Self {
            header: next(header),
            meters: next(meters),
            upper_rule: next(upper),
            transcript: next(rest),
            lower_rule: next(lower),
            user: next(user),
            assistant: next(assistant),
            latency: next(latency),
            footer: next(footer),
        }
    }

    /// The rows of an area, from above.
    pub(super) fn rows(area: Rect) -> impl Iterator<Item = Rect> {
        (0..area.height).map(move |row| Rect { y: area.y + row, height: 1, ..area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(height: u16, is_typed: bool) -> [u16; 9] {
        let of = Areas::of(Rect::new(0, 0, 80, height), is_typed);
        let Areas { header, meters, upper_rule, transcript, lower_rule, .. } = of;
        let Areas { user, assistant, latency, footer, .. } = of;
        [header, meters, upper_rule, transcript, lower_rule, user, assistant, latency, footer]
            .map(|area| area.height)
    }

    #[test]
    fn every_row_belongs_to_one_area() {
        for height in 0..200 {
            for is_typed in [false, true] {
                assert_eq!(heights(height, is_typed).iter().sum::<u16>(), height);
            }
        }
    }

    #[test]
    fn the_transcript_has_what_the_rest_leaves() {
        assert_eq!(heights(24, false), [1, 2, 1, 12, 1, 2, 2, 2, 1]);
        assert_eq!(heights(10, false), [1, 1, 0, 4, 1, 1, 1, 0, 1]);
        assert_eq!(heights(3, false), [1, 0, 0, 0, 0, 1, 1, 0, 0]);
    }

    #[test]
    fn the_line_that_is_typed_has_room_first() {
        assert_eq!(heights(1, true)[8], 1);
        assert_eq!(heights(3, true), [1, 0, 0, 0, 0, 0, 1, 0, 1]);
    }
}
