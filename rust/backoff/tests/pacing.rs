//! Storms through shared gates against the limits of real servers, in virtual time: how soon, with how many attempts, how fair.

use backoff::{Pacer, PacerMode, PacerSettings, Ticket};
use limiter::{Decision, LimitSpec, Limiter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A limit as `limiter` reads it, and whether its refusals carry `Retry-After` in whole seconds, rounded up.
#[derive(Debug, Clone, Copy)]
struct Server {
    limit: &'static str,
    hints: bool,
}

const fn server(limit: &'static str, hints: bool) -> Server {
    Server { limit, hints }
}

const BUCKET_10: Server = server("token-bucket rate=10 burst=20", false);
const BUCKET_10_HINTS: Server = server("token-bucket rate=10 burst=20", true);
const BUCKET_5: Server = server("token-bucket rate=5 burst=20", false);
const BUCKET_5_HINTS: Server = server("token-bucket rate=5 burst=20", true);
/// nginx `limit_req rate=5r/s burst=10 nodelay`: one at once, and ten on top.
const NGINX: Server = server("token-bucket rate=5 burst=11", false);
const WINDOW_HINTS: Server = server("fixed-window limit=100 window=60s", true);
const SHORT_WINDOW_HINTS: Server = server("fixed-window limit=30 window=10s", true);
/// HAProxy `http_req_rate(10s) gt 50`.
const COUNTED_HINTS: Server = server("sliding-window limit=50 window=10s reject-counts=true", true);
const COUNTED: Server = server("sliding-window limit=50 window=10s reject-counts=true", false);

impl Server {
    fn spec(self) -> LimitSpec {
        self.limit.parse().expect("the tests' limits are legal")
    }
}

/// Who storms.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    settings: PacerSettings,
    /// Each has its own gate; they know nothing of one another.
    processes: usize,
    /// Of each process.
    users: usize,
    /// To the server and back, in the mean; the limiter decides in the middle.
    round_trip: Duration,
    /// How much later each process starts than the one before.
    lag: Duration,
}

fn crowd(processes: usize, users: usize, round_trip: Duration) -> Crowd {
    Crowd {
        settings: PacerSettings::of(PacerMode::Pace),
        processes,
        users,
        round_trip,
        lag: Duration::ZERO,
    }
}

/// What came of a storm.
#[derive(Debug, Clone, PartialEq, Default)]
struct Outcome {
    /// When the last user got in.
    seconds: f64,
    /// The same, as a multiple of the least that the limit asks for.
    times_bound: f64,
    attempts_per_user: f64,
    /// Of those whom the server let in while all processes waited: the share of the process that got the fewest.
    least_share: f64,
    /// Likewise, the share of the process that started first.
    first_share: f64,
    /// The most later-comers of its own process that ever got in before a user.
    overtaken_by: usize,
}

/// SplitMix64: the tests repeat.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.unit())
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Enter,
    Timer,
    /// An attempt reaches the server; with the moment of its start.
    Request(Ticket, Duration),
    /// It let the attempt in.
    Passed(Ticket),
    /// It did not; with the moment of the attempt's start and the hint.
    Refused(Ticket, Duration, Option<Duration>),
}

/// One process: its gate, the gate's one timer, and who got in so far, in order.
struct Process {
    gate: Pacer,
    timer: Option<Duration>,
    inside: Vec<Ticket>,
    entered: usize,
}

struct Storm {
    crowd: Crowd,
    hints: bool,
    limiter: Limiter,
    processes: Vec<Process>,
    events: BinaryHeap<Reverse<(Duration, u64, usize, Event)>>,
    scheduled: u64,
    chance: Chance,
    attempts: u32,
    /// How many each process got in while all waited.
    shared: Vec<usize>,
}

impl Storm {
    fn new(server: Server, crowd: Crowd, seed: u64) -> Self {
        let process = || Process {
            gate: Pacer::new(crowd.settings),
            timer: None,
            inside: Vec::new(),
            entered: 0,
        };
        let mut storm = Self {
            crowd,
            hints: server.hints,
            limiter: Limiter::new(&server.spec()),
            processes: (0..crowd.processes).map(|_| process()).collect(),
            events: BinaryHeap::new(),
            scheduled: 0,
            chance: Chance(seed),
            attempts: 0,
            shared: vec![0; crowd.processes],
        };
        for (nth, start) in (0..crowd.processes).zip(std::iter::successors(Some(Duration::ZERO), |lag| {
            Some(*lag + crowd.lag)
        })) {
            for _ in 0..crowd.users {
                let at = start + storm.chance.up_to(Duration::from_millis(20));
                storm.schedule(at, nth, Event::Enter);
            }
        }
        storm
    }

