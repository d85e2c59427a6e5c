//! The one server of a case, as its users start it, and its own counters, over TLS too.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Deserialize;
use system::serve::{Logged, Serve};
use system::{Error, Result};

use crate::case::{Case, Work};
use crate::usage;

/// How long the server may take to tell its counters, under load.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
pub struct Server {
    serve: Serve,
    tls: Option<Trust>,
}

/// What a client needs to trust the server.
#[derive(Clone)]
pub struct Trust {
    /// The certificate, PEM.
    pub file: PathBuf,
    /// A configuration that trusts it alone.
    pub config: Arc<ClientConfig>,
}

/// The server's counters at one time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// The time, in milliseconds since the server began.
    pub uptime_ms: u64,
    /// Answered with 101.
    pub accepted: u64,
    /// Answered with another status.
    pub refused: u64,
    /// Messages sent back.
    pub echoed: u64,
    /// WebSockets open now.
    pub open: u64,
    /// The first request, milliseconds since 1970.
    pub first_attempt_ms: Option<u64>,
    /// The last 101, milliseconds since 1970.
    pub last_accepted_ms: Option<u64>,
}

impl Counters {
    /// How many operations of this kind the server has seen.
    pub fn operations(&self, work: Work) -> u64 {
        match work {
            Work::Connect | Work::Opening | Work::Idle => self.accepted,
            Work::Refused => self.refused,
            Work::Echo { .. } => self.echoed,
        }
    }
}

impl Server {
    /// Starts the server that a case needs; what it leaves behind lies in `folder`.
    ///
    /// # Errors
    /// When it is not built or does not start.
    pub fn start(case: &Case, folder: &Path) -> Result<Self> {
        let certificate = folder.join("server.pem");
        let certificate_text = certificate.display().to_string();
        let mut options = vec![
            "--limit",
            if case.work == Work::Refused {
                "concurrency limit=0"
            } else {
                "none"
            },
        ];
        if case.tls {
            options.extend(["--tls", "--cert-out", &certificate_text]);
        }
        let serve = if case.work == Work::Opening {
            Serve::start_with_log(&options, &folder.join("server.jsonl"))?
        } else {
            Serve::start(&options)?
        };
        let tls = case.tls.then(|| Trust::in_file(&certificate)).transpose()?;
        Ok(Self { serve, tls })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.serve.address()
    }

    /// Its URL, by address, so that no client pays for a name.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}/", self.address())
    }

    /// How to trust it, where it speaks TLS.
    pub fn trust(&self) -> Option<&Trust> {
        self.tls.as_ref()
    }

    /// Its CPU time until now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration> {
        usage::cpu(self.serve.id())
    }

    /// What it counted until now.
    ///
    /// # Errors
    /// When it does not answer as agreed.
    pub fn counters(&self) -> Result<Counters> {
        let what = format!("/stats of {}", self.address());
        let answer = self.get().map_err(|source| Error::Io {
            what: what.clone(),
            source,
        })?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).map_err(|error| Error::Content {
            what,
            why: error.to_string(),
        })
    }

    /// Ends it and reads its log.
    ///
    /// # Errors
    /// When it has none.
    pub fn stop_and_read_log(self) -> Result<Vec<Logged>> {
        self.serve.stop_and_read_log()
    }

    fn get(&self) -> std::io::Result<String> {
        let tcp = TcpStream::connect_timeout(&self.address(), PATIENCE)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_nodelay(true)?;
        let mut answer = String::new();
        match &self.tls {
            None => ask(tcp, &mut answer),
            Some(trust) => ask(trust.client(self.address(), tcp)?, &mut answer),
        }?;
        Ok(answer)
    }
}

impl Trust {
    fn in_file(file: &Path) -> Result<Self> {
        let wrong = |why: String| Error::Content {
            what: file.display().to_string(),
            why,
        };
        let certificate = CertificateDer::from_pem_file(file).map_err(|error| wrong(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            file: file.to_owned(),
            config: Arc::new(config),
        })
    }

    /// The client's side of TLS over a connection; the handshake comes with the first bytes.
    pub fn client(
        &self,
        address: SocketAddr,
        tcp: TcpStream,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::IpAddress(address.ip().into());
        let session = ClientConnection::new(Arc::clone(&self.config), name).map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(session, tcp))
    }
}

fn ask(mut stream: impl Read + Write, answer: &mut String) -> std::io::Result<usize> {
    stream.write_all(b"GET /stats HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n")?;
    stream.read_to_string(answer)
}
