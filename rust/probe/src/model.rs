//! One model of a limit: its kind and its figures, how they are drawn, and how the nearest ones are.

use crate::class::Class;
use crate::figures::{LEAST_RATE, LEAST_WINDOW, MOST_RATE, MOST_WINDOW, all_usual, odd, usual};
use crate::history::{BEGIN, History};
use crate::state::State;
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use std::time::Duration;

/// A kind with its figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Model {
    pub(crate) class: Class,
    /// Limit or burst.
    pub(crate) count: f64,
    /// Window in seconds, or rate a second; how long it blocks, or until a place gets free.
    pub(crate) scale: f64,
    /// Share of the window by which windows on the clock are shifted; share of a queue's burst that does not wait; of one that blocks,
    /// how long its window is against the time of the block, see [`Model::before_block`].
    pub(crate) phase: f64,
    /// Its two counters are on no clock: windows begin with the first try after two in which none counted. It has no phase, then.
    pub(crate) on_no_clock: bool,
    /// What others had used when the experiment began.
    pub(crate) used: Used,
}

/// Others' use before the begin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Used {
    /// How many they were.
    pub(crate) count: f64,
    /// How long ago, in windows.
    pub(crate) ago: f64,
    /// One after the other since then, not all at once.
    pub(crate) spread: bool,
}

/// How often two counters are taken to be on no clock, as HAProxy's are.
const ON_NO_CLOCK: f64 = 0.3;
/// How often others are taken to have used some.
const BY_OTHERS: f64 = 0.3;

impl Used {
    fn any(class: Class, history: &History, random: &mut Xoshiro256PlusPlus) -> Used {
        // A cap has no past.
        if class.has_places() || !random.random_bool(BY_OTHERS) {
            return Used::default();
        }
        let passes = history.first_refusal().map_or(0, |(_, passes)| passes.len());
        let most = passes.max(4) as f64 * 4.0;
        Used {
            count: (random.random::<f64>() * most.ln()).exp().round(),
            ago: random.random::<f64>(),
            spread: matches!(class, Class::Sliding | Class::SlidingCounts) && random.random_bool(0.5),
        }
    }
}

/// Windows of those that block, in times of the block.
const SHORTEST_BEFORE: f64 = 0.02;
const LONGEST_BEFORE: f64 = 50.0;
/// So many of all windows: each is a twelfth longer than the one before it.
const ALL_WINDOWS: u32 = 100;

impl Model {
    pub(crate) fn spec(&self) -> LimitSpec {
        // A queue in which nobody waits is a bucket.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // kept within by `tidy`
        let (count, delay) = (
            self.count as u32,
            ((self.count - 1.0) * self.phase).max(0.0) as u32,
        );
        let window = Duration::from_secs_f64(self.scale);
        let offset = Duration::from_secs_f64(self.scale * self.phase);
        let rule = match self.class {
            Class::Bucket | Class::BucketCounts | Class::Drips => Rule::TokenBucket {
                rate: self.scale,
                burst: count,
            },
            Class::Fixed | Class::FixedCounts => Rule::FixedWindow {
                limit: count,
                window,
                clock: WindowClock::First,
            },
            Class::Aligned => Rule::FixedWindow {
                limit: count,
                window,
                clock: WindowClock::Aligned { offset },
            },
            Class::Sliding | Class::SlidingCounts => Rule::SlidingWindow { limit: count, window },
            Class::Counter | Class::CounterCounts => Rule::SlidingCounter {
                limit: count,
                window,
                clock: if self.on_no_clock {
                    WindowClock::First
                } else {
                    WindowClock::Aligned { offset }
                },
            },
            Class::Queue => Rule::Queue {
                rate: self.scale,
                burst: count,
                delay,
            },
            Class::Concurrency | Class::Late => Rule::Concurrency { limit: count },
            Class::Blocks | Class::BlocksAnew => Rule::FixedWindow {
                limit: count,
                window: Duration::from_secs_f64(self.before_block()),
                clock: WindowClock::First,
            },
        };
        LimitSpec::from(Limit {
            rule,
            reject_counts: self.class.refusals_count(),
            block: self.class.blocks().then(|| Duration::from_secs_f64(self.scale)),
        })
    }

