use serde_json::{Value, json};
use tokio::time::{Instant, advance, timeout};

use super::*;
use crate::controls::Flights;
use engine::cancel::Cancel;
use engine::gates::gate::Gates;
use engine::tracing::files::TraceFiles;
use engine::watching::board::Board;

mod locked_out;
mod polling;
mod storms;

/// A controller of the user `u`, and what it needs.
struct Bench {
    gates: Arc<Gates>,
    cancel: Cancel,
    retry: Retry,
}

impl Bench {
    fn new(properties: &[(&str, &str)]) -> Self {
        Bench::beside(&Arc::default(), "u", properties)
    }

    fn beside(gates: &Arc<Gates>, user: &str, properties: &[(&str, &str)]) -> Self {
        Bench {
            gates: gates.clone(),
            cancel: Cancel::default(),
            retry: Retry::new(request(user, properties)).unwrap(),
        }
    }

    async fn tell(&mut self, event: Value) -> Value {
        let scene = Scene {
            gates: &self.gates,
            flights: &Flights::default(),
            traces: &TraceFiles::default(),
            board: &Board::default(),
            cancel: &self.cancel,
        };
        let event = serde_json::from_value(event).unwrap();
        serde_json::to_value(self.retry.step(event, scene).await).unwrap()
    }

    async fn begin(&mut self) -> Value {
        self.tell(json!({"event": "begin"})).await
    }

    async fn failed(&mut self, code: &str, headers: &str) -> Value {
        self.tell(
            json!({"event": "failed", "label": "call", "code": code, "headers": headers, "body": "", "last": true}),
        )
        .await
    }

    async fn over(&mut self, ok: bool, code: &str) -> Value {
        self.tell(json!({"event": "over", "ok": ok, "code": code})).await
    }

    async fn fail(&mut self, code: &str) -> Value {
        self.failed(code, "").await;
        self.over(false, code).await
    }

    async fn turn(&mut self, target: &str) -> Value {
        self.tell(json!({"event": "turn", "target": target})).await
    }

    async fn turn_of_part(&mut self, target: &str, base: &str) -> Value {
        self.tell(json!({"event": "turn", "target": target, "base": base}))
            .await
    }
}

fn request(user: &str, properties: &[(&str, &str)]) -> ControlRequest {
    ControlRequest {
        element: Retry::ELEMENT.to_owned(),
        name: "retry".to_owned(),
        user: user.to_owned(),
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..ControlRequest::default()
    }
}

/// Everything is worth another try.
const ANY: (&str, &str) = ("wsb.retry.transient", "any");

/// Waits of 1, 2, 4 s.
const EXPONENTIAL: (&str, &str) = ("wsb.retry.strategy", "exponential");

