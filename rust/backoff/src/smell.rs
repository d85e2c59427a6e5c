//! What a failed connect smells like: limits that do not say that they are one, told by what the attempts looked like.

use crate::connect::{FailureKind, Seen};
use crate::policy::Policy;
use regex::bytes::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// One failed attempt of a connect, as far as it smells.
#[derive(Debug, Clone, Copy)]
pub struct Sign<'a> {
    /// What it saw.
    pub seen: Seen<'a>,
    /// Redirects that were followed before.
    pub redirects: usize,
    /// From its start to its end.
    pub took: Duration,
    /// The usable hint of its answer.
    pub hint: Option<Duration>,
    /// How long the user stayed away afterwards; nothing after the last attempt.
    pub waited: Option<Duration>,
}

/// A guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Smell {
    /// A page in place of an upgrade, behind a redirect or with the words of one.
    WaitingRoom,
    /// 403 with headers or a body that speak of rates.
    ForbiddenLimit,
    /// Answers that come later than an attempt may take.
    Queue,
    /// Hints that were obeyed, and a refusal each time.
    RefusalsCount,
}

impl Smell {
    /// All of them, in their order.
    pub const ALL: [Smell; 4] = [
        Smell::WaitingRoom,
        Smell::ForbiddenLimit,
        Smell::Queue,
        Smell::RefusalsCount,
    ];
}

/// A user in a storm on an honest limiter is rarely refused more often.
const OBEYED_IN_VAIN: usize = 6;

/// No more of a body is searched.
const LONGEST_BODY: usize = 64 * 1024;

static ABOUT_RATES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)rate.?limit|too many|throttl|quota|slow down|retry.?(after|in)\b")
        .expect("a fixed pattern")
});

static ABOUT_WAITING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)waiting.?room|please wait|in (the )?(line|queue)|queue.?(it|position)")
        .expect("a fixed pattern")
});

/// What the attempts of one connect, all of them failed, smell of; nothing that `policy` takes care of already. In the order of
/// [`Smell`], each once.
#[must_use]
pub fn smells(policy: &Policy, attempts: &[Sign<'_>]) -> Vec<Smell> {
    let any = |is: fn(&Sign<'_>) -> bool, status| {
        !policy.throttle.contains(status) && !policy.transient.contains(status) && attempts.iter().any(is)
    };
    let late = attempts
        .iter()
        .filter(|sign| is_late(sign, policy.attempt_timeout));
    let found = [
        (Smell::WaitingRoom, any(is_waiting_room, 200)),
        (Smell::ForbiddenLimit, any(is_forbidden_limit, 403)),
        (
            Smell::Queue,
            !attempts.is_empty() && late.count() * 2 >= attempts.len(),
        ),
        (Smell::RefusalsCount, obeyed_in_vain(attempts) >= OBEYED_IN_VAIN),
    ];
    found
        .into_iter()
        .filter(|(_, smelt)| *smelt)
        .map(|(smell, _)| smell)
        .collect()
}

fn is_waiting_room(sign: &Sign<'_>) -> bool {
    let Seen::Answer(answer) = sign.seen else {
        return false;
    };
    answer.status == 200 && (sign.redirects > 0 || speaks(&ABOUT_WAITING, answer.body))
}

fn is_forbidden_limit(sign: &Sign<'_>) -> bool {
    let Seen::Answer(answer) = sign.seen else {
        return false;
    };
    let mut names = answer.headers.iter().map(|(name, _)| name.as_bytes());
    answer.status == 403
        && (names.any(|name| speaks(&ABOUT_RATES, name)) || speaks(&ABOUT_RATES, answer.body))
}

fn speaks(of: &Regex, text: &[u8]) -> bool {
    of.is_match(&text[..text.len().min(LONGEST_BODY)])
}

fn is_late(sign: &Sign<'_>, attempt_timeout: Duration) -> bool {
    matches!(sign.seen, Seen::Failure(FailureKind::Timeout)) && sign.took >= attempt_timeout
}

/// Refusals that followed an obeyed hint, up to the last attempt in a row.
fn obeyed_in_vain(attempts: &[Sign<'_>]) -> usize {
    let pairs = attempts.windows(2).rev();
    pairs
        .take_while(|pair| obeyed(&pair[0]) && pair[1].hint.is_some())
        .count()
}

fn obeyed(sign: &Sign<'_>) -> bool {
    matches!((sign.hint, sign.waited), (Some(hint), Some(waited)) if waited >= hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::HttpAnswer;
    use std::time::SystemTime;

    const SECOND: Duration = Duration::from_secs(1);

    fn sign(seen: Seen<'_>) -> Sign<'_> {
        Sign {
            seen,
            redirects: 0,
            took: SECOND,
            hint: None,
            waited: None,
        }
    }

    fn answer<'a>(status: u16, headers: &'a [(String, String)], body: &'a str) -> Sign<'a> {
        sign(Seen::Answer(HttpAnswer {
            status,
            headers,
            body: body.as_bytes(),
            now: SystemTime::UNIX_EPOCH,
        }))
    }

    #[test]
    fn a_page_behind_a_redirect_smells_of_a_waiting_room_and_an_honest_200_does_not() {
        let policy = Policy::default();
        let page = Sign {
            redirects: 1,
            ..answer(200, &[], "<html>")
        };
        assert_eq!(smells(&policy, &[page]), [Smell::WaitingRoom]);
        let words = answer(200, &[], "You are in the queue");
        assert_eq!(smells(&policy, &[words]), [Smell::WaitingRoom]);
        assert_eq!(smells(&policy, &[answer(200, &[], "hello")]), []);
        let knows = Policy {
            throttle: "429,200".parse().unwrap(),
            ..policy
        };
        assert_eq!(smells(&knows, &[page]), []);
    }

    #[test]
    fn a_403_that_speaks_of_rates_smells_of_a_limit() {
        let policy = Policy::default();
        let header = [("X-RateLimit-Remaining".to_owned(), "0".to_owned())];
        for (sign, expected) in [
            (answer(403, &header, ""), &[Smell::ForbiddenLimit][..]),
            (answer(403, &[], "Rate limit exceeded"), &[Smell::ForbiddenLimit]),
            (answer(403, &[], "forbidden"), &[]),
            (answer(401, &header, "too many"), &[]),
        ] {
            assert_eq!(smells(&policy, &[sign]), expected, "{sign:?}");
        }
    }

    #[test]
    fn attempts_that_end_at_their_time_out_smell_of_a_queue() {
        let policy = Policy::default();
        let timed_out = |seconds| Sign {
            took: SECOND * seconds,
            ..sign(Seen::Failure(FailureKind::Timeout))
        };
        assert_eq!(smells(&policy, &[timed_out(20), timed_out(20)]), [Smell::Queue]);
        // By another limit, such as that of a connect; and as the exception.
        assert_eq!(smells(&policy, &[timed_out(5), timed_out(5)]), []);
        let refused = answer(429, &[], "");
        assert_eq!(smells(&policy, &[refused, refused, timed_out(20)]), []);
        assert_eq!(smells(&policy, &[]), []);
    }

    #[test]
    fn obeyed_hints_that_never_help_smell_of_refusals_that_count() {
        let policy = Policy::default();
        let refused = |waited| Sign {
            hint: Some(SECOND * 9),
            waited: Some(SECOND * waited),
            ..answer(429, &[], "")
        };
        assert_eq!(smells(&policy, &[refused(10); 7]), [Smell::RefusalsCount]);
        assert_eq!(smells(&policy, &[refused(10); 6]), []);
        assert_eq!(smells(&policy, &[refused(8); 20]), []);
    }
}
