//! Storms of two processes whose clocks are apart.

use crate::storms::{Chance, drawn, first_in, limit, watched};
use crate::verdict::Score;
use backoff::PacerMode;
use find::find;
use limiter::LimitSpec;
use simulate::Hint;

const KINDS: [&str; 5] = [
    "token-bucket",
    "fixed-window",
    "fixed-window clock=aligned",
    "sliding-window",
    "sliding-counter",
];

pub(crate) fn score(limits: u64, seed: u64) -> Score {
    let mut chance = Chance(seed);
    let mut all = Score::default();
    for kind in KINDS {
        let mut of_kind = Score::default();
        for _ in 0..limits {
            let truth: LimitSpec = limit(kind, &mut chance).parse().expect("a limit of the table");
            for mode in [PacerMode::Off, PacerMode::Pace] {
                let users = chance.of(&[60, 80, 120]).max(first_in(&truth));
                let hint = chance.of(&[Hint::None, Hint::Seconds]);
                let mut storm = drawn(&truth, users, hint, mode, &mut chance);
                storm.processes = 2;
                let ahead = chance.of(&[0, 0, 200_000, -700_000, 1_500_000, -4_300_000, 12_000_000]);
                let observed = watched(&storm, &mut chance, &[0, ahead], &mut |_| {});
                let what = format!("{users} users {mode:?} {hint:?} clock {ahead}");
                of_kind.judge(&what, std::slice::from_ref(&truth), &find(&observed));
            }
        }
        println!("{kind}: {}", of_kind.line());
        all.add(of_kind);
    }
    all
}
