//! A WebSocket server whose every byte a test chooses: what it does with a connection stands in the path that was asked for.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
const PONG: u8 = 10;

/// What a server does with a connection after the upgrade; at its end the connection is closed.
pub type Script = fn(&mut TcpStream);

/// A server on a free port, to the end of the process.
pub struct Raw {
    address: SocketAddr,
    upgraded: Arc<AtomicUsize>,
}

impl Raw {
    /// One that plays these scripts, each under the path of its name, and echoes under all other paths.
    pub fn start(scripts: &[(&str, Script)]) -> Self {
        Self::serve(scripts, |_| ())
    }

    /// The same, each script as the answer to the client's first message of at most 125 bytes.
    pub fn answering(scripts: &[(&str, Script)]) -> Self {
        Self::serve(scripts, |stream| {
            let _ = short_frame(stream);
        })
    }

    fn serve(scripts: &[(&str, Script)], before: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scripts: BTreeMap<String, Script> = scripts
            .iter()
            .map(|(name, script)| (format!("/{name}"), *script))
            .collect();
        let scripts = Arc::new(scripts);
        let upgraded = Arc::new(AtomicUsize::new(0));
        let count = upgraded.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, scripts, count) = (stream.unwrap(), scripts.clone(), count.clone());
                std::thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    if let Some(path) = upgrade(&mut stream) {
                        count.fetch_add(1, Ordering::SeqCst);
                        match scripts.get(&path) {
                            None => echo(&mut stream),
                            Some(script) => {
                                before(&mut stream);
                                script(&mut stream);
                            }
                        }
                    }
                });
            }
        });
        Self { address, upgraded }
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}/{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections got their 101.
    pub fn upgraded(&self) -> usize {
        self.upgraded.load(Ordering::SeqCst)
    }
}

/// Answers the request; its path, or nothing where there was no request.
fn upgrade(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
    });
    let accept = derive_accept_key(key.unwrap().as_bytes());
    say(
        stream,
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .as_bytes(),
    );
    Some(path)
}

/// Writes bytes; that the other side does not want them is no mistake here.
pub fn say(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
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
pub fn swallow(stream: &mut TcpStream) {
    let _ = std::io::copy(stream, &mut std::io::sink());
}

/// Reads nothing, to the end of the process or of the patience of any test here.
pub fn ignore(_: &mut TcpStream) {
    std::thread::sleep(Duration::from_secs(600));
}

/// The next frame of at most 125 bytes: its first byte, its payload; nothing at the end.
fn short_frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).ok()?;
    let length = usize::from(head[1] & 0x7f);
    assert!(length <= 125, "this server reads short messages only");
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).ok()?;
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[2 + index % 4];
    }
    Some((head[0], payload))
}

/// Sends back each short message, answers pings and the close frame.
fn echo(stream: &mut TcpStream) {
    while let Some((first, payload)) = short_frame(stream) {
        let opcode = if first & 0xf == PING { PONG } else { first & 0xf };
        say(stream, &whole(opcode, &payload));
        if opcode == CLOSE {
            let _ = stream.shutdown(Shutdown::Write);
            return swallow(stream);
        }
    }
}
