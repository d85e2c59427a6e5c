//! Each kind of limit that `serve` takes, on its way through a storm and back to text: the same limit, or what differs is told to be open.
//! Two at once stand in `double`.

use find::{Decision, Finding, Observations, Outcome, find};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use simulate::{Answer, Attempt, Hint, Storm};
use std::time::Duration;

/// Limits with how many storm and what their server's clock shows then, in milliseconds; whether they are to come back the same.
const TRIPS: [(&str, usize, u64, bool); 21] = [
    ("token-bucket rate=5 burst=20", 70, 0, true),
    ("token-bucket rate=5 burst=20 reject-counts=true", 60, 0, false),
    ("fixed-window limit=20 window=4s", 80, 1_300, true),
    (
        "fixed-window limit=20 window=4s reject-counts=true",
        60,
        1_300,
        false,
    ),
    (
        "fixed-window limit=20 window=4s clock=aligned offset=1.2s",
        80,
        3_900,
        true,
    ),
    ("sliding-window limit=20 window=5s", 80, 700, false),
    (
        "sliding-window limit=20 window=5s reject-counts=true",
        60,
        700,
        false,
    ),
    ("sliding-counter limit=20 window=4s offset=1.7s", 80, 5_100, true),
    ("sliding-counter limit=24 window=4s clock=first", 80, 2_600, true),
    (
        "sliding-counter limit=24 window=4s clock=first reject-counts=true",
        60,
        2_600,
        false,
    ),
    (
        "sliding-counter limit=24 window=4s offset=1.7s reject-counts=true",
        60,
        5_100,
        false,
    ),
    ("queue rate=5 burst=20", 60, 0, true),
    ("queue rate=5 burst=20 delay=5", 60, 0, true),
    ("concurrency limit=12", 60, 0, true),
    ("fixed-window limit=20 window=2s block=5s", 80, 0, false),
    ("fixed-window limit=30 window=3s block=8s", 120, 0, false),
    (
        "fixed-window limit=12 window=2s block=5s reject-counts=true",
        40,
        0,
        false,
    ),
    ("token-bucket rate=5 burst=12 block=4s", 60, 0, false),
    ("fixed-window limit=10 window=2s block=4s", 60, 700, false),
    (
        "sliding-counter limit=20 window=3s clock=first reject-counts=true",
        60,
        700,
        false,
    ),
    ("fixed-window limit=16 window=2s", 60, 0, false),
];

/// A begin of all windows that people configure, in microseconds since 1970.
const BEGIN: u64 = 1_795_824_000_000_000;

/// What the users saw, with the stamps of a machine that is a little late now and then.
fn seen(limit: &LimitSpec, users: usize, clock: u64) -> Observations {
    let mut storm = Storm::new(limit.clone(), users);
    (storm.round_trip, storm.ramp) = (Duration::from_millis(10), Duration::from_millis(400));
    (storm.hint, storm.clock) = (Hint::None, Some(Duration::from_millis(clock)));
    let cap = |limit: &Limit| matches!(limit.rule, Rule::Concurrency { .. });
    storm.held = limit
        .limits
        .iter()
        .any(cap)
        .then_some(Duration::from_millis(1_500));
    let micros =
        |time: Duration| BEGIN + 1_000 * clock + u64::try_from(time.as_micros()).expect("far below 2^64");
    let mut observations = Observations::new();
    let mut nth = 0_u64;
    storm.run_watched(7, &mut |attempt: Attempt| {
        nth += 1;
        observations.add(Decision {
            sent: micros(attempt.sent) - nth * nth % 900,
            answered: micros(attempt.answered)
                + if nth % 10 == 0 {
                    nth * nth % 20_000
                } else {
                    nth % 900
                },
            outcome: match attempt.answer {
                Answer::In => Outcome::Passed,
                Answer::Refused(_) => Outcome::Refused,
                Answer::TimedOut => Outcome::Unanswered,
            },
            user: u32::try_from(attempt.user).expect("a few"),
            target: 0,
            status: None,
            hint: None,
            ended: attempt.left.map(micros),
        });
    });
    observations
}

