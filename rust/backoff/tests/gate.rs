//! The shared gate, call by call: order, holds, cuts, modes.

use backoff::{Class, FailureKind, Form, Pacer, PacerMode, PacerSettings, PacerState, Refusal, Ticket};
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

fn throttle(hint: Option<Duration>) -> Refusal {
    Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint,
    }
}

/// The next one goes at `sent`, and is refused at `heard`.
fn go_and_be_refused(gate: &mut Pacer, sent: u64, heard: u64, hint: Option<Duration>) -> Ticket {
    let ticket = gate.take(ms(sent)).expect("its turn has come");
    gate.refused(ms(heard), ticket, &throttle(hint));
    ticket
}

/// When each of the waiting goes, if each is let in at once.
fn turns(gate: &mut Pacer, from: Duration) -> Vec<(u128, Ticket)> {
    let mut now = from;
    std::iter::from_fn(|| {
        let turn = gate.ready()?;
        now = now.max(turn.at);
        let ticket = gate.take(now).expect("its moment has come");
        gate.passed(now, ticket);
        Some((now.as_millis(), ticket))
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
    let went: Vec<_> = [0, 20, 40, 60]
        .iter()
        .map(|at| gate.take(ms(*at)).unwrap())
        .collect();
    assert_eq!(went, tickets);
}

#[test]
fn gaps_spread_by_the_number_that_each_brings() {
    let mut gate = gate(PacerMode::Pace);
    for unit in [0.0, 1.0, 0.75, f64::NAN, -7.0, 7.0, 0.5] {
        gate.enter(unit);
    }
    let mut at = Vec::new();
    while let Some(turn) = gate.ready() {
        at.push(turn.at.as_micros());
        gate.take(turn.at);
    }
    assert_eq!(at, [0, 17_000, 40_000, 61_500, 81_500, 98_500, 121_500]);
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
    assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(1_070)));
}

#[test]
fn a_refused_one_lets_two_others_in_and_comes_back_before_the_line() {
    let mut gate = gate(PacerMode::Pace);
    let tickets = enter(&mut gate, 6);
    assert_eq!(go_and_be_refused(&mut gate, 0, 1, None), tickets[0]);
    gate.again(tickets[0], MIDDLE, ms(60_000));
    let order: Vec<Ticket> = turns(&mut gate, ms(1))
        .into_iter()
        .map(|(_, ticket)| ticket)
        .collect();
    // By its number the second turn after those.
    let expected = [1, 2, 3, 0, 4, 5].map(|nth| tickets[nth]);
    assert_eq!(order, expected);
}

#[test]
fn one_who_is_refused_while_others_get_in_waits_by_its_own_backoff_and_slows_nobody_down() {
    let mut gate = gate(PacerMode::Pace);
    let tickets = enter(&mut gate, 30);
    let banned = tickets[0];
    let (mut now, mut inside) = (ms(0), Vec::new());
    let mut rates = Vec::new();
    while rates.len() < 2 {
        now = gate.ready().unwrap().at.max(now);
        let ticket = gate.take(now).unwrap();
        if ticket == banned {
            let hint = (!rates.is_empty()).then_some(ms(60_000));
            gate.refused(now, banned, &throttle(hint));
            gate.again(banned, MIDDLE, now + ms(10_000));
            rates.push(rate(&gate));
        } else {
            gate.passed(now, ticket);
            inside.push(ticket);
        }
    }
    assert_eq!(rates[0], 25.0, "its first refusal might have been the quota's");
    assert!(rates[1] > 49.0, "the other is not: {rates:?}");
    assert_eq!(gate.state(now).hold, ms(0), "nor is its hint the others'");
    assert!(inside.len() < 6, "at first it need not wait for long: {inside:?}");
    let order: Vec<_> = turns(&mut gate, now)
        .into_iter()
        .map(|(_, ticket)| ticket)
        .collect();
    assert_eq!(inside.iter().chain(&order).last(), Some(&banned), "then it does");
    assert_eq!(order.len(), 30 - inside.len());
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
fn nobody_goes_while_a_hint_holds_and_then_one_goes_first() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 5);
    let other = gate.take(ms(0)).unwrap();
    let first = gate.take(ms(20)).unwrap();
    gate.refused(ms(25), first, &throttle(Some(ms(2_000))));
    // A shorter hint does not end a longer one.
    gate.refused(ms(26), other, &throttle(Some(ms(1_000))));
    assert_eq!(gate.state(ms(1_025)).hold, ms(1_000));
    assert_eq!(gate.take(ms(2_024)), None);
    let probe = gate.take(ms(2_025)).expect("the hint is over");
    assert_eq!(
        gate.take(ms(2_900)),
        None,
        "what comes of the probe is waited for"
    );
    gate.passed(ms(2_900), probe);
    assert!(gate.take(ms(2_900)).is_some());
    assert_eq!(gate.state(ms(2_900)).hold, ms(0));
}

