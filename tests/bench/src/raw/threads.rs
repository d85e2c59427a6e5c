//! A blocking thread for each connection: what a thread of JMeter could reach at best.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::{ClientConnection, StreamOwned};
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client::client_with_config};

use super::{Job, Outcome, closed, message, settings};
use crate::case::Work;

/// Plain or over TLS.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// Does the job to its end.
pub fn run(job: &Job) -> Outcome {
    let mut openings = Vec::new();
    match job.work {
        Work::Refused => {
            while Instant::now() < job.until {
                match open(job) {
                    Err(Error::Http(answer)) if answer.status() == 429 => {}
                    Err(error) => return Err(error),
                    Ok(_) => return Err(std::io::Error::other("let in, and a refusal was due").into()),
                }
            }
        }
        Work::Echo { bytes, .. } => echo(job, bytes)?,
        Work::Connect | Work::Opening | Work::Idle => {
            while Instant::now() < job.until {
                let start = Instant::now();
                let socket = open(job)?;
                openings.push(start.elapsed());
                close(socket)?;
            }
        }
    }
    Ok(openings)
}

fn echo(job: &Job, bytes: usize) -> Result<(), Error> {
    let mut socket = open(job)?;
    let message = message(bytes);
    while Instant::now() < job.until {
        socket.send(message.clone())?;
        while !matches!(socket.read()?, Message::Text(_)) {}
    }
    close(socket)
}

fn open(job: &Job) -> Result<WebSocket<Stream>, Error> {
    let tcp = TcpStream::connect(job.address)?;
    tcp.set_nodelay(true)?;
    let stream = match &job.trust {
        None => Stream::Plain(tcp),
        Some(trust) => Stream::Tls(Box::new(trust.client(job.address, tcp)?)),
    };
    match client_with_config(job.url.as_str(), stream, Some(settings())) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(error)) => Err(error),
        Err(HandshakeError::Interrupted(_)) => unreachable!("the socket blocks"),
    }
}

fn close(mut socket: WebSocket<Stream>) -> Result<(), Error> {
    socket.close(None)?;
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(error) if closed(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.read(bytes),
            Stream::Tls(tls) => tls.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Stream::Plain(tcp) => tcp.write(bytes),
            Stream::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Stream::Plain(tcp) => tcp.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}