#[tokio::test(start_paused = true)]
async fn waits_by_the_policy_until_an_attempt_succeeds() {
    let mut bench = Bench::new(&[EXPONENTIAL]);
    bench.begin().await;
    let begun = Instant::now();
    for seconds in [1, 3, 7] {
        assert_eq!(bench.fail("429").await["go"], true);
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
    let done = bench.over(true, "200").await;
    assert_eq!((&done["go"], &done["stop"]), (&json!(false), &json!("succeeded")));
    let expected = json!({
        "wsb.attempts": "4", "wsb.throttled": "3", "wsb.waitedMs": done["variables"]["wsb.waitedMs"],
        "wsb.timeToSuccessMs": done["variables"]["wsb.timeToSuccessMs"],
        "wsb.hintMs": "", "wsb.stop": "succeeded", "wsb.lastStatus": "200", "wsb.rate": "", "wsb.gateQueue": "",
    });
    assert_eq!(done["variables"], expected);
    let waited: u64 = done["variables"]["wsb.waitedMs"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((7_000..7_010).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_hint_in_any_letter_case_is_a_floor() {
    let mut bench = Bench::new(&[EXPONENTIAL, ("wsb.hint.jitter", "none")]);
    for head in [
        "HTTP/1.1 429 Slow\nretry-after: 9\n",
        "HTTP/1.1 429 Slow\nRETRY-AFTER:9",
    ] {
        bench.begin().await;
        let begun = Instant::now();
        bench.failed("429", head).await;
        let after = bench.over(false, "429").await;
        assert_eq!(begun.elapsed().as_secs(), 9, "{head}");
        assert_eq!(after["variables"]["wsb.hintMs"], "9000");
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_failure_depends_on_its_class() {
    for (code, properties, stop) in [
        ("429", &[][..], ""),
        ("503", &[], ""),
        ("404", &[], "fatal"),
        ("200", &[], ""),
        ("302", &[], ""),
        ("200", &[("wsb.retry.failedAssertions", "fatal")], "fatal"),
        (
            "200",
            &[
                ("wsb.retry.failedAssertions", "fatal"),
                ("wsb.retry.transient", "200"),
            ],
            "",
        ),
        ("404", &[("wsb.retry.transient", "none")], "fatal"),
        ("200", &[("wsb.retry.transient", "none")], ""),
        ("Non HTTP response code: java.net.SocketTimeoutException", &[], ""),
        (
            "Non HTTP response code: java.net.SocketTimeoutException",
            &[("wsb.retry.transient", "network")],
            "fatal",
        ),
        (
            "Non HTTP response code: java.net.ConnectException",
            &[("wsb.retry.transient", "timeout")],
            "fatal",
        ),
        ("Non HTTP response code: spec.invalid", &[ANY], "fatal"),
        ("Non HTTP response code: native.unavailable", &[ANY], "fatal"),
        ("Non HTTP response code: connection.open", &[ANY], "fatal"),
        ("Non HTTP response code: tls.certificate", &[ANY], ""),
        ("429", &[("wsb.retry.strategy", "none")], "no-retry"),
        ("429", &[("wsb.retry.maxAttempts", "1")], "max-attempts"),
        ("429", &[("wsb.retry.maxElapsed", "10ms")], "max-elapsed"),
    ] {
        let mut bench = Bench::new(properties);
        bench.begin().await;
        let judged = bench.failed(code, "").await;
        assert_eq!(judged["stop"], stop, "{code} {properties:?}");
        assert_eq!(judged["go"], stop.is_empty(), "{code} {properties:?}");
        let over = bench.over(false, code).await;
        assert_eq!(over["stop"], stop, "{code} {properties:?}");
        assert_eq!(over["variables"]["wsb.stop"], stop, "{code} {properties:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_waits_and_users_and_times_differ() {
    let properties = [("wsb.retry.seed", "7"), ("wsb.retry.strategy", "full")];
    let mut waits = Vec::new();
    for user in ["a", "a", "b"] {
        let mut bench = Bench::beside(&Arc::default(), user, &properties);
        for _ in 0..2 {
            bench.begin().await;
            let begun = Instant::now();
            bench.fail("429").await;
            waits.push(begun.elapsed());
            bench.over(true, "200").await;
        }
    }
    assert_eq!(waits[..2], waits[2..4]);
    assert!(waits[0] != waits[1] && waits[..2] != waits[4..]);
}

#[tokio::test(start_paused = true)]
async fn two_of_one_name_draw_by_streams_of_their_own() {
    let properties = [("wsb.retry.seed", "7"), ("wsb.retry.strategy", "full")];
    let mut waits = Vec::new();
    for place in [0, 0, 1, 1, 2] {
        let mut bench = Bench::new(&[]);
        bench.retry = Retry::new(ControlRequest {
            place,
            ..request("u", &properties)
        })
        .unwrap();
        bench.begin().await;
        let begun = Instant::now();
        bench.fail("429").await;
        waits.push(begun.elapsed());
    }
    assert_eq!((waits[0], waits[2]), (waits[1], waits[3]));
    assert!(
        waits[0] != waits[2] && waits[2] != waits[4] && waits[0] != waits[4],
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn which_samples_count_is_a_choice() {
    let fail = |label: &str, code: &str, last: bool| json!({"event": "failed", "label": label, "code": code, "last": last});
    for (properties, events, ok, goes) in [
        // The last sample decides, whatever came before.
        (&[][..], vec![fail("a", "500", false)], true, false),
        (
            &[],
            vec![fail("a", "404", false), fail("b", "500", true)],
            false,
            true,
        ),
        // Any failed sample decides, the first one on its class.
        (
            &[("wsb.retry.counts", "any")],
            vec![fail("a", "500", false)],
            true,
            true,
        ),
        (
            &[("wsb.retry.counts", "any")],
            vec![fail("a", "404", false), fail("b", "500", true)],
            false,
            false,
        ),
        // Only those that match.
        (
            &[("wsb.retry.counts", "matching"), ("wsb.retry.label", "^call")],
            vec![fail("call 1", "500", false), fail("other", "404", true)],
            false,
            true,
        ),
        (
            &[("wsb.retry.counts", "matching"), ("wsb.retry.label", "^call")],
            vec![fail("other", "500", true)],
            false,
            false,
        ),
    ] {
        let mut bench = Bench::new(properties);
        bench.begin().await;
        for event in &events {
            bench.tell(event.clone()).await;
        }
        let over = bench.over(ok, "200").await;
        assert_eq!(over["go"], goes, "{properties:?} {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_sample_is_shown_otherwise_only_if_another_attempt_follows() {
    for (shown, code, last, expected) in [
        ("keep", "429", true, "keep"),
        ("ignore", "429", true, "ignore"),
        ("success", "429", true, "success"),
        ("ignore", "404", true, "keep"),
        // Another sample may yet decide: this one may be a failure that nobody tries again.
        ("ignore", "429", false, "keep"),
    ] {
        let mut bench = Bench::new(&[("wsb.retry.attemptsShown", shown)]);
        assert_eq!(bench.begin().await["shown"], shown);
        let told = bench
            .tell(json!({"event": "failed", "label": "", "code": code, "last": last}))
            .await;
        assert_eq!(told["shown"], expected, "{shown} {code} {last}");
        if expected == "success" {
            assert_eq!(told["code"], "retried 429");
        }
    }
    let mut bench = Bench::new(&[("wsb.retry.attemptsShown", "success")]);
    bench.begin().await;
    let told = bench
        .failed("Non HTTP response code: java.net.ConnectException", "")
        .await;
    assert_eq!(told["code"], "retried -");
}

#[tokio::test(start_paused = true)]
async fn the_wait_counts_from_the_failure_and_not_from_the_end_of_the_attempt() {
    let mut bench = Bench::new(&[EXPONENTIAL, ("wsb.retry.counts", "any")]);
    bench.begin().await;
    let begun = Instant::now();
    bench.failed("429", "").await;
    advance(Duration::from_millis(600)).await;
    bench.over(true, "200").await;
    assert_eq!(begun.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_schedule_is_not_begun() {
    let mut bench = Bench::new(&[EXPONENTIAL]);
    bench.begin().await;
    let begun = Instant::now();
    let judged = bench
        .tell(json!({"event": "failed", "label": "", "code": "429", "last": true, "leftMs": 900}))
        .await;
    assert_eq!(
        (&judged["go"], &judged["stop"]),
        (&json!(false), &json!("schedule-end"))
    );
    let over = bench
        .tell(json!({"event": "over", "ok": false, "code": "429", "leftMs": 900}))
        .await;
    assert_eq!(over["endThread"], true);
    assert_eq!(over["variables"]["wsb.stop"], "schedule-end");
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_the_wait_and_the_run() {
    let mut bench = Bench::new(&[EXPONENTIAL]);
    bench.begin().await;
    bench.failed("429", "").await;
    bench.cancel.cancel();
    let begun = Instant::now();
    let over = bench.over(false, "429").await;
    assert_eq!(over["stop"], "cancelled");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn users_of_one_path_share_a_gate_and_a_refusal_holds_all() {
    let gates = Arc::default();
    let properties = [("wsb.shared.mode", "pace"), ("wsb.hint.jitter", "none")];
    let mut first = Bench::beside(&gates, "a", &properties);
    let mut second = Bench::beside(&gates, "b", &properties);
    first.begin().await;
    second.begin().await;
    assert_eq!(first.turn("http://h:80/calls?id=1").await["go"], true);
    first.failed("429", "Retry-After: 5").await;
    let over = first.over(false, "429").await;
    assert_eq!(over["go"], true, "the gate says when, so this wait is none");
    let waits = second.turn_of_part("calls?id=2", "ws://h/");
    assert!(timeout(Duration::from_secs(4), waits).await.is_err());
    assert_eq!(first.turn("http://h:80/calls?id=1").await["go"], true);
    let done = first.over(true, "200").await;
    assert_ne!(done["variables"]["wsb.rate"], "");
    assert_ne!(done["variables"]["wsb.waitedMs"], "0");
}

#[tokio::test(start_paused = true)]
async fn who_gets_no_turn_in_time_goes_without_one() {
    let gates = Arc::default();
    let properties = [("wsb.shared.mode", "pace"), ("wsb.retry.maxElapsed", "3s")];
    let mut first = Bench::beside(&gates, "a", &properties);
    first.begin().await;
    first.turn("login").await;
    first.failed("429", "Retry-After: 60").await;
    first.over(false, "429").await;
    let mut second = Bench::beside(&gates, "b", &properties);
    second.begin().await;
    let begun = Instant::now();
    let turn = second.turn("login").await;
    assert_eq!((turn["go"].clone(), begun.elapsed().as_secs()), (json!(true), 3));
    assert_eq!(turn["warning"], engine::codes::GATE_TIMEOUT.message);
    assert_eq!(second.fail("429").await["stop"], "max-elapsed");
}

#[test]
fn wrong_properties_are_refused_with_their_names() {
    for (key, value, more) in [
        ("wsb.retry.base", "soon", &[][..]),
        ("wsb.retry.counts", "most", &[]),
        ("wsb.retry.while", "yes", &[]),
        ("wsb.retry.attemptsShown", "hide", &[]),
        ("wsb.retry.failedAssertions", "maybe", &[]),
        ("wsb.retry.label", "", &[("wsb.retry.counts", "matching")]),
        ("wsb.retry.label", "(", &[("wsb.retry.counts", "matching")]),
        ("wsb.shared.mode", "queue", &[]),
        ("wsb.hint.sources", "tea leaves", &[]),
    ] {
        let mut properties = vec![(key, value)];
        properties.extend(more);
        let invalid = Retry::new(request("u", &properties)).err().unwrap();
        assert_eq!(invalid.key, key);
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_by_the_server_counts_by_its_code_and_its_reason_may_hint() {
    let closes = [
        ("wsb.retry.throttle", "closed.1013"),
        ("wsb.hint.bodyPattern", "in ([0-9]+) s"),
        ("wsb.hint.jitter", "none"),
        EXPONENTIAL,
    ];
    // Of a message, of a connect that did not stay, and of somebody else's sampler.
    let told = "the server closed with 1013; reason: again in 7 s";
    let story =
        format!("HTTP/1.1 101 OK\nX-Say: in 9 s\n\nattempt 1 at +0.000 s: closed.1013: {told} after 2 ms\n");
    for (headers, body) in [(told, ""), (story.as_str(), ""), ("", told)] {
        let mut bench = Bench::new(&closes);
        bench.begin().await;
        let begun = Instant::now();
        bench
            .tell(json!({
                "event": "failed", "label": "", "code": "closed.1013", "headers": headers, "body": body, "last": true
            }))
            .await;
        let over = bench.over(false, "closed.1013").await;
        assert_eq!(
            (&over["go"], begun.elapsed().as_secs()),
            (&json!(true), 7),
            "{headers}"
        );
        assert_eq!(over["variables"]["wsb.throttled"], "1");
    }
}
