//! A WebSocket peer whose every frame the test writes, and a client that talks to it through the engine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jmeter::{Engine, Handle};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

#[path = "parked.rs"]
pub mod parked;
#[path = "result.rs"]
pub mod result;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The server's end of one connection.
pub struct Peer {
    pub stream: TcpStream,
}

impl Peer {
    /// The request's head.
    pub fn read_head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read(&mut byte).unwrap_or(0) == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        Some(String::from_utf8(head).unwrap())
    }

    /// Switches protocols, with more header lines.
    pub fn upgrade(&mut self, more: &str) -> Option<()> {
        let head = self.read_head()?;
        self.accept(&head, more)
    }

    /// Switches protocols in answer to a request that was read.
    pub fn accept(&mut self, head: &str, more: &str) -> Option<()> {
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
        })?;
        let accept = derive_accept_key(key.as_bytes());
        self.raw(
            format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n")
                .as_bytes(),
        );
        Some(())
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// A whole message, or a control frame.
    pub fn say(&mut self, opcode: u8, payload: &[u8]) {
        self.raw(&frame(0x80 | opcode, payload));
    }

    pub fn text(&mut self, text: &str) {
        self.say(TEXT, text.as_bytes());
    }

    pub fn close(&mut self, code: u16, reason: &str) {
        self.say(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat());
    }

    /// First byte and unmasked payload of the next frame; `None` at the end.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        assert!(head[1] & 0x80 != 0, "a client masks");
        let length = match head[1] & 0x7f {
            126 => {
                let mut long = [0; 2];
                self.stream.read_exact(&mut long).ok()?;
                u64::from(u16::from_be_bytes(long))
            }
            127 => {
                let mut long = [0; 8];
                self.stream.read_exact(&mut long).ok()?;
                u64::from_be_bytes(long)
            }
            short => u64::from(short),
        };
        let mut mask = [0; 4];
        self.stream.read_exact(&mut mask).ok()?;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        for (index, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[index % 4];
        }
        Some((head[0], payload))
    }

    /// The next message in one frame, pings and pongs apart; closes are answered.
    pub fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            let (first, payload) = self.frame()?;
            match first & 0xf {
                PING => self.say(PONG, &payload),
                PONG => {}
                CLOSE => {
                    self.say(CLOSE, &payload);
                    let _ = self.stream.shutdown(Shutdown::Write);
                    return None;
                }
                _ => return Some(payload),
            }
        }
    }

    /// Echoes to the end.
    pub fn echo(&mut self) {
        while let Some(payload) = self.message() {
            self.say(TEXT, &payload);
        }
    }

    /// Reads a frame and leaves.
    pub fn swallow_one(&mut self) {
        self.frame();
    }

    /// Reads and drops whatever comes, to the end.
    pub fn swallow(&mut self) {
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }
}

/// An unmasked frame, as servers send them.
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

/// Plays the script with each connection before its upgrade, on a thread; the number counts connections from 0.
pub fn raw_server(script: impl Fn(usize, Peer) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script = Arc::new(script);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let script = script.clone();
            thread::spawn(move || {
                script(
                    number,
                    Peer {
                        stream: stream.unwrap(),
                    },
                );
            });
        }
    });
    format!("ws://{address}/")
}

/// Plays the script with each open WebSocket.
pub fn server(script: impl Fn(Peer) + Send + Sync + 'static) -> String {
    numbered_server(move |_, peer| script(peer))
}

/// As [`server`]; the number counts connections from 0.
pub fn numbered_server(script: impl Fn(usize, Peer) + Send + Sync + 'static) -> String {
    raw_server(move |number, mut peer| {
        if peer.upgrade("").is_some() {
            script(number, peer);
        }
    })
}

/// One connection of an engine of its own.
#[derive(Clone)]
pub struct Client {
    pub engine: Arc<Engine>,
    pub handle: Handle,
}

pub type Properties<'a> = &'a [(&'a str, &'a str)];

