//! The shared gate, call by call: order, holds, cuts, modes.

use backoff::{Pacer, PacerMode, PacerSettings, PacerState, Ticket};
use std::time::{Duration, Instant};

/// The number that leaves gaps and spreads at their mean.
const MIDDLE: f64 = 0.5;

fn gate(mode: PacerMode) -> Pacer {
    Pacer::new(PacerSettings::of(mode))
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn enter(gate: &mut Pacer, count: usize) -> Vec<Ticket> {
    (0..count).map(|_| gate.enter(MIDDLE)).collect()
}

/// When each of the waiting goes, if nobody hears anything of the server.
fn turns(gate: &mut Pacer, from: Duration) -> Vec<(u128, Ticket)> {
    let mut now = from;
    std::iter::from_fn(|| {
        let turn = gate.ready()?;
        now = now.max(turn.at);
        Some((now.as_millis(), gate.take(now).expect("its moment has come")))
    })
    .collect()
}

fn moments(gate: &mut Pacer, from: Duration) -> Vec<u128> {
    turns(gate, from).into_iter().map(|(at, _)| at).collect()
}

fn rate(gate: &Pacer) -> f64 {
    gate.state(Duration::ZERO).rate.expect("a mode with a rate")
}

#[test]
fn a_gate_that_paces_lets_them_go_in_turn_at_its_rate() {
    let mut gate = gate(PacerMode::Pace);
    let tickets = enter(&mut gate, 4);
    let expected = [0, 20, 40, 60].into_iter().zip(tickets).collect::<Vec<_>>();
    assert_eq!(turns(&mut gate, ms(0)), expected);
}

#[test]
fn gaps_spread_by_the_number_that_each_brings() {
    let mut gate = gate(PacerMode::Pace);
    for unit in [0.0, 1.0, 0.75, f64::NAN, -7.0, 7.0, 0.5] {
        gate.enter(unit);
    }
    assert_eq!(moments(&mut gate, ms(0)), [0, 10, 40, 65, 85, 95, 125]);
}

#[test]
fn a_late_timer_costs_no_pace_but_a_pause_saves_no_turns() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 6);
    // 8 ms late: the next turn counts from when this one was due.
    for (now, next) in [(0, 20), (28, 40), (48, 60)] {
        assert!(gate.take(ms(now)).is_some());
        assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(next)));
    }
    assert_eq!(gate.take(ms(59)), None);
    // A second late: as if it had been due 10 ms ago, so two go close together, not fifty.
    assert!(gate.take(ms(1_060)).is_some());
    assert_eq!(moments(&mut gate, ms(1_060)), [1_070, 1_090]);
}

#[test]
fn a_refused_one_keeps_its_place_before_all_who_came_later() {
    let mut gate = gate(PacerMode::Pace);
    let tickets = enter(&mut gate, 4);
    let (first, second) = (gate.take(ms(0)), gate.take(ms(20)));
    assert_eq!((first, second), (Some(tickets[0]), Some(tickets[1])));
    gate.throttled(ms(30), ms(20), None);
    gate.again(tickets[1], MIDDLE);
    gate.throttled(ms(31), ms(0), None);
    gate.again(tickets[0], MIDDLE);
    let late = gate.enter(MIDDLE);
    let order: Vec<Ticket> = turns(&mut gate, ms(31))
        .into_iter()
        .map(|(_, ticket)| ticket)
        .collect();
    assert_eq!(order, [tickets[0], tickets[1], tickets[2], tickets[3], late]);
}

#[test]
fn who_leaves_blocks_nobody() {
    for mode in [PacerMode::Pause, PacerMode::Pace] {
        let mut gate = gate(mode);
        let tickets = enter(&mut gate, 5);
        for gone in [0, 2, 3] {
            assert!(gate.leave(tickets[gone]));
            assert!(!gate.leave(tickets[gone]), "it has left already");
        }
        assert_eq!(gate.take(ms(0)), Some(tickets[1]));
        assert!(!gate.leave(tickets[1]), "it went already");
        assert_eq!(gate.take(ms(20)), Some(tickets[4]));
        assert_eq!((gate.ready(), gate.take(ms(1_000))), (None, None));
    }
}

#[test]
fn nobody_goes_while_a_hint_holds() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 4);
    gate.take(ms(0));
    gate.throttled(ms(5), ms(0), Some(ms(2_000)));
    // A shorter hint does not end a longer one.
    gate.throttled(ms(6), ms(0), Some(ms(1_000)));
    assert_eq!(gate.state(ms(1_005)).hold, ms(1_000));
    assert_eq!(gate.take(ms(2_004)), None);
    assert_eq!(moments(&mut gate, ms(0)), [2_005, 2_045, 2_085]);
    assert_eq!(gate.state(ms(2_005)).hold, ms(0));
}

#[test]
fn a_hint_holds_no_longer_than_the_settings_say() {
    let mut gate = gate(PacerMode::Pace);
    gate.enter(MIDDLE);
    gate.throttled(ms(0), ms(0), Some(Duration::MAX));
    assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(180_000)));
}

