//! Plain lines: each final one once, for pipes and for terminals that cannot be drawn on.

use std::io::{self, Write};

use super::{News, Surface, look::Look, state::State};
use crate::view::{Said, Who};

/// Lines on their way out.
pub(super) struct Lines<W> {
    /// None once whoever read them has seen enough: the call goes on.
    out: Option<W>,
    look: Look,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W, look: Look) -> Self {
        Self { out: Some(out), look }
    }
}

impl<W: Write> Surface for Lines<W> {
    fn show(&mut self, _: &mut State, news: &News) -> io::Result<()> {
        let lines: String = news.lines().map(|said| plain(&said, self.look)).collect();
        let Some(out) = self.out.as_mut().filter(|_| !lines.is_empty()) else { return Ok(()) };
        if out.write_all(lines.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.out = None;
        }
        Ok(())
    }
}

fn plain(said: &Said, look: Look) -> String {
    format!("{}\n", look.clean(&said.to_string()).trim_end())
}

impl News {
    /// All of it as final lines, in their order.
    fn lines(&self) -> impl Iterator<Item = Said> {
        let notices = self.notices.iter().map(|notice| {
            let warning = if notice.is_warning { "warning: " } else { "" };
            let text = format!("{warning}{}", notice.text);
            Said { at_ms: notice.at_ms, who: Who::Note, text, cut: None }
        });
        let mut lines: Vec<Said> = self.said.iter().cloned().chain(notices).collect();
        lines.sort_by_key(|said| said.at_ms);
        lines.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use duplex_core::Why;

    use super::*;
    use crate::talk::panel::Notice;

    const LOOK: Look = Look { colour: false, unicode: false };

    fn news() -> News {
        let text = "It\u{1b}[2J is".to_owned();
        let cut = Some((" sunny.".to_owned(), Why::Words));
        let said = vec![Said { at_ms: 61_500, who: Who::Assistant, text, cut }];
        let text = "the microphone is gone".to_owned();
        News { said, notices: vec![Notice { at_ms: 1000, text, is_warning: true }] }
    }

    #[test]
    fn a_line_has_its_moment_and_nothing_that_a_terminal_would_obey() {
        let mut out = Vec::new();
        Lines::new(&mut out, LOOK).show(&mut State::new(LOOK), &news()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "00:01.0        : warning: the microphone is gone\n\
             01:01.5  duplex: It [2J is - [cut: words]\n"
        );
    }

    #[test]
    fn a_reader_that_left_ends_nothing() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut lines = Lines::new(Gone, LOOK);
        assert!(lines.show(&mut State::new(LOOK), &news()).is_ok());
        assert!(lines.out.is_none());
    }
}
