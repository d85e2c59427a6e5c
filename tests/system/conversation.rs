//! Users talk over an open connection: messages, pings, goodbyes, and what a sample shows when the talk fails.

use std::process::Command;
use std::time::{Duration, Instant};

use system::jmeter::Running;
use system::jtl::{self, Sample};
use system::jtl_xml::{self, Detailed};
use system::plan::{Group, Plan};
use system::repository;
use system::serve::Serve;

use crate::say;
use crate::support::{LIMIT, alone, complaints, folder, jmeter, jmeter_of, run, together, wait_for_stats};

const VARIABLES: &str =
    "wsb.messages,wsb.roundTripUs,wsb.closeCode,wsb.reconnects,wsb.rtt.minUs,wsb.rtt.p50Us,wsb.rtt.maxUs";
/// Begins the code of every failure that has no code of the protocol.
const FAILED: &str = "Non HTTP response code: ";
/// Longer than any of these tests waits: only the event that the test is about ends it.
const FOR_LONG: (&str, &str) = ("wsb.readTimeout", "60s");

/// The samples of an element, by its name.
fn called<'a>(samples: &'a [Sample], label: &str) -> Vec<&'a Sample> {
    samples.iter().filter(|sample| sample.label == label).collect()
}

/// The one sample of an element.
fn only<'a>(samples: &'a [Sample], label: &str) -> &'a Sample {
    let [sample] = called(samples, label)[..] else {
        panic!("one sample {label:?} is expected: {samples:?}")
    };
    sample
}

/// Waits until so many samples are in the result file of a run that writes each one at once.
pub fn wait_for_samples(running: &Running, folder: &std::path::Path, wanted: usize) {
    let deadline = Instant::now() + LIMIT;
    let file = folder.join("run/samples.jtl");
    loop {
        let rows = std::fs::read_to_string(&file).map_or(0, |text| text.matches('\n').count());
        if rows > wanted {
            return; // the first row is the head
        }
        assert!(
            Instant::now() < deadline && !running.ends_within(Duration::from_millis(20)),
            "{rows} rows, and {wanted} samples were expected"
        );
    }
}

/// Starts a plan, does something as soon as so many samples are written, and returns all samples.
fn interrupted(test: &str, plan: &Plan, wanted: usize, act: impl FnOnce()) -> Vec<Sample> {
    let folder = folder(test);
    let run = jmeter_of(plan, &folder)
        .property("jmeter.save.saveservice.autoflush", "true")
        .property("sample_variables", VARIABLES);
    let running = run.start().unwrap();
    wait_for_samples(&running, &folder, wanted);
    act();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    finished.samples().unwrap()
}

#[test]
fn every_sampler_of_the_conversation_succeeds_and_shows_what_came() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let run_it = jmeter(
        &repository::plan("conversation.jmx"),
        &folder("conversation_texts"),
    );
    let finished = run(&jtl_xml::recorded_by(run_it.property("url", &serve.url(""))));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let seen: Vec<(&str, &str, bool)> = samples
        .iter()
        .map(|each| {
            (
                each.sample.label.as_str(),
                each.sample.code.as_str(),
                each.sample.success,
            )
        })
        .collect();
    let expected = [
        ("Connect", "101", true),
        ("Ask and wait for the answer", "200", true),
        ("Send", "200", true),
        ("Receive", "200", true),
        ("Ping", "200", true),
        ("A hundred exchanges", "200", true),
        ("Close", "1000", true),
    ];
    assert_eq!(seen, expected);

    let response = |index: usize| samples[index].response.as_str();
    let order = "{\"user\": 1, \"order\": \"A-4711\"}";
    assert_eq!(response(1), order, "the variable went out and came back");
    assert_eq!(
        response(3),
        "A word of 1",
        "what was sent, not what was asked before"
    );
    assert!(
        response(5).starts_with("100 exchanges, round trip in microseconds: min "),
        "{}",
        response(5)
    );
    assert!(response(5).contains(order), "{}", response(5));
    for index in [1, 2, 3, 4, 5, 6] {
        let Detailed { request_headers, .. } = &samples[index];
        assert!(
            request_headers.starts_with("wsb.connection = main"),
            "{request_headers}"
        );
    }
    // Sizes are those of the wire: head, mask and payload.
    let (ask, send) = (&samples[1].sample, &samples[2].sample);
    assert_eq!(
        (ask.sent_bytes, ask.bytes),
        (2 + 4 + order.len() as u64, 2 + order.len() as u64)
    );
    assert_eq!((send.sent_bytes, send.bytes), (2 + 4 + 11, 0));
    let stats = serve.stats().unwrap();
    assert_eq!((stats.accepted, stats.open), (1, 0));
}

