//! TLS: configurations that are shared, and the handshake. A user's own sessions stand in `sessions`, how to trust in `verify`, whom
//! everybody trusts in `roots`.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use once_cell::sync::OnceCell;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use self::roots::{lacks_roots, trust_for_want_of_system_roots};
pub use self::sessions::Sessions;
use self::verify::{Trusted, Verifier, in_words};
use crate::Error;
use crate::tcp::Socket;

mod roots;
mod sessions;
mod verify;

/// What a user can choose about TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// Verify the server's certificate against the system's roots (see [`lacks_roots`]), the extra CA file and the host.
    pub verify: bool,
    /// PEM file with further CA certificates; not read without `verify`.
    pub ca_file: Option<PathBuf>,
    /// Shown to servers that ask for a client certificate.
    pub identity: Option<Identity>,
    /// Further CA certificates, DER; those that are no usable CA certificate are passed over. Unused without `verify`.
    pub extra_roots: Vec<Vec<u8>>,
    /// Whose sessions a handshake may take up again.
    pub resume: Resume,
}

/// Whose sessions a handshake may take up again (RFC 8446 section 2.2, RFC 5077): one that does costs the server less, and a
/// thousand users who share theirs look like one that comes back a thousand times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resume {
    /// Those of the user alone, see [`Tls::of_user`].
    #[default]
    User,
    /// Those of all connections with the same options.
    Shared,
    /// None: each handshake is a full one.
    Off,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client certificate with its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The certificate first, then those that lead to its CA; DER.
    pub chain: Vec<Vec<u8>>,
    /// The private key, PKCS#8 DER.
    pub key: Vec<u8>,
}

/// Without the key: configurations end up in logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions {
            verify: true,
            ca_file: None,
            identity: None,
            extra_roots: Vec::new(),
            resume: Resume::default(),
        }
    }
}

/// A TLS configuration; cheap to clone.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
    /// Of [`Resume::User`].
    sessions: Option<Sessions>,
}

struct Shared {
    options: TlsOptions,
    extra: Vec<CertificateDer<'static>>,
    /// Made when first needed: the system's roots cost milliseconds, and plain connections must work without any.
    verifier: Arc<OnceCell<Arc<dyn ServerCertVerifier>>>,
    config: OnceCell<Arc<ClientConfig>>,
}

/// How servers are verified, without the client's identity.
type Trust = (bool, Option<PathBuf>, Vec<Vec<u8>>);

/// Options and, so that a long-lived JMeter sees a CA file that was replaced, the file's time and length.
type Key = (TlsOptions, Option<(SystemTime, u64)>);

/// Those in use: a test that makes certificates up for its users must not keep all of them to its end.
static CACHE: LazyLock<Mutex<HashMap<Key, Weak<Shared>>>> = LazyLock::new(Mutex::default);

