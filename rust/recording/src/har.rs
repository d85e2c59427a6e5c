//! Reads a HAR: the sockets in it and their messages. `_webSocketMessages` is Chrome's addition to HAR 1.2, which mitmproxy, Playwright and
//! HTTP Toolkit write as well. Nothing is taken for granted: what is of another type, or not there, is left out, and its entry stays.

use crate::{MOST_MESSAGES, Refusal, text};
use data_encoding::BASE64;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

mod frames;
mod requests;

pub(crate) use requests::Request;

/// What was recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    /// In the order in which they were opened.
    pub sockets: Vec<Socket>,
    /// Upgrades that opened nothing.
    pub refused: Vec<Refused>,
    /// Of the others those that a plan could send again.
    pub requests: Vec<Request>,
    /// Entries that are no WebSocket.
    pub others: usize,
    /// Messages that cannot be understood.
    pub lost: usize,
}

/// A connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Socket {
    pub url: String,
    /// Of the upgrade's request.
    pub headers: Vec<(String, String)>,
    /// Whether messages may be deflated.
    pub is_compressed: bool,
    /// When it was opened, in seconds of the recording's own clock.
    pub at: f64,
    /// When the last message came or went: as long at least it was held open.
    pub until: f64,
    /// In the order of their times.
    pub messages: Vec<Message>,
}

/// An upgrade without a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub url: String,
    /// Of the answer, where there was one.
    pub status: Option<u16>,
    /// When to come back, as the server said it.
    pub hint: Option<String>,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// Whether it is the user's, else the server's.
    pub is_sent: bool,
    /// On the same clock.
    pub at: f64,
    pub body: Body,
}

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Text(String),
    Binary(Vec<u8>),
}

impl Body {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Body::Text(text) => Some(text),
            Body::Binary(_) => None,
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Body::Text(text) => text.len(),
            Body::Binary(bytes) => bytes.len(),
        }
    }
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
struct Log<'a> {
    /// Each read by itself: one that is broken spoils no other, and of a page's pictures none is kept.
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

/// Clocks that differ by so much are different clocks (Playwright's messages have the browser's).
const ANOTHER_CLOCK: f64 = 86_400.0;
/// What an upgrade is answered with; 200 in HTTP/2 (RFC 8441, section 5).
const OPENED: [u64; 2] = [101, 200];

/// Reads one.
pub(crate) fn read(bytes: &[u8]) -> Result<Recording, Refusal> {
    let text = text::of(bytes)?;
    let file: File<'_> = serde_json::from_str(&text).map_err(|error| Refusal::NoHar(error.to_string()))?;
    let all = file.log.entries.len();
    let mut recording = Recording::default();
    for entry in file.log.entries {
        let read =
            serde_json::from_str(entry.get()).or_else(|_| serde_json::from_str(&text::whole(entry.get())));
        recording.add(read.unwrap_or_default());
    }
    let count: usize = recording.sockets.iter().map(|socket| socket.messages.len()).sum();
    match (recording.sockets.len(), count) {
        (0, _) if recording.refused.is_empty() => return Err(Refusal::NoSocket(all)),
        (0, _) => return Err(Refusal::NoneOpened(recording.refused.len())),
        (sockets, 0) => return Err(Refusal::NoMessage(sockets)),
        (_, count) if count > MOST_MESSAGES => return Err(Refusal::TooLong),
        _ => {}
    }
    recording
        .sockets
        .sort_by(|one, other| one.at.total_cmp(&other.at));
    Ok(recording)
}

impl Recording {
    fn add(&mut self, mut entry: Value) {
        let frames = match entry.get_mut("_webSocketMessages").map(Value::take) {
            Some(Value::Array(frames)) => Some(frames),
            _ => None,
        };
        let headers = headers(&entry["request"]);
        let url = entry["request"]["url"].as_str().and_then(address);
        let is_socket = frames.is_some()
            || entry["_resourceType"] == "websocket"
            || url.as_ref().is_some_and(|url| url.is_socket)
            || field(&headers, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        let Some(url) = url.filter(|_| is_socket) else {
            self.others += 1;
            self.requests.extend(requests::request(&entry));
            return;
        };
        let (messages, lost) = frames::messages(frames.unwrap_or_default());
        self.lost += lost;
        let answer = &entry["response"];
        // Some write -1 for none, a text, or nothing at all, which says nothing.
        let status = answer["status"].as_i64();
        let answered = self::headers(answer);
        if messages.is_empty()
            && status.is_some_and(|status| !OPENED.iter().any(|opened| *opened == status.unsigned_abs()))
        {
            self.refused.push(Refused {
                url: url.text,
                status: status
                    .and_then(|status| u16::try_from(status).ok())
                    .filter(|status| *status > 0),
                hint: field(&answered, "retry-after").map(str::to_owned),
            });
            return;
        }
        let extensions = field(&answered, "sec-websocket-extensions");
        let mut socket = Socket {
            url: url.text,
            is_compressed: extensions.is_some_and(|value| value.contains("permessage-deflate")),
            headers,
            messages,
            ..Socket::default()
        };
        if let Some(credentials) = url
            .credentials
            .filter(|_| field(&socket.headers, "authorization").is_none())
        {
            socket.headers.push(("Authorization".to_owned(), credentials));
        }
        socket.set_times(entry["startedDateTime"].as_str());
        self.sockets.push(socket);
    }
}

impl Socket {
    fn set_times(&mut self, started: Option<&str>) {
        let started = started.and_then(frames::moment);
        let first = self.messages.first().map(|message| message.at);
        self.at = started.or(first).unwrap_or_default();
        let shift = first.map_or(0.0, |first| self.at - first);
        if shift.abs() > ANOTHER_CLOCK {
            self.messages.iter_mut().for_each(|message| message.at += shift);
        }
        self.until = self.messages.last().map_or(f64::NEG_INFINITY, |last| last.at);
    }
}

/// Name and value of each.
fn headers(of: &Value) -> Vec<(String, String)> {
    let list = of["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|header| {
            let name = header["name"].as_str().filter(|name| !name.is_empty())?;
            let value = match &header["value"] {
                Value::String(value) => value.clone(),
                Value::Number(value) => value.to_string(),
                _ => return None,
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

fn field<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

struct Address {
    text: String,
    /// Whether its scheme says so.
    is_socket: bool,
    /// The value of `Authorization` that a browser makes of a user and a password in it.
    credentials: Option<String>,
}

/// Proxies write `http` where the upgrade was one. None: nothing that a client could connect to.
fn address(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let (scheme, is_socket) = match &*scheme.to_ascii_lowercase() {
        "ws" => ("ws", true),
        "wss" => ("wss", true),
        "http" => ("ws", false),
        "https" => ("wss", false),
        _ => return None,
    };
    // A fragment goes to no server.
    let rest = rest.split('#').next().unwrap_or_default();
    let (server, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, server) = match server.rsplit_once('@') {
        Some((user, server)) => (Some(user), server),
        None => (None, server),
    };
    // JMeter reads the server as the argument of a function; none has such a letter.
    if server.is_empty() || server.contains(|c: char| c.is_whitespace() || "${}(),\\".contains(c)) {
        return None;
    }
    let credentials = user.map(|user| {
        let user = match user.split_once(':') {
            Some(_) => user.to_owned(),
            None => format!("{user}:"),
        };
        let plain: Vec<u8> = percent_decode_str(&user).collect();
        format!("Basic {}", BASE64.encode(&plain))
    });
    Some(Address {
        text: format!("{scheme}://{server}{path}"),
        is_socket,
        credentials,
    })
}
