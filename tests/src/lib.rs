//! Scripted calls: a simulated room, the demo, scoring and reports.
//!
//! A [`room::Room`] is the sound device of a scripted call. [`record::record`] makes a
//! [`report::CallRecord`] of a finished one; whether it went well is judged from what was audible,
//! and from the system's own events only to tell a reply that was cut for good from one that went on.
//! A set of [`case`]s is held and reported by [`suite::run`], with whoever is an [`agent::Agent`];
//! [`measure`] says what each call shows.
//! Nothing here is part of the product's path.

pub mod agent;
pub mod case;
pub mod collect;
pub mod demo;
pub mod measure;
pub mod record;
pub mod report;
pub mod room;
pub mod scenario;
pub mod score;
pub mod script;
pub mod suite;
