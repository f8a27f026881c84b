//! Files of commands: what a program would send to a call, written down with its moments.
//!
//! A line is a moment in seconds since the call began, and a command: `3.5 say You may object at any time.` Empty lines
//! and those that begin with `#` are left out. docs/commands.md has all commands.

use std::fs;
use std::path::Path;

use duplex_core::{Command, Overlap, Samples, SessionChange, SessionTime, Turn, TurnChange};

use crate::failure::{Exit, Failure};

/// The commands, for errors and for help.
const COMMANDS: &str = "respond, cancel, text WORDS, earlier WORDS / WORDS, say WORDS, announce WORDS, configure KEY=VALUE, mute, unmute, \
                        press, release, end, truncate REPLY MS, tool CALL OUTPUT, or the command as JSON";

/// The keys of `configure`.
const KEYS: &str = "instructions, language, vocabulary, pronunciation, reply, most_reply_tokens, temperature, voice, \
                    speed, answers, overlap, fixed_wait_ms, longest_wait_ms, idle_after_ms, idle_question";

/// Reads a file of commands.
pub(crate) fn read(path: &Path) -> Result<Vec<(SessionTime, Command)>, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}")))?;
    let mut script = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let timed = timed(line).map_err(|what| {
            Failure::new(Exit::Usage, format!("{name}, line {}: {what}", index + 1))
                .with_hint(format!("a line is `SECONDS COMMAND`; the commands are {COMMANDS}"))
        })?;
        script.push(timed);
    }
    Ok(script)
}

fn timed(line: &str) -> Result<(SessionTime, Command), String> {
    let (seconds, command) =
        line.split_once(char::is_whitespace).ok_or_else(|| format!("`{line}` has no command"))?;
    let at: f64 = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
    if !(0.0..=86_400.0).contains(&at) {
        return Err(format!("{seconds} s is no moment of a call of at most a day"));
    }
    let command = parse(command.trim())?;
    command.check().map_err(|why| why.to_string())?;
    Ok((SessionTime::default() + Samples::from_millis((at * 1000.0) as u64), command))
}