impl Tls {
    /// The configuration for `options`, shared in the process as long as anybody holds it. System roots are loaded by the first connection that needs
    /// them (whose error is `tls.roots` when there are none).
    ///
    /// # Errors
    /// `tls.roots`: the CA file cannot be read or holds no certificate; `tls.identity`: certificate and key cannot be used.
    pub fn new(options: &TlsOptions) -> Result<Self, Error> {
        let file = options.ca_file.as_deref().filter(|_| options.verify);
        let stamp = file.and_then(|path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        });
        let key = (options.clone(), stamp);
        let mut cache = lock(&CACHE);
        if let Some(shared) = cache.get(&key).and_then(Weak::upgrade) {
            return Ok(Tls {
                shared,
                sessions: None,
            });
        }
        cache.retain(|_, shared| shared.strong_count() > 0);
        let mut extra = file.map(read_ca_file).transpose()?.unwrap_or_default();
        extra.extend(options.extra_roots.iter().cloned().map(CertificateDer::from));
        if let Some(identity) = &options.identity {
            identity.key()?;
        }
        // A certificate for each user must not mean all the system's roots for each user.
        let same_trust = cache
            .iter()
            .filter(|((known, when), _)| trust(known) == trust(options) && *when == stamp)
            .find_map(|(_, shared)| shared.upgrade());
        let verifier = same_trust.map_or_else(Arc::default, |shared| shared.verifier.clone());
        let shared = Arc::new(Shared {
            options: options.clone(),
            extra,
            verifier,
            config: OnceCell::new(),
        });
        // A file without a stamp cannot be read either, so what is kept is always current.
        cache.retain(|(known, _), _| known != options);
        cache.insert(key, Arc::downgrade(&shared));
        Ok(Tls {
            shared,
            sessions: None,
        })
    }

    /// The same for a user with these sessions, which count where the options say [`Resume::User`]; without any, each handshake of
    /// that kind is a full one.
    #[must_use]
    pub fn of_user(&self, sessions: Sessions) -> Self {
        Tls {
            shared: self.shared.clone(),
            sessions: Some(sessions),
        }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let common = self
            .shared
            .config
            .get_or_try_init(|| self.shared.build().map(Arc::new))?;
        Ok(match (self.shared.options.resume, &self.sessions) {
            (Resume::User, Some(sessions)) => sessions.config(&self.shared, common),
            _ => common.clone(),
        })
    }

    /// The client's side of the handshake over `socket`; the certificate must be for `host`.
    pub(crate) async fn connect(&self, host: &str, socket: Socket) -> Result<TlsStream<Socket>, Error> {
        let failed = |what: String| Error::Tls {
            host: host.into(),
            what,
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| failed("the host is no name that a certificate can be for".into()))?;
        let connector = TlsConnector::from(self.config()?);
        connector
            .connect(name, socket)
            .await
            .map_err(|error| handshake_error(host, error))
    }
}

fn trust(options: &TlsOptions) -> Trust {
    (
        options.verify,
        options.ca_file.clone(),
        options.extra_roots.clone(),
    )
}

impl Identity {
    /// The chain and the key; the key is known to be the certificate's.
    fn key(&self) -> Result<Arc<CertifiedKey>, Error> {
        let chain: Vec<CertificateDer<'static>> =
            self.chain.iter().cloned().map(CertificateDer::from).collect();
        let fault = |what: String| Error::Identity { what };
        if chain.is_empty() {
            return Err(fault("the client certificate is missing".into()));
        }
        let key = PrivatePkcs8KeyDer::from(self.key.clone());
        let key = CertifiedKey::from_der(chain, key.into(), &ring::default_provider())
            .map_err(|error| fault(format!("client certificate and key: {error}")))?;
        Ok(Arc::new(key))
    }
}

impl Shared {
    fn build(&self) -> Result<ClientConfig, Error> {
        let verifier = self.verifier.get_or_try_init(|| self.verifier())?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites for TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone());
        let mut config = match &self.options.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key()?)))
            }
            None => builder.with_no_client_auth(),
        };
        // As browsers do for wss: a balancer that prefers HTTP/2 must not choose it here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if self.options.resume != Resume::Shared {
            config.resumption = Resumption::disabled();
        }
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let provider = provider();
        let trust = if self.options.verify {
            let roots = Arc::new(self.roots()?);
            let issued = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
            Trusted::NamedOrIssued {
                issued: issued.map_err(|error| Error::Roots {
                    what: error.to_string(),
                })?,
                named: self.extra.clone(),
            }
        } else {
            Trusted::Anyone
        };
        Ok(Arc::new(Verifier { trust, provider }))
    }

    /// What the user named is enough where there is nothing else.
    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        let common = roots::common();
        roots.add_parsable_certificates(common.iter().flatten().cloned());
        roots.add_parsable_certificates(self.extra.iter().cloned());
        if roots.is_empty() {
            common?;
        }
        Ok(roots)
    }
}

/// Named because a process-wide default may be missing, which panics. AES of 128 bits comes first, as browsers have it: its SHA-256
/// has instructions of its own on most processors, the SHA-384 of 256 bits has none, and handshakes hash a lot.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    // Stable: among themselves the others keep their order.
    provider
        .cipher_suites
        .sort_by_key(|suite| !is_aes_128(suite.suite()));
    Arc::new(provider)
}

