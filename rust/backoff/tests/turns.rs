//! How those go through the gate who were taken to lock each other out, where it was an outage, and where it was none.

use backoff::{Class, Form, LockedOut, Pacer, PacerMode, PacerSettings, Refusal};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const WAY: Duration = MS;

/// So many users at a gate for those who locked each other out, before a server that says whether it lets one in. All attempts, and whether
/// they were let in, until all are or the time is over.
fn attempts(
    users: usize,
    quota: usize,
    until: Duration,
    mut lets_in: impl FnMut(Duration) -> bool,
) -> Vec<(Duration, bool)> {
    let found = LockedOut {
        users,
        quota,
        window: 14 * SECOND,
        hinted: false,
        proven: false,
    };
    let refusal = Refusal {
        class: Class::Throttle,
        form: Form::Status(503),
        hint: None,
    };
    let mut gate = Pacer::closed(PacerSettings::of(PacerMode::Pace), Duration::ZERO, &found, None);
    (0..users).for_each(|_| _ = gate.enter(0.5));
    let (mut now, mut made) = (Duration::ZERO, Vec::new());
    while let Some(turn) = gate.ready() {
        now = now.max(turn.at);
        if now > until {
            break;
        }
        let ticket = gate.take(now).expect("its turn has come");
        let let_in = lets_in(now);
        made.push((now, let_in));
        now += WAY;
        if let_in {
            gate.passed(now, ticket);
            gate.leave(ticket);
        } else {
            gate.refused(now, ticket, &refusal);
            gate.again(ticket, 0.5, now + SECOND);
        }
    }
    made
}

/// A bucket, once the server is well again.
fn bucket(rate: f64, burst: f64, down: Duration) -> impl FnMut(Duration) -> bool {
    let (mut tokens, mut last) = (burst, down);
    move |now| {
        if now < down {
            return false;
        }
        tokens = (tokens + rate * (now - last).as_secs_f64()).min(burst);
        last = now;
        let passes = tokens >= 1.0;
        tokens -= if passes { 1.0 } else { 0.0 };
        passes
    }
}

fn let_in(attempts: &[(Duration, bool)]) -> usize {
    attempts.iter().filter(|(_, let_in)| *let_in).count()
}

#[test]
fn a_bucket_that_was_down_is_used_to_its_rate_again() {
    for (users, quota, rate, burst) in [(200, 1, 10.0, 1.0), (200, 1, 5.0, 1.0), (1_000, 20, 10.0, 20.0)] {
        for down in [10, 30, 60] {
            let down = down * SECOND;
            // One that was just refused when the server came back costs the longest silence.
            let bound = Duration::from_secs_f64(users as f64 / rate);
            let until = down + 10 * SECOND + bound.mul_f64(1.2);
            let made = attempts(users, quota, until, bucket(rate, burst, down));
            assert_eq!(let_in(&made), users, "{rate}/s, burst {burst}, down {down:?}");
            assert!(made.len() <= users * 5 / 4, "{} of {users}", made.len());
        }
    }
}

#[test]
fn a_server_without_a_limit_that_was_down_lets_all_in_at_once() {
    let down = 30 * SECOND;
    let made = attempts(1_000, 20, down + 30 * SECOND, |now| now >= down);
    assert_eq!(let_in(&made), 1_000);
}

/// Each refusal begins the window anew, so the trial costs something there: it goes once.
#[test]
fn where_each_refusal_begins_a_window_anew_one_trial_goes_and_no_second() {
    let window = 5 * SECOND;
    let (mut began, mut passed) = (Duration::ZERO, 40);
    let made = attempts(1_000, 40, 120 * SECOND, |now| {
        if now - began >= window {
            (began, passed) = (now, 0);
        }
        let lets_in = passed < 40;
        passed += u32::from(lets_in);
        began = if lets_in { began } else { now };
        lets_in
    });
    let refused: Vec<Duration> = made
        .iter()
        .filter(|(_, let_in)| !let_in)
        .map(|(at, _)| *at)
        .collect();
    let soon = refused
        .windows(2)
        .filter(|pair| pair[1] - pair[0] < SECOND)
        .count();
    assert_eq!(soon, 1, "{refused:?}");
    // 40 in 5 s from the 15th second on would be 840.
    assert!(let_in(&made) >= 700, "{}", let_in(&made));
}
