//! Calls over a WebSocket: raw PCM both ways, on this machine.
//!
//! [`Server`] is the principal type: it listens, loads the models, and holds a
//! [`Call`](duplex_runtime::Call) for each connection, as many at once as it is told. What travels
//! is described in docs/protocol.md, and made here by three parts that know nothing of sockets: the
//! line (a sound device whose other end is the connection), the packer (sound to messages), and the
//! captions (what a peer is told of the conversation).
//!
//! There is no authentication: it listens to this machine alone unless it is told otherwise, and
//! web pages of other machines are turned away. No rule of conversation lives here.

mod captions;
mod connection;
mod message;
mod packer;
mod refusal;
mod routes;
mod server;
mod socket_audio;

pub use server::{RATES, Server, ServerError, ServerOptions, Shutdown};
