//! The line that the log is told while somebody waits.

use std::fmt::Write as _;
use std::time::Duration;

use engine::watching::moment::Moment;

/// The line. `None`: nobody waits.
pub fn line(moment: &Moment) -> Option<String> {
    let crowd = &moment.crowd;
    if crowd.waiting + crowd.held == 0 {
        return None;
    }
    let mut line = String::new();
    if crowd.users() > 0 {
        put(
            &mut line,
            "",
            format_args!("{} of {} users connected", crowd.connected, crowd.users()),
        );
        put(&mut line, ", ", format_args!("{} waiting", crowd.waiting));
        for (count, word) in [(crowd.connecting, "connecting"), (crowd.lost, "lost")] {
            if count > 0 {
                put(&mut line, ", ", format_args!("{count} {word}"));
            }
        }
        put(&mut line, "; ", format_args!("{:.1} attempts/s", moment.rate));
    }
    if crowd.held > 0 {
        let between = if line.is_empty() { "" } else { "; " };
        put(
            &mut line,
            between,
            format_args!(
                "{} held by a Retry Controller (wsb) or a Pace Timer (wsb)",
                crowd.held
            ),
        );
    }
    if moment.hint > Duration::ZERO {
        let seconds = moment.hint.as_secs_f64().ceil();
        put(&mut line, "; ", format_args!("longest hint {seconds} s"));
    }
    if let Some(gate) = moment.busiest() {
        if let Some(rate) = gate.state.rate {
            put(&mut line, "; ", format_args!("gate {rate:.1}/s"));
        }
        let others = moment.gates.len() - 1;
        if others > 0 {
            put(
                &mut line,
                " ",
                format_args!("at {}, and {others} more", gate.key.trim_end()),
            );
        }
    }
    Some(line)
}

fn put(line: &mut String, between: &str, words: std::fmt::Arguments<'_>) {
    write!(line, "{between}{words}").expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    use backoff::PacerState;
    use engine::watching::moment::{Crowd, GateFigures};

    fn gate(key: &str, rate: Option<f64>, queue: usize) -> GateFigures {
        let hold = Duration::ZERO;
        GateFigures {
            key: format!("{key} "),
            state: PacerState { rate, queue, hold },
        }
    }

    #[test]
    fn it_says_what_there_is_to_say_and_nothing_while_nobody_waits() {
        let of = |crowd: Crowd, hint: u64, gates: Vec<GateFigures>| Moment {
            crowd,
            rate: 4.06,
            hint: Duration::from_millis(hint),
            gates,
            ..Moment::default()
        };
        let storm = Crowd {
            connected: 120,
            waiting: 78,
            lost: 2,
            ..Crowd::default()
        };
        let calm = Crowd {
            waiting: 0,
            connecting: 3,
            ..storm
        };
        let held = Crowd {
            held: 7,
            ..Crowd::default()
        };
        let two = vec![gate("h:80/a", Some(1.0), 3), gate("h:80/b", Some(2.5), 9)];
        for (moment, expected) in [
            (of(calm, 42_000, vec![]), None),
            (
                of(storm, 41_200, vec![gate("h:80/", Some(2.0), 78)]),
                Some(
                    "120 of 200 users connected, 78 waiting, 2 lost; 4.1 attempts/s; longest hint 42 s; gate 2.0/s",
                ),
            ),
            (
                of(
                    Crowd {
                        lost: 0,
                        connecting: 1,
                        ..storm
                    },
                    0,
                    vec![gate("h:80/", None, 78)],
                ),
                Some("120 of 199 users connected, 78 waiting, 1 connecting; 4.1 attempts/s"),
            ),
            (
                of(storm, 0, two),
                Some(
                    "120 of 200 users connected, 78 waiting, 2 lost; 4.1 attempts/s; gate 2.5/s at h:80/b, and 1 more",
                ),
            ),
            (
                of(held, 0, vec![]),
                Some("7 held by a Retry Controller (wsb) or a Pace Timer (wsb)"),
            ),
        ] {
            assert_eq!(line(&moment).as_deref(), expected);
        }
    }
}
