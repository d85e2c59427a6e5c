//! What clients saw of a server that limits: decisions with the time between which each fell, and the ends of connections. Made here of
//! records and rows; what limit stands behind them is not found out here.

use crate::names::Names;
use crate::outcome::{Outcome, of_failure, of_status};
use crate::servers::{Servers, server};
use crate::steps::{Step, Steps};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use trace::jtl::Row;
use trace::{AttemptRecord, ClosedRecord, EventRecord, HintRecord, Record};

/// More decisions than these are counted, not kept: the memory is bounded, and nothing more is to be learnt of them.
pub const MOST_KEPT: usize = 1_000_000;

/// Nobody waits for longer, in microseconds: such a time is broken. What may have been decided at any moment of so long a time says
/// nothing, and makes windows by the million.
const LONGEST_ANSWER: u64 = 3_600_000_000;

/// A decision of the server. Times in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// It was not decided earlier.
    pub sent: u64,
    /// Nor later.
    pub answered: u64,
    /// What was decided.
    pub outcome: Outcome,
    /// Which of the users, as they came.
    pub user: u32,
    /// Which of [`Observations::targets`].
    pub target: u32,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// What the server asked for, in milliseconds, and which of [`Observations::hint_sources`] said it.
    pub hint: Option<(f64, u32)>,
    /// When the connection that it let in ended, as far as it is known.
    pub ended: Option<u64>,
}

/// All that was seen, of one process or of several.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    decisions: Vec<Decision>,
    /// Decisions that were not kept.
    left_out: u64,
    users: Names,
    /// Of each user, which file it is in.
    sources: Vec<usize>,
    targets: Names,
    servers: Servers,
    hint_sources: Names,
    /// The latest pass of a user's connect, whose end may be told later.
    open: HashMap<(usize, u32, u64), usize>,
    /// Whether ends of connections are told at all.
    ends_told: bool,
    /// From a trace, not only from a result file.
    traced: bool,
    /// Of a probe's experiment.
    probed: bool,
    /// What proxies decided, before anything came to the server.
    proxied: Vec<Decision>,
    steps: Steps,
    /// Rows that may stand for several attempts, by their label.
    hiding: HashMap<u32, u64>,
    /// What controllers saw, for traces without attempts of their own.
    retried: Vec<Decision>,
}

impl Observations {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line of a trace; `source` tells files apart, whose users may have the same names.
    pub fn add_record(&mut self, source: usize, record: &Record<'_>) {
        self.traced = true;
        match record {
            Record::Attempt(attempt) => self.add_attempt(source, attempt),
            Record::Closed(closed) => self.add_end(source, closed),
            Record::Event(event) => self.add_event(source, event),
            Record::Start(_) => {}
        }
    }

    /// Adds a row of a result file; the label says what is limited.
    pub fn add_row(&mut self, source: usize, row: &Row) {
        let outcome = match row.failure() {
            Some(failure) => of_failure(failure),
            None => row.status().and_then(of_status),
        };
        let address = row.url.as_deref().and_then(server);
        let Some(outcome) = outcome else {
            self.set_aside(address.as_deref());
            return;
        };
        if self.is_full() {
            return;
        }
        // Rounded to milliseconds, both.
        let begun = row.time_stamp + row.idle_time.unwrap_or(0) + row.connect.unwrap_or(0);
        let answered = row.latency.filter(|latency| *latency > 0).unwrap_or(row.elapsed);
        let head = row.time_stamp + row.idle_time.unwrap_or(0) + answered;
        let user = self.user(source, &row.thread);
        let target = match &address {
            Some(address) => self.targets.number(&format!("{} of {address}", row.label)),
            None => self.targets.number(&row.label),
        };
        let of = self.servers.number(address.as_deref());
        self.servers.target(target, of);
        if row.may_hide_attempts() {
            *self.hiding.entry(target).or_default() += 1;
        }
        self.keep(Decision {
            sent: (1_000 * begun).saturating_sub(1_000),
            answered: 1_000 * head.max(begun) + 1_000,
            outcome,
            user,
            target,
            status: row.status(),
            hint: None,
            ended: None,
        });
    }

