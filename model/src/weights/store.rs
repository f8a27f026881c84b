//! The folder of models.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::files;
use super::http::beside;
use super::pip::Pip;
use super::{Error, Manifest, Model, ModelFile, ModelSource, Progress, Role, Sha256, Stage};

/// Prefix of the folders in which a pull works; the next pull removes what a killed one left.
const WORK_PREFIX: &str = ".pull-";

/// A folder of models.
///
/// ```text
/// <root>/<name>/<file>            a model of the manifest
/// <root>/url/<digest>/<file>      a file from a URL; <digest> is of the URL
/// <root>/url/<digest>/receipt.toml   its sizes and digests; written last
/// <root>/.lock                    locked during a pull
/// <root>/.pull-*                  work in progress of the process that has the lock
/// ```
///
/// Reading needs no lock, because files only ever appear complete.
pub struct Store {
    root: PathBuf,
    pub(super) manifest: &'static Manifest,
    pub(super) pip: Pip,
}

/// State of a model, by the quick check.
#[derive(Debug)]
pub enum Status {
    /// All files are there and have the right sizes.
    Present,
    /// Files are missing.
    Absent,
    /// Files are there, but not as they should be.
    Broken(Error),
}

/// The outcome of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The file to load.
    pub path: PathBuf,
    /// Whether this pull downloaded it; otherwise it was already there.
    pub fetched: bool,
}

/// A file of a model on disk, and its expected properties.
struct Expected {
    path: PathBuf,
    size: Option<u64>,
    sha256: Option<Sha256>,
}

/// What was downloaded from a URL.
#[derive(Deserialize, Serialize)]
pub(super) struct Receipt {
    pub(super) url: String,
    pub(super) file: Vec<ModelFile>,
}

