//! Scripted calls, the simulated room, scoring and reports.

pub mod report;
