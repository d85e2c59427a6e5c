//! TLS: what is trusted, what is not, and messages over it.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, SupportedProtocolVersion};
use websocket::{Dial, Message, Tls, TlsOptions};

use crate::support::{PATIENCE, Peer, Server, attempt, attempt_within, code, dial, frame};

/// A CA of our own.
pub struct Authority {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority {
            certificate: params.self_signed(&key).unwrap(),
            key,
        }
    }

    /// Writes the PEM file that a user would name.
    fn file(&self, name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ws-backoff-test-{}-{name}.pem", std::process::id()));
        std::fs::write(&path, self.certificate.pem()).unwrap();
        path
    }
}

pub fn server_config(
    authority: &Authority,
    names: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names).unwrap();
    let certificate = params
        .signed_by(&key, &authority.certificate, &authority.key)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

fn echo(mut peer: Peer) {
    peer.upgrade();
    while let Some((first, payload)) = peer.read_frame() {
        peer.say(frame(first, &payload));
    }
}

fn verifying(ca_file: Option<PathBuf>) -> Tls {
    Tls::new(&TlsOptions {
        verify: true,
        ca_file,
    })
    .unwrap()
}

#[test]
fn certificates_are_accepted_or_refused_for_the_right_reason() {
    let authority = Authority::new("known");
    let known = authority.file("known");
    let other = Authority::new("other").file("other");
    let local = server_config(&authority, &["localhost"], BOTH);
    let by_address = server_config(&authority, &["127.0.0.1"], BOTH);
    let elsewhere = server_config(&authority, &["elsewhere.example"], BOTH);
    let off = || {
        Tls::new(&TlsOptions {
            verify: false,
            ca_file: None,
        })
        .unwrap()
    };
    let cases = [
        (
            "known CA",
            &local,
            "localhost",
            verifying(Some(known.clone())),
            "ok",
            "",
        ),
        (
            "known CA, IP address",
            &by_address,
            "127.0.0.1",
            verifying(Some(known.clone())),
            "ok",
            "",
        ),
        (
            "IP address not in it",
            &local,
            "127.0.0.1",
            verifying(Some(known.clone())),
            "tls.certificate",
            "127.0.0.1",
        ),
        (
            "other CA",
            &local,
            "localhost",
            verifying(Some(other.clone())),
            "tls.certificate",
            "UnknownIssuer",
        ),
        (
            "system roots only",
            &local,
            "localhost",
            verifying(None),
            "tls.certificate",
            "UnknownIssuer",
        ),
        (
            "wrong host",
            &elsewhere,
            "localhost",
            verifying(Some(known.clone())),
            "tls.certificate",
            "elsewhere.example",
        ),
        ("not verified", &local, "localhost", off(), "ok", ""),
        (
            "wrong host, not verified",
            &elsewhere,
            "localhost",
            off(),
            "ok",
            "",
        ),
    ];
    for (name, config, host, tls, expected, detail) in cases {
        let server = Server::start_tls(config.clone(), echo);
        let url = format!("wss://{host}:{}/", server.address.port());
        // The name's other address, ::1, has no server.
        let addresses = vec![server.address.ip()];
        let attempt = attempt(&Dial {
            tls,
            addresses,
            ..dial(&url)
        });
        // A machine without CA certificates cannot even ask.
        let no_roots = name == "system roots only" && code(&attempt) == "tls.roots";
        assert!(
            code(&attempt) == expected || no_roots,
            "{name}: {:?}",
            attempt.result
        );
        if let Err(error) = attempt.result {
            assert!(error.detail().contains(detail) || no_roots, "{name}: {error}");
        }
        assert!(
            attempt.trace.tls.is_some() && attempt.trace.tcp.is_some(),
            "{name}"
        );
    }
    for file in [known, other] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn both_versions_carry_large_messages_both_ways() {
    let authority = Authority::new("known");
    for version in BOTH {
        let server = Server::start_tls(server_config(&authority, &["localhost"], &[version]), echo);
        let mut dial = dial(&server.tls_url());
        dial.addresses = vec![server.address.ip()];
        // The second time the session is resumed.
        for _ in 0..2 {
            let mut connection = attempt(&dial).result.unwrap();
            for length in [0, 1, 126, 20_000, 1_000_000] {
                let sent = Message::Binary(vec![7; length]);
                connection.send(sent.clone(), PATIENCE).unwrap();
                assert!(
                    connection.receive(PATIENCE).unwrap() == sent,
                    "{version:?} {length}"
                );
            }
            let short = Duration::from_millis(20);
            assert_eq!(
                connection.receive(short).unwrap_err().code().as_str(),
                "message.timeout"
            );
            connection
                .send(Message::Text("still there".into()), PATIENCE)
                .unwrap();
            assert_eq!(
                connection.receive(PATIENCE).unwrap(),
                Message::Text("still there".into())
            );
            let closed = connection.close(1000, "bye", PATIENCE).unwrap();
            assert_eq!((closed.code, closed.reason.as_str()), (1000, "bye"));
        }
    }
}

#[test]
fn a_cancel_ends_a_wait_over_tls() {
    let authority = Authority::new("known");
    let server = Server::start_tls(server_config(&authority, &["localhost"], BOTH), |mut peer| {
        peer.upgrade();
        peer.hold();
    });
    let dial = Dial {
        addresses: vec![server.address.ip()],
        ..dial(&server.tls_url())
    };
    let mut connection = attempt(&dial).result.unwrap();
    let canceller = connection.canceller();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        canceller.cancel();
    });
    assert_eq!(
        connection.receive(PATIENCE).unwrap_err().code().as_str(),
        "cancelled"
    );
    thread.join().unwrap();
}

