//! Decisions as sorted times, and how many of them can, or must, lie in a span; what a limit makes of such counts is not decided here.
//!
//! Each decision fell at an unknown moment between its request and its answer. So a count has two bounds: those that *could* lie in a
//! span, and those that *surely* do. A model is contradicted only by what no choice of moments explains.

use crate::observations::Decision;
use crate::outcome::Outcome;
use crate::rows::Rows;
use std::sync::OnceLock;

/// Microseconds since the first request.
pub(crate) type Micros = i64;

/// Many servers look at a clock that they set once in a turn of their loop.
const TICK: Micros = 2_000;

/// See [`Seen::held_longer`].
const HELD_LONGER: Micros = 60_000;

/// Sorted begins and ends of a set of decisions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans {
    begins: Vec<Micros>,
    ends: Vec<Micros>,
}

impl Spans {
    fn of(decisions: impl Iterator<Item = (Micros, Micros)>) -> Self {
        let (mut begins, mut ends): (Vec<_>, Vec<_>) = decisions.unzip();
        begins.sort_unstable();
        ends.sort_unstable();
        Self { begins, ends }
    }

    /// When they were sent, in that order.
    pub(crate) fn begins(&self) -> &[Micros] {
        &self.begins
    }

    /// When they were answered, in that order.
    pub(crate) fn ends(&self) -> &[Micros] {
        &self.ends
    }

    /// How many requests were sent before.
    pub(crate) fn sent_before(&self, time: Micros) -> i64 {
        below(&self.begins, time)
    }

    /// How many were decided before for certain.
    pub(crate) fn decided_before(&self, time: Micros) -> i64 {
        below(&self.ends, time)
    }

    /// The most that can have been decided in `from..until`.
    pub(crate) fn could(&self, from: Micros, until: Micros) -> i64 {
        (self.sent_before(until) - self.decided_before(from)).max(0)
    }

    /// The fewest that were decided in `from..until`.
    pub(crate) fn surely(&self, from: Micros, until: Micros) -> i64 {
        (self.decided_before(until) - self.sent_before(from)).max(0)
    }
}

fn below(sorted: &[Micros], time: Micros) -> i64 {
    i64::try_from(sorted.partition_point(|at| *at < time)).unwrap_or(i64::MAX)
}

/// One decision as the models need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct One {
    pub(crate) sent: Micros,
    pub(crate) answered: Micros,
    pub(crate) passed: bool,
    /// No answer came; `answered` is an estimate then.
    pub(crate) silent: bool,
    /// When the connection ended.
    pub(crate) ended: Option<Micros>,
    /// Another limit refused it, or may have: it says nothing of this one.
    pub(crate) elsewhere: bool,
    /// Whose it is, from 1, where each has a limit of its own; else 0.
    pub(crate) group: u32,
}

/// All decisions, ordered by their answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) all: Vec<One>,
    /// Those of `all` that a model is judged by; its state is made of all.
    pub(crate) judged: Vec<One>,
    /// Of those that passed.
    pub(crate) passes: Spans,
    /// Of all.
    pub(crate) attempts: Spans,
    /// The first request, microseconds since 1970.
    pub(crate) origin: u64,
    /// From the first request to the last answer.
    pub(crate) length: Micros,
    /// Connections that a plan holds for a time are held for up to so much longer: threads wake late.
    pub(crate) held_longer: Micros,
    /// Who waited for a place was let in when it was answered, and is written down so.
    pub(crate) at_answers: bool,
    /// The groups, each with a limit of its own; none where all share one.
    pub(crate) parts: Vec<Seen>,
    /// Any of its refusals may be another limit's.
    pub(crate) unsorted: bool,
    /// Nine of ten decisions fell within this time.
    pub(crate) usual: Micros,
    orders: Orders,
}

/// What is made of all decisions once, when it is asked for.
#[derive(Debug, Clone, Default)]
struct Orders {
    windows: OnceLock<Rows>,
    blocks: OnceLock<Rows>,
    by_sent: OnceLock<Vec<(Micros, bool)>>,
    around: OnceLock<Vec<Around>>,
}

/// How many attempts lie before a decision, for certain or perhaps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    /// Decided before its request.
    pub(crate) before: i64,
    /// The same, with those at the same moment where it is a refusal.
    pub(crate) decided: i64,
    /// Sent before its answer.
    pub(crate) under_way: i64,
}