    /// Of an attempt that is told apart from the trace: a simulation's, or a probe's.
    pub fn add(&mut self, decision: Decision) {
        self.ends_told |= decision.ended.is_some();
        self.keep(decision);
    }

    /// The same, of a user of one of several processes.
    pub fn add_of(&mut self, source: usize, decision: Decision) {
        let nth = usize::try_from(decision.user).unwrap_or(usize::MAX);
        if self.sources.len() <= nth && nth < MOST_KEPT {
            self.sources.resize(nth + 1, 0);
        }
        if let Some(of) = self.sources.get_mut(nth) {
            *of = source;
        }
        self.add(decision);
    }

    fn set_aside(&mut self, address: Option<&str>) {
        let server = self.servers.number(address);
        self.servers.set_aside(server);
    }

    /// An address as a number.
    fn target(&mut self, address: &str) -> u32 {
        let target = self.targets.number(address);
        let of = self.servers.number(server(address).as_deref());
        self.servers.target(target, of);
        target
    }

    fn keep(&mut self, decision: Decision) -> Option<usize> {
        if decision.answered.saturating_sub(decision.sent) > LONGEST_ANSWER {
            self.servers.set_aside(self.servers.of(&decision));
            return None;
        }
        if self.is_full() {
            return None;
        }
        self.decisions.push(decision);
        Some(self.decisions.len() - 1)
    }

    /// Counts what is too much; asked before anything of it is kept, names among it.
    fn is_full(&mut self) -> bool {
        let full = self.decisions.len() >= MOST_KEPT;
        self.left_out += u64::from(full);
        full
    }

    fn user(&mut self, source: usize, name: &str) -> u32 {
        let user = self.users.number(&format!("{source} {name}"));
        if usize::try_from(user).is_ok_and(|user| user == self.sources.len()) {
            self.sources.push(source);
        }
        user
    }

    fn add_attempt(&mut self, source: usize, attempt: &AttemptRecord<'_>) {
        self.probed |= attempt.element == "probe";
        if self.add_proxied(source, attempt) {
            return;
        }
        let failure = attempt.error.as_deref().filter(|code| *code != "upgrade.status");
        let outcome = match (attempt.status, failure) {
            (_, Some(code)) if code.starts_with("closed.") => Some(Outcome::Refused),
            (Some(status), _) => of_status(status),
            (None, Some(code)) => of_failure(code),
            (None, None) => None,
        };
        // A server that refuses connections does so before there is a request; silence before one is the network's.
        let early = outcome == Some(Outcome::Refused) && attempt.status.is_none();
        let sent = attempt.sent_us.or(early.then_some(0));
        let Some((outcome, sent)) = outcome.zip(sent) else {
            self.set_aside(server(&attempt.target).as_deref());
            return;
        };
        if self.is_full() {
            return;
        }
        // The stamp is made behind the writing: what was written may have been decided on before. A limit on connections decides
        // still earlier.
        let stages = [
            attempt.dns_queue_us,
            attempt.dns_us,
            attempt.proxy_us,
            attempt.tls_us,
        ];
        let before: u64 = stages.iter().flatten().sum();
        let hint = self.hint(attempt.hint.as_ref());
        let user = self.user(source, &attempt.user);
        self.steps.look(source, user, attempt);
        let target = self.target(&attempt.target);
        let kept = self.keep(Decision {
            sent: attempt.at + before.min(sent),
            answered: attempt.at + attempt.head_us.unwrap_or(attempt.total_us).max(sent),
            outcome,
            user,
            target,
            status: attempt.status,
            hint,
            ended: None,
        });
        if let (Outcome::Passed, Some(nth)) = (outcome, kept) {
            self.open.insert((source, user, attempt.ordinal), nth);
        }
    }