#[test]
fn refusals_that_come_in_a_bunch_cut_once() {
    let mut gate = gate(PacerMode::Pace);
    for (now, sent, expected) in [
        (100, 90, 25.0),
        // Within 200 ms of the last cut, or sent before it: known already.
        (150, 140, 25.0),
        (299, 250, 25.0),
        (300, 99, 25.0),
        (300, 100, 12.5),
        (1_000, 299, 12.5),
        (1_000, 900, 6.25),
        (1_200, 1_100, 3.125),
        // By now `1 / rate` is longer than 200 ms.
        (1_519, 1_400, 3.125),
        (1_520, 1_400, 1.5625),
    ] {
        gate.throttled(ms(now), ms(sent), None);
        assert_eq!(rate(&gate), expected, "{now} {sent}");
    }
}

#[test]
fn every_refusal_costs_a_gap() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 3);
    gate.take(ms(0));
    gate.throttled(ms(10), ms(0), None);
    assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(50)));
    gate.throttled(ms(30), ms(0), None);
    assert_eq!(moments(&mut gate, ms(30)), [70, 110]);
}

#[test]
fn a_second_of_successes_adds_half_an_attempt_a_second() {
    for start in [1.0, 10.0, 100.0] {
        let mut gate = Pacer::new(PacerSettings {
            rate: start,
            ..PacerSettings::of(PacerMode::Pace)
        });
        let mut successes = 0.0;
        while successes < start {
            gate.passed();
            successes += 1.0;
        }
        assert!(
            (rate(&gate) - start - 0.5).abs() < 0.02,
            "{start}: {}",
            rate(&gate)
        );
    }
}

#[test]
fn the_rate_stays_between_its_bounds() {
    let mut gate = gate(PacerMode::Pace);
    for second in 1..=100 {
        gate.throttled(ms(second * 10_000), ms(second * 10_000), None);
    }
    assert_eq!(rate(&gate), 0.2);
    for _ in 0..100_000 {
        gate.passed();
    }
    assert_eq!(rate(&gate), 200.0);
}

#[test]
fn a_quota_that_stays_shut_is_asked_less_and_less() {
    let mut gate = gate(PacerMode::Pace);
    let ticket = gate.enter(MIDDLE);
    let mut gaps = Vec::new();
    let mut now = ms(0);
    while gaps.last() != Some(&180_000) && gaps.len() < 100 {
        let turn = gate.ready().expect("one waits");
        gaps.push((turn.at - now).as_millis());
        now = turn.at;
        gate.take(now);
        gate.throttled(now, now, None);
        gate.again(ticket, MIDDLE);
    }
    // At the lowest rate for a minute, then half as often after each refusal, down to the longest hold.
    let tail = &gaps[gaps.len() - 8..];
    assert_eq!(
        tail,
        [5_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 180_000],
        "{gaps:?}"
    );
    let minute: u128 = gaps[..gaps.len() - 6].iter().sum();
    assert!((60_000..71_000).contains(&minute), "{minute}");
    gate.passed();
    gate.take(gate.ready().expect("one waits").at);
    gate.enter(MIDDLE);
    assert!(
        gate.ready().expect("one waits").at < now + ms(181_000),
        "a success forgets it"
    );
}

#[test]
fn pause_waits_for_the_latest_hint_and_then_spreads() {
    let mut gate = gate(PacerMode::Pause);
    let mut waiting = enter(&mut gate, 3);
    assert_eq!(moments(&mut gate, ms(0)), [0, 0, 0], "no hint, no wait");
    gate.throttled(ms(10), ms(0), None);
    waiting.extend(enter(&mut gate, 1));
    assert_eq!(
        moments(&mut gate, ms(10)),
        [10],
        "a refusal without a hint says nothing"
    );
    gate.throttled(ms(20), ms(0), Some(ms(3_000)));
    for (ticket, unit) in waiting.iter().zip([0.5, 0.5, 0.5, 1.0]) {
        gate.again(*ticket, unit);
    }
    assert_eq!(
        gate.state(ms(20)),
        PacerState {
            rate: None,
            queue: 4,
            hold: ms(3_000)
        }
    );
    gate.throttled(ms(1_020), ms(0), Some(ms(4_000)));
    // A fifth of the second, a quarter of what is left, a third of that, all that is left: in the order of first waits.
    let expected = [5_220, 5_420, 5_620, 6_020]
        .into_iter()
        .zip(waiting)
        .collect::<Vec<_>>();
    assert_eq!(turns(&mut gate, ms(1_020)), expected);
    enter(&mut gate, 2);
    assert_eq!(
        moments(&mut gate, ms(6_020)),
        [6_020, 6_020],
        "the spread is over"
    );
}

