use super::*;
use crate::controls::stage::Stage;
use serde_json::json;
use tokio::time::advance;

#[derive(Default)]
struct World(Stage);

impl World {
    async fn step(&self, once: &mut Once, event: serde_json::Value) -> Reply {
        once.step(serde_json::from_value(event).unwrap(), self.0.scene())
            .await
    }

    async fn enters(&self, once: &mut Once) -> Reply {
        self.step(once, json!({"event": "enter"})).await
    }
}

const TOKEN: &[(&str, &str)] = &[("wsb.once.variables", "token"), ("wsb.retry.seed", "1")];

fn once_with(properties: &[(&str, &str)]) -> Result<Once, Invalid> {
    once_of("", properties)
}

fn once_of(identity: &str, properties: &[(&str, &str)]) -> Result<Once, Invalid> {
    let properties = properties
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    Once::new(ControlRequest {
        element: Once::ELEMENT.to_owned(),
        name: "log in".to_owned(),
        identity: identity.to_owned(),
        properties: properties.collect(),
        user: "users 1-1".to_owned(),
        ..ControlRequest::default()
    })
}

fn once() -> Once {
    once_with(TOKEN).unwrap()
}

fn sample(ok: bool, code: &str) -> serde_json::Value {
    json!({"ok": ok, "code": code, "headers": "HTTP/1.1 x\nRetry-After: 3\n", "ageMs": 0})
}

fn got(reply: &Reply) -> (&str, &str) {
    (
        &reply.variables["wsb.once.result"],
        &reply.variables["wsb.once.stop"],
    )
}

