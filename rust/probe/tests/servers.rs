//! Whole experiments in virtual time with servers that do as no limit of text, or on machines that are busy.

use limiter::Decision;
use probe::rehearsal::{Limits, Way, rehearse};
use probe::{Budget, Candidate, Class, Ending, Probe};
use std::time::Duration;

/// A counter as HAProxy keeps it (`update_freq_ctr_period_slow`, `_freq_ctr_total_from_values`): in milliseconds, whole ones let in, and
/// begun anew where two periods were missed. Refusals count.
struct Haproxy {
    limit: u64,
    period: u64,
    tick: u64,
    past: u64,
    current: u64,
}

impl Haproxy {
    fn new(limit: u64, period: u64) -> Self {
        Haproxy {
            limit,
            period,
            tick: 0,
            past: 0,
            current: 0,
        }
    }
}

impl Limits for Haproxy {
    fn try_pass(&mut self, now: Duration) -> Decision {
        let now = u64::try_from(now.as_millis()).expect("an experiment's time");
        if now - self.tick >= self.period {
            (self.past, self.current) = (self.current, 0);
            self.tick += self.period;
            if now - self.tick >= self.period {
                (self.past, self.tick) = (0, now & !1);
            }
        }
        self.current += 1;
        let total = self.past * (self.tick + self.period - now) + self.current * self.period;
        if total / self.period > self.limit {
            Decision::Reject { retry_in: None }
        } else {
            Decision::Pass
        }
    }

    fn release(&mut self, _: Duration) {}
}

/// Whether a figure that is told as known closely is not near the truth.
fn misleads((low, high): (f64, f64), truth: f64) -> bool {
    let near = |figure: f64| (figure / truth - 1.0).abs() <= 0.05;
    high - low <= 0.1 * low && !(near(low) && near(high))
}

/// On a machine where answers are late and threads stand still it told 6 s as known: windows on a clock that fitted by chance, as
/// HAProxy's are on none.
#[test]
fn a_counter_on_no_clock_is_told_with_no_wrong_figure_on_a_busy_machine() {
    let mut known = 0;
    let cases = [(60, 0, 12), (30, 60, 1), (30, 60, 6), (30, 60, 11), (30, 60, 14)];
    for (hiccup, stall, seed) in cases {
        let way = Way {
            round_trip: Duration::from_millis(5),
            hiccup: Duration::from_millis(hiccup),
            stall: Duration::from_millis(stall),
        };
        let budget = Budget {
            tries: 300,
            time: Duration::from_secs(600),
        };
        let mut probe = Probe::new(budget, seed);
        let since = Duration::from_millis(1_795_000_000_000 + seed * 777);
        let (ending, _) = rehearse(
            &mut probe,
            Haproxy::new(60, 5_000),
            since,
            way,
            seed,
            |_, _, _| {},
        );
        let candidates: Vec<Candidate> = probe.candidates();
        let first = candidates.first().expect("something is found");
        let is_narrow = |(low, high): (f64, f64)| high - low <= 0.1 * low;
        let is_told = first.explains && first.class == Class::CounterCounts && is_narrow(first.scale);
        known += u32::from(ending == Ending::Known && is_told && is_narrow(first.counts));
        if first.explains {
            assert!(
                first.class == Class::CounterCounts || ending != Ending::Known,
                "{way:?}, seed {seed}: {candidates:?}"
            );
            assert!(
                !misleads(first.counts, 60.0) && !misleads(first.scale, 5.0),
                "{way:?}, seed {seed}: {candidates:?}"
            );
        }
    }
    assert!(known >= 3, "known {known} times of {}", cases.len());
}

/// A bucket as Jetty's `DoSHandler` keeps it (`LeakingBucketTracker`): it drips on a grid of its own, whoever comes is in it before it is
/// looked at, and it holds no more than its size.
struct Jetty {
    size: u64,
    drip: Duration,
    held: u64,
    dripped: Duration,
}

impl Jetty {
    fn new(size: u64, rate: u32, since: Duration) -> Self {
        Jetty {
            size,
            drip: Duration::from_secs(1) / rate,
            held: 0,
            dripped: since,
        }
    }
}

impl Limits for Jetty {
    fn try_pass(&mut self, now: Duration) -> Decision {
        let drips = now.saturating_sub(self.dripped).as_nanos() / self.drip.as_nanos();
        let drips = u32::try_from(drips).expect("an experiment's time");
        self.dripped += self.drip * drips;
        self.held = (self.held.saturating_sub(drips.into()) + 1).min(self.size);
        if self.held < self.size {
            Decision::Pass
        } else {
            Decision::Reject { retry_in: None }
        }
    }

    fn release(&mut self, _: Duration) {}
}

/// It told 18.1 a second as known: two drips have to fall before the next one is let in.
#[test]
fn a_leaking_bucket_is_told_with_its_rate() {
    for seed in [3, 4] {
        let way = Way {
            round_trip: Duration::from_millis(2),
            hiccup: Duration::from_millis(10),
            stall: Duration::ZERO,
        };
        let budget = Budget {
            tries: 300,
            time: Duration::from_secs(600),
        };
        let mut probe = Probe::new(budget, seed);
        let since = Duration::from_millis(1_795_000_000_000 + seed * 777);
        let jetty = Jetty::new(20, 20, since);
        rehearse(&mut probe, jetty, since, way, seed, |_, _, _| {});
        let candidates = probe.candidates();
        let first = candidates.first().expect("something is found");
        let near = |(low, high): (f64, f64), truth: f64| low >= truth * 0.95 && high <= truth * 1.05;
        assert!(
            first.class == Class::Drips && first.counts == (19.0, 19.0) && near(first.scale, 20.0),
            "seed {seed}: {candidates:?} after {}",
            probe.tries_made()
        );
    }
}