/// Has ten users go through the conversation twenty times; all of it succeeds.
fn conversations(test: &str) -> Vec<Sample> {
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let run_it = jmeter(&repository::plan("conversation.jmx"), &folder(test));
    let run_it = run_it.property("users", "10").property("loops", "20");
    let finished = run(&run_it
        .property("url", &serve.url(""))
        .property("sample_variables", VARIABLES));
    let samples = finished.samples().unwrap();
    assert_eq!(samples.len(), 10 * 20 * 7);
    let failed: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
    assert!(failed.is_empty(), "{failed:?}");
    samples
}

#[test]
fn the_figures_of_a_conversation_are_columns_of_the_result_file() {
    let _turn = together();
    let samples = conversations("conversation_figures");
    for ask in called(&samples, "Ask and wait for the answer") {
        assert_eq!(ask.variables["wsb.messages"], "1", "{ask:?}");
        assert_eq!(
            ask.variables["wsb.rtt.p50Us"], "",
            "one exchange has no spread: {ask:?}"
        );
        assert!(ask.number("wsb.roundTripUs") > 0.0, "{ask:?}");
        within_elapsed(ask.number("wsb.roundTripUs"), ask);
    }
    for receive in called(&samples, "Receive") {
        assert_eq!(receive.variables["wsb.messages"], "1", "{receive:?}");
    }
    for ping in called(&samples, "Ping") {
        assert!(ping.number("wsb.roundTripUs") > 0.0, "{ping:?}");
    }
    for hundred in called(&samples, "A hundred exchanges") {
        assert_eq!(hundred.variables["wsb.messages"], "100", "{hundred:?}");
        let [min, p50, max] =
            ["wsb.rtt.minUs", "wsb.rtt.p50Us", "wsb.rtt.maxUs"].map(|name| hundred.number(name));
        assert!(0.0 < min && min <= p50 && p50 <= max, "{hundred:?}");
        let mean = hundred.number("wsb.roundTripUs");
        assert!(min <= mean && mean <= max, "{hundred:?}");
        within_elapsed(mean * 100.0, hundred);
    }
    for close in called(&samples, "Close") {
        assert_eq!(
            (close.code.as_str(), close.variables["wsb.closeCode"].as_str()),
            ("1000", "1000"),
            "{close:?}"
        );
    }
}

/// A round trip is a part of its sample; JMeter's clock has whole milliseconds.
fn within_elapsed(micros: f64, sample: &Sample) {
    let elapsed = Duration::from_millis(sample.elapsed_ms + 1).as_secs_f64();
    assert!(micros / 1e6 <= elapsed, "{micros} us in {sample:?}");
}

#[test]
fn no_first_byte_is_later_than_the_end_of_its_sample() {
    let _turn = together();
    let samples = conversations("conversation_latency");
    let late: Vec<_> = samples
        .iter()
        .filter(|sample| sample.latency_ms > sample.elapsed_ms || sample.connect_ms > sample.elapsed_ms)
        .collect();
    assert!(
        late.is_empty(),
        "a first byte after the last one in {} of {} samples: {:?}",
        late.len(),
        samples.len(),
        late.first()
    );
}

#[test]
fn a_message_that_does_not_come_fails_unless_it_is_optional() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let soon = ("wsb.readTimeout", "300ms");
    let group = Group::new("G", 1)
        .connect("Connect", &[("wsb.url", &serve.url("/"))])
        .sampler("Receive", "needed", &[soon])
        .sampler("Receive", "optional", &[soon, ("wsb.optional", "true")])
        .sampler("Exchange", "after", &[("wsb.payload", "still open")]);
    let finished =
        run(&jmeter_of(&Plan::of(group), &folder("no_message")).property("sample_variables", VARIABLES));
    let samples = finished.samples().unwrap();
    let needed = only(&samples, "needed");
    assert!(!needed.success);
    assert_eq!(
        (needed.code.as_str(), needed.message.as_str()),
        ("Non HTTP response code: message.timeout", "No message in time")
    );
    let optional = only(&samples, "optional");
    assert!(optional.success);
    assert_eq!(
        (optional.code.as_str(), optional.message.as_str()),
        ("No message", "No message in time")
    );
    for sample in [needed, optional] {
        // JMeter's clock has whole milliseconds.
        assert!((299..1_000).contains(&sample.elapsed_ms), "{sample:?}");
        assert_eq!(
            sample.idle_ms, 0,
            "waiting for a message is what is measured: {sample:?}"
        );
        assert_eq!(sample.variables["wsb.messages"], "0", "{sample:?}");
    }
    let after = only(&samples, "after");
    assert!(after.success, "a time-out leaves the connection open: {after:?}");
}

