use super::*;
use crate::controls::stage::Stage;
use serde_json::json;

#[derive(Default)]
struct World(Stage);

impl World {
    async fn step(&self, pace: &mut Pace, event: serde_json::Value) -> Reply {
        pace.step(serde_json::from_value(event).unwrap(), self.0.scene())
            .await
    }

    /// Takes turns; how long they took.
    async fn turns(&self, pace: &mut Pace, turns: u32) -> f64 {
        let begun = Instant::now();
        for _ in 0..turns {
            let reply = self
                .step(pace, json!({"event": "turn", "target": "http://h/a"}))
                .await;
            assert!(reply.go, "{reply:?}");
        }
        begun.elapsed().as_secs_f64()
    }
}

fn pace_of(name: &str, properties: &[(&str, &str)]) -> Result<Pace, Invalid> {
    let properties = properties
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    Pace::new(ControlRequest {
        element: Pace::ELEMENT.to_owned(),
        name: name.to_owned(),
        properties: properties.collect(),
        user: "users 1-1".to_owned(),
        ..ControlRequest::default()
    })
}

fn pace(properties: &[(&str, &str)]) -> Pace {
    pace_of("timer", properties).unwrap()
}

fn sampled(ok: bool, code: &str, headers: &str) -> serde_json::Value {
    json!({"event": "sampled", "ok": ok, "code": code, "headers": headers, "body": "again in 9 s"})
}

