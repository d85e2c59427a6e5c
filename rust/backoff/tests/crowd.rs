//! What all users of a process find out together, and what they do not take for it.

use backoff::{Class, Crowd, FailureKind, Finding, Form, Lead, Refusal};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// Enough for all.
const TIME: Duration = Duration::from_secs(3_600);
const LIMIT: Duration = Duration::from_secs(20);

fn refusal(hint: Option<Duration>) -> Refusal {
    Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint,
    }
}

fn timeout() -> Refusal {
    Refusal {
        class: Class::Transient,
        form: Form::NoAnswer(FailureKind::Timeout),
        hint: None,
    }
}

fn crowd(users: usize) -> Crowd {
    let mut crowd = Crowd::new();
    (0..users).for_each(|_| crowd.begins(TIME));
    crowd
}

fn refused(crowd: &mut Crowd, now: Duration, hint: Option<Duration>) -> Option<Finding> {
    crowd.refused(now, &refusal(hint), MS, Some(LIMIT))
}

fn passed(crowd: &mut Crowd, now: Duration) {
    crowd.passed(now, MS, Some(LIMIT));
    crowd.ends();
}

#[test]
fn the_rate_of_those_who_come_back_says_how_far_the_others_spread() {
    let mut crowd = crowd(100);
    let start = 5 * SECOND;
    assert_eq!(refused(&mut crowd, start, None), None);
    // Who had been under way says nothing, however many.
    for nth in 0..30 {
        passed(&mut crowd, start + nth * MS);
    }
    assert_eq!(refused(&mut crowd, start + 40 * MS, None), None);
    for nth in 1..=10 {
        assert_eq!(refused(&mut crowd, start + nth * 500 * MS, None), None, "{nth}");
        passed(&mut crowd, start + nth * 500 * MS);
    }
    // Ten in 5 s, and 60 wait for 30 s: with a mean of a quarter of that each tries so often that four come for one who gets in.
    let found = refused(&mut crowd, start + 5 * SECOND, None);
    let Some(Finding::Flow(Lead {
        users: 60,
        after: Duration::ZERO,
        width,
        by_chance,
    })) = found
    else {
        panic!("{found:?}")
    };
    assert_eq!(width, 15 * SECOND);
    // Thirteen refusals for ten that got in: one of a thousand is refused more than sixteen times by chance.
    assert_eq!(by_chance, 16);
}

#[test]
fn another_storm_is_looked_at_anew() {
    let mut crowd = crowd(100);
    refused(&mut crowd, SECOND, None);
    (2..20).for_each(|second| passed(&mut crowd, second * SECOND));
    assert!(refused(&mut crowd, 20 * SECOND, None).is_some());
    assert_eq!(refused(&mut crowd, 81 * SECOND, None), None, "a minute later");
    // And when nobody tries any more.
    let mut crowd = self::crowd(20);
    refused(&mut crowd, SECOND, None);
    (2..22).for_each(|second| passed(&mut crowd, second * SECOND));
    assert!(crowd.is_empty());
    crowd.begins(TIME);
    assert_eq!(refused(&mut crowd, 22 * SECOND, None), None);
}

#[test]
fn time_outs_behind_ever_later_answers_are_a_queue() {
    let mut crowd = crowd(200);
    for nth in 1..=100 {
        let late = nth * 200 * MS;
        crowd.passed(late, late, Some(LIMIT));
        crowd.ends();
    }
    let found = crowd.refused(LIMIT, &timeout(), LIMIT, Some(LIMIT));
    let Some(Finding::Queue(lead)) = found else {
        panic!("{found:?}")
    };
    // A hundred at 5/s: the server is through with them in 20 s, and whoever comes after 10 waits for no more than 10.
    assert!(lead.width.abs_diff(20 * SECOND) <= SECOND, "{lead:?}");
    assert!(lead.after.abs_diff(10 * SECOND) <= SECOND, "{lead:?}");
}

#[test]
fn silence_slow_servers_and_refusals_are_no_queue() {
    let cases: [(&str, Duration, Refusal, Duration, Option<Duration>); 4] = [
        ("silence behind quick answers", MS, timeout(), LIMIT, Some(LIMIT)),
        (
            "a refusal behind late answers",
            10 * SECOND,
            refusal(None),
            MS,
            Some(LIMIT),
        ),
        (
            "a connect that timed out sooner",
            10 * SECOND,
            timeout(),
            5 * SECOND,
            Some(LIMIT),
        ),
        (
            "nobody knows the time that it had",
            10 * SECOND,
            timeout(),
            LIMIT,
            None,
        ),
    ];
    for (case, took, refusal, ended, limit) in cases {
        let mut crowd = crowd(200);
        for nth in 1..=50 {
            crowd.passed(nth * 100 * MS, took, limit);
        }
        let found = crowd.refused(20 * SECOND, &refusal, ended, limit);
        assert!(!matches!(found, Some(Finding::Queue(_))), "{case}: {found:?}");
    }
}

