//! Which messages an element waits for, which it discards and which its connection answers by itself, out of its properties.

use conversation::Reply;
use conversation::awaited::{Awaited, Condition, Others};
use conversation::matcher::{Matcher, Place};
use memchr::memmem::Finder;
use regex::bytes::Regex;
use websocket::MessageKind;

use crate::encoding::hex;
use crate::values::{Invalid, Values};

const MODE: &str = "wsb.match.mode";
const VALUE: &str = "wsb.match.value";
const POINTER: &str = "wsb.match.pointer";
const DISCARD: &str = "wsb.match.discard";
const AUTO_REPLY: &str = "wsb.autoReply";

/// What an element waits for.
pub(crate) fn awaited(values: &Values) -> Result<Awaited, Invalid> {
    Ok(Awaited {
        matcher: matcher(values)?,
        discard: conditions(values.raw(DISCARD))?,
        shows_dropped: values.word("wsb.result.discarded", &[("none", false), ("subresults", true)])?,
        kind: values.word(
            "wsb.match.kind",
            &[
                ("any", None),
                ("text", Some(MessageKind::Text)),
                ("binary", Some(MessageKind::Binary)),
            ],
        )?,
        count: values.positive("wsb.match.count")?,
        others: values.word(
            "wsb.match.others",
            &[
                ("discard", Others::Discard),
                ("keep", Others::Keep),
                ("fail", Others::Fail),
            ],
        )?,
        optional: values.boolean("wsb.optional")?,
    })
}

/// How a message is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Contains,
    Equals,
    Regex,
    Json,
    Prefix,
    BinaryContains,
    BinaryEquals,
}

const MODES: [(&str, Mode); 7] = [
    ("contains", Mode::Contains),
    ("equals", Mode::Equals),
    ("regex", Mode::Regex),
    ("json", Mode::Json),
    ("binary-prefix", Mode::Prefix),
    ("binary-contains", Mode::BinaryContains),
    ("binary-equals", Mode::BinaryEquals),
];

