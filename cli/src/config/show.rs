//! A [`Config`] as the file that would give it.

use std::fmt::Write;

use confique::Config as _;
use confique::meta::{Expr, FieldKind, LeafKind, Meta};
use toml::{Table, Value};

use super::Config;
use crate::failure::{Exit, Failure};

impl Config {
    /// TOML with every key, its meaning and its default above it. An optional key without a
    /// value is a comment.
    pub(crate) fn to_toml(&self) -> Result<String, Failure> {
        let unwritable = |e: toml::ser::Error| Failure::new(Exit::Usage, e.to_string());
        let values = Table::try_from(self).map_err(unwritable)?;
        let mut text = String::new();
        section(&mut text, &Self::META, "", &values);
        Ok(text)
    }
}

fn section(text: &mut String, meta: &'static Meta, prefix: &str, values: &Table) {
    let nothing = Table::new();
    for field in meta.fields {
        let value = values.get(field.name);
        match field.kind {
            FieldKind::Nested { meta } => {
                if !text.is_empty() {
                    text.push('\n');
                }
                comment(text, field.doc);
                let name = format!("{prefix}{}", field.name);
                line(text, &format!("[{name}]"));
                let values = value.and_then(Value::as_table).unwrap_or(&nothing);
                section(text, meta, &format!("{name}."), values);
            }
            FieldKind::Leaf { kind, .. } => {
                text.push('\n');
                comment(text, field.doc);
                if let LeafKind::Required { default: Some(default) } = kind {
                    let default = literal(&default);
                    // A default that is in force is seen below.
                    if value.is_none_or(|value| value.to_string() != default) {
                        line(text, &format!("# Default: {default}"));
                    }
                }
                match value {
                    Some(value) => line(text, &format!("{} = {value}", field.name)),
                    None => line(text, &format!("#{} =", field.name)),
                }
            }
        }
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn comment(text: &mut String, doc: &[&str]) {
    for doc in doc {
        line(text, format!("#{doc}").trim_end());
    }
}

fn literal(default: &Expr) -> String {
    Value::try_from(default).map_or_else(|_| String::new(), |value| value.to_string())
}
