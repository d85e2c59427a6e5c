//! How long an opening takes: by the server's log, which sees all clients with the same clock, and as the clients show it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use system::jtl::Sample;
use system::serve::Logged;

use crate::case::{Client, Measure};
use crate::plans::OPEN;
use crate::spread::quantile;
use crate::turns::{Round, Rounds};

/// When a client had its turn.
#[derive(Debug, Clone)]
pub struct Turn {
    /// When it was let go.
    pub from: SystemTime,
    /// When it stood still again.
    pub to: SystemTime,
    /// How long each opening took by the raw client's own clock.
    pub openings: Vec<Duration>,
}

/// Divides log and samples by the clients' turns.
pub fn rounds(
    log: &[Logged],
    samples: &BTreeMap<Client, Vec<Sample>>,
    turns: &BTreeMap<Client, Vec<Turn>>,
) -> Rounds {
    let none = Vec::new();
    let of = |client: &Client, turns: &Vec<Turn>| {
        let samples = samples.get(client).unwrap_or(&none);
        turns.iter().map(|turn| round(log, samples, turn)).collect()
    };
    turns
        .iter()
        .map(|(client, turns)| (*client, of(client, turns)))
        .collect()
}

fn round(log: &[Logged], samples: &[Sample], turn: &Turn) -> Round {
    let (from, to) = (micros(turn.from), micros(turn.to));
    let seen: Vec<&Logged> = log
        .iter()
        .filter(|line| line.status == Some(101) && (from..to).contains(&line.accepted_us))
        .collect();
    let since_accept = |until: fn(&Logged) -> Option<u64>| -> Vec<f64> {
        seen.iter()
            .filter_map(|line| Some((until(line)? - line.accepted_us) as f64 / 1_000.0))
            .collect()
    };
    let mut answered = since_accept(|line| line.answered_us);
    let mut asked = since_accept(|line| line.head_us);
    let mut figures = Round::new();
    let mut keep = |measure, value: Option<f64>| {
        if let Some(value) = value {
            figures.insert(measure, value);
        }
    };
    let open = quantile(&mut answered, 0.5);
    keep(Measure::OpenP50Ms, open);
    keep(Measure::OpenP90Ms, quantile(&mut answered, 0.9));
    keep(Measure::OpenP99Ms, quantile(&mut answered, 0.99));

    let shown: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.label == OPEN && (from / 1_000..to / 1_000).contains(&sample.started_ms))
        .collect();
    let median = |value: fn(&Sample) -> u64| {
        let mut values: Vec<f64> = shown.iter().map(|sample| value(sample) as f64).collect();
        quantile(&mut values, 0.5)
    };
    let off = |shown: Option<f64>, true_ms: Option<f64>| Some((shown? - true_ms?).abs());
    let mut own: Vec<f64> = turn
        .openings
        .iter()
        .map(|length| length.as_secs_f64() * 1e3)
        .collect();
    keep(
        Measure::ShownElapsedMs,
        quantile(&mut own, 0.5).or(median(|sample| sample.elapsed_ms)),
    );
    keep(
        Measure::ConnectOffMs,
        off(median(|sample| sample.connect_ms), quantile(&mut asked, 0.5)),
    );
    keep(
        Measure::LatencyOffMs,
        off(median(|sample| sample.latency_ms), open),
    );
    figures
}

fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(accepted_us: u64, asked: u64, answered: u64) -> Logged {
        let text = format!(
            "{{\"acceptedUs\":{accepted_us},\"headUs\":{},\"answeredUs\":{},\"status\":101,\"path\":\"/\",\"peer\":\"x\",\"fault\":null}}",
            accepted_us + asked,
            accepted_us + answered
        );
        serde_json::from_str(&text).unwrap()
    }

    fn sample(started_ms: u64, label: &str) -> Sample {
        Sample {
            started_ms,
            elapsed_ms: 9,
            label: label.to_owned(),
            code: String::new(),
            message: String::new(),
            thread: String::new(),
            success: true,
            bytes: 0,
            sent_bytes: 0,
            latency_ms: 4,
            idle_ms: 0,
            connect_ms: 5,
            variables: BTreeMap::new(),
        }
    }

    #[test]
    fn a_round_takes_what_fell_into_its_turn() {
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        let log = [
            line(900_000, 1, 1),
            line(1_100_000, 2_000, 3_000),
            line(1_200_000, 2_500, 4_000),
            line(1_300_000, 2_600, 5_000),
            line(2_000_000, 1, 1),
        ];
        let samples = [sample(1_100, OPEN), sample(1_101, "Close"), sample(2_500, OPEN)];
        let turn = Turn {
            from: at(1_000),
            to: at(2_000),
            openings: Vec::new(),
        };
        let round = round(&log, &samples, &turn);
        for (measure, value) in [
            (Measure::OpenP50Ms, 4.0),
            (Measure::OpenP99Ms, 5.0),
            (Measure::ShownElapsedMs, 9.0),
            (Measure::ConnectOffMs, 2.5),
            (Measure::LatencyOffMs, 0.0),
        ] {
            assert!((round[&measure] - value).abs() < 1e-9, "{measure:?}: {round:?}");
        }
    }
}
