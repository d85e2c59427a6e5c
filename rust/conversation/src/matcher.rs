//! Which message is the awaited one.

use memchr::memmem::Finder;
use regex::bytes::Regex;
use serde_json::{Number, Value};

/// What stands around JSON in messages of protocols that delimit what they send: SignalR's record separator, STOMP's NUL.
const DELIMITERS: [u8; 2] = [0x1e, 0];

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A condition on the bytes of one message; its kind is looked at elsewhere.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Every message.
    Next,
    /// These bytes are somewhere in it.
    Contains(Box<Finder<'static>>),
    /// It is these bytes.
    Equals(Vec<u8>),
    /// The expression is found in it.
    Regex(Regex),
    /// It is JSON and has the value at a place.
    Json(Place),
    /// It begins with these bytes.
    Prefix(Vec<u8>),
}

/// Whether a message is the awaited one, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Match,
    /// It is another.
    Other,
    /// A place in JSON is looked for, and this is none.
    NotJson,
    /// It is one of those that are dropped wherever they are met.
    Unwanted,
}

/// A place in a JSON message, and what stands there.
#[derive(Debug, Clone)]
pub struct Place {
    /// RFC 6901.
    pub pointer: String,
    /// As written in the plan: a text stands for itself, or for the JSON value that it is. Empty: any value.
    pub value: String,
}

impl Matcher {
    /// Whether a message matches.
    #[must_use]
    pub fn matches(&self, payload: &[u8]) -> bool {
        self.judge(payload) == Verdict::Match
    }

    /// Whether a message matches, and why not.
    #[must_use]
    pub fn judge(&self, payload: &[u8]) -> Verdict {
        let matches = match self {
            Matcher::Next => true,
            Matcher::Contains(finder) => finder.find(payload).is_some(),
            Matcher::Equals(value) => payload == value.as_slice(),
            Matcher::Regex(regex) => regex.is_match(payload),
            Matcher::Json(place) => return place.judge(payload),
            Matcher::Prefix(prefix) => payload.starts_with(prefix),
        };
        if matches { Verdict::Match } else { Verdict::Other }
    }
}

impl Place {
    /// Whether an expression is a JSON Pointer: empty, or begun by a slash, with `~` only as `~0` and `~1`.
    #[must_use]
    pub fn is_pointer(text: &str) -> bool {
        let escapes = text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with('0') || rest.starts_with('1'));
        escapes && (text.is_empty() || text.starts_with('/'))
    }

    /// Of several values with a delimiter between, one that matches is enough.
    fn judge(&self, payload: &[u8]) -> Verdict {
        let payload = payload.strip_prefix(BYTE_ORDER_MARK).unwrap_or(payload);
        let mut verdict = Verdict::NotJson;
        for value in payload.split(|byte| DELIMITERS.contains(byte)) {
            match serde_json::from_slice::<Value>(value) {
                Ok(message) if self.stands_in(&message) => return Verdict::Match,
                Ok(_) => verdict = Verdict::Other,
                Err(_) => {}
            }
        }
        verdict
    }

    fn stands_in(&self, message: &Value) -> bool {
        let Some(found) = message.pointer(&self.pointer) else {
            return false;
        };
        if self.value.is_empty() || found.as_str() == Some(&self.value) {
            return true;
        }
        match (serde_json::from_str(&self.value), found) {
            (Ok(Value::Number(wanted)), Value::Number(found)) => is_same(&wanted, found),
            (Ok(wanted), found) => wanted == *found,
            (Err(_), _) => false,
        }
    }
}

/// 7 and 7.0 are one number in JSON; two identifiers of 64 bits that differ by one are two, though not as floating-point numbers.
fn is_same(one: &Number, other: &Number) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        _ => false,
    }
}

