//! `duplex ctl`: steers the call that runs here.

use crate::failure::Failure;
use crate::talk::control::{WISHES, send};

/// Steer the running `duplex talk` from another program: a key of the window manager, a foot switch
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Wishes: {WISHES}"))]
pub(crate) struct Ctl {
    /// What is wished for, as in `mute`, `stop`, `say One moment.`
    #[arg(
        required = true,
        value_name = "WISH",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    wish: Vec<String>,
}

pub(crate) fn run(args: &Ctl) -> Result<(), Failure> {
    send(&args.wish.join(" "))
}
