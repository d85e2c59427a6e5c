//! The WebSocket sampler by Maciej Zaleski (1.0.2): a connection of its own or a named one, a message, and a wait for an answer that
//! matches a pattern.

use crate::Files;
use crate::address::{self, Address};
use crate::behind;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::together;
use crate::told::{Entry, Outcome};
use std::collections::BTreeMap;

const CLASS: &str = "JMeter.plugins.functional.samplers.websocket.WebSocketSampler";

/// All properties of theirs: none of them means anything to an element of ours.
const KEYS: [&str; 19] = [
    "serverAddress",
    "serverPort",
    "implementation",
    "protocol",
    "contextPath",
    "contentEncoding",
    "requestPayload",
    "responseTimeout",
    "connectionTimeout",
    "ignoreSslErrors",
    "streamingConnection",
    "connectionId",
    "responsePattern",
    "closeConncectionPattern",
    "proxyAddress",
    "proxyPort",
    "proxyUsername",
    "proxyPassword",
    "messageBacklog",
];
const QUERY: &str = "queryStringParameters";

/// What becomes of each of them.
#[derive(Debug, Default)]
pub(crate) struct Samplers(BTreeMap<ItemId, Result<Sampler, String>>);

#[derive(Debug)]
struct Sampler {
    element: NewElement,
    /// How it connects, which stands below it.
    below: NewElement,
    /// Whether its connection ends with its sample.
    closes: bool,
    notes: Vec<String>,
}

/// Whether it is one of these samplers.
pub(crate) fn is_one(plan: &Plan, item: ItemId) -> bool {
    plan.class(item) == CLASS
}

pub(crate) fn survey(plan: &Plan, files: &Files) -> Samplers {
    let all = plan.items().filter(|item| is_one(plan, *item));
    let mut found: BTreeMap<ItemId, Result<Sampler, String>> =
        all.map(|item| (item, one(plan, item))).collect();
    // A connection has a name, which may be a variable.
    together::or_none(plan, &mut found, files);
    Samplers(found)
}

fn one(plan: &Plan, item: ItemId) -> Result<Sampler, String> {
    let text = |key: &str, absent: &str| match plan.value_or(item, key, absent) {
        value if value.is_empty() => absent.to_owned(),
        value => value,
    };
    let is = |key: &str| plan.value_or(item, key, "false") == "true";
    if !text("closeConncectionPattern", "").is_empty() {
        return Err(
            "it closes its connection at a message that matches a pattern; ours close by a WebSocket Close (wsb)"
                .to_owned(),
        );
    }
    let (payload, pattern) = (text("requestPayload", ""), text("responsePattern", ""));
    if !pattern.contains("${") && regex::Regex::new(&pattern).is_err() {
        return Err(format!(
            "it waits for the pattern {pattern:?}, which ws-backoff does not take"
        ));
    }
    let streaming = is("streamingConnection");
    if !streaming {
        behind::can_follow(plan, item, "WebSocket Close (wsb)")?;
    }
    let mut notes = vec![
        "its data is the message alone, where theirs were the last messages with a line before each; a time-out is a success as before, with the code No message".to_owned(),
        "a connection that cannot be opened fails the sample with its status or reason".to_owned(),
    ];
    let mut element = ours::sampler(if payload.is_empty() { "Receive" } else { "Exchange" })
        .with("wsb.url", url(plan, item, &mut notes)?)
        .with("wsb.whenOpen", if streaming { "reuse" } else { "replace" });
    let id = text("connectionId", "");
    if streaming && !id.is_empty() {
        element = element.with("wsb.connection", id);
        notes.push(
            "its connection was one for all threads that gave the same id; now each thread has its own"
                .to_owned(),
        );
    }
    if !payload.is_empty() {
        element = element
            .with("wsb.payloadType", "text")
            .with("wsb.payload", payload);
    }
    if !pattern.is_empty() {
        element = element
            .with("wsb.match.mode", "regex")
            .with("wsb.match.value", pattern);
    }
    element = element
        .with("wsb.readTimeout", text("responseTimeout", "20000"))
        .with("wsb.optional", "true");
    if !text("proxyAddress", "").is_empty() {
        notes.push("its proxy was never used; wsb.proxy uses one".to_owned());
    }
    Ok(Sampler {
        element,
        below: connecting(text("connectionTimeout", "5000"), is("ignoreSslErrors")),
        closes: !streaming,
        notes,
    })
}

