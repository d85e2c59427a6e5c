//! The invariants of a gate, over any sequence of calls and any settings, legal or not.

use super::*;
use crate::connect::FailureKind;
use proptest::prelude::*;

/// The longest that a user of these tests rests by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// One call.
#[derive(Debug, Clone, Copy)]
enum Call {
    Enter(f64),
    Again(usize, f64, Duration),
    Leave(usize),
    Take,
    Passed(usize),
    Refused(usize, Option<Duration>, bool),
    Limit(usize, Duration),
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
        (0..20_usize, number, durations()).prop_map(|(nth, unit, wait)| Call::Again(nth, unit, wait)),
        (0..20_usize).prop_map(Call::Leave),
        Just(Call::Take),
        (0..20_usize).prop_map(Call::Passed),
        (0..20_usize, proptest::option::of(durations()), any::<bool>())
            .prop_map(|(nth, hint, answer)| Call::Refused(nth, hint, answer)),
        (0..20_usize, durations()).prop_map(|(nth, limit)| Call::Limit(nth, limit)),
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
        burst in any::<u64>(),
    ) -> PacerSettings {
        let [rate, beta, increase, min_rate, max_rate] = rates;
        PacerSettings { mode, rate, burst, beta, increase, min_rate, max_rate, cut_gap, spread, max_hold }
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
            Call::Again(nth, unit, wait) => tickets
                .get(nth)
                .into_iter()
                .for_each(|&ticket| gate.again(ticket, unit, now.saturating_add(wait.min(LONGEST_WAIT)))),
            Call::Leave(nth) => {
                if let Some(&ticket) = tickets.get(nth) {
                    let waited = gate.queue.contains(ticket);
                    assert_eq!(gate.leave(ticket), waited);
                    assert!(!gate.leave(ticket));
                }
            }
            Call::Take => take(&mut gate, now),
            Call::Passed(nth) => tickets
                .get(nth)
                .into_iter()
                .for_each(|&ticket| gate.passed(now, ticket)),
            Call::Refused(nth, hint, answer) => {
                let form = if answer {
                    Form::Status(500)
                } else {
                    Form::NoAnswer(FailureKind::Network)
                };
                let refusal = Refusal {
                    class: Class::Transient,
                    form,
                    hint,
                };
                tickets
                    .get(nth)
                    .into_iter()
                    .for_each(|&ticket| gate.refused(now, ticket, &refusal));
            }
            Call::Limit(nth, limit) => tickets
                .get(nth)
                .into_iter()
                .for_each(|&ticket| gate.answers_by(ticket, limit)),
            Call::Sleep(time) => now = now.saturating_add(time),
            Call::Wait => now = gate.ready().map_or(now, |turn| now.max(turn.at)),
        }
        let settings = *gate.settings();
        assert!(
            (settings.min_rate..=settings.max_rate).contains(&gate.learner.rate),
            "{gate:?}"
        );
        assert_eq!(gate.ready().is_some(), gate.queue.len() > 0);
        assert_eq!(gate.state(now).queue, gate.queue.len());
    }
    (gate, now)
}

/// A turn is the first one's, and not before its moment, a hold or the owner's deadline.
fn take(gate: &mut Pacer, now: Duration) {
    if gate.settings.mode == PacerMode::Pace {
        // What nobody answered may change who is first.
        gate.hear_silence(gate.latest.max(now));
    }
    let (turn, held) = (gate.ready(), gate.state(now).hold);
    let Some(taken) = gate.take(now) else { return };
    let turn = turn.expect("nobody has a turn who does not wait");
    assert!(
        turn.ticket == taken && turn.at <= now,
        "{turn:?} {taken:?} at {now:?}"
    );
    let waits = matches!(gate.settings.mode, PacerMode::Pause | PacerMode::Pace);
    assert!(
        !waits || held.is_zero(),
        "nobody goes while a hint holds: {held:?}"
    );
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
            // A hold at its longest, or a gap at its longest, the spread, the user's own wait, answers that do not come, or a window as
            // long as the longest closing: no turn is farther away.
            let longest = settings.max_hold.saturating_add(settings.spread)
                .saturating_add(Duration::from_secs_f64(1.5 / settings.min_rate))
                .saturating_add(now.saturating_mul(4)).saturating_add(LONGEST_WAIT * 8);
            prop_assert!(turn.at <= now.saturating_add(longest), "{turn:?} at {now:?}: {gate:?}");
            now = now.max(turn.at);
            // By now an answer may be late, which is a refusal.
            let taken = gate.take(now);
            prop_assert!(taken.is_none_or(|taken| taken == turn.ticket));
        }
        prop_assert_eq!(gate.state(now).queue, 0);
    }
}

