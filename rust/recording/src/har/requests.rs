//! The requests beside the sockets, as far as a plan could send them again.

use super::{address, frames, headers};
use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// No token comes in more.
const LARGEST: usize = 1 << 20;
/// In seconds, where a recorder does not say it.
const NO_TIME: f64 = 0.0;

/// One of them that was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Request {
    /// On the sockets' clock, in seconds.
    pub at: f64,
    /// When the answer was there.
    pub until: f64,
    pub method: String,
    /// With its server, without a fragment.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    /// What it was answered with, where that is a text.
    pub answer: Option<String>,
    /// Name and value of each cookie that the answer sets.
    pub cookies: Vec<(String, String)>,
}

/// None: one that failed, or that JMeter's HTTP Request could not repeat.
pub(super) fn request(entry: &Value) -> Option<Request> {
    let asked = &entry["request"];
    let (scheme, _) = asked["url"].as_str()?.split_once("://")?;
    let url = address(asked["url"].as_str()?).filter(|url| !url.is_socket)?.text;
    let (_, rest) = url.split_once("://")?;
    let status = entry["response"]["status"].as_i64()?;
    let at = entry["startedDateTime"].as_str().and_then(frames::moment)?;
    let took = entry["time"].as_f64().unwrap_or(NO_TIME).max(NO_TIME) / 1e3;
    if !(200..400).contains(&status) {
        return None;
    }
    let answered = headers(&entry["response"]);
    Some(Request {
        at,
        until: at + took,
        method: asked["method"].as_str().unwrap_or("GET").to_ascii_uppercase(),
        url: format!("{}://{rest}", scheme.to_ascii_lowercase()),
        headers: headers(asked),
        body: body(&asked["postData"]),
        answer: answer(&entry["response"]["content"]),
        cookies: answered
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            // Some write several into one, a line each.
            .flat_map(|(_, value)| value.lines())
            .filter_map(|line| line.split(';').next()?.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect(),
    })
}

fn body(data: &Value) -> Option<String> {
    if let Some(text) = data["text"].as_str().filter(|text| !text.is_empty()) {
        return Some(text.to_owned());
    }
    let fields: Vec<String> = data["params"]
        .as_array()?
        .iter()
        .filter_map(|field| {
            let part = |name: &str| {
                let text = field[name].as_str().unwrap_or_default();
                utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
            };
            field["name"].as_str()?;
            Some(format!("{}={}", part("name"), part("value")))
        })
        .collect();
    (!fields.is_empty()).then(|| fields.join("&"))
}

fn answer(content: &Value) -> Option<String> {
    let text = content["text"].as_str().filter(|text| text.len() <= LARGEST)?;
    if content["encoding"] != "base64" {
        return Some(text.to_owned());
    }
    String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()
}
