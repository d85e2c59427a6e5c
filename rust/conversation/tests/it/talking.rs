//! Which message an exchange takes for its answer, against servers that greet, push, are late, or never answer; in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use conversation::awaited::{Awaited, Condition, Others};
use conversation::matcher::{Matcher, Place};
use conversation::queue::{Bounds, Queue};
use conversation::talk::{Act, End, Step, Talk, Tally};
use conversation::{MessageKind, Outgoing, Received};

use crate::support::at;

const TIMEOUT: u64 = 1_000;

/// A user of one connection, and what its server sends when.
struct User {
    queue: Queue,
    now: u64,
    /// In the order of their times.
    coming: VecDeque<(u64, String)>,
    /// A message whose beginning was read by the last look.
    is_amid: bool,
    /// Which messages the connection answers by itself.
    is_answered: fn(&str) -> bool,
    sent: usize,
}

#[derive(Debug)]
struct Ended {
    end: End,
    last: Option<Received>,
    tally: Tally,
    note: String,
    dropped: Vec<Received>,
}

impl Ended {
    fn answer(&self) -> &str {
        match (&self.end, &self.last) {
            (End::Done, Some(message)) => std::str::from_utf8(&message.payload).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn message(payload: &str, ms: u64) -> Received {
    Received {
        kind: MessageKind::Text,
        payload: payload.into(),
        close: None,
        first_byte: at(ms),
        at: at(ms),
        wire_bytes: 2 + payload.len() as u64,
        is_answered: false,
    }
}

fn any(others: Others) -> Awaited {
    Awaited {
        discard: Vec::new(),
        shows_dropped: false,
        matcher: Matcher::Next,
        kind: None,
        count: 1,
        others,
        optional: false,
    }
}

/// The answer to one message only.
fn of_id(id: u64) -> Awaited {
    Awaited {
        matcher: Matcher::Json(Place {
            pointer: "/id".to_owned(),
            value: id.to_string(),
        }),
        ..any(Others::Discard)
    }
}

impl User {
    fn new() -> Self {
        User {
            queue: Queue::new(Bounds {
                messages: 100,
                bytes: 10_000,
            }),
            now: 0,
            coming: VecDeque::new(),
            is_amid: false,
            is_answered: |_| false,
            sent: 0,
        }
    }

    /// The server sends this at that time.
    fn comes(&mut self, ms: u64, payload: &str) {
        self.coming.push_back((ms, payload.to_owned()));
    }

    fn next_until(&mut self, ms: u64) -> Option<Received> {
        let (at, _) = self.coming.front()?;
        if *at > ms {
            return None;
        }
        let (at, payload) = self.coming.pop_front()?;
        self.now = self.now.max(at);
        Some(Received {
            is_answered: (self.is_answered)(&payload),
            ..message(&payload, at)
        })
    }

    fn exchange(&mut self, awaited: &Awaited) -> Ended {
        self.perform(Act::Exchange(Outgoing::text("question"), awaited, 1))
    }

    fn receive(&mut self) -> Ended {
        self.perform(Act::Receive(&any(Others::Discard)))
    }

    fn perform(&mut self, act: Act<'_>) -> Ended {
        let timeout = Duration::from_millis(TIMEOUT);
        let mut tally = Tally::default();
        let mut talk = Talk::new(act, timeout, at(self.now), &mut tally);
        let mut end = self.now + TIMEOUT;
        loop {
            match talk.step(&mut self.queue) {
                Step::Look => {
                    while let Some(message) = self.next_until(self.now) {
                        talk.found(message, &mut self.queue);
                    }
                    talk.looked(std::mem::take(&mut self.is_amid), &mut self.queue);
                }
                Step::Send(_) => {
                    self.sent += 1;
                    talk.sent(14);
                }
                Step::Wait => match self.next_until(end) {
                    Some(message) => talk.came(message, &mut self.queue),
                    None => {
                        self.now = end;
                        talk.late(&mut self.queue);
                    }
                },
                Step::Again => {
                    talk.again(at(self.now));
                    end = self.now + TIMEOUT;
                }
                Step::Done => break,
            }
        }
        let dropped = talk.take_dropped();
        let (end, last, note) = talk.end();
        Ended {
            end: end.unwrap(),
            last,
            tally,
            note,
            dropped,
        }
    }
}

#[test]
fn what_was_there_before_the_sending_is_not_the_answer() {
    let mut user = User::new();
    user.queue.push(message("queued", 0));
    user.comes(0, "greeting");
    user.comes(5, "answer");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!(done.answer(), "answer");
    assert_eq!(
        (done.tally.skipped, done.tally.stale, done.tally.messages),
        (2, 2, 1)
    );
    assert_eq!(done.tally.received_bytes, 8 + 10 + 8);
    assert!(
        done.note.contains("2 messages had come before the sending began")
            && done
                .note
                .contains(r#""queued" (6 bytes of Text), "greeting" (8 bytes of Text)"#),
        "{}",
        done.note
    );
    assert!(user.queue.is_empty());
    user.comes(6, "next");
    assert_eq!(user.exchange(&any(Others::Discard)).note, "");
}

#[test]
fn what_is_kept_stays_for_a_receive_and_is_no_answer_to_a_later_exchange_either() {
    let mut user = User::new();
    user.queue.push(message("queued", 0));
    user.comes(0, "greeting");
    for ms in [5, 6] {
        user.comes(ms, "answer");
        let done = user.exchange(&any(Others::Keep));
        assert_eq!((done.answer(), done.tally.skipped), ("answer", 2));
    }
    assert_eq!(user.receive().answer(), "queued");
    assert_eq!(user.receive().answer(), "greeting");
}

#[test]
fn what_was_there_fails_the_exchange_if_others_are_to_and_nothing_is_sent() {
    for queued in [true, false] {
        let mut user = User::new();
        if queued {
            user.queue.push(message("greeting", 0));
        } else {
            user.comes(0, "greeting");
        }
        let done = user.exchange(&any(Others::Fail));
        let End::Unexpected(detail) = &done.end else {
            panic!("{done:?}");
        };
        assert!(
            detail.contains("before the sending") && detail.contains("greeting"),
            "{detail}"
        );
        assert_eq!((user.sent, done.tally.skipped), (0, 1));
        user.comes(5, "answer");
        assert_eq!(user.exchange(&any(Others::Fail)).answer(), "answer");
    }
}

#[test]
fn a_message_that_was_coming_in_when_the_sending_began_is_not_the_answer() {
    let mut user = User::new();
    user.is_amid = true;
    user.comes(5, "a long push");
    user.comes(6, "answer");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!((done.answer(), done.tally.stale), ("answer", 1));
}

#[test]
fn a_heartbeat_that_was_coming_in_then_leaves_the_answer_its_place() {
    let mut user = User::new();
    user.is_answered = |payload| payload == "2";
    user.is_amid = true;
    user.comes(5, "2");
    user.comes(6, "answer");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!((done.answer(), done.tally.stale), ("answer", 0));
}

#[test]
fn what_the_connection_answered_by_itself_is_told_where_nothing_else_came() {
    let mut user = User::new();
    user.is_answered = |_| true;
    user.comes(5, "2");
    user.comes(9, "2");
    let done = user.receive();
    assert!(matches!(done.end, End::TimedOut(_)));
    assert!(
        done.note
            .starts_with("2 messages came that the connection answered"),
        "{}",
        done.note
    );
}

#[test]
fn an_answer_that_came_between_two_exchanges_shifts_nothing() {
    let mut user = User::new();
    assert!(matches!(
        user.exchange(&any(Others::Discard)).end,
        End::TimedOut(_)
    ));
    user.comes(1_300, "late");
    user.comes(1_505, "second");
    user.now = 1_500;
    let done = user.exchange(&any(Others::Discard));
    assert_eq!(
        (done.answer(), done.tally.stale, done.tally.overdue),
        ("second", 1, 0)
    );
    user.comes(1_510, "third");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!((done.answer(), done.note.as_str()), ("third", ""));
}

#[test]
fn an_answer_that_comes_after_the_next_sending_is_not_the_next_ones() {
    for others in [Others::Discard, Others::Keep] {
        let mut user = User::new();
        user.exchange(&any(others));
        user.exchange(&any(others));
        // Both come while the third waits, and its own behind them.
        for (ms, payload) in [(2_010, "first"), (2_020, "second"), (2_030, "third")] {
            user.comes(ms, payload);
        }
        let done = user.exchange(&any(others));
        assert_eq!(
            (done.answer(), done.tally.overdue, done.tally.skipped),
            ("third", 2, 2)
        );
        assert!(done.note.contains("2 messages came first"), "{}", done.note);
        user.comes(2_050, "fourth");
        let done = user.exchange(&any(others));
        assert_eq!(
            (done.answer(), done.note.is_empty()),
            ("fourth", others == Others::Discard)
        );
    }
}

#[test]
fn a_receive_or_a_look_between_settles_what_is_owed() {
    let mut user = User::new();
    user.exchange(&any(Others::Discard));
    user.comes(1_100, "late");
    assert_eq!(user.receive().answer(), "late");
    user.comes(1_200, "second");
    assert_eq!(user.exchange(&any(Others::Discard)).answer(), "second");
    // The keeper reads between two samples.
    user.now = 1_300;
    user.exchange(&any(Others::Discard));
    user.queue.push(message("late", 2_350));
    assert_eq!(user.receive().answer(), "late");
    user.comes(2_400, "fourth");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!((done.answer(), done.note.as_str()), ("fourth", ""));
}

#[test]
fn a_server_that_never_answers_one_costs_the_next_exchange_and_no_more_and_the_doubt_is_told() {
    let mut user = User::new();
    user.exchange(&any(Others::Discard));
    user.comes(1_010, "second");
    let done = user.exchange(&any(Others::Discard));
    let End::TimedOut(detail) = &done.end else {
        panic!("{done:?}");
    };
    assert!(
        detail.contains("1 of them would match") && detail.contains("wsb.match.mode"),
        "{detail}"
    );
    for payload in ["third", "fourth"] {
        user.comes(user.now + 10, payload);
        let done = user.exchange(&any(Others::Discard));
        assert_eq!(done.answer(), payload);
        assert!(
            done.note.contains("may be that to an earlier exchange"),
            "{}",
            done.note
        );
    }
    // Quiet for twice the time-out: it will not come any more.
    user.now += 2 * TIMEOUT + 10;
    user.comes(user.now + 10, "fifth");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!((done.answer(), done.note.as_str()), ("fifth", ""));
}

#[test]
fn an_answer_missing_for_as_long_again_is_doubtful_and_costs_nothing() {
    let mut user = User::new();
    user.exchange(&any(Others::Discard));
    user.now = 2 * TIMEOUT;
    user.comes(user.now + 10, "second");
    let done = user.exchange(&any(Others::Discard));
    assert_eq!(done.answer(), "second");
    assert!(!done.note.is_empty());
}

#[test]
fn a_match_with_an_id_is_certain_whatever_is_owed() {
    let mut user = User::new();
    user.exchange(&of_id(1));
    // Never answered; the second's comes at once.
    user.comes(1_010, r#"{"id":2}"#);
    let done = user.exchange(&of_id(2));
    assert_eq!((done.answer(), done.note.as_str()), (r#"{"id":2}"#, ""));
    user.exchange(&of_id(3));
    // Late, after the next sending.
    user.comes(2_020, r#"{"id":3}"#);
    user.comes(2_030, r#"{"id":4}"#);
    let done = user.exchange(&of_id(4));
    assert_eq!((done.answer(), done.tally.skipped), (r#"{"id":4}"#, 1));
}

#[test]
fn each_round_of_several_looks_before_it_sends() {
    let mut user = User::new();
    for (ms, payload) in [(10, "a"), (10, "push"), (20, "b")] {
        user.comes(ms, payload);
    }
    let done = user.perform(Act::Exchange(Outgoing::text("x"), &any(Others::Discard), 2));
    assert_eq!((done.answer(), done.tally.rounds, done.tally.stale), ("b", 2, 1));
    assert!(
        done.tally.spread[0].abs_diff(10_000_000) < 20_000,
        "{:?}",
        done.tally.spread
    );
}

#[test]
fn what_is_no_json_is_shown_where_json_is_awaited() {
    let mut user = User::new();
    user.comes(10, "hello");
    let done = user.exchange(&of_id(1));
    assert!(
        matches!(&done.end, End::TimedOut(detail) if detail.starts_with("0 of 1 matching within 1000 ms"))
    );
    assert!(
        done.note.contains(r#"1 message not JSON: "hello""#),
        "{}",
        done.note
    );
}

#[test]
fn a_ping_takes_its_own_pong_and_queues_messages() {
    let mut user = User::new();
    let mut tally = Tally::default();
    let timeout = Duration::from_millis(TIMEOUT);
    let mut talk = Talk::new(Act::Ping(b"mine"), timeout, at(0), &mut tally);
    assert!(matches!(talk.step(&mut user.queue), Step::Send(message) if message.kind == MessageKind::Ping));
    talk.sent(10);
    talk.came(message("push", 5), &mut user.queue);
    for (payload, done) in [("another's", false), ("mine", true)] {
        let pong = Received {
            kind: MessageKind::Pong,
            ..message(payload, 7)
        };
        talk.came(pong, &mut user.queue);
        assert_eq!(talk.is_done(), done);
    }
    let (end, last, _) = talk.end();
    assert_eq!((end, last), (Some(End::Done), None));
    assert_eq!(tally.round_trip, Duration::from_millis(7));
    assert_eq!(user.receive().answer(), "push");
}

fn text_with(needle: &str, is_negated: bool) -> Condition {
    Condition {
        kind: Some(MessageKind::Text),
        matcher: Matcher::Contains(Box::new(memchr::memmem::Finder::new(needle).into_owned())),
        is_negated,
    }
}

fn without_beats(others: Others) -> Awaited {
    Awaited {
        discard: vec![text_with("beat", false)],
        ..any(others)
    }
}

#[test]
fn what_is_to_be_discarded_is_passed_over_whatever_becomes_of_others() {
    for others in [Others::Discard, Others::Keep, Others::Fail] {
        let mut user = User::new();
        user.queue.push(message("beat 1", 0));
        user.comes(0, "beat 2");
        user.comes(5, "beat 3");
        user.comes(6, "answer");
        let done = user.exchange(&without_beats(others));
        assert_eq!((done.answer(), done.tally.skipped), ("answer", 3), "{others:?}");
        assert_eq!((done.note.as_str(), user.queue.len()), ("", 0), "{others:?}");
        user.queue.push(message("beat 4", 6));
        user.comes(7, "beat 5");
        user.comes(8, "news");
        let done = user.perform(Act::Receive(&without_beats(others)));
        assert_eq!((done.answer(), done.tally.skipped), ("news", 2), "{others:?}");
        assert!(user.queue.is_empty());
    }
}

#[test]
fn a_condition_is_for_messages_of_its_kind_and_may_be_turned_round() {
    let binary = |payload: &str| Received {
        kind: MessageKind::Binary,
        ..message(payload, 0)
    };
    let all = Condition {
        kind: None,
        ..text_with("a", false)
    };
    for (condition, message, is_met) in [
        (&text_with("a", false), message("xax", 0), true),
        (&text_with("a", false), binary("xax"), false),
        (&text_with("a", true), message("xax", 0), false),
        (&text_with("a", true), message("x", 0), true),
        (&text_with("a", true), binary("x"), false),
        (&all, binary("xax"), true),
    ] {
        assert_eq!(condition.is_met(&message), is_met, "{condition:?} {message:?}");
    }
}

#[test]
fn a_heartbeat_is_not_the_answer_that_an_earlier_exchange_went_without() {
    let mut user = User::new();
    let late = user.exchange(&without_beats(Others::Discard));
    assert!(matches!(late.end, End::TimedOut(_)));
    user.comes(1_005, "beat");
    user.comes(1_010, "late answer");
    user.comes(1_020, "answer");
    let done = user.exchange(&without_beats(Others::Discard));
    assert_eq!((done.answer(), done.tally.overdue), ("answer", 1));
}

#[test]
fn what_is_discarded_is_handed_over_beside_if_somebody_wants_to_see_it() {
    let mut user = User::new();
    let awaited = |shows_dropped| Awaited {
        shows_dropped,
        ..without_beats(Others::Discard)
    };
    user.queue.push(message("beat 1", 0));
    user.comes(5, "beat 2");
    user.comes(6, "answer");
    let done = user.exchange(&awaited(true));
    let shown: Vec<&[u8]> = done.dropped.iter().map(|one| &one.payload[..]).collect();
    assert_eq!(shown, [b"beat 1", b"beat 2"]);
    for each in 0..1_002 {
        user.comes(7 + each / 2, "beat");
    }
    let late = user.exchange(&awaited(true));
    assert_eq!((late.dropped.len(), late.tally.skipped), (1_000, 1_002));
    assert_eq!(late.note, "2 messages more were discarded, and are not shown.\n");
    user.comes(9_000, "beat");
    assert!(user.exchange(&awaited(false)).dropped.is_empty());
}

#[test]
fn some_of_several_messages_are_not_none() {
    let awaited = Awaited {
        count: 2,
        optional: true,
        ..any(Others::Discard)
    };
    let mut user = User::new();
    let none = user.perform(Act::Receive(&awaited));
    assert_eq!(none.end, End::NoMessage);
    user.comes(user.now + 1, "one");
    let some = user.perform(Act::Receive(&awaited));
    assert!(
        matches!(&some.end, End::TimedOut(why) if why.starts_with("1 of 2 ")),
        "{:?}",
        some.end
    );
}
