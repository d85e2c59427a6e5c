//! One asynchronous worker for all connections: what is possible where no thread of JMeter is in between.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Job, Outcome, closed, message, settings};
use crate::case::Work;

/// The word that [`hold`] begins its line with.
pub const HOLDING: &str = "holding";
/// Nobody forgets a process that ends by itself.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

type Socket = WebSocketStream<Box<dyn Duplex>>;

/// Does the job to its end in so many tasks.
pub fn run(job: &Job, tasks: u32) -> Outcome {
    let runtime = runtime()?;
    let job = Arc::new(job.clone());
    let mut openings = Vec::new();
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            running.spawn(task(Arc::clone(&job)));
        }
        while let Some(done) = running.join_next().await {
            openings.extend(done.expect("a task does not panic")?);
        }
        Ok(openings)
    })
}

/// Opens so many plain connections, says so on standard output, and holds them until its process is ended.
///
/// # Errors
/// When one cannot be opened.
pub fn hold(address: SocketAddr, connections: u32) -> Result<(), Error> {
    let job = Arc::new(Job {
        address,
        url: format!("ws://{address}/"),
        trust: None,
        work: Work::Idle,
        until: Instant::now(),
    });
    runtime()?.block_on(async {
        let mut opening = JoinSet::new();
        for _ in 0..connections {
            let job = Arc::clone(&job);
            opening.spawn(async move { open(&job).await });
        }
        let mut sockets = Vec::new();
        while let Some(done) = opening.join_next().await {
            sockets.push(done.expect("a task does not panic")?);
        }
        println!("{HOLDING} {}", sockets.len());
        std::thread::sleep(LONGEST_HOLD);
        Ok(())
    })
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_io().build()
}

async fn task(job: Arc<Job>) -> Outcome {
    let mut openings = Vec::new();
    if let Work::Echo { bytes, .. } = job.work {
        let mut socket = open(&job).await?;
        let message = message(bytes);
        while Instant::now() < job.until {
            socket.send(message.clone()).await?;
            while !matches!(
                socket.next().await.ok_or(Error::AlreadyClosed)??,
                Message::Text(_)
            ) {}
        }
        close(socket).await?;
        return Ok(openings);
    }
    while Instant::now() < job.until {
        let start = Instant::now();
        match open(&job).await {
            Ok(socket) => {
                openings.push(start.elapsed());
                close(socket).await?;
            }
            Err(Error::Http(answer)) if job.work == Work::Refused && answer.status() == 429 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(openings)
}

async fn open(job: &Job) -> Result<Socket, Error> {
    let tcp = TcpStream::connect(job.address).await?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Duplex> = match &job.trust {
        None => Box::new(tcp),
        Some(trust) => {
            let name = ServerName::IpAddress(job.address.ip().into());
            Box::new(
                TlsConnector::from(Arc::clone(&trust.config))
                    .connect(name, tcp)
                    .await?,
            )
        }
    };
    let (socket, _) = client_async_with_config(job.url.as_str(), stream, Some(settings())).await?;
    Ok(socket)
}

async fn close(mut socket: Socket) -> Result<(), Error> {
    socket.close(None).await?;
    while let Some(message) = socket.next().await {
        match message {
            Err(error) if !closed(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
