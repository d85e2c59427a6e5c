//! A scripted peer on a raw socket, one thread a connection, and short ways to dial it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use websocket::{
    Answers, Attempt, Connection, Cookies, Dial, Error, MessageKind, Names, Outgoing, Sources, Target, Tls,
    TlsOptions, USUAL_TTL, open,
};

/// Long enough for anything that works, short enough that a hang shows.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// The server's side of one connection.
pub struct Peer {
    pub stream: Box<dyn Stream>,
    pub tcp: TcpStream,
    /// The request's head, once `read_head` was called.
    pub request: String,
}

impl Peer {
    /// Reads up to the empty line; empty when the client went away.
    pub fn read_head(&mut self) -> &str {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && matches!(self.stream.read(&mut byte), Ok(1)) {
            head.push(byte[0]);
        }
        self.request = String::from_utf8(head).unwrap();
        &self.request
    }

    /// Writes; `{accept}` stands for the accept key of the request read. A client that went away is no fault.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let filled = self.filled(bytes.as_ref());
        let _ = self.stream.write_all(&filled).and_then(|()| self.stream.flush());
    }

    /// With the accept key in the place of `{accept}`.
    pub fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let marker = b"{accept}";
        match bytes.windows(marker.len()).position(|window| window == marker) {
            Some(at) => [
                &bytes[..at],
                self.accept_key().as_bytes(),
                &bytes[at + marker.len()..],
            ]
            .concat(),
            None => bytes.to_vec(),
        }
    }

    fn accept_key(&self) -> String {
        let key = self
            .request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        derive_accept_key(key.unwrap_or_default().as_bytes())
    }

    /// Reads the request and answers with a plain 101.
    pub fn upgrade(&mut self) {
        self.read_head();
        self.say(UPGRADED);
    }

    /// Keeps the connection open until the client ends it.
    pub fn hold(&mut self) {
        let mut rest = [0; 4096];
        while matches!(self.stream.read(&mut rest), Ok(read) if read > 0) {}
    }

    /// Ends it with a TCP reset.
    pub fn reset(self) {
        let socket = socket2::SockRef::from(&self.tcp);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn half_close(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Reads one frame of the client: opcode (with FIN) and unmasked payload; `None` at the end.
    pub fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        assert_eq!(head[1] & 0x80, 0x80, "a client must mask");
        let length = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            small => u64::from(small),
        };
        let mask: [u8; 4] = self.bytes()?;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        Some((head[0], payload))
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// A 101 as most servers send it.
pub const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: {accept}\r\n\r\n";

/// A frame as servers send it, unmasked; `first` is FIN and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        small @ 0..=125 => frame.push(u8::try_from(small).unwrap()),
        middle @ 126..=65535 => {
            frame.push(126);
            frame.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        large => {
            frame.push(127);
            frame.extend((large as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Listens on a free port of a loopback address until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(script: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), 0, None, script)
    }

    pub fn start_tls(config: Arc<ServerConfig>, script: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), 0, Some(config), script)
    }

    pub fn start_on(
        ip: IpAddr,
        port: u16,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(Peer) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((ip, port)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            address,
            accepted: Arc::default(),
            stopped: Arc::default(),
        };
        let (accepted, stopped) = (server.accepted.clone(), server.stopped.clone());
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                let (script, tls) = (script.clone(), tls.clone());
                std::thread::spawn(move || script(Peer::new(tcp, tls)));
            }
        });
        server
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// For TLS: the name that the test certificate is for.
    pub fn tls_url(&self) -> String {
        format!("wss://localhost:{}/", self.address.port())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Peer {
    fn new(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> Self {
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        let plain = tcp.try_clone().unwrap();
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(plain),
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), plain)),
        };
        Peer {
            stream,
            tcp,
            request: String::new(),
        }
    }
}

pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// A dial with nothing special.
pub fn dial(url: &str) -> Dial {
    Dial {
        target: Target::parse(url).unwrap(),
        headers: Vec::new(),
        login: None,
        subprotocols: Vec::new(),
        addresses: Vec::new(),
        names: Names::system(),
        name_ttl: USUAL_TTL,
        proxy: None,
        sources: Sources::default(),
        tls: Tls::new(&TlsOptions {
            verify: false,
            ..TlsOptions::default()
        })
        .unwrap(),
        connect_timeout: PATIENCE,
        max_redirects: 5,
        plain: false,
        compression: false,
        max_message: 16 << 20,
        answers: Answers::default(),
    }
}

pub fn attempt(dial: &Dial) -> Attempt {
    attempt_within(dial, PATIENCE)
}

pub fn attempt_within(dial: &Dial, timeout: Duration) -> Attempt {
    runtime().block_on(open(dial, &Cookies::default(), timeout))
}

/// The code of a failure, or `ok`.
pub fn code(attempt: &Attempt) -> &'static str {
    attempt
        .result
        .as_ref()
        .map_or_else(|error| error.code().as_str(), |_| "ok")
}

pub fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A port of loopback on which nothing listens (it was free a moment ago).
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Kind and payload.
pub type Message = (MessageKind, Vec<u8>);

pub fn text(text: &str) -> Message {
    (MessageKind::Text, text.into())
}

pub fn binary(payload: &[u8]) -> Message {
    (MessageKind::Binary, payload.into())
}

pub fn send(connection: &mut Connection, (kind, payload): &Message) -> Result<u64, Error> {
    connection.send(&Outgoing::new(*kind, payload), PATIENCE)
}

pub fn receive(connection: &mut Connection) -> Result<Message, Error> {
    let received = connection.receive(PATIENCE)?;
    Ok((received.kind, received.payload))
}

/// Plays the server: the frames of the client come back.
pub fn echo(mut peer: Peer) {
    peer.upgrade();
    while let Some((first, payload)) = peer.read_frame() {
        peer.say(frame(first, &payload));
    }
}

/// A connection whose peer runs `script` after the upgrade.
pub fn connected(script: impl Fn(Peer) + Send + Sync + 'static) -> (Connection, Server) {
    let server = Server::start(move |mut peer| {
        peer.upgrade();
        script(peer);
    });
    (attempt(&dial(&server.url("/"))).result.unwrap(), server)
}
