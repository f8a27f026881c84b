//! Where a model comes from, as given in the configuration.

use std::fmt;
use std::net::IpAddr;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ureq::http::Uri;

/// A model by its name, its path or its URL.
///
/// Parsed from one string: a string with `://` is a URL; one with a path separator, or with the extension of a model
/// file (`.gguf`, `.bin`, `.onnx`), is a path (`~/` is the home folder); anything else is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A model of the manifest.
    Named(String),
    /// The user's own file; never written to.
    Path(PathBuf),
    /// A single file at an `https` URL (or `http`, on this machine only); kept in the store.
    Url(String),
}

/// Why a string does not name a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The string is empty.
    #[error("no model is named: give a name, a path or an https URL")]
    Empty,
    /// The URL has no host, or is not a URL.
    #[error("`{0}` is not a URL")]
    NotAUrl(String),
    /// The URL's scheme is not `https`, nor `http` to this machine.
    #[error("`{0}`: only https URLs are fetched, and http ones from this machine itself")]
    Scheme(String),
    /// The URL contains a user name or a password, which would appear in messages.
    #[error("a URL with a user name or a password in it is not accepted")]
    Credentials,
    /// The URL's path does not end in a file name.
    #[error("`{0}` does not end in the name of a file")]
    NoFileName(String),
}

impl ModelSource {
    /// The last segment of a URL's path.
    pub(super) fn url_file_name(url: &str) -> Option<&str> {
        let path = url.split_once("://")?.1.split(['?', '#']).next()?;
        let (_host, name) = path.rsplit_once('/')?;
        let is_safe = !name.is_empty() && !name.starts_with('.') && !name.contains('\\');
        is_safe.then_some(name)
    }

    /// Whether a URL points to this machine.
    pub(super) fn url_is_loopback(url: &str) -> bool {
        let Ok(uri) = url.parse::<Uri>() else { return false };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    fn parse_url(text: &str) -> Result<Self, SourceError> {
        let uri: Uri = text.parse().map_err(|_| SourceError::NotAUrl(text.to_owned()))?;
        let authority = uri.authority().ok_or_else(|| SourceError::NotAUrl(text.to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(SourceError::Credentials);
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if Self::url_is_loopback(text) => {}
            _ => return Err(SourceError::Scheme(text.to_owned())),
        }
        if Self::url_file_name(text).is_none() {
            return Err(SourceError::NoFileName(text.to_owned()));
        }
        Ok(Self::Url(text.to_owned()))
    }
}

impl FromStr for ModelSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        const ENDINGS: [&str; 3] = [".gguf", ".bin", ".onnx"];

        let text = text.trim();
        if text.is_empty() {
            return Err(SourceError::Empty);
        }
        if text.contains("://") {
            return Self::parse_url(text);
        }
        if let Some(rest) = text.strip_prefix("~/")
            && let Ok(home) = etcetera::home_dir()
        {
            return Ok(Self::Path(home.join(rest)));
        }
        let is_path = text.contains(['/', MAIN_SEPARATOR])
            || ENDINGS.iter().any(|ending| text.ends_with(ending));
        Ok(if is_path { Self::Path(text.into()) } else { Self::Named(text.to_owned()) })
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Path(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// As the string it was parsed from.
impl Serialize for ModelSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelSource, SourceError> {
        text.parse()
    }

    #[test]
    fn one_string_is_a_name_a_path_or_a_url() {
        assert_eq!(parse("whisper-tiny.en"), Ok(ModelSource::Named("whisper-tiny.en".into())));
        assert_eq!(parse("my.gguf"), Ok(ModelSource::Path("my.gguf".into())));
        assert_eq!(parse("./weights"), Ok(ModelSource::Path("./weights".into())));
        let url = "https://example.org/a/voice.onnx?download=true";
        assert_eq!(parse(url), Ok(ModelSource::Url(url.into())));
        assert_eq!(ModelSource::url_file_name(url), Some("voice.onnx"));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = etcetera::home_dir().unwrap();
        assert_eq!(parse("~/m.gguf"), Ok(ModelSource::Path(home.join("m.gguf"))));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in ["http://127.0.0.1:80/m.gguf", "http://[::1]/m.gguf", "http://localhost/m.gguf"]
        {
            assert!(matches!(parse(url), Ok(ModelSource::Url(_))), "{url}");
        }
        for url in ["http://example.org/m.gguf", "ftp://localhost/m.gguf", "file:///tmp/m.gguf"] {
            assert!(
                matches!(parse(url), Err(SourceError::Scheme(_) | SourceError::NotAUrl(_))),
                "{url}"
            );
        }
        assert!(parse("http://127.0.0.1.example.org/m.gguf").is_err());
    }

    #[test]
    fn a_url_must_name_a_file() {
        for url in ["https://example.org", "https://example.org/", "https://example.org/a/.."] {
            assert_eq!(parse(url), Err(SourceError::NoFileName(url.into())), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let error = parse("https://me:secret@example.org/m.gguf").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn an_empty_string_names_no_model() {
        assert_eq!(parse("  "), Err(SourceError::Empty));
    }
}
