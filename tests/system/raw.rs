//! A WebSocket server whose every byte a test chooses, plain and over TLS: what it does with a connection stands in the path
//! that was asked for.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// What a server does with a connection after the upgrade; at its end TCP is closed, without a word of TLS.
pub type Script = fn(&mut Line);

/// The server's end of a connection.
pub struct Line {
    tcp: TcpStream,
    tls: Option<Box<ServerConnection>>,
}

impl Line {
    pub fn new(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> Self {
        tcp.set_nodelay(true).unwrap();
        let tls = tls.map(|config| Box::new(ServerConnection::new(config).unwrap()));
        Self { tcp, tls }
    }

    /// The TCP connection below; under TLS what is read from it has no meaning, and what is written damages it.
    pub fn tcp(&self) -> TcpStream {
        self.tcp.try_clone().unwrap()
    }

    /// Says in TLS, where there is one, that nothing more will come (close_notify).
    pub fn end_tls(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // That the other side has gone is no mistake here.
            let _ = tls.write_tls(&mut self.tcp);
        }
    }

    /// The same, then ends TCP: to write, or both to write and to read.
    pub fn end(&mut self, how: Shutdown) {
        self.end_tls();
        let _ = self.tcp.shutdown(how);
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.tls {
            None => self.tcp.read(buffer),
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.tls {
            None => self.tcp.write(bytes),
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.tls {
            None => self.tcp.flush(),
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).flush(),
        }
    }
}

/// A server on two free ports, plain and TLS, to the end of the process.
pub struct Raw {
    plain: SocketAddr,
    tls: SocketAddr,
    upgraded: Arc<AtomicUsize>,
}

impl Raw {
    /// One that plays these scripts, each under the path of its name, and echoes under all other paths.
    pub fn start(scripts: &[(&str, Script)]) -> Self {
        Self::serve(scripts, |_| ())
    }

    /// The same, each script as the answer to the client's first message of at most 125 bytes.
    pub fn answering(scripts: &[(&str, Script)]) -> Self {
        Self::serve(scripts, |line| {
            let _ = short_frame(line);
        })
    }

    fn serve(scripts: &[(&str, Script)], before: Script) -> Self {
        let scripts: BTreeMap<String, Script> = scripts
            .iter()
            .map(|(name, script)| (format!("/{name}"), *script))
            .collect();
        let scripts = Arc::new(scripts);
        let upgraded = Arc::new(AtomicUsize::new(0));
        let [plain, tls] = [None, Some(self_signed())].map(|config| {
            let (scripts, upgraded) = (scripts.clone(), upgraded.clone());
            listen(move |tcp| {
                let mut line = Line::new(tcp, config.clone());
                let Some(path) = upgrade(&mut line) else { return };
                upgraded.fetch_add(1, Ordering::SeqCst);
                match scripts.get(&path) {
                    None => echo(&mut line),
                    Some(script) => {
                        before(&mut line);
                        script(&mut line);
                    }
                }
            })
        });
        Self { plain, tls, upgraded }
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}/{path}", self.plain)
    }

    /// Its certificate is signed by nobody else.
    pub fn tls_url(&self, path: &str) -> String {
        format!("wss://{}/{path}", self.tls)
    }

    /// Plain and TLS.
    pub fn ports(&self) -> [u16; 2] {
        [self.plain, self.tls].map(|address| address.port())
    }

    /// How many connections got their 101.
    pub fn upgraded(&self) -> usize {
        self.upgraded.load(Ordering::SeqCst)
    }
}

/// Accepts connections on a free port, each in a thread of its own.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let (tcp, serve) = (tcp.unwrap(), serve.clone());
            std::thread::spawn(move || serve(tcp));
        }
    });
    address
}

/// A certificate that only those accept who verify nothing.
fn self_signed() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.into()], key)
        .unwrap();
    Arc::new(config)
}

/// Answers the request; its path, or nothing where there was no request.
fn upgrade(line: &mut Line) -> Option<String> {
    let head = head(line)?;
    accept(line, &head);
    Some(head.split(' ').nth(1).unwrap().to_owned())
}

/// A request's head as it came, or nothing where there was none.
pub fn head(line: &mut Line) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        line.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// What a header of a head says.
pub fn header<'h>(head: &'h str, wanted: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    })
}

/// Answers a head with 101.
pub fn accept(line: &mut Line, head: &str) {
    let accept = derive_accept_key(header(head, "Sec-WebSocket-Key").unwrap().as_bytes());
    say(
        line,
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Writes bytes; that the other side does not want them is no mistake here.
pub fn say(line: &mut Line, bytes: &[u8]) {
    let _ = line.write_all(bytes);
}

/// A frame as servers send it, without a mask. The first byte is FIN, reserved bits and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

/// A whole message or control frame.
pub fn whole(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x80 | opcode, payload)
}

/// Reads and drops whatever comes, to the end.
pub fn swallow(line: &mut Line) {
    let _ = std::io::copy(line, &mut std::io::sink());
}

/// Reads nothing, to the end of the process or of the patience of any test here.
pub fn ignore(_: &mut Line) {
    std::thread::sleep(Duration::from_secs(600));
}

/// The next frame of at most 125 bytes: its first byte, its payload; nothing at the end.
pub fn short_frame(line: &mut Line) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    line.read_exact(&mut head).ok()?;
    let length = usize::from(head[1] & 0x7f);
    assert!(length <= 125, "this server reads short messages only");
    let mut payload = vec![0; length];
    line.read_exact(&mut payload).ok()?;
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[2 + index % 4];
    }
    Some((head[0], payload))
}

/// Sends back each short message, answers pings and the close frame.
fn echo(line: &mut Line) {
    while let Some((first, payload)) = short_frame(line) {
        let opcode = if first & 0xf == PING { PONG } else { first & 0xf };
        say(line, &whole(opcode, &payload));
        if opcode == CLOSE {
            line.end(Shutdown::Write);
            return swallow(line);
        }
    }
}
