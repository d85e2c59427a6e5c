//! Messages as recorders write them, each in its own way.

use super::{Body, Message};
use data_encoding::{BASE64, BASE64_NOPAD};
use jiff::Timestamp;
use serde_json::Value;

/// A number beyond this is a time in the next smaller unit, down to nanoseconds: as seconds it is the year 5138.
const LARGEST_TIME: f64 = 1e11;

/// Of WebSocket frames (RFC 6455, section 5.2).
enum Kind {
    More,
    Text,
    Binary,
    /// Close, ping, pong: nobody has to repeat them.
    Control,
}

/// In the order of their times, and how many could not be understood. One without a time has that of the one before it.
pub(super) fn messages(frames: Vec<Value>) -> (Vec<Message>, usize) {
    let mut messages: Vec<Message> = Vec::new();
    let mut lost = 0;
    let mut now = frames
        .iter()
        .find_map(|frame| time(&frame["time"]))
        .unwrap_or_default();
    for mut frame in frames {
        now = time(&frame["time"]).unwrap_or(now);
        let (Some(is_sent), Some(kind)) = (is_sent(&frame["type"]), kind(&frame["opcode"])) else {
            lost += 1;
            continue;
        };
        let data = match frame.get_mut("data").map(Value::take) {
            Some(Value::String(data)) => data,
            None | Some(Value::Null) => String::new(),
            // Some write what they have parsed.
            Some(value) => value.to_string(),
        };
        let body = match kind {
            Kind::Control => continue,
            Kind::Text => Body::Text(data),
            Kind::Binary => Body::Binary(bytes(data)),
            Kind::More => {
                match messages
                    .iter_mut()
                    .rev()
                    .find(|message| message.is_sent == is_sent)
                {
                    Some(begun) => begun.body.extend(data),
                    None => lost += 1,
                }
                continue;
            }
        };
        messages.push(Message {
            is_sent,
            at: now,
            body,
        });
    }
    messages.sort_by(|one, other| one.at.total_cmp(&other.at));
    (messages, lost)
}

impl Body {
    fn extend(&mut self, data: String) {
        match self {
            Body::Text(text) => text.push_str(&data),
            Body::Binary(all) => all.extend(bytes(data)),
        }
    }
}

/// None: an error that a browser noted, or whatever it may be.
fn is_sent(direction: &Value) -> Option<bool> {
    match &*direction.as_str()?.to_ascii_lowercase() {
        "send" | "sent" | "outgoing" | "request" | "client" => Some(true),
        "receive" | "received" | "incoming" | "response" | "server" => Some(false),
        _ => None,
    }
}

fn kind(opcode: &Value) -> Option<Kind> {
    let number = match opcode {
        Value::Null => 1.0,
        Value::Number(number) => number.as_f64()?,
        Value::String(word) => match &*word.to_ascii_lowercase() {
            "text" => 1.0,
            "binary" => 2.0,
            number => number.parse().ok()?,
        },
        _ => return None,
    };
    [(0.0, Kind::More), (1.0, Kind::Text), (2.0, Kind::Binary)]
        .into_iter()
        .find_map(|(opcode, kind)| (opcode == number).then_some(kind))
        .or_else(|| (8.0..=10.0).contains(&number).then_some(Kind::Control))
}

/// In seconds, from 1970 or another begin on.
fn time(value: &Value) -> Option<f64> {
    let mut time = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok().or_else(|| moment(text))?,
        _ => return None,
    };
    for _ in 0..3 {
        if time.abs() > LARGEST_TIME {
            time /= 1e3;
        }
    }
    (time.abs() <= LARGEST_TIME).then_some(time)
}

/// A date with its time.
pub(super) fn moment(text: &str) -> Option<f64> {
    let at: Timestamp = text.trim().parse().ok()?;
    Some(at.as_duration().as_secs_f64())
}

/// Of a binary message, which all known writers have in Base64.
fn bytes(data: String) -> Vec<u8> {
    let read = BASE64.decode(data.as_bytes());
    read.or_else(|_| BASE64_NOPAD.decode(data.as_bytes()))
        .unwrap_or_else(|_| data.into_bytes())
}
