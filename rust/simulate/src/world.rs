//! The queue of events: users, gates, ways, server.

use crate::attempt::{Answer, Attempt};
use crate::chance::Chance;
use crate::outcome::Outcome;
use crate::server::{Refused, Reply, Server};
use crate::{SHORTEST_WAYS, Starts, Storm};
use backoff::{
    Attempts, Crowd, FailureKind, Finding, Pacer, PacerMode, PacerSettings, Refusal, Seen, Step, StopReason,
    Stream, Ticket, stream_seed,
};
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

/// Timers of the real runtime tick in milliseconds.
const TIMER_LATENESS: Duration = Duration::from_micros(1_500);

/// So late a thread may start (measured in JMeter 5.6.3 on two busy cores).
const START_LATENESS: Duration = Duration::from_millis(20);

enum Event {
    /// A user starts.
    Start(usize),
    /// A user's pause is over, or its time at the gate; stale where the user has gone on.
    Wake(usize, u64),
    /// A gate's timer.
    Timer(usize),
    /// A request reaches the server.
    Arrives(usize, u64),
    /// The server let it in.
    In(usize, u64),
    Refused(usize, u64, Refused),
    /// Nothing came within the attempt's time.
    TimedOut(usize, u64),
    /// One who was in leaves.
    Leaves,
}

struct Scheduled {
    at: Duration,
    nth: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

struct User {
    process: usize,
    banned: bool,
    machine: Attempts,
    units: Stream,
    /// Of what all users find out together.
    crowd: Stream,
    ticket: Option<Ticket>,
    /// Counts what it does, so that events of what is over can be told.
    turn: u64,
    started: Duration,
    attempts: u64,
    /// Its attempt under way.
    trying: Option<Attempt>,
    /// How long that may take.
    limit: Duration,
    /// `Some(None)`: it got in.
    over: Option<Option<StopReason>>,
}

/// How long an attempt took, and how long it might have.
#[derive(Debug, Clone, Copy)]
struct Took {
    time: Duration,
    limit: Duration,
}

struct Process {
    gate: Pacer,
    timer: Option<Duration>,
    waiting: HashMap<Ticket, usize>,
    inside: Vec<Ticket>,
    entered: usize,
    /// How many it got in while all waited.
    shared: usize,
    crowd: Crowd,
    lockout_seen: Option<Duration>,
}

pub(crate) struct World<'a> {
    storm: &'a Storm,
    server: Server<'a>,
    users: Vec<User>,
    processes: Vec<Process>,
    events: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    chance: Chance,
    /// What the limiter's clock showed at the begin.
    clock: Duration,
    /// When the last user is due to start, if it is known.
    all_started: Duration,
    last: Duration,
    times: Vec<Duration>,
    seconds: HashMap<u64, u32>,
    watcher: &'a mut dyn FnMut(Attempt),
}

impl<'a> World<'a> {
    pub(crate) fn new(storm: &'a Storm, seed: u64, watcher: &'a mut dyn FnMut(Attempt)) -> Self {
        let process = || Process {
            gate: Pacer::new(storm.gate),
            timer: None,
            waiting: HashMap::new(),
            inside: Vec::new(),
            entered: 0,
            shared: 0,
            crowd: Crowd::new(),
            lockout_seen: None,
        };
        let mut chance = Chance(seed);
        let clock = storm.clock.unwrap_or_else(|| chance.up_to(period(&storm.limit)));
        let mut world = Self {
            storm,
            server: Server::new(storm, clock),
            users: Vec::with_capacity(storm.processes * storm.users),
            processes: (0..storm.processes).map(|_| process()).collect(),
            events: BinaryHeap::new(),
            scheduled: 0,
            chance,
            clock,
            all_started: Duration::ZERO,
            last: Duration::ZERO,
            times: Vec::new(),
            seconds: HashMap::new(),
            watcher,
        };
        let mut begin = Duration::ZERO;
        for nth in 0..storm.processes {
            for user in 0..storm.users {
                world.add(nth, user, begin, seed);
            }
            begin += storm.lag;
        }
        world
    }

