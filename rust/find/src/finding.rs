//! What was found out: kind, figures, intervals, what else is possible and what is not; as JSON and as a sentence.

use crate::reasons::WINDOWS_BEGIN;
use limiter::{Limit, LimitSpec, Rule, WindowClock};
use serde::Serialize;
use std::collections::BTreeMap;
use units::format_duration;

/// The kind of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Tokens at a rate, a number of them saved up; also GCRA and the leaky bucket that does not delay.
    TokenBucket,
    /// A counter of a window, from its first attempt or on a clock.
    FixedWindow,
    /// So many in any span, each with its own time stamp.
    SlidingWindow,
    /// The same by two counters.
    SlidingCounter,
    /// So many at the same time.
    Concurrency,
    /// A rate that is kept by answering late.
    Queue,
    /// Nobody was refused.
    None,
    /// Refused for another reason.
    Other,
    /// The observations do not say.
    Unknown,
}

impl Kind {
    /// As it stands in JSON and in limits as text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TokenBucket => "token-bucket",
            Self::FixedWindow => "fixed-window",
            Self::SlidingWindow => "sliding-window",
            Self::SlidingCounter => "sliding-counter",
            Self::Concurrency => "concurrency",
            Self::Queue => "queue",
            Self::None => "none",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }

    /// In words of a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenBucket => "token bucket",
            Self::FixedWindow => "fixed window",
            Self::SlidingWindow => "sliding window",
            Self::SlidingCounter => "sliding window of two counters",
            Self::Concurrency => "connections at the same time",
            Self::Queue => "queue",
            Self::None => "none",
            Self::Other => "another reason",
            Self::Unknown => "unknown",
        }
    }
}

/// A kind that is not it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuledOut {
    /// Which.
    pub kind: Kind,
    /// Why not.
    pub reason: String,
}

/// Whether hints tell the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Honesty {
    /// No refusal had one.
    Absent,
    /// Whoever waits so long is let in if nobody comes in between.
    Honest,
    /// They lead to further refusals.
    TooShort,
    /// One may come earlier.
    TooLong,
    /// The limit is not known well enough.
    Unknown,
}

/// What refusals said of when to come back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hints {
    /// Refusals with a hint that can be used.
    pub given: usize,
    /// Refusals.
    pub refusals: usize,
    /// Where they stood.
    pub sources: Vec<String>,
    /// Against the limit that was found.
    pub honesty: Honesty,
    /// The shortest, in milliseconds.
    pub shortest_ms: Option<f64>,
    /// The longest, in milliseconds.
    pub longest_ms: Option<f64>,
}

/// A limit that stands beside the first one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Second {
    /// What limits.
    pub kind: Kind,
    /// As those of the first one.
    #[serde(flatten)]
    pub figures: Figures,
    /// Whether refused attempts count; null where the observations do not say, or it has no meaning.
    pub refusals_count: Option<bool>,
    /// Kinds that explain its part of the decisions as well.
    pub also_possible: Vec<Kind>,
}

/// The figures of a limit; those that its kind lacks are null.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Of a bucket or a queue.
    pub rate_per_second: Option<f64>,
    /// Of a bucket; of a queue how many may be ahead of the rate.
    pub burst: Option<u64>,
    /// Of a window, or at the same time.
    pub limit: Option<u64>,
    /// Of a window.
    pub window_ms: Option<f64>,
    /// Figures that the decisions do not exclude, by the figure's name.
    pub intervals: BTreeMap<&'static str, [f64; 2]>,
}

/// A limit that each user, that is each thread of JMeter, has for itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EachUser {
    /// The limit of one of them.
    #[serde(rename = "limitText", serialize_with = "text")]
    pub limit: LimitSpec,
}

fn text<S: serde::Serializer>(limit: &LimitSpec, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(limit)
}

/// The result. As JSON its top level is fixed; fields that a kind lacks are null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What limits.
    pub kind: Kind,
    /// Of a bucket or a queue.
    pub rate_per_second: Option<f64>,
    /// Of a bucket; of a queue how many may be ahead of the rate.
    pub burst: Option<u64>,
    /// Of a window, or at the same time.
    pub limit: Option<u64>,
    /// Of a window.
    pub window_ms: Option<f64>,
    /// For how long whoever is refused is blocked; null where that is not so, or not known.
    pub block_ms: Option<f64>,
    /// Whether refused attempts count; null where the observations do not say, or it has no meaning.
    pub refusals_count: Option<bool>,
    /// Decisions that were looked at.
    pub decisions: usize,
    /// Of those, how many the limit contradicts.
    pub contradicted: usize,
    /// Kinds that explain the decisions as well.
    pub also_possible: Vec<Kind>,
    /// Figures that the decisions do not exclude, by the figure's name.
    pub intervals: BTreeMap<&'static str, [f64; 2]>,
    /// Kinds that it is not.
    pub ruled_out: Vec<RuledOut>,
    /// What refuses beside it, where two limits were seen at work; null where one explains all.
    pub second: Option<Second>,
    /// As text what each user has for itself, where that is the limit; null where all share it.
    pub each_user: Option<EachUser>,
    /// Attempts that a proxy refused before the server knew of them.
    pub proxy_refusals: usize,
    /// What refusals said.
    pub hints: Hints,
    /// The status of nearly all refusals; null where they had several, or none.
    pub refusal_status: Option<u16>,
    /// Whose limits look like this one.
    pub likely_makers: Vec<&'static str>,
    /// The limit as `serve`, `simulate` and `tune` take it; null where the figures are not known.
    #[serde(rename = "limitText", serialize_with = "as_text")]
    pub limit_spec: Option<LimitSpec>,
    /// What the observations leave open, and which run would tell.
    pub cannot_tell: Vec<String>,
    /// What comes before, beside or behind the limit.
    pub notes: Vec<String>,
}