/// What is wrong with a value, and what may stand in its place.
type Wrong = (String, &'static str);

fn matcher(values: &Values) -> Result<Matcher, Invalid> {
    let words: Vec<(&str, Option<Mode>)> = std::iter::once(("next", None))
        .chain(MODES.map(|(word, mode)| (word, Some(mode))))
        .collect();
    let Some(mode) = values.word(MODE, &words)? else {
        return Ok(Matcher::Next);
    };
    let pointer = values.text(POINTER);
    if mode == Mode::Json && !Place::is_pointer(pointer) {
        return Err(Invalid::new(POINTER, pointer, "not a JSON Pointer", POINTERS));
    }
    let value = values.raw(VALUE);
    built(mode, pointer, value).map_err(|(problem, allowed)| Invalid::new(VALUE, value, problem, allowed))
}

const POINTERS: &str = "empty, or names with a slash before each, as in /data/0/id (~0 is ~, ~1 is /)";

/// The condition of this mode; the pointer was looked at.
fn built(mode: Mode, pointer: &str, value: &str) -> Result<Matcher, Wrong> {
    let takes_nothing = matches!(mode, Mode::Equals | Mode::Json | Mode::BinaryEquals);
    if value.is_empty() && !takes_nothing {
        return Err((
            "empty".to_owned(),
            "something to look for; wsb.match.mode=next takes any message",
        ));
    }
    let bytes = || hex(value).map_err(|problem| (problem, "pairs of hex digits, as in 00ff10 or 00 ff 10"));
    let finder = |bytes: &[u8]| Matcher::Contains(Box::new(Finder::new(bytes).into_owned()));
    Ok(match mode {
        Mode::Contains => finder(value.as_bytes()),
        Mode::Equals => Matcher::Equals(value.as_bytes().to_vec()),
        Mode::Regex => Matcher::Regex(
            Regex::new(value)
                .map_err(|error| (error.to_string(), "a regular expression of the Rust crate regex"))?,
        ),
        Mode::Json => Matcher::Json(Place {
            pointer: pointer.to_owned(),
            value: value.to_owned(),
        }),
        Mode::Prefix => Matcher::Prefix(bytes()?),
        Mode::BinaryContains => finder(&bytes()?),
        Mode::BinaryEquals => Matcher::Equals(bytes()?),
    })
}

const CONDITIONS: &str = "a line for each condition: text or binary, not, then contains, equals, regex, json, binary-prefix, binary-contains or binary-equals with its value, as in: text contains heartbeat";

fn conditions(lines: &str) -> Result<Vec<Condition>, Invalid> {
    each_line(DISCARD, lines, condition)
}

/// What a connection answers by itself.
pub(crate) fn replies(values: &Values) -> Result<Vec<Reply>, Invalid> {
    let most = values.size("wsb.maxMessageSize", 1)?;
    each_line(AUTO_REPLY, values.raw(AUTO_REPLY), |line| {
        let reply = reply(line)?;
        if reply.payload.len() > most {
            let problem = format!("a reply of {} bytes", reply.payload.len());
            return Err((problem, "a reply of at most wsb.maxMessageSize"));
        }
        Ok(reply)
    })
}

/// One a line; empty lines are none.
fn each_line<T>(key: &str, lines: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Result<Vec<T>, Invalid> {
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| read(line).map_err(|(problem, allowed)| Invalid::new(key, line, problem, allowed)))
        .collect()
}

const REPLIES: &str = "a line for each: a condition, as in wsb.match.discard, then \" -> \" and the reply, as in: equals 2 -> 3";
const ESCAPES: &str = "\\n, \\r, \\t, \\0, \\\\ or \\x and two hex digits";

fn reply(line: &str) -> Result<Reply, Wrong> {
    let Some((to, answer)) = line.split_once(ARROW) else {
        return Err((format!("without {ARROW:?}"), REPLIES));
    };
    if answer.trim().is_empty() {
        return Err(("without a reply".to_owned(), REPLIES));
    }
    let to = condition(to)?;
    let payload = unescaped(answer.trim()).map_err(|problem| (problem, ESCAPES))?;
    if std::str::from_utf8(&payload).is_err() && to.kind != Some(MessageKind::Binary) {
        let problem = "a reply that is no UTF-8, to a message that may be text".to_owned();
        return Err((problem, "UTF-8, or a condition that begins with binary"));
    }
    Ok(Reply { to, payload })
}

const ARROW: &str = " -> ";

/// A line can show no line end, and a panel no NUL.
fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    while let Some(part) = parts.next() {
        let (byte, rest) = match part.chars().next() {
            Some('n') => (b'\n', &part[1..]),
            Some('r') => (b'\r', &part[1..]),
            Some('t') => (b'\t', &part[1..]),
            Some('0') => (0, &part[1..]),
            Some('x') => {
                let digits = part.get(1..3).unwrap_or(&part[1..]);
                let byte = u8::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 2 && !digits.starts_with('+'))
                    .ok_or_else(|| format!("\\x{digits} is no byte"))?;
                (byte, &part[3..])
            }
            // Two backslashes: what follows them is as it stands.
            None => match parts.next() {
                Some(rest) => (b'\\', rest),
                None => return Err("a backslash at the end".to_owned()),
            },
            Some(other) => return Err(format!("\\{other} is no escape")),
        };
        bytes.push(byte);
        bytes.extend(rest.bytes());
    }
    Ok(bytes)
}

fn condition(line: &str) -> Result<Condition, Wrong> {
    let (word, rest) = word(line);
    let (kind, line) = match word.to_ascii_lowercase().as_str() {
        "text" => (Some(MessageKind::Text), rest),
        "binary" => (Some(MessageKind::Binary), rest),
        _ => (None, line),
    };
    let (is_negated, line) = match self::word(line) {
        (word, rest) if word.eq_ignore_ascii_case("not") => (true, rest),
        _ => (false, line),
    };
    let (word, value) = self::word(line);
    let matcher = match word {
        // A kind alone is a condition.
        "" if kind.is_some() && !is_negated => Matcher::Next,
        _ => compared(word, value)?,
    };
    Ok(Condition {
        kind,
        matcher,
        is_negated,
    })
}

fn compared(word: &str, value: &str) -> Result<Matcher, Wrong> {
    let Some((_, mode)) = MODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) else {
        return Err((format!("{word:?} is no condition"), CONDITIONS));
    };
    if *mode != Mode::Json {
        return built(*mode, "", value);
    }
    let (pointer, value) = self::word(value);
    if !Place::is_pointer(pointer) {
        return Err((format!("{pointer:?} is no JSON Pointer"), POINTERS));
    }
    built(*mode, pointer, value)
}

