//! How likely figures are before anything was seen: people write round ones. In bits.

use crate::limit::on_the_epoch;
use crate::search::{Family, Found};
use crate::seen::Seen;

/// What is told of a window by decisions on a busy machine is known no better than this, in microseconds.
const BESIDE: f64 = 15_000.0;
/// So many of the servers whose windows lie on a clock cut the time since 1970 into them.
const ON_THE_EPOCH: f64 = 0.4;

/// What it costs a window, in bits, that it is as long as users stay, and how much longer and shorter that may be, in microseconds.
const STAYS: f64 = -5.0;
const STAY: f64 = 60_000.0;

/// How likely a limit of this kind has figures that fit, in bits below certainty: round ones are likely, and a kind that fits only with
/// odd figures and a begin of its own fits by luck.
pub(crate) fn likely(seen: &Seen, found: &Found) -> f64 {
    // What is measured on a machine's clock is known no better than this.
    let longer = if found.family == Family::Held {
        seen.held_longer as f64
    } else {
        0.0
    };
    let is_rate = matches!(found.family, Family::Bucket | Family::Queue);
    let beside = if is_rate { 0.0 } else { BESIDE };
    let (low, high) = (
        found.range.0 * 0.9985 - beside,
        found.range.1 * 1.0015 + beside + longer,
    );
    let per: &[(f64, f64)] = match found.family {
        Family::Bucket | Family::Queue => &[
            (10.0, 0.05),
            (5.0, 0.03),
            (1.0, 0.01),
            (0.5, 0.005),
            (0.1, 0.0005),
        ],
        // How long users stay is a test's matter.
        Family::Held => &[(500e3, 0.03), (100e3, 0.003)],
        _ => &[
            (10e6, 0.05),
            (5e6, 0.03),
            (1e6, 0.01),
            (500e3, 0.003),
            (100e3, 0.0003),
        ],
    };
    // Tomcat has windows of 2^n milliseconds.
    let doubled = (10..=17)
        .map(|n| f64::from(1_000 << n))
        .any(|window| (low..=high).contains(&window));
    let doubled = if doubled && !is_rate { 0.002 } else { 0.0 };
    let figure = mass(low, high, per) + doubled + 0.3 * (high / low).ln() / 10.0;
    // Where one fell on the other side of an edge, a count is one beside what was configured.
    let beside = if found.levels.0 >= 10 { 1.5 } else { 0.5 };
    let (least, most) = (
        found.levels.0 as f64 - beside,
        found.levels.1.min(100_000) as f64 + beside,
    );
    let level = mass(least, most, &[(50.0, 0.03), (10.0, 0.03), (5.0, 0.02)])
        + 0.3 * (most / least.max(0.5)).ln() / 8.0;
    let bits = |share: f64| share.clamp(1e-9, 1.0).log2();
    let kind = match (found.family, found.fit.counted) {
        // An end that was seen is no chance.
        (Family::Open, _) => 2.0,
        (Family::Held, _) => -1.0,
        (Family::CounterFirst, true) if !usual_window(found.range) => -8.0,
        (_, true) => -3.0,
        (Family::Counter, false) => -2.0,
        // A window before it that is shorter is one of some.
        (Family::Blocks, counted) => {
            let shorter = found.fit.shape.figure_and_begin().1 > 0;
            -4.0 - if counted { 3.0 } else { 0.0 } - if shorter { 3.0 } else { 0.0 }
        }
        // Theirs is a maker whose windows people write, in whole seconds.
        (Family::CounterFirst, false) if usual_window(found.range) => -5.0,
        (Family::CounterFirst, false) => -10.0,
        _ => 0.0,
    };
    let figure = if found.family == Family::Open { 1.0 } else { figure };
    // Hardly anybody limits by less than a second.
    let short = !matches!(found.family, Family::Bucket | Family::Queue | Family::Open) && low < 9e5;
    let kind = if short { kind - 4.0 } else { kind };
    let begins = if on_the_epoch(seen, found.fit.shape) {
        found.begins.max(ON_THE_EPOCH)
    } else {
        found.begins
    };
    let stays = if is_stay(seen, found) { STAYS } else { 0.0 };
    bits(figure) + bits(level) + bits(begins) + kind + stays
}

/// Whether a window is as long as nearly all of those that were let in stayed: what looks like it are their ends.
fn is_stay(seen: &Seen, found: &Found) -> bool {
    if matches!(found.family, Family::Bucket | Family::Queue | Family::Open) {
        return false;
    }
    let (low, high) = (found.range.0 - STAY, found.range.1 + STAY);
    let (mut within, mut ended) = (0, 0);
    for one in seen.passed() {
        if let Some(end) = one.ended {
            ended += 1;
            let stay = (end - one.answered) as f64;
            within += usize::from((low..=high).contains(&stay));
        }
    }
    ended > 0 && 5 * within >= 4 * ended
}

/// The mass of the multiples that lie in a range: of each step so much a multiple, less the larger it is.
fn mass(low: f64, high: f64, per: &[(f64, f64)]) -> f64 {
    let of = |(step, mass): &(f64, f64)| {
        let first = (low / step).ceil().max(1.0);
        let count = ((high / step).floor() - first + 1.0).clamp(0.0, 20.0);
        if count > 0.0 {
            mass * count / first.sqrt()
        } else {
            0.0
        }
    };
    per.iter().map(of).sum::<f64>().min(1.0)
}

/// Whether people configure a window of this range.
pub(crate) fn usual_window(range: (f64, f64)) -> bool {
    const SECONDS: [f64; 11] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0];
    let long = (1..=120).map(|n| 30.0 * f64::from(n));
    SECONDS.into_iter().chain(long).any(|seconds| {
        let window = 1e6 * seconds;
        range.0 <= 1.005 * window && window <= 1.005 * range.1
    })
}
