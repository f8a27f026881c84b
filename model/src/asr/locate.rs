use std::env;
use std::path::{Path, PathBuf};

use super::AsrError;

/// Environment variable with the path of the recogniser program.
const VARIABLE: &str = "DUPLEX_ASR";

/// Path of the recogniser program: `explicit`, else the value of the environment variable `DUPLEX_ASR`, else
/// `duplex-asr` in the folder of the running program, or in the folder above it, where Cargo's test programs find it.
///
/// # Errors
///
/// [`AsrError::WorkerNotFound`] if none of them is a file. An explicit path is never replaced by another.
pub fn find_worker(explicit: Option<&Path>) -> Result<PathBuf, AsrError> {
    let named =
        explicit.map(Path::to_path_buf).or_else(|| env::var_os(VARIABLE).map(PathBuf::from));
    let tried = match named {
        Some(path) => vec![path],
        None => beside(env::current_exe().ok().as_deref()),
    };
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(AsrError::WorkerNotFound { tried }),
    }
}

fn beside(program: Option<&Path>) -> Vec<PathBuf> {
    let name = format!("duplex-asr{}", env::consts::EXE_SUFFIX);
    program
        .into_iter()
        .flat_map(|program| program.ancestors().skip(1).take(2))
        .map(|folder| folder.join(&name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_looked_for_beside_the_running_one_and_above_it() {
        let tried = beside(Some(Path::new("/target/release/deps/asr-0123")));
        assert_eq!(
            tried,
            [Path::new("/target/release/deps/duplex-asr"), Path::new("/target/release/duplex-asr")]
        );
    }

    #[test]
    fn a_named_program_that_is_missing_is_named_in_the_error_and_not_replaced() {
        let error = find_worker(Some(Path::new("/nowhere/asr"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/asr"), "{error}");
        assert!(error.to_string().contains("DUPLEX_ASR"), "{error}");
    }
}
