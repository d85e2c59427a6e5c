//! Spans of one length that attempts begin, as windows and blocks are: when each begins. What a limit makes of them is not decided here.

use crate::seen::{Micros, One};

/// When a span begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begin {
    /// At the earliest.
    pub(crate) earliest: Micros,
    /// At the latest.
    pub(crate) latest: Micros,
    /// Whoever may begin one and was sent from then on was decided in this span or behind it: with the first that comes when the one
    /// before is over it begins, so that nobody is between the two.
    pub(crate) since: Micros,
}

/// What the begins are read from, whatever the length is: made once for many of them.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// When those were sent that may begin a span, in that order; and for each place the earliest answer from there on.
    sent: Vec<Micros>,
    answers: Vec<Micros>,
    /// When they were answered, in that order; and for each place the earliest request from there on.
    answered: Vec<Micros>,
    requests: Vec<Micros>,
    /// For each of them, in the order of sending: when the latest of the others that came before it was sent. One that comes behind such
    /// a one of the same span, as one that is let in behind a refusal of the same window, is in a new one.
    reopened: Vec<Micros>,
    end: Micros,
}

impl Rows {
    /// Of those that may begin a span and of others, both in the order of their answers; nothing was seen behind `end`.
    pub(crate) fn of<'a>(
        beginning: impl Iterator<Item = &'a One>,
        others: impl Iterator<Item = &'a One>,
        end: Micros,
    ) -> Self {
        let by_answer: Vec<&One> = beginning.collect();
        let mut by_sent = by_answer.clone();
        by_sent.sort_unstable_by_key(|one| one.sent);
        let mut answers = vec![Micros::MAX; by_sent.len() + 1];
        for (nth, one) in by_sent.iter().enumerate().rev() {
            answers[nth] = answers[nth + 1].min(one.answered);
        }
        let mut requests = vec![Micros::MAX; by_answer.len() + 1];
        for (nth, one) in by_answer.iter().enumerate().rev() {
            requests[nth] = requests[nth + 1].min(one.sent);
        }
        Self {
            reopened: reopened(others, &by_sent),
            sent: by_sent.iter().map(|one| one.sent).collect(),
            answered: by_answer.iter().map(|one| one.answered).collect(),
            answers,
            requests,
            end,
        }
    }

    /// Spans of this length, each of which begins with the first that comes when the one before is over, which it also is where one of
    /// the others came between.
    pub(crate) fn begins(&self, length: Micros) -> Vec<Begin> {
        let mut begins: Vec<Begin> = Vec::new();
        let (mut earliest, mut latest) = (Micros::MIN / 4, Micros::MIN / 4);
        loop {
            let after = self
                .answered
                .partition_point(|answered| *answered < earliest + length);
            if after == self.answered.len() {
                return begins;
            }
            let first = self.requests[after].max(earliest + length);
            let surely = self.sent.partition_point(|sent| *sent < latest + length);
            // Where the last ones are all in doubt, the span begins with the last of them at the latest.
            let again = self.reopened.partition_point(|other| *other < latest);
            let last = self.answers[surely]
                .min(self.answers[again])
                .min(self.end)
                .max(first);
            begins.push(Begin {
                earliest: first,
                latest: last,
                since: last.min(latest + length),
            });
            (earliest, latest) = (first, last);
        }
    }
}

fn reopened<'a>(others: impl Iterator<Item = &'a One>, by_sent: &[&One]) -> Vec<Micros> {
    let mut others = others.peekable();
    let mut latest = Micros::MIN / 4;
    let behind = |one: &&One| {
        while let Some(other) = others.next_if(|other| other.answered <= one.sent) {
            latest = latest.max(other.sent);
        }
        latest
    };
    by_sent.iter().map(behind).collect()
}

/// The spans in which a decision may have fallen.
pub(crate) fn spans_of<'a>(begins: &'a [Begin], one: &One, length: Micros) -> &'a [Begin] {
    let from = begins.partition_point(|begin| begin.latest + length <= one.sent);
    let until = begins.partition_point(|begin| begin.earliest <= one.answered);
    &begins[from.min(until)..until]
}
