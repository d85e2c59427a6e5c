//! The WebSocket sampler by Maciej Zaleski (1.0.2): a connection of its own or a named one, a message, and a wait for an answer that
//! matches a pattern.

use crate::Files;
use crate::groups::is_group;
use crate::jmx::{Change, ItemId, NewElement, Plan};
use crate::ours;
use crate::scripts::{self, is_sampler};
use crate::slots;
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
    // A connection has a name, which may be a variable: they move together or not at all.
    let stays = found
        .iter()
        .find(|(item, found)| found.is_err() && plan.runs(**item))
        .map(|(cause, _)| (*cause, ", which stays".to_owned()));
    let running: Vec<ItemId> = found.keys().copied().filter(|item| plan.runs(*item)).collect();
    let kept = || {
        let mut others = plan.items().filter(|item| plan.runs(*item));
        others.find_map(|item| {
            Some((
                item,
                format!(": {}", scripts::keeps(plan, item, &running, files)?),
            ))
        })
    };
    if let Some((cause, stays)) = stays.or_else(kept) {
        let (name, line) = (plan.name(cause), plan.line(cause));
        let why = format!("it may share a connection with {name} (line {line}){stays}");
        for (item, found) in found.iter_mut().filter(|(_, found)| found.is_ok()) {
            // What concerns it alone is said without the others.
            let own = stays
                .strip_prefix(": ")
                .filter(|_| plan.parent(cause) == Some(*item) || cause == *item);
            *found = Err(own.unwrap_or(&why).to_owned());
        }
    }
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
            "it closes its connection at a message that matches a pattern; ours close by wsb - Close"
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
        can_close_behind(plan, item)?;
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
    let timeout = text("connectionTimeout", "5000");
    let mut below = ours::defaults().with("wsb.connectTimeout", timeout.as_str());
    if is("ignoreSslErrors") {
        below = below.with("wsb.tls.verify", "false");
    }
    below = below
        .with("wsb.keepAlive", "0")
        .with("wsb.retry.attemptTimeout", timeout)
        .with("wsb.retry.strategy", "none");
    Ok(Sampler {
        element,
        below,
        closes: !streaming,
        notes,
    })
}

fn url(plan: &Plan, item: ItemId, notes: &mut Vec<String>) -> Result<String, String> {
    let text = |key: &str| plan.value_or(item, key, "").trim().to_owned();
    let path = text("contextPath");
    if path.starts_with("ws://") || path.starts_with("wss://") {
        return Ok(path);
    }
    let server = text("serverAddress");
    if server.is_empty() {
        return Err("it has no server".to_owned());
    }
    let protocol = match text("protocol").as_str() {
        "" => "ws".to_owned(),
        protocol => protocol.to_owned(),
    };
    let port = match text("serverPort").as_str() {
        "" | "0" => String::new(),
        port => format!(":{port}"),
    };
    if port.contains("${") {
        notes.push(
            "its port is a variable: empty or 0 meant the protocol's own port, and must be a number now"
                .to_owned(),
        );
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let query = query(plan, item);
    let query = if query.is_empty() {
        query
    } else {
        format!("?{query}")
    };
    Ok(format!("{protocol}://{server}{port}{slash}{path}{query}"))
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

/// Whether a Close may stand behind it.
fn can_close_behind(plan: &Plan, item: ItemId) -> Result<(), String> {
    slots::all_at_once(plan, item)?;
    match met_twice(plan, item) {
        Some(other) => Err(format!(
            "{} (line {}) would count for the wsb - Close behind it, too; put it below the samplers that it is for",
            plan.name(other),
            plan.line(other)
        )),
        None => Ok(()),
    }
}

/// What stands in its scope and would be met by the Close behind it as well.
fn met_twice(plan: &Plan, item: ItemId) -> Option<ItemId> {
    // Configuration, and what only listens.
    const HARMLESS: [&str; 10] = [
        "Config",
        "ConfigTestElement",
        "Manager",
        "Arguments",
        "DataSet",
        "Defaults",
        "Collector",
        "Listener",
        "Visualizer",
        "Summariser",
    ];
    let harmless = |class: &str| {
        let ends = HARMLESS.iter().any(|end| class.ends_with(end));
        ends || is_sampler(class) || class.ends_with("Controller") || is_group(class)
    };
    let above = plan.above(item).flat_map(|above| plan.children(above));
    let mut beside = above.filter(|one| plan.runs(*one) && plan.counts_for(*one, item));
    beside.find(|one| plan.inside(*one).is_empty() && !harmless(plan.class(*one)))
}

/// Puts a Close behind it, for where there is something to close; in one place with it, if places count.
fn close_behind(plan: &Plan, item: ItemId, change: &mut Change) {
    let name = plan.name(item);
    let close = ours::sampler("Close")
        .with("wsb.close.code", "1000")
        .with("wsb.close.reason", "JMeter closed session.");
    let succeeded = NewElement::new("IfController", "IfControllerPanel")
        .with("IfController.condition", "${JMeterThread.last_sample_ok}")
        .with("IfController.useExpression", "true")
        .with("IfController.evaluateAll", "false");
    let (end, close_name) = (format!("{name}, where it succeeded"), format!("{name}, its end"));
    change.insert_both_behind(item, (&end, &succeeded), (&close_name, &close));
    if slots::is_counted(plan, item) {
        change.wrap(item, &name, &slots::simple());
    }
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
            close_behind(plan, *item, change);
            notes.push("it closed its connection with its sample; a wsb - Close behind it does so now, with a sample of its own, where it succeeded; after a failure the connection is closed when the next one takes its place, or the thread ends".to_owned());
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