impl Seen {
    /// Of decisions that passed or were refused; `denied`: whether a 403 and its like is a limit's refusal.
    pub(crate) fn new(decisions: &[Decision], denied: bool) -> Self {
        Self::grouped(decisions, denied, |_| 0)
    }

    /// The same, where each group, numbered from 1, has a limit of its own.
    pub(crate) fn grouped(decisions: &[Decision], denied: bool, group: impl Fn(&Decision) -> u32) -> Self {
        let origin = decisions
            .iter()
            .map(|decision| decision.sent)
            .min()
            .unwrap_or_default();
        let since = |time: u64| Micros::try_from(time.saturating_sub(origin)).unwrap_or(Micros::MAX / 4);
        let usual = usual_answer(decisions);
        let counted = decisions
            .iter()
            .filter(|decision| denied || decision.outcome != Outcome::Denied);
        let all = counted.map(|decision| {
            let silent = decision.outcome == Outcome::Unanswered;
            let latest = if silent { decision.sent + usual } else { u64::MAX };
            One {
                sent: since(decision.sent) - TICK,
                answered: since(decision.answered.min(latest)) + TICK,
                passed: decision.outcome == Outcome::Passed,
                silent,
                ended: decision.ended.map(since),
                elsewhere: false,
                group: group(decision),
            }
        });
        Self::of(all.collect(), origin)
    }

    pub(crate) fn of(mut all: Vec<One>, origin: u64) -> Self {
        all.sort_by_key(|one| (one.answered, one.sent));
        let span = |one: &One| (one.sent, one.answered);
        let mut times: Vec<Micros> = all.iter().map(|one| one.answered - one.sent).collect();
        times.sort_unstable();
        Self {
            held_longer: HELD_LONGER,
            at_answers: false,
            usual: times.get(times.len() * 9 / 10).copied().unwrap_or(0),
            passes: Spans::of(all.iter().filter(|one| one.passed).map(span)),
            attempts: Spans::of(all.iter().map(span)),
            origin,
            length: all.last().map_or(0, |one| one.answered),
            judged: all.iter().filter(|one| !one.elsewhere).copied().collect(),
            unsorted: false,
            parts: parts(&all, origin),
            orders: Orders::default(),
            all,
        }
    }

    /// The same, where any of the refusals may be another limit's.
    pub(crate) fn unsorted(&self) -> Self {
        Self {
            unsorted: true,
            orders: Orders::default(),
            ..self.clone()
        }
    }

    /// From which windows that begin with a pass are read; behind a refusal of one the next pass is in a new one.
    pub(crate) fn windows(&self) -> &Rows {
        let rows = || {
            let refused = self.refused().filter(|_| !self.unsorted);
            Rows::of(self.passed(), refused, self.length)
        };
        self.orders.windows.get_or_init(rows)
    }

    /// From which blocks are read that begin with a refusal and end before a pass.
    pub(crate) fn blocks(&self) -> &Rows {
        let rows = || Rows::of(self.refused(), self.passed(), self.length);
        self.orders.blocks.get_or_init(rows)
    }

    /// What lies before each of all.
    pub(crate) fn around(&self) -> &[Around] {
        let of = |one: &One| Around {
            before: self.attempts.decided_before(one.sent),
            decided: self.attempts.decided_before(one.sent + Micros::from(!one.passed)),
            under_way: self.attempts.sent_before(one.answered),
        };
        let around = || self.all.iter().map(of).collect();
        self.orders.around.get_or_init(around)
    }

    /// When all were sent, in that order, and whether each was let in.
    pub(crate) fn by_sent(&self) -> &[(Micros, bool)] {
        let order = || {
            let mut order: Vec<(Micros, bool)> = self.all.iter().map(|one| (one.sent, one.passed)).collect();
            order.sort_by_key(|(sent, _)| *sent);
            order
        };
        self.orders.by_sent.get_or_init(order)
    }

    /// The same, as far as one of two limits is concerned of which the other one explains those.
    pub(crate) fn without(&self, explained: &[bool]) -> Self {
        let all = self.all.iter().zip(explained).map(|(one, explained)| One {
            elsewhere: *explained,
            ..*one
        });
        Self {
            held_longer: self.held_longer,
            at_answers: self.at_answers,
            ..Self::of(all.collect(), self.origin)
        }
    }

    /// Up to the so many-eth pass.
    pub(crate) fn begin_of_passes(&self, most: usize) -> Self {
        let until = self.passed().nth(most).map(|one| one.answered);
        let most = until.map(|until| self.all.partition_point(|one| one.answered < until));
        self.begin(most.unwrap_or(self.all.len()))
    }

