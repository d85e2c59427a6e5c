//! The figures in the OpenMetrics text format: names, units and labels; the library writes the format. Names are frozen once released.

use std::fmt;

use engine::watching::lengths::{BOUNDS, Lengths};
use engine::watching::moment::{Fate, Moment};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use trace::ClosedBy;

/// The type of the text, for HTTP.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures of a moment.
pub fn text(moment: Moment) -> String {
    let mut registry = Registry::with_prefix("wsbackoff");
    registry.register_collector(Box::new(Figures(moment)));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes everything");
    text
}

#[derive(Debug)]
struct Figures(Moment);

impl Collector for Figures {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let Figures(moment) = self;
        let crowd = &moment.crowd;
        for (name, help, count) in [
            ("connected", "Open connections", crowd.connected),
            (
                "connecting",
                "Connects with an attempt under way",
                crowd.connecting,
            ),
            (
                "waiting",
                "Connects in a backoff pause or at a gate",
                crowd.waiting,
            ),
            ("lost", "Users whose latest connect gave up", crowd.lost),
            (
                "held",
                "Users whom a Retry Controller (wsb) or a Pace Timer (wsb) holds",
                crowd.held,
            ),
        ] {
            gauge(&mut to, name, help, None, &count)?;
        }
        let attempts = Fate::ALL.map(|fate| (fate.name(), moment.attempts[fate as usize]));
        counters(
            &mut to,
            "attempts",
            "Attempts to connect by what came of them",
            "outcome",
            attempts,
        )?;
        let connects = moment.connects.iter().map(|(stop, &count)| (&**stop, count));
        counters(
            &mut to,
            "connects",
            "Connects, all attempts of one together, by how they ended",
            "stop",
            connects,
        )?;
        let ends = ClosedBy::ALL.map(|by| (by.name(), moment.ends[by as usize]));
        counters(
            &mut to,
            "closed",
            "Connections that were open and ended, by who or what ended them",
            "by",
            ends,
        )?;
        let hint = moment.hint.as_secs_f64();
        gauge(
            &mut to,
            "hint",
            "How much longer the longest hint of a server holds",
            Some(&Unit::Seconds),
            &hint,
        )?;
        histogram(
            &mut to,
            "time_to_connect",
            "From the first attempt to the open socket, waits included",
            &moment.to_connect,
        )?;
        histogram(
            &mut to,
            "wait",
            "Each backoff pause, and each wait at a gate",
            &moment.waits,
        )?;
        self.gates(&mut to)
    }
}

impl Figures {
    fn gates(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let gates = super::busiest(&self.0);
        let rates = gates
            .iter()
            .filter_map(|gate| Some((&*gate.key, gate.state.rate?)));
        gate(
            to,
            "gate_rate",
            "Turns a second of a gate, where it has a rate",
            None,
            rates,
        )?;
        let queues = gates.iter().map(|gate| (&*gate.key, gate.state.queue as u64));
        gate(to, "gate_queue", "How many wait at a gate", None, queues)?;
        let holds = gates
            .iter()
            .map(|gate| (&*gate.key, gate.state.hold.as_secs_f64()));
        let help = "How much longer a gate is shut by a hint";
        gate(to, "gate_hold", help, Some(&Unit::Seconds), holds)
    }
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    to.encode_descriptor(name, help, unit, MetricType::Gauge)?
        .encode_gauge(value)
}

/// Gauges of all gates, if there are any.
fn gate<'a, V: EncodeGaugeValue>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: impl Iterator<Item = (&'a str, V)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (key, value) in values {
        metric
            .encode_family(&[("gate", key.trim_end())])?
            .encode_gauge(&value)?;
    }
    Ok(())
}

fn counters<'a>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    counts: impl IntoIterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (word, count) in counts {
        metric
            .encode_family(&[(label, word)])?
            .encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
    }
    Ok(())
}

/// In seconds.
fn histogram(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, lengths: &Lengths) -> fmt::Result {
    let mut buckets: Vec<(f64, u64)> = Vec::with_capacity(BOUNDS.len() + 1);
    let mut below = 0;
    for (bound, up_to) in BOUNDS.into_iter().zip(lengths.up_to) {
        // The library wants what is in each, and adds them up itself.
        buckets.push((bound as f64 / 1_000.0, up_to - below));
        below = up_to;
    }
    buckets.push((f64::INFINITY, lengths.count - below));
    let sum = lengths.sum.as_secs_f64();
    to.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?
        .encode_histogram::<NoLabelSet>(sum, lengths.count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use backoff::PacerState;
    use engine::watching::lengths::Spread;
    use engine::watching::moment::{Crowd, GateFigures};

    #[test]
    fn all_figures_have_a_name_a_type_a_help_and_their_unit() {
        let waits = Spread::default();
        for seconds in [0.003, 0.2, 7.0, 5_000.0] {
            waits.add(Duration::from_secs_f64(seconds));
        }
        let text = text(Moment {
            crowd: Crowd {
                connected: 120,
                waiting: 78,
                lost: 2,
                ..Crowd::default()
            },
            attempts: [120, 400, 3, 0, 0],
            hint: Duration::from_millis(41_500),
            connects: [("connected".to_owned(), 120)].into(),
            ends: [1, 0, 0, 0, 0, 0],
            waits: waits.lengths(),
            gates: vec![GateFigures {
                key: "h:80/a \"b\"\\ ".to_owned(),
                state: PacerState {
                    rate: Some(2.0),
                    queue: 78,
                    hold: Duration::from_secs(5),
                },
            }],
            ..Moment::default()
        });
        for line in [
            "# TYPE wsbackoff_connected gauge",
            "wsbackoff_connected 120",
            "wsbackoff_waiting 78",
            "wsbackoff_lost 2",
            "# TYPE wsbackoff_attempts counter",
            "wsbackoff_attempts_total{outcome=\"throttled\"} 400",
            "wsbackoff_connects_total{stop=\"connected\"} 120",
            "wsbackoff_closed_total{by=\"server\"} 1",
            "# UNIT wsbackoff_hint_seconds seconds",
            "wsbackoff_hint_seconds 41.5",
            "# TYPE wsbackoff_time_to_connect_seconds histogram",
            "wsbackoff_time_to_connect_seconds_count 0",
            "wsbackoff_wait_seconds_bucket{le=\"0.005\"} 1",
            "wsbackoff_wait_seconds_bucket{le=\"5.0\"} 2",
            "wsbackoff_wait_seconds_bucket{le=\"600.0\"} 3",
            "wsbackoff_wait_seconds_bucket{le=\"+Inf\"} 4",
            "wsbackoff_wait_seconds_count 4",
            "wsbackoff_gate_queue{gate=\"h:80/a \\\"b\\\"\\\\\"} 78",
            "wsbackoff_gate_rate{gate=\"h:80/a \\\"b\\\"\\\\\"} 2.0",
            "# EOF",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} in:\n{text}");
        }
        let of = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
        assert_eq!((of("# HELP"), of("# TYPE")), (14, 14), "{text}");
    }
}