#[test]
fn a_sampler_without_a_connection_fails_at_once_and_names_those_there_are() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let group = Group::new("G", 1)
        .sampler("Exchange", "before", &[("wsb.payload", "x"), FOR_LONG])
        .connect(
            "Connect",
            &[("wsb.url", &serve.url("/")), ("wsb.connection", "chat")],
        )
        .sampler("Exchange", "other", &[("wsb.payload", "x"), FOR_LONG])
        .sampler("Close", "Close", &[("wsb.connection", "chat")])
        .sampler("Receive", "closed", &[("wsb.connection", "chat"), FOR_LONG]);
    let run_it = jmeter_of(&Plan::of(group), &folder("no_connection"));
    let finished = run(&jtl_xml::recorded_by(run_it));
    let samples = jtl_xml::read(&finished.files.samples()).unwrap();
    let failed: Vec<(&str, &str)> = samples
        .iter()
        .filter(|each| !each.sample.success)
        .map(|each| {
            assert_eq!(each.sample.code, format!("{FAILED}connection.none"));
            assert_eq!(each.sample.message, "No such connection");
            assert!(each.sample.elapsed_ms < 1_000, "{each:?}");
            (each.sample.label.as_str(), each.response_headers.as_str())
        })
        .collect();
    let expected = [
        ("before", "This thread has no connection 'main'; it has: none"),
        ("other", "This thread has no connection 'main'; it has: chat"),
        ("closed", "This thread has no connection 'chat'; it has: none"),
    ];
    assert_eq!(failed, expected);
}

/// Holds two connections, speaks on both, and waits on the second with this sampler until the server ends; then speaks on the
/// first, which was unused when that happened, after a pause.
fn bereaved(
    name: &str,
    url: &str,
    (wait, waiting): (&str, &[(&str, &str)]),
    pause: &str,
    properties: &[(&str, &str)],
) -> Group {
    let named = |id| [&[("wsb.url", url), ("wsb.connection", id)], properties].concat();
    let speak = |id| [("wsb.payload", "x"), ("wsb.connection", id)];
    Group::new(name, 1)
        .connect("Connect", &named("unused"))
        .connect("Connect", &named("waiting"))
        .sampler("Exchange", &format!("{name}: before"), &speak("unused"))
        .sampler("Exchange", &format!("{name}: before"), &speak("waiting"))
        .sampler(
            wait,
            &format!("{name}: waiting"),
            &[&[("wsb.connection", "waiting"), FOR_LONG], waiting].concat(),
        )
        .pause(pause)
        .sampler("Exchange", &format!("{name}: unused"), &speak("unused"))
        .sampler("Exchange", &format!("{name}: again"), &speak("waiting"))
        .sampler(
            "Close",
            &format!("{name}: close"),
            &[("wsb.connection", "unused")],
        )
}

#[test]
fn a_server_that_ends_is_told_by_every_sampler_that_follows() {
    let _turn = together();
    let start = |options: &[&str]| Serve::start(&[&["--limit", "none"], options].concat()).unwrap();
    let killed = [start(&[]), start(&["--tls"])];
    let stopped = [start(&[]), start(&["--tls"])];
    let receives = ("Receive", &[][..]);
    let mut plan = Plan::default();
    for (end, [plain, tls]) in [("killed", &killed), ("stopped", &stopped)] {
        plan = plan.and(bereaved(
            &format!("{end} plain"),
            &plain.url("/"),
            receives,
            "0",
            &[],
        ));
        // The server signed its certificate itself.
        let unverified = [("wsb.tls.verify", "false")];
        plan = plan.and(bereaved(
            &format!("{end} TLS"),
            &tls.tls_url("/"),
            receives,
            "0",
            &unverified,
        ));
    }
    let samples = interrupted("server_ends", &plan, 16, || {
        drop(killed);
        for serve in stopped {
            serve.stop().unwrap();
        }
    });
    let before: Vec<_> = samples.iter().take(16).collect();
    assert!(before.iter().all(|sample| sample.success), "{before:?}");
    for over in ["plain", "TLS"] {
        for what in ["waiting", "unused", "again"] {
            let lost = only(&samples, &format!("killed {over}: {what}"));
            assert!(!lost.success && lost.elapsed_ms < 10_000, "{lost:?}");
            assert_eq!(lost.code, format!("{FAILED}connection.lost"), "{lost:?}");
            assert_eq!(lost.variables["wsb.closeCode"], "", "{lost:?}");

            let closed = only(&samples, &format!("stopped {over}: {what}"));
            assert!(!closed.success && closed.elapsed_ms < 10_000, "{closed:?}");
            assert_eq!(closed.code, "closed.1001", "{closed:?}");
            assert_eq!(closed.variables["wsb.closeCode"], "1001", "{closed:?}");
        }
    }
}

