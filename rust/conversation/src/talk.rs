//! One operation on an open connection, step by step: send, receive, exchange, ping. Told what came and when, it says what to do next.
//!
//! An exchange takes for its answer only what came after its sending: [`Step::Look`] has all read that was there before. What an
//! earlier exchange still waits for, when its time ran out, is passed over as far as can be told: see [`Talk::came`].

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::awaited::{Awaited, Others};
use crate::matcher::Verdict;
use crate::queue::{Debt, Queue};
use crate::spread::Spread;
use crate::told::{Told, beginning, notes, size};
use crate::{MessageKind, Outgoing, Received};

/// Of a message that fails the operation, so much is shown.
const SHOWN: usize = 1_000;

/// What is to be done. A close is [`crate::Conversation::say_close`] and waiting for the peer's.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Send a message.
    Send(Outgoing<'a>),
    /// Wait for messages, the queue's first.
    Receive(&'a Awaited),
    /// Send a message and wait for its answer, so many times.
    Exchange(Outgoing<'a>, &'a Awaited, u64),
    /// Send a ping with this payload and wait for its pong; messages that come meanwhile go to the queue.
    Ping(&'a [u8]),
}

/// What the driver does next.
#[derive(Debug)]
pub enum Step<'a> {
    /// Take all that has come, without a wait, each by [`Talk::found`]; then [`Talk::looked`].
    Look,
    /// Send this, then [`Talk::sent`].
    Send(Outgoing<'a>),
    /// Wait for the next message or control frame, until the timeout after [`Talk::start`]; then [`Talk::came`] or [`Talk::late`].
    Wait,
    /// Another round begins: [`Talk::again`].
    Again,
    /// It is done: [`Talk::end`].
    Done,
}

/// How an operation ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// As asked.
    Done,
    /// No message in time, and that is no failure.
    NoMessage,
    /// Time ran out: what was missing.
    TimedOut(String),
    /// Another message came, and was to fail the operation: which.
    Unexpected(String),
}

/// What was counted meanwhile; whoever wants the figures has them, so that they are not carried about.
#[derive(Debug, Default)]
pub struct Tally {
    /// Bytes of frames sent.
    pub sent_bytes: u64,
    /// Bytes of frames that were looked at.
    pub received_bytes: u64,
    /// Messages that matched.
    pub messages: u64,
    /// Messages that did not match, or could not be the answer.
    pub skipped: u64,
    /// Of those, messages that were there before the sending began.
    pub stale: u64,
    /// Of those, messages that were taken for answers to earlier exchanges.
    pub overdue: u64,
    /// When the first byte of the first match came.
    pub first_byte: Option<Instant>,
    /// From the start of sending to the whole answer; the mean of all with several rounds.
    pub round_trip: Duration,
    /// Exchanges that were made.
    pub rounds: u64,
    /// Of the round trips of several rounds, in ns: min, mean, p50, p90, p99, max.
    pub spread: [u64; 6],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Look,
    Send,
    Wait,
    Again,
    Done,
}

/// See the file's sentence.
#[derive(Debug)]
pub struct Talk<'a> {
    act: Act<'a>,
    timeout: Duration,
    start: Instant,
    stage: Stage,
    /// Messages at the front of the queue that did not match and stay there; looked at once, also with several rounds.
    kept: usize,
    /// A message was coming in when the sending began.
    is_amid: bool,
    /// Matches of this round, and the last one.
    matching: u64,
    last: Option<Received>,
    /// Passed over in this round as an earlier exchange's.
    overdue: u64,
    is_doubtful: bool,
    /// Made where there are several: an exchange of one round does not carry it about.
    round_trips: Option<Box<(Spread, Duration)>>,
    tally: &'a mut Tally,
    /// Made where there is something to tell, for the same reason.
    told: Option<Box<Told>>,
    end: Option<End>,
}

