//! An earlier conversation that is to go on.

use std::{fs, path::Path};

use duplex_core::{Command, Speaker};

use super::minutes::{Saved, SavedLine};
use crate::failure::{Exit, Failure};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads what was said in a saved conversation.
///
/// # Errors
/// The file cannot be read, or is none that `duplex talk` has written whole.
pub(crate) fn read(path: &Path) -> Result<Vec<SavedLine>, Failure> {
    let name = path.display();
    let unreadable = |why: &dyn std::fmt::Display| {
        let message = format!("{name} is no conversation that was saved: {why}");
        let hint =
            "`duplex talk --transcript FILE` saves one, as FILE.json and for people as FILE.md";
        Failure::new(Exit::Usage, message).with_hint(hint)
    };
    let size = fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if size > LARGEST {
        return Err(unreadable(&format!("it has {size} bytes, more than any conversation")));
    }
    let text = fs::read(path).map_err(|error| unreadable(&error))?;
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| unreadable(&error))?;
    if saved.version != Saved::VERSION {
        let version = saved.version;
        return Err(unreadable(&format!("its version is {version}, not {}", Saved::VERSION)));
    }
    Ok(saved.lines.into_iter().map(|line| SavedLine { at_ms: None, ..line }).collect())
}

/// What tells a call of it: what the user said, and what was heard of the answers. What was not answered is left out.
pub(crate) fn commands(lines: &[SavedLine]) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut user = String::new();
    for line in lines {
        match line.speaker {
            Some(Speaker::User) => {
                let space = if user.is_empty() { "" } else { " " };
                user = short(format!("{user}{space}{}", line.text));
            }
            Some(Speaker::Assistant) if !line.text.trim().is_empty() => {
                let assistant = short(line.text.clone());
                commands.push(Command::Earlier { user: std::mem::take(&mut user), assistant });
            }
            _ => {}
        }
    }
    commands
}

fn short(mut text: String) -> String {
    let end = text.floor_char_boundary(Command::LONGEST_TEXT.min(text.len()));
    text.truncate(end);
    text
}