    fn add(&mut self, process: usize, nth: usize, begin: Duration, seed: u64) {
        let storm = self.storm;
        let seed = stream_seed(seed, &format!("Thread Group {process}-{nth}"), 0);
        let mut machine = Attempts::new(storm.policy.clone(), Some(seed));
        machine.set_end(storm.schedule.map(|length| begin + length));
        // Evenly: the user at whose place the count of those banned goes up.
        let count = |nth: usize| nth * storm.banned / storm.users;
        let id = self.users.len();
        self.users.push(User {
            process,
            banned: count(nth + 1) > count(nth),
            machine,
            units: Stream::new(Some(stream_seed(seed, "gate", 0))),
            crowd: Stream::new(Some(stream_seed(seed, "crowd", 0))),
            ticket: None,
            turn: 0,
            started: Duration::ZERO,
            attempts: 0,
            trying: None,
            limit: Duration::ZERO,
            over: None,
        });
        let at = match storm.starts {
            Starts::Anywhere => begin + self.chance.up_to(storm.ramp),
            Starts::InTurn => {
                let due = begin + storm.ramp.mul_f64(nth as f64 / storm.users as f64);
                self.all_started = self.all_started.max(due);
                due + self.chance.up_to(START_LATENESS)
            }
        };
        self.schedule(at, Event::Start(id));
    }

    fn schedule(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        let nth = self.scheduled;
        self.events.push(Reverse(Scheduled { at, nth, event }));
    }

    /// Half a round trip.
    fn way(&mut self) -> Duration {
        (self.storm.round_trip / 2).mul_f64(SHORTEST_WAYS + 0.4 * self.chance.unit())
    }

    pub(crate) fn run(mut self) -> Outcome {
        let mut left = self.users.iter().filter(|user| !user.banned).count();
        while let Some(Reverse(Scheduled { at, event, .. })) = self.events.pop() {
            // Those who are banned may try for ever.
            if at > self.storm.horizon || left == 0 {
                break;
            }
            let user = self.happens(at, event);
            let ended = |user: &User| user.over.is_some() && !user.banned;
            left -= usize::from(user.is_some_and(|user| ended(&self.users[user])));
        }
        self.outcome()
    }

    /// One event; gives the user back whose storm may be over by it.
    fn happens(&mut self, now: Duration, event: Event) -> Option<usize> {
        match event {
            Event::Start(user) => {
                self.users[user].started = now;
                let process = self.users[user].process;
                self.processes[process].entered += 1;
                let time = self.storm.policy.max_elapsed;
                self.processes[process].crowd.begins(time);
                self.go_on(now, user);
                return Some(user);
            }
            Event::Timer(process) => {
                self.processes[process].timer = None;
                self.drive(now, process);
            }
            Event::Leaves => self.server.left(now),
            Event::Arrives(user, turn) => self.arrives(now, user, turn),
            Event::Wake(user, turn) if self.users[user].turn == turn => {
                self.go_on(now, user);
                return Some(user);
            }
            Event::In(user, turn) if self.users[user].turn == turn => {
                self.is_in(now, user);
                return Some(user);
            }
            Event::Refused(user, turn, refused) if self.users[user].turn == turn => {
                let took = self.ended(now, user, Answer::Refused(refused.header()), None);
                let machine = &mut self.users[user].machine;
                let (refusal, _) = refused.with_seen(|seen| machine.failed(seen, now));
                self.refused(now, user, &refusal, took);
                return Some(user);
            }
            Event::TimedOut(user, turn) if self.users[user].turn == turn => {
                let took = self.ended(now, user, Answer::TimedOut, None);
                let seen = Seen::Failure(FailureKind::Timeout);
                let (refusal, _) = self.users[user].machine.failed(&seen, now);
                self.refused(now, user, &refusal, took);
                return Some(user);
            }
            // Nobody waits for the answer any more: the server finds that out when it gives it.
            Event::In(..) => self.server.left(now),
            Event::Wake(..) | Event::Refused(..) | Event::TimedOut(..) => {}
        }
        None
    }

