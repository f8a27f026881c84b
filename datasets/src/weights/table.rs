//! Tables of observations.

use std::path::{Path, PathBuf};

use duplex_core::{Feature, Features, SoundKind, wording, words::normalise};

/// A moment of a scripted call: what was observed of the user's sound, and what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The case.
    pub case: String,
    /// Whether it may be fitted to: the words of `test` may not.
    pub is_dev: bool,
    /// What the user says, normalised; empty where nothing was said.
    pub phrase: String,
    /// Number of the sound in its call.
    pub speech: u32,
    /// When, in ms since the call began.
    pub at_ms: u64,
    /// What the sound is.
    pub kind: SoundKind,
    /// Whether the user's turn is over; none where it is no turn.
    pub over: Option<bool>,
    /// What the recogniser made of it, normalised.
    pub words: String,
    /// What was observed.
    pub features: Features,
}

/// Rows, in the order of their files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not one of a table.
    #[error("{path}:{line}: {message}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

impl Table {
    /// Reads tables, one behind the other.
    ///
    /// # Errors
    /// [`TableError`] names the file and the line.
    pub fn read(paths: &[impl AsRef<Path>]) -> Result<Self, TableError> {
        let mut table = Self::default();
        for path in paths {
            let path = path.as_ref();
            let text = std::fs::read_to_string(path)
                .map_err(|source| TableError::Io { path: path.to_owned(), source })?;
            let rows = Self::parse(&text).map_err(|(line, message)| TableError::Line {
                path: path.to_owned(),
                line,
                message,
            })?;
            table.rows.extend(rows.rows);
        }
        Ok(table)
    }

    /// Reads a table from its text. The error is a line, from 1, and what is wrong with it.
    ///
    /// # Errors
    /// A column is missing, a name is unknown, or a value is no number.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lines = text.lines().enumerate();
        let (_, head) = lines.next().ok_or((1, "the table is empty".to_owned()))?;
        let names: Vec<&str> = head.split('\t').collect();
        let column = |name: &str| {
            let found = names.iter().position(|it| *it == name);
            found.ok_or_else(|| (1, format!("there is no column {name}")))
        };
        let known = ["case", "split", "phrase", "speech", "at_ms", "kind", "over", "words"];
        let mut at = [0; 8];
        for (place, name) in at.iter_mut().zip(known) {
            *place = column(name)?;
        }
        let [case, split, phrase, speech, at_ms, kind, over, words] = at;
        // What follows from the words alone is observed of them anew: the classifier of wording may have changed.
        let recorded = Feature::ALL.iter().filter(|feature| !Feature::OF_ACTS.contains(feature));
        let features: Vec<(Feature, usize)> = recorded
            .map(|&feature| Ok((feature, column(feature.name())?)))
            .collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let fail = |message: String| (index + 1, message);
            let cells: Vec<&str> = line.split('\t').collect();
            if cells.len() != names.len() {
                let (has, wants) = (cells.len(), names.len());
                return Err(fail(format!("{has} columns, and the head has {wants}")));
            }
            let number = |column: usize| {
                let not_one = || fail(format!("{} is no number", names[column]));
                cells[column].parse::<i64>().map_err(|_| not_one())
            };
            let mut row = Row {
                case: cells[case].to_owned(),
                is_dev: cells[split] != "test",
                phrase: cells[phrase].to_owned(),
                speech: number(speech)? as u32,
                at_ms: number(at_ms)? as u64,
                kind: SoundKind::named(cells[kind])
                    .ok_or_else(|| fail(format!("{} is no kind of sound", cells[kind])))?,
                over: match cells[over] {
                    "" => None,
                    value => Some(value == "1"),
                },
                words: cells[words].to_owned(),
                features: Features::default(),
            };
            for &(feature, column) in &features {
                if !cells[column].is_empty() {
                    row.features.set(feature, number(column)?);
                }
            }
            let words = normalise(&row.words);
            if !words.is_empty() {
                wording(&mut row.features, &words);
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }
}
