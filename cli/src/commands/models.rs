//! `duplex models`: the models that the assistant needs.

use std::io::Write;

use duplex_model::weights::{Error, ModelSource, Role, Status, Store};
use indicatif::HumanBytes;
use serde::Serialize;

use crate::args::{Models, Which};
use crate::config::{Config, VoiceSource};
use crate::failure::{Exit, Failure};
use crate::interrupt;
use crate::progress::Shown;

/// A model and what it is for.
type Wanted = (Role, ModelSource);

pub(crate) fn run(command: Models, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let store = Store::open()?;
    match command {
        Models::List { json } => list(&store, config, json, out),
        Models::Pull(which) => pull(&store, config, &which, out),
        Models::Verify(which) => verify(&store, config, &which, out),
        Models::Path { model: None } => Ok(writeln!(out, "{}", store.root().display())?),
        Models::Path { model: Some(text) } => {
            let (role, source) = wanted(&store, config, &text)?;
            Ok(writeln!(out, "{}", store.path(role, &source)?.display())?)
        }
    }
}

/// The model that a word names: a role, as configured, or a model of the manifest.
fn wanted(store: &Store, config: &Config, text: &str) -> Result<Wanted, Failure> {
    if let Ok(role) = text.parse::<Role>()
        && let Some(source) = config.models.source(role)
    {
        return Ok((role, source.clone()));
    }
    if let Some(model) = store.manifest().get(text) {
        return Ok((model.role, ModelSource::Named(model.name.clone())));
    }
    let names = store.manifest().models().iter().map(|model| model.name.as_str());
    let words: Vec<&str> = Role::ALL.into_iter().map(Role::key).chain(names).collect();
    Err(Failure::new(Exit::Usage, format!("there is no model or role `{text}`"))
        .with_hint(format!("there is {}", words.join(", "))))
}

/// All models that `which` names; all that are configured if it names none.
fn all_wanted(store: &Store, config: &Config, which: &Which) -> Result<Vec<Wanted>, Failure> {
    if which.models.is_empty() {
        let configured = |role| Some((role, config.models.source(role)?.clone()));
        let reply = config.llm.reply.clone().map(|reply| (Role::Llm, reply));
        let others = config.voice.others.iter().filter_map(VoiceSource::model);
        let others = others.map(|source| (Role::Voice, source.clone()));
        return Ok(Role::ALL
            .into_iter()
            .filter_map(configured)
            .chain(reply)
            .chain(others)
            .collect());
    }
    which.models.iter().map(|text| wanted(store, config, text)).collect()
}

/// A line of the list.
#[derive(Serialize)]
struct Listed {
    name: String,
    role: Role,
    in_use: bool,
    status: &'static str,
    bytes: Option<u64>,
    licence: Option<String>,
    summary: String,
}

fn list(store: &Store, config: &Config, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for role in Role::ALL {
        let configured = config.models.source(role);
        let models = store.manifest().models().iter().filter(|model| model.role == role);
        for model in models {
            let source = ModelSource::Named(model.name.clone());
            lines.push(Listed {
                name: model.name.clone(),
                role,
                in_use: configured == Some(&source),
                status: status(store, role, &source)?,
                bytes: Some(model.size()),
                licence: Some(model.licence.clone()),
                summary: model.summary.clone(),
            });
        }
        if let Some(configured) = configured
            && !matches!(configured, ModelSource::Named(_))
        {
            lines.push(Listed {
                name: configured.to_string(),
                role,
                in_use: true,
                status: status(store, role, configured)?,
                bytes: None,
                licence: None,
                summary: "of your own".into(),
            });
        }
    }
    if json {
        serde_json::to_writer_pretty(&mut *out, &lines).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    for line in lines {
        let mark = if line.in_use { '*' } else { ' ' };
        let size = line.bytes.map(|n| HumanBytes(n).to_string()).unwrap_or_default();
        let (name, role, status, summary) = (line.name, line.role, line.status, line.summary);
        let licence = line.licence.map(|licence| format!(" ({licence})")).unwrap_or_default();
        writeln!(
            out,
            "{mark} {role:<5} {name:<width$} {status:<7} {size:>11}  {summary}{licence}",
            role = role.key()
        )?;
    }
    writeln!(out, "\n* in use; stored in {}", store.root().display())?;
    Ok(())
}

fn status(store: &Store, role: Role, source: &ModelSource) -> Result<&'static str, Error> {
    Ok(match store.status(role, source)? {
        Status::Present => "present",
        Status::Absent => "absent",
        Status::Broken(_) => "broken",
    })
}

fn pull(store: &Store, config: &Config, which: &Which, out: &mut dyn Write) -> Result<(), Failure> {
    let wanted = all_wanted(store, config, which)?;
    interrupt::catch()?;
    for (role, source) in wanted {
        let pulled = store.pull(role, &source, &mut Shown::new())?;
        let verdict = if pulled.fetched { "fetched" } else { "is there" };
        writeln!(out, "{source}: {verdict}")?;
    }
    Ok(())
}

/// Verifies all models before it fails, so that one run shows all that are broken.
fn verify(
    store: &Store,
    config: &Config,
    which: &Which,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let wanted = all_wanted(store, config, which)?;
    interrupt::catch()?;
    let mut first = None;
    for (role, source) in wanted {
        match store.verify(role, &source, &mut Shown::new()) {
            Ok(_) => writeln!(out, "{source}: whole")?,
            Err(e @ Error::Cancelled) => return Err(e.into()),
            Err(e) => {
                writeln!(out, "{source}: {e}")?;
                first.get_or_insert(e);
            }
        }
    }
    first.map_or(Ok(()), |e| Err(e.into()))
}
