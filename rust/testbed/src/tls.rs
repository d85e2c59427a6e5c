//! The certificate that the server makes for itself at start.

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Names and addresses that the certificate is good for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What TLS needs.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// The self-signed certificate: also the root that a client must trust.
    pub(crate) certificate_pem: String,
}

impl Identity {
    /// Makes a new key and a certificate for this machine.
    pub(crate) fn make() -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(made.key_pair.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .map_err(io::Error::other)?;
        Ok(Self {
            acceptor: Arc::new(config).into(),
            certificate_pem: made.cert.pem(),
        })
    }
}
