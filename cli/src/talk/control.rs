//! Wishes of other programs, as a window manager, a foot switch or a script: `duplex ctl`.
//!
//! The running call listens on a socket in the folder that the system keeps for the user's running programs. A program
//! sends a line, as [`parse`] reads it, and gets a line back: `ok`, or what is wrong.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::Duration,
};

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};

use etcetera::BaseStrategy as _;

use super::panel::Wish;
use crate::failure::{Exit, Failure};

/// The wishes, for help and for errors.
pub(crate) const WISHES: &str = "mute, unmute, toggle-mute, press, release, stop, say WORDS, text WORDS, again, save, volume DB, end";

/// The longest line that is read, in bytes.
const LONGEST: u64 = 20_000;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads a wish.
///
/// # Errors
/// What is wrong with it, for a person.
pub(crate) fn parse(line: &str) -> Result<Wish, String> {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let words = || match rest {
        "" => Err(format!("`{name}` needs words")),
        rest => Ok(rest.to_owned()),
    };
    let alone = |wish| match rest {
        "" => Ok(wish),
        rest => Err(format!("`{name}` takes nothing more, and `{rest}` follows it")),
    };
    match name {
        "mute" => alone(Wish::Mute(true)),
        "unmute" => alone(Wish::Mute(false)),
        "toggle-mute" => alone(Wish::ToggleMute),
        "press" => alone(Wish::Press(true)),
        "release" => alone(Wish::Press(false)),
        "stop" => alone(Wish::Stop),
        "again" => alone(Wish::Again),
        "save" => alone(Wish::Save),
        "end" => alone(Wish::Quit),
        "say" => Ok(Wish::Say(words()?)),
        "text" => Ok(Wish::Text(words()?)),
        "volume" => {
            let change = rest.parse().map_err(|_| format!("`{rest}` is no number of dB"))?;
            Ok(Wish::Volume(change))
        }
        _ => Err(format!("there is no `{name}`; there are: {WISHES}")),
    }
}

/// Where the socket lies; none on a system without a home.
fn address() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    let folder = folders.runtime_dir().unwrap_or_else(|| folders.cache_dir());
    Some(folder.join("duplex").join("talk.sock"))
}

/// Takes wishes of other programs until it is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    address: PathBuf,
}

#[cfg(unix)]
impl Control {
    /// Listens. None where another call listens already, or the system has no place for it: a call needs none.
    pub(crate) fn listen(wishes: Sender<Wish>) -> io::Result<Option<Self>> {
        use std::os::unix::fs::DirBuilderExt as _;

        let Some(address) = address() else { return Ok(None) };
        if let Some(folder) = address.parent() {
            // Whoever reaches the socket speaks with the user's voice.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        if UnixStream::connect(&address).is_ok() {
            return Ok(None);
        }
        // What a call that was killed has left.
        _ = std::fs::remove_file(&address);
        let listener = UnixListener::bind(&address)?;
        std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                match stream.and_then(|stream| serve(&stream, &wishes)) {
                    Ok(true) => {}
                    // The call is over.
                    Ok(false) => return,
                    Err(error) => tracing::debug!("a program that wished something: {error}"),
                }
            }
        })?;
        Ok(Some(Self { address }))
    }
}

#[cfg(not(unix))]
impl Control {
    /// Other systems have no such sockets.
    pub(crate) fn listen(_: Sender<Wish>) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.address);
    }
}

/// Reads the wishes of one program. False once nobody takes them any more.
#[cfg(unix)]
fn serve(stream: &UnixStream, wishes: &Sender<Wish>) -> io::Result<bool> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    let mut out = stream;
    let wish = match parse(&line) {
        Ok(wish) => wish,
        Err(why) => {
            writeln!(out, "{why}")?;
            return Ok(true);
        }
    };
    let is_taken = wishes.send(wish).is_ok();
    writeln!(out, "{}", if is_taken { "ok" } else { "the call is over" })?;
    Ok(is_taken)
}

/// Sends a wish to the running call.
///
/// # Errors
/// There is no call, it does not answer, or it says what is wrong.
pub(crate) fn send(line: &str) -> Result<(), Failure> {
    parse(line).map_err(|why| Failure::new(Exit::Usage, why))?;
    let none = || {
        Failure::new(Exit::Unavailable, "no call is running here")
            .with_hint("`duplex talk` begins one")
    };
    let address = address().ok_or_else(none)?;
    let answer = ask(&address, line).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => none(),
        _ => Failure::new(Exit::Io, format!("the call does not answer: {error}")),
    })?;
    match answer.trim() {
        "ok" => Ok(()),
        why => Err(Failure::new(Exit::Failed, why.to_owned())),
    }
}

#[cfg(unix)]
fn ask(address: &Path, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    writeln!(stream, "{line}")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer)
}

#[cfg(not(unix))]
fn ask(_: &Path, _: &str) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_as_it_is_written_in_the_help() {
        assert_eq!(parse("mute\n"), Ok(Wish::Mute(true)));
        assert_eq!(parse("say  One moment, please."), Ok(Wish::Say("One moment, please.".into())));
        assert_eq!(parse("volume -3"), Ok(Wish::Volume(-3)));
        assert!(parse("mute now").unwrap_err().contains("`now`"));
        assert!(parse("say").unwrap_err().contains("words"));
        assert!(parse("dance").unwrap_err().contains("toggle-mute"));
    }
}
