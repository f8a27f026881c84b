use std::fs;

use duplex_model::weights::ModelSource;

use super::Config;
use crate::failure::{Exit, Failure};

fn load(text: &str) -> Result<Config, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    fs::write(&path, text).unwrap();
    Config::load(Some(&path), &[])
}

fn refused(text: &str) -> String {
    let failure = load(text).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    failure.to_string()
}

fn set(overrides: &[&str]) -> Result<Config, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    fs::write(&path, "[llm]\nthreads = 3\ncontext = 512\n").unwrap();
    let overrides: Vec<_> = overrides.iter().map(|&s| s.to_owned()).collect();
    Config::load(Some(&path), &overrides)
}

#[test]
fn what_is_not_in_the_file_has_its_default() {
    let config = load("[llm]\nthreads = 4\n").unwrap();
    let mut expected = Config::defaults().unwrap();
    expected.llm.threads = 4;
    assert_eq!(config, expected);
}

#[test]
fn what_is_shown_is_the_file_that_gives_it() {
    let mut config = Config::defaults().unwrap();
    assert_eq!(load(&config.to_toml().unwrap()).unwrap(), config);

    config.llm.system_prompt = "Say \"yes\"\nor 'no'.".into();
    config.voice.speed = 1.25;
    config.asr.worker = Some("/opt/duplex-asr".into());
    assert_eq!(load(&config.to_toml().unwrap()).unwrap(), config);
}