#[test]
fn a_first_frame_in_the_record_of_the_101_is_delivered() {
    let authority = Authority::new("known");
    let server = Server::start_tls(server_config(&authority, &["localhost"], BOTH), |mut peer| {
        peer.read_head();
        let mut both = peer.filled(crate::support::UPGRADED.as_bytes());
        both.extend(frame(0x81, b"first"));
        both.extend(frame(0x82, &[9; 20_000]));
        peer.say(both);
        peer.hold();
    });
    let mut connection = attempt(&Dial {
        addresses: vec![server.address.ip()],
        ..dial(&server.tls_url())
    })
    .result
    .unwrap();
    assert_eq!(
        connection.receive(PATIENCE).unwrap(),
        Message::Text("first".into())
    );
    assert_eq!(
        connection.receive(PATIENCE).unwrap(),
        Message::Binary(vec![9; 20_000])
    );
}

#[test]
fn refusals_over_tls_keep_their_body() {
    let authority = Authority::new("known");
    let server = Server::start_tls(server_config(&authority, &["localhost"], BOTH), |mut peer| {
        peer.read_head();
        peer.say("HTTP/1.1 429 Busy\r\nContent-Length: 5\r\n\r\nlater");
    });
    let attempt = attempt(&Dial {
        addresses: vec![server.address.ip()],
        ..dial(&server.tls_url())
    });
    assert_eq!(code(&attempt), "upgrade.status");
    assert_eq!(attempt.trace.answer.unwrap().body, b"later");
}

#[test]
fn handshakes_that_fail_have_their_codes() {
    type Script = fn(Peer);
    let cases: Vec<(&str, &str, Script)> = vec![
        ("plain HTTP", "tls.failed", |mut p| {
            p.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        }),
        ("alert", "tls.failed", |mut p| {
            let mut hello = [0; 100];
            let _ = p.stream.read(&mut hello);
            p.say([0x15, 3, 3, 0, 2, 2, 40]);
            p.hold();
        }),
        ("closed", "tls.closed", |mut p| {
            let mut hello = [0; 4096];
            let _ = p.stream.read(&mut hello);
        }),
        ("reset", "tls.closed", |mut p| {
            let mut hello = [0; 4096];
            let _ = p.stream.read(&mut hello);
            p.reset();
        }),
        ("silence", "tls.timeout", |mut p| p.hold()),
    ];
    for (name, expected, script) in cases {
        let server = Server::start(script);
        let connect_timeout = Duration::from_millis(if name == "silence" { 100 } else { 20_000 });
        let dial = Dial {
            connect_timeout,
            addresses: vec![server.address.ip()],
            ..dial(&server.tls_url())
        };
        let attempt = attempt_within(&dial, PATIENCE);
        assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
        assert!(
            attempt.result.unwrap_err().detail().contains("localhost"),
            "{name}"
        );
        assert_eq!(attempt.trace.request_head, "", "{name}");
    }
}

#[test]
fn a_redirect_from_wss_to_ws_is_not_followed() {
    let authority = Authority::new("known");
    for (location, expected) in [
        ("ws://localhost:PORT/plain", "upgrade.redirect"),
        ("http://localhost:PORT/plain", "upgrade.redirect"),
        ("https://localhost:PORT/secure", "ok"),
        ("/secure", "ok"),
    ] {
        let server = Server::start_tls(
            server_config(&authority, &["localhost"], BOTH),
            move |mut peer| {
                if peer.read_head().starts_with("GET /secure ") {
                    peer.say(crate::support::UPGRADED);
                    return peer.hold();
                }
                let location = location.replace("PORT", &peer.tcp.local_addr().unwrap().port().to_string());
                peer.say(format!(
                    "HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                ));
            },
        );
        let attempt = attempt(&Dial {
            addresses: vec![server.address.ip()],
            ..dial(&server.tls_url())
        });
        assert_eq!(code(&attempt), expected, "{location}: {:?}", attempt.result);
    }
}

#[test]
fn http_1_1_is_offered_and_a_server_without_it_is_refused() {
    let authority = Authority::new("known");
    for (offered, expected) in [("http/1.1", "ok"), ("h2", "tls.failed")] {
        let config = server_config(&authority, &["localhost"], BOTH);
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = vec![offered.into()];
        let server = Server::start_tls(Arc::new(config), |mut peer| {
            peer.upgrade();
            let _ = peer.stream.write_all(&[]);
            peer.hold();
        });
        let attempt = attempt(&Dial {
            addresses: vec![server.address.ip()],
            ..dial(&server.tls_url())
        });
        assert_eq!(code(&attempt), expected, "{offered}: {:?}", attempt.result);
    }
}