    /// Does what the user's machine says.
    fn go_on(&mut self, now: Duration, id: usize) {
        let user = &mut self.users[id];
        user.turn += 1;
        let turn = user.turn;
        // Who has not tried yet does not line up with those who locked each other out.
        let process = &self.processes[user.process];
        if user.ticket.is_none() && (user.attempts > 0 || process.lockout_seen.is_none()) {
            user.machine.set_gate(Some(process.gate.settings().mode));
        }
        match user.machine.step(now) {
            Step::Turn {
                not_before,
                give_up_at,
            } => {
                let unit = user.units.unit();
                let process = &mut self.processes[user.process];
                let ticket = match user.ticket {
                    Some(ticket) => {
                        process.gate.again(ticket, unit, not_before);
                        ticket
                    }
                    None => process.gate.enter(unit),
                };
                user.ticket = Some(ticket);
                process.waiting.insert(ticket, id);
                let nth = user.process;
                self.schedule(give_up_at, Event::Wake(id, turn));
                self.drive(now, nth);
            }
            Step::Attempt { deadline } => self.attempt(now, id, deadline),
            Step::Pause { until } => self.schedule(until, Event::Wake(id, turn)),
            Step::Stop(reason) => {
                user.over = Some(Some(reason));
                let nth = user.process;
                self.processes[nth].crowd.ends();
                if let Some(ticket) = user.ticket {
                    self.processes[nth].waiting.remove(&ticket);
                    self.processes[nth].gate.leave(ticket);
                    self.drive(now, nth);
                }
            }
        }
    }

    fn attempt(&mut self, now: Duration, id: usize, deadline: Duration) {
        let user = &mut self.users[id];
        user.attempts += 1;
        user.trying = Some(Attempt::sent(id, user.attempts, now));
        user.limit = deadline.saturating_sub(now);
        let turn = user.turn;
        if let Some(ticket) = user.ticket {
            let gate = &mut self.processes[user.process].gate;
            gate.answers_by(ticket, user.limit);
        }
        let there = now + self.way();
        self.schedule(there, Event::Arrives(id, turn));
        self.schedule(deadline, Event::TimedOut(id, turn));
    }

    fn arrives(&mut self, now: Duration, id: usize, turn: u64) {
        *self.seconds.entry(now.as_secs()).or_default() += 1;
        let reply = self.server.asked(now, self.users[id].banned);
        let back = now + self.way();
        let user = &mut self.users[id];
        if let Some(trying) = user.trying.as_mut().filter(|_| user.turn == turn) {
            trying.decided = Some(now);
        }
        match reply {
            Reply::In(delay) => self.schedule(back + delay, Event::In(id, turn)),
            Reply::Refused(refused) if refused.is_silent() => {}
            Reply::Refused(refused) => self.schedule(back, Event::Refused(id, turn, refused)),
        }
    }

    /// Shows an attempt to whoever watches; gives back how long it took, and how long it might have.
    fn ended(&mut self, now: Duration, id: usize, answer: Answer, left: Option<Duration>) -> Took {
        let user = &mut self.users[id];
        let attempt = user.trying.take().expect("its attempt has just ended");
        let took = Took {
            time: now - attempt.sent,
            limit: user.limit,
        };
        (self.watcher)(Attempt {
            answered: now,
            answer,
            left,
            ..attempt
        });
        took
    }

    fn is_in(&mut self, now: Duration, id: usize) {
        let left = self.storm.held.map(|held| now + held + self.way());
        if let Some(left) = left {
            self.schedule(left, Event::Leaves);
        }
        let took = self.ended(now, id, Answer::In, left);
        self.last = self.last.max(now);
        let (users, banned) = (self.storm.users, self.storm.banned);
        let waits = |process: &Process| process.entered > 0 && process.inside.len() + banned < users;
        let all_wait = self.processes.iter().all(waits);
        let user = &mut self.users[id];
        user.over = Some(None);
        user.turn += 1;
        self.times.push(now - user.started);
        let nth = user.process;
        let process = &mut self.processes[nth];
        process.shared += usize::from(all_wait);
        process.crowd.passed(now, took.time, Some(took.limit));
        process.crowd.ends();
        process.inside.push(user.ticket.unwrap_or_default());
        if let Some(ticket) = user.ticket {
            process.gate.passed(now, ticket);
            self.drive(now, nth);
        }
    }

