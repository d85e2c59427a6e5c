//! Successes that are not yet what the user waits for (`wsb.retry.while`).

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_success_is_followed_by_another_attempt_while_the_condition_holds() {
    let mut bench = Bench::new(&[
        ("wsb.retry.strategy", "fixed"),
        ("wsb.retry.transientBase", "2s"),
        ("wsb.retry.transient", "none"),
        ("wsb.retry.failedAssertions", "fatal"),
    ]);
    bench.begin().await;
    let begun = Instant::now();
    for (condition, go) in [(" True ", true), ("true", true), ("false", false)] {
        let over = json!({"event": "over", "ok": true, "code": "200", "condition": condition});
        let answer = bench.tell(over).await;
        assert_eq!(answer["go"], go, "{condition}");
    }
    assert_eq!(begun.elapsed(), Duration::from_secs(4));
    bench.begin().await;
    let answer = bench.over(true, "200").await;
    assert_eq!(answer["variables"]["wsb.stop"], "succeeded", "no condition");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_holds_for_ever_is_bounded_by_the_policy_and_a_failure_stays_one() {
    let mut bench = Bench::new(&[("wsb.retry.maxAttempts", "2")]);
    let holds = |ok: bool, code: &str| json!({"event": "over", "ok": ok, "code": code, "condition": "true"});
    bench.begin().await;
    assert_eq!(bench.tell(holds(true, "200")).await["go"], true);
    let last = bench.tell(holds(true, "200")).await;
    assert_eq!(
        (&last["go"], &last["stop"]),
        (&json!(false), &json!("max-attempts"))
    );
    assert_eq!(last["variables"]["wsb.lastStatus"], "200");

    bench.begin().await;
    bench.failed("404", "").await;
    let fatal = bench.tell(holds(false, "404")).await;
    assert_eq!(
        fatal["stop"], "fatal",
        "the condition is asked of successes alone"
    );
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_is_neither_true_nor_false_is_refused_by_name() {
    for (condition, told) in [("${undefined}", "${undefined}"), ("yes", "yes"), (" ", "empty")] {
        let mut bench = Bench::new(&[]);
        bench.begin().await;
        let over = json!({"event": "over", "ok": true, "code": "200", "condition": condition});
        let answer = bench.tell(over).await;
        let detail = answer["failure"]["detail"].as_str().unwrap();
        assert!(
            detail.contains("wsb.retry.while") && detail.contains(told),
            "{detail}"
        );
        assert_eq!(
            (&answer["go"], &answer["variables"]["wsb.stop"]),
            (&json!(false), &json!("invalid"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_no_sample_ends_the_run_and_says_so() {
    let mut bench = Bench::new(&[]);
    bench.begin().await;
    let over = json!({"event": "over", "ok": true, "code": "200", "condition": "true"});
    assert_eq!(bench.tell(over).await["go"], true);
    let answer = bench.tell(json!({"event": "noSample"})).await;
    assert_eq!(
        (&answer["go"], &answer["stop"]),
        (&json!(false), &json!("no-sample"))
    );
    assert_eq!(answer["variables"]["wsb.stop"], "no-sample");
    assert_eq!(answer["variables"]["wsb.attempts"], "1");
}

/// A user who polls at a gate until the time is over: how often, and the shortest time between two of its requests.
async fn polls(user: u64, gates: Arc<Gates>) -> (u64, Duration) {
    let properties = [
        ("wsb.shared.mode", "pace"),
        ("wsb.retry.strategy", "fixed"),
        ("wsb.retry.transientBase", "500ms"),
        ("wsb.retry.maxElapsed", "15s"),
    ];
    let mut bench = Bench::beside(&gates, &format!("u {user}"), &properties);
    bench.begin().await;
    let (mut polls, mut shortest, mut last) = (0, Duration::MAX, None);
    loop {
        bench.turn("http://h/job").await;
        if let Some(last) = last {
            shortest = shortest.min(Instant::now() - last);
        }
        sleep(Duration::from_millis(5)).await;
        last = Some(Instant::now());
        polls += 1;
        let over = json!({"event": "over", "ok": true, "code": "200", "condition": "true"});
        if bench.tell(over).await["go"] == false {
            return (polls, shortest);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn users_who_poll_at_a_gate_all_go_in_turn_and_wait_between() {
    let gates = Arc::new(Gates::default());
    let mut users = JoinSet::new();
    for user in 0..10 {
        users.spawn(polls(user, gates.clone()));
    }
    let all = users.join_all().await;
    // The gate's own rate leaves each at most 29 of them.
    let most = all.iter().map(|(polls, _)| *polls).max().unwrap();
    let fewest = all.iter().map(|(polls, _)| *polls).min().unwrap();
    assert!(fewest >= 5 && most <= fewest + 5, "{all:?}");
    assert!(
        all.iter()
            .all(|(_, shortest)| *shortest >= Duration::from_millis(500)),
        "{all:?}"
    );
}
