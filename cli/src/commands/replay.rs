//! `duplex replay`: replays a journal through the session.

use std::io::Write;
use std::path::Path;

use duplex_runtime::replay;

use crate::failure::{Exit, Failure};

pub(crate) fn run(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let (events, difference) =
        replay(path).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let Some(difference) = difference else {
        return Ok(writeln!(out, "{events} events: the same actions")?);
    };
    writeln!(
        out,
        "{}, line {}: after {:.3} s the session acts differently\nevent: {:?}",
        path.display(),
        difference.line,
        difference.at.as_millis() as f64 / 1000.0,
        difference.event,
    )?;
    for action in &difference.then {
        writeln!(out, "then: {action:?}")?;
    }
    for action in &difference.now {
        writeln!(out, "now:  {action:?}")?;
    }
    let message = format!("{} events were the same, then one was not", events - 1);
    Err(Failure::new(Exit::Failed, message).with_hint(
        "the rules of the conversation have changed since it was recorded, or the session is not deterministic",
    ))
}
