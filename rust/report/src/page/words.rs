//! What is said in words: when, why it stopped, and what to do about a status.

use jiff::Timestamp;

use crate::run::{Run, Subject};
use crate::tries::Outcome;

/// What things are called, by what a run is about.
pub(super) struct Words {
    pub(super) users: &'static str,
    pub(super) attempts: &'static str,
    pub(super) time: &'static str,
    pub(super) is_in: &'static str,
    pub(super) is_lost: &'static str,
    /// In a sentence about users.
    pub(super) got_in: &'static str,
    pub(super) lost: &'static str,
    passed: &'static str,
}

impl Words {
    pub(super) fn of(run: &Run) -> Self {
        match run.subject() {
            Subject::Connects => Words {
                users: "Users connected",
                attempts: "Attempts a second, by outcome",
                time: "Time to connect",
                is_in: "users in",
                is_lost: "users lost",
                got_in: "got in",
                lost: "lost",
                passed: "connected",
            },
            Subject::Repeats => Words {
                users: "Users with success",
                attempts: "Attempts a second, by outcome",
                time: "Time to success",
                is_in: "users with success",
                is_lost: "users without",
                got_in: "succeeded",
                lost: "gave up",
                passed: "succeeded",
            },
            Subject::Samples => Words {
                users: "Users with a sample that passed",
                attempts: "Samples a second, by outcome",
                time: "Elapsed time of samples that passed",
                is_in: "users that passed",
                is_lost: "users that never passed",
                got_in: "had a sample that passed",
                lost: "had none",
                passed: "passed",
            },
        }
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Passed => self.passed,
            Outcome::Throttled => "throttled",
            Outcome::Transient => "failed, may pass",
            Outcome::Fatal => "failed for good",
            Outcome::Other => "failed",
        }
    }
}

/// When the run was, how long it took, and who wrote it down.
pub(super) fn about(run: &Run) -> String {
    let (first, last) = run.span();
    let when = i64::try_from(first)
        .ok()
        .and_then(|micros| Timestamp::from_microsecond(micros).ok())
        .map_or_else(String::new, |time| {
            format!("{}, ", time.strftime("%Y-%m-%d %H:%M:%S UTC"))
        });
    let length = charts::duration((last - first) as f64 / 1e6);
    let attempts = charts::number(run.main().attempts() as f64);
    let what = match run.subject() {
        Subject::Samples => "samples",
        Subject::Connects | Subject::Repeats => "attempts",
    };
    let release = run.release().map_or_else(String::new, |release| {
        format!(", written by ws-backoff {release}")
    });
    format!("{when}{length}, {attempts} {what}{release}")
}

/// What a reason to stop means, and what to do.
pub(super) fn stop(reason: &str) -> &'static str {
    match reason {
        "max-elapsed" => {
            "The time for all attempts together (wsb.retry.maxElapsed) was over: raise it, or let fewer users start at once. Where \
             wsb.retry.while polls, what it waits for did not come."
        }
        "max-attempts" => {
            "All attempts that wsb.retry.maxAttempts allows were made: leave it at 0 (1000 attempts at most) and let wsb.retry.maxElapsed \
             end it; long polling (wsb.retry.while) needs a larger one."
        }
        "hint-too-long" => {
            "The server asked for a longer wait than wsb.hint.max allows: raise it, or set wsb.hint.onTooLong=clamp."
        }
        "fatal" => "The answer will not change by trying again; the errors say which it was.",
        "no-retry" => "The strategy is none: the first failure was the last.",
        "schedule-end" => "The thread group's duration was over: make it longer than the slowest connect.",
        "cancelled" => "The test was stopped.",
        "invalid" => "A property of the plan is wrong; jmeter.log and the sample name it.",
        "no-sample" => {
            "An attempt ran no sample: a condition or a Once Only Controller inside left them out."
        }
        "left" => "The thread went elsewhere in the middle of a failed attempt.",
        _ => "",
    }
}

/// What an HTTP status means, for who connects or for a sample of any sampler.
pub(super) fn status(status: u16, outcome: Outcome, subject: Subject) -> &'static str {
    match (status, outcome) {
        (_, Outcome::Throttled) => {
            "The server throttles: not an error of the plan. Wait as long as it asks (wsb.hint.mode=floor), and let many users of one quota \
             queue (wsb.shared.mode=pace)."
        }
        (401 | 407, _) => "Credentials are missing or were not accepted.",
        (403, _) => {
            "Forbidden: rights, origin, or a limit in disguise; if it is one, add 403 to wsb.retry.throttle."
        }
        (404, _) => "There is nothing at this path.",
        (426, _) => "The server wants another protocol or version.",
        (200..=399, _) if subject != Subject::Connects => {
            "An answer of success that did not do: an assertion failed the sample, and its message says why."
        }
        (300..=399, _) => "A redirect that could not be followed: use the final URL.",
        (502..=504, _) => "What stands before the server did not get through to it: look there.",
        (500..=599, _) => "The server failed: look into its log.",
        (400..=499, _) => "The server does not take the request as it is: see its body in the sample.",
        (200..=299, _) => "A page came in place of the upgrade: a waiting room, a login, or the wrong path.",
        _ => "",
    }
}