    /// The first so many.
    pub(crate) fn begin(&self, most: usize) -> Self {
        Self {
            held_longer: self.held_longer,
            at_answers: self.at_answers,
            unsorted: self.unsorted,
            ..Self::of(self.all[..most].to_vec(), self.origin)
        }
    }

    /// The same requests, with what became of them in an order by chance: each number is another order, always the same one.
    pub(crate) fn shuffled(&self, order: u64) -> Self {
        let mut all: Vec<One> = self.all.iter().filter(|one| !one.elsewhere).copied().collect();
        // A linear congruential generator by Knuth, of which the upper bits are used.
        let mut state = order;
        for nth in (1..all.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let other = usize::try_from((state >> 33) % (nth as u64 + 1)).unwrap_or(0);
            let (one, another) = (all[nth], all[other]);
            (all[nth].passed, all[nth].ended) = (another.passed, another.ended);
            (all[other].passed, all[other].ended) = (one.passed, one.ended);
        }
        Self::of(all, self.origin)
    }

    /// The same, judged by so many decisions at most: evenly out of those that passed and out of those that were refused, for where
    /// users hammer, the few that pass tell most.
    pub(crate) fn judged_by(&self, most: usize) -> Self {
        let (passes, refusals) = self.counts();
        let half = passes.min(refusals).min(most / 2);
        let evenly = |count: usize, most: usize| count.div_ceil(most.max(1)).max(1);
        let of_passes = evenly(passes, if passes <= refusals { half } else { most - half });
        let of_refusals = evenly(refusals, if passes <= refusals { most - half } else { half });
        let mut thin = self.clone();
        thin.judged = self.passed().step_by(of_passes).copied().collect();
        thin.judged.extend(self.refused().step_by(of_refusals));
        for part in &mut thin.parts {
            part.judged.clear();
        }
        for one in &thin.judged {
            if let Some(part) = thin.parts.get_mut(nth(one.group)) {
                part.judged.push(*one);
            }
        }
        thin
    }

    /// Moments at which a closed window opened, the clearest first: not before the first, not behind the second.
    pub(crate) fn openings(&self) -> Vec<(Micros, Micros)> {
        let mut found: Vec<(usize, (Micros, Micros))> = Vec::new();
        if !self.parts.is_empty() {
            return self.parts.iter().flat_map(Seen::openings).collect();
        }
        let (mut refused, mut latest) = (0, 0);
        for one in &self.all {
            if one.elsewhere {
                continue;
            }
            if !one.passed {
                refused += 1;
                latest = latest.max(one.sent);
            } else if refused > 0 {
                found.push((refused, (latest.min(one.answered), one.answered)));
                refused = 0;
            }
        }
        found.sort_by_key(|(refused, _)| std::cmp::Reverse(*refused));
        found.into_iter().map(|(_, opening)| opening).collect()
    }

    pub(crate) fn passed(&self) -> impl Iterator<Item = &One> {
        self.all.iter().filter(|one| one.passed)
    }

    pub(crate) fn refused(&self) -> impl Iterator<Item = &One> {
        self.all.iter().filter(|one| !one.passed && !one.elsewhere)
    }

    /// How many passed and were refused.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.passed().count(), self.refused().count())
    }
}

/// Where a group stands among the parts.
fn nth(group: u32) -> usize {
    usize::try_from(group).map_or(usize::MAX, |group| group.wrapping_sub(1))
}

/// What each group saw, by its number.
fn parts(all: &[One], origin: u64) -> Vec<Seen> {
    let count = all.iter().map(|one| one.group).max().unwrap_or(0);
    let mut groups = vec![Vec::new(); usize::try_from(count).unwrap_or(0)];
    for one in all {
        if let Some(group) = groups.get_mut(nth(one.group)) {
            group.push(One { group: 0, ..*one });
        }
    }
    groups.into_iter().map(|group| Seen::of(group, origin)).collect()
}

/// By when nearly all answers of this server come, in microseconds.
fn usual_answer(decisions: &[Decision]) -> u64 {
    let answers = decisions.iter().filter(|one| one.outcome != Outcome::Unanswered);
    let mut times: Vec<u64> = answers.map(|one| one.answered - one.sent).collect();
    times.sort_unstable();
    times.get(times.len() * 19 / 20).copied().unwrap_or(0).max(50_000)
}