/// The value as a whole number, if it is one.
fn whole(number: &Number) -> Option<i128> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    if let Some(whole) = number.as_u64() {
        return Some(whole.into());
    }
    let float = number.as_f64()?;
    // Beyond 2^63 each floating-point number is a whole one, but nothing compares with it exactly.
    let is_whole = float.fract() == 0.0 && float.abs() < 9.0e18;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    is_whole.then_some(float as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(pointer: &str, value: &str) -> Matcher {
        Matcher::Json(Place {
            pointer: pointer.to_owned(),
            value: value.to_owned(),
        })
    }

    #[test]
    fn each_condition_takes_what_it_says_and_nothing_else() {
        let contains = Matcher::Contains(Box::new(Finder::new("late").into_owned()));
        let regex = Matcher::Regex(Regex::new(r#""id":\s*42\b"#).unwrap());
        for (matcher, payload, expected) in [
            (&Matcher::Next, &b""[..], true),
            (&contains, b"translated", true),
            (&contains, b"early", false),
            (&Matcher::Equals(b"pong".to_vec()), b"pong", true),
            (&Matcher::Equals(b"pong".to_vec()), b"pong ", false),
            (&regex, br#"{"id": 42}"#, true),
            (&regex, br#"{"id": 421}"#, false),
            (&regex, b"\xff\xfe\"id\":42", true),
            (&Matcher::Prefix(vec![0, 1]), &[0, 1, 2], true),
            (&Matcher::Prefix(vec![0, 1]), &[0], false),
        ] {
            assert_eq!(matcher.matches(payload), expected, "{matcher:?} {payload:?}");
        }
    }

    #[test]
    fn a_place_in_json_is_compared_as_text_or_as_a_value() {
        let message = br#"{"a":{"b~/":[1,"two",null,true,{"x":1}]},"n":7.0,"s":"7","":"e"}"#;
        for (pointer, value, expected) in [
            ("/n", "7", true),
            ("/s", "7", true),
            ("/s", "\"7\"", true),
            ("/n", "8", false),
            ("/a/b~0~1/1", "two", true),
            ("/a/b~0~1/2", "null", true),
            ("/a/b~0~1/3", "true", true),
            ("/a/b~0~1/4", r#"{ "x" : 1 }"#, true),
            ("/a/b~0~1/5", "", false),
            ("/a", "", true),
            ("/", "e", true),
            ("/missing", "x", false),
        ] {
            assert_eq!(
                json(pointer, value).matches(message),
                expected,
                "{pointer} {value}"
            );
        }
        assert!(json("", "[1,2]").matches(b" [1, 2] "));
        assert!(!json("", "").matches(b"not json"));
        assert!(!json("/a", "").matches(b"\xff"));
    }

    #[test]
    fn whole_numbers_of_64_bits_are_compared_exactly() {
        for (value, message, expected) in [
            ("9007199254740993", "9007199254740993", true),
            ("9007199254740993", "9007199254740992", false),
            ("18446744073709551615", "18446744073709551615", true),
            ("18446744073709551615", "18446744073709551614", false),
            ("-9223372036854775808", "-9223372036854775807", false),
            ("7", "7.0", true),
            ("7.5", "7.50", true),
            ("1e3", "1000", true),
            ("7", "7.5", false),
        ] {
            let message = format!("{{\"id\":{message}}}");
            assert_eq!(
                json("/id", value).matches(message.as_bytes()),
                expected,
                "{value} {message}"
            );
        }
    }

    #[test]
    fn what_delimits_json_does_not_keep_it_from_being_json() {
        let matcher = json("/id", "7");
        for message in [
            &b"{\"id\":7}\x1e"[..],
            b"\xef\xbb\xbf{\"id\":7}",
            b"{\"id\":7}\n\0",
            b"{\"type\":6}\x1e{\"id\":7}\x1e",
        ] {
            assert_eq!(matcher.judge(message), Verdict::Match, "{message:?}");
        }
        assert_eq!(matcher.judge(b"{\"id\":8}\x1e"), Verdict::Other);
        for message in [&b"hello"[..], b"", b"\x1e", b"{\"id\":7"] {
            assert_eq!(matcher.judge(message), Verdict::NotJson, "{message:?}");
        }
    }

    #[test]
    fn a_pointer_is_told_from_a_path() {
        for (text, yes) in [
            ("", true),
            ("/", true),
            ("/a/0", true),
            ("/a~1b", true),
            ("a/b", false),
            ("$.a", false),
            ("/a~2", false),
            ("/a~", false),
        ] {
            assert_eq!(Place::is_pointer(text), yes, "{text}");
        }
    }
}