#[test]
fn a_value_that_is_not_the_default_is_shown_with_the_default() {
    let text = load("[llm]\ncontext = 4096\n").unwrap().to_toml().unwrap();
    assert!(text.contains("# Default: 1024\ncontext = 4096\n"), "{text}");
    assert_eq!(text.matches("# Default:").count(), 1);
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_the_nearest_key() {
    let message = refused("[llm]\ntheads = 4\n");
    assert!(message.contains("my.toml: there is no key llm.theads"), "{message}");
    assert!(message.contains("hint: did you mean llm.threads?"), "{message}");
}

#[test]
fn a_key_that_was_renamed_is_refused_with_its_new_name() {
    let message = refused("[charges]\njudge_ms = 5\n");
    assert!(message.contains("there is no key charges.judge_ms"), "{message}");
    let new = "charges.detect_end_of_turn_ms";
    assert!(message.contains(&format!("hint: it is called {new} now")), "{message}");
    assert!(set(&[&format!("{new}=5")]).is_ok(), "{new} is a key");
}

#[test]
fn a_key_like_no_other_points_at_the_list() {
    let message = refused("zzz = 1\n");
    assert!(message.contains("hint: `duplex config show` lists every key"), "{message}");
}

#[test]
fn a_wrong_type_names_the_key_and_what_it_must_be() {
    let message = refused("[llm]\nthreads = \"four\"\n");
    assert!(message.contains("my.toml: llm.threads = \"four\": "), "{message}");
    assert!(message.contains("expected u32"), "{message}");
}

#[test]
fn a_value_out_of_range_names_the_key_and_the_range() {
    let message = refused("[llm]\ntemperature = 3.5\n");
    assert!(message.contains("llm.temperature = 3.5"), "{message}");
    assert!(message.contains("between 0 and 2"), "{message}");
}

#[test]
fn a_language_without_word_lists_is_refused_with_those_there_are() {
    let message = refused("[asr]\nlanguage = \"de\"\n");
    assert!(message.contains("asr.language = \"de\""), "{message}");
    assert!(message.contains("no word lists") && message.contains("it has: en"), "{message}");
    let message = set(&["asr.language=de"]).unwrap_err().to_string();
    assert!(message.contains("it has: en"), "{message}");
}

#[test]
fn a_profile_of_no_recogniser_is_refused_with_those_there_are() {
    for name in ["nope", "smollm2-135m"] {
        let message = set(&[&format!("asr.profile={name}")]).unwrap_err().to_string();
        assert!(message.contains("there are: whisper-tiny.en"), "{message}");
    }
    assert!(set(&["asr.profile=whisper-tiny.en"]).is_ok());
}

#[test]
fn pronunciations_stand_in_a_table_and_what_is_none_is_named() {
    let config =
        load("[voice.pronunciation]\nSaoirse = \"SEER-sha\"\n\"C++\" = \"see plus plus\"\n")
            .unwrap();
    assert_eq!(config.voice.pronunciation["Saoirse"], "SEER-sha");
    assert_eq!(load(&config.to_toml().unwrap()).unwrap(), config);
    let config = set(&["voice.pronunciation={ Niamh = \"/niːv/\" }"]).unwrap();
    assert_eq!(config.voice.pronunciation["Niamh"], "/niːv/");
    let message = refused("[voice.pronunciation]\nSaoirse = \"\"\n");
    assert!(message.contains("voice.pronunciation"), "{message}");
    assert!(message.contains("the pronunciation of `Saoirse` is empty"), "{message}");
    let message = refused("[voice.pronunciation]\nSaoirse = 3\n");
    assert!(message.contains("voice.pronunciation"), "{message}");
}

#[test]
fn a_model_that_is_neither_name_nor_path_nor_allowed_url_is_refused() {
    let message = refused("[models]\nllm = \"http://example.org/m.gguf\"\n");
    assert!(message.contains("models.llm") && message.contains("only https"), "{message}");
}

#[test]
fn a_section_that_is_no_section_is_explained() {
    let message = refused("llm = 4\n");
    assert!(message.contains("llm is a section and has no value"), "{message}");
}

#[test]
fn what_is_no_toml_is_shown_with_its_line() {
    let message = refused("[llm\n");
    assert!(message.contains("my.toml: TOML parse error at line 1"), "{message}");
}

#[test]
fn set_overrides_the_file_which_overrides_the_default() {
    let config = set(&["llm.threads=5", "llm.threads = 6", "models.llm=./my.gguf"]).unwrap();
    assert_eq!((config.llm.threads, config.llm.context), (6, 512));
    assert_eq!(config.models.llm, ModelSource::Path("./my.gguf".into()));
}

#[test]
fn set_takes_text_that_looks_like_a_number_for_a_key_of_text() {
    let config = set(&["models.llm=42", "llm.system_prompt=Be brief."]).unwrap();
    assert_eq!(config.models.llm, ModelSource::Named("42".into()));
    assert_eq!(config.llm.system_prompt, "Be brief.");
}

#[test]
fn set_refuses_what_the_file_would_not_hold_either() {
    let message = |overrides: &[&str]| set(overrides).unwrap_err().to_string();
    assert!(message(&["llm.thread=5"]).contains("did you mean llm.threads?"));
    assert!(message(&["llm.threads=many"]).contains("--set: llm.threads = \"many\""));
    assert!(message(&["llm.threads"]).contains("KEY=VALUE"));
}

/// The page is written by `make docs`, which runs this test with UPDATE_DOCS=1.
#[test]
fn the_page_of_the_configuration_shows_every_key() {
    const BEGIN: &str = "```toml\n";
    const END: &str = "```\n";

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let text = fs::read_to_string(page).unwrap();
    let begin = text.rfind(BEGIN).unwrap() + BEGIN.len();
    let end = begin + text[begin..].find(END).unwrap();
    let shown = Config::defaults().unwrap().to_toml().unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, format!("{}{shown}{}", &text[..begin], &text[end..])).unwrap();
    } else {
        assert_eq!(text[begin..end], shown, "docs/configuration.md is old: run `make docs`");
    }
}

#[test]
fn the_default_prompt_is_the_one_that_was_chosen_for_the_default_model() {
    let prompt = Config::defaults().unwrap().llm.system_prompt;
    assert_eq!(prompt, duplex_model::llm::DEFAULT_SYSTEM_PROMPT);
}

#[test]
fn the_default_costs_are_those_that_the_weights_were_fitted_for() {
    let policy = crate::setup::policy(&Config::defaults().unwrap());
    assert_eq!(policy.costs, duplex_core::Costs::default());
}