    fn refused(&mut self, now: Duration, id: usize, refusal: &Refusal, took: Took) {
        let user = &mut self.users[id];
        let nth = user.process;
        let process = &mut self.processes[nth];
        if let Some(ticket) = user.ticket {
            process.gate.refused(now, ticket, refusal);
        }
        // Who has a gate needs no other one.
        if self.storm.together && process.gate.settings().mode == PacerMode::Off {
            let found = process.crowd.refused(now, refusal, took.time, Some(took.limit));
            match found {
                Some(Finding::LockedOut(_)) if !user.machine.is_led() => {}
                Some(Finding::LockedOut(found)) => {
                    process.lockout_seen = Some(now);
                    let pace = PacerSettings::of(PacerMode::Pace);
                    process.gate = Pacer::closed(pace, now, &found, refusal.hint);
                }
                Some(finding) => {
                    user.machine.lead(&finding, refusal, user.crowd.unit(), now);
                }
                None => {}
            }
        }
        self.go_on(now, id);
        self.drive(now, nth);
    }

    /// What the owner of a gate does after each of its calls: starts whose turn has come, sets the one timer anew.
    fn drive(&mut self, now: Duration, nth: usize) {
        if self.processes[nth].gate.settings().mode == PacerMode::Off {
            return;
        }
        while let Some(ticket) = self.processes[nth].gate.take(now) {
            let Some(id) = self.processes[nth].waiting.remove(&ticket) else {
                continue;
            };
            self.users[id].machine.turn_came();
            self.go_on(now, id);
        }
        let process = &mut self.processes[nth];
        let Some(turn) = process.gate.ready() else { return };
        if process.timer.is_none_or(|set| turn.at < set) {
            process.timer = Some(turn.at);
            let late = self.chance.up_to(TIMER_LATENESS);
            self.schedule(turn.at.max(now) + late, Event::Timer(nth));
        }
    }

    fn outcome(self) -> Outcome {
        let shared: usize = self.processes.iter().map(|process| process.shared).sum();
        let share = |count: usize| count as f64 / shared.max(1) as f64;
        let least = self.processes.iter().map(|process| process.shared).min();
        let attempts = |banned: bool| {
            let users = self.users.iter().filter(|user| user.banned == banned);
            users.map(|user| user.attempts).sum()
        };
        let lost = self
            .users
            .iter()
            .filter(|user| !user.banned && user.over != Some(None));
        let mut times = self.times.clone();
        times.sort_unstable();
        let seen = self.processes.iter().filter_map(|process| process.lockout_seen);
        Outcome {
            lockout_seen: seen.min(),
            times,
            gave_up: lost.map(|user| user.over.flatten()).collect(),
            unavoidable: self.storm.unavoidable(self.clock),
            makespan: self.last,
            bound: self.bound(),
            attempts: attempts(false),
            banned_attempts: attempts(true),
            peak: self.seconds.values().max().copied().unwrap_or_default(),
            least_share: share(least.unwrap_or_default()),
            first_share: share(self.processes.first().map_or(0, |process| process.shared)),
            clock: self.clock,
            overtaken_by: self
                .processes
                .iter()
                .map(|process| overtaken(&process.inside))
                .max()
                .unwrap_or_default(),
        }
    }

    /// The least that the limit asks for, and the least that the starts do.
    fn bound(&self) -> Option<Duration> {
        let users = u32::try_from(self.storm.welcome()).ok()?;
        let limit = self.storm.limit.bound_from(users, self.clock, self.storm.held)?;
        Some(limit.max(self.all_started))
    }
}

/// After how long a limit's clock shows the same again: the longest window that is cut from it.
fn period(limit: &LimitSpec) -> Duration {
    let length = |limit: &Limit| match limit.rule {
        Rule::FixedWindow {
            window,
            clock: WindowClock::Aligned { .. },
            ..
        }
        | Rule::SlidingCounter { window, .. } => window,
        _ => Duration::ZERO,
    };
    // A second at least, as dates are cut to seconds.
    let longest = limit.limits.iter().map(length).max().unwrap_or_default();
    longest.max(Duration::from_secs(1))
}

/// The most later-comers that got in before a user.
fn overtaken(inside: &[Ticket]) -> usize {
    let before =
        |(nth, ticket): (usize, &Ticket)| inside[..nth].iter().filter(|other| *other > ticket).count();
    inside.iter().enumerate().map(before).max().unwrap_or_default()
}