fn parse(line: &str) -> Result<Command, String> {
    if line.starts_with(['{', '"']) {
        return serde_json::from_str(line).map_err(|error| error.to_string());
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let alone = |command| match rest {
        "" => Ok(command),
        _ => Err(format!("`{name}` takes nothing, and is given `{rest}`")),
    };
    let two = || {
        let both = rest.split_once(char::is_whitespace);
        both.map(|(a, b)| (a, b.trim())).ok_or_else(|| format!("`{name}` takes two values"))
    };
    match name {
        "respond" => alone(Command::Respond),
        "cancel" => alone(Command::Cancel),
        "text" => Ok(Command::UserText(rest.to_owned())),
        "earlier" => {
            let (user, assistant) = rest
                .split_once(" / ")
                .ok_or("`earlier` needs ` / ` between what both have said")?;
            let (user, assistant) = (user.trim().to_owned(), assistant.trim().to_owned());
            Ok(Command::Earlier { user, assistant })
        }
        "say" => Ok(Command::Say { text: rest.to_owned(), interruptible: true }),
        "announce" => Ok(Command::Say { text: rest.to_owned(), interruptible: false }),
        "configure" => Ok(Command::Configure(Box::new(change(rest)?))),
        "mute" => alone(Command::Mute),
        "unmute" => alone(Command::Unmute),
        "press" => alone(Command::Press),
        "release" => alone(Command::Release),
        "end" => alone(Command::End),
        "truncate" => {
            let (reply, audio) = two()?;
            let (reply, audio) =
                (Turn(number(reply)?), Samples::from_millis(number::<u32>(audio)?.into()));
            Ok(Command::Truncate { reply, audio })
        }
        "tool" => {
            let (call, output) = two()?;
            Ok(Command::ToolResult { call: call.to_owned(), output: output.to_owned() })
        }
        _ => Err(format!("there is no command `{name}`")),
    }
}

fn change(setting: &str) -> Result<SessionChange, String> {
    let (key, value) = setting
        .split_once('=')
        .ok_or_else(|| format!("`configure` takes KEY=VALUE, and is given `{setting}`"))?;
    let (key, value) = (key.trim(), value.trim());
    let text = || Some(value.to_owned());
    let none = SessionChange::default();
    let turns = |turns| SessionChange { turns, ..SessionChange::default() };
    Ok(match key {
        "instructions" => SessionChange { instructions: text(), ..none },
        "language" => SessionChange { language: text(), ..none },
        "reply" => SessionChange { reply: text(), ..none },
        "voice" => SessionChange { voice: text(), ..none },
        "vocabulary" => {
            let words = value.split(',').map(|word| word.trim().to_owned());
            let words = words.filter(|word| !word.is_empty()).collect();
            SessionChange { vocabulary: Some(words), ..none }
        }
        "pronunciation" => {
            let entries = value.split(',').filter(|entry| !entry.trim().is_empty());
            let entries = entries.map(|entry| {
                let (word, said) = entry
                    .split_once('=')
                    .ok_or_else(|| format!("`{}` is no WORD=PRONUNCIATION", entry.trim()))?;
                Ok((word.trim().to_owned(), said.trim().to_owned()))
            });
            let entries = entries.collect::<Result<_, String>>()?;
            SessionChange { pronunciation: Some(entries), ..none }
        }
        "most_reply_tokens" => SessionChange { most_reply_tokens: Some(number(value)?), ..none },
        "temperature" => SessionChange { temperature: Some(thousandths(value)?), ..none },
        "speed" => SessionChange { speed: Some(thousandths(value)?), ..none },
        "answers" => turns(TurnChange { answers: Some(number(value)?), ..TurnChange::default() }),
        "overlap" => {
            let overlap: Overlap = serde_json::from_value(value.into())
                .map_err(|_| format!("`{value}` is none of weighed, yields, unheard, waits"))?;
            turns(TurnChange { overlap: Some(overlap), ..TurnChange::default() })
        }
        "fixed_wait_ms" => {
            let wait = Samples::from_millis(number::<u32>(value)?.into());
            turns(TurnChange { fixed_wait: Some(wait), ..TurnChange::default() })
        }
        "longest_wait_ms" => {
            let wait = Samples::from_millis(number::<u32>(value)?.into());
            turns(TurnChange { longest_wait: Some(wait), ..TurnChange::default() })
        }
        "idle_after_ms" => {
            let after = Samples::from_millis(number::<u32>(value)?.into());
            turns(TurnChange { idle_after: Some(after), ..TurnChange::default() })
        }
        "idle_question" => turns(TurnChange { idle_question: text(), ..TurnChange::default() }),
        _ => return Err(format!("a session has no setting `{key}`: it has {KEYS}")),
    })
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{value}` is not what is expected there"))
}

fn thousandths(value: &str) -> Result<u16, String> {
    let number: f32 = number(value)?;
    if !(0.0..=60.0).contains(&number) {
        return Err(format!("{value} is out of range"));
    }
    Ok((number * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<Vec<(SessionTime, Command)>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        read(file.path()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn every_command_can_be_written_down() {
        let commands = script(
            "# a comment\n\n0 mute\n0.5 unmute\n1 say Hello there.\n1 announce This is recorded.\n2 text Hi.\n\
             3 respond\n4 cancel\n5 press\n6 release\n7 configure voice = joe\n8 truncate 3 1500\n9 tool a 12\n\
             10 {\"user_text\":\"Hi.\"}\n10 \"respond\"\n11 configure fixed_wait_ms=700\n12 end\n",
        );
        let commands = commands.unwrap();
        assert_eq!(commands.len(), 16);
        assert_eq!(commands[1].0.as_millis(), 500);
        let announced = Command::Say { text: "This is recorded.".to_owned(), interruptible: false };
        assert_eq!(commands[3].1, announced);
        let voice = Some("joe".to_owned());
        let change = SessionChange { voice, ..SessionChange::default() };
        assert_eq!(commands[9].1, Command::Configure(Box::new(change)));
        let audio = Samples::from_millis(1_500);
        assert_eq!(commands[10].1, Command::Truncate { reply: Turn(3), audio });
        assert_eq!(commands[12].1, commands[4].1);
        let pronounced =
            script("1 configure pronunciation=Saoirse=SEER-sha, Niamh = /niːv/\n").unwrap();
        let words = [("Saoirse", "SEER-sha"), ("Niamh", "/niːv/")];
        let words = words.map(|(word, said)| (word.to_owned(), said.to_owned()));
        let change =
            SessionChange { pronunciation: Some(words.into()), ..SessionChange::default() };
        assert_eq!(pronounced[0].1, Command::Configure(Box::new(change)));
    }

    #[test]
    fn what_is_no_command_is_named_with_its_line() {
        for (line, named) in [
            ("soon mute", "`soon` is no number of seconds"),
            ("-1 mute", "-1 s is no moment"),
            ("NaN mute", "NaN s is no moment"),
            ("1", "`1` has no command"),
            ("1 shout", "there is no command `shout`"),
            ("1 mute now", "`mute` takes nothing"),
            ("1 say ...", "the text has no words"),
            ("1 truncate 3", "`truncate` takes two values"),
            ("1 truncate x 3", "`x` is not what is expected"),
            ("1 configure volume=11", "a session has no setting `volume`: it has instructions"),
            ("1 configure pronunciation=Saoirse", "`Saoirse` is no WORD=PRONUNCIATION"),
            ("1 configure overlap=loud", "`loud` is none of weighed"),
            ("1 configure longest_wait_ms=90000", "30000 ms at most"),
            ("1 {\"shout\":1}", "unknown variant `shout`"),
        ] {
            let error = script(&format!("# first\n{line}\n")).unwrap_err();
            assert!(error.contains("line 2") && error.contains(named), "{line}: {error}");
        }
        let long = format!("1 say {}", "word ".repeat(200_000));
        assert!(script(&long).unwrap_err().contains("at most 16384 bytes"));
    }
}
