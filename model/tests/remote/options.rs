//! What is refused before anything is sent.

use std::fs;

use duplex_model::remote::{Endpoint, EndpointOptions, RemoteError, Secret};

use crate::support::{KEY, key};

#[test]
fn what_is_not_the_url_of_an_endpoint_is_refused() {
    let wrong = [
        "",
        "localhost:8000",
        "127.0.0.1:8000/v1",
        "ftp://example.org/v1",
        "https://",
        "https://exa mple.org",
        "https://user:hunter2@example.org/v1",
        "https://user@example.org/v1",
        "https://example.org/v1?version=2",
        "https://example.org/v1#top",
    ];
    for url in wrong {
        let error = Endpoint::new(EndpointOptions::new(url, "small")).unwrap_err();
        assert!(matches!(error, RemoteError::NotAUrl { .. }), "{url}: {error}");
        let text = error.to_string();
        assert!(!text.contains("hunter2") && !text.contains("it did not say"), "{error}");
    }
}

#[test]
fn the_key_goes_unencrypted_only_to_this_machine_or_where_it_may() {
    let with_key =
        |url: &str| EndpointOptions { key: Some(key()), ..EndpointOptions::new(url, "small") };
    for here in ["http://127.0.0.1:1/v1", "http://localhost/v1/", "http://[::1]:8000"] {
        Endpoint::new(with_key(here)).unwrap();
    }
    for there in ["http://example.org/v1", "http://localhost.example.org", "http://10.0.0.1"] {
        let error = Endpoint::new(with_key(there)).unwrap_err();
        assert!(matches!(error, RemoteError::PlainHttp { .. }), "{there}: {error}");
        Endpoint::new(EndpointOptions { allow_plain_http: true, ..with_key(there) }).unwrap();
        Endpoint::new(EndpointOptions::new(there, "small")).unwrap();
    }
}

#[test]
fn a_key_is_read_from_a_file_or_a_variable_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let missing = Secret::from_file(&file).unwrap_err();
    let expected = format!("no key: the file {} cannot be read (No such file", file.display());
    assert!(missing.to_string().starts_with(&expected), "{missing}");
    for (content, reason) in [
        (&b" \n"[..], "is empty"),
        (b"two\nlines", "holds no key"),
        (b"\xff\xfe", "holds no key"),
        ("schl\u{fc}ssel".as_bytes(), "holds no key"),
    ] {
        fs::write(&file, content).unwrap();
        let error = Secret::from_file(&file).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = Secret::from_file("/dev/zero".as_ref()).unwrap_err();
    assert!(error.to_string().contains("holds no key"), "{error}");

    // Cargo sets one variable and surely not the other.
    Secret::from_env("CARGO_PKG_NAME").unwrap();
    let error = Secret::from_env("DUPLEX_NO_SUCH_KEY").unwrap_err();
    assert_eq!(error.to_string(), "no key: the environment variable DUPLEX_NO_SUCH_KEY is not set");
}

#[test]
fn nothing_that_can_be_shown_shows_the_key() {
    let options = EndpointOptions { key: Some(key()), ..EndpointOptions::new("http://[::1]", "m") };
    let shown = format!("{} {:?} {:#?}", key(), key(), options);
    let endpoint = Endpoint::new(options).unwrap();
    let shown = format!("{shown} {endpoint:?} {endpoint:#?}");
    assert!(!shown.contains(KEY), "{shown}");
    let mistaken = EndpointOptions { key: Some(key()), ..EndpointOptions::new(KEY, "m") };
    let error = Endpoint::new(mistaken).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
}