#[test]
fn nobody_let_in_for_two_hints_though_many_try_is_a_lock_out() {
    let hint = Some(4 * SECOND);
    for (tries, pass, expected) in [(20, None, true), (5, None, false), (20, Some(10), false)] {
        let mut crowd = crowd(40);
        passed(&mut crowd, SECOND);
        let mut found = None;
        for nth in 1..=tries {
            let now = SECOND + nth * 12 * SECOND / tries;
            if pass == Some(nth) {
                passed(&mut crowd, now);
            }
            found = found.or(refused(&mut crowd, now, hint));
        }
        assert_eq!(found.is_some(), expected, "{tries} {pass:?}: {found:?}");
        let Some(found) = found else { continue };
        let Finding::LockedOut(found) = found else {
            panic!("{found:?}")
        };
        assert_eq!((found.users, found.quota, found.window), (39, 1, 4 * SECOND));
        assert!(found.proven, "they waited as long as asked");
        assert_eq!(found.bound(), Some(156 * SECOND));
    }
}

/// Of so many users one is let in or none; then all the others try each half second for 100 s. When they line up.
fn all_refused(users: usize, let_in: bool, hint: Option<Duration>) -> Option<Duration> {
    let mut crowd = crowd(users + usize::from(let_in));
    if let_in {
        passed(&mut crowd, Duration::ZERO);
    }
    let tries = (0..200).flat_map(|nth| std::iter::repeat_n(nth * 500 * MS, users));
    tries
        .into_iter()
        .find(|now| refused(&mut crowd, *now, hint).is_some())
}

#[test]
fn a_server_that_lets_nobody_in_at_all_is_down_and_locks_nobody_out() {
    for hint in [None, Some(SECOND), Some(10 * SECOND)] {
        assert_eq!(all_refused(200, false, hint), None, "{hint:?}");
        assert!(all_refused(200, true, hint).is_some(), "{hint:?}");
    }
}

#[test]
fn a_server_that_lets_in_many_more_after_all_was_down_and_locks_nobody_out_any_more() {
    for hint in [None, Some(3 * SECOND)] {
        let mut crowd = crowd(200);
        (0..20).for_each(|_| passed(&mut crowd, Duration::ZERO));
        let locked_out = |found| matches!(found, Some(Finding::LockedOut(_)));
        let tries = (0..100).map(|nth| nth * 300 * MS);
        let found: Vec<bool> = tries
            .map(|now| locked_out(refused(&mut crowd, now, hint)))
            .collect();
        assert!(found[99], "{hint:?}");
        // As many as before in each window may be a lock-out still.
        (0..20).for_each(|_| passed(&mut crowd, 30 * SECOND));
        assert!(locked_out(refused(&mut crowd, 31 * SECOND, hint)), "{hint:?}");
        (0..70).for_each(|nth| passed(&mut crowd, 32 * SECOND + nth * MS));
        assert!(!locked_out(refused(&mut crowd, 33 * SECOND, hint)), "{hint:?}");
    }
}

#[test]
fn a_few_users_lock_nobody_out_however_often_they_try() {
    for hint in [None, Some(SECOND), Some(10 * SECOND)] {
        for users in [1, 9] {
            assert_eq!(all_refused(users, true, hint), None, "{users} {hint:?}");
        }
        assert!(all_refused(10, true, hint).is_some(), "{hint:?}");
    }
    // Those who come to one who has tried for long have to prove it themselves.
    let mut crowd = crowd(2);
    passed(&mut crowd, Duration::ZERO);
    for second in 0..100 {
        assert_eq!(refused(&mut crowd, second * SECOND, Some(SECOND)), None);
    }
    (0..20).for_each(|_| crowd.begins(TIME));
    for nth in 0..20 {
        assert_eq!(refused(&mut crowd, 100 * SECOND + nth * MS, Some(SECOND)), None);
    }
}

#[test]
fn a_short_hint_proves_nothing_sooner_than_two_seconds_would() {
    for hint in [Duration::from_nanos(100), 50 * MS, SECOND, 2 * SECOND] {
        assert_eq!(all_refused(40, true, Some(hint)), Some(4 * SECOND), "{hint:?}");
    }
    assert_eq!(all_refused(40, true, Some(3 * SECOND)), Some(6 * SECOND));
}

/// Four came one after the other and were let in, so that nobody was left who tried; so long later twenty come who lock each other out.
fn lock_each_other_out_after(pause: Duration) -> bool {
    let mut crowd = Crowd::new();
    for nth in 0..4 {
        crowd.begins(TIME);
        passed(&mut crowd, nth * MS);
    }
    crowd.begins(TIME);
    assert_eq!(refused(&mut crowd, pause, Some(700 * MS)), None, "one alone");
    (1..20).for_each(|_| crowd.begins(TIME));
    (0..100).any(|nth| {
        let found = refused(&mut crowd, pause + nth * 100 * MS, Some(700 * MS));
        matches!(found, Some(Finding::LockedOut(_)))
    })
}

