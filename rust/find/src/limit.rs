//! What was found as figures and as a limit that decides: the roundest of those that do as well. Which one is right is not judged here.

use crate::models::Shape;
use crate::search::{Family, Found};
use crate::seen::{Micros, Seen};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use std::time::Duration;

/// The roundest of the levels that do; where none is round, the highest: so many were let in. Of a queue people write how many may wait,
/// which is one less.
pub(crate) fn round_level(found: &Found) -> i64 {
    let beside = i64::from(found.family == Family::Queue);
    let (low, high) = (found.fit.level.low - beside, found.fit.level.high - beside);
    let steps = [100, 50, 10, 5];
    let round = steps
        .iter()
        .map(|step| high / step * step)
        .find(|level| *level >= low);
    let level = if found.fit.level.high == i64::MAX {
        low
    } else {
        round.unwrap_or(high)
    };
    level + beside
}

/// Of the begin of windows on the clock of the time since 1970.
fn offset(seen: &Seen, window: Micros, phase: Micros) -> Micros {
    let since_epoch = i128::from(seen.origin) + i128::from(phase);
    Micros::try_from(since_epoch.rem_euclid(i128::from(window))).unwrap_or_default()
}

/// Whether windows begin at multiples of their length since 1970, as far as stamps of different machines can say.
pub(crate) fn on_the_epoch(seen: &Seen, shape: Shape) -> bool {
    match shape {
        Shape::Aligned { window, phase } | Shape::Counter { window, phase } => {
            let offset = offset(seen, window, phase);
            offset.min(window - offset) <= window / 50 + 20_000
        }
        _ => false,
    }
}

/// The window of a limit that blocks, before it does: as long as the block where only its end by the block is seen.
pub(crate) fn before_block(shape: Shape) -> Option<Micros> {
    match shape {
        Shape::Blocks { block, window } => Some(window.unwrap_or(block)),
        _ => None,
    }
}

/// The limit that was found, with its roundest figures.
pub(crate) fn spec(seen: &Seen, found: &Found) -> Option<LimitSpec> {
    let level = u32::try_from(round_level(found)).ok()?;
    let micros = |time: i64| Duration::from_micros(u64::try_from(time).unwrap_or_default());
    let offset = |window: i64, phase: i64| {
        if on_the_epoch(seen, found.fit.shape) {
            Duration::ZERO
        } else {
            micros(offset(seen, window, phase))
        }
    };
    let rule = match found.fit.shape {
        Shape::Bucket { rate } => Rule::TokenBucket { rate, burst: level },
        Shape::Queue { rate } => Rule::Queue {
            rate,
            burst: level - 1,
            delay: 0,
        },
        Shape::Fixed { window } => Rule::FixedWindow {
            limit: level,
            window: micros(window),
            clock: WindowClock::First,
        },
        Shape::Aligned { window, phase } => {
            let clock = WindowClock::Aligned {
                offset: offset(window, phase),
            };
            Rule::FixedWindow {
                limit: level,
                window: micros(window),
                clock,
            }
        }
        Shape::Sliding { window } => Rule::SlidingWindow {
            limit: level,
            window: micros(window),
        },
        Shape::Counter { window, phase } => Rule::SlidingCounter {
            limit: level,
            window: micros(window),
            clock: WindowClock::Aligned {
                offset: offset(window, phase),
            },
        },
        Shape::CounterFirst { window, .. } => Rule::SlidingCounter {
            limit: level,
            window: micros(window),
            clock: WindowClock::First,
        },
        Shape::Blocks { block, window } => Rule::FixedWindow {
            limit: level,
            window: micros(window.unwrap_or(block)),
            clock: WindowClock::First,
        },
        Shape::Open | Shape::Held { .. } => Rule::Concurrency { limit: level },
    };
    let spec: LimitSpec = Limit {
        rule,
        reject_counts: found.fit.counted,
        block: match found.fit.shape {
            Shape::Blocks { block, .. } => Some(micros(block)),
            _ => None,
        },
    }
    .into();
    spec.check().is_ok().then_some(spec)
}