fn is_aes_128(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}

fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |what: String| Error::Roots {
        what: format!("CA file {}: {what}", path.display()),
    };
    // A pipe would wait for whoever writes into it, and a device may have no end.
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(fault("it is no file".into()));
    }
    let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let mut certificates = Vec::new();
    let mut usable = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        usable
            .add(certificate.clone())
            .map_err(|error| fault(error.to_string()))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(fault("there is no PEM certificate in it".into()));
    }
    Ok(certificates)
}

/// rustls' errors come wrapped in `io::Error`; those without one inside are the socket's own.
fn handshake_error(host: &str, error: io::Error) -> Error {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(fault)) => Error::Certificate {
            host: host.into(),
            what: in_words(fault),
        },
        Some(fault @ rustls::Error::NoCertificatesPresented) => Error::Certificate {
            host: host.into(),
            what: fault.to_string(),
        },
        Some(fault) => Error::Tls {
            host: host.into(),
            what: fault.to_string(),
        },
        None => Error::TlsClosed {
            host: host.into(),
            source: error,
        },
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.options.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cipher_suites_are_offered_and_those_with_aes_128_first() {
        let offered: Vec<CipherSuite> = provider()
            .cipher_suites
            .iter()
            .map(rustls::SupportedCipherSuite::suite)
            .collect();
        let standard = ring::default_provider().cipher_suites;
        assert_eq!(offered.len(), standard.len());
        assert!(standard.iter().all(|each| offered.contains(&each.suite())));
        assert_eq!(offered.iter().position(|suite| !is_aes_128(*suite)), Some(3));
    }

    #[test]
    fn options_share_one_configuration() {
        let options = TlsOptions {
            verify: false,
            ..TlsOptions::default()
        };
        let first = Tls::new(&options).unwrap();
        let second = Tls::new(&options).unwrap();
        assert!(Arc::ptr_eq(&first.config().unwrap(), &second.config().unwrap()));
        let other = Tls::new(&TlsOptions::default()).unwrap();
        assert!(!Arc::ptr_eq(&first.shared, &other.shared));
    }

    #[test]
    fn configurations_that_nobody_uses_are_forgotten() {
        let options = |number: u8| TlsOptions {
            verify: false,
            extra_roots: vec![b"of this test".to_vec(), vec![number]],
            ..TlsOptions::default()
        };
        let of_this_test = |cache: &HashMap<Key, Weak<Shared>>| {
            let own = cache.keys().filter(|(options, _)| options.extra_roots.len() == 2);
            own.count()
        };
        for number in 0..100 {
            drop(Tls::new(&options(number)).unwrap());
        }
        let kept = Tls::new(&options(0)).unwrap();
        assert_eq!(of_this_test(&CACHE.lock().unwrap()), 1);
        let again = Tls::new(&options(0)).unwrap();
        assert!(Arc::ptr_eq(&kept.shared, &again.shared));
    }

    #[test]
    fn a_ca_file_that_cannot_be_used_is_named() {
        let missing = PathBuf::from("/nowhere/ca.pem");
        let of = |ca_file: &Path| {
            Tls::new(&TlsOptions {
                verify: true,
                ca_file: Some(ca_file.into()),
                ..TlsOptions::default()
            })
        };
        let error = of(&missing).unwrap_err();
        assert_eq!(error.code().as_str(), "tls.roots");
        assert!(error.detail().contains("/nowhere/ca.pem"), "{error}");
        let error = of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).unwrap_err();
        assert!(error.detail().contains("no PEM certificate"), "{error}");
        // A folder, as a pipe or /dev/zero.
        let error = of(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
        assert!(error.detail().contains("no file"), "{error}");
        assert!(
            Tls::new(&TlsOptions {
                verify: false,
                ca_file: Some(missing),
                ..TlsOptions::default()
            })
            .is_ok()
        );
    }
}
