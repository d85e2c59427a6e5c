//! What an assertion asks of the bytes of a response, whatever sampler they come from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use memchr::memmem;

use crate::encoding::hex;
use crate::values::{Invalid, Values};

const VALUE: &str = "wsb.assert.value";

/// Of bytes that are named, so many are shown.
const SHOWN: usize = 32;

/// See the file's sentence.
#[derive(Debug)]
pub struct Assertion {
    relation: Relation,
    wanted: Vec<u8>,
    is_negated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equals,
    Contains,
    Starts,
    Ends,
}

impl Assertion {
    /// Its name in the table of keys.
    pub const ELEMENT: &'static str = "BinaryAssertion";

    /// Checks the properties.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn new(properties: BTreeMap<String, String>) -> Result<Self, Invalid> {
        const ALLOWED: &str = "pairs of hex digits, as in 00ff10 or 00 ff 10";
        let values = Values::new(properties)?;
        let relation = values.word(
            "wsb.assert.mode",
            &[
                ("equals", Relation::Equals),
                ("contains", Relation::Contains),
                ("starts", Relation::Starts),
                ("ends", Relation::Ends),
            ],
        )?;
        let value = values.text(VALUE);
        let wanted = hex(value).map_err(|problem| Invalid::new(VALUE, value, problem, ALLOWED))?;
        if wanted.is_empty() && relation != Relation::Equals {
            return Err(Invalid::new(VALUE, value, "empty", ALLOWED));
        }
        Ok(Assertion {
            relation,
            wanted,
            is_negated: values.boolean("wsb.assert.not")?,
        })
    }

    /// What is wrong with a response; `None`: nothing.
    pub fn judge(&self, response: &[u8]) -> Option<String> {
        let wanted = &self.wanted[..];
        let (holds, does, does_not) = match self.relation {
            Relation::Equals => (response == wanted, "are", "are not"),
            Relation::Contains => {
                let found = memmem::find(response, wanted).is_some();
                (found, "contain", "do not contain")
            }
            Relation::Starts => (response.starts_with(wanted), "start with", "do not start with"),
            Relation::Ends => (response.ends_with(wanted), "end with", "do not end with"),
        };
        if holds != self.is_negated {
            return None;
        }
        let relation = if holds { does } else { does_not };
        let mut problem = format!(
            "the response's {} bytes {relation} {}",
            response.len(),
            shown(wanted)
        );
        match self.relation {
            Relation::Equals | Relation::Starts if !holds => {
                let same = response
                    .iter()
                    .zip(wanted)
                    .take_while(|(one, other)| one == other);
                let place = same.count();
                let _ = write!(
                    problem,
                    "; from byte {place} on (counted from 0) they are {}",
                    shown(&response[place..])
                );
            }
            Relation::Ends if !holds => {
                let from = response.len().saturating_sub(wanted.len());
                let _ = write!(problem, "; they end with {}", shown(&response[from..]));
            }
            _ => {}
        }
        Some(problem)
    }
}

/// Bytes as hex, a bounded number of them.
fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN {
        let _ = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assertion(mode: &str, value: &str, not: &str) -> Result<Assertion, Invalid> {
        let pairs = [
            ("wsb.assert.mode", mode),
            ("wsb.assert.value", value),
            ("wsb.assert.not", not),
        ];
        Assertion::new(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn each_relation_holds_for_what_it_says_and_names_the_difference_otherwise() {
        const RESPONSE: &[u8] = &[0, 0xff, 7, 8];
        for (mode, value, problem) in [
            ("equals", "00 ff 07 08", None),
            (
                "equals",
                "00ff0708ff",
                Some("4 bytes are not 00ff0708ff; from byte 4 on (counted from 0) they are nothing"),
            ),
            (
                "equals",
                "00ff09",
                Some("are not 00ff09; from byte 2 on (counted from 0) they are 0708"),
            ),
            ("equals", "", Some("are not nothing")),
            ("contains", "ff07", None),
            ("contains", "07ff", Some("4 bytes do not contain 07ff")),
            ("starts", "00ff", None),
            (
                "starts",
                "01",
                Some("do not start with 01; from byte 0 on (counted from 0) they are 00ff0708"),
            ),
            ("ENDS", "0708", None),
            ("ends", "0807", Some("do not end with 0807; they end with 0708")),
            ("ends", "0000ff0708", Some("they end with 00ff0708")),
        ] {
            let judged = assertion(mode, value, "false").unwrap().judge(RESPONSE);
            match (&judged, problem) {
                (None, None) => {}
                (Some(judged), Some(part)) => assert!(judged.contains(part), "{judged}"),
                _ => panic!("{mode} {value}: {judged:?}"),
            }
            let negated = assertion(mode, value, "true").unwrap().judge(RESPONSE);
            assert_eq!(negated.is_some(), problem.is_none(), "not {mode} {value}");
        }
        let long = assertion("equals", "", "").unwrap().judge(&[7; 1000]).unwrap();
        assert!(long.len() < 250 && long.contains("1000 bytes"), "{long}");
        assert_eq!(assertion("equals", "", "").unwrap().judge(b""), None);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (mode, value, not, key) in [
            ("is", "00", "", "wsb.assert.mode"),
            ("equals", "0", "", "wsb.assert.value"),
            ("contains", "", "", "wsb.assert.value"),
            ("equals", "00", "maybe", "wsb.assert.not"),
        ] {
            assert_eq!(assertion(mode, value, not).unwrap_err().key, key);
        }
    }
}
