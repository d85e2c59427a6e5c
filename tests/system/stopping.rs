//! Stop, Shutdown and the end of the JVM, with waits and connections that are still open.

use std::thread::sleep;
use std::time::{Duration, Instant};

use system::jmeter::{Finished, Home, Jmeter, Running};
use system::plan::{Group, Plan};
use system::serve::Serve;

use crate::say;
use crate::support::{LIMIT, alone, complaints, folder, jmeter_of, log_millis, since_1970, wait_for_stats};

/// How fast a thread must be free again, unless JMeter itself cannot free its own as fast ([`room_for_stop`]).
pub const STOP_MS: u64 = 200;
/// How fast the JVM must be gone when its work is done.
const EXIT: Duration = Duration::from_secs(2);

fn now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap()
}

/// When the threads of a run ended after its Stop, in milliseconds by JMeter's own log, the first one first.
pub fn ends_after_stop(finished: &Finished) -> Vec<u64> {
    let log = finished.log().unwrap();
    let told = log.lines().find(|line| line.contains("StopTestNow")).unwrap();
    let told = log_millis(told).unwrap();
    let ends = log.lines().filter(|line| line.contains("Thread finished"));
    let mut ends: Vec<u64> = ends
        .filter_map(|line| Some(u64::try_from(log_millis(line)? - told).unwrap_or(0)))
        .collect();
    ends.sort_unstable();
    ends
}

/// What a thread that was free `late` milliseconds after the Stop may have taken: where that is more than a machine with a core to
/// spare needs, as many users of JMeter's own pause are stopped on this one.
pub fn room_for_stop(late: u64, users: u32) -> u64 {
    if late <= STOP_MS {
        return STOP_MS;
    }
    let paused = Plan::of(Group::new("paused", users).pause("600000"));
    let folder = folder("stop_yardstick");
    let running = jmeter_of(&paused, &folder).start().unwrap();
    let deadline = Instant::now() + LIMIT;
    let started = || {
        let log = std::fs::read_to_string(folder.join("run/jmeter.log")).unwrap_or_default();
        log.matches("Thread started").count()
    };
    while started() < users as usize {
        assert!(Instant::now() < deadline, "{} of {users} threads", started());
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_millis(500)); // from the start to the pause
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    let own = *ends_after_stop(&finished).last().expect("threads ended");
    say!("free {late} ms after the Stop; {users} users in JMeter's own pause {own} ms");
    STOP_MS.max(3 * own)
}

/// Stops a run in which `busy` users are inside a sample, and checks what each of their samples says.
pub fn stop_and_check(running: Running, busy: usize) {
    let told = now_ms();
    running.stop_now().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());
    let samples = finished.samples().unwrap();
    let cancelled: Vec<_> = samples.iter().filter(|sample| !sample.success).collect();
    assert_eq!(cancelled.len(), busy, "one sample for each: {samples:?}");
    for sample in &cancelled {
        assert_eq!(sample.code, "Non HTTP response code: cancelled", "{sample:?}");
    }
    let late = cancelled
        .iter()
        .map(|sample| sample.ended_ms().saturating_sub(told));
    let last = late.max().unwrap();
    let room = room_for_stop(last, u32::try_from(busy).unwrap());
    assert!(
        last <= room,
        "ended {last} ms after Stop, not {room}: {cancelled:?}"
    );
    let text = finished.ended.text();
    assert!(!text.contains("did not stop"), "{text}");
}

#[test]
fn stop_ends_a_wait_of_a_minute_at_once() {
    let _turn = alone();
    let serve = Serve::start(&["--limit", "fixed-window limit=1 window=60s"]).unwrap();
    let group = Group::new("G", 6)
        .connect("Connect", &[("wsb.url", &serve.url("/"))])
        .pause("600000");
    let running = jmeter_of(&Plan::of(group), &folder("stop_wait")).start().unwrap();
    wait_for_stats(&serve, LIMIT, |stats| stats.refused == 5);
    stop_and_check(running, 5);
    wait_for_stats(&serve, EXIT, |stats| stats.open == 0);
    assert_eq!(serve.stats().unwrap().attempts, 6);
}

#[test]
fn stop_ends_a_handshake_that_nobody_answers() {
    let _turn = alone();
    let serve = Serve::start(&["--limit", "none", "--fault", "silent"]).unwrap();
    let group = Group::new("G", 5).connect("Connect", &[("wsb.url", &serve.url("/"))]);
    let running = jmeter_of(&Plan::of(group), &folder("stop_handshake"))
        .start()
        .unwrap();
    wait_for_stats(&serve, LIMIT, |stats| stats.attempts == 5);
    stop_and_check(running, 5);
}

#[test]
fn shutdown_lets_a_wait_run_out_and_starts_no_other() {
    let _turn = alone();
    let serve = Serve::start(&["--limit", "fixed-window limit=2 window=3s"]).unwrap();
    let group = Group::new("G", 4)
        .loops(1_000)
        .connect("Connect", &[("wsb.url", &serve.url("/"))]);
    let running = jmeter_of(&Plan::of(group), &folder("shutdown")).start().unwrap();
    // All four wait: each found the window's two places taken, two of them after a connect or two of their own.
    wait_for_stats(&serve, LIMIT, |stats| stats.refused >= 4);
    let told = now_ms();
    running.shut_down().unwrap();
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    let samples = finished.samples().unwrap();
    assert!(
        samples.iter().all(|sample| sample.success),
        "nobody is cut off: {samples:?}"
    );
    let last: Vec<_> = samples.iter().filter(|sample| sample.ended_ms() > told).collect();
    assert_eq!(
        last.len(),
        4,
        "the connects that were under way, and no other: {samples:?}"
    );
    assert!(
        last.iter().all(|sample| sample.started_ms < told + STOP_MS),
        "{last:?}"
    );
}

/// How long JMeter's JVM takes from the end of the run to its own end, when 50 users are stopped in a pause.
fn exit_time(test: &str, plan: &Plan, connected: Option<&Serve>) -> Duration {
    // Without the JNI checks, which take their own time.
    let folder = folder(test);
    let plan = plan.write(&folder.join("plan.jmx")).unwrap();
    let running = Jmeter::new(&Home::assembled().unwrap(), &plan, &folder.join("run"))
        .start()
        .unwrap();
    if let Some(serve) = connected {
        wait_for_stats(serve, LIMIT, |stats| stats.open == 50);
    }
    running.stop_now().unwrap();
    running.wait_for_end_of_run(LIMIT).unwrap();
    let finished = running
        .finish(2 * EXIT)
        .expect("the JVM exits by itself")
        .succeeded()
        .unwrap();
    finished.exit_time().expect("the run ended")
}

#[test]
fn the_jvm_exits_by_itself_after_a_run_with_open_connections() {
    let _turn = alone();
    let serve = Serve::start(&["--limit", "none"]).unwrap();
    let users = Group::new("G", 50);
    // JMeter alone takes more than a second, most of it asleep.
    let alone = exit_time("exit_without_us", &Plan::of(users.clone().pause("600000")), None);
    let open = users
        .connect("Connect", &[("wsb.url", &serve.url("/"))])
        .pause("600000");
    let ours = exit_time("exit_with_open_connections", &Plan::of(open), Some(&serve));
    say!("the JVM is gone {ours:?} after the run, {alone:?} without our element");
    assert!(
        ours < EXIT.max(alone + EXIT / 4),
        "{ours:?}, {alone:?} without our element"
    );
    wait_for_stats(&serve, EXIT, |stats| stats.open == 0);
}
