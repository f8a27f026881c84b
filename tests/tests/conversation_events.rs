//! The schema of the stream of conversation events.

use std::fs;

use duplex_core::{ConversationEvent, Shown};

/// The schema is written by `make docs`, which runs this test with UPDATE_DOCS=1.
#[test]
fn the_schema_of_conversation_events_is_the_one_that_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conversation-events.schema.json");
    let schema = schemars::schema_for!(Shown).to_value();
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, schema).unwrap();
    } else {
        let written = fs::read_to_string(page).unwrap();
        assert!(written == schema, "docs/conversation-events.schema.json is old: run `make docs`");
    }
}

/// The page has a row for every event of the schema, and no others.
#[test]
fn the_page_of_conversation_events_names_each_of_them() {
    let schema = schemars::schema_for!(ConversationEvent).to_value();
    let kinds = schema["oneOf"].as_array().unwrap().iter();
    let kinds: Vec<_> =
        kinds.map(|kind| kind["properties"]["type"]["const"].as_str().unwrap()).collect();
    let page = include_str!("../../docs/conversation-events.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), kinds);
    let version = format!("version {}", ConversationEvent::VERSION);
    assert!(page.contains(&version), "the page is not of {version}");
}
