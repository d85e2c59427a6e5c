//! Where a monitoring system fetches the figures: HTTP at an address of the user's choice, while the test runs. Not here: what it
//! fetches.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use engine::Watcher;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::metrics;

/// What may stand in the setting.
pub const FORMS: &str = "127.0.0.1:9464, or a port alone";

/// So many may ask side by side; others wait.
const ASKING: usize = 8;
/// No head takes longer, and no idle connection keeps its place for longer.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Serves until it is closed, or its runtime ends.
#[derive(Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Handle,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Listens; a port alone is one of this machine only.
    ///
    /// # Errors
    /// The address is none, or cannot be listened at.
    pub fn open(at: &str, runtime: &Handle, watcher: Watcher) -> io::Result<Self> {
        let listener = match at.parse::<u16>() {
            Ok(port) => TcpListener::bind((Ipv4Addr::LOCALHOST, port))?,
            Err(_) => TcpListener::bind(&*at.to_socket_addrs()?.collect::<Vec<_>>())?,
        };
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(entered);
        Ok(Endpoint {
            address,
            runtime: runtime.clone(),
            task: runtime.spawn(serve(listener, watcher)),
        })
    }

    /// Gives the port back; when it returns, others can have it. Not for the runtime's own threads.
    pub fn close(self) {
        self.task.abort();
        // That it was cancelled is no news.
        let _ = self.runtime.block_on(self.task);
    }
}

async fn serve(listener: tokio::net::TcpListener, watcher: Watcher) {
    let places = Arc::new(Semaphore::new(ASKING));
    // Ends all that it has begun when it is dropped itself.
    let mut asked = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(Duration::from_millis(100)).await; // out of files, say: that passes
            continue;
        };
        while asked.try_join_next().is_some() {}
        let watcher = watcher.clone();
        asked.spawn(async move {
            let answer = service_fn(|request| {
                let answer = answer(&request, &watcher);
                async { Ok::<_, Infallible>(answer) }
            });
            // Whoever asks and goes away has no complaint.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_WITHIN)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, watcher: &Watcher) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, header, value: &'static str, body: String| {
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = status;
        answer
            .headers_mut()
            .insert(header, hyper::header::HeaderValue::from_static(value));
        answer
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, ALLOW, "GET, HEAD", String::new());
    }
    if request.uri().path() != "/metrics" {
        let body = "The figures are at /metrics.\n".to_owned();
        return plain(StatusCode::NOT_FOUND, CONTENT_TYPE, "text/plain", body);
    }
    let text = metrics::text(watcher.moment());
    plain(StatusCode::OK, CONTENT_TYPE, metrics::CONTENT_TYPE, text)
}
