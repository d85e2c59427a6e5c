//! What an operation reports beside its message: 32 numbers, in places that never change.

use std::time::Duration;

use conversation::talk::Tally;
use websocket::{MessageKind, Received};

/// How many places there are; those without a meaning yet are 0.
pub const FIGURES: usize = 32;

/// The place of [`Figures::note`].
pub const NOTE: usize = 25;

/// The place of [`Figures::shown`].
pub const SHOWN: usize = 27;

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// As asked.
    #[default]
    Ok = 0,
    /// Not as asked; the payload says why.
    Failed = 1,
    /// No message in time, and that is no failure.
    NoMessage = 2,
    /// Nothing was done yet: the connection is lost, and by what it is to be made anew is asked first.
    Ask = 3,
}

/// The numbers of one operation, filled while it runs.
#[derive(Debug, Default)]
pub struct Figures {
    /// Place 0.
    pub outcome: Outcome,
    /// Place 1: 0 no payload, 1 text, 2 binary.
    pub kind: Option<MessageKind>,
    /// Place 2, ns; waits of a reconnect included.
    pub elapsed: Duration,
    /// Place 3, ns: from the start to the first byte of the first matching message.
    pub latency: Duration,
    /// Places 4 to 7, 10 and 14 to 20: bytes of frames sent, pongs apart, and of frames that were looked at; messages that matched,
    /// and that did not; the round trip in us, exchanges, and their spread in ns with repeat. Places 23 and 24: of those that did not
    /// match, what was there before the sending, and what answered earlier exchanges.
    pub tally: Tally,
    /// Place 8: messages that wait for a later operation.
    pub queued: usize,
    /// Place 9: the peer's close code, 0 while it sent none.
    pub close_code: u16,
    /// Place 11: 1 when this operation connected again first.
    pub reconnects: u64,
    /// Place 12, us: waits of that reconnect, idle time.
    pub waited: Duration,
    /// Place 13, us: DNS, TCP, proxy and TLS of its last attempt.
    pub connect: Duration,
    /// Place 21: messages that the queue's bounds cost this connection so far.
    pub dropped: u64,
    /// Place 22, us: how long the message had been there when this operation began; 0 when it came later.
    pub age: Duration,
    /// Place 25: so many bytes at the payload's end are no message, but what the sample has to say beside.
    pub note: usize,
    /// Place 26: how many `Set-Cookie` lines its reconnect got.
    pub set_cookies: usize,
    /// Messages that were dropped, where they are to be shown.
    pub dropped_messages: Vec<Received>,
    /// Place 27: so many bytes behind all others of the payload are those messages, in the form that the caller gives them.
    pub shown: usize,
    /// Place 31: 1 when there is something to be told, see [`crate::notices::Notices`].
    pub has_news: bool,
}

impl Figures {
    /// In their places.
    pub fn places(&self) -> [i64; FIGURES] {
        let mut places = [0; FIGURES];
        let kind = match self.kind {
            Some(MessageKind::Text) => 1,
            Some(MessageKind::Binary) => 2,
            _ => 0,
        };
        let tally = &self.tally;
        let values = [
            self.outcome as u64,
            kind,
            nanos(self.elapsed),
            nanos(self.latency),
            tally.sent_bytes,
            tally.received_bytes,
            tally.messages,
            tally.skipped,
            self.queued as u64,
            u64::from(self.close_code),
            nanos(tally.round_trip) / 1_000,
            self.reconnects,
            nanos(self.waited) / 1_000,
            nanos(self.connect) / 1_000,
            tally.rounds,
            tally.spread[0],
            tally.spread[1],
            tally.spread[2],
            tally.spread[3],
            tally.spread[4],
            tally.spread[5],
            self.dropped,
            nanos(self.age) / 1_000,
            tally.stale,
            tally.overdue,
            self.note as u64,
            self.set_cookies as u64,
            self.shown as u64,
        ];
        for (place, value) in places.iter_mut().zip(values) {
            *place = i64::try_from(value).unwrap_or(i64::MAX);
        }
        places[FIGURES - 1] = i64::from(self.has_news);
        places
    }
}

fn nanos(duration: Duration) -> u64 {
    // A fifth of the work of the 128 bits that `as_nanos` gives, seven times a sample.
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_in_its_place() {
        let figures = Figures {
            outcome: Outcome::NoMessage,
            kind: Some(MessageKind::Binary),
            elapsed: Duration::from_nanos(2),
            latency: Duration::from_nanos(3),
            tally: Tally {
                sent_bytes: 4,
                received_bytes: 5,
                messages: 6,
                skipped: 7,
                round_trip: Duration::from_micros(10),
                rounds: 14,
                spread: [15, 16, 17, 18, 19, 20],
                stale: 23,
                overdue: 24,
                first_byte: None,
            },
            queued: 8,
            close_code: 9,
            reconnects: 11,
            waited: Duration::from_micros(12),
            connect: Duration::from_micros(13),
            dropped: 21,
            age: Duration::from_micros(22),
            note: 25,
            set_cookies: 26,
            dropped_messages: Vec::new(),
            shown: 27,
            has_news: true,
        };
        let mut expected: Vec<i64> = (0..28).collect();
        expected[..2].copy_from_slice(&[2, 2]);
        expected.resize(FIGURES - 1, 0);
        expected.push(1);
        assert_eq!(figures.places().to_vec(), expected);
    }
}