/// The first word of a line, and the rest. Blanks around both do not count: nobody sees them at a line's end, or one too many.
fn word(line: &str) -> (&str, &str) {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_reply_and_its_escapes_are_bytes() {
        let lines = "equals  2  ->  3 \n\n text binary-equals 0a -> \\n\nbinary -> \\xff\\\\n\\0\njson /type 6 -> {\"type\":6}\\x1e -> x\n";
        let read: Vec<Vec<u8>> = each_line(AUTO_REPLY, lines, reply)
            .unwrap()
            .into_iter()
            .map(|reply| reply.payload)
            .collect();
        assert_eq!(
            read,
            [
                b"3".to_vec(),
                b"\n".to_vec(),
                b"\xff\\n\0".to_vec(),
                b"{\"type\":6}\x1e -> x".to_vec()
            ]
        );
        for (line, problem) in [
            ("equals 2", "without"),
            ("equals 2 -> ", "without"),
            ("equal 2 -> 3", "no condition"),
            ("equals 2 ->  ", "without"),
            ("equals 2 -> \\q", "\\q is no escape"),
            ("equals 2 -> \\x1", "\\x1 is no byte"),
            ("equals 2 -> \\xé0", "is no byte"),
            ("equals 2 -> \\x+1", "is no byte"),
            ("equals 2 -> \\x\\", "is no byte"),
            ("equals 2 -> 3\\", "backslash at the end"),
            ("equals 2 -> \\xff", "no UTF-8"),
        ] {
            let error = each_line(AUTO_REPLY, line, reply).unwrap_err().to_string();
            assert!(
                error.starts_with("wsb.autoReply") && error.contains(problem),
                "{error}"
            );
        }
    }

    #[test]
    fn each_line_is_a_condition() {
        let lines = "text contains heartbeat\r\n\n  not regex ^\\{.*\\}$\nBINARY not binary-prefix 00 ff\njson /type ping pong\n\
             json /seq\ntext \nequals \ncontains  a \ntext\t contains b\nbinary  not  equals  2 \n\u{a0}json  /type ping \n";
        let read = conditions(lines).unwrap();
        let shown: Vec<(Option<MessageKind>, bool)> =
            read.iter().map(|one| (one.kind, one.is_negated)).collect();
        let (text, binary) = (Some(MessageKind::Text), Some(MessageKind::Binary));
        assert_eq!(
            shown,
            [
                (text, false),
                (None, true),
                (binary, true),
                (None, false),
                (None, false),
                (text, false),
                (None, false),
                (None, false),
                (text, false),
                (binary, true),
                (None, false)
            ]
        );
        for (place, payload, expected) in [
            (0, "a heartbeat", true),
            (1, "{}", true),
            (2, "\0x", false),
            (3, r#"{"type":"ping pong"}"#, true),
            (3, r#"{"type":"ping"}"#, false),
            (4, r#"{"seq":0}"#, true),
            (5, "anything", true),
            (6, "", true),
            (6, "x", false),
            (7, "x a x", true),
            (7, "xax", true),
            (8, "a c", false),
            (8, "abc", true),
            (9, "2", true),
            (10, r#"{"type":"ping"}"#, true),
        ] {
            let matches = read[place].matcher.matches(payload.as_bytes());
            assert_eq!(matches, expected, "{place} {payload:?}");
        }
        assert!(conditions(" \n\r\n").unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_none_is_named_with_what_is_allowed() {
        for (line, problem) in [
            ("heartbeat", "is no condition"),
            ("not", "\"\" is no condition"),
            ("text not", "\"\" is no condition"),
            ("contains", "empty"),
            ("contains ", "empty"),
            ("regex (", "unclosed group"),
            ("binary-equals 0", "odd number"),
            ("json type ping", "\"type\" is no JSON Pointer"),
            ("json  ping", "\"ping\" is no JSON Pointer"),
        ] {
            let error = conditions(&format!("equals 2\n{line}")).unwrap_err().to_string();
            assert!(
                error.starts_with("wsb.match.discard") && error.contains(problem) && error.contains(line),
                "{line}: {error}"
            );
        }
    }
}