    /// The window of one that blocks, in seconds.
    pub(crate) fn before_block(&self) -> f64 {
        self.scale * SHORTEST_BEFORE * (LONGEST_BEFORE / SHORTEST_BEFORE).powf(self.phase)
    }

    /// Where it stands when the experiment begins.
    pub(crate) fn at_begin(&self) -> State {
        let time = Duration::from_secs_f64(self.scale);
        let mut limiter = match self.class {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // kept within by `tidy`
            Class::Late => State::late(self.count as u32, time),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // kept within by `tidy`
            Class::Drips => State::dripping(self.count as u32, Duration::from_secs_f64(1.0 / self.scale)),
            _ => State::limited(&self.spec()),
        };
        for at in self.used_at() {
            let _ = limiter.try_pass(at);
        }
        limiter
    }

    /// When others used it.
    fn used_at(&self) -> impl Iterator<Item = Duration> + '_ {
        let Used { count, ago, spread } = self.used;
        let ago = if self.class.has_rate() {
            0.0
        } else {
            ago * self.scale
        };
        let from = BEGIN.as_secs_f64() - ago;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a small count
        (0..count as u32).map(move |nth| {
            let later = if spread { ago * f64::from(nth) / count } else { 0.0 };
            Duration::from_secs_f64(from + later)
        })
    }

    /// As whoever reads it counts the time: from the experiment's begin.
    pub(crate) fn told(&self) -> LimitSpec {
        let windows = BEGIN.as_secs_f64() / self.scale;
        let phase = match self.class.is_on_a_clock() {
            true => (self.phase - windows).rem_euclid(1.0).min(0.999),
            false => self.phase,
        };
        Model { phase, ..*self }.spec()
    }

    /// One that blocks, with the window that people would write in the middle of those between the two.
    pub(crate) fn with_window(&self, (shortest, longest): (f64, f64)) -> Model {
        let middle = usual((shortest * longest).sqrt());
        if self.class.blocks() && (shortest..=longest).contains(&middle) {
            self.of_window(middle)
        } else {
            *self
        }
    }

    /// One that blocks, with so long a window before.
    fn of_window(&self, seconds: f64) -> Model {
        let spread = (LONGEST_BEFORE / SHORTEST_BEFORE).ln();
        let phase = (seconds / self.scale / SHORTEST_BEFORE).ln() / spread;
        Model {
            phase: phase.clamp(0.0, 1.0),
            ..*self
        }
    }

    /// One that blocks, with windows from the shortest to the longest, and with all that people write.
    pub(crate) fn with_all_windows(&self) -> Vec<Model> {
        if !self.class.blocks() {
            return Vec::new();
        }
        let phases = (0..=ALL_WINDOWS).map(|nth| f64::from(nth) / f64::from(ALL_WINDOWS));
        let all = phases.map(|phase| Model { phase, ..*self });
        let written = all_usual(Class::Fixed);
        all.chain(written.into_iter().map(|seconds| self.of_window(seconds)))
            .collect()
    }

    /// The same as others may have used it before: their window began some time ago, and one of ours may reach into two of theirs.
    pub(crate) fn used_spec(&self) -> LimitSpec {
        let twice = Model {
            class: Class::Sliding,
            count: self.count * 2.0,
            ..*self
        };
        match self.class {
            Class::Blocks | Class::BlocksAnew => Model {
                class: Class::Sliding,
                count: self.count * 2.0,
                scale: self.before_block(),
                ..*self
            }
            .spec(),
            Class::Fixed | Class::FixedCounts => twice.spec(),
            _ => self.spec(),
        }
    }

    /// How long nobody may use it until it is as if nobody ever had. What opens bit by bit gets so much more time that a larger one
    /// of the same rate would have opened farther.
    pub(crate) fn rest(&self) -> Duration {
        Duration::from_secs_f64(match self.class {
            Class::Bucket | Class::BucketCounts | Class::Drips | Class::Queue => {
                (self.count * 1.2 + 2.0) / self.scale
            }
            Class::Fixed | Class::FixedCounts | Class::Aligned | Class::Sliding | Class::SlidingCounts => {
                self.scale
            }
            Class::Blocks | Class::BlocksAnew => self.scale.max(self.before_block()),
            Class::Late => self.scale,
            Class::Counter | Class::CounterCounts => self.scale * 2.2,
            Class::Concurrency => 0.0,
        })
    }

    /// After how long it no longer knows who had used it before, whatever came meanwhile; `None`: that hangs on what comes, or it has figures
    /// enough to fit what it did by chance, and is to be seen from rest once more.
    pub(crate) fn forgets(&self) -> Option<Duration> {
        let forgets = matches!(self.class, Class::Fixed | Class::Sliding | Class::SlidingCounts);
        forgets.then(|| Duration::from_secs_f64(self.scale * 1.05))
    }

    /// Whether no window on a clock ended between the two.
    pub(crate) fn is_in_one_window(&self, one: Duration, other: Duration) -> bool {
        if self.on_no_clock {
            return other.saturating_sub(one).as_secs_f64() < self.scale;
        }
        let window = |at: Duration| (at.as_secs_f64() / self.scale - self.phase).floor();
        !self.class.is_on_a_clock() || window(one) == window(other)
    }

    /// Any of a class, with the count that makes its first refusal the server's.
    pub(crate) fn any(class: Class, history: &History, random: &mut Xoshiro256PlusPlus) -> Model {
        let (low, high) = if class.has_rate() {
            (LEAST_RATE, MOST_RATE)
        } else {
            (LEAST_WINDOW, MOST_WINDOW)
        };
        let drawn = (low.ln() + random.random::<f64>() * (high / low).ln()).exp();
        let scale = if random.random_bool(0.5) {
            usual(drawn)
        } else {
            drawn
        };
        Model::of_scale(class, scale, history, random)
    }

    /// Any of a class with this window or rate.
    pub(crate) fn of_scale(
        class: Class,
        scale: f64,
        history: &History,
        random: &mut Xoshiro256PlusPlus,
    ) -> Model {
        let phase = match class {
            Class::Queue if random.random_bool(0.6) => 0.0,
            Class::Blocks | Class::BlocksAnew => random.random::<f64>(),
            _ => begins_at_opening(scale, history, random).unwrap_or_else(|| random.random::<f64>() * 0.999),
        };
        let model = Model {
            class,
            count: 1.0,
            scale,
            phase,
            on_no_clock: class.has_two_counters() && random.random_bool(ON_NO_CLOCK),
            used: Used::any(class, history, random),
        };
        model.counted(history, random)
    }

    /// One like it.
    pub(crate) fn near(&self, history: &History, random: &mut Xoshiro256PlusPlus) -> Model {
        let mut model = *self;
        let spread = [0.0, 0.002, 0.01, 0.04, 0.15][random.random_range(0..5)];
        model.scale *= (spread * (random.random::<f64>() * 2.0 - 1.0)).exp();
        if random.random_bool(0.2) {
            model.scale = usual(model.scale);
        }
        if random.random_bool(0.6) {
            model = self.of_length(model.scale, history, random.random_range(0..4));
        }
        if random.random_bool(0.6) {
            let shift = [0.002, 0.02, 0.2][random.random_range(0..3)];
            model.phase += shift * (random.random::<f64>() * 2.0 - 1.0);
            model.phase = if model.class == Class::Queue {
                model.phase.clamp(0.0, 1.0)
            } else {
                model.phase.rem_euclid(1.0).min(0.999)
            };
        }
        if model.class.has_two_counters() && random.random_bool(0.1) {
            model.on_no_clock = !model.on_no_clock;
        }
        match random.random_range(0..6) {
            0 => return model.counted(history, random),
            // Others used more, or less, of a quota that is so much larger, or smaller.
            4 | 5 => {
                let was = model.used.count;
                model.used = Used::any(model.class, history, random);
                if was > 0.0 && random.random_bool(0.5) {
                    model.used.count = (was + random.random_range(-2..=2) as f64).max(0.0);
                }
                model.count += model.used.count - was;
            }
            1 => model.count += random.random_range(-2..=2) as f64,
            2 => model.count *= 1.0 + 0.04 * (random.random::<f64>() * 2.0 - 1.0),
            _ => {}
        }
        model.tidy()
    }

    /// When the window on the clock began in which `at` is, or one so many before it, in seconds.
    pub(crate) fn begin(&self, at: Duration, ago: u32) -> f64 {
        let windows = (at.as_secs_f64() / self.scale - self.phase).floor() - f64::from(ago);
        (windows + self.phase) * self.scale
    }

    /// With another window, or rate. One of the last begins of a window on the clock, which is known best, stays where it was.
    fn of_length(&self, scale: f64, history: &History, ago: u32) -> Model {
        let mut model = Model { scale, ..*self };
        if self.class.is_on_a_clock() {
            let begin = self.begin(history.last(), ago);
            model.phase = (begin / scale).rem_euclid(1.0).min(0.999);
        }
        model
    }

    /// The same with a window, or rate, as people write it.
    pub(crate) fn polished(&self, history: &History) -> Vec<Model> {
        let digits = 10_f64.powf(2.0 - self.scale.log10().floor());
        let rounded = (self.scale * digits).round() / digits;
        let scales = [usual(self.scale), rounded];
        let lengths = scales
            .into_iter()
            .flat_map(|scale| (0..3).map(move |ago| (scale, ago)));
        lengths
            .map(|(scale, ago)| self.of_length(scale, history, ago).tidy())
            .collect()
    }

    /// The same as one would type it, the roundest first: the window, or rate, of fewer digits, and where its windows lie on the clock to 10 ms.
    pub(crate) fn typed(&self, history: &History) -> Vec<Model> {
        let digits = |digits: f64| {
            let unit = 10_f64.powf(digits - 1.0 - self.scale.log10().floor());
            (self.scale * unit).round() / unit
        };
        let scales = [usual(self.scale), digits(2.0), digits(3.0), digits(4.0)];
        let rounded = scales.into_iter().flat_map(|scale| {
            let model = self.of_length(scale, history, 0);
            [model.on_round_clock(), model]
        });
        rounded.chain([self.on_round_clock()]).map(Model::tidy).collect()
    }

    fn on_round_clock(&self) -> Model {
        if !self.class.is_on_a_clock() || self.scale < 1.0 {
            return *self;
        }
        // As `told` counts it, from the begin.
        let begin = BEGIN.as_secs_f64();
        let offset = (self.phase * self.scale - begin).rem_euclid(self.scale);
        let rounded = (offset * 100.0).round() / 100.0 + begin;
        Model {
            phase: (rounded / self.scale).rem_euclid(1.0).min(0.999),
            ..*self
        }
    }

    /// With the count that makes its first refusal the server's, or one beside it.
    fn counted(mut self, history: &History, random: &mut Xoshiro256PlusPlus) -> Model {
        let Some((refused, passes)) = history.first_refusal() else {
            return self.tidy();
        };
        let passes: Vec<Duration> = self.used_at().chain(passes).collect();
        let since = |from: Duration| refused.saturating_sub(from).as_secs_f64();
        let first = passes.first().copied().unwrap_or(refused);
        let within = |seconds: f64| passes.iter().filter(|&&at| since(at) < seconds).count() as f64;
        let all = passes.len() as f64;
        // How far those from any moment on were ahead of the rate: before it, the bucket may have been full.
        let ahead = || {
            let from = passes.iter().enumerate();
            let ahead = from.map(|(nth, &at)| all - nth as f64 - self.scale * since(at));
            ahead.fold(1.0, f64::max)
        };
        self.count = match self.class {
            Class::Bucket | Class::BucketCounts | Class::Drips => ahead().ceil(),
            Class::Queue => (ahead() - 1.0).ceil(),
            Class::Concurrency | Class::Late => all,
            Class::Blocks | Class::BlocksAnew => within(since(first) % self.before_block() + 1e-6),
            Class::Sliding | Class::SlidingCounts => within(self.scale),
            Class::Fixed | Class::FixedCounts => within(since(first) % self.scale + 1e-6),
            Class::Aligned | Class::Counter | Class::CounterCounts => {
                let into = if self.on_no_clock {
                    since(first) / self.scale % 1.0
                } else {
                    (refused.as_secs_f64() / self.scale - self.phase).rem_euclid(1.0)
                };
                let now = within(into * self.scale + if self.on_no_clock { 1e-6 } else { 0.0 });
                if self.class == Class::Aligned {
                    now
                } else {
                    let before = within((1.0 + into) * self.scale) - now;
                    (now + before * (1.0 - into)).ceil()
                }
            }
        };
        if random.random_bool(0.3) {
            self.count += random.random_range(-1..=1) as f64;
        }
        if self.used.count > 0.0 && random.random_bool(0.5) {
            // Others used what is missing of a count that people write.
            let written = usual(self.count.max(1.0)).round();
            self.used.count = (self.used.count + written - self.count).max(0.0);
            self.count = written;
        }
        self.tidy()
    }

    fn tidy(mut self) -> Model {
        self.count = self.count.round().clamp(self.class.least(), 100_000.0);
        self.scale = if self.class.has_rate() {
            self.scale.clamp(LEAST_RATE, MOST_RATE)
        } else {
            self.scale.clamp(LEAST_WINDOW, MOST_WINDOW)
        };
        self
    }

    /// How odd its figures look to whoever writes limits; less is more usual.
    pub(crate) fn oddity(&self) -> f64 {
        let window = if self.class.blocks() {
            odd(self.before_block())
        } else {
            0.0
        };
        self.odd_scale() * 10.0 + odd(self.count.max(1.0)) + window
    }

    /// Whether no figure of the other's is farther from its own than so many times.
    pub(crate) fn is_near(&self, other: &Model, times: f64) -> bool {
        let near = |a: f64, b: f64| (a / b).max(b / a) <= times;
        let scales = self.class == Class::Concurrency || near(other.scale, self.scale);
        scales && near(other.count.max(0.5), self.count.max(0.5))
    }

    /// Whether it is a queue in which not all wait.
    pub(crate) fn is_mixed(&self) -> bool {
        self.class == Class::Queue && self.phase > 0.0
    }

    /// The same of its window or rate alone.
    pub(crate) fn odd_scale(&self) -> f64 {
        if self.class == Class::Concurrency {
            0.0
        } else {
            odd(self.scale)
        }
    }
}

