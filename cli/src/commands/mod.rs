//! A module for each command.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod converse;
pub(crate) mod ctl;
pub(crate) mod demo;
pub(crate) mod devices;
pub(crate) mod models;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod talk;
pub(crate) mod test;
