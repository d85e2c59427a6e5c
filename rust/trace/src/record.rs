//! The lines of a trace as values: what each field is called and in which unit it is; not how a file is read.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{FORMAT, VERSION};

/// A line. Borrowed texts where it is written, owned ones where it is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record<'a> {
    /// Says what the file is.
    Start(StartRecord<'a>),
    /// An attempt to connect.
    Attempt(AttemptRecord<'a>),
    /// What a controller or a timer did.
    Event(EventRecord<'a>),
    /// The end of a connection.
    Closed(ClosedRecord<'a>),
}

impl Record<'_> {
    /// Appends the line, its line feed included.
    pub fn append_to(&self, out: &mut String) {
        out.push_str(&serde_json::to_string(self).expect("plain texts and numbers"));
        out.push('\n');
    }

    /// The line, its line feed included.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = String::new();
        self.append_to(&mut line);
        line
    }
}

/// The first line of a file, and of what each further process appends to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartRecord<'a> {
    /// [`FORMAT`].
    pub trace: Cow<'a, str>,
    /// Of the lines, [`VERSION`].
    pub version: u64,
    /// Release that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
}

impl<'a> StartRecord<'a> {
    /// As this crate writes it.
    #[must_use]
    pub fn new(release: &'a str) -> Self {
        StartRecord {
            trace: FORMAT.into(),
            version: VERSION,
            release: Some(release.into()),
        }
    }
}

/// An attempt to connect. Times in microseconds, unless the name says `Ms`; all but `at` count from `at`, or are lengths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord<'a> {
    /// When it started, since 1970.
    pub at: u64,
    /// Class name of the element that connects.
    #[serde(default)]
    pub element: Cow<'a, str>,
    /// Address that the user connects to.
    pub target: Cow<'a, str>,
    /// Who connects, stable from run to run.
    pub user: Cow<'a, str>,
    /// How many connects this user made before.
    pub ordinal: u64,
    /// From 1.
    pub attempt: u64,
    /// Name look-up; nothing where there was none.
    #[serde(default)]
    pub dns_us: Option<u64>,
    /// Before the look-up, in the client's own queue; left out where it did not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_queue_us: Option<u64>,
    /// TCP connect.
    #[serde(default)]
    pub tcp_us: Option<u64>,
    /// The proxy's handshake.
    #[serde(default)]
    pub proxy_us: Option<u64>,
    /// TLS handshake.
    #[serde(default)]
    pub tls_us: Option<u64>,
    /// The request was written.
    #[serde(default)]
    pub sent_us: Option<u64>,
    /// First byte of the answer: between `sentUs` and this the server decided.
    #[serde(default)]
    pub head_us: Option<u64>,
    /// Followed, and challenges for a login that were answered; each was a request of its own, and the stages are those of the last.
    #[serde(default)]
    pub redirects: u64,
    /// The whole attempt, less `stalledUs`.
    pub total_us: u64,
    /// The rest of a refusal's body was waited for in vain; left out where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_us: Option<u64>,
    /// The answer's HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Code of the failure; also where a status says it.
    #[serde(default)]
    pub error: Option<Cow<'a, str>>,
    /// What the policy took the failure for.
    #[serde(default)]
    pub class: Option<Cow<'a, str>>,
    /// What the server asked for.
    #[serde(default)]
    pub hint: Option<HintRecord<'a>>,
    /// The wait at the shared gate before the attempt.
    #[serde(default)]
    pub gate: Option<GateRecord<'a>>,
    /// The pause after it, as planned.
    #[serde(default)]
    pub wait_ms: Option<f64>,
    /// The pause after it, as made.
    #[serde(default)]
    pub waited_ms: Option<f64>,
    /// Why no attempt follows.
    #[serde(default)]
    pub stop: Option<Cow<'a, str>>,
}

impl AttemptRecord<'_> {
    /// How many requests reached the network: one for each redirect, and the last one if it was sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.redirects + u64::from(self.sent_us.is_some())
    }
}

