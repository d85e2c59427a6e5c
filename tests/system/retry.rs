//! The Retry Controller around JMeter's own HTTP Request: who gets through, what reports count, and how a Stop ends a wait.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use system::jmeter::Finished;
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::serve::Serve;
use system::trace;

use crate::http::{self, Answer};
use crate::say;
use crate::stopping::{ends_after_stop, room_for_stop};
use crate::support::{END_OF_TEST, LIMIT, alone, complaints, folder, jmeter_of, run, together, waiting};

/// How fast the last of two hundred threads must be free again that end at once on two cores; nine of ten: as in [`room_for_stop`].
const LAST_MS: u64 = 1_000;

/// A plain HTTP server that lets so many requests a window in and answers the others with 429.
struct Throttle {
    port: u16,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default, Clone)]
struct Counts {
    accepted: usize,
    refused: usize,
    window: Option<(Instant, usize)>,
}

impl Throttle {
    fn start(limit: usize, window: Duration, hint: &'static str) -> Self {
        let counts = Arc::<Mutex<Counts>>::default();
        let shared = counts.clone();
        let port = http::serve(move |_| {
            if shared.lock().unwrap().admit(limit, window) {
                return Answer {
                    status: "200 OK",
                    headers: "",
                    body: "token=abc".to_owned(),
                };
            }
            Answer {
                status: "429 Too Many Requests",
                headers: hint,
                body: "slow".to_owned(),
            }
        });
        Throttle { port, counts }
    }

    fn counts(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }
}