#[test]
fn who_was_let_in_just_before_anybody_else_came_tells_that_the_server_lets_in() {
    assert!(lock_each_other_out_after(5 * MS));
    assert!(lock_each_other_out_after(50 * MS));
    assert!(lock_each_other_out_after(90 * MS));
    assert!(!lock_each_other_out_after(110 * MS), "it may be down by now");
    assert!(!lock_each_other_out_after(SECOND));
}

#[test]
fn who_was_let_in_in_an_earlier_longer_window_does_not_count_for_this_one() {
    let mut crowd = crowd(1);
    assert_eq!(refused(&mut crowd, MS, Some(600 * SECOND)), None);
    for nth in 1..=300 {
        crowd.begins(TIME);
        passed(&mut crowd, nth * SECOND);
    }
    crowd.ends();
    let start = 300 * SECOND + 5 * MS;
    (0..20).for_each(|_| crowd.begins(TIME));
    let found = (0..100).find_map(|nth| refused(&mut crowd, start + nth * 100 * MS, Some(700 * MS)));
    let Some(Finding::LockedOut(found)) = found else {
        panic!("{found:?}")
    };
    assert_eq!(found.quota, 1, "{found:?}");
}

/// Of a thousand, twenty were let in at once; then one in so many who try, each 5 ms, is let in. When they line up.
fn lined_up_after(time: Duration, hint: Option<Duration>, one_in: Option<u32>) -> Option<Duration> {
    let mut crowd = Crowd::new();
    (0..1_000).for_each(|_| crowd.begins(time));
    (0..20).for_each(|_| passed(&mut crowd, MS));
    for nth in 1..=4_000 {
        let now = nth * 5 * MS;
        if one_in.is_some_and(|one_in| nth % one_in == 0) {
            passed(&mut crowd, now);
        }
        if let Some(Finding::LockedOut(found)) = refused(&mut crowd, now, hint) {
            assert!(found.bound() > Some(time), "it is too short: {found:?}");
            assert_eq!(found.hinted, hint.is_some());
            assert!(!found.proven, "so soon a window that is closed looks the same");
            return Some(now);
        }
    }
    None
}

#[test]
fn the_sooner_they_line_up_the_shorter_their_time_is() {
    let two_minutes = 120 * SECOND;
    // 980 at twenty in each 3.1 s take a quarter more than 120 s.
    let short = lined_up_after(two_minutes, None, None).unwrap();
    assert!(short.abs_diff(3_060 * MS) < 20 * MS, "{short:?}");
    let longer = lined_up_after(2 * two_minutes, None, None).unwrap();
    assert!(longer.abs_diff(6_120 * MS) < 20 * MS, "{longer:?}");
    // As long as the server asks for they wait in any case.
    let hinted = lined_up_after(two_minutes, Some(5 * SECOND), None).unwrap();
    assert!(hinted.abs_diff(5 * SECOND) < 20 * MS, "{hinted:?}");
}

#[test]
fn so_do_those_of_whom_one_in_hundreds_is_let_in_and_nobody_else() {
    let time = 120 * SECOND;
    // A bucket that refusals keep empty.
    assert!(lined_up_after(time, None, Some(400)).is_some_and(|after| after < 10 * SECOND));
    // One that is used by many.
    assert_eq!(lined_up_after(time, None, Some(40)), None);
}

/// One of forty is let in, and such refusals follow; then others are let in. Whether a lock-out and whether a flow was found.
fn told_for_long(class: Class, form: Form) -> (bool, bool) {
    let mut crowd = crowd(60);
    passed(&mut crowd, Duration::ZERO);
    let refusal = Refusal {
        class,
        form,
        hint: None,
    };
    let mut told = (false, false);
    for second in 0..200 {
        let now = second * SECOND;
        match crowd.refused(now, &refusal, MS, Some(LIMIT)) {
            Some(Finding::LockedOut(_)) => told.0 = true,
            Some(_) => told.1 = true,
            None => {}
        }
        if (100..120).contains(&second) {
            passed(&mut crowd, now);
        }
    }
    told
}

#[test]
fn an_answer_that_only_its_user_did_not_want_is_no_refusal() {
    // Polled, as the assertion has it that the job is not done.
    assert_eq!(told_for_long(Class::Transient, Form::Status(200)), (false, false));
    assert_eq!(told_for_long(Class::Transient, Form::Status(302)), (false, false));
    assert!(told_for_long(Class::Transient, Form::Status(503)).0);
    assert!(
        told_for_long(Class::Throttle, Form::Status(200)).0,
        "as the plan says"
    );
    assert!(told_for_long(Class::Transient, Form::Closed(1013)).0);
    assert!(told_for_long(Class::Transient, Form::NoAnswer(FailureKind::Network)).0);
}

#[test]
fn what_no_other_attempt_can_heal_says_nothing() {
    assert_eq!(
        told_for_long(Class::Fatal, Form::Status(401)),
        (false, false),
        "nobody may come in"
    );
}
