//! Those who come to a quota whose users locked each other out, and have no gate of their own.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "typed/spec.rs"]
mod spec;

use std::thread::sleep;
use std::time::Duration;

use backoff::{Class, Form, Policy, Refusal, StopReason, Strategy};
use engine::Engine;
use engine::connecting::run::{ConnectRun, End};
use engine::gates::crowd::{Member, Took};
use spec::{SECOND, spec};
use testbed::{Config, RetryAfter, Server};

/// Twelve users lock each other out.
fn lock_out(engine: &Engine) -> Vec<Member> {
    let crowd = engine.gates().crowd("a quota");
    let members: Vec<Member> = (0..12).map(|_| crowd.enter(600 * SECOND)).collect();
    let took = Took {
        time: Duration::from_millis(1),
        limit: None,
        reached: true,
    };
    let refusal = Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint: Some(2 * SECOND),
    };
    members[0].passed(took);
    while members[0].gate().is_none() {
        for member in &members[1..] {
            member.refused(&refusal, took);
        }
        sleep(Duration::from_millis(100));
    }
    members
}

#[test]
fn each_tries_once_at_once_and_ends_by_what_the_server_said() {
    let server = Server::start(Config {
        limit: "fixed-window limit=1 window=1h".parse().unwrap(),
        retry_after: RetryAfter::None,
        ..Config::default()
    })
    .unwrap();
    let engine = Engine::default();
    let connect = |strategy| -> ConnectRun {
        let policy = Policy {
            strategy,
            base: Duration::from_millis(50),
            cap: Duration::from_millis(100),
            max_elapsed: SECOND,
            ..Policy::default()
        };
        let spec = spec(&engine, &server.url(), policy);
        engine.connect(engine.open(), &spec, None).unwrap().run
    };
    let members = lock_out(&engine);
    let first = connect(Strategy::Decorrelated);
    assert_eq!(
        first.end,
        End::Connected,
        "the server is open: {:?}",
        first.attempts
    );

    // Nobody goes for as long as the hint asked.
    let refused = connect(Strategy::Decorrelated);
    let last = refused.last();
    assert_eq!(refused.end, End::Stopped(StopReason::MaxElapsed));
    assert_eq!((refused.made(), refused.attempts.len()), (1, 1), "{refused:?}");
    assert_eq!(last.status(), Some(429), "{last:?}");
    assert_eq!(last.fault.as_ref().unwrap().code, "upgrade.status");
    assert!(last.waited >= SECOND / 2, "at the gate: {last:?}");

    // Who knows nothing of others does not line up.
    let full = connect(Strategy::Full);
    assert_eq!((full.end, full.last().status()), (refused.end, Some(429)));
    assert!(full.made() > 3, "{full:?}");
    assert!(
        full.attempts
            .iter()
            .all(|attempt| attempt.gate.is_none() && attempt.found.is_none())
    );
    drop(members);
}
