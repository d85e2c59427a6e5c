//! Makes a JMeter plan of a recording: the bytes of a HAR in, a plan with our elements out, and what there is to say about it.
//!
//! A browser (or a proxy) wrote down who sent which message when. `har` reads that, `steps` finds out who answers whom, what repeats and
//! when a user thinks, `stable` what of an answer will be the same next time, `values` which words of a message came from an earlier
//! one, `plan` writes it all down.
//!
//! Pure: no file, no clock. Not here: which files are read and where results go (`cli`).

mod har;
mod heartbeats;
mod http;
mod index;
mod leaves;
mod plan;
mod polling;
mod stable;
mod steps;
mod text;
mod values;
mod words;

use har::{Recording, Refused};

/// A larger recording is refused.
pub const LARGEST: u64 = 1 << 28;
/// One with more messages, too: nobody could look through the plan.
pub const MOST_MESSAGES: usize = 100_000;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are something else.
    #[error("is no HAR: {0}")]
    NoHar(String),
    /// Of other requests only.
    #[error(
        "has no WebSocket among its {0} entries: open the developer tools (or the proxy) before the page, and save as HAR with content"
    )]
    NoSocket(usize),
    /// None of its sockets has one.
    #[error(
        "has {0} WebSockets, but not one message: whoever saved it leaves them out, as Firefox does; Chrome, mitmproxy, HTTP Toolkit and Playwright save them"
    )]
    NoMessage(usize),
    /// Each upgrade was refused, or nobody answered.
    #[error("has {0} WebSockets, but none was opened: record a visit where the server lets you in")]
    NoneOpened(usize),
    /// See [`LARGEST`].
    #[error("is larger than {} MiB; record a shorter visit", LARGEST >> 20)]
    TooLarge,
    /// See [`MOST_MESSAGES`].
    #[error("has more than {MOST_MESSAGES} messages: record a shorter visit")]
    TooLong,
}

/// A plan, and what to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// JMX.
    pub plan: String,
    /// What was made of what, what was left out, and what to look at; a sentence each.
    pub notes: Vec<String>,
}

/// Makes a plan of a recording; `name` is its file's, for people. With `http` the requests that gave the sockets' tokens and ids are in it.
///
/// # Errors
/// What is no HAR, or has nothing of use.
pub fn import(bytes: &[u8], name: &str, http: bool) -> Result<Import, Refusal> {
    let mut recording = har::read(bytes)?;
    let polled = polling::merge(&mut recording);
    let mut notes = requests(&mut recording, http);
    if polled > 0 {
        notes.push(format!(
            "{polled} polling requests of Socket.IO became messages of its socket, which begins without them."
        ));
    }
    notes.extend(remarks(&recording));
    let replies = heartbeats::take_answered(&mut recording);
    let mut steps = steps::steps(&recording);
    let servers = plan::Servers::of(&recording);
    let mut names = values::Names::default();
    servers.names().for_each(|name| _ = names.fresh(name));
    let found = values::correlate(&mut steps, &mut names);
    let steps = steps::folded(&steps);
    notes.extend(heartbeats::notes(&recording, &replies));
    notes.extend(values::notes(&found));
    let plan = plan::write(&plan::Scene {
        name,
        recording: &recording,
        replies: &replies,
        steps: &steps,
        values: &found,
        servers: &servers,
    });
    notes.extend(plan::notes(&servers, &steps));
    Ok(Import { plan, notes })
}

/// Leaves those of the others that the plan will have, and says what becomes of them.
fn requests(recording: &mut Recording, http: bool) -> Vec<String> {
    let needed = http::needed(recording);
    let named: Vec<String> = needed
        .iter()
        .map(|nth| &recording.requests[*nth])
        .map(|request| {
            format!(
                "{} {}",
                request.method,
                request.url.split('?').next().unwrap_or_default()
            )
        })
        .collect();
    let mut notes = Vec::new();
    match (named.len(), http) {
        (0, _) => {}
        (count, true) => notes.push(format!(
            "{count} requests gave what the sockets use, and are in the plan with what the recording's user typed: {}.",
            named.join(", ")
        )),
        (count, false) => notes.push(format!(
            "{count} requests gave what the sockets use: {}. With --http they are in the plan, and each user has tokens and ids of its own.",
            named.join(", ")
        )),
    }
    let kept = if http { named.len() } else { 0 };
    if recording.others > kept {
        notes.push(format!(
            "{} other requests were left out: record them with JMeter's HTTP(S) Test Script Recorder where the server has to get them, too.",
            recording.others - kept
        ));
    }
    if http {
        http::keep(recording, &needed);
    } else {
        recording.requests.clear();
    }
    notes
}

/// What the recording itself lacks.
fn remarks(recording: &Recording) -> Vec<String> {
    let mut notes = refused(&recording.refused);
    if recording.lost > 0 {
        notes.push(format!(
            "{} messages were left out: nothing says who sent them, or what they are.",
            recording.lost
        ));
    }
    for socket in recording
        .sockets
        .iter()
        .filter(|socket| socket.messages.is_empty())
    {
        notes.push(format!(
            "{} has no message in the recording; it is only opened.",
            socket.url
        ));
    }
    notes
}

/// Each with its count, in the order in which they came.
fn refused(refused: &[Refused]) -> Vec<String> {
    let mut counts: Vec<(&Refused, usize)> = Vec::new();
    for one in refused {
        match counts.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    let note = |(one, count): (&Refused, usize)| {
        let times = match count {
            1 => String::new(),
            count => format!(", {count} times"),
        };
        let hint = one
            .hint
            .as_ref()
            .map_or(String::new(), |hint| format!(" (Retry-After: {hint})"));
        match one.status {
            Some(status) => format!(
                "{} was answered with {status}{hint}{times} in the recording, and is left out; whether a Connect tries again after such an answer, its wsb.retry.* say.",
                one.url
            ),
            None => format!(
                "{} was never opened in the recording{times}, and is left out.",
                one.url
            ),
        }
    };
    counts.into_iter().map(note).collect()
}