    /// What the proxy decided, if there is one; whether that was the end of the attempt.
    fn add_proxied(&mut self, source: usize, attempt: &AttemptRecord<'_>) -> bool {
        let Some(length) = attempt.proxy_us else {
            return false;
        };
        let refused = attempt
            .error
            .as_deref()
            .is_some_and(|code| code.starts_with("proxy."));
        let outcome = match (refused, attempt.status.and_then(of_status)) {
            (false, _) => Some(Outcome::Passed),
            (true, Some(outcome @ (Outcome::Refused | Outcome::Denied))) => Some(outcome),
            (true, _) => None,
        };
        let stages = [attempt.dns_queue_us, attempt.dns_us, attempt.tcp_us];
        let sent = attempt.at + stages.iter().flatten().sum::<u64>();
        match outcome {
            Some(outcome)
                if length <= LONGEST_ANSWER && self.proxied.len().max(self.decisions.len()) < MOST_KEPT =>
            {
                let (hint, user) = (
                    self.hint(attempt.hint.as_ref().filter(|_| refused)),
                    self.user(source, &attempt.user),
                );
                self.steps.look(source, user, attempt);
                let target = self.target(&attempt.target);
                self.proxied.push(Decision {
                    sent,
                    answered: sent.saturating_add(length),
                    outcome,
                    user,
                    target,
                    status: attempt.status.filter(|_| refused),
                    hint,
                    ended: None,
                });
            }
            Some(_) => {}
            None => self.set_aside(server(&attempt.target).as_deref()),
        }
        refused
    }

    fn hint(&mut self, hint: Option<&HintRecord<'_>>) -> Option<(f64, u32)> {
        let hint = hint?;
        hint.ms
            .map(|ms| (ms, self.hint_sources.number(hint.source.as_ref())))
    }

    fn add_end(&mut self, source: usize, closed: &ClosedRecord<'_>) {
        self.ends_told = true;
        let Some(user) = self.users.known(&format!("{source} {}", closed.user)) else {
            return;
        };
        if let Entry::Occupied(open) = self.open.entry((source, user, closed.ordinal)) {
            self.decisions[open.remove()].ended = Some(closed.at);
        }
    }

    /// An attempt of a Retry Controller, whose children may be any sampler.
    fn add_event(&mut self, source: usize, event: &EventRecord<'_>) {
        if event.attempt.is_none() || self.retried.len() >= MOST_KEPT {
            return;
        }
        let passed = event.unmet || event.stop.as_deref() == Some("succeeded");
        let outcome = match event.status {
            _ if passed => Some(Outcome::Passed),
            Some(status) => of_status(status),
            None => event.error.as_deref().and_then(of_failure),
        };
        let total = event.total_us.filter(|total| *total <= LONGEST_ANSWER);
        let Some((outcome, total)) = outcome.zip(total) else {
            return;
        };
        let hint = self.hint(event.hint.as_ref());
        let user = self.user(source, &event.user);
        let label = event.label.as_deref().unwrap_or(&event.name);
        let target = self.target(label);
        self.retried.push(Decision {
            sent: event.at,
            answered: event.at + total,
            outcome,
            user,
            target,
            status: event.status,
            hint,
            ended: None,
        });
    }

