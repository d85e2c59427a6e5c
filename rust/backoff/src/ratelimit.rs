//! The `RateLimit` field of draft-ietf-httpapi-ratelimit-headers: a list of items, of which only `r` (quota left) and `t`
//! (seconds until it is restored) matter here. The part of RFC 9651 (structured fields) that it needs, no more.

use crate::hint::HintFault;
use std::time::Duration;

/// Fields beyond this are not read: real ones have one or two items.
const LONGEST_FIELD: usize = 4096;

/// How long to wait: the longest `t` among the items without quota left (a client must satisfy all its quotas).
///
/// # Errors
/// `NotRateLimit` for a malformed field (the draft: ignore it), an item without an integer `r`, or an exhausted one without `t`;
/// `QuotaLeft` when no item is exhausted; `Zero`, `Negative` and `Absurd` for such a `t`.
pub(crate) fn wait(field: &str) -> Result<Duration, HintFault> {
    if field.len() > LONGEST_FIELD {
        return Err(HintFault::NotRateLimit);
    }
    let items = Cursor {
        rest: field.as_bytes(),
    }
    .list()
    .ok_or(HintFault::NotRateLimit)?;
    let mut longest: Option<i64> = None;
    for item in items {
        match (item.remaining, item.reset) {
            (Some(Value::Integer(0)), Some(Value::Integer(reset))) => longest = longest.max(Some(reset)),
            (Some(Value::Integer(1..)), _) => {}
            _ => return Err(HintFault::NotRateLimit),
        }
    }
    match longest {
        None => Err(HintFault::QuotaLeft),
        Some(0) => Err(HintFault::Zero),
        Some(reset) => u64::try_from(reset)
            .map(Duration::from_secs)
            .map_err(|_| HintFault::Negative),
    }
}

#[derive(Clone, Copy)]
enum Value {
    Integer(i64),
    Other,
}

#[derive(Default)]
struct Item {
    remaining: Option<Value>,
    reset: Option<Value>,
}

