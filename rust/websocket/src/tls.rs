//! TLS: shared configurations, verification, and the handshake's errors.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::Error;

/// What a user can choose about TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// Verify the server's certificate against system roots, the extra CA file and the host.
    pub verify: bool,
    /// PEM file with further CA certificates.
    pub ca_file: Option<PathBuf>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions {
            verify: true,
            ca_file: None,
        }
    }
}

/// A ready TLS configuration; cheap to clone. Connections that share one also share session resumption.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(crate) config: Arc<ClientConfig>,
}

impl Tls {
    /// The configuration for `options`; made once a process and shared (roots cost milliseconds).
    ///
    /// # Errors
    /// `tls.roots`: the CA file cannot be read or holds no certificate, or the system has no roots.
    pub fn new(options: &TlsOptions) -> Result<Self, Error> {
        let _ = options;
        Err(Error::Roots {
            what: "not yet".into(),
        })
    }
}
