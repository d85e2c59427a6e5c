//! What the product does besides waiting for a network: a step of the policy, hints, a turn at the gate, a sampler's
//! properties in and its result out.

#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backoff::{Backoff, FailureKind, HttpAnswer, Pacer, PacerMode, PacerSettings, Policy, Seen};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jmeter::Engine;
use jmeter::{ConnectRequest, Values};

fn policy(c: &mut Criterion) {
    let policy = Arc::new(Policy::default());
    let elapsed = Duration::from_millis(40);
    c.bench_function("policy step after a network failure", |b| {
        b.iter_batched_ref(
            || Backoff::new(Arc::clone(&policy), Some(7)),
            |backoff| backoff.after(&Seen::Failure(FailureKind::Network), elapsed),
            BatchSize::SmallInput,
        );
    });
    for (name, headers) in [
        ("policy step after a 429 without a hint", vec![("Server", "x")]),
        ("policy step with a hint in seconds", vec![("Retry-After", "5")]),
        (
            "policy step with a hint as a date",
            vec![
                ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("Retry-After", "Sun, 06 Nov 1994 08:49:49 GMT"),
            ],
        ),
        (
            "policy step with a RateLimit hint",
            vec![("RateLimit", "\"default\";r=0;t=12")],
        ),
    ] {
        let headers: Vec<(String, String)> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let refusal = Seen::Answer(HttpAnswer {
            status: 429,
            headers: &headers,
            body: b"{\"status\":429}",
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        });
        c.bench_function(name, |b| {
            b.iter_batched_ref(
                || Backoff::new(Arc::clone(&policy), Some(7)),
                |backoff| backoff.after(&refusal, elapsed),
                BatchSize::SmallInput,
            );
        });
    }
}

fn gate(c: &mut Criterion) {
    for mode in [PacerMode::Pause, PacerMode::Pace] {
        let mut pacer = Pacer::new(PacerSettings {
            rate: 200.0,
            ..PacerSettings::of(mode)
        });
        let mut now = Duration::ZERO;
        c.bench_function(&format!("gate step, {mode:?}").to_lowercase(), |b| {
            b.iter(|| {
                now += Duration::from_millis(10);
                let ticket = pacer.enter(0.5);
                let taken = pacer.take(black_box(now));
                assert_eq!(taken, Some(ticket), "its turn has come");
                pacer.passed(now, ticket);
            });
        });
    }
}

/// A sampler's properties as Java sends them: all that a plan stores, most of them empty.
fn properties() -> BTreeMap<String, String> {
    let stored = jmeter::KEYS
        .iter()
        .map(|key| (key.name.to_owned(), String::new()));
    let set = [
        ("wsb.url", "ws://127.0.0.1:9/agents"),
        ("wsb.retry.base", "1.5s"),
        ("wsb.retry.maxElapsed", "2m"),
    ];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    stored.chain(set).collect()
}

fn boundary(c: &mut Criterion) {
    let spec = serde_json::json!({
        "element": "ConnectSampler",
        "properties": properties(),
        "user": "Agents 1-1",
    })
    .to_string();
    c.bench_function("properties from JSON", |b| {
        b.iter(|| {
            let request: ConnectRequest = serde_json::from_str(black_box(&spec)).expect("as Java sends it");
            Values::new(request.properties).expect("every key is known")
        });
    });
    let wrong = spec.replace("1.5s", "soon");
    let engine = Engine::default();
    let handle = engine.open();
    let prepared = engine.prepare(wrong.as_bytes()).expect("as Java sends it");
    c.bench_function("a connect call that only fails, with its result", |b| {
        b.iter(|| {
            engine
                .connect(handle, black_box(prepared), 0, None, None)
                .expect("a wrong value is no misuse")
        });
    });
}

criterion_group!(parts, policy, gate, boundary);
criterion_main!(parts);