#[test]
fn a_lost_connection_is_made_again_when_it_is_next_used() {
    let _turn = together();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let address = serve.address().to_string();
    let reconnect = [
        ("wsb.reconnect", "on-next-use"),
        ("wsb.retry.base", "100"),
        ("wsb.retry.cap", "300"),
        ("wsb.retry.transientBase", "100"),
    ];
    // An unused connection's loss is noticed within 100 ms; what is sent sooner is sent to nobody, and never again.
    // The server sees that this one waits: one that began to wait after the end would do so on a new connection.
    let in_vain = [
        ("wsb.payload", "y"),
        ("wsb.match.mode", "equals"),
        ("wsb.match.value", "z"),
    ];
    let plan = Plan::of(bereaved(
        "G",
        &serve.url("/"),
        ("Exchange", &in_vain),
        "400",
        &reconnect,
    ));
    let mut second = None;
    let samples = interrupted("reconnects", &plan, 4, || {
        wait_for_stats(&serve, LIMIT, |stats| stats.echoed == 3);
        drop(serve);
        let mut again = Command::new(repository::program().unwrap());
        again.args(["serve", "--listen", &address, "--limit", "none"]);
        second = Some(Serve::launch(&mut again, None).unwrap());
    });
    let waiting = only(&samples, "G: waiting");
    assert_eq!(
        waiting.code,
        format!("{FAILED}connection.lost"),
        "nobody knows what it waited for: {waiting:?}"
    );
    for what in ["unused", "again"] {
        let sample = only(&samples, &format!("G: {what}"));
        assert!(sample.success, "{sample:?}");
        assert_eq!(sample.variables["wsb.reconnects"], "1", "{sample:?}");
        assert_eq!(sample.variables["wsb.messages"], "1", "{sample:?}");
        assert!(
            sample.idle_ms > 0 && sample.latency_ms < sample.idle_ms,
            "the wait to connect is idle time, not latency: {sample:?}"
        );
    }
    let close = only(&samples, "G: close");
    assert_eq!((close.success, close.code.as_str()), (true, "1000"), "{close:?}");
    assert_eq!(second.unwrap().stats().unwrap().accepted, 2);
}

#[test]
fn users_behind_a_shared_gate_get_in_nearly_as_fast_as_the_limit_lets_them() {
    const USERS: u32 = 60;
    /// Ten at once, then twenty a second.
    const BOUND: Duration = Duration::from_millis(2_500);
    let _turn = alone();
    let serve = Serve::start(&["--limit", "token-bucket rate=20 burst=10"]).unwrap();
    let url = serve.url("/");
    let group = Group::new("G", USERS).connect("Connect", &[("wsb.url", &url), ("wsb.shared.mode", "pace")]);
    let finished = run(&jmeter_of(&Plan::of(group), &folder("pace")).property(
        "sample_variables",
        "wsb.attempts,wsb.rate,wsb.gateQueue,wsb.waitedMs",
    ));
    let samples = finished.samples().unwrap();
    assert_eq!(samples.len(), USERS as usize);
    assert_eq!(jtl::users_connected(&samples), USERS as usize, "{samples:?}");
    for sample in &samples {
        assert!(
            sample.number("wsb.rate") > 0.0 && sample.number("wsb.gateQueue") >= 0.0,
            "{sample:?}"
        );
    }
    let stats = serve.stats().unwrap();
    let last = stats.last_connect().expect("somebody connected");
    let attempts = stats.attempts as f64 / f64::from(USERS);
    say!("pace: {attempts:.2} attempts a user, the last one in after {last:?}");
    assert!(attempts <= 1.25, "{attempts} attempts a user");
    assert!(last <= 2 * BOUND, "the last one in after {last:?}");
}