    fn schedule(&mut self, at: Duration, process: usize, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, process, event)));
    }

    /// Half a round trip, between 0.9 and 1.3 times its mean.
    fn way(&mut self) -> Duration {
        (self.crowd.round_trip / 2).mul_f64(0.9 + 0.4 * self.chance.unit())
    }

    fn run(mut self, bound: Duration) -> Outcome {
        let mut last = Duration::ZERO;
        while let Some(Reverse((now, _, nth, event))) = self.events.pop() {
            assert!(now < Duration::from_secs(3_600), "somebody never gets in");
            match event {
                Event::Enter => {
                    self.processes[nth].gate.enter(self.chance.unit());
                    self.processes[nth].entered += 1;
                }
                Event::Timer => self.processes[nth].timer = None,
                Event::Request(ticket, sent) => {
                    self.answer(now, nth, ticket, sent);
                    continue;
                }
                Event::Passed(ticket) => {
                    last = now;
                    self.let_in(nth, ticket);
                }
                Event::Refused(ticket, sent, hint) => {
                    let gate = &mut self.processes[nth].gate;
                    gate.throttled(now, sent, hint);
                    gate.again(ticket, self.chance.unit());
                }
            }
            self.drive(now, nth);
        }
        self.outcome(last, bound)
    }

    fn answer(&mut self, now: Duration, nth: usize, ticket: Ticket, sent: Duration) {
        self.attempts += 1;
        let event = match self.limiter.try_pass(now) {
            Decision::Pass | Decision::PassLate { .. } => Event::Passed(ticket),
            Decision::Reject { retry_in } => {
                let seconds =
                    retry_in.map(|wait| Duration::from_secs_f64(wait.as_secs_f64().ceil().max(1.0)));
                Event::Refused(ticket, sent, seconds.filter(|_| self.hints))
            }
        };
        let back = now + self.way();
        self.schedule(back, nth, event);
    }

    fn let_in(&mut self, nth: usize, ticket: Ticket) {
        let users = self.crowd.users;
        let waits = |process: &Process| process.entered > 0 && process.inside.len() < users;
        if self.processes.iter().all(waits) {
            self.shared[nth] += 1;
        }
        self.processes[nth].gate.passed();
        self.processes[nth].inside.push(ticket);
    }

    /// What the owner of a gate does after each of its calls: starts whose turn has come, sets the one timer anew.
    fn drive(&mut self, now: Duration, nth: usize) {
        while let Some(ticket) = self.processes[nth].gate.take(now) {
            let there = now + self.way();
            self.schedule(there, nth, Event::Request(ticket, now));
        }
        let process = &mut self.processes[nth];
        let Some(turn) = process.gate.ready() else { return };
        if process.timer.is_none_or(|set| turn.at < set) {
            process.timer = Some(turn.at);
            // Timers of the real runtime tick in milliseconds.
            let late = self.chance.up_to(Duration::from_micros(1_500));
            self.schedule(turn.at + late, nth, Event::Timer);
        }
    }

    fn outcome(self, last: Duration, bound: Duration) -> Outcome {
        let users = self.crowd.users;
        assert!(
            self.processes.iter().all(|process| process.inside.len() == users),
            "nobody is lost"
        );
        let shared: usize = self.shared.iter().sum();
        let least = self.shared.iter().min().copied().unwrap_or_default();
        let overtaken = |inside: &[Ticket]| {
            let before = |(nth, ticket): (usize, &Ticket)| {
                inside[..nth].iter().filter(|other| *other > ticket).count()
            };
            inside.iter().enumerate().map(before).max().unwrap_or_default()
        };
        Outcome {
            seconds: last.as_secs_f64(),
            times_bound: last.as_secs_f64() / bound.as_secs_f64(),
            attempts_per_user: f64::from(self.attempts) / (users * self.processes.len()) as f64,
            least_share: least as f64 / shared.max(1) as f64,
            first_share: self.shared[0] as f64 / shared.max(1) as f64,
            overtaken_by: self
                .processes
                .iter()
                .map(|process| overtaken(&process.inside))
                .max()
                .unwrap_or_default(),
        }
    }
}

fn storm(server: Server, crowd: Crowd, seed: u64) -> Outcome {
    let users = u32::try_from(crowd.processes * crowd.users).expect("a few hundred");
    let bound = server.spec().bound(users).expect("a limit of time");
    Storm::new(server, crowd, seed).run(bound)
}

/// The means over the seeds; of `overtaken_by` the worst.
fn mean(server: Server, crowd: Crowd, seeds: u64) -> Outcome {
    let mut mean = Outcome::default();
    for seed in 0..seeds {
        let one = storm(server, crowd, seed);
        mean.seconds += one.seconds / seeds as f64;
        mean.times_bound += one.times_bound / seeds as f64;
        mean.attempts_per_user += one.attempts_per_user / seeds as f64;
        mean.least_share += one.least_share / seeds as f64;
        mean.first_share += one.first_share / seeds as f64;
        mean.overtaken_by = mean.overtaken_by.max(one.overtaken_by);
    }
    mean
}

