//! Reads a HAR: the sockets in it and their messages. `_webSocketMessages` is Chrome's addition to HAR 1.2, which mitmproxy, Playwright and
//! HTTP Toolkit write as well; of it nothing is taken for granted but that a message has data.

use crate::{MOST_MESSAGES, Refusal};
use data_encoding::{BASE64, BASE64_NOPAD};
use serde::Deserialize;

/// What was recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    /// In the order in which they were opened.
    pub sockets: Vec<Socket>,
    /// Entries that are no WebSocket.
    pub others: usize,
}

/// A connection.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub url: String,
    /// Of the upgrade's request.
    pub headers: Vec<(String, String)>,
    /// Whether messages may be deflated.
    pub is_compressed: bool,
    /// Of the upgrade's answer; 0 or none: not told.
    pub status: Option<u16>,
    /// When it was opened, in seconds of the recording's own clock.
    pub at: f64,
    /// When the last message came or went: as long at least it was held open.
    pub until: f64,
    /// In the order of their times.
    pub messages: Vec<Message>,
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
}

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "startedDateTime", default)]
    started: serde_json::Value,
    request: Request,
    #[serde(default)]
    response: Response,
    #[serde(rename = "_resourceType", default)]
    resource: serde_json::Value,
    #[serde(rename = "_webSocketMessages")]
    messages: Option<Vec<Frame>>,
}

#[derive(Deserialize)]
struct Request {
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize, Default)]
struct Response {
    /// Some write -1 or a text for none.
    #[serde(default)]
    status: serde_json::Value,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type", default)]
    direction: String,
    #[serde(default)]
    time: f64,
    #[serde(default = "text_frame")]
    opcode: u8,
    #[serde(default)]
    data: String,
}

fn text_frame() -> u8 {
    1
}

/// Times beyond this are milliseconds: as seconds it is the year 5138.
const MILLISECONDS: f64 = 1e11;
/// Clocks that differ by so much are different clocks (Playwright's messages have the browser's).
const ANOTHER_CLOCK: f64 = 86_400.0;

/// Reads one.
pub(crate) fn read(bytes: &[u8]) -> Result<Recording, Refusal> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let file: File = serde_json::from_slice(bytes).map_err(|error| Refusal::NoHar(error.to_string()))?;
    let entries = file.log.entries;
    let all = entries.len();
    let (sockets, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_socket);
    if sockets.is_empty() {
        return Err(Refusal::NoSocket(all));
    }
    let count: usize = sockets
        .iter()
        .filter_map(|entry| entry.messages.as_ref())
        .map(Vec::len)
        .sum();
    match count {
        0 => return Err(Refusal::NoMessage(sockets.len())),
        count if count > MOST_MESSAGES => return Err(Refusal::TooLong),
        _ => {}
    }
    let mut sockets: Vec<Socket> = sockets.into_iter().map(socket).collect();
    sockets.sort_by(|one, other| one.at.total_cmp(&other.at));
    Ok(Recording {
        sockets,
        others: others.len(),
    })
}

fn is_socket(entry: &Entry) -> bool {
    let scheme = entry.request.url.split(':').next().unwrap_or_default();
    entry.messages.is_some() || entry.resource == "websocket" || ["ws", "wss"].contains(&scheme)
}

fn socket(entry: Entry) -> Socket {
    let mut messages: Vec<Message> = entry
        .messages
        .unwrap_or_default()
        .into_iter()
        .filter_map(message)
        .collect();
    messages.sort_by(|one, other| one.at.total_cmp(&other.at));
    let first = messages.first().map(|message| message.at);
    let started: Option<jiff::Timestamp> = entry.started.as_str().and_then(|text| text.parse().ok());
    let mut at = started.map_or(f64::NAN, |at| at.as_duration().as_secs_f64());
    if let Some(first) = first.filter(|first| at.is_nan() || (first - at).abs() > ANOTHER_CLOCK) {
        if at.is_nan() {
            at = first;
        } else {
            messages.iter_mut().for_each(|message| message.at += at - first);
        }
    }
    Socket {
        url: address(&entry.request.url),
        is_compressed: entry.response.headers.iter().any(|header| {
            header.name.eq_ignore_ascii_case("sec-websocket-extensions")
                && header.value.contains("permessage-deflate")
        }),
        headers: entry
            .request
            .headers
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect(),
        status: entry
            .response
            .status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok()),
        at: if at.is_nan() { 0.0 } else { at },
        until: messages.last().map_or(f64::NEG_INFINITY, |last| last.at),
        messages,
    }
}

/// Proxies write `http` where the upgrade was one.
fn address(url: &str) -> String {
    match url.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => url.to_owned(),
    }
}

/// None: a control frame, which nobody has to repeat.
fn message(frame: Frame) -> Option<Message> {
    let body = match frame.opcode {
        1 => Body::Text(frame.data),
        2 => Body::Binary(bytes(frame.data)),
        _ => return None,
    };
    let time = if frame.time.is_finite() { frame.time } else { 0.0 };
    Some(Message {
        is_sent: matches!(&*frame.direction, "send" | "sent" | "outgoing" | "request"),
        at: if time > MILLISECONDS { time / 1e3 } else { time },
        body,
    })
}

/// Of a binary message, which all known writers have in Base64.
fn bytes(data: String) -> Vec<u8> {
    let read = BASE64.decode(data.as_bytes());
    read.or_else(|_| BASE64_NOPAD.decode(data.as_bytes()))
        .unwrap_or_else(|_| data.into_bytes())
}
