//! The invariants of a gate, over any sequence of calls and any settings, legal or not.

use super::*;
use proptest::prelude::*;

/// One call.
#[derive(Debug, Clone, Copy)]
enum Call {
    Enter(f64),
    Again(usize, f64),
    Leave(usize),
    Take,
    Passed,
    Throttled(Duration, Option<Duration>),
    /// Time goes on.
    Sleep(Duration),
    /// Time goes on to the gate's own deadline.
    Wait,
}

/// From nothing to for ever, all magnitudes alike.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0..=63_u32, any::<u64>()).prop_map(|(bits, value)| Duration::from_nanos(value >> bits)),
        Just(Duration::MAX),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    let number = prop_oneof![0.0..1.0_f64, any::<f64>()];
    prop_oneof![
        number.clone().prop_map(Call::Enter),
        (0..20_usize, number).prop_map(|(nth, unit)| Call::Again(nth, unit)),
        (0..20_usize).prop_map(Call::Leave),
        Just(Call::Take),
        Just(Call::Passed),
        (durations(), proptest::option::of(durations())).prop_map(|(ago, hint)| Call::Throttled(ago, hint)),
        (0..2_000_u64).prop_map(|ms| Call::Sleep(Duration::from_millis(ms))),
        durations().prop_map(Call::Sleep),
        Just(Call::Wait),
    ]
}

prop_compose! {
    fn any_settings()(
        mode in proptest::sample::select(PacerMode::ALL),
        rates in proptest::array::uniform5(prop_oneof![any::<f64>(), 0.0..1000.0_f64]),
        cut_gap in durations(),
        spread in durations(),
        max_hold in durations(),
    ) -> PacerSettings {
        let [rate, beta, increase, min_rate, max_rate] = rates;
        PacerSettings { mode, rate, beta, increase, min_rate, max_rate, cut_gap, spread, max_hold }
    }
}

fn some_settings() -> impl Strategy<Value = PacerSettings> {
    let defaults = proptest::sample::select(PacerMode::ALL).prop_map(PacerSettings::of);
    prop_oneof![defaults, any_settings()]
}

/// Makes the calls and checks after each of them; gives the gate and the time back.
fn play(settings: PacerSettings, calls: &[Call]) -> (Pacer, Duration) {
    let mut gate = Pacer::new(settings);
    let (mut now, mut tickets) = (Duration::ZERO, Vec::new());
    for call in calls {
        match *call {
            Call::Enter(unit) => tickets.push(gate.enter(unit)),
            Call::Again(nth, unit) => tickets
                .get(nth)
                .into_iter()
                .for_each(|&ticket| gate.again(ticket, unit)),
            Call::Leave(nth) => {
                if let Some(&ticket) = tickets.get(nth) {
                    let waited = gate.waiting.contains_key(&ticket);
                    assert_eq!(gate.leave(ticket), waited);
                    assert!(!gate.leave(ticket));
                }
            }
            Call::Take => take(&mut gate, now),
            Call::Passed => gate.passed(),
            Call::Throttled(ago, hint) => gate.throttled(now, now.saturating_sub(ago), hint),
            Call::Sleep(time) => now = now.saturating_add(time),
            Call::Wait => now = gate.ready().map_or(now, |turn| now.max(turn.at)),
        }
        let settings = *gate.settings();
        assert!(
            (settings.min_rate..=settings.max_rate).contains(&gate.rate),
            "{gate:?}"
        );
        assert_eq!(gate.ready().is_some(), !gate.waiting.is_empty());
        assert_eq!(gate.state(now).queue, gate.waiting.len());
    }
    (gate, now)
}

/// A turn is the first one's, and not before its moment, a hold or the owner's deadline.
fn take(gate: &mut Pacer, now: Duration) {
    let (turn, held) = (gate.ready(), gate.state(now).hold);
    let first = gate.waiting.keys().next().copied();
    let taken = gate.take(now);
    assert_eq!(taken, turn.filter(|turn| turn.at <= now).map(|turn| turn.ticket));
    if taken.is_some() {
        assert_eq!(taken, first, "the one who has waited for the longest");
        let waits = matches!(gate.settings.mode, PacerMode::Pause | PacerMode::Pace);
        assert!(
            !waits || held.is_zero(),
            "nobody goes while a hint holds: {held:?}"
        );
    }
}

#[test]
fn a_beta_that_is_next_to_nothing_is_refused() {
    for (beta, legal) in [
        (0.0, false),
        (5.5e-310, false),
        (1e-300, true),
        (0.5, true),
        (1.0, false),
    ] {
        let settings = PacerSettings {
            beta,
            ..PacerSettings::of(PacerMode::Pace)
        };
        assert_eq!(settings.check().is_ok(), legal, "{beta:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn drawn_settings_are_legal(settings in any_settings()) {
        prop_assert_eq!(Pacer::new(settings).settings().check(), Ok(()));
        if settings.check().is_ok() {
            prop_assert_eq!(settings.drawn(), settings);
        }
    }

    #[test]
    fn whatever_happens_the_rate_stays_within_its_bounds_and_the_order_is_kept(
        settings in some_settings(),
        calls in proptest::collection::vec(calls(), 0..200),
    ) {
        play(settings, &calls);
    }

    #[test]
    fn whatever_happened_everybody_gets_a_turn(
        settings in some_settings(),
        calls in proptest::collection::vec(calls(), 0..100),
    ) {
        let (mut gate, mut now) = play(settings, &calls);
        let settings = *gate.settings();
        while let Some(turn) = gate.ready() {
            // A hold at its longest, or a gap at its longest, or the spread: no turn is farther away.
            let longest = settings.max_hold.saturating_add(settings.spread)
                .saturating_add(Duration::from_secs_f64(1.5 / settings.min_rate));
            prop_assert!(turn.at <= now.saturating_add(longest), "{turn:?} at {now:?}: {gate:?}");
            now = now.max(turn.at);
            prop_assert_eq!(gate.take(now), Some(turn.ticket));
        }
        prop_assert_eq!(gate.state(now).queue, 0);
    }
}