/// The phase by which a window begins somewhere in an opening that was seen, at times.
fn begins_at_opening(scale: f64, history: &History, random: &mut Xoshiro256PlusPlus) -> Option<f64> {
    let openings = history.openings();
    if openings.is_empty() || random.random_bool(0.3) {
        return None;
    }
    let (from, to) = openings[random.random_range(0..openings.len())];
    let begin = from + (to - from).mul_f64(random.random::<f64>());
    Some((begin.as_secs_f64() / scale).rem_euclid(1.0).min(0.999))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// It told a window of 5000.701 ms, and when it begins to the microsecond.
    #[test]
    fn a_window_is_typed_as_people_write_it() {
        let history = History::default();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        for class in [Class::Fixed, Class::Aligned, Class::Sliding] {
            let mut model = Model::of_scale(class, 5.000_701, &history, &mut random);
            model.phase = 0.123_456;
            let typed = model.typed(&history);
            assert_eq!(typed[0].scale, 5.0, "{class:?}");
            assert!(typed.iter().any(|model| model.scale == 5.001), "{typed:?}");
            if class == Class::Aligned {
                let text = typed[0].told().to_string();
                let offset = text.split("offset=").nth(1).expect("it has one");
                assert!(offset.len() <= "2.64s".len() || offset.ends_with("0ms"), "{text}");
            }
        }
    }
}
