//! `duplex serve`: calls over WebSockets.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use duplex_runtime::Engine;
use duplex_server::{Server, ServerError, ServerOptions, Shutdown};
use serde::Serialize;

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::setup;

/// Take calls over WebSockets, from programs on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes any that is free [default: server.listen of the
    /// configuration]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Listen at an address that other machines can reach. There is no authentication: whoever
    /// reaches the port may call
    #[arg(long)]
    allow_remote: bool,

    /// For programs: where it listens, as a JSON object on a line of standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listening {
    listening: SocketAddr,
    url: String,
}

pub(crate) fn run(args: Serve, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    interrupt::catch()?;
    let engine = setup::engine_options(config)?;
    let server = Server::bind(ServerOptions {
        listen: args.listen.unwrap_or(config.server.listen),
        allow_remote: args.allow_remote,
        max_calls: config.server.max_calls as usize,
        idle: Duration::from_secs(config.server.idle_s),
        lead: Duration::from_millis(config.server.jitter_ms),
        call: setup::call_options(config),
    })?;
    let listening = server.address();
    let url = format!("ws://{listening}/v1/audio/stream");
    if args.json {
        serde_json::to_writer(&mut *out, &Listening { listening, url })
            .map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        writeln!(out, "listening at {url}; Ctrl-C ends it")?;
    }
    out.flush()?;
    let shutdown = Shutdown::default();
    let caught = interrupt::does({
        let shutdown = shutdown.clone();
        move || shutdown.stop()
    });
    // Ctrl-C may have come before there was anything to shut down.
    if interrupt::interrupted() {
        shutdown.stop();
    }
    server.run(move || Engine::start(engine).map(Arc::new), &shutdown)?;
    drop(caught);
    Ok(())
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let message = error.to_string();
        match error {
            ServerError::Engine(error) => error.into(),
            ServerError::Remote(_) => Failure::new(Exit::Usage, message).with_hint(
                "an address of this machine alone begins with 127.; --allow-remote allows others",
            ),
            ServerError::Listen { .. } => Failure::new(Exit::Usage, message)
                .with_hint("--listen names another address; port 0 takes any that is free"),
            ServerError::Io(_) => Failure::new(Exit::Io, message),
        }
    }
}
