//! What an answer of `ws-backoff find` is worth beside the truth.

use std::collections::BTreeMap;

use limiter::{LimitSpec, Rule};
use serde::Deserialize;

/// An interval is narrow that is at most so wide, as a share of its lower end: only by such a one a figure is told.
const NARROW: f64 = 0.1;
/// A figure that is told may be so far from the truth, as a share of it.
const NEAR: f64 = 0.05;

/// An answer, as far as it is scored.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The kind, or `unknown`.
    pub kind: String,
    /// Kinds that explain the trace as well.
    pub also_possible: Vec<String>,
    /// Whether refusals count, where it is told.
    pub refusals_count: Option<bool>,
    /// Turns a second.
    pub rate_per_second: Option<f64>,
    /// At once.
    pub burst: Option<f64>,
    /// In a window, or at the same time.
    pub limit: Option<f64>,
    /// A window's length.
    pub window_ms: Option<f64>,
    /// What the trace does not exclude, figure by figure; without an upper end where there is none.
    pub intervals: BTreeMap<String, (f64, Option<f64>)>,
    /// As `serve` takes it.
    pub limit_text: Option<String>,
    /// What it leaves open.
    pub cannot_tell: Vec<String>,
}

/// The worth of a kind that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The truth, by itself or as the first of several that are possible.
    Named,
    /// The truth is among those that are possible, and a simpler one was named.
    Possible,
    /// It says that it cannot tell.
    CannotTell,
    /// Another kind, or refusals count where they do not, or the other way round.
    Wrong,
}

/// The worth of many answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Score {
    /// Answers.
    pub all: usize,
    /// [`Verdict::Named`].
    pub named: usize,
    /// [`Verdict::Possible`].
    pub possible: usize,
    /// [`Verdict::Wrong`].
    pub wrong: usize,
    /// Figures that were told of named kinds.
    pub figures: usize,
    /// Those of them that are near the truth.
    pub near: usize,
}

impl Verdict {
    /// For a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Possible => "possible",
            Self::CannotTell => "cannot tell",
            Self::Wrong => "WRONG",
        }
    }
}

impl Found {
    /// What it is worth beside this limit.
    #[must_use]
    pub fn verdict(&self, truth: &LimitSpec) -> Verdict {
        let limit = truth.limits[0];
        let word = limit.rule.word();
        let counts = self
            .refusals_count
            .is_none_or(|counts| counts == limit.reject_counts);
        let possible = || self.also_possible.iter().any(|kind| kind == word);
        match self.kind.as_str() {
            "unknown" => Verdict::CannotTell,
            kind if kind == word && counts => Verdict::Named,
            _ if counts && possible() => Verdict::Possible,
            _ => Verdict::Wrong,
        }
    }

    /// In words: the limit as text, else why it cannot be told, and what is possible, too.
    #[must_use]
    pub fn words(&self) -> String {
        let told = match &self.limit_text {
            _ if self.kind == "unknown" => self.cannot_tell.join("; "),
            Some(text) => text.clone(),
            None => self.kind.clone(),
        };
        if self.also_possible.is_empty() {
            return told;
        }
        format!("{told} (also {})", self.also_possible.join(", "))
    }

    /// Each figure that is told by a narrow interval, and whether it is near the truth.
    #[must_use]
    pub fn figures(&self, truth: &LimitSpec) -> Vec<(&'static str, bool)> {
        let rule = &truth.limits[0].rule;
        let told = |(name, told, real): (&'static str, Option<f64>, f64)| {
            let (low, high) = *self.intervals.get(name)?;
            let narrow = high? - low <= NARROW * low;
            narrow.then_some((name, (told? / real - 1.0).abs() <= NEAR))
        };
        let rate = |rate, burst: u32| {
            vec![
                ("ratePerSecond", self.rate_per_second, rate),
                ("burst", self.burst, f64::from(burst)),
            ]
        };
        let limit = |limit: u32| ("limit", self.limit, f64::from(limit));
        let figures = match *rule {
            Rule::TokenBucket {
                rate: per_second,
                burst,
            }
            | Rule::Queue {
                rate: per_second,
                burst,
                ..
            } => rate(per_second, burst),
            Rule::FixedWindow {
                limit: each, window, ..
            }
            | Rule::SlidingWindow { limit: each, window }
            | Rule::SlidingCounter {
                limit: each, window, ..
            } => {
                vec![
                    limit(each),
                    ("windowMs", self.window_ms, 1e3 * window.as_secs_f64()),
                ]
            }
            Rule::Concurrency { limit: each } => vec![limit(each)],
            Rule::Unlimited => Vec::new(),
        };
        figures.into_iter().filter_map(told).collect()
    }
}

