//! The server's side: the limit's decision, and what a refused client sees of it.

use crate::Storm;
use backoff::{FailureKind, HttpAnswer, Seen};
use limiter::{Decision, Limit, LimitSpec, Limiter, Rule};
use std::time::{Duration, SystemTime};

/// How a refusal looks to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// An HTTP answer of this status.
    Status(u16),
    /// A reset, or the end of the connection without an answer.
    Reset,
    /// Nothing, until the client's own time-out.
    Silence,
    /// A 101, and at once a close frame of this code.
    AcceptAndClose(u16),
}

/// How a refusal says when to come back. Only an HTTP answer can; where the limit does not know, none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// It does not.
    None,
    /// `Retry-After` until there is room, in seconds rounded up, at least 1.
    Seconds,
    /// `retry-after-ms` until there is room.
    Exact,
    /// `Retry-After` with the whole length of the longest window, or the time of one token.
    WholeWindow,
    /// `Retry-After` with always the same, in seconds rounded up, whatever the limit says.
    Always(Duration),
    /// `Retry-After` as a date, of the first whole second at which there is room.
    Date,
    /// The same beside the server's `Date`, as RFC 9110 asks for: it is cut to whole seconds, so the wait between the two is up to
    /// one longer.
    Dated,
}

impl Hint {
    fn header(
        self,
        limit: &LimitSpec,
        retry_in: Option<Duration>,
        now: Duration,
    ) -> Option<(String, String)> {
        let wait = retry_in?;
        let seconds = |wait: Duration| wait.as_secs_f64().ceil().max(1.0);
        let retry_after = |text: String| Some(("Retry-After".to_owned(), text));
        match self {
            Self::None => None,
            Self::Seconds => retry_after(seconds(wait).to_string()),
            Self::Exact => Some((
                "retry-after-ms".to_owned(),
                wait.as_nanos().div_ceil(1_000_000).max(1).to_string(),
            )),
            Self::WholeWindow => retry_after(seconds(longest(limit)).to_string()),
            Self::Always(wait) => retry_after(seconds(wait).to_string()),
            Self::Date | Self::Dated => {
                let at = Duration::from_secs_f64(seconds(now + wait));
                retry_after(httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + at))
            }
        }
    }
}

/// The longest window of a limit, or the time for which it blocks.
fn longest(limit: &LimitSpec) -> Duration {
    let length = |rule: Rule| match rule {
        Rule::FixedWindow { window, .. }
        | Rule::SlidingWindow { window, .. }
        | Rule::SlidingCounter { window, .. } => window,
        Rule::TokenBucket { rate, .. } | Rule::Queue { rate, .. } => {
            Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default()
        }
        Rule::Concurrency { .. } | Rule::Unlimited => Duration::ZERO,
    };
    let longest = |limit: &Limit| length(limit.rule).max(limit.block.unwrap_or_default());
    let lengths = limit.limits.iter().map(longest);
    lengths.max().unwrap_or_default()
}

/// What the server says to one attempt.
pub(crate) enum Reply {
    /// It is in, and is answered after this time.
    In(Duration),
    Refused(Refused),
}

/// A refusal on its way; without an answer it never comes.
pub(crate) struct Refused {
    look: Look,
    hint: Option<(String, String)>,
    /// With the server's own date.
    dated: bool,
    at: Duration,
}

impl Refused {
    pub(crate) fn is_silent(&self) -> bool {
        self.look == Look::Silence
    }

    /// The header that says when to come back.
    pub(crate) fn header(&self) -> Option<(String, String)> {
        self.hint.clone()
    }

    /// As the client's policy is shown it.
    pub(crate) fn with_seen<T>(&self, shown: impl FnOnce(&Seen<'_>) -> T) -> T {
        let mut headers: Vec<_> = self.hint.iter().cloned().collect();
        if self.dated {
            let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + self.at);
            headers.push(("Date".to_owned(), date));
        }
        match self.look {
            Look::Status(status) => shown(&Seen::Answer(HttpAnswer {
                status,
                headers: &headers,
                body: b"",
                now: SystemTime::UNIX_EPOCH + self.at,
            })),
            Look::Reset => shown(&Seen::Failure(FailureKind::Network)),
            Look::Silence => shown(&Seen::Failure(FailureKind::Timeout)),
            Look::AcceptAndClose(code) => shown(&Seen::Closed { code, reason: "" }),
        }
    }
}

pub(crate) struct Server<'a> {
    storm: &'a Storm,
    limiter: Limiter,
    /// What its clock showed when the storm began.
    clock: Duration,
}

impl<'a> Server<'a> {
    pub(crate) fn new(storm: &'a Storm, clock: Duration) -> Self {
        Self {
            storm,
            limiter: Limiter::new(&storm.limit),
            clock,
        }
    }

    /// An attempt arrives; whoever is banned is refused before the limit sees it, and so is everybody while the server is down.
    pub(crate) fn asked(&mut self, now: Duration, banned: bool) -> Reply {
        let down = self.storm.down;
        let is_down = down.is_some_and(|(from, length)| now >= from && now - from < length);
        let now = self.clock + now;
        let decision = if is_down {
            // It knows as little as a server that is started anew: if it asks for a time, then for the least.
            Decision::Reject {
                retry_in: Some(Duration::ZERO),
            }
        } else if banned {
            Decision::Reject { retry_in: None }
        } else {
            self.limiter.try_pass(now)
        };
        match decision {
            Decision::Pass => Reply::In(Duration::ZERO),
            Decision::PassLate { delay } => Reply::In(delay),
            Decision::Reject { retry_in } => Reply::Refused(Refused {
                look: self.storm.look,
                hint: match self.storm.look {
                    Look::Status(_) => self.storm.hint.header(&self.storm.limit, retry_in, now),
                    Look::Reset | Look::Silence | Look::AcceptAndClose(_) => None,
                },
                dated: self.storm.hint == Hint::Dated,
                at: now,
            }),
        }
    }

    pub(crate) fn left(&mut self, now: Duration) {
        self.limiter.release(self.clock + now);
    }
}
