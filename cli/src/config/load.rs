//! From defaults, file and `--set` to a [`Config`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use confique::meta::{FieldKind, Meta};
use confique::{Config as _, Layer};
use etcetera::BaseStrategy;
use toml::{Table, Value};

use super::Config;
use crate::failure::{Exit, Failure};

type ConfigLayer = <Config as confique::Config>::Layer;

/// Keys that have another name than in earlier versions: `(old, new)`.
const RENAMED: &[(&str, &str)] = &[("charges.judge_ms", "charges.detect_end_of_turn_ms")];

/// How alike a key must be to one that exists to be taken for a slip of it (Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// The configuration file: the one that is named, else `duplex/config.toml` in the XDG
/// configuration folder.
pub(crate) fn file(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let folders = etcetera::choose_base_strategy().map_err(|_| {
        Failure::new(Exit::Usage, "there is no home folder to look for a configuration in")
            .with_hint("name a configuration file with --config")
    })?;
    Ok(folders.config_dir().join("duplex").join("config.toml"))
}

impl Config {
    /// Every key at its default.
    pub(crate) fn defaults() -> Result<Self, Failure> {
        complete(ConfigLayer::empty())
    }

    /// The configuration in force: `set` over the file over the defaults. A file that is named
    /// must exist; the one in the usual place need not.
    pub(crate) fn load(named: Option<&Path>, set: &[String]) -> Result<Self, Failure> {
        let path = file(named)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(e) => {
                let message = format!("cannot read the configuration {}: {e}", path.display());
                return Err(Failure::new(Exit::Usage, message));
            }
        };
        let from_file = layer_of_file(&path.display().to_string(), &text)?;
        let mut layer = ConfigLayer::empty();
        for one in set {
            // The last one said counts.
            layer = layer_of_override(one)?.with_fallback(layer);
        }
        complete(layer.with_fallback(from_file))
    }
}

fn complete(layer: ConfigLayer) -> Result<Config, Failure> {
    Config::from_layer(layer.with_fallback(ConfigLayer::default_values()))
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))
}

fn layer_of_file(file: &str, text: &str) -> Result<ConfigLayer, Failure> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| {
        Failure::new(Exit::Usage, format!("{file}: {}", e.to_string().trim_end()))
    })?;
    let mut layer = ConfigLayer::empty();
    for (key, value) in leaves(&Config::META, &table, "", file)? {
        layer = layer_of_leaf(file, &key, value)?.with_fallback(layer);
    }
    Ok(layer)
}

/// Reads `key=value`. The value is TOML where it is of the key's type as such, else plain text,
/// so that neither `llm.threads=4` nor `models.llm=smollm2-135m` needs quotes.
fn layer_of_override(text: &str) -> Result<ConfigLayer, Failure> {
    const WHERE: &str = "--set";

    let (key, value) = text.split_once('=').ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--set {text}: not of the form KEY=VALUE"))
    })?;
    let (key, value) = (key.trim(), value.trim());
    if !keys().iter().any(|known| known == key) {
        return Err(unknown(WHERE, key));
    }
    let as_text = || layer_of_leaf(WHERE, key, Value::String(value.to_owned()));
    let Some(typed) = format!("v = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("v"))
    else {
        return as_text();
    };
    layer_of_leaf(WHERE, key, typed).or_else(|e| as_text().map_err(|_| e))
}

/// A layer with nothing but `key`.
fn layer_of_leaf(place: &str, key: &str, value: Value) -> Result<ConfigLayer, Failure> {
    let shown = value.to_string();
    let nested = key
        .rsplit('.')
        .fold(value, |value, part| Value::Table(Table::from_iter([(part.to_owned(), value)])));
    nested.try_into().map_err(|e: toml::de::Error| {
        Failure::new(Exit::Usage, format!("{place}: {key} = {shown}: {}", e.message()))
            .with_hint("`duplex config show` tells what each key means")
    })
}

/// Every key of `table` with its value, as `section.key`; unknown ones are errors.
fn leaves(
    meta: &'static Meta,
    table: &Table,
    prefix: &str,
    place: &str,
) -> Result<Vec<(String, Value)>, Failure> {
    let mut found = Vec::new();
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        let field = meta.fields.iter().find(|field| field.name == name);
        match (field.map(|field| field.kind), value) {
            (None, _) => return Err(unknown(place, &key)),
            (Some(FieldKind::Leaf { .. }), value) => found.push((key, value.clone())),
            (Some(FieldKind::Nested { meta }), Value::Table(table)) => {
                found.extend(leaves(meta, table, &format!("{key}."), place)?);
            }
            (Some(FieldKind::Nested { .. }), _) => {
                let message = format!("{place}: {key} is a section and has no value of its own");
                return Err(Failure::new(Exit::Usage, message)
                    .with_hint(format!("write [{key}] on a line of its own, its keys below it")));
            }
        }
    }
    Ok(found)
}

/// The error for a key that does not exist, with its new name where it has one, or else the nearest that does.
fn unknown(place: &str, key: &str) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("{place}: there is no key {key}"));
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
        return failure.with_hint(format!("it is called {new} now"));
    }
    let alike = |known: &String| strsim::jaro_winkler(known, key);
    let nearest = keys().into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|nearest| alike(nearest) >= ALIKE) {
        Some(nearest) => failure.with_hint(format!("did you mean {nearest}?")),
        None => failure.with_hint("`duplex config show` lists every key"),
    }
}

/// Every key there is, as `section.key`.
fn keys() -> Vec<String> {
    fn walk(meta: &'static Meta, prefix: &str, keys: &mut Vec<String>) {
        for field in meta.fields {
            match field.kind {
                FieldKind::Leaf { .. } => keys.push(format!("{prefix}{}", field.name)),
                FieldKind::Nested { meta } => {
                    walk(meta, &format!("{prefix}{}.", field.name), keys);
                }
            }
        }
    }
    let mut keys = Vec::new();
    walk(&Config::META, "", &mut keys);
    keys
}
