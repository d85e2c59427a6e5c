//! Rows of result files: those that do not tell all, and numbers at the ends of what a file may hold.

use find::{Kind, Observations, find};
use std::fmt::Write as _;
use trace::jtl::{Row, Rows};
use trace::{LARGEST, Reader};

fn row(nth: u64) -> Row {
    Row {
        time_stamp: 1_795_824_000_000 + 20 * nth,
        elapsed: 10,
        label: "Connect".to_owned(),
        code: "101".to_owned(),
        thread: format!("U 1-{nth}"),
        latency: Some(9),
        ..Row::default()
    }
}

fn observed(rows: impl IntoIterator<Item = Row>) -> Observations {
    let mut observations = Observations::new();
    rows.into_iter().for_each(|row| observations.add_row(0, &row));
    observations
}

#[test]
fn refusals_that_a_row_hides_are_not_taken_for_none() {
    let waited = |nth| Row {
        idle_time: Some(3_000),
        attempts: "2".to_owned(),
        ..row(nth)
    };
    let found = find(&observed(
        (0..20).map(|nth| if nth < 15 { row(nth) } else { waited(nth) }),
    ));
    assert_eq!(
        (found.kind, &found.limit_spec),
        (Kind::Unknown, &None),
        "{found:?}"
    );
    let told = found.sentence();
    assert!(
        told.contains("5 rows of the result file waited") && told.contains("-Jwsb.trace=FILE"),
        "{told}"
    );
    assert_eq!(find(&observed((0..20).map(row))).kind, Kind::None);
    // What is refused is another sampler, whose rows tell all.
    let refused = |nth| Row {
        label: "Log in".to_owned(),
        code: if nth < 10 { "200" } else { "403" }.to_owned(),
        ..row(nth)
    };
    let both = (0..20).map(refused).chain((20..40).map(waited));
    let found = find(&observed(both));
    assert!(!found.sentence().contains("rows of the result file"), "{found:?}");
}

/// A small generator, as the same numbers must come each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    /// Mostly what is usual, else an end.
    fn number(&mut self, usual: u64, largest: u64) -> u64 {
        match self.below(40) {
            0 => 0,
            1 => 1,
            2 => largest - 1,
            3 => largest,
            4 => u64::MAX,
            _ => usual,
        }
    }
}

#[test]
fn extreme_numbers_end_nothing() {
    let mut chance = Chance(1);
    for _ in 0..12 {
        let mut jtl = "timeStamp,elapsed,label,responseCode,threadName,Latency,IdleTime,Connect\n".to_owned();
        let mut trace = String::new();
        for nth in 0..40_u64 {
            let code = [101, 429, 403, 503][chance.below(4)];
            let mut number = |usual, largest| chance.number(usual, largest);
            let ms = LARGEST / 1_000;
            let (at, elapsed) = (number(1_795_824_000_000 + nth, ms), number(9, ms));
            let (latency, idle, connect) = (number(8, ms), number(0, ms), number(2, ms));
            let _ = writeln!(jtl, "{at},{elapsed},C,{code},U {nth},{latency},{idle},{connect}");
            let (at, sent) = (
                number(1_795_824_000_000_000 + 900 * nth, LARGEST),
                number(50, LARGEST),
            );
            let (head, total) = (number(900, LARGEST), number(950, LARGEST));
            let (dns, hint, ordinal) = (number(5, LARGEST), number(4_000, LARGEST), number(nth, LARGEST));
            let _ = writeln!(
                trace,
                r#"{{"at":{at},"target":"ws://h/","user":"U","ordinal":{ordinal},"attempt":1,"dnsUs":{dns},"sentUs":{sent},"headUs":{head},"totalUs":{total},"status":{code},"hint":{{"source":"retry-after","raw":"4","ms":{hint}.0}}}}"#
            );
            let end = number(1_795_824_000_500_000, LARGEST);
            let _ = writeln!(
                trace,
                r#"{{"event":"closed","at":{end},"element":"E","target":"ws://h/","user":"U","ordinal":{ordinal},"by":"server","openMs":1.0,"sentMessages":1,"receivedMessages":1,"sentBytes":1,"receivedBytes":1}}"#
            );
        }
        let rows = Rows::new(jtl.as_bytes(), b',').unwrap().filter_map(Result::ok);
        let _ = find(&observed(rows)).sentence();
        let mut observations = Observations::new();
        for record in Reader::new(trace.as_bytes()).filter_map(Result::ok) {
            observations.add_record(0, &record);
        }
        assert!(!observations.decisions().is_empty());
        let _ = find(&observations).sentence();
    }
}
