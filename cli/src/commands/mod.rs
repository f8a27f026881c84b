//! A module for each command.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod models;
