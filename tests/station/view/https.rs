//! The view with a certificate.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use crosscheck::view::{View, check_files};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Desk, station};
use crate::support::client::Client;

/// A certificate for localhost, and its key, as files in `folder`.
fn certificate(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
}

fn config(folder: &Path, certificate: &str, key: &str) -> crosscheck::config::view::View {
    let [certificate, key] = [certificate, key].map(|name| folder.join(name));
    let text = format!("bind = \"127.0.0.1:0\"\ncertificate_file = {certificate:?}\nkey_file = {key:?}");
    toml::from_str(&text).unwrap()
}

#[test]
fn pages_are_served_over_tls_to_whoever_trusts_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "line-1");
    let (station, _actions) = station();
    let view = View::serve(&config(folder.path(), "line-1.pem", "line-1.key"), station).unwrap();
    let mut roots = RootCertStore::empty();
    let pem = folder.path().join("line-1.pem");
    roots.add(CertificateDer::from_pem_file(&pem).unwrap()).unwrap();
    let trusting = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let trusting = Arc::new(trusting.with_root_certificates(roots).with_no_client_auth());
    let connection = ClientConnection::new(trusting, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(view.address()).unwrap());
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    // Whoever speaks no TLS gets no page.
    let mut plain = TcpStream::connect(view.address()).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // The connection may end by a reset.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_by_the_name_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "own");
    certificate(folder.path(), "other");
    std::fs::write(folder.path().join("empty"), "").unwrap();
    check_files(&config(folder.path(), "own.pem", "own.key")).unwrap();
    for (certificate, key, said) in [
        ("own.pem", "other.key", "view.key_file: cannot use"),
        ("empty", "own.key", "view.certificate_file: cannot use"),
        ("own.pem", "missing", "view.key_file: cannot use"),
    ] {
        let error = check_files(&config(folder.path(), certificate, key)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_view_without_a_certificate_speaks_no_tls() {
    let desk = Desk::new(None);
    // What a client of TLS says first.
    assert_eq!(Client::new(desk.view.address()).send("\x16\x03\x01\x02\x00\x01\r\n\r\n").status, 400);
}
