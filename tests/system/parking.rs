//! Waits of virtual users in a real JMeter on a Java that has virtual threads: no element keeps a processor while it waits, so that as
//! many users wait at once as there are, and all is as on platform threads.

use std::path::Path;
use std::time::Duration;

use system::jmeter::{Finished, Home, Jmeter};
use system::jtl::Sample;
use system::plan::{Group, Plan};
use system::repository;
use system::serve::{Serve, Stats};

use crate::stopping::{ends_after_stop, room_for_stop};
use crate::support::{LIMIT, alone, folder, jmeter_of, together, wait_for_stats};
use crate::{say, skip};

fn on(java: &Path, plan: &Plan, name: &str) -> Jmeter {
    jmeter_of(plan, &folder(name)).java(java)
}

fn run(java: &Path, plan: &Plan, name: &str) -> Vec<Sample> {
    let finished: Finished = on(java, plan, name).run(LIMIT).unwrap().succeeded().unwrap();
    finished.samples().unwrap()
}

/// From the first sample's begin to the last one's end.
fn span_ms(samples: &[&Sample]) -> u64 {
    let begin = samples.iter().map(|sample| sample.started_ms).min().unwrap();
    samples.iter().map(|sample| sample.ended_ms()).max().unwrap() - begin
}

#[test]
fn as_many_virtual_users_wait_at_once_as_there_are() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let serve = Serve::start(&[]).unwrap();
    let waits = [("wsb.readTimeout", "3s"), ("wsb.optional", "true")];
    let group = Group::new("V", 300)
        .virtual_users()
        .connect("Connect", &[("wsb.url", &serve.url("/"))])
        .sampler("Receive", "Receive", &waits)
        .sampler("Close", "Close", &[]);
    let samples = run(java, &Plan::of(group), "parking_waits");
    assert!(samples.iter().all(|sample| sample.success), "{samples:?}");
    let waited: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.label == "Receive")
        .collect();
    assert_eq!(waited.len(), 300);
    // One behind another on as many processors as tests have, they would take minutes.
    let span = span_ms(&waited);
    assert!((3_000..30_000).contains(&span), "{span} ms");
    // What a user waited for a processor is not in his elapsed time.
    let elapsed: Vec<u64> = waited.iter().map(|sample| sample.elapsed_ms).collect();
    assert!(
        elapsed.iter().all(|ms| (2_990..4_500).contains(ms)),
        "{elapsed:?}"
    );
}

/// Seeded users who are refused and back off; what the server saw, and how long it took until all were in.
fn backs_off(java: &Path, name: &str, of: impl Fn(Group) -> Group, shared: &str) -> (Stats, u64) {
    let serve = Serve::start(&["--limit", "fixed-window limit=80 window=4s"]).unwrap();
    let group = of(Group::new("G", 200)).connect(
        "Connect",
        &[
            ("wsb.url", &serve.url("/")),
            ("wsb.retry.seed", "7"),
            ("wsb.shared.mode", shared),
        ],
    );
    let samples = run(java, &Plan::of(group), &format!("parking_{name}_{shared}"));
    assert_eq!(samples.len(), 200);
    assert!(samples.iter().all(|sample| sample.success), "{samples:?}");
    let all: Vec<&Sample> = samples.iter().collect();
    (serve.stats().unwrap(), span_ms(&all))
}

#[test]
fn virtual_users_in_backoff_do_as_those_on_platform_threads() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = alone();
    for shared in ["off", "pace"] {
        let (theirs, span) = backs_off(java, "platform", |group| group, shared);
        let (ours, own_span) = backs_off(java, "virtual", Group::virtual_users, shared);
        say!(
            "{shared}: {} attempts in {span} ms on platform threads, {} in {own_span} ms on virtual ones",
            theirs.attempts,
            ours.attempts
        );
        // The third window is the last: nobody is quicker, and nobody has to wait for a fourth.
        for span in [span, own_span] {
            assert!((8_000..16_000).contains(&span), "{shared}: {span} ms");
        }
        let (more, less) = (
            theirs.attempts.max(ours.attempts),
            theirs.attempts.min(ours.attempts),
        );
        assert!(
            more * 10 <= less * 12,
            "{shared}: {} and {}",
            theirs.attempts,
            ours.attempts
        );
    }
}

