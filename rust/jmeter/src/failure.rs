//! Why an operation failed, as the elements are told: JSON with code, constant message and particulars.

use std::borrow::Cow;

use engine::Failure;
use serde::{Serialize, Serializer};

use crate::error_codes::{self, SPEC_INVALID};
use crate::values::Invalid;

/// A property that cannot be used, as a failure.
pub fn invalid(invalid: &Invalid) -> Failure {
    Failure::new(SPEC_INVALID, format!("{invalid}\nNothing was sent.\n"))
}

/// A failure as UTF-8 JSON.
pub fn to_json(failure: &Failure) -> Vec<u8> {
    serde_json::to_vec(&Shown::new(failure)).expect("plain texts")
}

/// For fields of replies.
pub fn serialize<S: Serializer>(failure: &Option<Failure>, serializer: S) -> Result<S::Ok, S::Error> {
    failure.as_ref().map(Shown::new).serialize(serializer)
}

#[derive(Serialize)]
struct Shown<'a> {
    code: &'a str,
    message: &'static str,
    detail: Cow<'a, str>,
    #[serde(rename = "endThread", skip_serializing_if = "std::ops::Not::not")]
    end_thread: bool,
}

impl<'a> Shown<'a> {
    fn new(failure: &'a Failure) -> Self {
        let help = if failure.curable {
            error_codes::help(&failure.code)
        } else {
            None
        };
        Shown {
            code: &failure.code,
            message: failure.message,
            detail: match help {
                Some(help) => format!("{}{}: {help}\n", failure.detail, failure.code).into(),
                None => (&failure.detail).into(),
            },
            end_thread: failure.end_thread,
        }
    }
}