impl Score {
    /// One answer more.
    pub fn add(&mut self, truth: &LimitSpec, found: &Found, verdict: Verdict) {
        self.all += 1;
        match verdict {
            Verdict::Named => {
                let figures = found.figures(truth);
                self.named += 1;
                self.figures += figures.len();
                self.near += figures.iter().filter(|(_, near)| *near).count();
            }
            Verdict::Possible => self.possible += 1,
            Verdict::CannotTell => {}
            Verdict::Wrong => self.wrong += 1,
        }
    }

    /// Named, or possible, in percent.
    #[must_use]
    pub fn right(&self) -> f64 {
        percent(self.named + self.possible, self.all)
    }

    /// In percent.
    #[must_use]
    pub fn wrong(&self) -> f64 {
        percent(self.wrong, self.all)
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open = self.all - self.named - self.possible - self.wrong;
        write!(
            out,
            "{} of {} right ({:.1} %: {} named, {} possible), {open} cannot tell, {} wrong ({:.1} %); {} of {} figures near",
            self.named + self.possible,
            self.all,
            self.right(),
            self.named,
            self.possible,
            self.wrong,
            self.wrong(),
            self.near,
            self.figures
        )
    }
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        let mut all = serde_json::json!({
            "kind": "unknown", "alsoPossible": [], "refusalsCount": null, "intervals": {}, "cannotTell": [],
        });
        let own: serde_json::Value = serde_json::from_str(text).unwrap();
        for (name, value) in own.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_kind_is_named_possible_open_or_wrong() {
        let cases = [
            (
                r#"{"kind": "sliding-window", "refusalsCount": false}"#,
                Verdict::Named,
            ),
            (r#"{"kind": "sliding-window"}"#, Verdict::Named),
            (
                r#"{"kind": "sliding-window", "refusalsCount": true}"#,
                Verdict::Wrong,
            ),
            (
                r#"{"kind": "fixed-window", "alsoPossible": ["sliding-window"]}"#,
                Verdict::Possible,
            ),
            (
                r#"{"kind": "fixed-window", "alsoPossible": ["sliding-window"], "refusalsCount": true}"#,
                Verdict::Wrong,
            ),
            (
                r#"{"kind": "fixed-window", "alsoPossible": ["token-bucket"]}"#,
                Verdict::Wrong,
            ),
            (r#"{"kind": "none"}"#, Verdict::Wrong),
            (
                r#"{"kind": "unknown", "alsoPossible": ["fixed-window"]}"#,
                Verdict::CannotTell,
            ),
        ];
        let truth: LimitSpec = "sliding-window limit=20 window=5s".parse().unwrap();
        for (text, verdict) in cases {
            assert_eq!(found(text).verdict(&truth), verdict, "{text}");
        }
    }

    #[test]
    fn only_figures_of_narrow_intervals_are_told_and_they_must_be_near() {
        let truth: LimitSpec = "token-bucket rate=10 burst=20".parse().unwrap();
        let cases = [
            (
                r#"{"ratePerSecond": 10.4, "intervals": {"ratePerSecond": [10, 10.9]}}"#,
                vec![("ratePerSecond", true)],
            ),
            (
                r#"{"ratePerSecond": 10.6, "intervals": {"ratePerSecond": [10, 10.9]}}"#,
                vec![("ratePerSecond", false)],
            ),
            (
                r#"{"ratePerSecond": 10.4, "intervals": {"ratePerSecond": [9, 10.9]}}"#,
                vec![],
            ),
            (
                r#"{"burst": 22, "intervals": {"burst": [22, 22]}}"#,
                vec![("burst", false)],
            ),
            (r#"{"burst": 20, "intervals": {"burst": [20, null]}}"#, vec![]),
            (r#"{"burst": 20}"#, vec![]),
        ];
        for (text, told) in cases {
            assert_eq!(found(text).figures(&truth), told, "{text}");
        }
    }

    #[test]
    fn the_score_counts_each_answer_once() {
        let truth: LimitSpec = "concurrency limit=20".parse().unwrap();
        let answer = found(r#"{"kind": "concurrency", "limit": 20, "intervals": {"limit": [20, 20]}}"#);
        let mut score = Score::default();
        for verdict in [
            Verdict::Named,
            Verdict::Possible,
            Verdict::CannotTell,
            Verdict::Wrong,
        ] {
            score.add(&truth, &answer, verdict);
        }
        assert_eq!(
            score.to_string(),
            "2 of 4 right (50.0 %: 1 named, 1 possible), 1 cannot tell, 1 wrong (25.0 %); 1 of 1 figures near"
        );
    }
}
