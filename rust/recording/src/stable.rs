//! What of a message will be the same next time, so that a plan can wait for it: an id that the question had, a word that says what kind
//! of message it is, the way it begins.

use crate::har::Body;
use crate::words::Words;
use serde_json::Value;

/// What a sampler waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    /// Whatever comes, of that kind.
    Next { is_text: bool },
    /// JSON with this value there.
    Json { pointer: String, value: Words },
    /// A text that the expression finds something in.
    Regex(String),
}

/// Members that say what a message is.
const KINDS: &[&str] = &[
    "type",
    "event",
    "op",
    "action",
    "method",
    "cmd",
    "command",
    "kind",
    "topic",
    "topicName",
    "channel",
    "target",
    "name",
    "messageType",
];
/// Members that say which question is answered.
const REFERENCES: &[&str] = &[
    "id",
    "requestId",
    "request_id",
    "reqId",
    "req_id",
    "correlationId",
    "correlation_id",
    "invocationId",
    "seq",
    "ref",
    "nonce",
    "messageId",
];
/// A word is no longer.
const LONGEST: usize = 60;
/// A number that says a kind is below.
const MOST_KINDS: u64 = 100;
/// A text has to begin with so many letters that stay.
const FEWEST: usize = 3;

/// What is stable in a message, by itself.
pub(crate) fn stable(message: &Body) -> Match {
    let Some(text) = message.text() else {
        return Match::Next { is_text: false };
    };
    match json(text) {
        Some(value) => kind(&value).unwrap_or(Match::Next { is_text: true }),
        None => beginning(text),
    }
}

/// What says that a message is the answer to another one: a reference of both.
pub(crate) fn reference(question: &Body, answer: &Body) -> Option<Match> {
    let question = json(question.text()?)?;
    let answer = json(answer.text()?)?;
    let key = REFERENCES.iter().find(|key| {
        let asked = question.get(**key);
        asked.is_some_and(|asked| !asked.is_null()) && asked == answer.get(**key)
    })?;
    Some(Match::Json {
        pointer: format!("/{key}"),
        value: Words::plain(&plain(answer.get(*key)?)?),
    })
}

/// A message as JSON, an object or an array; a record separator at its end does not count (SignalR).
pub(crate) fn json(text: &str) -> Option<Value> {
    let text = text.trim_matches(['\u{1e}', '\0', '\u{feff}']);
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn kind(value: &Value) -> Option<Match> {
    let places = KINDS.iter().map(|key| format!("/{key}")).chain(["/0".to_owned()]);
    places
        .filter_map(|pointer| {
            let found = value.pointer(&pointer)?;
            let is_kind = match found {
                Value::String(word) => is_word(word),
                Value::Number(number) => number.as_u64().is_some_and(|number| number < MOST_KINDS),
                _ => false,
            };
            let value = is_kind.then(|| plain(found)).flatten()?;
            let value = Words::plain(&value);
            Some(Match::Json { pointer, value })
        })
        .next()
}

/// No id, no sentence.
fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.contains(|c: char| c.is_ascii_digit() || c.is_whitespace())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// By how a text begins: Socket.IO's digits with the event's name, a word as STOMP's commands.
fn beginning(text: &str) -> Match {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (packet, rest) = text.split_at(digits);
    if !packet.is_empty() && packet.len() <= 3 && (rest.is_empty() || rest.starts_with(['[', '{'])) {
        let event = rest
            .strip_prefix("[\"")
            .and_then(|rest| rest.split('"').next())
            .filter(|event| is_word(event));
        let more = match event {
            Some(event) => format!("[\"{event}\""),
            None => rest.chars().take(1).collect(),
        };
        let end = if rest.is_empty() { "$" } else { "" };
        return Match::Regex(format!("^{packet}{}{end}", regex::escape(&more)));
    }
    let word: String = text
        .chars()
        .take(LONGEST)
        .take_while(|c| c.is_alphabetic() || "_-:/.".contains(*c))
        .collect();
    if word.chars().count() < FEWEST {
        return Match::Next { is_text: true };
    }
    Match::Regex(format!("^{}", regex::escape(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Match {
        stable(&Body::Text(text.to_owned()))
    }

    fn at(pointer: &str, value: &str) -> Match {
        Match::Json {
            pointer: pointer.to_owned(),
            value: Words::plain(value),
        }
    }

    #[test]
    fn a_kind_stays_and_ids_and_figures_do_not() {
        assert_eq!(of(r#"{"id":"a7","type":"welcome"}"#), at("/type", "welcome"));
        assert_eq!(of(r#"{"type":6}"#), at("/type", "6"));
        assert_eq!(of("{\"type\":1,\"target\":\"send\"}\u{1e}"), at("/type", "1"));
        assert_eq!(of(r#"["joined",{"room":7}]"#), at("/0", "joined"));
        assert_eq!(of(r#"{"price":17.5}"#), Match::Next { is_text: true });
        assert_eq!(of(r#"{"name":"order 66"}"#), Match::Next { is_text: true });
        assert_eq!(of("42[\"chat message\",1]"), Match::Regex("^42\\[".to_owned()));
        assert_eq!(of("42[\"chat\",1]"), Match::Regex("^42\\[\"chat\"".to_owned()));
        assert_eq!(of("3"), Match::Regex("^3$".to_owned()));
        assert_eq!(of("0{\"sid\":\"x\"}"), Match::Regex("^0\\{".to_owned()));
        assert_eq!(
            of("CONNECTED\nversion:1.2"),
            Match::Regex("^CONNECTED".to_owned())
        );
        assert_eq!(of("17.5"), Match::Next { is_text: true });
        assert_eq!(stable(&Body::Binary(vec![1])), Match::Next { is_text: false });
    }

    #[test]
    fn an_answer_is_known_by_the_questions_id() {
        let body = |text: &str| Body::Text(text.to_owned());
        let question = body(r#"{"id":7,"method":"add"}"#);
        assert_eq!(
            reference(&question, &body(r#"{"jsonrpc":"2.0","id":7}"#)),
            Some(at("/id", "7"))
        );
        assert_eq!(reference(&question, &body(r#"{"id":8}"#)), None);
        assert_eq!(reference(&question, &body("pong")), None);
        assert_eq!(reference(&body(r#"{"id":null}"#), &body(r#"{"id":null}"#)), None);
    }
}