    /// The decisions, in the order of their answers. Of a trace without attempts of Connect: those of Retry. Where the server refused
    /// nobody and a proxy before it did: those of the proxy. Of several servers: those of the ones that are asked for, else of the one
    /// that refused most.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision> {
        let mut decisions = self.of_all().to_vec();
        if let Some(told_of) = self.told_of() {
            decisions.retain(|decision| told_of.contains(&self.servers.of(decision)));
        }
        if !self.traced {
            only_limited(&mut decisions);
        }
        decisions.sort_by_key(|decision| (decision.answered, decision.sent));
        decisions
    }

    /// Of all servers.
    fn of_all(&self) -> &[Decision] {
        if self.by_proxy() {
            &self.proxied
        } else if self.decisions.is_empty() {
            &self.retried
        } else {
            &self.decisions
        }
    }

    /// A proxy that limits does so whichever server is behind it.
    fn told_of(&self) -> Option<HashSet<Option<u32>>> {
        if self.by_proxy() {
            self.servers.asked_for().cloned()
        } else {
            self.servers.told_of(self.of_all())
        }
    }

    /// Whether the server of this address, or of this host and port, was tried: of it alone is told from now on, or of it together with
    /// those that were asked for before.
    pub fn ask_for(&mut self, address: &str) -> bool {
        self.servers.ask_for(address)
    }

    /// The addresses of all servers.
    #[must_use]
    pub fn servers(&self) -> Vec<&str> {
        self.servers.names()
    }

    /// Which servers were tried besides those of which is told.
    #[must_use]
    pub fn other_servers(&self) -> Option<String> {
        self.servers.others(self.of_all(), &self.told_of()?)
    }

    /// Whether ends of connections were written down at all.
    #[must_use]
    pub fn ends_told(&self) -> bool {
        self.ends_told
    }

    /// Whether attempts are a probe's.
    #[must_use]
    pub(crate) fn probed(&self) -> bool {
        self.probed
    }

    /// Whether a proxy limits, and the server behind it does not.
    #[must_use]
    pub fn by_proxy(&self) -> bool {
        let asked = |one: &Decision| {
            let asked = self.servers.asked_for();
            asked.is_none_or(|asked| asked.contains(&self.servers.of(one)))
        };
        let limited =
            |one: &Decision| matches!(one.outcome, Outcome::Refused | Outcome::Unanswered) && asked(one);
        self.proxied.iter().any(limited) && !self.decisions.iter().any(limited)
    }

    /// How many attempts a proxy refused, so that the server never saw them.
    #[must_use]
    pub fn refused_by_proxy(&self) -> usize {
        let told_of = self.told_of();
        let counts = |one: &&Decision| {
            told_of
                .as_ref()
                .is_none_or(|of| of.contains(&self.servers.of(one)))
        };
        let refused = self.proxied.iter().filter(|one| one.outcome != Outcome::Passed);
        refused.filter(counts).count()
    }

    /// The steps of clocks that stamped the decisions.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.steps.agreed()
    }

    /// Which file a user is in; for decisions that are told apart from files, the first.
    #[must_use]
    pub fn source_of(&self, user: u32) -> usize {
        let nth = usize::try_from(user).unwrap_or(usize::MAX);
        self.sources.get(nth).copied().unwrap_or(0)
    }

    /// How many attempts say nothing of a limit.
    #[must_use]
    pub fn aside(&self) -> u64 {
        self.servers.aside(self.told_of().as_ref())
    }

    /// How many decisions were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many rows of a result file may hold more attempts at what these decisions are about than the one that is told.
    #[must_use]
    pub(crate) fn hiding(&self, decisions: &[Decision]) -> u64 {
        if self.traced {
            return 0;
        }
        let targets: HashSet<u32> = decisions.iter().map(|one| one.target).collect();
        let of = |target: &u32| self.hiding.get(target).copied();
        targets.iter().filter_map(of).sum()
    }

    /// The addresses, or labels, that were asked.
    #[must_use]
    pub fn targets(&self) -> Vec<&str> {
        self.targets.in_order()
    }

    /// The headers, or what else gave hints.
    #[must_use]
    pub fn hint_sources(&self) -> Vec<&str> {
        self.hint_sources.in_order()
    }
}

/// A result file holds samples of all kinds: only labels that were ever refused can say where a limit is, if there are any.
fn only_limited(decisions: &mut Vec<Decision>) {
    let limited: Vec<u32> = decisions
        .iter()
        .filter(|decision| decision.outcome != Outcome::Passed)
        .map(|decision| decision.target)
        .collect();
    if !limited.is_empty() {
        let limited: HashSet<u32> = limited.into_iter().collect();
        decisions.retain(|decision| limited.contains(&decision.target));
    }
}
