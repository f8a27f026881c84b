//! Reads TOML into keys, and finds every error of a file in one pass.
//!
//! Each key of a table is read by itself, so that a wrong key does not hide the next. The known
//! keys and the limits of their values come from the JSON schema, which therefore never contradicts
//! what is accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{
    error::{Fault, ScenarioError},
    file::{AnnounceKeys, CaseKeys, FileKeys, RoomKeys, TurnKeys, VaryKeys},
};

/// How similar an unknown key must be to a known one for that one to be suggested (Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// Keys, and the lines on which they are written.
#[derive(Debug, Default)]
pub(super) struct Lined<T> {
    pub(super) keys: T,
    line: usize,
    lines: BTreeMap<String, usize>,
}

impl<T> Lined<T> {
    /// The line of a key; if the key is not written, that of its table.
    pub(super) fn line(&self, key: &str) -> usize {
        self.lines.get(key).copied().unwrap_or(self.line)
    }

    /// Whether a key is written, valid or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }
}

impl Lined<TurnKeys> {
    /// Whether the turn has a sound of its own; otherwise it takes its sound from what varies.
    pub(super) fn has_sound(&self) -> bool {
        ["clip", "text", "sound"].into_iter().any(|key| self.has(key))
    }
}

/// A scenario file as it is written. Nested tables are empty in the keys of the outer one.
#[derive(Debug, Default)]
pub(super) struct Scenario {
    pub(super) head: Lined<FileKeys>,
    pub(super) room: Lined<RoomKeys>,
    pub(super) vary: Lined<VaryKeys>,
    pub(super) cases: Vec<Script>,
}

/// A `[[case]]`.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) head: Lined<CaseKeys>,
    pub(super) room: Lined<RoomKeys>,
    pub(super) vary: Lined<VaryKeys>,
    pub(super) announce: Vec<Lined<AnnounceKeys>>,
    pub(super) turns: Vec<Lined<TurnKeys>>,
}

/// Reads the text of `file`. Adds its errors to `errors`, and leaves out the keys that have one.
pub(super) fn scenario(file: &Path, text: &str, errors: &mut Vec<ScenarioError>) -> Scenario {
    let mut reader = Reader { file, text, errors };
    let (root, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let at = fault.span().map_or(0, |span| span.start);
        reader.fault(at, Fault::Syntax(fault.message().to_owned()));
    }
    let mut whole = root.into_inner();
    let room = reader.inner(&mut whole, "room");
    let vary = reader.inner(&mut whole, "vary");
    let cases = reader.each(&mut whole, "case");
    let cases = cases.into_iter().map(|(at, table)| reader.script(at, table)).collect();
    Scenario { head: reader.table(0, whole, &["room", "vary", "case"]), room, vary, cases }
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    errors: &'a mut Vec<ScenarioError>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, fault: Fault) {
        let line = self.line(at);
        self.errors.push(ScenarioError { file: self.file.to_owned(), line, fault });
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|&byte| byte == b'\n').count()
    }

    fn script(&mut self, at: usize, mut table: DeTable<'_>) -> Script {
        let room = self.inner(&mut table, "room");
        let vary = self.inner(&mut table, "vary");
        let announce = self.each(&mut table, "announce");
        let announce = announce.into_iter().map(|(at, keys)| self.table(at, keys, &[])).collect();
        let turns = self.each(&mut table, "turn");
        let turns = turns.into_iter().map(|(at, turn)| self.table(at, turn, &[])).collect();
        let head = self.table(at, table, &["room", "vary", "announce", "turn"]);
        Script { head, room, vary, announce, turns }
    }

    /// Removes a nested table from `outer` and reads it.
    fn inner<T>(&mut self, outer: &mut DeTable<'_>, name: &'static str) -> Lined<T>
    where
        T: DeserializeOwned + JsonSchema + Default,
    {
        let Some(value) = outer.remove(name) else { return Lined::default() };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Table(table) => self.table(at, table, &[]),
            _ => {
                let why = format!("must be a table: write [{name}] on a line of its own");
                self.fault(at, Fault::Value { key: name.to_owned(), why });
                Lined::default()
            }
        }
    }

    /// Removes the tables of a list from another table.
    fn each<'i>(
        &mut self,
        outer: &mut DeTable<'i>,
        name: &'static str,
    ) -> Vec<(usize, DeTable<'i>)> {
        let Some(value) = outer.remove(name) else { return Vec::new() };
        let at = value.span().start;
        let items: Vec<_> = match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            other => vec![Spanned::new(at..at, other)],
        };
        let is_list = items.iter().all(|item| item.get_ref().is_table());
        if !is_list {
            let why = format!("must be a list of tables: write [[{name}]] above each");
            self.fault(at, Fault::Value { key: name.to_owned(), why });
        }
        let table = |item: Spanned<DeValue<'i>>| match (item.span().start, item.into_inner()) {
            (at, DeValue::Table(table)) => Some((at, table)),
            _ => None,
        };
        items.into_iter().filter_map(table).collect()
    }

    /// Reads every key of a table that begins at byte `at`; `taken` were removed from it before.
    fn table<T>(&mut self, at: usize, table: DeTable<'_>, taken: &[&str]) -> Lined<T>
    where
        T: DeserializeOwned + JsonSchema + Default,
    {
        let schema = schema_for!(T);
        let known: BTreeSet<&str> = properties(&schema)
            .map(String::as_str)
            .filter(|known| !taken.contains(known))
            .collect();
        let mut lines = BTreeMap::new();
        let mut sound = DeTable::new();
        for (key, value) in table {
            let (name, place) = (key.get_ref().to_string(), key.span().start);
            lines.insert(name.clone(), self.line(place));
            if !known.contains(name.as_str()) {
                self.fault(place, unknown(name, &known));
                continue;
            }
            let alone = DeTable::from_iter([(key.clone(), value.clone())]);
            let spanned = Spanned::new(place..value.span().end, alone);
            if let Err(error) = T::deserialize(Deserializer::from(spanned)) {
                let at = error.span().map_or(place, |span| span.start);
                let why = error.message().trim().to_owned();
                self.fault(at, Fault::Value { key: name, why });
            } else if let Err((at, why)) = within(&schema, &name, &value) {
                self.fault(at, Fault::Value { key: name, why });
            } else {
                sound.insert(key, value);
            }
        }
        // Every key has been read before.
        let keys =
            T::deserialize(Deserializer::from(Spanned::new(at..at, sound))).unwrap_or_default();
        Lined { keys, line: self.line(at), lines }
    }
}

