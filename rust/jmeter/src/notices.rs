//! What the log is told, a line each: the engine's notices in words.

use std::fmt::Write as _;

use engine::notices::{Detail, Notice};

use crate::{cures, error_codes};

/// A line for the log; where the generator itself has run out of something, with what can be done about that.
pub fn line(notice: &Notice) -> String {
    match notice {
        Notice::First { kind, detail } => {
            let detail = match detail {
                Detail::Text(text) => text.clone(),
                Detail::Smell(smell, signs) => cures::smell(*smell, signs),
                Detail::Flow(lead) => cures::flow(lead),
            };
            let help = match &**kind {
                "tcp.no-files" | "tcp.no-ports" => error_codes::help(kind),
                _ => None,
            };
            let help = help.map_or_else(String::new, |help| format!(". {help}"));
            format!("{kind}: {detail}; the first in this test, those that follow are counted{help}")
        }
        Notice::Counts(counts) => {
            let mut text = "in this test: ".to_owned();
            for (index, (kind, count)) in counts.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(text, "{comma}{count} x {kind}").expect("a String takes everything");
            }
            text
        }
        Notice::QueuesFull { limit } => format!(
            "messages that nobody has received yet fill the {limit} bytes of wsb.queue.total: from now on the oldest are dropped and counted (wsb.dropped); receive them, close idle connections, or raise the bound"
        ),
        Notice::Overload => {
            "more than one in a hundred calls of virtual users waited over 10 ms for a processor of this machine once the server had answered: elapsed times leave that out (wsb.schedulingUs has it), but the rate is this machine's and not the server's; use fewer users here, or more machines"
                .to_owned()
        }
        Notice::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_is_one_line_and_a_limit_of_the_generator_has_its_cure() {
        let first = |kind: &str| Notice::First {
            kind: kind.to_owned(),
            detail: "number 0".to_owned().into(),
        };
        let counts = [("reconnect", 1), ("tcp.no-files", 300)].map(|(kind, count)| (kind.to_owned(), count));
        for (notice, expected) in [
            (first("reconnect"), "reconnect: number 0; the first in this test"),
            (
                first("tcp.no-files"),
                "those that follow are counted. The process is out of",
            ),
            (Notice::Overload, "the rate is this machine's"),
            (
                Notice::Counts(counts.into()),
                "in this test: 1 x reconnect, 300 x tcp.no-files",
            ),
            (
                Notice::QueuesFull { limit: 9 },
                "fill the 9 bytes of wsb.queue.total",
            ),
        ] {
            let text = line(&notice);
            assert!(text.contains(expected) && !text.contains('\n'), "{text}");
        }
    }
}
