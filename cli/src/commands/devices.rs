//! `duplex devices`: the microphones and loudspeakers that there are.

use std::io::Write;

use duplex_audio::device::{self, Side};
use serde::Serialize;

use crate::failure::Failure;

/// List the microphones and loudspeakers of this computer
#[derive(Debug, clap::Args)]
pub(crate) struct Devices {
    /// For programs: one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    side: String,
    name: String,
    id: String,
    default: bool,
    monitor: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
}

pub(crate) fn run(args: &Devices, out: &mut dyn Write) -> Result<(), Failure> {
    let all = device::list()?;
    if args.json {
        let listed = all.into_iter().map(|it| Listed {
            side: it.side.to_string(),
            name: it.name,
            id: it.id,
            default: it.is_default,
            monitor: it.is_monitor,
            rate: it.format.as_ref().map(|format| format.rate),
            channels: it.format.as_ref().map(|format| format.channels),
            sample: it.format.map(|format| format.sample),
        });
        serde_json::to_writer(&mut *out, &listed.collect::<Vec<_>>())
            .map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for side in [Side::Microphone, Side::Loudspeaker] {
        writeln!(out, "{side}s:")?;
        let mut none = true;
        for it in all.iter().filter(|it| it.side == side) {
            none = false;
            let mark = if it.is_default { '*' } else { ' ' };
            let format = it.format.as_ref().map_or_else(|| "busy".to_owned(), ToString::to_string);
            let monitor = if it.is_monitor { "; what a loudspeaker plays" } else { "" };
            writeln!(out, "{mark} {} ({format}{monitor})", it.name)?;
        }
        if none {
            writeln!(out, "  none")?;
        }
    }
    if !all.is_empty() {
        writeln!(out, "* is the system's default; `duplex talk --microphone NAME` takes another")?;
    }
    Ok(())
}