/// A gate at which so many got in, while these were refused again and again.
fn suspects(count: usize) -> (Pacer, Vec<Ticket>, Duration) {
    let mut gate = Pacer::new(PacerSettings::of(PacerMode::Pace));
    let mut now = Duration::ZERO;
    let out: Vec<Ticket> = (0..count).map(|_| gate.enter(0.5)).collect();
    for _ in 0..60 {
        let other = gate.enter(0.5);
        while let Some(turn) = gate.ready() {
            now = now.max(turn.at);
            let ticket = gate.take(now).expect("it is due");
            if out.contains(&ticket) {
                gate.refused(now, ticket, &refusal(None));
                gate.again(ticket, 0.5, now);
            } else {
                gate.passed(now, other);
                break;
            }
        }
    }
    (gate, out, now)
}

fn refusal(hint: Option<Duration>) -> Refusal {
    Refusal {
        class: Class::Throttle,
        form: Form::Status(429),
        hint,
    }
}

#[test]
fn those_who_alone_are_refused_do_not_hammer_when_nobody_else_waits() {
    const HINT: Duration = Duration::from_secs(5);
    for count in [1, 2, 7] {
        let (mut gate, out, begun) = suspects(count);
        let (mut now, mut tries) = (begun, 0);
        while let Some(turn) = gate.ready().filter(|turn| turn.at < begun + HINT * 4) {
            now = now.max(turn.at);
            let ticket = gate.take(now).expect("it is due");
            gate.refused(now, ticket, &refusal(Some(HINT)));
            gate.again(ticket, 0.5, now + HINT);
            tries += 1;
        }
        // Each of them once more than the server asks for, and no other one in its hint.
        assert!(tries <= out.len() * 6, "{count}: {tries} in four hints");
    }
}

/// Nobody refuses them, so that nothing else tells the gate to forget them.
#[test]
fn those_who_got_in_by_turns_are_forgotten() {
    let found = LockedOut {
        users: 1_000,
        quota: 20,
        window: Duration::from_secs(14),
        hinted: false,
        proven: false,
    };
    let mut gate = Pacer::closed(PacerSettings::of(PacerMode::Pace), Duration::ZERO, &found, None);
    let mut now = Duration::ZERO;
    for _ in 0..1_000 {
        let ticket = gate.enter(0.5);
        now = now.max(gate.ready().expect("one waits").at);
        gate.take(now);
        gate.passed(now, ticket);
        gate.leave(ticket);
    }
    assert!(gate.learner.spacing.sent.len() < 10);
}

#[test]
fn of_two_sent_in_one_moment_the_refused_one_ends_itself_alone() {
    let mut gate = Pacer::new(PacerSettings::of(PacerMode::Observe));
    let first = gate.enter(0.5);
    let sent = Duration::from_millis(100);
    assert!(gate.take(sent / 100).is_some());
    gate.passed(sent / 50, first);
    let (one, other) = (gate.enter(0.5), gate.enter(0.5));
    assert!(gate.take(sent).is_some() && gate.take(sent).is_some());
    gate.refused(sent * 2, one, &refusal(None));
    gate.passed(sent * 2, other);
    assert_eq!(gate.learner.spacing.last, Some(sent));
}
