//! Messages that an operation has to name or show beside the one that it waited for. Bounded.

use std::fmt::Write as _;

use crate::Received;
use crate::talk::Tally;

/// Of a message that is named, so much is shown.
const NAMED: usize = 100;

/// So many of the messages passed over are named.
const MOST_NAMED: u64 = 3;

/// So many of the messages that were dropped are handed over, and so many bytes of them.
const MOST_DROPPED: usize = 1_000;
const DROPPED_BYTES: usize = 1 << 20;

/// See the file's sentence.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Those that were there before the sending began.
    pub stale: Names,
    /// Those that are not JSON, and how many there were.
    pub strange: Names,
    pub not_json: u64,
    /// Those that were dropped and are to be shown, their bytes, and how many were too much.
    dropped: Vec<Received>,
    dropped_bytes: usize,
    pub not_shown: u64,
    /// How many the connection answered by itself.
    pub answered: u64,
}

impl Told {
    /// A message is dropped that is to be shown.
    pub fn drop_visibly(&mut self, message: Received) {
        let bytes = self.dropped_bytes + message.payload.len();
        if self.dropped.len() < MOST_DROPPED && bytes <= DROPPED_BYTES {
            self.dropped_bytes = bytes;
            self.dropped.push(message);
        } else {
            self.not_shown += 1;
        }
    }

    /// Those that were dropped.
    pub fn take_dropped(&mut self) -> Vec<Received> {
        std::mem::take(&mut self.dropped)
    }
}

/// How the first of several messages begin.
#[derive(Debug, Default)]
pub(crate) struct Names(String);

impl Names {
    /// Adds a message, the `count`th, unless there are enough.
    pub fn add(&mut self, count: u64, message: &Received) {
        match count {
            1 => {}
            2..=MOST_NAMED => self.0.push_str(", "),
            _ if count == MOST_NAMED + 1 => return self.0.push_str(", ..."),
            _ => return,
        }
        let _ = write!(self.0, "{:?} ({})", beginning(message, NAMED), size(message));
    }

    /// All of them.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What is to be said beside an operation's end: empty, or sentences of a line each. `is_missed`: not all that was waited for came.
pub(crate) fn notes(told: Option<&Told>, tally: &Tally, is_doubtful: bool, is_missed: bool) -> String {
    let mut notes = String::new();
    if tally.stale > 0 {
        let _ = writeln!(
            notes,
            "{} had come before the sending began, and so cannot be the answer: {}",
            counted(tally.stale),
            told.map_or("", |told| told.stale.text())
        );
    }
    if tally.overdue > 0 {
        let _ = writeln!(
            notes,
            "{} came first that earlier exchanges went without, and cannot be the answer.",
            counted(tally.overdue)
        );
    }
    if is_doubtful {
        notes.push_str(
            "The answer may be that to an earlier exchange, which went without. Waiting for something of the message itself \
             (wsb.match.mode), as an id, tells them apart.\n",
        );
    }
    let Some(told) = told else {
        return notes;
    };
    if told.not_json > 0 && is_missed {
        let _ = writeln!(
            notes,
            "{} not JSON: {}",
            counted(told.not_json),
            told.strange.text()
        );
    }
    if told.not_shown > 0 {
        let _ = writeln!(
            notes,
            "{} more were discarded, and are not shown.",
            counted(told.not_shown)
        );
    }
    if told.answered > 0 && is_missed {
        let _ = writeln!(
            notes,
            "{} came that the connection answered by itself (wsb.autoReply); no sampler sees those.",
            counted(told.answered)
        );
    }
    notes
}

/// How many messages, in words.
fn counted(messages: u64) -> String {
    match messages {
        1 => "1 message".to_owned(),
        several => format!("{several} messages"),
    }
}

/// How a message begins.
pub(crate) fn beginning(message: &Received, most: usize) -> String {
    let shown = &message.payload[..message.payload.len().min(most)];
    String::from_utf8_lossy(shown).into_owned()
}

/// How large it is, and of which kind.
pub(crate) fn size(message: &Received) -> String {
    format!("{} bytes of {:?}", message.payload.len(), message.kind)
}