/// Why a limit came back as another one; nothing where what differs is told to be open, and the same or not.
fn came_back(truth: &LimitSpec, found: &Finding) -> Result<bool, String> {
    let Some(spec) = &found.limit_spec else {
        return Ok(false);
    };
    assert_eq!(spec.to_string().parse().as_ref(), Ok(spec), "reads back");
    if spec.limits.len() != truth.limits.len() {
        return Err("another number of limits".to_owned());
    }
    let mut same = true;
    for told in &spec.limits {
        let of = truth
            .limits
            .iter()
            .find(|limit| limit.rule.word() == told.rule.word());
        let Some(of) = of else {
            let mut kinds = truth.limits.iter().map(|limit| limit.rule.word());
            let open = kinds.any(|word| found.also_possible.iter().any(|kind| kind.word() == word));
            same = false;
            if open {
                continue;
            } else {
                return Err("another kind".to_owned());
            }
        };
        for (what, alike, open) in differences(told, of, found) {
            same &= alike;
            if !alike && !open {
                return Err(format!("another {what}"));
            }
        }
    }
    Ok(same)
}

/// What may differ, whether it is the same, and whether it is told to be open.
fn differences(told: &Limit, of: &Limit, found: &Finding) -> [(&'static str, bool, bool); 5] {
    let says = |word: &str| found.cannot_tell.iter().any(|text| text.contains(word));
    let wide = found
        .intervals
        .values()
        .any(|[low, high]| *high > 1.1 * low + 1.0);
    let (clock, real_clock) = (clock(&told.rule), clock(&of.rule));
    let begins = clock
        .flatten()
        .zip(real_clock.flatten())
        .is_none_or(|(told, real)| {
            let apart = (told - real).rem_euclid(1.0);
            apart.min(1.0 - apart) <= 0.05
        });
    [
        ("block", told.block.is_some() == of.block.is_some(), says("block")),
        (
            "clock",
            clock.map(|at| at.is_some()) == real_clock.map(|at| at.is_some()),
            says("clock"),
        ),
        ("begin of windows", begins, wide),
        (
            "counting of refusals",
            told.reject_counts == of.reject_counts,
            found.refusals_count.is_none(),
        ),
        ("figure", figures_are_near(told, of), wide),
    ]
}

/// Of windows: whether they lie on a clock, and where in it they begin, as a share of a window.
fn clock(rule: &Rule) -> Option<Option<f64>> {
    match *rule {
        Rule::FixedWindow { window, clock, .. } | Rule::SlidingCounter { window, clock, .. } => {
            Some(match clock {
                WindowClock::First => None,
                WindowClock::Aligned { offset } => Some(offset.as_secs_f64() / window.as_secs_f64()),
            })
        }
        _ => None,
    }
}

fn figures_are_near(told: &Limit, of: &Limit) -> bool {
    let figures = |limit: &Limit| {
        let (count, per) = match limit.rule {
            Rule::TokenBucket { rate, burst } | Rule::Queue { rate, burst, .. } => (burst, rate),
            Rule::FixedWindow { limit, window, .. }
            | Rule::SlidingWindow { limit, window }
            | Rule::SlidingCounter { limit, window, .. } => (limit, window.as_secs_f64()),
            Rule::Concurrency { limit } => (limit, 0.0),
            Rule::Unlimited => (0, 0.0),
        };
        (count, per, limit.block.map_or(0.0, |block| block.as_secs_f64()))
    };
    let near = |told: f64, real: f64| (told - real).abs() <= 0.05 * real;
    let ((count, per, block), (real_count, real_per, real_block)) = (figures(told), figures(of));
    let counts = count.abs_diff(real_count) <= 1 || near(count.into(), real_count.into());
    let blocks = block == 0.0 || real_block == 0.0 || near(block, real_block);
    counts && near(per, real_per) && blocks
}

/// What the fields, the limit as text and the sentence say differently.
fn disagreement(found: &Finding) -> Option<&'static str> {
    let (spec, sentence) = (found.limit_spec.as_ref()?, found.sentence());
    let limit = &spec.limits[0];
    let windows = match limit.rule {
        Rule::FixedWindow { limit, window, .. }
        | Rule::SlidingWindow { limit, window }
        | Rule::SlidingCounter { limit, window, .. } => Some((limit, window)),
        _ => None,
    };
    let ms = |time: Duration| 1e3 * time.as_secs_f64();
    let near = |told: Option<f64>, text: f64| told.is_some_and(|told| (told - text).abs() < 1.0);
    let open = |word: &str| found.cannot_tell.iter().any(|text| text.contains(word));
    let of_haproxy = found.likely_makers.contains(&"HAProxy stick table");
    let clock = ["on the server's clock", "first attempt on"];
    let says_clock = clock.iter().any(|word| sentence.contains(word));
    let checks = [
        (limit.rule.word() == found.kind.word(), "the kind"),
        (
            windows.is_none_or(|(limit, _)| found.limit == Some(limit.into())),
            "the limit",
        ),
        (
            windows.is_none_or(|(_, window)| near(found.window_ms, ms(window))),
            "the window",
        ),
        (
            limit.block.is_none_or(|block| near(found.block_ms, ms(block))),
            "the block",
        ),
        (limit.block.is_some() == found.block_ms.is_some(), "a block"),
        (
            !limit.reject_counts || found.refusals_count == Some(true),
            "refusals that count in the text alone",
        ),
        (
            limit.reject_counts || found.refusals_count != Some(true),
            "refusals that do not count in the text alone",
        ),
        (
            !of_haproxy || limit.reject_counts,
            "refusals that count for the maker",
        ),
        (
            !says_clock || !open("whether windows begin"),
            "a begin of windows that stays open",
        ),
        (
            found.intervals.iter().all(|(_, [low, high])| low <= high),
            "an interval",
        ),
    ];
    checks.iter().find(|(holds, _)| !holds).map(|(_, what)| *what)
}