/// What is left to read. Every method takes its part off the front, or says `None`: not of that form.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// RFC 9651 section 4.2.1, without inner lists.
    fn list(mut self) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        self.skip(b" ");
        loop {
            items.push(self.item()?);
            self.skip(b" \t");
            if self.rest.is_empty() {
                return Some(items);
            }
            self.take(b',')?;
            self.skip(b" \t");
        }
    }

    /// Sections 4.2.3 and 4.2.3.2: a value and its parameters; of a repeated one the last counts.
    fn item(&mut self) -> Option<Item> {
        self.value()?;
        let mut item = Item::default();
        while self.take(b';').is_some() {
            self.skip(b" ");
            let key = self.key()?;
            let value = if self.take(b'=').is_some() {
                self.value()?
            } else {
                Value::Other
            };
            match key {
                b"r" => item.remaining = Some(value),
                b"t" => item.reset = Some(value),
                _ => {}
            }
        }
        Some(item)
    }

    /// Section 4.2.3.3.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.rest
            .first()
            .filter(|byte| byte.is_ascii_lowercase() || **byte == b'*')?;
        Some(self.run(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)))
    }

    /// Section 4.2.3.1. Dates and display strings have no place in this field and count as malformed.
    fn value(&mut self) -> Option<Value> {
        match *self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b':' => self.bytes(),
            b'?' => {
                self.take(b'?');
                self.take(b'0').or_else(|| self.take(b'1')).map(|()| Value::Other)
            }
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                self.run(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
                Some(Value::Other)
            }
            _ => None,
        }
    }

    /// Section 4.2.4: at most 15 digits, or 12 and 3 behind the point.
    fn number(&mut self) -> Option<Value> {
        let sign = if self.take(b'-').is_some() { -1 } else { 1 };
        let digits = self.run(|byte| byte.is_ascii_digit());
        let whole: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let length = digits.len();
        if self.take(b'.').is_none() {
            return (length <= 15).then_some(Value::Integer(sign * whole));
        }
        let fraction = self.run(|byte| byte.is_ascii_digit()).len();
        (length <= 12 && (1..=3).contains(&fraction)).then_some(Value::Other)
    }

    /// Section 4.2.5: printable ASCII; a backslash only before a quote or another one.
    fn string(&mut self) -> Option<Value> {
        self.take(b'"')?;
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(Value::Other),
                b'\\' => self.take(b'"').or_else(|| self.take(b'\\'))?,
                0x20..=0x7e => {}
                _ => return None,
            }
        }
    }

    /// Section 4.2.7: base64 between colons; what it holds does not matter.
    fn bytes(&mut self) -> Option<Value> {
        self.take(b':')?;
        self.run(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.take(b':').map(|()| Value::Other)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.run(|byte| bytes.contains(&byte));
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .position(|&byte| !belongs(byte))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HintFault::{Negative, NotRateLimit, QuotaLeft, Zero};
    use proptest::prelude::*;

    #[test]
    fn reads_the_field_as_the_draft_says() {
        for (field, expected) in [
            (r#""default";r=0;t=30"#, Ok(30)),
            (r#"  "default" ;r=0;t=30"#, Err(NotRateLimit)),
            (r#""default"; r=0;  t=30  "#, Ok(30)),
            (r#""default";t=30;r=0"#, Ok(30)),
            (
                r#""default";r=0;t=30;pk=:Y2xpZW50:;x;y=?0;z="a\"b\\";w=1.5;v=-7;u=*tok/en:"#,
                Ok(30),
            ),
            (r#""burst";r=0;t=5, "daily";r=0;t=3600"#, Ok(3600)),
            ("\"burst\";r=0;t=5\t,\t\"daily\";r=12;t=3600", Ok(5)),
            (r#"default;r=0;t=7"#, Ok(7)),
            (r#""a;r=0;t=9, b";r=0;t=1"#, Ok(1)),
            (r#""default";r=3;r=0;t=4"#, Ok(4)),
            (r#""default";r=50;t=30"#, Err(QuotaLeft)),
            (r#""default";r=50"#, Err(QuotaLeft)),
            (r#""default";r=0;t=0"#, Err(Zero)),
            (r#""default";r=0;t=-5"#, Err(Negative)),
        ] {
            assert_eq!(wait(field), expected.map(Duration::from_secs), "{field}");
        }
    }

    #[test]
    fn ignores_what_is_malformed() {
        for field in [
            "",
            " ",
            "limit=100, remaining=0, reset=30",
            r#""default";r=0"#,
            r#""default";t=30"#,
            r#""default""#,
            r#""default";r;t=30"#,
            r#""default";r=0.0;t=30"#,
            r#""default";r=0;t=30.5"#,
            r#""default";r=0;t="30""#,
            r#""default";r=-1;t=30"#,
            r#""default";r=0;t=30,"#,
            r#""default";r=0;t=30 x"#,
            r#""default";r=0;t=1234567890123456"#,
            r#""default";r=0;t=99999999999999999999999999999999999"#,
            r#""default";R=0;T=30"#,
            r#""default";r=0;t=-"#,
            r#""default";r=0;t="#,
            r#""default;r=0;t=30"#,
            r#""d\x";r=0;t=30"#,
            r#""default";r=0;t=30;pk=:###:"#,
            r#"("a" "b");r=0;t=30"#,
            "\"d\u{e9}\";r=0;t=30",
            "30",
        ] {
            assert_eq!(wait(field), Err(NotRateLimit), "{field}");
        }
        assert_eq!(
            wait(&format!("\"{}\";r=0;t=3", "x".repeat(5000))),
            Err(NotRateLimit)
        );
    }

    proptest! {
        #[test]
        fn never_panics(field in r#"[ -~\t]{0,60}|("[a-z]{0,3}"(;[rt]=-?[0-9.]{0,17}){0,3},? ?){0,3}"#) {
            let _ = wait(&field);
        }
    }
}
