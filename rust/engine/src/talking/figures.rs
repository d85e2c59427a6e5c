//! What an operation reports beside its message: 32 numbers, in places that never change.

use std::time::Duration;

use hdrhistogram::Histogram;
use websocket::MessageKind;

/// How many places there are; those without a meaning yet are 0.
pub const FIGURES: usize = 32;

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
    /// Place 4: bytes of frames sent, pongs apart.
    pub sent_bytes: u64,
    /// Place 5: bytes of frames that were looked at.
    pub received_bytes: u64,
    /// Place 6: messages that matched.
    pub messages: u64,
    /// Place 7: messages that did not match.
    pub skipped: u64,
    /// Place 8: messages that wait for a later operation.
    pub queued: usize,
    /// Place 9: the peer's close code, 0 while it sent none.
    pub close_code: u16,
    /// Place 10, us: from the start of sending to the whole answer; the mean of all with repeat.
    pub round_trip: Duration,
    /// Place 11: 1 when this operation connected again first.
    pub reconnects: u64,
    /// Place 12, us: waits of that reconnect, idle time.
    pub waited: Duration,
    /// Place 13, us: DNS, TCP, proxy and TLS of its last attempt.
    pub connect: Duration,
    /// Place 14: exchanges that were made.
    pub rounds: u64,
    /// Places 15 to 20, ns: min, mean, p50, p90, p99, max of the round trips, with repeat.
    pub spread: [u64; 6],
    /// Place 21: messages that the queue's bounds cost this connection so far.
    pub dropped: u64,
    /// Place 22, us: how long the message had been there when this operation began; 0 when it came later.
    pub age: Duration,
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
        let values = [
            self.outcome as u64,
            kind,
            nanos(self.elapsed),
            nanos(self.latency),
            self.sent_bytes,
            self.received_bytes,
            self.messages,
            self.skipped,
            self.queued as u64,
            u64::from(self.close_code),
            nanos(self.round_trip) / 1_000,
            self.reconnects,
            nanos(self.waited) / 1_000,
            nanos(self.connect) / 1_000,
            self.rounds,
            self.spread[0],
            self.spread[1],
            self.spread[2],
            self.spread[3],
            self.spread[4],
            self.spread[5],
            self.dropped,
            nanos(self.age) / 1_000,
        ];
        for (place, value) in places.iter_mut().zip(values) {
            *place = i64::try_from(value).unwrap_or(i64::MAX);
        }
        places
    }
}

/// The spread of many round trips, to three digits.
#[derive(Debug)]
pub(crate) struct Spread(Histogram<u32>);

impl Spread {
    /// Nothing recorded.
    pub fn new() -> Self {
        const LONGEST: u64 = 3_600_000_000_000;
        Spread(Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order"))
    }

    /// Takes note of one; more than an hour counts as an hour.
    pub fn record(&mut self, length: Duration) {
        self.0.saturating_record(nanos(length));
    }

    /// Min, mean, p50, p90, p99, max in nanoseconds; zeros when there was none.
    pub fn figures(&self) -> [u64; 6] {
        if self.0.is_empty() {
            return [0; 6];
        }
        let at = |quantile| self.0.value_at_quantile(quantile);
        // A mean of whole nanoseconds is precise enough.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mean = self.0.mean().round() as u64;
        [self.0.min(), mean, at(0.5), at(0.9), at(0.99), self.0.max()]
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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
            sent_bytes: 4,
            received_bytes: 5,
            messages: 6,
            skipped: 7,
            queued: 8,
            close_code: 9,
            round_trip: Duration::from_micros(10),
            reconnects: 11,
            waited: Duration::from_micros(12),
            connect: Duration::from_micros(13),
            rounds: 14,
            spread: [15, 16, 17, 18, 19, 20],
            dropped: 21,
            age: Duration::from_micros(22),
        };
        let mut expected: Vec<i64> = (0..23).collect();
        expected[..2].copy_from_slice(&[2, 2]);
        expected.resize(FIGURES, 0);
        assert_eq!(figures.places().to_vec(), expected);
    }

    #[test]
    fn the_spread_is_right_to_three_digits() {
        let mut spread = Spread::new();
        assert_eq!(spread.figures(), [0; 6]);
        for us in 1..=1000 {
            spread.record(Duration::from_micros(us));
        }
        let expected = [1_000, 500_500, 500_000, 900_000, 990_000, 1_000_000];
        for (found, expected) in spread.figures().into_iter().zip(expected) {
            assert!(found.abs_diff(expected) <= expected / 500, "{found} {expected}");
        }
    }
}
