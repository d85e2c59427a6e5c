//! TLS with the certificate that the server made for itself.

use crate::client::{ACCEPT, Client, header, start, status, upgrade};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use testbed::{Config, Server};

type Secure = StreamOwned<ClientConnection, TcpStream>;

fn connect(server: &Server, name: &str, trusts: Option<&str>) -> Secure {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = trusts {
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(session, Client::connect(server).0)
}

fn head(stream: &mut Secure) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn upgrades_work_over_tls_by_every_name_of_the_certificate() {
    let server = start(Config {
        tls: true,
        ..Config::default()
    });
    assert!(server.url().starts_with("wss://127.0.0.1:"));
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut stream = connect(&server, name, server.certificate_pem());
        stream.write_all(upgrade("/").as_bytes()).unwrap();
        assert!(head(&mut stream).contains(ACCEPT), "{name}");
        stream.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
        let mut echo = [0; 4];
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, b"\x81\x02hi");
    }
    assert_eq!(server.stats().accepted, 3);
}

#[test]
fn plain_requests_share_a_connection_over_tls() {
    let server = start(Config {
        tls: true,
        ..Config::default()
    });
    let mut stream = connect(&server, "localhost", server.certificate_pem());
    for n in 0..3 {
        // Larger than a TLS record, so that body and next request do not come together.
        let body = "x".repeat(40_000);
        write!(
            stream,
            "POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let head = head(&mut stream);
        let length = header(&head, "Content-Length").unwrap().parse().unwrap();
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(
            (&answer["attempt"], &answer["received"]),
            (&n.into(), &40_000.into())
        );
    }
}

#[test]
fn a_refusal_over_tls_ends_with_a_close_notify() {
    let limit = "fixed-window limit=0 window=1m".parse().unwrap();
    let server = start(Config {
        tls: true,
        limit,
        ..Config::default()
    });
    let mut stream = connect(&server, "localhost", server.certificate_pem());
    stream.write_all(upgrade("/").as_bytes()).unwrap();
    assert_eq!(status(&head(&mut stream)), 429);
    let mut body = String::new();
    // rustls makes an end without close_notify an error.
    stream.read_to_string(&mut body).unwrap();
    assert!(body.contains("Too Many Requests"));
}

#[test]
fn stats_are_answered_over_tls() {
    let server = start(Config {
        tls: true,
        ..Config::default()
    });
    let mut stream = connect(&server, "localhost", server.certificate_pem());
    stream
        .write_all(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(status(&head(&mut stream)), 200);
}

#[test]
fn who_does_not_trust_the_certificate_gets_no_connection() {
    let server = start(Config {
        tls: true,
        ..Config::default()
    });
    let mut stream = connect(&server, "localhost", None);
    let error = stream.write_all(upgrade("/").as_bytes()).unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let mut stream = connect(&server, "example.org", server.certificate_pem());
    stream.write_all(b"x").unwrap_err();
    assert_eq!(server.stats().attempts, 0);
}

#[test]
fn who_speaks_no_tls_is_left_alone_and_the_server_goes_on() {
    let server = start(Config {
        tls: true,
        ..Config::default()
    });
    let mut client = Client::connect(&server);
    client.ask("/");
    let _ = client.read();
    let mut stream = connect(&server, "localhost", server.certificate_pem());
    stream.write_all(upgrade("/").as_bytes()).unwrap();
    assert_eq!(status(&head(&mut stream)), 101);
}

#[test]
fn without_tls_there_is_no_certificate() {
    assert_eq!(start(Config::default()).certificate_pem(), None);
}