impl<'a> Talk<'a> {
    /// An operation whose time runs from `start`; an exchange's, for each round. It counts in `tally`, which is empty.
    #[must_use]
    pub fn new(act: Act<'a>, timeout: Duration, start: Instant, tally: &'a mut Tally) -> Self {
        let repeats = matches!(act, Act::Exchange(_, _, repeat) if repeat > 1);
        Talk {
            act,
            timeout,
            start,
            stage: Stage::Begin,
            kept: 0,
            is_amid: false,
            matching: 0,
            last: None,
            overdue: 0,
            is_doubtful: false,
            round_trips: repeats.then(|| Box::new((Spread::new(), Duration::ZERO))),
            tally,
            told: None,
            end: None,
        }
    }

    /// When the time of this round began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// What to do next.
    pub fn step(&mut self, queue: &mut Queue) -> Step<'a> {
        if self.stage == Stage::Begin {
            self.begin(queue);
        }
        if self.stage == Stage::Wait {
            if let Act::Receive(awaited) = self.act {
                self.take_queued(awaited, queue);
            }
        }
        match self.stage {
            Stage::Look => Step::Look,
            Stage::Send => match &self.act {
                Act::Send(message) | Act::Exchange(message, ..) => Step::Send(*message),
                Act::Ping(payload) => Step::Send(Outgoing::new(MessageKind::Ping, payload)),
                Act::Receive(_) => Step::Done,
            },
            Stage::Wait => Step::Wait,
            Stage::Again => Step::Again,
            Stage::Begin | Stage::Done => Step::Done,
        }
    }

    fn begin(&mut self, queue: &mut Queue) {
        match self.act {
            Act::Exchange(_, awaited, _) => {
                self.stage = Stage::Look;
                self.pass_over(awaited, queue);
            }
            Act::Receive(_) => self.stage = Stage::Wait,
            Act::Send(_) | Act::Ping(_) => self.stage = Stage::Send,
        }
    }

    /// What was queued was there before the sending began.
    fn pass_over(&mut self, awaited: &Awaited, queue: &mut Queue) {
        while self.stage == Stage::Look && self.kept < queue.len() {
            let Some(message) = queue.get(self.kept) else {
                return;
            };
            if awaited.fate(message) == Others::Keep {
                self.name_stale(message);
                self.tally.skipped += 1;
                self.kept += 1;
            } else if let Some(message) = queue.take(self.kept) {
                self.stale(awaited, message, queue);
            }
        }
    }

    /// What is queued is looked at before anything is waited for.
    fn take_queued(&mut self, awaited: &Awaited, queue: &mut Queue) {
        while self.stage == Stage::Wait {
            let Some(message) = queue.get(self.kept) else {
                return;
            };
            // Taking out and putting back would move all that is behind it.
            if awaited.fate(message) == Others::Keep && !awaited.wants(message) {
                self.tally.skipped += 1;
                self.kept += 1;
            } else if let Some(message) = queue.take(self.kept) {
                self.weigh(awaited, message, queue);
            }
        }
    }

    /// A message or control frame was there before the sending began.
    pub fn found(&mut self, message: Received, queue: &mut Queue) {
        let Act::Exchange(_, awaited, _) = self.act else {
            return;
        };
        if message.is_dealt_with() {
            return self.dealt_with(&message);
        }
        queue.settle(&message);
        self.stale(awaited, message, queue);
    }

    /// Nothing more is there; `is_amid`: but a part of a message, whose rest will come after the sending.
    pub fn looked(&mut self, is_amid: bool, queue: &mut Queue) {
        if self.stage == Stage::Look {
            self.stage = Stage::Send;
            self.is_amid = is_amid;
            queue.age(self.start);
        }
    }

    /// The message is out, with this many bytes of frames.
    pub fn sent(&mut self, wire_bytes: u64) {
        self.tally.sent_bytes += wire_bytes;
        self.stage = Stage::Wait;
        if let Act::Send(_) = self.act {
            self.finish(End::Done);
        }
    }

    /// Time was up before the message was out. `is_under_way`: the rest of it follows, and so will its answer.
    pub fn not_sent(&mut self, is_under_way: bool, queue: &mut Queue) {
        if let (Act::Exchange(_, awaited, _), true) = (self.act, is_under_way) {
            queue.owe(awaited, awaited.count, self.start + self.timeout, self.timeout);
        }
    }

    /// A message or control frame came while it was waited for.
    ///
    /// A server that answers in order sends the answers that it owes first: as many messages as an earlier exchange went without,
    /// if they match what that one waited for, are passed over. When time then runs out without another, it may be that the server
    /// never answers some; from then on the next match is taken, and the doubt is told. A match with something of this very
    /// message in it, as an id, is never in doubt.
    pub fn came(&mut self, message: Received, queue: &mut Queue) {
        if message.is_dealt_with() {
            // What was coming in when the sending began was a heartbeat: what comes next did not come before.
            self.is_amid &= !message.is_answered;
            self.dealt_with(&message);
            return self.pong(&message);
        }
        match self.act {
            Act::Exchange(_, awaited, _) => self.answer(awaited, message, queue),
            Act::Receive(awaited) => {
                queue.settle(&message);
                self.weigh(awaited, message, queue);
            }
            Act::Send(_) | Act::Ping(_) => {
                queue.push(message);
            }
        }
    }

    /// Nobody waits for it.
    fn dealt_with(&mut self, message: &Received) {
        self.tally.received_bytes += message.wire_bytes;
        if message.is_answered {
            self.told().answered += 1;
        }
    }

    fn pong(&mut self, message: &Received) {
        match self.act {
            Act::Ping(payload) if message.kind == MessageKind::Pong && message.payload == payload => {
                self.tally.first_byte = Some(message.first_byte);
                self.tally.round_trip = message.at.saturating_duration_since(self.start);
                self.finish(End::Done);
            }
            _ => {}
        }
    }

    fn answer(&mut self, awaited: &Awaited, message: Received, queue: &mut Queue) {
        if std::mem::take(&mut self.is_amid) {
            queue.settle(&message);
            return self.stale(awaited, message, queue);
        }
        match queue.arrived(&message) {
            Debt::Owed if awaited.wants(&message) => {
                self.overdue += 1;
                self.tally.overdue += 1;
                return self.other(awaited, message, queue);
            }
            Debt::Doubtful => self.is_doubtful |= awaited.wants(&message),
            Debt::Owed | Debt::None => {}
        }
        self.weigh(awaited, message, queue);
    }

    /// Takes a message for one that is waited for, or for another.
    fn weigh(&mut self, awaited: &Awaited, message: Received, queue: &mut Queue) {
        match awaited.judge(&message) {
            Verdict::Match => self.matched(awaited, message),
            verdict => {
                if verdict == Verdict::NotJson {
                    self.name_strange(&message);
                }
                self.other(awaited, message, queue);
            }
        }
    }

    /// It was there before the sending began, and so is no answer.
    fn stale(&mut self, awaited: &Awaited, message: Received, queue: &mut Queue) {
        if !awaited.drops(&message) {
            self.name_stale(&message);
        }
        self.other(awaited, message, queue);
    }

    fn matched(&mut self, awaited: &Awaited, message: Received) {
        self.tally.first_byte.get_or_insert(message.first_byte);
        self.tally.received_bytes += message.wire_bytes;
        self.tally.messages += 1;
        self.matching += 1;
        let is_last = self.matching == awaited.count;
        let at = message.at;
        self.last = Some(message);
        if is_last {
            self.round_over(at);
        }
    }

    /// All that was waited for is there.
    fn round_over(&mut self, at: Instant) {
        if let Act::Exchange(_, _, repeat) = self.act {
            self.tally.round_trip = at.saturating_duration_since(self.start);
            self.tally.rounds += 1;
            if let Some((spread, total)) = self.round_trips.as_deref_mut() {
                spread.record(self.tally.round_trip);
                *total += self.tally.round_trip;
            }
            if self.tally.rounds < repeat {
                self.stage = Stage::Again;
                return;
            }
        }
        self.finish(End::Done);
    }

    /// Begins another round.
    pub fn again(&mut self, now: Instant) {
        if self.stage == Stage::Again {
            self.stage = Stage::Begin;
            self.start = now;
            self.matching = 0;
            self.overdue = 0;
        }
    }

    fn other(&mut self, awaited: &Awaited, message: Received, queue: &mut Queue) {
        self.tally.skipped += 1;
        match awaited.fate(&message) {
            Others::Discard => {
                self.tally.received_bytes += message.wire_bytes;
                if awaited.shows_dropped {
                    self.told().drop_visibly(message);
                }
            }
            Others::Keep => {
                // The queue was looked through before, so all that is in it was seen.
                let gone = queue.keep(message);
                self.kept = (self.kept + 1).saturating_sub(gone);
            }
            Others::Fail => {
                self.tally.received_bytes += message.wire_bytes;
                let when = if self.stage == Stage::Look {
                    ", before the sending"
                } else {
                    ""
                };
                let detail = format!("{}{when}:\n{}", size(&message), beginning(&message, SHOWN));
                self.finish(End::Unexpected(detail));
            }
        }
    }

    /// The messages that were dropped so far, where they are to be shown; a bounded part of them.
    pub fn take_dropped(&mut self) -> Vec<Received> {
        let told = self.told.as_deref_mut();
        told.map(Told::take_dropped).unwrap_or_default()
    }

    /// Time is up.
    pub fn late(&mut self, queue: &mut Queue) {
        let (awaited, is_exchange) = match self.act {
            Act::Receive(awaited) => (awaited, false),
            Act::Exchange(_, awaited, _) => (awaited, true),
            Act::Send(_) | Act::Ping(_) => {
                let ms = self.timeout.as_millis();
                return self.finish(End::TimedOut(format!("no pong within {ms} ms")));
            }
        };
        if is_exchange && self.stage == Stage::Wait {
            queue.owe(
                awaited,
                awaited.count - self.matching,
                self.start + self.timeout,
                self.timeout,
            );
            if self.overdue > 0 {
                queue.doubt();
            }
        }
        // Some of several are not none.
        if awaited.optional && self.matching == 0 {
            return self.finish(End::NoMessage);
        }
        let others = self.tally.skipped;
        let mut detail = format!(
            "{} of {} matching within {} ms; {others} others came",
            self.matching,
            awaited.count,
            self.timeout.as_millis(),
        );
        if self.overdue > 0 {
            let _ = write!(
                detail,
                "; {} of them would match, but stand for the answers that earlier exchanges went without, as the server answers \
                 in order. If it does not answer all, wait for something of the message itself (wsb.match.mode), as an id",
                self.overdue
            );
        }
        self.finish(End::TimedOut(detail));
    }

    fn finish(&mut self, end: End) {
        self.stage = Stage::Done;
        self.end.get_or_insert(end);
    }

    /// How it ended, the last message awaited, if any came, and what is to be said beside: empty, or sentences of a line each. An
    /// operation that was broken off by an error of its connection has no end.
    pub fn end(self) -> (Option<End>, Option<Received>, String) {
        if let Some((spread, total)) = self.round_trips.as_deref() {
            let rounds = u32::try_from(self.tally.rounds).unwrap_or(u32::MAX);
            self.tally.round_trip = total.checked_div(rounds).unwrap_or_default();
            self.tally.spread = spread.figures();
        }
        let is_missed = self.end != Some(End::Done);
        let notes = notes(self.told.as_deref(), self.tally, self.is_doubtful, is_missed);
        (self.end, self.last, notes)
    }

    fn name_stale(&mut self, message: &Received) {
        self.tally.stale += 1;
        let count = self.tally.stale;
        self.told().stale.add(count, message);
    }

    fn name_strange(&mut self, message: &Received) {
        let told = self.told();
        told.not_json += 1;
        told.strange.add(told.not_json, message);
    }

    fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }
}
