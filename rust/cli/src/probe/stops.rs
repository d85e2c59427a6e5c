//! What an answer says of the limit, and when a probe has to stop because of it.

use crate::probe::sockets::Answer;
use probe::Verdict;

/// A server that fails so often is in trouble, by us or by others.
const MOST_FAILURES: u32 = 3;

/// Whether these answers alone are reason enough to make no more tries.
pub(super) fn forbids_more<'a>(answers: impl Iterator<Item = &'a Answer>) -> bool {
    let mut failures = 0;
    for answer in answers {
        match answer.status {
            Some(429 | 503) => {}
            Some(300..=499) => return true,
            Some(500..) => failures += 1,
            _ => {}
        }
    }
    failures >= MOST_FAILURES
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Stops {
    passed: bool,
    failures: u32,
}

impl Stops {
    /// The verdict of the limit; nothing where the answer is none; or why no more tries may be made.
    pub(super) fn judge(&mut self, answer: &Answer) -> Result<Option<Verdict>, String> {
        if answer.open {
            self.passed = true;
            return Ok(Some(Verdict::Passed));
        }
        let told = &answer.told;
        match answer.status {
            Some(429) => Ok(Some(Verdict::Refused)),
            Some(503) if self.passed => Ok(Some(Verdict::Refused)),
            Some(status @ (401 | 403)) => Err(format!(
                "the server says {status}, it asks for a login or forbids it: give one by -H or --cookie"
            )),
            Some(status @ 300..=399) => Err(format!(
                "the server says {status} and sends elsewhere: probe that address"
            )),
            Some(400..=499) => Err(format!("the server says {told}: is the address right?")),
            // A reset, an end without an answer, silence, a close at once: a limit, where others were let in.
            None | Some(101) if self.passed && !answer.local => Ok(Some(Verdict::Refused)),
            _ => self.failed(answer),
        }
    }

    fn failed(&mut self, answer: &Answer) -> Result<Option<Verdict>, String> {
        self.failures += 1;
        if self.failures < MOST_FAILURES {
            return Ok(None);
        }
        let what = if answer.local {
            "the server cannot be reached"
        } else {
            "the server fails"
        };
        Err(format!("{what}: {}. {}", answer.told, answer.cure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answer(status: Option<u16>, open: bool) -> Answer {
        Answer {
            sent: Duration::ZERO,
            answered: Duration::ZERO,
            status,
            open,
            local: false,
            told: "told".to_owned(),
            cure: "cure".to_owned(),
        }
    }

    #[test]
    fn a_login_and_repeated_failures_end_it_and_a_throttle_does_not() {
        let mut stops = Stops::default();
        assert_eq!(stops.judge(&answer(Some(429), false)), Ok(Some(Verdict::Refused)));
        assert!(stops.judge(&answer(Some(401), false)).is_err());
        assert!(stops.judge(&answer(Some(403), false)).is_err());
        assert_eq!(stops.judge(&answer(Some(500), false)), Ok(None));
        assert_eq!(stops.judge(&answer(Some(502), false)), Ok(None));
        assert!(stops.judge(&answer(Some(500), false)).is_err());
    }

    #[test]
    fn a_series_ends_with_a_login_or_a_server_in_trouble_and_with_no_throttle() {
        for (statuses, ends) in [
            (vec![429; 20], false),
            (vec![503; 20], false),
            (vec![429, 401], true),
            (vec![302], true),
            (vec![500, 429, 502], false),
            (vec![500, 429, 502, 500], true),
        ] {
            let answers: Vec<Answer> = statuses
                .iter()
                .map(|&status| answer(Some(status), false))
                .collect();
            assert_eq!(forbids_more(answers.iter()), ends, "{statuses:?}");
        }
    }

    #[test]
    fn what_may_be_trouble_is_a_limit_once_others_were_let_in() {
        for status in [Some(503), Some(101), None] {
            let mut stops = Stops::default();
            assert_eq!(stops.judge(&answer(status, false)), Ok(None), "{status:?}");
            assert_eq!(stops.judge(&answer(Some(101), true)), Ok(Some(Verdict::Passed)));
            assert_eq!(
                stops.judge(&answer(status, false)),
                Ok(Some(Verdict::Refused)),
                "{status:?}"
            );
        }
    }
}
