//! How a call is shown: what flags ask for, and what the terminal can do.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// What the person asks for.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Flags {
    /// Show plain lines and take no keys, as where there is no terminal
    #[arg(long)]
    pub(crate) plain: bool,

    /// Show no colours, as with NO_COLOR set
    #[arg(long, alias = "no-color")]
    pub(crate) no_colour: bool,

    /// Show nothing but ASCII
    #[arg(long)]
    pub(crate) ascii: bool,

    /// For screen readers: each final line once, nothing drawn again; the keys work
    #[arg(long, conflicts_with = "plain")]
    pub(crate) screen_reader: bool,
}

/// How a call is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Colours tell things apart. Without them marks do.
    pub(crate) colour: bool,
    /// The terminal shows more than ASCII.
    pub(crate) unicode: bool,
    /// Lines, and no keys.
    pub(crate) plain: bool,
    /// Lines for a screen reader, and keys.
    pub(crate) screen_reader: bool,
}

impl Options {
    /// What the flags ask for, as far as this terminal can do it.
    pub(crate) fn choose(flags: Flags) -> Self {
        Self::of(flags, &Surroundings::now())
    }

    fn of(flags: Flags, around: &Surroundings) -> Self {
        let is_dumb = matches!(around.term.as_deref(), None | Some("" | "dumb"));
        Self {
            colour: !flags.no_colour && !around.no_colour,
            unicode: !flags.ascii && around.locale.as_deref().is_none_or(is_unicode),
            plain: flags.plain || !around.is_terminal || (is_dumb && !flags.screen_reader),
            screen_reader: flags.screen_reader,
        }
    }
}

/// What the environment says about the terminal.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    /// Standard output is a terminal.
    is_terminal: bool,
    term: Option<String>,
    no_colour: bool,
    /// The locale in force for characters; none where nothing says which.
    locale: Option<String>,
}

impl Surroundings {
    fn now() -> Self {
        let said = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            is_terminal: io::stdout().is_terminal(),
            term: said("TERM"),
            no_colour: env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said),
        }
    }
}

fn is_unicode(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Surroundings {
        Surroundings {
            is_terminal: true,
            term: Some("xterm-256color".to_owned()),
            no_colour: false,
            locale: Some("en_GB.UTF-8".to_owned()),
        }
    }

    #[test]
    fn a_terminal_has_all_and_a_pipe_has_lines() {
        let all = Options { colour: true, unicode: true, plain: false, screen_reader: false };
        assert_eq!(Options::of(Flags::default(), &terminal()), all);
        let pipe = Surroundings { is_terminal: false, ..terminal() };
        assert!(Options::of(Flags::default(), &pipe).plain);
    }

    #[test]
    fn a_dumb_terminal_has_lines_but_for_a_screen_reader_that_was_asked_for() {
        for term in [None, Some("dumb".to_owned())] {
            let dumb = Surroundings { term, ..terminal() };
            assert!(Options::of(Flags::default(), &dumb).plain);
            let flags = Flags { screen_reader: true, ..Flags::default() };
            assert!(!Options::of(flags, &dumb).plain);
        }
    }

    #[test]
    fn colours_go_by_flag_and_by_variable() {
        let flags = Flags { no_colour: true, ..Flags::default() };
        assert!(!Options::of(flags, &terminal()).colour);
        let silent = Surroundings { no_colour: true, ..terminal() };
        assert!(!Options::of(Flags::default(), &silent).colour);
    }

    #[test]
    fn a_locale_without_unicode_is_shown_ascii() {
        let shown = |locale: Option<&str>| {
            let around = Surroundings { locale: locale.map(str::to_owned), ..terminal() };
            Options::of(Flags::default(), &around).unicode
        };
        assert!(shown(Some("de_DE.utf8")) && shown(None));
        assert!(!shown(Some("C")) && !shown(Some("de_DE.ISO-8859-1")));
        let flags = Flags { ascii: true, ..Flags::default() };
        assert!(!Options::of(flags, &terminal()).unicode);
    }
}