#[tokio::test(start_paused = true)]
async fn threads_of_one_timer_share_a_fixed_rate_and_so_do_timers_of_one_key() {
    let world = World::default();
    let fixed = [
        ("wsb.pace.mode", "fixed"),
        ("wsb.pace.rate", "10"),
        ("wsb.pace.burst", "5"),
    ];
    let (mut first, mut second) = (pace(&fixed), pace(&fixed));
    let took = world.turns(&mut first, 15).await + world.turns(&mut second, 10).await;
    assert!((1.95..2.05).contains(&took), "5 at once, and 20 at 10/s: {took}");
    let mut other = pace_of("another", &fixed).unwrap();
    assert!(world.turns(&mut other, 5).await < 0.02);
    let keyed = [&fixed[..], &[("wsb.shared.key", "ours")]].concat();
    let (mut one, mut two) = (pace_of("one", &keyed).unwrap(), pace_of("two", &keyed).unwrap());
    let took = world.turns(&mut one, 10).await + world.turns(&mut two, 10).await;
    assert!((1.45..1.55).contains(&took), "5 at once, and 15 at 10/s: {took}");
    let reply = world.step(&mut first, json!({"event": "turn"})).await;
    assert_eq!(reply.variables["wsb.rate"], "10.000");
    assert!(!reply.listens, "what comes of samples changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_gate_is_the_timers_or_the_targets() {
    let world = World::default();
    let of = |scope| {
        pace(&[
            ("wsb.pace.mode", "fixed"),
            ("wsb.pace.rate", "1"),
            ("wsb.pace.scope", scope),
        ])
    };
    for (scope, seconds) in [("timer", 3.0), ("target", 1.0)] {
        world.0.gates.clear();
        let mut timer = of(scope);
        let begun = Instant::now();
        for target in ["http://h/a?x=1", "http://h/b", "a label", "http://h:80/a?x=2"] {
            assert!(
                world
                    .step(&mut timer, json!({"event": "turn", "target": target}))
                    .await
                    .go
            );
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((took - seconds).abs() < 0.05, "{scope}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_gate_of_a_target_is_the_one_that_connects_and_retry_controllers_use_for_it() {
    let world = World::default();
    let settings = PacerSettings::of(PacerMode::Pace);
    let theirs = world.0.gates.get("h:80/a users", settings).unwrap();
    let mut timer = pace(&[("wsb.pace.scope", "target"), ("wsb.shared.key", "users")]);
    let turn = json!({"event": "turn", "target": "http://h/a?x=1"});
    world.step(&mut timer, turn).await;
    world.step(&mut timer, sampled(false, "429", "")).await;
    assert_eq!(theirs.figures().rate, Some(25.0));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_a_part_of_another_one_has_the_gate_of_the_whole() {
    let world = World::default();
    let theirs = world
        .0
        .gates
        .get("h:80/api/a ", PacerSettings::of(PacerMode::Pace))
        .unwrap();
    for (target, base) in [
        ("a?x=1", "ws://h/api/"),
        ("", "ws://h/api/a"),
        ("/api/a", "http://h:80"),
    ] {
        let mut timer = pace(&[("wsb.pace.scope", "target")]);
        let turn = json!({"event": "turn", "target": target, "base": base});
        world.step(&mut timer, turn).await;
        let before = theirs.figures().rate;
        world.step(&mut timer, sampled(true, "101", "")).await;
        assert!(theirs.figures().rate > before, "{target} {base}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_cut_the_rate_and_their_hints_hold_everybody() {
    let cases = [
        (sampled(false, "429", "retry-AFTER: 4"), 4.0),
        (sampled(false, "503", "Retry-After: 2"), 2.0),
        (sampled(true, "429", "Retry-After: 4"), 4.0),
        (sampled(false, "429", "Retry-After: 100000"), 0.0),
        (sampled(false, "429", ""), 9.0),
    ];
    for (event, held) in cases {
        let world = World::default();
        let by_body = [("wsb.hint.bodyPattern", "in ([0-9]+) s"), ("wsb.retry.seed", "1")];
        let (mut first, mut second) = (pace(&by_body), pace(&by_body));
        let reply = world.step(&mut first, json!({"event": "turn"})).await;
        assert!(reply.listens && reply.wants_body);
        assert_eq!(reply.variables["wsb.rate"], "50.000");
        world.step(&mut first, event.clone()).await;
        let begun = Instant::now();
        let reply = world.step(&mut second, json!({"event": "turn"})).await;
        let waited = begun.elapsed().as_secs_f64();
        assert!((held..held + 0.2).contains(&waited), "{event}: {waited}");
        assert_eq!(reply.variables["wsb.rate"], "25.000", "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn successes_raise_the_rate_no_answer_cuts_it_and_a_failure_of_ones_own_does_not_count() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    for (event, against_before) in [
        (sampled(true, "200", ""), Greater),
        (sampled(false, "404", "Retry-After: 9"), Equal),
        (sampled(false, "500", ""), Equal),
        (
            sampled(false, "Non HTTP response code: java.net.ConnectException", ""),
            Less,
        ),
    ] {
        let world = World::default();
        let mut timer = pace(&[]);
        world.turns(&mut timer, 1).await;
        world.step(&mut timer, event.clone()).await;
        let reply = world.step(&mut timer, json!({"event": "turn"})).await;
        let rate: f64 = reply.variables["wsb.rate"].parse().unwrap();
        assert_eq!(rate.total_cmp(&50.0), against_before, "{event}: {rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_schedule_and_by_a_cancel_and_leaves_the_queue() {
    for mode in ["fixed", "pace"] {
        let world = World::default();
        let slow = [
            ("wsb.pace.mode", mode),
            ("wsb.pace.rate", "0.01"),
            ("wsb.shared.rate", "0.5"),
        ];
        let (mut first, mut second) = (pace(&slow), pace(&slow));
        world.turns(&mut first, 1).await;
        let begun = Instant::now();
        let reply = world
            .step(&mut second, json!({"event": "turn", "leftMs": 500}))
            .await;
        assert!(!reply.go && reply.end_thread, "{mode}: {reply:?}");
        assert!(begun.elapsed() < Duration::from_millis(510));
        world.0.cancel.cancel();
        let reply = world.step(&mut second, json!({"event": "turn"})).await;
        assert_eq!(
            (reply.go, reply.end_thread, &*reply.stop),
            (false, false, "cancelled")
        );
        assert_eq!(reply.variables["wsb.gateQueue"], "0", "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_settings_for_one_gate_are_refused_with_the_name_of_the_gate() {
    for (mode, key) in [("fixed", "wsb.pace.rate"), ("pace", "wsb.shared.rate")] {
        let world = World::default();
        let rated = |rate| pace(&[("wsb.pace.mode", mode), (key, rate)]);
        world.turns(&mut rated("10"), 1).await;
        let reply = world.step(&mut rated("20"), json!({"event": "turn"})).await;
        let failure = serde_json::to_value(&reply).unwrap()["failure"].to_string();
        assert!(!reply.go && failure.contains("the timer"), "{failure}");
        // What differs, what is there, and what to do.
        for said in [key, "10", "wsb.shared.key"] {
            assert!(failure.contains(said), "{failure}");
        }
    }
}

#[test]
fn wrong_properties_are_named() {
    for (key, value) in [
        ("wsb.pace.mode", "slow"),
        ("wsb.pace.rate", "0"),
        ("wsb.pace.rate", "1e9"),
        ("wsb.pace.rate", "NaN"),
        ("wsb.pace.burst", "0"),
        ("wsb.pace.burst", "10000000"),
        ("wsb.pace.scope", "world"),
    ] {
        let wrong = pace_of("timer", &[("wsb.pace.mode", "fixed"), (key, value)]);
        assert_eq!(wrong.err().unwrap().key, key, "{value}");
    }
}
