//! Calls over a WebSocket: raw PCM in both directions, on this machine.
//!
//! [`Server`] is the principal type: it listens, loads the models, and runs a
//! [`Call`](duplex_runtime::Call) for each connection, up to a limit. docs/protocol.md describes
//! the protocol. Three parts that know nothing of sockets implement it: the socket audio (a sound
//! device whose other end is the connection), the packer (audio to messages), and the captions
//! (what a peer is sent of the conversation).
//!
//! There is no authentication. Unless remote access is allowed, the server listens to this machine
//! alone and refuses web pages of other machines. No rule of conversation is decided here.

mod captions;
mod connection;
mod message;
mod packer;
mod refusal;
mod routes;
mod server;
mod socket_audio;

pub use server::{RATES, Server, ServerError, ServerOptions, Shutdown};
