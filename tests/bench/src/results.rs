//! What a run came to, as `results.json` holds it: every round, and what follows from the rounds.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::arguments::Effort;
use crate::case::{Case, Client, Measure, Target, Value};
use crate::machine::{Machine, Versions};
use crate::micro::Micro;
use crate::spread::Spread;
use crate::turns::Rounds;

/// All of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// When it began, as HTTP writes a date.
    pub began: String,
    /// How long it took.
    pub seconds: u64,
    /// On what.
    pub machine: Machine,
    /// With what.
    pub versions: Versions,
    /// How often and how long.
    pub effort: Effort,
    /// Case by case.
    pub cases: Vec<Outcome>,
    /// Parts without a server, one by one.
    pub micro: Vec<Micro>,
}

/// What a case came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// As given to `--only`.
    pub name: &'static str,
    /// In words.
    pub about: &'static str,
    /// Which of ours the promises and the ratios are about.
    pub subject: Client,
    /// Threads, or connections.
    pub threads: u32,
    /// The figures of every round of every client.
    pub rounds: Rounds,
    /// Over the rounds.
    pub spreads: BTreeMap<Client, BTreeMap<Measure, Spread>>,
    /// Ours divided by each other client's, round by round, then over the rounds.
    pub ratios: BTreeMap<Client, BTreeMap<Measure, Spread>>,
    /// The promises.
    pub targets: Vec<Judged>,
    /// Why a figure has to be taken with care.
    pub notes: Vec<String>,
}

/// A promise and what came of it.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// What was promised, in words.
    pub promise: String,
    /// What it was.
    pub value: Spread,
    /// Whether the median keeps it.
    pub kept: bool,
}

impl Outcome {
    /// From the rounds of a case.
    pub fn new(case: &Case, rounds: Rounds) -> Self {
        let mut outcome = Self {
            name: case.name,
            about: case.about,
            subject: case.subject,
            threads: case.threads,
            spreads: rounds
                .keys()
                .map(|client| (*client, spreads(&rounds, *client)))
                .collect(),
            ratios: rounds
                .keys()
                .filter(|client| **client != case.subject)
                .map(|client| (*client, ratios(&rounds, case.subject, *client)))
                .collect(),
            targets: case
                .targets
                .iter()
                .filter_map(|target| judge(&rounds, case.subject, target))
                .collect(),
            notes: Vec::new(),
            rounds,
        };
        outcome.notes = outcome.doubts();
        outcome
    }

    /// A server that no client outruns by itself might be what limits all of them.
    fn doubts(&self) -> Vec<String> {
        let rate = |client| {
            let spread: &Spread = self.spreads.get(&client)?.get(&Measure::Rate)?;
            Some(spread.median)
        };
        let raw = [Client::Raw, Client::RawAsync]
            .into_iter()
            .filter_map(rate)
            .reduce(f64::max);
        let others = [Client::Ours, Client::Theirs, Client::TheirsTuned];
        others
            .into_iter()
            .filter(|client| {
                raw.zip(rate(*client))
                    .is_some_and(|(raw, other)| other > 0.95 * raw)
            })
            .map(|client| {
                format!(
                    "{} is as fast as the raw client: perhaps the server is the limit",
                    client.name()
                )
            })
            .collect()
    }
}

fn column(rounds: &Rounds, client: Client, measure: Measure) -> Vec<Option<f64>> {
    rounds
        .get(&client)
        .map(|rounds| rounds.iter().map(|round| round.get(&measure).copied()).collect())
        .unwrap_or_default()
}