fn properties(all: Properties<'_>) -> Value {
    all.iter()
        .map(|&(key, value)| (key.to_owned(), value.into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl Client {
    pub fn open(url: &str, more: Properties<'_>) -> Self {
        Client::open_on(Arc::default(), url, more)
    }

    pub fn open_on(engine: Arc<Engine>, url: &str, more: Properties<'_>) -> Self {
        let (client, result) = Client::connect(engine, url, more, &json!({}));
        assert_eq!(result["outcome"], "connected", "{result:#}");
        client
    }

    /// Connects with more beside the properties, and whatever comes of it.
    pub fn connect(engine: Arc<Engine>, url: &str, more: Properties<'_>, beside: &Value) -> (Self, Value) {
        let mut spec = json!({"properties": properties(more), "user": "users 1-1"});
        if !url.is_empty() {
            spec["properties"]["wsb.url"] = url.into();
        }
        for (key, value) in beside.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let handle = engine.open();
        let result = if parked::are_all() {
            parked::connect(&engine, handle, &spec).unwrap()
        } else {
            result::connect(&engine, handle, &spec).unwrap()
        };
        (Client { engine, handle }, result)
    }

    pub fn prepare(&self, element: &str, all: Properties<'_>) -> Handle {
        let spec = json!({"element": element, "properties": properties(all)});
        self.engine.prepare(spec.to_string().as_bytes()).unwrap()
    }

    pub fn perform(&self, operation: Handle, payload: Option<&[u8]>) -> Done {
        self.perform_within(operation, payload, None)
    }

    /// In a thread whose schedule leaves so much.
    pub fn perform_within(&self, operation: Handle, payload: Option<&[u8]>, left: Option<Duration>) -> Done {
        if parked::are_all() {
            return parked::perform(&self.engine, self.handle, operation, payload, left);
        }
        let done = self
            .engine
            .perform(self.handle, operation, payload, left)
            .unwrap();
        Done {
            figures: done.figures,
            payload: done.payload,
        }
    }

    /// Prepares and performs.
    pub fn act(&self, element: &str, all: Properties<'_>) -> Done {
        self.perform(self.prepare(element, all), None)
    }

    pub fn send(&self, text: &str) -> Done {
        self.act("SendSampler", &[("wsb.payload", text)])
    }

    pub fn receive(&self, all: Properties<'_>) -> Done {
        self.act("ReceiveSampler", all)
    }

    pub fn exchange(&self, text: &str) -> Done {
        self.act("ExchangeSampler", &[("wsb.payload", text)])
    }
}

/// What an operation gave; the figures by the names of their places.
#[derive(Debug)]
pub struct Done {
    pub figures: [i64; 32],
    pub payload: Vec<u8>,
}

pub const OUTCOME: usize = 0;
pub const KIND: usize = 1;
pub const ELAPSED: usize = 2;
pub const LATENCY: usize = 3;
pub const SENT: usize = 4;
pub const RECEIVED: usize = 5;
pub const MESSAGES: usize = 6;
pub const SKIPPED: usize = 7;
pub const QUEUED: usize = 8;
pub const CLOSE_CODE: usize = 9;
pub const ROUND_TRIP: usize = 10;
pub const RECONNECTS: usize = 11;
pub const WAITED: usize = 12;
pub const CONNECT: usize = 13;
pub const ROUNDS: usize = 14;
pub const SPREAD: usize = 15;
pub const DROPPED: usize = 21;
pub const AGE: usize = 22;
pub const STALE: usize = 23;
pub const NOTE: usize = 25;
pub const SET_COOKIES: usize = 26;
pub const SHOWN: usize = 27;
pub const NEWS: usize = 31;

/// In the place of the outcome: it asks first by what to connect again.
pub const ASK: i64 = 3;

impl Done {
    pub fn text(&self) -> &str {
        assert_eq!(
            self.figures[OUTCOME],
            0,
            "{}",
            String::from_utf8_lossy(&self.payload)
        );
        std::str::from_utf8(self.split().0).unwrap()
    }

    /// What the sample says beside its message.
    pub fn note(&self) -> &str {
        std::str::from_utf8(self.split().1).unwrap()
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let note = usize::try_from(self.figures[NOTE]).unwrap();
        let (own, _) = self.halves();
        own.split_at(own.len() - note)
    }

    /// What is the sample's own, and the messages that are shown beside.
    fn halves(&self) -> (&[u8], &[u8]) {
        let shown = usize::try_from(self.figures[SHOWN]).unwrap();
        self.payload.split_at(self.payload.len() - shown)
    }

    /// The messages that are shown beside: kind, milliseconds since the begin, bytes.
    pub fn shown(&self) -> Vec<(u8, i64, Vec<u8>)> {
        let (_, mut rest) = self.halves();
        let mut all = Vec::new();
        while let [kind, behind @ ..] = rest {
            let (came, behind) = behind.split_at(8);
            let (length, behind) = behind.split_at(4);
            let length = u32::from_be_bytes(length.try_into().unwrap());
            let (payload, behind) = behind.split_at(usize::try_from(length).unwrap());
            all.push((
                *kind,
                i64::from_be_bytes(came.try_into().unwrap()),
                payload.to_vec(),
            ));
            rest = behind;
        }
        all
    }

    /// The code of a failure, `ok` or `no message`.
    pub fn code(&self) -> String {
        match self.figures[OUTCOME] {
            0 => "ok".to_owned(),
            2 => "no message".to_owned(),
            _ => self.failure()["code"].as_str().unwrap().to_owned(),
        }
    }

    pub fn failure(&self) -> Value {
        serde_json::from_slice(self.halves().0).unwrap()
    }

    pub fn detail(&self) -> String {
        self.failure()["detail"].as_str().unwrap().to_owned()
    }

    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.figures[ELAPSED].try_into().unwrap())
    }
}

pub fn pause(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}
