//! The wall clock jumps in the middle of a run: hints that are dates stay right, as they are read against the answer's own date,
//! and so do all waits and times, which are taken from a clock that cannot jump.

use system::plan::{Group, Plan};
use system::serve::Serve;
use system::trace;

use crate::say;
use crate::support::{LIMIT, complaints, folder, jmeter_of, together, wait_for_stats};
use crate::world::World;

const USERS: u32 = 6;
const LOOPS: u32 = 4;
const WINDOW_MS: f64 = 2_000.0;
const HOUR: i64 = 3_600;

#[test]
fn hints_by_date_stay_right_when_the_clock_jumps() {
    let _turn = together();
    let folder = folder("clock");
    let limit = format!("fixed-window limit=3 window={WINDOW_MS}ms");
    let serve = Serve::start(&["--limit", &limit, "--retry-after", "date"]).unwrap();
    let policy = [
        ("wsb.url", serve.url("/")),
        ("wsb.retry.strategy", "fixed".to_owned()),
        ("wsb.retry.base", "10".to_owned()),
        ("wsb.hint.jitter", "none".to_owned()),
    ];
    let policy: Vec<(&str, &str)> = policy.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let users = Group::new("Users", USERS)
        .loops(LOOPS)
        .connect("Connect", &policy)
        .sampler("Close", "Close", &[]);
    let world = World::new(&folder);
    let trace_file = folder.join("trace.jsonl");
    let run = jmeter_of(&Plan::of(users), &folder).property("wsb.trace", &trace_file.display());
    let running = world.around(run).start().unwrap();
    let all = u64::from(USERS * LOOPS);
    for (accepted, seconds) in [(all / 3, HOUR), (2 * all / 3, -HOUR)] {
        wait_for_stats(&serve, LIMIT, |stats| stats.accepted >= accepted);
        world.step_clock(seconds);
    }
    let finished = running.finish(LIMIT).unwrap().succeeded().unwrap();
    assert_eq!(complaints(&finished), Vec::<String>::new());

    let samples = finished.samples().unwrap();
    assert_eq!(samples.len() as u64, 2 * all);
    for sample in &samples {
        assert!(sample.success, "{sample:?}");
        assert!(
            sample.wall_ms() < 1_000 * LIMIT.as_secs(),
            "it took no hour: {sample:?}"
        );
    }
    let mut traced = trace::read(&trace_file).unwrap();
    // The lines stand in the order of the connects' ends.
    let clock: Vec<u64> = traced.iter().map(|attempt| attempt.at / 1_000_000).collect();
    let jumps = |wanted: i64| {
        let between = |pair: &[u64]| pair[1].cast_signed() - pair[0].cast_signed();
        clock
            .windows(2)
            .filter(|pair| (between(pair) - wanted).abs() < HOUR / 2)
            .count()
    };
    assert!(
        jumps(HOUR) > 0 && jumps(-2 * HOUR) > 0,
        "no jump was seen: {clock:?}"
    );
    traced.retain(|attempt| attempt.status == Some(429));
    let mut longest = 0.0_f64;
    for refused in &traced {
        let hint = refused.hint.as_ref().expect("each refusal has one");
        let asked = hint.ms.unwrap_or_else(|| panic!("not understood: {refused:?}"));
        // A date is in whole seconds, so the server's is up to one late.
        assert!(asked > 0.0 && asked <= WINDOW_MS + 1_000.0, "{refused:?}");
        assert!(
            refused.waited_ms >= refused.wait_ms && refused.wait_ms >= Some(asked),
            "{refused:?}"
        );
        longest = longest.max(asked);
    }
    assert!(!traced.is_empty());
    say!(
        "{} refusals, hints by date of at most {longest} ms, with jumps of an hour ahead and two back",
        traced.len()
    );
}
