//! A gate with tokio's clock: order, rate, hints, and those who give up.

use super::*;
use backoff::Class;
use tokio::time::{advance, timeout};

fn throttle(hint: Option<Duration>) -> Refusal {
    Refusal {
        class: Class::Throttle,
        form: backoff::Form::Status(429),
        hint,
    }
}

/// One comes, is refused and goes.
async fn refuse_one(gate: &Arc<Gate>, hint: Duration) {
    let mut place = gate.place(Some(0));
    place.turn(Instant::now()).await;
    place.refused(&throttle(Some(hint)));
}

fn gate(mode: PacerMode, rate: f64) -> Arc<Gate> {
    Arc::new(Gate::new(PacerSettings {
        rate,
        ..PacerSettings::of(mode)
    }))
}

#[tokio::test(start_paused = true)]
async fn turns_come_in_the_order_of_the_first_wait_at_the_rate() {
    let gate = gate(PacerMode::Pace, 10.0);
    let begun = Instant::now();
    let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
    for user in 0..50 {
        let mut place = gate.place(Some(user));
        let ends = ends.clone();
        tokio::spawn(async move {
            place.turn(Instant::now()).await;
            ends.send(user).unwrap();
        });
        // Each is in the queue before the next one comes.
        tokio::task::yield_now().await;
    }
    for user in 0..50 {
        assert_eq!(ended.recv().await, Some(user));
    }
    let took = begun.elapsed().as_secs_f64();
    assert!((4.0..6.0).contains(&took), "49 gaps of 0.1 s on average: {took}");
    assert_eq!(gate.figures().queue, 0);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_blocks_nobody() {
    let gate = gate(PacerMode::Pace, 1.0);
    let mut first = gate.place(Some(1));
    first.turn(Instant::now()).await;
    first.refused(&throttle(Some(Duration::from_secs(5))));
    let mut gone = gate.place(Some(2));
    assert!(
        timeout(Duration::from_secs(1), gone.turn(Instant::now()))
            .await
            .is_err(),
        "nobody goes while the hint holds"
    );
    assert_eq!(gate.figures().queue, 1);
    drop(gone);
    assert_eq!(gate.figures().queue, 0);
    let begun = Instant::now();
    first.turn(Instant::now()).await;
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_left_goes_at_the_moment_that_the_gate_names_sooner_or_later() {
    let (mut sooner, mut later) = (0, 0);
    for seed in 0..20 {
        let gate = Arc::new(Gate::new(PacerSettings {
            spread: Duration::from_secs(60),
            ..PacerSettings::of(PacerMode::Pause)
        }));
        refuse_one(&gate, Duration::from_secs(1)).await;
        let mut first = gate.place(Some(seed));
        assert!(
            timeout(Duration::from_millis(1), first.turn(Instant::now()))
                .await
                .is_err(),
            "held"
        );
        let second = tokio::spawn({
            let mut place = gate.place(Some(seed + 1_000));
            async move {
                place.turn(Instant::now()).await;
                place.gate.now()
            }
        });
        tokio::task::yield_now().await;
        let due = || gate.lock().pacer.ready().map(|turn| turn.at);
        let before = due();
        drop(first);
        let after = due();
        sooner += usize::from(after < before);
        later += usize::from(after > before);
        let late = second.await.unwrap() - after.unwrap();
        assert!(late <= Duration::from_millis(2), "{late:?} after {after:?}");
    }
    assert!(sooner > 0 && later > 0, "{sooner} {later}");
}

#[tokio::test(start_paused = true)]
async fn who_comes_after_all_have_left_goes_when_the_hint_is_over() {
    let gate = gate(PacerMode::Pace, 10.0);
    refuse_one(&gate, Duration::from_secs(5)).await;
    let mut all: Vec<Place> = (0..10).map(|user| gate.place(Some(user))).collect();
    for place in &mut all {
        assert!(
            timeout(Duration::from_millis(10), place.turn(Instant::now()))
                .await
                .is_err()
        );
    }
    drop(all);
    let mut next = gate.place(Some(100));
    next.turn(Instant::now()).await;
    let came = gate.now();
    assert!(
        came >= Duration::from_secs(5) && came < Duration::from_millis(5_010),
        "{came:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_holds_all_and_its_end_lets_another_one_go_first() {
    let gate = gate(PacerMode::Pace, 50.0);
    let mut refused = gate.place(Some(1));
    refused.turn(Instant::now()).await;
    let waits = tokio::spawn({
        let mut later = gate.place(Some(2));
        async move {
            later.turn(Instant::now()).await;
            later.passed();
            Instant::now()
        }
    });
    tokio::task::yield_now().await;
    refused.refused(&throttle(Some(Duration::from_secs(3))));
    let begun = Instant::now();
    refused.turn(Instant::now()).await;
    let (first, second) = (waits.await.unwrap(), Instant::now());
    assert!(first - begun >= Duration::from_secs(3) - Duration::from_millis(50));
    assert!(second >= first && second - first < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn observing_holds_nobody() {
    let gate = gate(PacerMode::Observe, 1.0);
    let begun = Instant::now();
    for user in 0..100 {
        let mut place = gate.place(Some(user));
        place.turn(Instant::now()).await;
        place.refused(&throttle(Some(Duration::from_secs(60))));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(gate.figures().rate.unwrap() < 1.0, "but it learns");
    advance(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn one_gate_a_key_and_no_second_kind_of_it() {
    let gates = Gates::default();
    let settings = PacerSettings::of(PacerMode::Pace);
    let first = gates.get("a", settings).unwrap();
    assert!(Arc::ptr_eq(&first, &gates.get("a", settings).unwrap()));
    assert!(!Arc::ptr_eq(&first, &gates.get("b", settings).unwrap()));
    assert_eq!(
        gates.get("a", PacerSettings::of(PacerMode::Pause)).unwrap_err(),
        settings
    );
    gates.clear();
    assert!(!Arc::ptr_eq(&first, &gates.get("a", settings).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn five_thousand_go_in_the_order_in_which_they_came() {
    let gate = Arc::new(Gate::new(PacerSettings {
        rate: 100_000.0,
        max_rate: 100_000.0,
        ..PacerSettings::of(PacerMode::Pace)
    }));
    let mut first = gate.place(Some(0));
    first.turn(Instant::now()).await;
    first.refused(&throttle(Some(Duration::from_secs(3))));
    let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
    for user in 1..=5_000 {
        let mut place = gate.place(Some(user));
        let ends = ends.clone();
        tokio::spawn(async move {
            place.turn(Instant::now()).await;
            ends.send(user).unwrap();
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(gate.figures().queue, 5_000);
    for user in 1..=5_000 {
        assert_eq!(ended.recv().await, Some(user));
    }
}

fn fixed(rate: f64, burst: u64) -> Arc<Gate> {
    Arc::new(Gate::new(PacerSettings::fixed(rate, burst)))
}

/// As a timer does for each sample.
async fn one_turn(gate: &Arc<Gate>) {
    gate.place(Some(0)).turn(Instant::now()).await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let cases: &[(f64, u64, u64, f64)] = &[
        (10.0, 1, 21, 2.0),
        (10.0, 5, 25, 2.0),
        (0.5, 1, 3, 4.0),
        (1000.0, 100, 1100, 1.0),
    ];
    for &(rate, burst, turns, seconds) in cases {
        let gate = fixed(rate, burst);
        let begun = Instant::now();
        for _ in 0..turns {
            one_turn(&gate).await;
        }
        let took = begun.elapsed().as_secs_f64();
        // The timer's ticks are milliseconds, and one late turn may bring the next one forward.
        assert!((took - seconds).abs() < 0.02, "{rate}/s, burst {burst}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_refills_the_burst_and_no_more() {
    let gate = fixed(10.0, 5);
    for _ in 0..5 {
        one_turn(&gate).await;
    }
    advance(Duration::from_secs(60)).await;
    let begun = Instant::now();
    for _ in 0..6 {
        one_turn(&gate).await;
    }
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(80) && took < Duration::from_millis(120),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn turns_at_a_fixed_rate_come_in_the_order_of_arrival_and_who_leaves_costs_no_turn() {
    let gate = fixed(10.0, 1);
    let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let begun = Instant::now();
    for user in 0..40_u32 {
        let (gate, ends) = (gate.clone(), ends.clone());
        tokio::spawn(async move {
            // Every other one has less time than its turn would take; the first in the queue too.
            let patience = Duration::from_millis(if user % 2 == 1 { 50 } else { 60_000 });
            if timeout(patience, one_turn(&gate)).await.is_ok() {
                ends.send(user).unwrap();
            }
        });
        tokio::task::yield_now().await;
    }
    drop(ends);
    let mut order = Vec::new();
    while let Some(user) = ended.recv().await {
        order.push(user);
    }
    assert_eq!(order, (0..40).step_by(2).collect::<Vec<_>>());
    let took = begun.elapsed().as_secs_f64();
    assert!((1.85..2.0).contains(&took), "19 gaps of 0.1 s: {took}");
    assert_eq!(gate.figures().queue, 0);
    // Whatever the server says.
    let mut place = gate.place(Some(0));
    place.turn(Instant::now()).await;
    place.refused(&throttle(Some(Duration::from_secs(9))));
    assert_eq!(gate.figures().rate, Some(10.0));
    assert_eq!(gate.figures().hold, Duration::ZERO);
}
