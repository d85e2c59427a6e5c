//! Starts and stops the server: the listening socket, its own runtime on its own threads, the accept loop.

use crate::config::Config;
use crate::connection::Connection;
use crate::log::Log;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::tls::Identity;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// A herd of thousands connects at once; the kernel cuts this to its own bound.
const BACKLOG: i32 = 4_096;
/// How long all connections together may take to end when the server stops.
const STOPPING: Duration = Duration::from_secs(2);

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    certificate_pem: Option<String>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
    log_error: Mutex<Option<String>>,
}

impl Server {
    /// Listens, and serves on threads of its own. May be called from any thread, also from within another runtime.
    ///
    /// # Errors
    /// `InvalidInput` for a setting out of its bounds ([`Config::check`]); else what the address, the log file or the
    /// threads failed with, named in the text.
    pub fn start(config: Config) -> io::Result<Self> {
        config
            .check()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let identity = if config.tls { Some(Identity::make()?) } else { None };
        let listener =
            listen(config.listen).map_err(|error| because(&error, "cannot listen on", config.listen))?;
        let addr = listener.local_addr()?;
        let log = match &config.log {
            Some(path) => Some(
                Log::create(path).map_err(|error| because(&error, "cannot write the log", path.display()))?,
            ),
            None => None,
        };
        let (acceptor, certificate_pem) = identity.map(|made| (made.acceptor, made.certificate_pem)).unzip();
        let workers = config.workers;
        let shared = Arc::new(Shared::new(config, log));
        let (stop, stopped) = watch::channel(false);
        let serving = Serving {
            listener,
            acceptor,
            shared: Arc::clone(&shared),
            stopped: Stopped(stopped),
        };
        let thread = spawn(workers, serving)?;
        Ok(Self {
            addr,
            certificate_pem,
            shared,
            stop,
            thread: Mutex::new(Some(thread)),
            log_error: Mutex::default(),
        })
    }

    /// Where it listens, with the port that was chosen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `ws://127.0.0.1:9001`, or `wss:` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "{}://{}",
            if self.certificate_pem.is_some() {
                "wss"
            } else {
                "ws"
            },
            self.addr
        )
    }

    /// The same figures as `GET /stats`; also after the stop.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// With TLS, the certificate in PEM: good for localhost, 127.0.0.1 and ::1, self-signed, so the root to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Ends listening, closes open WebSockets with 1001 and all other connections, and completes the log. Returns when
    /// that is done, after about two seconds at the latest. A second call does nothing.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let _ = thread.join();
        if let Some(Err(error)) = self.shared.log.as_ref().map(Log::finish) {
            *self.log_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }

    /// After the stop: why lines of the log are missing, if any are.
    #[must_use]
    pub fn log_error(&self) -> Option<String> {
        self.log_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn because(error: &io::Error, what: &str, which: impl std::fmt::Display) -> io::Error {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program listens there: end it, or listen on another port, or on port 0 for any that is free"
        }
        io::ErrorKind::AddrNotAvailable => "; no interface of this machine has this address",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{what} {which}: {error}{cure}"))
}

fn listen(addr: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    // On Windows the option means something else: another process could take the port over.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Tells a task that the server stops.
#[derive(Debug, Clone)]
pub(crate) struct Stopped(watch::Receiver<bool>);

impl Stopped {
    /// Returns once the server stops, at once if it has. Cancel safe. (What `wait_for` returns holds a lock: it must not
    /// leave this function.)
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// Whether the server stops. Those who wait are woken one after the other; this is true before the first one is.
    pub(crate) fn came(&self) -> bool {
        *self.0.borrow()
    }
}

/// What the serving thread works on.
struct Serving {
    listener: StdListener,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stopped: Stopped,
}

/// A thread that owns the runtime, so that the runtime is never dropped inside of another one, which would panic.
fn spawn(workers: Option<usize>, serving: Serving) -> io::Result<JoinHandle<()>> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().thread_name("testbed");
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("testbed-main".to_owned())
        .spawn(move || {
            let begun: io::Result<(Runtime, TcpListener)> = builder.build().and_then(|runtime| {
                let guard = runtime.enter();
                let listener = TcpListener::from_std(serving.listener)?;
                drop(guard);
                Ok((runtime, listener))
            });
            match begun {
                Ok((runtime, listener)) => {
                    let _ = tell.send(Ok(()));
                    let loops = accept_all(listener, serving.acceptor, serving.shared, serving.stopped);
                    // As a task: accepted connections then start on the worker that accepted them.
                    let task = runtime.spawn(loops);
                    let _ = runtime.block_on(task);
                    runtime.shutdown_timeout(Duration::from_millis(500));
                }
                Err(error) => _ = tell.send(Err(error)),
            }
        })?;
    told.recv()
        .unwrap_or_else(|_| Err(io::Error::other("the server's thread ended before it began")))?;
    Ok(thread)
}

async fn accept_all(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stopped: Stopped,
) {
    let (alive, mut all_ended) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped.wait() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, peer)) = accepted else {
            // Out of file descriptors, mostly: some must be closed before it makes sense to go on.
            shared.accept_failed();
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let accepted_at = SystemTime::now();
        let _ = tcp.set_nodelay(true);
        let connection = Connection {
            shared: Arc::clone(&shared),
            tcp,
            peer,
            accepted_at,
        };
        let (acceptor, stopped, alive) = (acceptor.clone(), stopped.clone(), alive.clone());
        tokio::spawn(async move {
            connection.serve(acceptor, stopped).await;
            drop(alive);
        });
    }
    drop((listener, alive));
    let _ = timeout(STOPPING, all_ended.recv()).await;
}