fn measures(rounds: &Rounds, client: Client) -> Vec<Measure> {
    let mut found: Vec<Measure> = rounds
        .get(&client)
        .into_iter()
        .flatten()
        .flat_map(|round| round.keys().copied())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn spreads(rounds: &Rounds, client: Client) -> BTreeMap<Measure, Spread> {
    measures(rounds, client)
        .into_iter()
        .filter_map(|measure| {
            let values: Vec<f64> = column(rounds, client, measure).into_iter().flatten().collect();
            Some((measure, Spread::of(&values)?))
        })
        .collect()
}

fn ratios(rounds: &Rounds, subject: Client, other: Client) -> BTreeMap<Measure, Spread> {
    measures(rounds, subject)
        .into_iter()
        .filter_map(|measure| {
            Some((
                measure,
                against(rounds, measure, [subject, other], |ours, other| ours / other)?,
            ))
        })
        .collect()
}

/// Ours against another client's, each pair from the same round.
fn against(
    rounds: &Rounds,
    measure: Measure,
    [subject, other]: [Client; 2],
    compare: fn(f64, f64) -> f64,
) -> Option<Spread> {
    let ours = column(rounds, subject, measure);
    let theirs = column(rounds, other, measure);
    let pairs: Vec<f64> = ours
        .into_iter()
        .zip(theirs)
        .filter_map(|(ours, theirs)| Some(compare(ours?, theirs?)))
        .filter(|value| value.is_finite())
        .collect();
    Spread::of(&pairs)
}

fn judge(rounds: &Rounds, subject: Client, target: &Target) -> Option<Judged> {
    let measure = target.measure;
    let (value, whose) = match target.value {
        Value::Over(other) => (
            against(rounds, measure, [subject, other], |ours, other| ours / other)?,
            format!("{} / {}", subject.name(), other.name()),
        ),
        Value::Less(other) => (
            against(rounds, measure, [subject, other], |ours, other| ours - other)?,
            format!("{} less {}", subject.name(), other.name()),
        ),
        Value::Alone => (
            *spreads(rounds, subject).get(&measure)?,
            subject.name().to_owned(),
        ),
    };
    Some(Judged {
        promise: format!("{}, {whose}: {}", measure.name(), target.bound),
        value,
        kept: target.bound.holds(value.median),
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::case::Bound;
    use crate::cases;
    use crate::turns::Round;

    /// Of a case with ours and theirs, whose rates are these.
    pub fn outcome(ours: &[f64], theirs: &[f64], raw: &[f64]) -> Outcome {
        let mut case = cases::all().remove(1);
        case.targets.retain(|target| target.measure == Measure::Rate);
        let rounds = |values: &[f64]| -> Vec<Round> {
            values
                .iter()
                .map(|value| Round::from([(Measure::Rate, *value)]))
                .collect()
        };
        let all = Rounds::from([
            (Client::Ours, rounds(ours)),
            (Client::Theirs, rounds(theirs)),
            (Client::Raw, rounds(raw)),
        ]);
        Outcome::new(&case, all)
    }

    #[test]
    fn ratios_are_made_round_by_round() {
        // The machine halved its speed after the first round: the medians alone would say 0.5.
        let outcome = outcome(
            &[200.0, 100.0, 100.0],
            &[100.0, 50.0, 200.0],
            &[400.0, 200.0, 200.0],
        );
        let ratio = outcome.ratios[&Client::Theirs][&Measure::Rate];
        assert_eq!((ratio.median, ratio.min, ratio.max), (2.0, 0.5, 2.0));
        assert!(outcome.targets[0].kept, "{:?}", outcome.targets);
        assert!(
            !outcome.targets[1].kept,
            "half of raw is too little: {:?}",
            outcome.targets
        );
        assert_eq!(outcome.notes, [] as [&str; 0]);
    }

    #[test]
    fn a_client_as_fast_as_raw_raises_a_doubt() {
        let outcome = outcome(&[100.0], &[50.0], &[101.0]);
        assert_eq!(outcome.notes.len(), 1, "{:?}", outcome.notes);
    }

    #[test]
    fn a_difference_and_a_value_alone_are_judged_too() {
        let one = |value| vec![Round::from([(Measure::CpuUs, value)])];
        let rounds = Rounds::from([(Client::Ours, one(60.0)), (Client::Raw, one(40.0))]);
        let target = |value, bound| Target {
            measure: Measure::CpuUs,
            value,
            bound,
        };
        let less = judge(
            &rounds,
            Client::Ours,
            &target(Value::Less(Client::Raw), Bound::AtMost(25.0)),
        )
        .unwrap();
        assert!(less.kept && less.value.median == 20.0, "{less:?}");
        assert!(
            !judge(&rounds, Client::Ours, &target(Value::Alone, Bound::AtMost(25.0)))
                .unwrap()
                .kept
        );
        assert!(
            judge(
                &rounds,
                Client::Ours,
                &target(Value::Over(Client::Theirs), Bound::AtMost(1.0))
            )
            .is_none()
        );
    }
}
