//! Client certificates, and roots that come from elsewhere than a file.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use websocket::{Attempt, Dial, Identity, Tls, TlsOptions};

use crate::support::{Server, attempt, code, dial, echo, receive, send, text};
use crate::tls::Authority;

fn identity(authority: &Authority) -> Identity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["user".to_owned()]).unwrap();
    let certificate = params
        .signed_by(&key, &authority.certificate, &authority.key)
        .unwrap();
    Identity {
        chain: vec![certificate.der().to_vec()],
        key: key.serialize_der(),
    }
}

/// A server that lets in only who shows a certificate of `authority`.
fn strict(authority: &Authority, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params
        .signed_by(&key, &authority.certificate, &authority.key)
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    Arc::new(config.unwrap())
}

fn attempt_with(server: &Server, options: &TlsOptions) -> Attempt {
    attempt(&Dial {
        addresses: vec![server.address.ip()],
        tls: Tls::new(options).unwrap(),
        ..dial(&server.tls_url())
    })
}

#[test]
fn a_certificate_that_the_server_asks_for_is_shown() {
    let authority = Authority::new("known");
    let other = Authority::new("other");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let server = Server::start_tls(strict(&authority, version), echo);
        for (name, shown, works) in [
            ("none", None, false),
            ("of another CA", Some(identity(&other)), false),
            ("the right one", Some(identity(&authority)), true),
        ] {
            let attempt = attempt_with(
                &server,
                &TlsOptions {
                    identity: shown,
                    extra_roots: vec![b"no certificate".to_vec(), authority.certificate.der().to_vec()],
                    ..TlsOptions::default()
                },
            );
            if works {
                assert_eq!(code(&attempt), "ok", "{name}: {:?}", attempt.result);
                let mut connection = attempt.result.unwrap();
                send(&mut connection, &text("hello")).unwrap();
                assert_eq!(receive(&mut connection).unwrap(), text("hello"));
            } else {
                // The server may have reset the connection before its alert was read.
                let codes = ["tls.failed", "tls.closed", "upgrade.reset"];
                assert!(codes.contains(&code(&attempt)), "{name}: {:?}", attempt.result);
            }
        }
    }
}

#[test]
fn a_root_that_was_handed_over_is_trusted_and_no_other() {
    let authority = Authority::new("known");
    let other = Authority::new("other");
    let config = crate::tls::server_config(&authority, &["localhost"], rustls::DEFAULT_VERSIONS);
    let server = Server::start_tls(config, echo);
    for (root, expected) in [(&authority, "ok"), (&other, "tls.certificate")] {
        let options = TlsOptions {
            extra_roots: vec![root.certificate.der().to_vec()],
            ..TlsOptions::default()
        };
        assert_eq!(code(&attempt_with(&server, &options)), expected);
    }
}

#[test]
fn an_identity_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let good = identity(&Authority::new("known"));
    let stranger = identity(&Authority::new("known"));
    for (name, chain, key) in [
        ("no certificate", vec![], good.key.clone()),
        ("no key", good.chain.clone(), vec![]),
        ("damaged key", good.chain.clone(), vec![1, 2, 3]),
        ("another's key", good.chain.clone(), stranger.key),
    ] {
        let options = TlsOptions {
            identity: Some(Identity { chain, key }),
            ..TlsOptions::default()
        };
        let error = Tls::new(&options).unwrap_err();
        assert_eq!(error.code().as_str(), "tls.identity", "{name}: {error}");
    }
    assert_eq!(format!("{good:?}"), "Identity(1 certificates)");
}