impl Counts {
    fn admit(&mut self, limit: usize, window: Duration) -> bool {
        let (start, taken) = self
            .window
            .filter(|(start, _)| start.elapsed() < window)
            .unwrap_or((Instant::now(), 0));
        let admitted = taken < limit;
        self.window = Some((start, taken + usize::from(admitted)));
        if admitted {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
        admitted
    }
}

/// Users who all do the same call to `/token`, with a Retry Controller around it.
fn retried(users: u32, properties: &[(&str, &str)], port: u16) -> Plan {
    let call = Group::inner().http("call", port, "/token", &Group::inner());
    Plan::of(Group::new("G", users).controller("Retry", "again", properties, &call))
}

/// Samples by label and code, with whether they passed.
fn tally(samples: &[Sample]) -> BTreeMap<(String, String, bool), usize> {
    let mut tally = BTreeMap::new();
    for sample in samples {
        *tally
            .entry((sample.label.clone(), sample.code.clone(), sample.success))
            .or_default() += 1;
    }
    tally
}

/// Whoever was refused stayed away for so long after the end of that sample.
fn waits_lie_between(samples: &[Sample], least_ms: u64) {
    let mut last = BTreeMap::new();
    for sample in samples {
        if let Some(end) = last.insert(&sample.thread, sample.ended_ms()) {
            let gap = sample.started_ms.saturating_sub(end);
            assert!(gap >= least_ms, "{gap} ms before {sample:?}");
        }
    }
}

/// Samples and errors that the dashboard shows in all.
fn dashboard(finished: &Finished) -> (u64, u64) {
    let text = fs::read_to_string(finished.files.dashboard().join("statistics.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let count = |name: &str| json["Total"][name].as_u64().unwrap();
    (count("sampleCount"), count("errorCount"))
}

#[test]
fn every_user_gets_through_a_throttled_rest_call_and_reports_count_as_chosen() {
    const USERS: usize = 30;
    let _turn = waiting();
    for shown in ["keep", "ignore", "success"] {
        let server = Throttle::start(10, Duration::from_secs(2), "retry-AFTER: 2\r\n");
        let folder = folder(&format!("retry_{shown}"));
        let properties = [("wsb.retry.attemptsShown", shown)];
        let finished = run(&jmeter_of(&retried(30, &properties, server.port), &folder)
            .property("sample_variables", "wsb.attempts,wsb.stop")
            .dashboard());
        let Counts {
            accepted, refused, ..
        } = server.counts();
        assert_eq!(accepted, USERS, "{shown}");
        assert!(refused >= USERS - 10, "the limit had to bite: {refused}");
        let samples = finished.samples().unwrap();
        let tally = tally(&samples);
        let of = |code: &str, ok: bool| {
            let key = ("call".to_owned(), code.to_owned(), ok);
            tally.get(&key).copied().unwrap_or_default()
        };
        let (failed, retried) = match shown {
            "keep" => (refused, 0),
            "ignore" => (0, 0),
            _ => (0, refused),
        };
        assert_eq!(
            (
                of("200", true),
                of("429", false),
                of("retried 429", true),
                samples.len()
            ),
            (USERS, failed, retried, USERS + failed + retried),
            "{shown}: {tally:?}"
        );
        let (count, errors) = dashboard(&finished);
        assert_eq!(
            (count, errors),
            (samples.len() as u64, failed as u64),
            "{shown}: the dashboard"
        );
        let summary = finished.ended.text();
        let summary = summary
            .lines()
            .rfind(|line| line.starts_with("summary ="))
            .unwrap()
            .to_owned();
        assert!(
            summary.contains(&format!("Err: {failed:>5} ")),
            "{shown}: {summary}"
        );
        if shown != "ignore" {
            waits_lie_between(&samples, 1_990); // 2 s, and stamps are whole milliseconds
        }
        say!("{shown}: {accepted} let in, {refused} refused; {summary}");
    }
}

#[test]
fn two_hundred_users_at_once_all_get_through_120_a_minute() {
    let _turn = waiting();
    thread::scope(|both| {
        for shared in ["off", "pace"] {
            both.spawn(move || all_get_through(shared));
        }
    });
}

fn all_get_through(shared: &str) {
    const USERS: u32 = 200;
    let limit = [
        "--limit",
        "fixed-window limit=120 window=60s",
        "--retry-after",
        "seconds",
    ];
    let serve = Serve::start(&limit).unwrap();
    let folder = folder(&format!("retry_200_{shared}"));
    let traced = folder.join("trace.jsonl");
    let plan = retried(USERS, &[("wsb.shared.mode", shared)], serve.address().port());
    let finished = run(&jmeter_of(&plan, &folder)
        .property("sample_variables", "wsb.stop,wsb.timeToSuccessMs")
        .property("wsb.trace", &traced.display()));
    let (samples, stats) = (finished.samples().unwrap(), serve.stats().unwrap());
    let passed: Vec<_> = samples.iter().filter(|sample| sample.success).collect();
    assert_eq!(
        passed.len(),
        USERS as usize,
        "{shared}: somebody did not get through"
    );
    assert_eq!(
        (samples.len() as u64, passed.len() as u64),
        (stats.attempts, stats.accepted),
        "the result file has what the server has seen"
    );
    let attempts = trace::events(&traced).unwrap();
    let succeeded = attempts.iter().filter(|line| line.stop.is_some());
    assert_eq!(
        (attempts.len() as u64, succeeded.count() as u64),
        (stats.attempts, stats.accepted),
        "the trace has a line an attempt"
    );
    for refused in attempts.iter().filter(|line| line.status == Some(429)) {
        assert_eq!(refused.class.as_deref(), Some("throttle"), "{refused:?}");
        let asked = refused.hint.as_ref().and_then(|hint| hint.ms).unwrap();
        // At the gate of `pace` the wait comes before the next attempt.
        assert!(refused.wait_ms.is_none_or(|wait| wait >= asked), "{refused:?}");
        assert_eq!(refused.wait_ms.is_none(), shared == "pace", "{refused:?}");
    }
    let first = samples.iter().map(|sample| sample.started_ms).min().unwrap();
    let last = passed.iter().map(|sample| sample.ended_ms()).max().unwrap();
    say!(
        "gate {shared}: all {USERS} through after {} ms, {:.2} attempts a user",
        last - first,
        samples.len() as f64 / f64::from(USERS)
    );
    assert!(last - first >= 59_000, "sooner than the window allows");
}

#[test]
fn it_works_inside_and_around_other_elements() {
    let _turn = together();
    let server = Throttle::start(1, Duration::from_millis(700), "Retry-After-Ms: 300\r\n");
    let around_call = Group::inner()
        .extract("token", "token=(\\w+)")
        .assert_has("token=");
    let call = Group::inner().http("call", server.port, "/token", &around_call);
    let properties = [
        ("wsb.retry.attemptsShown", "success"),
        ("wsb.retry.failedAssertions", "transient"),
        ("wsb.retry.throttle", "429"),
    ];
    let again = Group::inner().controller("Retry", "again", &properties, &Group::inner().if_true(&call));
    let transaction = Group::inner().transaction("transaction", &again);
    let plan = Plan::of(Group::new("G", 1).times(3, &transaction));
    let folder = folder("retry_nested");
    let finished = run(&jmeter_of(&plan, &folder).property("sample_variables", "token,wsb.attempts"));
    let samples = finished.samples().unwrap();
    assert!(samples.iter().all(|sample| sample.success), "{samples:?}");
    let transactions: Vec<_> = samples
        .split_inclusive(|sample| sample.label == "transaction")
        .collect();
    assert_eq!(transactions.len(), 3);
    for samples in transactions {
        let (transaction, calls) = samples.split_last().unwrap();
        assert_eq!(transaction.variables["token"], "abc");
        let work: u64 = calls.iter().map(|call| call.elapsed_ms).sum();
        assert!(
            transaction.elapsed_ms <= work + 50,
            "waits are not in it: {samples:?}"
        );
    }
    let retried = samples
        .iter()
        .filter(|sample| sample.code == "retried 429")
        .count();
    assert_eq!(retried, server.counts().refused);
    assert!(retried >= 2, "{samples:?}");
}

#[test]
fn stop_in_the_middle_of_a_wait_frees_every_thread_at_once() {
    const USERS: u32 = 200;
    let _turn = alone();
    let server = Throttle::start(0, Duration::from_secs(60), "Retry-After: 60\r\n");
    let folder = folder("retry_stop");
    let running = jmeter_of(&retried(USERS, &[], server.port), &folder)
        .start()
        .unwrap();
    let deadline = Instant::now() + LIMIT;
    while server.counts().refused < USERS as usize {
        assert!(Instant::now() < deadline, "{:?}", server.counts());
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(500)); // from the answer to the wait
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    let log = finished.log().unwrap();
    assert!(
        log.contains(END_OF_TEST),
        "or the complaints miss a slow end: {log}"
    );
    let ends = ends_after_stop(&finished);
    assert_eq!(ends.len(), USERS as usize, "{log}");
    let (most, last) = (ends[ends.len() * 9 / 10], ends[ends.len() - 1]);
    say!("nine of ten of {USERS} threads ended {most} ms after the Stop, the last {last} ms");
    assert!(
        most <= room_for_stop(most, USERS) && last <= LAST_MS,
        "{most} ms, {last} ms"
    );
    assert_eq!(finished.samples().unwrap().len(), USERS as usize);
}