const NEAR: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_millis(50);

#[test]
fn two_hundred_at_once_get_in_within_their_targets() {
    // Multiple of the bound, attempts a user.
    for (server, times_bound, attempts) in [
        (BUCKET_10, 1.10, 1.15),
        (BUCKET_10_HINTS, 1.10, 1.08),
        (BUCKET_5, 1.08, 1.15),
        (BUCKET_5_HINTS, 1.08, 1.08),
        (WINDOW_HINTS, 66.0 / 60.0, 1.10),
        (SHORT_WINDOW_HINTS, 1.15, 1.10),
        (COUNTED_HINTS, 1.50, 1.10),
        (COUNTED, 2.00, 1.15),
        (NGINX, 1.15, 1.15),
    ] {
        for round_trip in [NEAR, FAR] {
            let outcome = mean(server, crowd(1, 200, round_trip), 100);
            assert!(
                outcome.times_bound <= times_bound && outcome.attempts_per_user <= attempts,
                "{server:?} {round_trip:?}: {outcome:?}"
            );
            // Those who were under way when the first of them was refused.
            let ahead = if round_trip == NEAR { 0 } else { 4 };
            assert!(
                outcome.overtaken_by <= ahead,
                "{server:?} {round_trip:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn two_processes_on_one_quota_share_it() {
    // A process knows of the other one by its own refusals alone, a handful in a storm: on a bucket the share of a single storm is a
    // matter of luck (a standard deviation of about 0.1), but no process is favoured, not even the one that starts first.
    for (server, least_share) in [
        (BUCKET_10, 0.40),
        (BUCKET_10_HINTS, 0.42),
        (BUCKET_5, 0.41),
        (BUCKET_5_HINTS, 0.42),
        (NGINX, 0.41),
        (WINDOW_HINTS, 0.47),
        (SHORT_WINDOW_HINTS, 0.47),
        (COUNTED_HINTS, 0.47),
    ] {
        for (round_trip, lag) in [(NEAR, 0), (FAR, 0), (FAR, 500)] {
            let two = Crowd {
                lag: Duration::from_millis(lag),
                ..crowd(2, 100, round_trip)
            };
            let outcome = mean(server, two, 200);
            assert!(
                outcome.times_bound <= 1.25
                    && outcome.least_share >= least_share
                    && (0.46..=0.54).contains(&outcome.first_share),
                "{server:?} {round_trip:?} {lag}: {outcome:?}"
            );
        }
    }
}

#[test]
fn two_processes_on_a_window_with_hints_share_it_in_every_single_storm() {
    // What tests/system/remote.rs asserts of one run with real JVMs. On a bucket one storm in eight takes longer, and one in four
    // or so is shared worse: there the refusals are few, and whom they meet is chance.
    let window = server("fixed-window limit=60 window=10s", true);
    for lag in [0, 100, 300, 1_000] {
        let two = Crowd {
            lag: Duration::from_millis(lag),
            ..crowd(2, 100, Duration::from_millis(5))
        };
        for seed in 0..100 {
            let outcome = storm(window, two, seed);
            assert!(
                outcome.times_bound <= 1.20 && outcome.least_share >= 0.42,
                "lag {lag}, seed {seed}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_quota_below_the_lowest_rate_that_counts_refusals_lets_all_in_too() {
    // Five logins a minute, a refused one being one of them; the gate never goes below twelve a minute by its rate alone.
    let logins = server("sliding-window limit=5 window=60s reject-counts=true", false);
    for seed in 0..20 {
        let outcome = storm(logins, crowd(1, 20, FAR), seed);
        assert!(
            outcome.attempts_per_user < 6.0 && outcome.times_bound < 4.0,
            "{seed}: {outcome:?}"
        );
    }
}

#[test]
fn pause_brings_everybody_in_right_after_each_window() {
    for (server, times_bound, attempts) in [(WINDOW_HINTS, 1.05, 1.6), (SHORT_WINDOW_HINTS, 1.10, 2.2)] {
        let pausing = Crowd {
            settings: PacerSettings::of(PacerMode::Pause),
            ..crowd(1, 200, FAR)
        };
        let outcome = mean(server, pausing, 20);
        assert!(
            outcome.times_bound <= times_bound && outcome.attempts_per_user <= attempts,
            "{server:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_storm_repeats_to_the_digit() {
    let run = |seed| storm(COUNTED, crowd(2, 50, FAR), seed);
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
