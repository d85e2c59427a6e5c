//! Their samplers, each as one of ours.

use super::Move;
use super::address::address;
use super::filters::{self, Filters};
use crate::jmx::{ItemId, NewElement, Plan};
use crate::ours;

/// The property that says whether a Connect tries again.
pub(super) const STRATEGY: &str = "wsb.retry.strategy";

/// What their samplers take where a property is absent.
const CONNECT_TIMEOUT: &str = "20000";
const READ_TIMEOUT: &str = "6000";

/// Messages by their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
    Any,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Binary => "binary",
            Kind::Any => "any",
        }
    }
}

pub(super) fn open(plan: &Plan, item: ItemId) -> Result<Move, String> {
    let element = connection(plan, item, ours::sampler("Connect"));
    let (url, notes) = connecting(plan, item)?;
    let mut element = element.with("wsb.url", url.url);
    element.properties.extend(url.settings);
    Ok(notes.into_iter().fold(Move::to(element), Move::noting))
}

/// Where and how an element that opens a connection does it.
struct Connecting {
    url: String,
    settings: Vec<(&'static str, String)>,
}

fn connecting(plan: &Plan, item: ItemId) -> Result<(Connecting, Vec<String>), String> {
    let address = address(plan, item)?;
    let mut settings = vec![(
        "wsb.connectTimeout",
        timeout(plan, item, "connectTimeout", CONNECT_TIMEOUT),
    )];
    if address.tls {
        settings.push(("wsb.tls.verify", "false".to_owned()));
    }
    settings.extend([
        ("wsb.keepAlive", "0".to_owned()),
        ("wsb.end", "abort".to_owned()),
        (
            "wsb.retry.attemptTimeout",
            timeout(plan, item, "readTimeout", READ_TIMEOUT),
        ),
        (STRATEGY, "none".to_owned()),
    ]);
    let url = address.url;
    Ok((Connecting { url, settings }, address.notes))
}

pub(super) fn close(plan: &Plan, item: ItemId) -> Result<Move, String> {
    let code = plan.value_or(item, "statusCode", "1000");
    if let Ok(number) = code.trim().parse::<u32>() {
        let allowed = (1000..=1014).contains(&number) && !(1004..=1006).contains(&number);
        if !allowed && !(3000..=4999).contains(&number) {
            return Err(format!(
                "it closes with {number}, a code that RFC 6455 lets nobody send"
            ));
        }
    }
    let element = connection(plan, item, ours::sampler("Close"))
        .with("wsb.close.code", code)
        .with("wsb.close.reason", "sampler requested close")
        .with(
            "wsb.close.timeout",
            timeout(plan, item, "readTimeout", READ_TIMEOUT),
        );
    let moved = Move::to(element)
        .noting("its data is the server's reason alone, where theirs had the code before it");
    if plan.value_or(item, "statusCode", "").contains("${") {
        return Ok(moved.noting(
            "its code is a variable: it must be one that RFC 6455 lets a client send, as 1000 or 3000 to 4999, which theirs did not ask for",
        ));
    }
    Ok(moved)
}

pub(super) fn exchange(plan: &Plan, item: ItemId, filters: &Filters) -> Result<Move, String> {
    let payload = payload(plan, item)?;
    let kind = payload.kind;
    let moved = payload.put_into(using(plan, item, "Exchange", "true")?).with(
        "wsb.readTimeout",
        timeout(plan, item, "readTimeout", READ_TIMEOUT),
    );
    awaiting(plan, filters, item, moved, kind)
}

pub(super) fn write(plan: &Plan, item: ItemId) -> Result<Move, String> {
    Ok(payload(plan, item)?.put_into(using(plan, item, "Send", "false")?))
}

pub(super) fn read(plan: &Plan, item: ItemId, filters: &Filters) -> Result<Move, String> {
    let kind = match plan.property(item, "dataType").map(|property| property.value) {
        Some(kind) => match kind.as_str() {
            "Text" | "" => Kind::Text,
            "Binary" => Kind::Binary,
            "Any" => Kind::Any,
            other => return Err(format!("dataType is {other:?}; Text, Binary and Any are known")),
        },
        None if plan.value_or(item, "binaryPayload", "false") == "true" => Kind::Binary,
        None => Kind::Text,
    };
    let moved = using(plan, item, "Receive", "false")?.with(
        "wsb.readTimeout",
        timeout(plan, item, "readTimeout", READ_TIMEOUT),
    );
    let moved = awaiting(plan, filters, item, moved, kind)?;
    if plan.value_or(item, "optional", "false") == "true" {
        return Ok(moved
            .with("wsb.optional", "true")
            .noting("when nothing comes, its code is No message where theirs was No response"));
    }
    Ok(moved)
}

pub(super) fn ping(plan: &Plan, item: ItemId) -> Result<Move, String> {
    let element = connection(plan, item, ours::sampler("Ping"));
    match plan.value_or(item, "type", "PingPong").as_str() {
        "PingPong" | "" => {
            let element = element.with(
                "wsb.readTimeout",
                timeout(plan, item, "readTimeout", READ_TIMEOUT),
            );
            Ok(Move::to(element).noting("the ping has a payload of 8 bytes, where theirs had none"))
        }
        "Pong" => Ok(Move::to(element.with("wsb.ping.mode", "pong"))),
        other => Err(format!("its type is {other:?}; PingPong and Pong are known")),
    }
}

/// The name of the connection, which an unreleased version of theirs has.
fn connection(plan: &Plan, item: ItemId, element: NewElement) -> NewElement {
    match plan.value_or(item, "connectionId", "") {
        id if id.is_empty() => element,
        id => element.with("wsb.connection", id),
    }
}

/// An element that uses a connection: the one that is open, or one of its own, with what is said below it about that.
fn using(plan: &Plan, item: ItemId, kind: &str, absent: &str) -> Result<Move, String> {
    let element = connection(plan, item, ours::sampler(kind));
    match plan.value_or(item, "createNewConnection", absent).as_str() {
        "true" => {
            let (connecting, notes) = connecting(plan, item)?;
            let element = element
                .with("wsb.url", connecting.url)
                .with("wsb.whenOpen", "replace");
            let mut below = ours::defaults();
            below.properties = connecting.settings;
            let mut moved = notes.into_iter().fold(Move::to(element), Move::noting);
            moved.below = Some(below);
            Ok(moved.noting("its code is 200 where theirs was 101"))
        }
        "false" | "" => Ok(Move::to(element)),
        other => Err(format!(
            "createNewConnection is {other:?}; true and false are known"
        )),
    }
}

/// What it waits for: the next message that no filter in its scope discards, which must be of its kind.
fn awaiting(plan: &Plan, filters: &Filters, item: ItemId, moved: Move, kind: Kind) -> Result<Move, String> {
    let filters = filters.for_sampler(plan, item);
    let mut moved = moved;
    // The next message of any kind has no others.
    if kind != Kind::Any {
        moved = moved
            .with("wsb.match.kind", kind.name())
            .with("wsb.match.others", "fail");
    }
    let discards = filters::discards(plan, &filters)?;
    if discards.is_empty() {
        return Ok(moved);
    }
    if discards.contains("${") {
        moved = moved.noting("what it discards has a variable in it, which must have a value that is one line without blanks around it");
    }
    Ok(moved.with("wsb.match.discard", discards).noting(
        "what it discards was shown as a part of its sample; wsb.result.discarded=subresults shows it again",
    ))
}

/// What it sends.
struct Payload {
    kind: Kind,
    form: &'static str,
    text: String,
    file: String,
}

impl Payload {
    fn put_into(self, moved: Move) -> Move {
        let moved = moved.with("wsb.payloadType", self.form);
        if self.form.starts_with("file") {
            moved.with("wsb.payloadFile", self.file)
        } else {
            moved.with("wsb.payload", self.text)
        }
    }
}

fn payload(plan: &Plan, item: ItemId) -> Result<Payload, String> {
    let stored = plan.property(item, "payloadType").map(|property| property.value);
    let (kind, stomp) = match stored.as_deref() {
        Some("Text" | "") => (Kind::Text, false),
        Some("TextStomp") => (Kind::Text, true),
        Some("Binary") => (Kind::Binary, false),
        Some(other) => {
            return Err(format!(
                "payloadType is {other:?}; Text, Binary and TextStomp are known"
            ));
        }
        None if plan.value_or(item, "binaryPayload", "false") == "true" => (Kind::Binary, false),
        None => (Kind::Text, false),
    };
    let from_file = plan.value_or(item, "loadDataFromFile", "false") == "true";
    let mut text = plan.value_or(item, "requestData", "");
    if stomp && from_file {
        return Err(
            "it sends a file as a STOMP text, with NUL for ^@; ws-backoff sends a file as it is".to_owned(),
        );
    }
    if stomp {
        text = text.replace("^@", "${__char(0)}");
    }
    if kind == Kind::Binary && !from_file {
        text = bytes(&text)?;
    }
    let form = match (from_file, kind) {
        (true, Kind::Binary) => "file",
        (true, _) => "file-raw",
        (false, Kind::Binary) => "hex",
        (false, _) => "text",
    };
    Ok(Payload {
        kind,
        form,
        text,
        file: plan.value_or(item, "dataFile", ""),
    })
}

/// Bytes as ours read them: two digits each.
fn bytes(text: &str) -> Result<String, String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_hexdigit).count();
    match text.trim() {
        one if one.len() == 1 && digits(one) == 1 => Ok(format!("0{one}")),
        odd if !odd.contains(['$', 'x', 'X']) && digits(odd) % 2 == 1 => {
            Err(format!("it sends {odd:?}, which has half a byte"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// A time-out as it stands, which may be a variable; milliseconds as with ours.
fn timeout(plan: &Plan, item: ItemId, key: &str, absent: &str) -> String {
    let value = plan.value_or(item, key, absent);
    match value.trim() {
        "" => absent.to_owned(),
        // Theirs waited without end, for which ours have no word.
        value if value.parse() == Ok(0_u32) => "1d".to_owned(),
        _ => value,
    }
}