/// What a controller or a timer did; fields are called as those of an attempt where they are the same thing, and left out where
/// they do not apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord<'a> {
    /// When it began, microseconds since 1970.
    pub at: u64,
    /// Class name of the element.
    pub element: Cow<'a, str>,
    /// What its user calls the element.
    #[serde(default)]
    pub name: Cow<'a, str>,
    /// Whose thread did it.
    pub user: Cow<'a, str>,
    /// How often the user came to the element before.
    pub ordinal: u64,
    /// What was done. Never `closed`, which is a [`ClosedRecord`].
    pub event: Cow<'a, str>,
    /// What the gate stands before, or what is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'a, str>>,
    /// Label of the sample that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Cow<'a, str>>,
    /// The attempt succeeded, and was not yet what its user waits for; left out where that is not so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmet: bool,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// From its begin to its end, the children of a controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_us: Option<u64>,
    /// HTTP status of the sample that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its response code, where that is no status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'a, str>>,
    /// What the policy took a failure for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Cow<'a, str>>,
    /// What the server asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<HintRecord<'a>>,
    /// The wait at the shared gate before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateRecord<'a>>,
    /// The pause after it, as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<f64>,
    /// A wait that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<f64>,
    /// Why nothing follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Cow<'a, str>>,
}

/// A wait that a server asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HintRecord<'a> {
    /// The header, or what else gave it.
    pub source: Cow<'a, str>,
    /// As the server wrote it.
    pub raw: Cow<'a, str>,
    /// In milliseconds, if it can be used.
    #[serde(default)]
    pub ms: Option<f64>,
    /// Why it cannot be used.
    #[serde(default)]
    pub ignored: Option<Cow<'a, str>>,
}

/// A wait at a gate, and the gate's figures behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateRecord<'a> {
    /// Its kind.
    pub mode: Cow<'a, str>,
    /// How long it took until the turn came, or was given up.
    pub waited_ms: f64,
    /// Turns a second, where the kind has a rate.
    #[serde(default)]
    pub rate: Option<f64>,
    /// How many wait.
    pub queue: u64,
    /// How much longer the latest hint holds.
    pub hold_ms: f64,
}

/// The end of a connection that was open. `at` less `openMs` is when it was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename = "closed", rename_all = "camelCase")]
pub struct ClosedRecord<'a> {
    /// When the end was noticed, microseconds since 1970.
    pub at: u64,
    /// Class name of the element that connected.
    pub element: Cow<'a, str>,
    /// The connection's name among those of its user.
    #[serde(default)]
    pub connection: Cow<'a, str>,
    /// Address that it was connected to.
    pub target: Cow<'a, str>,
    /// Whose it was.
    pub user: Cow<'a, str>,
    /// That of the attempts that opened it.
    pub ordinal: u64,
    /// Close code of the peer's close frame, or of ours where the peer sent none; nothing where there was no close frame.
    #[serde(default)]
    pub code: Option<u16>,
    /// Who, or what, ended it.
    pub by: ClosedBy,
    /// Code of the failure that ended it.
    #[serde(default)]
    pub error: Option<Cow<'a, str>>,
    /// From the open socket to the end.
    pub open_ms: f64,
    /// Data messages sent.
    pub sent_messages: u64,
    /// Data messages received.
    pub received_messages: u64,
    /// On the wire behind the upgrade, control frames included.
    pub sent_bytes: u64,
    /// On the wire behind the upgrade, control frames included.
    pub received_bytes: u64,
}

/// Who, or what, ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// A close frame, or an end in order, of the server.
    Server,
    /// The plan: a close, or the user's end.
    Client,
    /// The network, or an end without a word.
    Lost,
    /// Dead by the missing answer to a keep-alive ping.
    Keeper,
    /// The user's Stop.
    Cancelled,
    /// It was open still.
    TestEnd,
}

impl ClosedBy {
    /// All of them.
    pub const ALL: [ClosedBy; 6] = [
        ClosedBy::Server,
        ClosedBy::Client,
        ClosedBy::Lost,
        ClosedBy::Keeper,
        ClosedBy::Cancelled,
        ClosedBy::TestEnd,
    ];

    /// The word in the trace.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClosedBy::Server => "server",
            ClosedBy::Client => "client",
            ClosedBy::Lost => "lost",
            ClosedBy::Keeper => "keeper",
            ClosedBy::Cancelled => "cancelled",
            ClosedBy::TestEnd => "test-end",
        }
    }
}

/// Whole microseconds since 1970.
#[must_use]
pub fn since_1970(time: SystemTime) -> u64 {
    micros_of(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Whole microseconds; 584,000 years fit.
#[must_use]
pub fn micros_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// With microseconds behind the point.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
