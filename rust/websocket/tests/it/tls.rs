//! TLS: what is trusted, what is not, and messages over it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use websocket::{Connection, Dial, Outgoing, Resume, Sessions, Tls, TlsOptions};

use crate::support::{
    PATIENCE, Peer, Server, attempt, attempt_within, binary, code, dial, echo, frame, receive, send, text,
};

/// A CA of our own.
pub struct Authority {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
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

fn verifying(ca_file: Option<PathBuf>) -> Tls {
    Tls::new(&TlsOptions {
        verify: true,
        ca_file,
        ..TlsOptions::default()
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
            ..TlsOptions::default()
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
            "signed by nobody who is trusted here",
        ),
        (
            "system roots only",
            &local,
            "localhost",
            verifying(None),
            "tls.certificate",
            "signed by nobody who is trusted here",
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
                let sent = binary(&vec![7; length]);
                send(&mut connection, &sent).unwrap();
                assert!(receive(&mut connection).unwrap() == sent, "{version:?} {length}");
            }
            let short = Duration::from_millis(20);
            assert_eq!(
                connection.receive(short).unwrap_err().code().as_str(),
                "message.timeout"
            );
            send(&mut connection, &text("still there")).unwrap();
            assert_eq!(receive(&mut connection).unwrap(), text("still there"));
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
fn a_cancel_ends_a_send_over_tls_that_nobody_reads() {
    let authority = Authority::new("known");
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::start_tls(
        server_config(&authority, &["localhost"], BOTH),
        move |mut peer| {
            peer.upgrade();
            // Reads nothing more until the test is over.
            let _ = wait.lock().unwrap().recv();
        },
    );
    let mut connection = secure(&server);
    let canceller = connection.canceller();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        canceller.cancel();
    });
    let long = vec![7; 16 << 20];
    let message = Outgoing::new(websocket::MessageKind::Binary, &long);
    let error = connection.send(&message, PATIENCE).unwrap_err();
    assert_eq!(error.code().as_str(), "cancelled", "{error}");
    thread.join().unwrap();
    drop(done);
}

/// Dials a server by the name that its certificate is for.
fn secure(server: &Server) -> Connection {
    let dial = Dial {
        addresses: vec![server.address.ip()],
        ..dial(&server.tls_url())
    };
    attempt(&dial).result.unwrap()
}

/// The server's TLS, within reach of a script.
type ByHand = StreamOwned<ServerConnection, TcpStream>;

/// Upgrades over TLS, then runs the script as the answer to "go": nothing of it comes together with the 101.
fn by_hand(version: &'static SupportedProtocolVersion, script: fn(&mut ByHand)) -> Server {
    let config = server_config(&Authority::new("known"), &["localhost"], &[version]);
    Server::start(move |mut peer| {
        let session = ServerConnection::new(config.clone()).unwrap();
        let mut tls = StreamOwned::new(session, peer.tcp.try_clone().unwrap());
        let mut byte = [0];
        while !peer.request.ends_with("\r\n\r\n") && matches!(tls.read(&mut byte), Ok(1)) {
            peer.request.push(char::from(byte[0]));
        }
        let answer = peer.filled(crate::support::UPGRADED.as_bytes());
        tls.write_all(&answer).unwrap();
        // Head, mask and payload.
        let mut go = [0; 2 + 4 + 2];
        tls.read_exact(&mut go).unwrap();
        script(&mut tls);
    })
}

#[test]
fn every_end_of_tls_or_of_tcp_is_a_loss() {
    type Script = fn(&mut ByHand);
    fn half(tls: &mut ByHand) {
        tls.write_all(&frame(0x81, b"never whole")[..5]).unwrap();
    }
    fn notify(tls: &mut ByHand) {
        tls.conn.send_close_notify();
        tls.flush().unwrap();
    }
    fn hold(tls: &mut ByHand) {
        let _ = std::io::copy(&mut tls.sock, &mut std::io::sink());
    }
    let cases: [(&str, Script); 6] = [
        ("TCP alone", |_| ()),
        ("TCP in mid-message", half),
        ("TLS alone", |tls| {
            notify(tls);
            hold(tls);
        }),
        ("TLS in mid-message", |tls| {
            half(tls);
            notify(tls);
            hold(tls);
        }),
        ("both, to write", |tls| {
            notify(tls);
            tls.sock.shutdown(Shutdown::Write).unwrap();
            hold(tls);
        }),
        ("a record that no key has made", |tls| {
            tls.sock
                .write_all(&[&[0x17, 3, 3, 0, 32][..], &[7; 32]].concat())
                .unwrap();
            hold(tls);
        }),
    ];
    for version in BOTH {
        for (name, script) in cases {
            let server = by_hand(version, script);
            let mut connection = secure(&server);
            send(&mut connection, &text("go")).unwrap();
            let error = connection.receive(PATIENCE).unwrap_err();
            assert_eq!(
                error.code().as_str(),
                "connection.lost",
                "{name}, {version:?}: {error}"
            );
            assert!(!connection.is_open(), "{name}, {version:?}");
        }
    }
}

#[test]
fn a_server_that_changes_its_keys_is_followed() {
    let server = by_hand(&rustls::version::TLS13, |tls| {
        for text in [b"one", b"two"] {
            tls.write_all(&frame(0x81, text)).unwrap();
            // It asks the client to change its own too.
            tls.conn.refresh_traffic_keys().unwrap();
        }
        tls.write_all(&frame(0x81, b"new")).unwrap();
        // The client's frame of "back": head, mask and payload.
        let mut answer = [0; 2 + 4 + 4];
        tls.read_exact(&mut answer).unwrap();
        tls.write_all(&frame(0x81, b"end")).unwrap();
    });
    let mut connection = secure(&server);
    send(&mut connection, &text("go")).unwrap();
    for expected in ["one", "two", "new"] {
        assert_eq!(receive(&mut connection).unwrap(), text(expected));
    }
    send(&mut connection, &text("back")).unwrap();
    assert_eq!(receive(&mut connection).unwrap(), text("end"));
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
    assert_eq!(receive(&mut connection).unwrap(), text("first"));
    assert_eq!(receive(&mut connection).unwrap(), binary(&[9; 20_000]));
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

/// A certificate as `openssl req -x509` makes it, and a server that shows it.
fn self_signed(
    names: &[&str],
    common_name: &str,
    is_ca: bool,
    last_year: i32,
) -> (Authority, Arc<ServerConfig>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(BOTH)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (Authority { certificate, key }, Arc::new(config))
}

#[test]
fn a_self_signed_certificate_that_the_user_named_is_accepted_for_its_hosts() {
    const FAR: i32 = 4000;
    for (name, names, common_name, is_ca, last_year, expected, detail) in [
        (
            "as openssl makes it",
            &["localhost"][..],
            "x",
            true,
            FAR,
            "ok",
            "",
        ),
        ("common name only", &[], "localhost", true, FAR, "ok", ""),
        ("common name only, no CA", &[], "localhost", false, FAR, "ok", ""),
        (
            "of another host",
            &["other.test"],
            "localhost",
            true,
            FAR,
            "tls.certificate",
            "it is for other.test, not for localhost",
        ),
        (
            "of another common name",
            &[],
            "other.test",
            true,
            FAR,
            "tls.certificate",
            "it is for other.test, not for localhost",
        ),
        (
            "expired",
            &["localhost"],
            "x",
            true,
            2001,
            "tls.certificate",
            "expired",
        ),
    ] {
        let (own, config) = self_signed(names, common_name, is_ca, last_year);
        let server = Server::start_tls(config, echo);
        let (stranger, _) = self_signed(names, common_name, is_ca, last_year);
        for (named, is_own) in [(&own, true), (&stranger, false)] {
            let options = TlsOptions {
                extra_roots: vec![named.certificate.der().to_vec()],
                ..TlsOptions::default()
            };
            let attempt = attempt(&Dial {
                tls: Tls::new(&options).unwrap(),
                addresses: vec![server.address.ip()],
                ..dial(&server.tls_url())
            });
            let expected = if is_own { expected } else { "tls.certificate" };
            assert_eq!(code(&attempt), expected, "{name}: {:?}", attempt.result);
            if let Err(error) = attempt.result {
                let text = error.detail();
                assert!(!text.contains("Other("), "{name}: {text}");
                assert!(!is_own || text.contains(detail), "{name}: {text}");
            }
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_in_words() {
    let (own, config) = self_signed(&["localhost"], "x", true, 4000);
    let (other, _) = self_signed(&["localhost"], "x", true, 4000);
    let server = Server::start_tls(config, echo);
    // Its name and key are trusted, but it is not the certificate that was named.
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "x");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let again = params.self_signed(&own.key).unwrap();
    for (root, words) in [(again.der(), "wsb.tls.caFile"), (other.certificate.der(), "it")] {
        let options = TlsOptions {
            extra_roots: vec![root.to_vec()],
            ..TlsOptions::default()
        };
        let attempt = attempt(&Dial {
            tls: Tls::new(&options).unwrap(),
            addresses: vec![server.address.ip()],
            ..dial(&server.tls_url())
        });
        assert_eq!(code(&attempt), "tls.certificate");
        let text = attempt.result.unwrap_err().detail();
        assert!(text.contains(words) && !text.contains("Other("), "{text}");
    }
}

/// A server that writes down of each handshake whether it was a full one.
fn noting(version: &'static SupportedProtocolVersion) -> (Server, Arc<Mutex<Vec<bool>>>) {
    let config = server_config(&Authority::new("known"), &["localhost"], &[version]);
    let kinds = Arc::<Mutex<Vec<bool>>>::default();
    let seen = kinds.clone();
    let server = Server::start(move |mut peer| {
        let session = ServerConnection::new(config.clone()).unwrap();
        let mut tls = StreamOwned::new(session, peer.tcp.try_clone().unwrap());
        let mut byte = [0];
        while !peer.request.ends_with("\r\n\r\n") && matches!(tls.read(&mut byte), Ok(1)) {
            peer.request.push(char::from(byte[0]));
        }
        let is_full = tls.conn.handshake_kind() != Some(HandshakeKind::Resumed);
        seen.lock().unwrap().push(is_full);
        let answer = peer.filled(crate::support::UPGRADED.as_bytes());
        tls.write_all(&answer).unwrap();
        let _ = tls.read(&mut byte);
    });
    (server, kinds)
}

#[test]
fn whose_sessions_are_taken_up_again_is_the_users_choice() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (resume, expected) in [
            (Resume::User, [true, false, true, false]),
            (Resume::Shared, [true, false, false, false]),
            (Resume::Off, [true, true, true, true]),
        ] {
            let (server, kinds) = noting(version);
            let options = TlsOptions {
                verify: false,
                // A configuration of its own for each case.
                extra_roots: vec![format!("{resume:?} {version:?}").into()],
                resume,
                ..TlsOptions::default()
            };
            let tls = Tls::new(&options).unwrap();
            let (first, second) = (Sessions::default(), Sessions::default());
            for user in [&first, &first, &second, &second] {
                let attempt = attempt(&Dial {
                    tls: tls.of_user(user.clone()),
                    addresses: vec![server.address.ip()],
                    ..dial(&server.tls_url())
                });
                let mut connection = attempt.result.unwrap();
                // The tickets of TLS 1.3 come behind the handshake, here together with the 101.
                let _ = connection.poll();
            }
            assert_eq!(*kinds.lock().unwrap(), expected, "{resume:?} {version:?}");
        }
    }
}