fn is_guess([low, high]: &[f64; 2]) -> bool {
    *high > GUESS * low + 1.0
}

fn as_text<S: serde::Serializer>(limit: &Option<LimitSpec>, serializer: S) -> Result<S::Ok, S::Error> {
    limit.as_ref().map(ToString::to_string).serialize(serializer)
}

/// A number without digits that say nothing.
pub(crate) fn number(value: f64) -> String {
    let rounded = if value >= 100.0 {
        value.round()
    } else {
        (value * 1_000.0).round() / 1_000.0
    };
    rounded.to_string()
}

/// A rate in the unit in which people speak of it.
fn rate(per_second: f64) -> String {
    let per_minute = 60.0 * per_second;
    if per_second < 1.0 && (per_minute - per_minute.round()).abs() < 1e-6 {
        format!("{} a minute", number(per_minute))
    } else {
        format!("{} a second", number(per_second))
    }
}

/// A figure is known no better than a guess where what the decisions do not exclude is so many times as much, and one more.
const GUESS: f64 = 1.5;

impl Finding {
    /// Whether a figure is told better than by a guess, or its kind has none of this name.
    fn known(&self, figure: &str) -> bool {
        self.intervals
            .get(figure)
            .is_none_or(|interval| !is_guess(interval))
    }

    /// Whether it stays open if windows begin with an attempt or on the server's clock.
    pub(crate) fn leaves_the_clock_open(&self) -> bool {
        self.cannot_tell.iter().any(|open| open == WINDOWS_BEGIN)
    }

    /// The figure without which the limit as text is a guess, and from where to where it may be; `None`: all are known.
    #[must_use]
    pub fn guess(&self) -> Option<(&'static str, [f64; 2])> {
        let second = self.second.iter().flat_map(|second| &second.figures.intervals);
        let mut all = self.intervals.iter().chain(second);
        let guess = all.find(|(_, interval)| is_guess(interval));
        guess.map(|(figure, interval)| (*figure, *interval))
    }

    /// In one sentence, which begins with a small letter and has no full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (spec, whose) = match &self.each_user {
            Some(each) => (Some(&each.limit), "each user has its own, "),
            None => (self.limit_spec.as_ref(), ""),
        };
        match (spec, self.kind) {
            (_, Kind::None) => "the limit: none seen, nobody was refused".to_owned(),
            (_, Kind::Other) => {
                "the limit: none seen, who was refused was refused for another reason".to_owned()
            }
            (None, _) | (_, Kind::Unknown) => {
                let reason = self
                    .cannot_tell
                    .first()
                    .map_or("too little was seen", String::as_str);
                format!("the limit: cannot tell, {reason}")
            }
            (Some(spec), _) => {
                let said = Said {
                    clock: !self.leaves_the_clock_open(),
                    window: self.known("windowMs"),
                };
                let rules: Vec<String> = spec.limits.iter().map(|limit| told(limit, said)).collect();
                let counted = match self.refusals_count {
                    _ if self.kind == Kind::Concurrency || self.block_ms.is_some() => "",
                    Some(true) => ", refusals count",
                    Some(false) => ", refusals do not count",
                    None => "",
                };
                format!("the limit: {whose}{}{counted}", rules.join(" and "))
            }
        }
    }
}

/// What of windows is known, so that it is said.
#[derive(Clone, Copy)]
struct Said {
    clock: bool,
    window: bool,
}

fn told(limit: &Limit, said: Said) -> String {
    let Some(block) = limit.block else {
        return rule(&limit.rule, said.clock);
    };
    let from = if limit.reject_counts {
        "the last attempt"
    } else {
        "a refusal"
    };
    let what = match limit.rule {
        Rule::FixedWindow { limit, .. } if !said.window => {
            format!("fixed window, {limit} in one whose length is not known")
        }
        other => rule(&other, said.clock),
    };
    format!("{what}, blocked for {} after {from}", seconds(block))
}

fn rule(rule: &Rule, clock_known: bool) -> String {
    match *rule {
        Rule::TokenBucket {
            rate: per_second,
            burst,
        } => {
            format!(
                "token bucket, {burst} at once and {} from then on",
                rate(per_second)
            )
        }
        Rule::FixedWindow { limit, window, clock } => {
            let clock = match clock {
                _ if !clock_known => "",
                WindowClock::First => ", from its first attempt on",
                WindowClock::Aligned { .. } => ", on the server's clock",
            };
            format!("fixed window, {limit} per {}{clock}", seconds(window))
        }
        Rule::SlidingWindow { limit, window } => {
            format!("sliding window, {limit} in any {}", seconds(window))
        }
        Rule::SlidingCounter { limit, window, clock } => {
            let clock = match clock {
                WindowClock::First if clock_known => ", from the first attempt on",
                _ => "",
            };
            format!(
                "sliding window of two counters, {limit} in any {}{clock}",
                seconds(window)
            )
        }
        Rule::Concurrency { limit: 1 } => "1 connection at the same time".to_owned(),
        Rule::Concurrency { limit } => format!("{limit} connections at the same time"),
        Rule::Queue {
            rate: per_second,
            burst,
            ..
        } => {
            format!("queue, {} are answered, up to {burst} wait", rate(per_second))
        }
        Rule::Unlimited => "none".to_owned(),
    }
}

/// Minutes only where nobody would say seconds.
fn seconds(window: std::time::Duration) -> String {
    let whole = window.as_secs();
    if window.subsec_nanos() == 0 && whole <= 300 {
        format!("{whole} s")
    } else if window.subsec_micros() % 1_000 == 0 && whole < 300 {
        format!("{} s", number(window.as_secs_f64()))
    } else {
        format_duration(window)
    }
}
