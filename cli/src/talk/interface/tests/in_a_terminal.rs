//! The interface in a pseudo-terminal, which `script` makes: what it does with the terminal, and that it gives it back.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
};

use duplex_runtime::{EVENT_QUEUE, WhenFull, event_queue};
use rustix::event::{PollFd, PollFlags, poll};

use super::*;
use crate::talk::{
    interface::{
        options::{Flags, Options},
        run,
        terminal::Taken,
    },
    panel::Wish,
};

/// Where the program in the terminal says what it was asked for, and what it is to do.
const REPORT: &str = "DUPLEX_TEST_REPORT";
const SCENE: &str = "DUPLEX_TEST_SCENE";
/// Nothing takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

const SCREEN: &str = "\u{1b}[?1049h";
const SCREEN_BACK: &str = "\u{1b}[?1049l";
/// What a program asks of a terminal to know what it is, and the answers of those that tell of released keys, or do
/// not.
const WHAT_ARE_YOU: &str = "\u{1b}[?u\u{1b}[c";
const TELLS_RELEASES: &str = "\u{1b}[?0u\u{1b}[?62c";
const TELLS_NONE: &str = "\u{1b}[?62c";

#[test]
#[ignore = "the other tests run it in a terminal"]
fn the_program() {
    let Some(report) = env::var_os(REPORT) else { return };
    let mut report = UnixStream::connect(report).unwrap();
    let scene = env::var(SCENE).unwrap_or_default();
    let panel = Arc::new(panel());
    if scene == "panic" {
        let _taken = Taken::take(true, true, Arc::clone(&panel)).unwrap();
        panic!("as if something were wrong");
    }
    let (mut writer, events) = event_queue(EVENT_QUEUE, WhenFull::Lose);
    conversation().into_iter().for_each(|event| writer.put(event));
    let (wishes, asked) = channel();
    let mut told = report.try_clone().unwrap();
    let call = thread::spawn(move || {
        loop {
            match asked.recv_timeout(PATIENCE) {
                Ok(Wish::Stop) => {
                    // As a library does.
                    Command::new("sh").args(["-c", "echo noise >&2"]).status().unwrap();
                    writeln!(told, "{:?}", Wish::Stop).unwrap();
                }
                Ok(Wish::Again) => {
                    let part = thread::spawn(|| panic!("as if a model were wrong"));
                    assert!(part.join().is_err());
                }
                Ok(wish) => {
                    writeln!(told, "{wish:?}").unwrap();
                    if wish == Wish::Quit {
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("nobody has asked for the end"),
            }
        }
        drop(writer);
    });
    let flags = Flags { screen_reader: scene == "screen reader", ..Flags::default() };
    let shown = run(Options::choose(flags), events, panel, wishes);
    call.join().unwrap();
    writeln!(report, "{}", if shown.is_ok() { "over" } else { "gone" }).unwrap();
}

/// The program in a terminal of 80 columns.
struct InATerminal {
    script: Child,
    keys: ChildStdin,
    output: ChildStdout,
    seen: String,
    report: BufReader<UnixStream>,
    _folder: tempfile::TempDir,
}

impl InATerminal {
    /// Runs the program by a line of shell, in which it stands as `$PROGRAM`.
    fn start(scene: &str, shell: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("report");
        let listener = UnixListener::bind(&socket).unwrap();
        let this = env::current_exe().unwrap();
        let test = "talk::interface::tests::in_a_terminal::the_program";
        let program = format!("{} --exact {test} --ignored --nocapture", quoted(&this));
        let line =
            format!("stty cols 80 rows 24; PROGRAM={}; {shell}", quoted(Path::new(&program)));
        let mut script = Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .env(REPORT, &socket)
            .env(SCENE, scene)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/bash")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut polled = [PollFd::new(&listener, PollFlags::IN)];
        let patience = PATIENCE.try_into().unwrap();
        assert!(poll(&mut polled, Some(&patience)).unwrap() > 0, "the program never ran");
        let (report, _) = listener.accept().unwrap();
        report.set_read_timeout(Some(PATIENCE)).unwrap();
        let (keys, output) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        let report = BufReader::new(report);
        Self { script, keys, output, seen: String::new(), report, _folder: folder }
    }

    /// The program with a picture, once that stands.
    fn with_a_picture(shell: &str, answer: &str) -> Self {
        let mut terminal = Self::start("", shell);
        let seen = terminal.wait_for(WHAT_ARE_YOU);
        assert!(seen.contains(SCREEN) && seen.contains("help"), "{seen:?}");
        terminal.press(answer);
        terminal
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Reads what is written on the terminal until this is, and forgets it.
    fn wait_for(&mut self, text: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(text) {
                return self.seen.drain(..at + text.len()).collect();
            }
            let read = self.output.read(&mut bytes).unwrap();
            assert!(read > 0, "the terminal never showed {text:?}: {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    /// What the program was asked for next, or how it ended.
    fn report(&mut self) -> String {
        let mut line = String::new();
        self.report.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// All that is still written.
    fn end(mut self) -> String {
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).unwrap();
        self.script.wait().unwrap();
        self.seen.clone() + &String::from_utf8_lossy(&rest)
    }
}

impl Drop for InATerminal {
    fn drop(&mut self) {
        // It has ended where the test went well.
        _ = self.script.kill();
        _ = self.script.wait();
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// A line of shell that runs the program, and says whether it has left the terminal as it was.
const AS_BEFORE: &str =
    r#"before=$(stty -g); eval $PROGRAM; [ "$before" = "$(stty -g)" ] && echo "as before""#;

#[test]
fn keys_reach_the_call_and_the_terminal_is_as_before_afterwards() {
    let mut terminal = InATerminal::with_a_picture(AS_BEFORE, TELLS_NONE);
    for (keys, asked) in [
        ("m", "ToggleMute"),
        (" ", "Press(true)"),
        ("/hello there\r", "Text(\"hello there\")"),
        ("\u{1b}[200~two\rlines\u{1b}[201~\r", "Text(\"two lines\")"),
        ("\u{1b}", "Stop"),
        ("\u{3}", "Quit"),
    ] {
        terminal.press(keys);
        assert_eq!(terminal.report(), asked);
    }
    assert_eq!(terminal.report(), "over");
    let rest = terminal.end();
    let (picture, after) = rest.rsplit_once(SCREEN_BACK).unwrap();
    assert!(!picture.contains("noise"), "what others write would destroy the picture");
    assert!(after.contains("noise\r\n"), "it is written afterwards: {after:?}");
    assert!(after.contains("\u{1b}[?25h"), "the cursor is shown: {after:?}");
    assert!(after.contains("as before"), "{after:?}");
}

#[test]
fn a_terminal_that_tells_of_released_keys_has_push_to_talk_while_the_key_is_held() {
    let mut terminal = InATerminal::with_a_picture(AS_BEFORE, TELLS_RELEASES);
    terminal.wait_for("\u{1b}[>15u");
    for (keys, asked) in [
        ("\u{1b}[32;1:1u", "Press(true)"),
        ("\u{1b}[32;1:3u", "Press(false)"),
        // A terminal that is left while the key is held.
        ("\u{1b}[32;1:1u", "Press(true)"),
        ("\u{1b}[O", "Press(false)"),
        ("\u{1b}[99;5u", "Quit"),
    ] {
        terminal.press(keys);
        assert_eq!(terminal.report(), asked);
    }
    assert_eq!(terminal.report(), "over");
    let rest = terminal.end();
    assert!(rest.find("\u{1b}[<1u") < rest.find(SCREEN_BACK), "{rest:?}");
    assert!(rest.contains("as before"), "{rest:?}");
}

#[test]
fn the_shell_has_the_terminal_while_the_program_is_suspended() {
    let shell = "set -m; before=$(stty -g); eval $PROGRAM; echo suspended; \
                 [ \"$before\" = \"$(stty -g)\" ] && echo as before; fg";
    let mut terminal = InATerminal::with_a_picture(shell, TELLS_NONE);
    terminal.press("\u{1a}");
    let left = terminal.wait_for("as before");
    assert!(left.find(SCREEN_BACK) < left.find("suspended"), "{left:?}");
    let back = terminal.wait_for(SCREEN);
    assert!(!back.contains(SCREEN_BACK), "{back:?}");
    terminal.wait_for("Birling");
    terminal.press("mq");
    assert_eq!(terminal.report(), "ToggleMute");
    assert_eq!(terminal.report(), "Quit");
    assert_eq!(terminal.report(), "over");
    assert!(terminal.end().contains(SCREEN_BACK));
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let terminal = InATerminal::start("panic", AS_BEFORE);
    let all = terminal.end();
    let back = all.find(SCREEN_BACK).unwrap();
    assert!(back < all.find("as if something were wrong").unwrap(), "{all:?}");
    assert!(all.contains("as before"), "{all:?}");
}

#[test]
fn a_panic_of_another_thread_is_told_in_the_picture_which_stays_and_again_afterwards() {
    let mut terminal = InATerminal::with_a_picture(AS_BEFORE, TELLS_NONE);
    terminal.press("r");
    let picture = terminal.wait_for("part of the program failed");
    assert!(!picture.contains(SCREEN_BACK), "{picture:?}");
    terminal.press("mq");
    assert_eq!(terminal.report(), "ToggleMute");
    let rest = terminal.end();
    let (_, after) = rest.rsplit_once(SCREEN_BACK).unwrap();
    assert!(after.contains("as if a model were wrong"), "{after:?}");
}

#[test]
fn a_terminal_that_goes_away_ends_the_interface() {
    // The program outlives its terminal: it has to see for itself that nobody is there.
    let mut terminal = InATerminal::with_a_picture("trap '' HUP; eval $PROGRAM", TELLS_NONE);
    terminal.script.kill().unwrap();
    terminal.script.wait().unwrap();
    assert_eq!(terminal.report(), "Quit");
    assert_eq!(terminal.report(), "gone");
}

#[test]
fn a_screen_reader_has_lines_and_keys_and_no_picture() {
    let mut terminal = InATerminal::start("screen reader", AS_BEFORE);
    terminal.wait_for(WHAT_ARE_YOU);
    terminal.press(TELLS_NONE);
    terminal.press("m/hi\rq");
    assert_eq!(terminal.report(), "ToggleMute");
    assert_eq!(terminal.report(), "Text(\"hi\")");
    assert_eq!(terminal.report(), "Quit");
    let rest = terminal.end();
    assert!(!rest.contains(SCREEN) && !rest.contains("\u{1b}[2J"), "{rest:?}");
    assert!(
        rest.contains("Ending the call.") && rest.contains("The call is over.\r\n"),
        "{rest:?}"
    );
    assert!(rest.contains("as before"), "{rest:?}");
}
