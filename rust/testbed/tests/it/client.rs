//! A raw client: it writes what it is told and shows every byte that comes back.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use testbed::{Config, FaultShare, Server, Stats};

/// Long against everything that the tests wait for; only a broken server makes one wait so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What belongs to [`KEY`] (RFC 6455 section 1.3).
pub const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

pub fn start(config: Config) -> Server {
    Server::start(config).unwrap()
}

/// A server without a limit that plays one fault on every attempt.
pub fn faulty(fault: &str) -> Server {
    let fault: FaultShare = fault.parse().unwrap();
    start(Config {
        faults: vec![fault],
        drip_pace: Duration::from_millis(1),
        ..Config::default()
    })
}

pub fn limited(limit: &str) -> Config {
    Config {
        limit: limit.parse().unwrap(),
        ..Config::default()
    }
}

pub struct Client(pub TcpStream);

impl Client {
    pub fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    pub fn ask(&mut self, path: &str) {
        self.send(&upgrade(path));
    }

    /// The next bytes up to and with an empty line.
    pub fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let count = self.0.read(&mut byte).unwrap();
            assert!(
                count > 0,
                "ended within the head: {:?}",
                String::from_utf8_lossy(&head)
            );
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// All bytes to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub fn text(&mut self) -> String {
        String::from_utf8(self.rest()).unwrap()
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// One read, whatever it gives.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        let count = self.0.read(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Sends a text of at most 125 bytes, masked with zeros, and expects it back.
    pub fn echoes(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).unwrap();
        let mut expected = vec![0x81, length];
        expected.extend(text.as_bytes());
        assert_eq!(self.exactly(expected.len()), expected);
    }
}

/// A plain answer with a length: its head and its body.
pub struct Answer {
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn status(&self) -> u16 {
        status(&self.head)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Client {
    /// The next answer; the connection may stay open behind it.
    pub fn answer(&mut self) -> Answer {
        let head = self.head();
        let length = header(&head, "Content-Length").unwrap().parse().unwrap();
        let body = String::from_utf8(self.exactly(length)).unwrap();
        Answer { head, body }
    }

    /// Sends a request without a body and reads its answer; `headers` are lines with their CR LF.
    pub fn request(&mut self, method: &str, path: &str, headers: &str) -> Answer {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ));
        self.answer()
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, "")
    }
}

pub fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// A new connection that has asked for an upgrade, and the head of the answer.
pub fn attempt(server: &Server) -> (Client, String) {
    let mut client = Client::connect(server);
    client.ask("/");
    let head = client.head();
    (client, head)
}

pub fn status(head: &str) -> u16 {
    head.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap()
}

/// The value of a header, by its name in the very letters.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Waits for figures that follow the sockets with a little delay.
pub fn until(server: &Server, what: &str, holds: impl Fn(&Stats) -> bool) {
    let started = Instant::now();
    while !holds(&server.stats()) {
        assert!(started.elapsed() < PATIENCE, "{what}: {:?}", server.stats());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The counts when each of these attempts is let in or refused: who is let in is counted behind the answer that says so.
pub fn settled(server: &Server, attempts: u64) -> Stats {
    until(server, "each let in or refused", |stats| {
        stats.accepted + stats.refused == attempts
    });
    server.stats()
}
