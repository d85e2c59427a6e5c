//! Values of a message that could be ids or tokens, and how a plan finds them in the next message of that kind.

use crate::stable::json;
use crate::steps::Way;
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;

/// A shorter word may stand somewhere by chance.
pub(crate) const SHORTEST: usize = 6;
/// So does a smaller number.
const SMALLEST: u64 = 100_000;
/// What stands before JSON is no longer: a packet's kind, a destination.
const LONGEST_HEAD: usize = 80;

/// A value at one place of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Of its member.
    pub name: String,
    pub value: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In a message that is JSON.
    Path(String),
    /// In JSON behind something else.
    Member,
    /// In a line `name:value` (STOMP).
    Line,
}

/// All that stand once in the message.
pub(crate) fn leaves(message: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    // An extractor of JSON reads plain JSON only.
    match json(message).filter(|_| !message.ends_with('\u{1e}')) {
        Some(value) => walk(&value, "$", "value", &mut found),
        None => behind(message, &mut found),
    }
    let mut count: HashMap<String, usize> = HashMap::new();
    for leaf in &found {
        *count.entry(leaf.value.clone()).or_default() += 1;
    }
    found.retain(|leaf| count.get(&leaf.value) == Some(&1));
    found
}

/// JSON with a head: `42["event",{...}]`, a frame of STOMP, a record of SignalR.
fn behind(message: &str, found: &mut Vec<Leaf>) {
    let lines = message.split("\n\n").next().filter(|_| message.contains("\n\n"));
    let lines = lines.into_iter().flat_map(str::lines).skip(1);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if is_id(value) {
            found.push(Leaf {
                name: name.to_owned(),
                value: value.to_owned(),
                place: Place::Line,
            });
        }
    }
    let body = message.find("\n\n").map(|at| at + 2);
    let begin = message.find(['{', '[']).filter(|begin| *begin <= LONGEST_HEAD);
    let value = [body, begin]
        .into_iter()
        .flatten()
        .find_map(|at| json(&message[at..]));
    if let Some(value) = value {
        walk(&value, "", "value", found);
    }
}

/// Where the path is empty, there is none that could be used.
fn walk(value: &Value, path: &str, name: &str, found: &mut Vec<Leaf>) {
    let mut add = |value: String| {
        found.push(Leaf {
            name: name.to_owned(),
            value,
            place: match path {
                "" => Place::Member,
                path => Place::Path(path.to_owned()),
            },
        });
    };
    let below = |step: String| match path {
        "" => String::new(),
        path => path.to_owned() + &step,
    };
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let quoted = key.replace('\\', "\\\\").replace('\'', "\\'");
                walk(member, &below(format!("['{quoted}']")), key, found);
            }
        }
        Value::Array(members) => {
            for (nth, member) in members.iter().enumerate() {
                walk(member, &below(format!("[{nth}]")), name, found);
            }
        }
        Value::String(text) if is_id(text) => add(text.clone()),
        Value::Number(number) if number.as_u64().is_some_and(|number| number >= SMALLEST) => {
            add(number.to_string());
        }
        _ => {}
    }
}

/// No word of a language: it has a digit, and no blank.
fn is_id(text: &str) -> bool {
    text.len() >= SHORTEST
        && text.contains(|c: char| c.is_ascii_digit())
        && !text.contains(char::is_whitespace)
}

impl Leaf {
    /// How it is found in that message, whose leaf it is; none where an expression finds another value first.
    pub(crate) fn way(&self, message: &str) -> Option<Way> {
        let expression = match &self.place {
            Place::Path(path) => return Some(Way::Path(path.clone())),
            _ if !self
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) =>
            {
                return None;
            }
            Place::Member => format!("\"{}\"\\s*:\\s*\"?([^\",}}\\]]+)", self.name),
            Place::Line => format!("\\n{}:([^\\r\\n]+)", self.name),
        };
        let first = Regex::new(&expression).ok()?.captures(message)?;
        (first.get(1)?.as_str() == self.value).then_some(Way::Regex(expression))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &str) -> Vec<(String, Option<Way>)> {
        let leaves = leaves(message);
        let each = leaves.iter();
        each.map(|leaf| (leaf.value.clone(), leaf.way(message))).collect()
    }

    #[test]
    fn a_value_is_found_by_path_in_json_and_by_expression_behind_something_else() {
        let path = Way::Path("$['a'][0]['it\\'s']".to_owned());
        assert_eq!(
            found(r#"{"a":[{"it's":"id-1234"}]}"#),
            [("id-1234".to_owned(), Some(path))]
        );
        let member = |name: &str| Some(Way::Regex(format!("\"{name}\"\\s*:\\s*\"?([^\",}}\\]]+)")));
        for message in [
            r#"430[{"ok":true,"id":"m-123456"}]"#,
            r#"42/news,["x",{"id":"m-123456"}]"#,
            "{\"type\":1,\"id\":\"m-123456\"}\u{1e}",
            "MESSAGE\nto:/x\n\n{\"id\" : \"m-123456\"}\0",
        ] {
            assert_eq!(
                found(message),
                [("m-123456".to_owned(), member("id"))],
                "{message}"
            );
        }
        assert_eq!(
            found("CONNECTED\nversion:1.2\nsession:s-123456\n\n\0"),
            [(
                "s-123456".to_owned(),
                Some(Way::Regex("\\nsession:([^\\r\\n]+)".to_owned()))
            )]
        );
        assert_eq!(
            found(r#"0[{"n":1234567}]"#),
            [("1234567".to_owned(), member("n"))]
        );
    }

    #[test]
    fn what_an_expression_finds_elsewhere_first_or_what_stands_twice_is_not_found() {
        assert_eq!(
            found(r#"0[{"id":1},{"id":"m-123456"}]"#),
            [("m-123456".to_owned(), None)]
        );
        assert_eq!(found(r#"0[{"a b":"m-123456"}]"#), [("m-123456".to_owned(), None)]);
        assert_eq!(found(r#"{"a":"m-123456","b":"m-123456"}"#), []);
        assert_eq!(found("plain m-123456"), []);
    }
}
