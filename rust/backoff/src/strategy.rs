//! The formulas: how long the nth wait is by each strategy, before any hint of the server is heard.

use crate::policy::Policy;
use crate::words::words;
use std::time::Duration;

words! {
    /// How waits grow and spread. `b` base, `c` cap, `m` multiplier, `j` jitter, `a` failures so far - 1 (0 at the first
    /// retry), `U` uniform, `v = min(c, b*m^a)`.
    ///
    /// A draw above the cap is made anew as `U(c/2, c)`, from the lower end of its own range where that lies between the two.
    /// Merely cut, most late waits would be exactly the cap, and a herd would come back as one.
    Strategy {
        /// No retry.
        None = "none",
        /// `b`.
        Fixed = "fixed",
        /// `b*(a+1)`.
        Linear = "linear",
        /// `v`.
        Exponential = "exponential",
        /// The nth entry of the policy's table; its last one repeats.
        Table = "table",
        /// `U(0, v)`: the full jitter of the AWS architecture blog and of the AWS SDKs' standard mode.
        Full = "full",
        /// `v/2 + U(0, v/2)`.
        Equal = "equal",
        /// `v*U(1-j, 1+j)`.
        PlusMinus = "plus-minus",
        /// `v + U(0, 2*j*b)`; with the defaults `2^a + U(0, 1)` seconds.
        Additive = "additive",
        /// `U(b, m*previous)`, the previous wait starting at `b`, `m` 3 by default: waits correlate with the last one,
        /// none is shorter than `b`. The default, as it spreads a storm of connects best (facts of the project, section 8).
        Decorrelated = "decorrelated",
        /// Polly's: `t = a + U(0,1)`, `F(t) = 2^t * tanh(sqrt(4t))`, wait `b/1.4 * (F(t_a) - F(t_{a-1}))`, `F(t_{-1}) = 0`.
        DecorrelatedV2 = "decorrelated-v2",
    }
}

impl Strategy {
    /// The multiplier that holds when the policy sets none.
    #[must_use]
    pub const fn default_multiplier(self) -> f64 {
        match self {
            Strategy::Decorrelated => 3.0,
            _ => 2.0,
        }
    }
}

/// What the correlated strategies remember of the last wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// `decorrelated`: the last wait in seconds, cap applied.
    last: f64,
    /// `decorrelated-v2`: `F` of the last `t`.
    curve: f64,
}

/// From this exponent on every draw is above the cap; it keeps `F` finite.
const LAST_EXPONENT: u64 = 1000;

/// The policy's own wait before retry `a` (0 is the first), `unit` being a number of U(0, 1).
///
/// Whole microseconds (nearest), never above the cap, whatever the arguments; zero for [`Strategy::None`], which never
/// gets here in a checked run.
pub(crate) fn own_wait(policy: &Policy, base: Duration, a: u64, unit: f64, memory: &mut Memory) -> Duration {
    let b = base.as_secs_f64();
    let cap = policy.cap.as_secs_f64();
    let m = policy.effective_multiplier();
    let grown = growth(b, m, a);
    let v = grown.min(cap);
    let seconds = match policy.strategy {
        Strategy::None => 0.0,
        Strategy::Fixed => b,
        Strategy::Linear => b * (a as f64 + 1.0),
        Strategy::Exponential => v,
        Strategy::Table => table_entry(&policy.table, a).as_secs_f64(),
        Strategy::Full => unit * v,
        Strategy::Equal => v / 2.0 + unit * v / 2.0,
        Strategy::PlusMinus => Range(v * (1.0 - policy.jitter), v * (1.0 + policy.jitter)).draw(unit, cap),
        Strategy::Additive => Range(v, v + 2.0 * policy.jitter * b).draw(unit, cap),
        Strategy::Decorrelated => {
            // After a transient failure the last wait may lie below a throttle's base: start again from the base.
            let last = memory.last.max(b);
            // Also a draw anew is no shorter than the base.
            let drawn = Range(b, m * last).draw(unit, cap).max(b.min(cap));
            memory.last = drawn;
            drawn
        }
        Strategy::DecorrelatedV2 => curve_step(b, cap, a, unit, memory),
    };
    capped(seconds, policy.cap)
}

/// `base * multiplier^a` in seconds: infinite rather than wrong when it leaves the range, 0 for a base of 0.
pub(crate) fn growth(base: f64, multiplier: f64, a: u64) -> f64 {
    if base == 0.0 {
        0.0
    } else {
        base * power(multiplier, a)
    }
}

/// Seconds as a duration of whole microseconds, at most `cap`; what is no number or too large is the cap.
pub(crate) fn capped(seconds: f64, cap: Duration) -> Duration {
    if seconds <= 0.0 {
        return Duration::ZERO;
    }
    let exact = Duration::try_from_secs_f64(seconds)
        .unwrap_or(Duration::MAX)
        .min(cap);
    let nearest = exact.saturating_add(Duration::from_nanos(500));
    Duration::new(nearest.as_secs(), nearest.subsec_micros() * 1_000).min(cap)
}

fn table_entry(table: &[Duration], a: u64) -> Duration {
    let nth = usize::try_from(a).unwrap_or(usize::MAX);
    table.get(nth).or(table.last()).copied().unwrap_or_default()
}

/// Where a wait is drawn from, in seconds.
struct Range(f64, f64);

impl Range {
    fn draw(&self, unit: f64, cap: f64) -> f64 {
        self.below(cap, self.0 + unit * (self.1 - self.0))
    }

    /// What was drawn, if it is below the cap, else the draw anew: how far above the cap it lies is as good a number of U(0, 1).
    fn below(&self, cap: f64, drawn: f64) -> f64 {
        let Self(lowest, highest) = *self;
        if drawn < cap || highest <= cap {
            return drawn;
        }
        let from = lowest.max(cap);
        let share = if highest > from {
            (drawn - from) / (highest - from)
        } else {
            1.0
        };
        let least = if lowest < cap {
            lowest.max(cap / 2.0)
        } else {
            cap / 2.0
        };
        least + share * (cap - least)
    }
}

fn curve_step(base: f64, cap: f64, a: u64, unit: f64, memory: &mut Memory) -> f64 {
    if base == 0.0 {
        return 0.0;
    }
    if a >= LAST_EXPONENT {
        return Range(cap, cap * 2.0).draw(unit, cap);
    }
    let curve = |t: f64| t.exp2() * (4.0 * t).sqrt().tanh();
    let before = memory.curve;
    let wait = |t: f64| base / 1.4 * (curve(t) - before);
    let t = a as f64;
    memory.curve = curve(t + unit);
    Range(wait(t), wait(t + 1.0)).below(cap, wait(t + unit))
}

/// `x^n` by squaring: at most 64 rounds, and only multiplications, which are the same to the last bit on every platform
/// (`powf` is not).
fn power(x: f64, mut n: u64) -> f64 {
    let (mut result, mut square) = (1.0, x);
    while n > 0 {
        if n & 1 == 1 {
            result *= square;
        }
        square *= square;
        n >>= 1;
    }
    result
}