fn properties(schema: &Schema) -> impl Iterator<Item = &String> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|known| known.keys())
}

fn unknown(key: String, known: &BTreeSet<&str>) -> Fault {
    let alike = |known: &&&str| strsim::jaro_winkler(known, &key);
    let nearest = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    let nearest =
        nearest.filter(|nearest| alike(nearest) >= ALIKE).map(|&nearest| nearest.to_owned());
    let known = known.iter().map(|&known| known.to_owned()).collect();
    Fault::UnknownKey { key, nearest, known }
}

/// Checks that the numbers in `value` lie within the schema's limits for `key`; otherwise returns
/// where one does not, and why.
fn within(schema: &Schema, key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), (usize, String)> {
    let root = schema.as_value();
    property(root, root, key).map_or(Ok(()), |node| numbers_within(root, node, value))
}

fn numbers_within(
    root: &Value,
    node: &Value,
    value: &Spanned<DeValue<'_>>,
) -> Result<(), (usize, String)> {
    let number = match value.get_ref() {
        // One that no integer holds is beyond every limit.
        DeValue::Integer(number) => Some(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or(f64::INFINITY, |number| number as f64),
        ),
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Array(values) => {
            return values.iter().try_for_each(|value| numbers_within(root, node, value));
        }
        DeValue::Table(table) => {
            return table.iter().try_for_each(|(key, value)| {
                let node = property(root, node, key.get_ref());
                node.map_or(Ok(()), |node| numbers_within(root, node, value))
            });
        }
        _ => None,
    };
    match number.zip(limits(root, node)) {
        Some((number, (least, most))) if !(least..=most).contains(&number) => {
            let at = value.span().start;
            Err((at, format!("{number} must lie between {least} and {most}")))
        }
        _ => Ok(()),
    }
}

/// The schema node of a key, in `node` itself or in what it refers to.
fn property<'s>(root: &'s Value, node: &'s Value, key: &str) -> Option<&'s Value> {
    let own = node.get("properties").and_then(|known| known.get(key));
    own.or_else(|| alternatives(root, node).into_iter().find_map(|node| property(root, node, key)))
}

/// The limits that a schema node sets for numbers, itself or in what it refers to.
fn limits(root: &Value, node: &Value) -> Option<(f64, f64)> {
    let number = |name: &str| node.get(name).and_then(Value::as_f64);
    number("minimum")
        .zip(number("maximum"))
        .or_else(|| alternatives(root, node).into_iter().find_map(|node| limits(root, node)))
}

/// The nodes that a node refers to, or allows as alternatives.
fn alternatives<'s>(root: &'s Value, node: &'s Value) -> Vec<&'s Value> {
    let referred = node.get("$ref").and_then(Value::as_str);
    let referred = referred.and_then(|path| root.pointer(path.trim_start_matches('#')));
    let several = |name: &str| node.get(name).and_then(Value::as_array).into_iter().flatten();
    referred
        .into_iter()
        .chain(node.get("items"))
        .chain(several("anyOf"))
        .chain(several("oneOf"))
        .collect()
}