#[test]
fn a_limit_comes_back_from_a_storm_as_the_same_text_or_what_differs_is_told_to_be_open() {
    let check = |&(text, users, clock, known): &(&str, usize, u64, bool)| {
        let truth: LimitSpec = text.parse().expect("a limit of the table");
        let found = find(&seen(&truth, users, clock));
        let possible = |kind| found.kind == kind || found.also_possible.contains(&kind);
        let both: Vec<_> = found.ruled_out.iter().filter(|one| possible(one.kind)).collect();
        assert!(both.is_empty(), "{truth}: possible and ruled out: {both:?}");
        assert_eq!(disagreement(&found), None, "{truth}: {found:?}");
        let told = found.limit_spec.as_ref().map(ToString::to_string);
        match came_back(&truth, &found) {
            Err(why) => Some(format!("{text}: {why}: {told:?}, {:?}", found.cannot_tell)),
            Ok(false) if known => Some(format!("{text}: is not known: {told:?}, {:?}", found.cannot_tell)),
            Ok(_) => None,
        }
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = TRIPS
            .chunks(TRIPS.len().div_ceil(4))
            .map(|part| scope.spawn(move || part.iter().filter_map(check).collect::<Vec<_>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("no panic"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_block_of_a_window_whose_length_stays_open_is_told_without_one_and_is_a_guess_as_text() {
    let truth: LimitSpec = "fixed-window limit=10 window=2s block=4s"
        .parse()
        .expect("a limit");
    let found = find(&seen(&truth, 60, 700));
    for (figure, real) in [("windowMs", 2_000.0), ("blockMs", 4_000.0)] {
        let [low, high] = found.intervals[figure];
        assert!(low <= real && real <= high, "{figure}: {found:?}");
    }
    let guess = found.guess().map(|(figure, _)| figure);
    assert_eq!(guess, Some("windowMs"), "{found:?}");
    assert_eq!(
        found.sentence(),
        "the limit: fixed window, 10 in one whose length is not known, blocked for 4 s after a refusal"
    );
}
