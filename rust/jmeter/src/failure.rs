//! Why an operation failed, as the elements are told: JSON with code, constant message and particulars.

use std::borrow::Cow;

use engine::{Failure, Remark};
use serde::{Serialize, Serializer};

use crate::cures;
use crate::error_codes::{self, SPEC_INVALID};
use crate::values::Invalid;

/// An assertion's property that cannot be used, as a failure of the sample, which was done.
pub fn invalid_assertion(invalid: &Invalid) -> Failure {
    Failure::new(SPEC_INVALID, invalid.to_string())
}

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
        Shown {
            code: &failure.code,
            message: failure.message,
            detail: detail(failure),
            end_thread: failure.end_thread,
        }
    }
}

/// The particulars, and what there is to say beside.
fn detail(failure: &Failure) -> Cow<'_, str> {
    let mut detail = Cow::from(&failure.detail);
    for remark in &failure.remarks {
        match remark {
            Remark::Cure => {
                if let Some(help) = error_codes::help(&failure.code) {
                    detail.to_mut().push_str(&format!("{}: {help}\n", failure.code));
                }
            }
            Remark::Signs(signs) => {
                for &smell in &signs.smells {
                    detail.to_mut().push_str(&cures::smell(smell, signs));
                    detail.to_mut().push('\n');
                }
            }
            Remark::Dropped(count) => {
                if !detail.ends_with('\n') {
                    detail.to_mut().push('\n');
                }
                detail.to_mut().push_str(&cures::dropped(*count));
            }
        }
    }
    detail
}