#[tokio::test(start_paused = true)]
async fn the_first_runs_its_children_and_all_others_get_the_variables() {
    let world = World::default();
    let (mut first, mut second) = (once(), once());
    let order = world.enters(&mut first).await;
    assert!(order.run && !order.wants_body);
    assert_eq!(order.wants, ["token"]);
    let done = json!({"event": "done", "variables": {"token": "t1"}, "sample": sample(true, "200")});
    let (reply, other) = tokio::join!(world.step(&mut first, done), world.enters(&mut second));
    assert_eq!(got(&reply), ("fetched", ""));
    assert!(!reply.run && !other.run);
    assert_eq!(got(&other), ("kept", ""));
    assert_eq!(other.variables["token"], "t1");
    assert_eq!(other.variables["wsb.once.waitedMs"], "0");
    advance(Duration::from_secs(100_000)).await;
    assert_eq!(
        got(&world.enters(&mut second).await),
        ("kept", ""),
        "without a ttl it is good for the test"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_bound_at_the_schedules_end_and_by_a_cancel() {
    let bounded = [TOKEN, &[("wsb.once.timeout", "2s"), ("wsb.once.lease", "60s")]].concat();
    for (left, stop, waited) in [
        (None, "timeout", 2_000),
        (Some(700), "schedule-end", 700),
        (Some(5_000), "timeout", 2_000),
    ] {
        let world = World::default();
        assert!(
            world.enters(&mut once()).await.variables.is_empty(),
            "this one hangs"
        );
        let mut hangs = once();
        let mut waits = once_with(&bounded).unwrap();
        world.0.flights.clear();
        world.enters(&mut hangs).await;
        let reply = world
            .step(&mut waits, json!({"event": "enter", "leftMs": left}))
            .await;
        assert_eq!(got(&reply), ("none", stop));
        let shown: u64 = reply.variables["wsb.once.waitedMs"].parse().unwrap();
        assert!((waited..waited + 10).contains(&shown), "{shown}");
        assert_eq!(reply.end_thread, stop == "schedule-end");
        world.0.cancel.cancel();
        assert_eq!(got(&world.enters(&mut waits).await), ("none", "cancelled"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_comes_from_the_variable_or_from_the_ttl_and_ends_early() {
    for (expires_in, seconds, warns) in [
        ("10", 10, false),
        ("1.5", 1, false),
        ("soon", 100, true),
        ("-1", 100, true),
    ] {
        let world = World::default();
        let properties = [TOKEN, &[("wsb.once.expiresIn", "left"), ("wsb.once.ttl", "100s")]].concat();
        let mut once = once_with(&properties).unwrap();
        assert_eq!(world.enters(&mut once).await.wants, ["token", "left"]);
        let variables = json!({"token": "t", "left": expires_in});
        let reply = world
            .step(&mut once, json!({"event": "done", "variables": variables}))
            .await;
        assert_eq!(reply.warning.is_some(), warns, "{expires_in}");
        assert!(!reply.variables.contains_key("left"), "it is not asked for");
        let lifetime = if seconds == 1 { 1_500 } else { seconds * 1_000 };
        advance(Duration::from_millis(lifetime * 84 / 100)).await;
        assert_eq!(got(&world.enters(&mut once).await).0, "kept", "{expires_in}");
        advance(Duration::from_millis(lifetime * 12 / 100)).await;
        assert!(
            world.enters(&mut once).await.run,
            "{expires_in}: it is due 5 to 15 % before its end"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_counts_from_the_begin_of_the_sample_that_brought_it() {
    let world = World::default();
    let properties = [TOKEN, &[("wsb.once.ttl", "10s"), ("wsb.once.early", "0")]].concat();
    let mut once = once_with(&properties).unwrap();
    world.enters(&mut once).await;
    advance(Duration::from_secs(5)).await;
    let sample = json!({"ok": true, "code": "200", "ageMs": 4_000});
    world
        .step(
            &mut once,
            json!({"event": "done", "variables": {"token": "t"}, "sample": sample}),
        )
        .await;
    advance(Duration::from_millis(5_900)).await;
    assert!(!world.enters(&mut once).await.run);
    advance(Duration::from_millis(200)).await;
    assert!(world.enters(&mut once).await.run);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_fetch_waits_for_the_hint_and_then_the_next_one_fetches() {
    let world = World::default();
    let (mut first, mut second) = (once(), once());
    world.enters(&mut first).await;
    let begun = Instant::now();
    let failed = json!({"event": "done", "variables": {}, "sample": sample(false, "429")});
    let second_done = async {
        let order = world.enters(&mut second).await;
        assert!(order.run);
        assert!(begun.elapsed() >= Duration::from_secs(3), "the server's hint");
        world
            .step(
                &mut second,
                json!({"event": "done", "variables": {"token": "t2"}}),
            )
            .await
    };
    // Who came first and failed stands at the end of the queue: the second is there already.
    let (second_done, first_done) = tokio::join!(second_done, world.step(&mut first, failed));
    assert_eq!(got(&second_done), ("fetched", ""));
    assert_eq!(got(&first_done), ("kept", ""));
    assert_eq!(first_done.variables["token"], "t2");
}

#[tokio::test(start_paused = true)]
async fn what_another_try_cannot_heal_ends_all_waits_at_once() {
    let cases = [
        (
            json!({"event": "done", "variables": {"token": "t"}, "sample": sample(false, "401")}),
            false,
        ),
        (
            json!({"event": "done", "variables": {}, "sample": sample(true, "200")}),
            true,
        ),
        (json!({"event": "done", "variables": {}}), true),
    ];
    for (done, warns) in cases {
        let world = World::default();
        let (mut first, mut second) = (once(), once());
        world.enters(&mut first).await;
        let begun = Instant::now();
        let (waits, reply) = tokio::join!(world.enters(&mut second), world.step(&mut first, done));
        for reply in [&reply, &waits] {
            assert_eq!((reply.run, got(reply)), (false, ("none", "fatal")));
        }
        assert_eq!(reply.warning.is_some(), warns);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_leaves_the_old_values_while_they_can_be_used() {
    for code in ["401", "503"] {
        let world = World::default();
        let properties = [TOKEN, &[("wsb.once.ttl", "100s"), ("wsb.once.early", "50")]].concat();
        let mut once = once_with(&properties).unwrap();
        world.enters(&mut once).await;
        let done = json!({"event": "done", "variables": {"token": "old"}});
        world.step(&mut once, done).await;
        advance(Duration::from_secs(60)).await;
        assert!(world.enters(&mut once).await.run);
        let failed = json!({"event": "done", "variables": {"token": "none"}, "sample": sample(false, code)});
        let reply = world.step(&mut once, failed).await;
        assert_eq!(got(&reply), ("kept", ""), "{code}");
        assert_eq!(reply.variables["token"], "old");
        assert_eq!(reply.warning.is_some(), code == "401");
        advance(Duration::from_secs(41)).await;
        assert!(world.enters(&mut once).await.run, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_an_assertion_failed_is_fetched_again() {
    let world = World::default();
    let mut once = once();
    world.enters(&mut once).await;
    let done = json!({"event": "done", "variables": {"token": ""}, "sample": sample(false, "200")});
    assert!(world.step(&mut once, done).await.run);
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_goes_away_hands_its_duty_on() {
    let world = World::default();
    for leaves in [
        Some(json!({"event": "leave"})),
        Some(json!({"event": "leave", "sample": sample(true, "200")})),
        None,
    ] {
        let (mut first, mut second) = (once(), once());
        assert!(world.enters(&mut first).await.run);
        let begun = Instant::now();
        if let Some(leaves) = leaves {
            world.step(&mut first, leaves).await;
        }
        drop(first);
        assert!(world.enters(&mut second).await.run);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let late = json!({"event": "leave"});
        world.step(&mut second, late).await;
        let done = json!({"event": "done", "variables": {"token": "t"}});
        assert_eq!(
            world.step(&mut second, done).await,
            Reply::default(),
            "it has no duty any more"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn children_that_a_failure_broke_off_are_run_again_under_the_policy() {
    let world = World::default();
    let (mut first, mut second) = (once(), once());
    world.enters(&mut first).await;
    let begun = Instant::now();
    let leaves = json!({"event": "leave", "sample": sample(false, "503")});
    world.step(&mut first, leaves).await;
    assert!(world.enters(&mut second).await.run);
    assert!(begun.elapsed() >= Duration::from_secs(3), "the server's hint");
}

#[test]
fn keys_keep_values_apart_and_the_elements_name_is_the_default() {
    assert_eq!(once().spec.key, "log in");
    assert_eq!(once_of("#2", TOKEN).unwrap().spec.key, "log in #2");
    assert_eq!(
        once_with(&[("wsb.once.key", " tenant 1 ")]).unwrap().spec.key,
        "tenant 1"
    );
}

#[test]
fn wrong_properties_are_named() {
    for (key, value) in [
        ("wsb.once.ttl", "0"),
        ("wsb.once.ttl", "soon"),
        ("wsb.once.timeout", "0"),
        ("wsb.once.lease", "-1"),
        ("wsb.once.early", "15-5"),
        ("wsb.once.early", "95"),
        ("wsb.once.early", "few"),
        ("wsb.retry.cap", "-"),
    ] {
        assert_eq!(once_with(&[(key, value)]).unwrap_err().key, key, "{value}");
    }
    for (value, expected) in [
        ("5-15", (0.05, 0.15)),
        (" 5 % - 15 % ", (0.05, 0.15)),
        ("10", (0.1, 0.1)),
    ] {
        assert_eq!(
            once_with(&[("wsb.once.early", value)]).unwrap().spec.early,
            expected
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_elements_of_one_name_fetch_each_for_itself() {
    let world = World::default();
    let (mut first, mut second) = (once_of("#1", TOKEN).unwrap(), once_of("#2", TOKEN).unwrap());
    assert!(world.enters(&mut first).await.run);
    assert!(world.enters(&mut second).await.run);
    let mut elsewhere = once_of("#1", TOKEN).unwrap();
    let waits = tokio::time::timeout(Duration::from_secs(1), world.enters(&mut elsewhere)).await;
    assert!(waits.is_err(), "the same element in another thread shares");
}

#[tokio::test(start_paused = true)]
async fn controllers_of_one_key_that_set_other_variables_are_refused_both() {
    let world = World::default();
    let with = |name: &str, variables| {
        let mut once = once_with(&[("wsb.once.key", "agents"), ("wsb.once.variables", variables)]).unwrap();
        once.spec.party.element = name.to_owned();
        once
    };
    let mut first = with("log in", "token,left");
    assert!(world.enters(&mut first).await.run);
    let same = tokio::time::timeout(Duration::ZERO, world.enters(&mut with("again", "left,token"))).await;
    assert!(same.is_err(), "the order does not count: it waits");
    for refused in [&mut with("refresh", "session"), &mut first] {
        let reply = world.enters(refused).await;
        let failure = reply.failure.as_ref().expect("refused").detail.clone();
        for named in [
            "wsb.once.variables",
            "\"log in\"",
            "\"refresh\"",
            "\"agents\"",
            "session",
        ] {
            assert!(failure.contains(named), "{named} in {failure}");
        }
        assert!(!reply.run);
        assert_eq!(got(&reply), ("none", "invalid"));
    }
}
