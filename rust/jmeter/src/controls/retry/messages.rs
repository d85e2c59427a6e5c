//! What Java tells a RetryController's control, and what it answers.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use engine::Failure;

/// What is told to [`Retry::step`].
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The thread comes to the controller: all starts afresh.
    Begin,
    /// The first sample of an attempt is about to be sent: by its address the user is one of all who try at a quota. Waits for the turn at
    /// the gate, if there is one.
    Turn {
        /// Its URL, or its label where it has none.
        target: String,
        /// What the URL is a part of, where it is none by itself.
        #[serde(default)]
        base: String,
        /// What is left of the thread's schedule; absent: it has no end.
        left_ms: Option<u64>,
    },
    /// A sample failed.
    Failed(FailedSample),
    /// The attempt is over; waits if another one follows.
    Over {
        /// Whether the attempt's last sample succeeded.
        ok: bool,
        /// The last sample's response code.
        code: String,
        /// What `wsb.retry.while` says now; absent: it is not set.
        condition: Option<String>,
        /// As for a turn.
        left_ms: Option<u64>,
    },
    /// The attempt is over, and ran no sample: the run is over, too.
    NoSample,
}

/// A sample that failed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedSample {
    /// Its label.
    pub label: String,
    /// Its response code.
    pub code: String,
    /// Its response headers, as JMeter keeps them.
    #[serde(default)]
    pub headers: String,
    /// Its response data as text, or the beginning of it.
    #[serde(default)]
    pub body: String,
    /// Whether it comes from the controller's last child, so that no other sample will decide in its place.
    pub last: bool,
    /// What is left of the thread's schedule; absent: it has no end.
    pub left_ms: Option<u64>,
}

/// What a step answers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// After a turn: go ahead. After a failed sample: another attempt will follow.
    /// After an attempt: run the children again.
    pub go: bool,
    /// Why not; empty where there is nothing to say.
    pub stop: String,
    /// After a failed sample: how to show it: `keep`, `ignore` or `success`. After `begin`: what failed samples will be shown as
    /// if another attempt follows.
    pub shown: &'static str,
    /// After a failed sample that is shown as a success: its response code.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// The thread's schedule ends before the next attempt: the thread is to end now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end_thread: bool,
    /// JMeter variables to set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, serde_json::Value>,
    /// For the log; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What cannot be used.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::failure::serialize"
    )]
    pub failure: Option<Failure>,
}

impl Reply {
    /// What failed samples are shown as, and nothing else.
    pub fn shown(shown: &'static str) -> Self {
        Reply {
            shown,
            ..Reply::default()
        }
    }
}
