//! Users who lock each other out, and who comes to them.

use super::*;

const TARGET: &str = "http://h/login";

/// One is let in, and a dozen others are refused each half second for twenty.
async fn lock_out(gates: &Arc<Gates>) -> Vec<Bench> {
    let mut all = Vec::new();
    for user in 0..13 {
        let mut bench = Bench::beside(gates, &format!("u {user}"), &[("wsb.retry.cap", "1s")]);
        bench.begin().await;
        bench.turn(TARGET).await;
        all.push(bench);
    }
    all.remove(0).over(true, "200").await;
    for _ in 0..20 {
        for bench in &mut all {
            bench.fail("429").await;
            let turn = bench.turn(TARGET);
            if timeout(Duration::from_secs(2), turn).await.is_err() {
                return all;
            }
        }
    }
    panic!("nobody lines up");
}

#[tokio::test(start_paused = true)]
async fn whose_turn_does_not_come_there_is_told_so_and_of_no_gate_that_nobody_asked_for() {
    let gates = Arc::default();
    let all = lock_out(&gates).await;
    let properties = [("wsb.retry.cap", "1s"), ("wsb.retry.maxElapsed", "2s")];
    let mut late = Bench::beside(&gates, "late", &properties);
    late.begin().await;
    late.turn(TARGET).await;
    late.fail("429").await;
    let turn = late.turn(TARGET).await;
    assert_eq!(turn["go"], true);
    let warning = turn["warning"].as_str().unwrap();
    assert!(
        warning.contains("line up") && warning.contains("wsb.retry.maxElapsed"),
        "{warning}"
    );
    assert_ne!(warning, engine::codes::GATE_TIMEOUT.message);
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_them_tries_at_once_and_another_strategy_always_does() {
    let gates = Arc::default();
    let all = lock_out(&gates).await;
    for (strategy, lines_up) in [("decorrelated", true), ("full", false)] {
        let properties = [("wsb.retry.cap", "1s"), ("wsb.retry.strategy", strategy)];
        let mut late = Bench::beside(&gates, strategy, &properties);
        late.begin().await;
        let begun = Instant::now();
        late.turn(TARGET).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "{strategy}");
        late.fail("429").await;
        let paused = Instant::now();
        let turn = late.turn(TARGET).await;
        assert_eq!(turn["go"], true);
        assert_eq!(paused.elapsed() > Duration::ZERO, lines_up, "{strategy}");
    }
    drop(all);
}