impl Store {
    /// The user's store: `$DUPLEX_MODELS`, else `$DUPLEX_HOME/models`, else `duplex/models` in the XDG cache folder.
    /// The folder need not exist.
    ///
    /// # Errors
    /// [`Error::NoHome`] if none of these is known.
    pub fn open() -> Result<Self, Error> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(models) = set("DUPLEX_MODELS") {
            return Ok(Self::at(models));
        }
        if let Some(home) = set("DUPLEX_HOME") {
            return Ok(Self::at(Path::new(&home).join("models")));
        }
        let cache = etcetera::choose_base_strategy().map_err(|_| Error::NoHome)?.cache_dir();
        Ok(Self::at(cache.join("duplex").join("models")))
    }

    /// The store at `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        // pip runs with the same working directory, but a path that is shown should be absolute.
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, manifest: Manifest::builtin(), pip: Pip::default() }
    }

    /// The same store, with the names of `manifest`.
    pub fn with_manifest(self, manifest: &'static Manifest) -> Self {
        Self { manifest, ..self }
    }

    /// The folder that holds the models.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The models that have a name here.
    pub fn manifest(&self) -> &'static Manifest {
        self.manifest
    }

    /// The file to load for `role`, after a check that is quick enough for every start: all files are there, have the
    /// right sizes, and start like files of their format.
    ///
    /// # Errors
    /// Names the file that is missing, truncated or of another format; or the unknown name.
    pub fn path(&self, role: Role, source: &ModelSource) -> Result<PathBuf, Error> {
        let expected = self.expected(role, source)?;
        for file in &expected {
            let meta = fs::metadata(&file.path).map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => Error::Missing {
                    model: source.to_string(),
                    path: file.path.clone(),
                    can_pull: !matches!(source, ModelSource::Path(_)),
                },
                _ => Error::io("read", &file.path)(e),
            })?;
            if let Some(size) = file.size
                && meta.len() != size
            {
                let path = file.path.clone();
                return Err(Error::WrongSize { path, expected: size, found: meta.len() });
            }
        }
        let main = expected.into_iter().next().map(|file| file.path).unwrap_or_default();
        files::check_format(&main, role)?;
        Ok(main)
    }

    /// State of a model, by the same quick check.
    ///
    /// # Errors
    /// [`Error::UnknownModel`].
    pub fn status(&self, role: Role, source: &ModelSource) -> Result<Status, Error> {
        match self.path(role, source) {
            Ok(_) => Ok(Status::Present),
            Err(Error::Missing { .. } | Error::NotFetched { .. }) => Ok(Status::Absent),
            Err(e @ Error::UnknownModel { .. }) => Err(e),
            Err(e) => Ok(Status::Broken(e)),
        }
    }

    /// Like [`path`](Self::path), but also compares every known digest (a path has none).
    ///
    /// # Errors
    /// As of `path`, and [`Error::WrongHash`].
    pub fn verify(
        &self,
        role: Role,
        source: &ModelSource,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, Error> {
        let main = self.path(role, source)?;
        for file in self.expected(role, source)? {
            let Some(expected) = file.sha256 else { continue };
            progress.begin(&source.to_string(), Stage::Verifying, file.size);
            let found = files::digest(&file.path, progress)?;
            if found != expected {
                return Err(Error::WrongHash { path: file.path, expected, found });
            }
        }
        Ok(main)
    }

    /// Makes sure that the model is there and intact: verifies it, and downloads it if it is missing or broken. If
    /// interrupted at any point, it leaves the store as it was, and the next call does the work again.
    ///
    /// # Errors
    /// Whatever prevented it; for a path, only what [`verify`](Self::verify) finds.
    pub fn pull(
        &self,
        role: Role,
        source: &ModelSource,
        progress: &mut dyn Progress,
    ) -> Result<Pulled, Error> {
        if let Some(path) = self.unless_broken(role, source, progress)? {
            return Ok(Pulled { path, fetched: false });
        }
        let _lock = self.lock(source, progress)?;
        // The previous holder of the lock may have pulled this very model.
        if let Some(path) = self.unless_broken(role, source, progress)? {
            return Ok(Pulled { path, fetched: false });
        }
        match source {
            ModelSource::Named(name) => self.fetch_named(self.named(role, name)?, progress)?,
            ModelSource::Url(url) => self.fetch_url(role, url, progress)?,
            ModelSource::Path(_) => {}
        }
        Ok(Pulled { path: self.path(role, source)?, fetched: true })
    }

    /// The path of an intact model; none if downloading it (again) would help.
    fn unless_broken(
        &self,
        role: Role,
        source: &ModelSource,
        progress: &mut dyn Progress,
    ) -> Result<Option<PathBuf>, Error> {
        match self.verify(role, source, progress) {
            Ok(path) => Ok(Some(path)),
            Err(
                Error::Missing { can_pull: true, .. }
                | Error::NotFetched { .. }
                | Error::WrongSize { .. }
                | Error::WrongHash { .. },
            ) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn named(&self, role: Role, name: &str) -> Result<&'static Model, Error> {
        self.manifest.get(name).filter(|model| model.role == role).ok_or_else(|| {
            let of_role = self.manifest.models().iter().filter(|model| model.role == role);
            let known = of_role.map(|model| model.name.clone()).collect();
            Error::UnknownModel { name: name.to_owned(), role, known }
        })
    }

    /// The files of a model; the first one is loaded.
    fn expected(&self, role: Role, source: &ModelSource) -> Result<Vec<Expected>, Error> {
        let known = |folder: PathBuf, files: Vec<ModelFile>| {
            let expected = |file: ModelFile| Expected {
                path: folder.join(&file.name),
                size: Some(file.size),
                sha256: Some(file.sha256),
            };
            files.into_iter().map(expected).collect()
        };
        match source {
            ModelSource::Named(name) => {
                Ok(known(self.root.join(name), self.named(role, name)?.files()))
            }
            ModelSource::Path(path) => {
                let companion = role.companion().map(|ending| beside(path, ending));
                let paths = std::iter::once(path.clone()).chain(companion);
                Ok(paths.map(|path| Expected { path, size: None, sha256: None }).collect())
            }
            ModelSource::Url(url) => {
                let folder = self.url_folder(url);
                let text = fs::read_to_string(folder.join("receipt.toml")).ok();
                // A receipt that cannot be read, or is of another URL, counts as missing.
                let receipt: Option<Receipt> = text.and_then(|text| toml::from_str(&text).ok());
                match receipt {
                    Some(receipt) if receipt.url == *url && !receipt.file.is_empty() => {
                        Ok(known(folder, receipt.file))
                    }
                    _ => Err(Error::NotFetched { url: url.clone() }),
                }
            }
        }
    }

    pub(super) fn url_folder(&self, url: &str) -> PathBuf {
        let digest = Sha256::of(url.as_bytes()).to_string();
        self.root.join("url").join(&digest[..16])
    }

    /// Takes the lock of the store, and removes what killed pulls have left.
    fn lock(&self, source: &ModelSource, progress: &mut dyn Progress) -> Result<File, Error> {
        const LOOK: Duration = Duration::from_millis(200);

        fs::create_dir_all(&self.root).map_err(Error::io("make the folder", &self.root))?;
        let path = self.root.join(".lock");
        let lock = File::create(&path).map_err(Error::io("write", &path))?;
        let mut waits = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
                Err(TryLockError::WouldBlock) if progress.cancelled() => {
                    return Err(Error::Cancelled);
                }
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut waits, true) {
                        progress.begin(&source.to_string(), Stage::Waiting, None);
                    }
                    thread::sleep(LOOK);
                }
            }
        }
        let entries = fs::read_dir(&self.root).map_err(Error::io("read", &self.root))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(WORK_PREFIX) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(lock)
    }

    /// A temporary folder on the store's disk; removed when dropped.
    pub(super) fn work_folder(&self) -> Result<tempfile::TempDir, Error> {
        let builder = tempfile::Builder::new().prefix(WORK_PREFIX).tempdir_in(&self.root);
        builder.map_err(Error::io("write", &self.root))
    }
}