/// How it connects, once, within a time-out.
fn connecting(timeout: String, trusts_all: bool) -> NewElement {
    let mut below = ours::defaults().with("wsb.connectTimeout", timeout.as_str());
    if trusts_all {
        below = below.with("wsb.tls.verify", "false");
    }
    below
        .with("wsb.keepAlive", "0")
        .with("wsb.retry.attemptTimeout", timeout)
        .with("wsb.retry.strategy", "none")
}

fn url(plan: &Plan, item: ItemId, notes: &mut Vec<String>) -> Result<String, String> {
    let text = |key: &str| plan.value_or(item, key, "").trim().to_owned();
    let address = Address {
        protocol: text("protocol"),
        server: text("serverAddress"),
        port: text("serverPort"),
        path: text("contextPath"),
    };
    let url = address.url(notes)?;
    let query = query(plan, item);
    Ok(if query.is_empty() || address::is_whole(&address.path) {
        url
    } else {
        format!("{url}?{query}")
    })
}

/// The parameters behind the path.
fn query(plan: &Plan, item: ItemId) -> String {
    let xml = plan.xml();
    let Some(list) = plan.property_node(item, QUERY) else {
        return String::new();
    };
    let mut all: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut value = String::new();
    for leaf in xml.leaves(list) {
        match xml.attribute(leaf, "name").unwrap_or_default().as_str() {
            "Argument.name" => name = xml.value(leaf),
            "Argument.value" => value = xml.value(leaf),
            "HTTPArgument.always_encode" if xml.value(leaf) == "true" => value = encoded(&value),
            // It ends an argument in the order in which JMeter writes one.
            "Argument.metadata" if !name.is_empty() => {
                all.push(format!(
                    "{}={}",
                    std::mem::take(&mut name),
                    std::mem::take(&mut value)
                ));
            }
            _ => {}
        }
    }
    all.join("&")
}

/// As a part of an address; what a variable brings is encoded in the run.
fn encoded(value: &str) -> String {
    if value.contains("${") {
        return format!("${{__urlencode({value})}}");
    }
    let one = |byte: u8| {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) {
            c.to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    value.bytes().map(one).collect()
}

/// Makes the changes, and tells them.
pub(crate) fn apply(plan: &Plan, samplers: &Samplers, change: &mut Change, told: &mut Vec<Entry>) {
    for (item, found) in &samplers.0 {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                told.push(Entry::of(plan, *item, Outcome::Left(why.clone())));
                continue;
            }
        };
        let gone: Vec<&str> = KEYS.into_iter().chain([QUERY]).collect();
        change.convert(*item, &found.element, &gone);
        change.insert_below(*item, "How it connects", &found.below);
        let mut notes = found.notes.clone();
        if found.closes && plan.runs(*item) {
            let name = plan.name(*item);
            let close = ours::sampler("Close")
                .with("wsb.close.code", "1000")
                .with("wsb.close.reason", "JMeter closed session.");
            behind::where_it_succeeded(plan, *item, &[(&format!("{name}, its end"), &close)], change);
            notes.push("it closed its connection with its sample; a WebSocket Close (wsb) behind it does so now, with a sample of its own, where it succeeded; after a failure the connection is closed when the next one takes its place, or the thread ends".to_owned());
        }
        told.push(
            Entry::of(
                plan,
                *item,
                Outcome::Moved(ours::label(&found.element).to_owned()),
            )
            .with(notes),
        );
    }
}