#[test]
fn stop_reaches_a_thousand_virtual_users_that_wait() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = alone();
    const USERS: u32 = 1_000;
    let serve = Serve::start(&[]).unwrap();
    let group = Group::new("V", USERS)
        .virtual_users()
        .ramp_up(2)
        .connect("Connect", &[("wsb.url", &serve.url("/"))])
        .sampler("Receive", "Receive", &[("wsb.readTimeout", "1h")]);
    let running = on(java, &Plan::of(group), "parking_stop").start().unwrap();
    wait_for_stats(&serve, LIMIT, |stats| stats.open == u64::from(USERS));
    std::thread::sleep(Duration::from_secs(1)); // from the connect to the wait
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    let text = finished.ended.text();
    assert!(!text.contains("did not stop"), "{text}");
    let samples = finished.samples().unwrap();
    let cut: Vec<&Sample> = samples.iter().filter(|sample| !sample.success).collect();
    assert_eq!(cut.len(), USERS as usize);
    for sample in cut {
        assert_eq!(sample.code, "Non HTTP response code: cancelled", "{sample:?}");
    }
    let last = *ends_after_stop(&finished).last().unwrap();
    let room = if last <= 1_000 {
        1_000
    } else {
        room_for_stop(last, USERS)
    };
    say!("the last of {USERS} virtual users ended {last} ms after the Stop");
    assert!(last <= room, "{last} ms, not {room}");
}

#[test]
fn a_killed_server_and_one_that_never_answers_end_waits_of_virtual_users() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    let silent = Serve::start(&["--limit", "none", "--fault", "silent"]).unwrap();
    let serve = Serve::start(&[]).unwrap();
    let times = [("wsb.connectTimeout", "2s"), ("wsb.retry.strategy", "none")];
    let silent_url = silent.url("/");
    let plan = Plan::of(
        Group::new("S", 40)
            .virtual_users()
            .connect("Never", &[&times[..], &[("wsb.url", &silent_url)]].concat()),
    )
    .and(
        Group::new("K", 40)
            .virtual_users()
            .connect("Connect", &[("wsb.url", &serve.url("/"))])
            .sampler("Receive", "Receive", &[("wsb.readTimeout", "1h")]),
    );
    let running = on(java, &plan, "parking_killed").start().unwrap();
    wait_for_stats(&serve, LIMIT, |stats| stats.open == 40);
    std::thread::sleep(Duration::from_secs(1)); // from the connect to the wait
    drop(serve);
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    let samples = finished.samples().unwrap();
    for label in ["Never", "Receive"] {
        let own: Vec<&Sample> = samples.iter().filter(|sample| sample.label == label).collect();
        assert_eq!(own.len(), 40, "{label}: {samples:?}");
        assert!(own.iter().all(|sample| !sample.success), "{label}: {own:?}");
    }
}

#[test]
fn the_schedule_of_virtual_users_ends_waits_as_on_platform_threads() {
    let Some(java) = repository::java_25() else {
        skip!("there is no Java 25 on this machine")
    };
    let _turn = together();
    assert!(Home::assembled().is_ok());
    let serve = Serve::start(&["--limit", "fixed-window limit=5 window=10m"]).unwrap();
    let group = Group::new("V", 40)
        .virtual_users()
        .lasting(4)
        .connect("Connect", &[("wsb.url", &serve.url("/"))]);
    let samples = run(java, &Plan::of(group), "parking_schedule");
    let all: Vec<&Sample> = samples.iter().collect();
    let span = span_ms(&all);
    assert!(span < 15_000, "the schedule is 4 s: {span} ms");
    assert!(samples.iter().any(|sample| !sample.success));
}