#[test]
fn a_hint_holds_no_longer_than_the_settings_say() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 2);
    go_and_be_refused(&mut gate, 0, 0, Some(Duration::MAX));
    assert_eq!(gate.ready().map(|turn| turn.at), Some(ms(180_000)));
}

#[test]
fn refusals_that_come_in_a_bunch_cut_once() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 3);
    let all: Vec<Ticket> = [0, 20, 40].iter().map(|at| gate.take(ms(*at)).unwrap()).collect();
    for (ticket, heard) in all.into_iter().zip([60, 150, 400]) {
        gate.refused(ms(heard), ticket, &throttle(None));
        assert_eq!(rate(&gate), 25.0, "{heard}");
    }
}

#[test]
fn no_answer_is_a_refusal_and_an_answer_of_another_kind_only_where_others_get_it_too() {
    let transient = |form| Refusal {
        class: Class::Transient,
        form,
        hint: None,
    };
    for (form, at_once) in [
        (Form::NoAnswer(FailureKind::Network), true),
        (Form::NoAnswer(FailureKind::Timeout), true),
        (Form::Closed(1013), true),
        (Form::Status(500), false),
    ] {
        let mut gate = gate(PacerMode::Pace);
        enter(&mut gate, 2);
        let (one, other) = (gate.take(ms(0)).unwrap(), gate.take(ms(20)).unwrap());
        gate.refused(ms(30), one, &transient(form));
        assert_eq!(rate(&gate) < 50.0, at_once, "{form:?}");
        gate.refused(ms(40), other, &transient(form));
        assert_eq!(rate(&gate), 25.0, "{form:?}");
    }
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 2);
    for at in [0, 20] {
        let ticket = gate.take(ms(at)).unwrap();
        let fatal = Refusal {
            class: Class::Fatal,
            form: Form::Status(401),
            hint: None,
        };
        gate.refused(ms(at), ticket, &fatal);
    }
    assert_eq!(rate(&gate), 50.0, "a wrong password is no quota");
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
            let ticket = gate.enter(MIDDLE);
            gate.passed(ms(0), ticket);
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
        let ticket = gate.enter(MIDDLE);
        gate.refused(ms(second * 10_000), ticket, &throttle(None));
    }
    assert_eq!(rate(&gate), 0.2);
    for _ in 0..100_000 {
        let ticket = gate.enter(MIDDLE);
        gate.passed(ms(1_000_000), ticket);
        gate.leave(ticket);
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
        gate.refused(now, ticket, &throttle(None));
        gate.again(ticket, MIDDLE, now);
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
    now = gate.ready().expect("one waits").at;
    gate.take(now);
    gate.passed(now, ticket);
    gate.enter(MIDDLE);
    assert!(
        gate.ready().expect("one waits").at < now + ms(6_000),
        "a success forgets it"
    );
}

