//! `report.json`, for programs.

use serde::Serialize;

use super::CallRecord;

/// Version of the layout of `report.json`. It grows when a field changes its meaning or is removed.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    duration_ms: f64,
    #[serde(flatten)]
    record: &'a CallRecord,
}

/// The record without its tracks.
pub(super) fn report(record: &CallRecord) -> String {
    let report = Report { schema: SCHEMA, duration_ms: record.duration_ms(), record };
    let mut text = serde_json::to_string_pretty(&report)
        .expect("plain structures with names for keys have a JSON form");
    text.push('\n');
    text
}
