//! Servers behind TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use duplex_model::remote::{Endpoint, RemoteEnd, RemoteError};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::server::{play, request};
use crate::support::*;

/// Serves the good reply with a certificate for `localhost` that it signed itself; gives the URL and the certificate.
async fn server() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // A client that does not trust the certificate ends the handshake.
            let Ok(mut connection) = acceptor.accept(connection).await else { continue };
            request(&mut connection).await.unwrap();
            let (tell, _) = mpsc::unbounded_channel();
            _ = play(&mut connection, &good(), &tell).await;
        }
    });
    (url, cert.pem())
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_refused() {
    let (url, _) = server().await;
    let error = reply(&Endpoint::new(options(url)).unwrap()).await.1.unwrap_err();
    assert!(matches!(error, RemoteError::Certificate { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the certificate of localhost does not verify"));
}

/// Which certificates the system trusts is set for a whole process: the test runs again in one of its own.
#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_accepted() {
    const INNER: &str = "DUPLEX_TEST_CERTIFICATE";
    if let Some(file) = std::env::var_os(INNER) {
        let (url, certificate) = server().await;
        std::fs::write(Path::new(&file), certificate).unwrap();
        let (text, end) = reply(&Endpoint::new(options(url)).unwrap()).await;
        assert_eq!((text.as_str(), end.unwrap()), ("Good morning.", RemoteEnd::Complete));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trusted.pem");
    let name = "certificates::a_certificate_that_the_system_trusts_is_accepted";
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INNER, &file)
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    assert!(inner.status.success(), "{}", String::from_utf8_lossy(&inner.stderr));
    assert!(String::from_utf8_lossy(&inner.stdout).contains("1 passed"));
}
