//! The key of an endpoint.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::RemoteError;

/// The longest key that is read; real ones have a few hundred characters.
const LONGEST: usize = 16 * 1024;

/// The key that an endpoint asks for. `Debug` and `Display` do not show it, and its memory is erased when it is
/// dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The key in the environment variable `name`, without white space around it.
    ///
    /// # Errors
    /// [`RemoteError::Key`] if the variable is not set, or holds no key.
    pub fn from_env(name: &str) -> Result<Self, RemoteError> {
        let origin = || format!("the environment variable {name}");
        match std::env::var(name) {
            Ok(text) => Self::parse(text, origin),
            Err(std::env::VarError::NotPresent) => Err(no_key(origin(), "is not set")),
            Err(std::env::VarError::NotUnicode(_)) => Err(no_key(origin(), NOT_A_LINE)),
        }
    }

    /// The key in the file at `path`, without white space around it.
    ///
    /// # Errors
    /// [`RemoteError::Key`] if the file cannot be read, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, RemoteError> {
        let origin = || format!("the file {}", path.display());
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(LONGEST as u64 + 1).read_to_string(&mut text));
        match read {
            Ok(_) => Self::parse(text, origin),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(no_key(origin(), NOT_A_LINE)),
            Err(source) => Err(RemoteError::Key {
                origin: origin(),
                reason: "cannot be read",
                source: Some(source),
            }),
        }
    }

    fn parse(text: String, origin: impl Fn() -> String) -> Result<Self, RemoteError> {
        let key = text.trim();
        if key.is_empty() {
            return Err(no_key(origin(), "is empty"));
        }
        // A header field carries nothing else unchanged.
        if key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(no_key(origin(), NOT_A_LINE));
        }
        Ok(Self(key.into()))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

const NOT_A_LINE: &str = "holds no key: a key is one line of printable ASCII without blanks";

fn no_key(origin: String, reason: &'static str) -> RemoteError {
    RemoteError::Key { origin, reason, source: None }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}
