//! The engine by itself, from specifications that no adapter has made: connect, wait out a refusal, talk, close.

// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used)]

#[path = "typed/spec.rs"]
mod spec;

use std::time::{Duration, Instant};

use backoff::{Class, Policy, StopReason};
use conversation::awaited::{Awaited, Others};
use conversation::matcher::Matcher;
use engine::connecting::run::End;
use engine::talking::figures::{Figures, Outcome};
use engine::talking::operation::{Action, CloseSpec, Operation, Payload};
use engine::{Asked, Engine};
use spec::{SECOND, spec};
use testbed::{Config, RetryAfter, Server};
use websocket::MessageKind;

fn operation(action: Action) -> Operation {
    Operation {
        action,
        timeout: 20 * SECOND,
    }
}

fn text(bytes: &[u8]) -> Payload {
    Payload {
        kind: MessageKind::Text,
        bytes: bytes.to_owned(),
        fragment: None,
    }
}

/// An operation that begins now, in a thread without an end.
fn now(payload: Option<&[u8]>) -> Asked<'_> {
    Asked {
        payload,
        left: None,
        begun: Instant::now(),
    }
}

#[test]
fn a_refused_user_waits_as_asked_is_let_in_talks_and_closes() {
    let config = Config {
        limit: "token-bucket rate=4 burst=1".parse().unwrap(),
        retry_after: RetryAfter::Milliseconds,
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    let engine = Engine::default();
    let spec = spec(&engine, &server.url(), Policy::default());
    let first = engine.open();
    let done = engine.connect(first, &spec, None).unwrap();
    assert_eq!((done.run.end, done.run.made()), (End::Connected, 1));

    let second = engine.open();
    let run = engine.connect(second, &spec, None).unwrap().run;
    assert_eq!(run.end, End::Connected);
    let refused = &run.attempts[0];
    assert_eq!(
        (refused.status(), refused.class),
        (Some(429), Some(Class::Throttle))
    );
    let hint = *refused.hint.as_ref().unwrap().value.as_ref().unwrap();
    assert!(hint > Duration::ZERO && refused.waited >= hint, "{refused:?}");
    assert!(run.last().fault.is_none() && run.waited() >= hint && run.elapsed >= run.waited());

    let any = Awaited {
        discard: Vec::new(),
        shows_dropped: false,
        matcher: Matcher::Next,
        kind: None,
        count: 1,
        others: Others::Fail,
        optional: false,
    };
    let exchange = operation(Action::Exchange(text(b"hello"), any, 1));
    for (given, expected) in [(None, &b"hello"[..]), (Some(&b"other"[..]), b"other")] {
        let mut figures = Figures::default();
        let done = engine.perform(second, &exchange, now(given), &mut figures);
        assert_eq!(done.unwrap().unwrap(), expected);
        assert_eq!(
            (figures.tally.messages, figures.kind),
            (1, Some(MessageKind::Text))
        );
    }
    let close = operation(Action::Close(CloseSpec {
        code: 1000,
        reason: "done".to_owned(),
        abort: false,
    }));
    let mut closed = Figures::default();
    let done = engine.perform(second, &close, now(None), &mut closed);
    assert!(done.unwrap().is_ok() && closed.close_code == 1000, "{closed:?}");
    assert!(!engine.is_open(second) && engine.is_open(first));

    engine.shutdown().unwrap();
    assert_eq!(engine.handles(), 0);
    let stats = server.stats();
    assert_eq!(
        (stats.accepted, stats.attempts),
        (2, 2 + stats.refused),
        "{stats:?}"
    );
    assert!(stats.refused >= 1 && stats.echoed == 2, "{stats:?}");
    server.stop();
}

#[test]
fn a_policy_that_is_at_its_end_leaves_no_connection() {
    let config = Config {
        faults: vec!["reset:1".parse().unwrap()],
        ..Config::default()
    };
    let server = Server::start(config).unwrap();
    let engine = Engine::default();
    let policy = Policy {
        max_attempts: 2,
        transient_base: Duration::from_millis(1),
        ..Policy::default()
    };
    let handle = engine.open();
    let spec = spec(&engine, &server.url(), policy);
    let run = engine.connect(handle, &spec, None).unwrap().run;
    assert_eq!(run.end, End::Stopped(StopReason::MaxAttempts));
    assert_eq!(run.made(), 2);
    assert!(
        run.attempts
            .iter()
            .all(|attempt| attempt.fault.is_some() && attempt.status().is_none())
    );
    assert!(!engine.is_open(handle));
    let exchange = operation(Action::Send(text(b"hello")));
    let mut figures = Figures::default();
    let done = engine.perform(handle, &exchange, now(None), &mut figures);
    let failure = done.unwrap().unwrap_err();
    assert_eq!(
        (&*failure.code, figures.outcome),
        ("connection.none", Outcome::Failed)
    );
    server.stop();
}
