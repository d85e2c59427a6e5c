//! Storms in virtual time against limits drawn at random, with stamps as a busy machine makes them.

use crate::verdict::Score;
use backoff::{PacerMode, PacerSettings};
use find::{Decision, Observations, Outcome, find};
use limiter::{LimitSpec, Rule};
use simulate::{Answer, Attempt, Hint, Look, Storm};
use std::time::Duration;

/// Chance of the example's own: SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index")]
    }
}

/// A begin of all windows that people configure, in microseconds since 1970.
pub(crate) const BEGIN: u64 = 1_795_824_000_000_000;

pub(crate) const KINDS: [&str; 9] = [
    "token-bucket",
    "fixed-window",
    "fixed-window clock=aligned",
    "sliding-window",
    "sliding-counter",
    "sliding-window reject-counts=true",
    "sliding-counter reject-counts=true",
    "concurrency",
    "queue",
];

/// A limit of the kind under which so many users are in after half a minute to two minutes.
pub(crate) fn limit(kind: &str, chance: &mut Chance) -> String {
    let rate = chance.of(&[2.0, 3.0, 4.0, 5.0, 7.5, 8.0, 10.0, 12.5, 15.0]);
    let burst = chance.of(&[5, 10, 15, 20, 25, 30, 33, 40]);
    let window = chance.of(&[3, 4, 5, 7, 8, 10, 12, 15, 20]);
    let (word, more) = kind.split_once(' ').unwrap_or((kind, ""));
    let offset = if kind.contains("aligned") || kind.contains("counter") {
        format!(" offset={}ms", chance.below(1_000 * window))
    } else {
        String::new()
    };
    let limit = (window as f64 * chance.of(&[3.0, 4.0, 5.0, 6.5, 8.0, 10.0])).round();
    match word {
        "token-bucket" => format!("token-bucket rate={rate} burst={burst}"),
        "queue" => format!("queue rate={rate} burst={burst}"),
        "concurrency" => format!("concurrency limit={burst}"),
        _ => format!("{word} limit={limit} window={window}s {more}{offset}"),
    }
}

/// How many it lets in at once.
pub(crate) fn first_in(limit: &LimitSpec) -> usize {
    let level = match limit.limits[0].rule {
        Rule::TokenBucket { burst, .. } | Rule::Queue { burst, .. } => burst,
        Rule::FixedWindow { limit, .. }
        | Rule::SlidingWindow { limit, .. }
        | Rule::SlidingCounter { limit, .. }
        | Rule::Concurrency { limit } => limit,
        Rule::Unlimited => 0,
    };
    usize::try_from(level).expect("a small number")
}

pub(crate) fn score(limits: u64, seed: u64) -> Score {
    let mut chance = Chance(seed);
    let mut all = Score::default();
    for kind in KINDS {
        let mut of_kind = Score::default();
        for _ in 0..limits {
            let text = limit(kind, &mut chance);
            let truth: LimitSpec = text.parse().expect("a limit of the table");
            for mode in [PacerMode::Off, PacerMode::Pace] {
                let enough = 2 * first_in(&truth);
                let users = chance.of(&[60, 80, 120, 160, 200]).max(enough);
                let hint = chance.of(&[Hint::None, Hint::Seconds]);
                let found = find(&storm(&truth, users, hint, mode, &mut chance));
                let what = format!("{users} users {mode:?} {hint:?}");
                of_kind.judge(&what, std::slice::from_ref(&truth), &found);
            }
        }
        println!("{kind}: {}", of_kind.line());
        all.add(of_kind);
    }
    all
}

/// A storm as chance has it, of users who find what their server is like.
fn storm(truth: &LimitSpec, users: usize, hint: Hint, mode: PacerMode, chance: &mut Chance) -> Observations {
    let storm = drawn(truth, users, hint, mode, chance);
    watched(&storm, chance, &[], &mut |_| {})
}

pub(crate) fn drawn(
    truth: &LimitSpec,
    users: usize,
    hint: Hint,
    mode: PacerMode,
    chance: &mut Chance,
) -> Storm {
    let mut storm = Storm::new(truth.clone(), users);
    storm.look = Look::Status(chance.of(&[429, 429, 503]));
    storm.hint = hint;
    storm.gate = PacerSettings::of(mode);
    storm.round_trip = Duration::from_millis(chance.of(&[2, 10, 40]));
    storm.ramp = Duration::from_millis(chance.of(&[20, 500, 1_000]));
    storm.horizon = Duration::from_secs(300);
    let cap = |limit: &limiter::Limit| matches!(limit.rule, Rule::Concurrency { .. });
    storm.held = truth
        .limits
        .iter()
        .any(cap)
        .then(|| Duration::from_millis(chance.of(&[1_500, 2_300, 4_000])));
    storm
}

/// What the users saw, with the stamps of a busy machine; each attempt is shown as it was, too. The clocks of the processes are ahead
/// by so many microseconds.
pub(crate) fn watched(
    storm: &Storm,
    chance: &mut Chance,
    ahead: &[i64],
    each: &mut dyn FnMut(&Attempt),
) -> Observations {
    let mut decisions = Vec::new();
    // What the server's clock shows when the storm begins is a time since 1970.
    let clock = storm.clock.unwrap_or_default();
    let origin = BEGIN + u64::try_from(clock.as_micros()).unwrap_or(0);
    let seed = chance.next();
    storm.run_watched(seed, &mut |attempt: Attempt| {
        each(&attempt);
        let micros = |time: Duration| origin + u64::try_from(time.as_micros()).unwrap_or(0);
        // Threads wake late, mostly by little.
        let late = |chance: &mut Chance| match chance.below(10) {
            0 => chance.below(40_000),
            1 | 2 => chance.below(10_000),
            _ => chance.below(1_000),
        };
        let wait = match &attempt.answer {
            Answer::Refused(Some((_, value))) => value.parse::<f64>().ok(),
            _ => None,
        };
        let outcome = match attempt.answer {
            Answer::In => Outcome::Passed,
            Answer::Refused(_) => Outcome::Refused,
            Answer::TimedOut => Outcome::Unanswered,
        };
        decisions.push(Decision {
            sent: micros(attempt.sent).saturating_sub(late(chance)),
            answered: micros(attempt.answered) + late(chance),
            outcome,
            user: u32::try_from(attempt.user).unwrap_or(0),
            target: 0,
            status: None,
            hint: wait.map(|seconds| (1e3 * seconds, 0)),
            ended: attempt.left.map(micros),
        });
    });
    // Who is not to leave stays to the test's end, as in JMeter.
    let end = decisions.iter().map(|one| one.answered).max().unwrap_or(origin) + 1_000_000;
    let mut observations = Observations::new();
    for one in decisions {
        let stayed =
            (one.outcome == Outcome::Passed && storm.held.is_none()).then(|| end + chance.below(200_000));
        let source = usize::try_from(one.user).unwrap_or(0) / storm.users;
        let ahead = ahead.get(source).copied().unwrap_or(0);
        let moved = |time: u64| time.saturating_add_signed(ahead);
        observations.add_of(
            source,
            Decision {
                sent: moved(one.sent),
                answered: moved(one.answered),
                ended: one.ended.or(stayed).map(moved),
                ..one
            },
        );
    }
    observations
}
