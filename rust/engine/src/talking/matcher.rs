//! Which message is the awaited one. Pure.

use memchr::memmem::Finder;
use regex::bytes::Regex;
use serde_json::Value;

/// A condition on the bytes of one message; its kind is looked at elsewhere.
#[derive(Debug)]
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

/// A place in a JSON message, and what stands there.
#[derive(Debug)]
pub struct Place {
    /// RFC 6901.
    pub pointer: String,
    /// As written in the plan: a text stands for itself, or for the JSON value that it is. Empty: any value.
    pub value: String,
}

impl Matcher {
    /// Whether a message matches.
    pub fn matches(&self, payload: &[u8]) -> bool {
        match self {
            Matcher::Next => true,
            Matcher::Contains(finder) => finder.find(payload).is_some(),
            Matcher::Equals(value) => payload == value.as_slice(),
            Matcher::Regex(regex) => regex.is_match(payload),
            Matcher::Json(place) => place.matches(payload),
            Matcher::Prefix(prefix) => payload.starts_with(prefix),
        }
    }
}

impl Place {
    /// Whether an expression is a JSON Pointer: empty, or begun by a slash, with `~` only as `~0` and `~1`.
    pub fn is_pointer(text: &str) -> bool {
        let escapes = text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with('0') || rest.starts_with('1'));
        escapes && (text.is_empty() || text.starts_with('/'))
    }

    fn matches(&self, payload: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Value>(payload) else {
            return false;
        };
        let Some(found) = message.pointer(&self.pointer) else {
            return false;
        };
        if self.value.is_empty() || found.as_str() == Some(&self.value) {
            return true;
        }
        match (serde_json::from_str(&self.value), found) {
            // 7 and 7.0 are one number in JSON.
            (Ok(Value::Number(wanted)), Value::Number(found)) => {
                wanted == *found || wanted.as_f64() == found.as_f64()
            }
            (Ok(wanted), found) => wanted == *found,
            (Err(_), _) => false,
        }
    }
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