#[test]
fn silence_is_a_refusal_once_others_are_answered() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 50);
    let mut now = 0;
    for _ in 0..5 {
        let ticket = gate.take(ms(now)).unwrap();
        gate.answers_by(ticket, ms(20_000));
        gate.passed(ms(now + 10), ticket);
        now += 20;
    }
    let mut silent = 0;
    while rate(&gate) > 45.0 {
        if let Some(ticket) = gate.take(ms(now)) {
            gate.answers_by(ticket, ms(20_000));
            silent += 1;
        }
        now += 20;
    }
    assert!((4..=8).contains(&silent), "after 100 ms at 50/s: {silent}");
    assert_eq!(gate.take(ms(now)), None, "a probe goes later");
}

#[test]
fn where_answers_come_late_one_goes_when_one_comes() {
    let mut gate = gate(PacerMode::Pace);
    enter(&mut gate, 1_000);
    // A queue that answers five a second, each with a time-out of 20 s: 5 s of it are 25.
    let mut queue = std::collections::VecDeque::new();
    let mut longest = 0;
    for now in 0..60_000 {
        if let Some(ticket) = gate.take(ms(now)) {
            gate.answers_by(ticket, ms(20_000));
            queue.push_back(ticket);
            longest = longest.max(queue.len());
        }
        if now % 200 == 199 {
            if let Some(ticket) = queue.pop_front() {
                gate.passed(ms(now), ticket);
            }
        }
    }
    assert!((20..=60).contains(&longest), "{longest}");
}

#[test]
fn pause_waits_for_the_latest_hint_and_then_spreads() {
    let mut gate = gate(PacerMode::Pause);
    let waiting = enter(&mut gate, 3);
    let went: Vec<_> = (0..3).map(|_| gate.take(ms(0)).unwrap()).collect();
    assert_eq!(went, waiting, "no hint, no wait");
    gate.refused(ms(10), waiting[0], &throttle(None));
    gate.again(waiting[0], 0.5, ms(0));
    assert_eq!(
        gate.ready().map(|turn| turn.at),
        Some(ms(0)),
        "a refusal without a hint says nothing"
    );
    gate.refused(ms(20), waiting[1], &throttle(Some(ms(3_000))));
    gate.again(waiting[1], 0.5, ms(0));
    assert_eq!(
        gate.state(ms(20)),
        PacerState {
            rate: None,
            queue: 2,
            hold: ms(3_000)
        }
    );
    gate.refused(ms(1_020), waiting[2], &throttle(Some(ms(4_000))));
    gate.again(waiting[2], 0.5, ms(0));
    let last = gate.enter(1.0);
    // A fifth of the second, a quarter of what is left, a third of that, all that is left: in the order of first waits.
    let expected: Vec<_> = [5_220, 5_420, 5_620, 6_020]
        .into_iter()
        .zip(waiting.into_iter().chain([last]))
        .collect();
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
    let refused = gate.enter(MIDDLE);
    gate.take(ms(0));
    gate.refused(ms(0), refused, &throttle(Some(ms(1_000))));
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
        enter(&mut gate, 4);
        go_and_be_refused(&mut gate, 400, 500, Some(ms(60_000)));
        assert_eq!(moments(&mut gate, ms(500)), [500, 500, 500], "{mode}");
    }
}

#[test]
fn observe_keeps_the_figures_of_pace() {
    let (mut seen, mut paced, mut off) = (
        gate(PacerMode::Observe),
        gate(PacerMode::Pace),
        gate(PacerMode::Off),
    );
    for gate in [&mut seen, &mut paced, &mut off] {
        enter(gate, 1);
        go_and_be_refused(gate, 400, 500, Some(ms(60_000)));
    }
    assert_eq!(seen.state(ms(600)), paced.state(ms(600)));
    assert_eq!(seen.state(ms(600)).hold, ms(59_900));
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
    let first = gate.take(ms(1_000)).unwrap();
    gate.refused(ms(10), first, &throttle(Some(ms(500))));
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
            gate.refused(ms(1), *ticket, &throttle(Some(ms(5_000))));
            gate.again(*ticket, MIDDLE, ms(1));
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
    assert_eq!(PacerMode::HEARING, ["off", "observe", "pause", "pace"]);
    assert!(PacerMode::ALL[..4].iter().all(|mode| *mode != PacerMode::Fixed));
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