#[test]
fn the_spread_of_pause_fills_its_second_evenly() {
    let mut gate = gate(PacerMode::Pause);
    gate.throttled(ms(0), ms(0), Some(ms(1_000)));
    let golden = 0.618_033_988_75_f64;
    for nth in 0..1_000 {
        gate.enter((f64::from(nth) * golden).fract());
    }
    let mut quarters = [0; 4];
    for at in moments(&mut gate, ms(0)) {
        assert!((1_000..=2_000).contains(&at), "{at}");
        quarters[usize::try_from((at - 1_000) / 250).unwrap().min(3)] += 1;
    }
    assert!(
        quarters.iter().all(|count| (230..=270).contains(count)),
        "{quarters:?}"
    );
}

#[test]
fn off_and_observe_let_everybody_go_at_once() {
    for mode in [PacerMode::Off, PacerMode::Observe] {
        let mut gate = gate(mode);
        enter(&mut gate, 3);
        gate.throttled(ms(500), ms(400), Some(ms(60_000)));
        assert_eq!(moments(&mut gate, ms(500)), [500, 500, 500], "{mode}");
    }
}

#[test]
fn observe_keeps_the_figures_of_pace() {
    let (mut seen, mut paced) = (gate(PacerMode::Observe), gate(PacerMode::Pace));
    for gate in [&mut seen, &mut paced] {
        gate.throttled(ms(500), ms(400), Some(ms(60_000)));
        gate.passed();
    }
    assert_eq!(seen.state(ms(600)), paced.state(ms(600)));
    assert_eq!(seen.state(ms(600)).hold, ms(59_900));
    let mut off = gate(PacerMode::Off);
    off.throttled(ms(500), ms(400), Some(ms(60_000)));
    assert_eq!(
        off.state(ms(600)),
        PacerState {
            rate: None,
            queue: 0,
            hold: ms(0)
        }
    );
}

#[test]
fn time_never_runs_backwards() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 2);
    assert!(gate.take(ms(1_000)).is_some());
    gate.throttled(ms(10), ms(0), Some(ms(500)));
    assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(1_500)));
    assert_eq!(gate.state(ms(0)).hold, ms(500));
}

#[test]
fn five_thousand_waiters_cost_little() {
    for mode in [PacerMode::Pause, PacerMode::Pace] {
        let mut gate = gate(mode);
        let began = Instant::now();
        let tickets = enter(&mut gate, 5_000);
        for ticket in &tickets {
            gate.throttled(ms(1), ms(0), Some(ms(5_000)));
            gate.again(*ticket, MIDDLE);
        }
        for ticket in tickets.iter().step_by(2) {
            assert!(gate.leave(*ticket));
        }
        assert_eq!(turns(&mut gate, ms(1)).len(), 2_500);
        // Some milliseconds; a gate that walked over its waiters at each call would take seconds.
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

#[test]
fn the_settings_are_those_of_the_design() {
    let settings = PacerSettings::default();
    assert_eq!(PacerMode::NAMES, ["off", "observe", "pause", "pace"]);
    assert_eq!(
        (settings.mode, settings.rate, settings.beta),
        (PacerMode::Off, 50.0, 0.5)
    );
    assert_eq!(
        (settings.increase, settings.min_rate, settings.max_rate),
        (0.5, 0.2, 200.0)
    );
    assert_eq!((settings.cut_gap, settings.max_hold), (ms(200), ms(180_000)));
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn wrong_settings_name_the_field_its_value_and_what_is_allowed() {
    type Spoil = fn(&mut PacerSettings);
    let table: [(Spoil, &str); 14] = [
        (
            |s| s.rate = 500.0,
            "shared.rate: 500 is not allowed; allowed: minRate to maxRate, 0.2 to 200",
        ),
        (|s| s.rate = f64::NAN, "shared.rate: NaN"),
        (
            |s| s.min_rate = 0.0,
            "shared.minRate: 0 is not allowed; allowed: 0.001 to 100000 a second",
        ),
        (
            |s| s.min_rate = 300.0,
            "shared.minRate: 300 is not allowed; allowed: at most maxRate, 200",
        ),
        (|s| s.max_rate = f64::INFINITY, "shared.maxRate: inf"),
        (
            |s| s.beta = 1.0,
            "shared.beta: 1 is not allowed; allowed: above 0, below 1",
        ),
        (|s| s.beta = 0.0, "shared.beta: 0"),
        (|s| s.beta = f64::NAN, "shared.beta: NaN"),
        (
            |s| s.increase = -0.5,
            "shared.increase: -0.5 is not allowed; allowed: 0 to 100000",
        ),
        (|s| s.increase = f64::NAN, "shared.increase: NaN"),
        (|s| s.cut_gap = Duration::MAX, "shared.cutGap: "),
        (|s| s.spread = Duration::MAX, "shared.spread: "),
        (|s| s.max_hold = Duration::MAX, "shared.maxHold: "),
        (
            |s| s.max_hold = ms(0),
            "shared.maxHold: 0ms is not allowed; allowed: 1ms up to 366 days",
        ),
    ];
    for (spoil, message) in table {
        let mut settings = PacerSettings::default();
        spoil(&mut settings);
        let error = settings.check().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
