//! Makes a lost connection anew when it is next used, by the policy that first made it. It never sends a message: what may
//! have been delivered is not repeated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backoff::{Backoff, Next, Seen, StopReason as GaveUp};
use tokio::time::sleep;
use websocket::Code;

use crate::cancel::Cancel;
use crate::connecting::run::{self, Run, Stop};
use crate::connecting::timeline;
use crate::error_codes::CANCELLED;
use crate::failure::Failure;
use crate::spec::ConnectSpec;

/// A connection that lived for so long has proved itself: the backoff starts from its beginning again. One that is lost
/// sooner counts as a failed attempt, else a server that accepts and drops would be hammered.
const STABLE: Duration = Duration::from_secs(5);

/// What a connection needs to be made anew.
pub struct Lifeline {
    spec: Arc<ConnectSpec>,
    backoff: Backoff,
    opened: Instant,
    times: u64,
}

/// What came of it.
pub struct Reconnect {
    /// The wait before the first attempt.
    pub first_wait: Duration,
    /// The attempts; `None` when it was cancelled, or given up, before the first one.
    pub run: Option<Run>,
    /// Why there is no connection.
    pub failure: Option<Failure>,
}

impl Reconnect {
    /// All waits.
    pub fn waited(&self) -> Duration {
        self.first_wait + self.run.as_ref().map(Run::waited).unwrap_or_default()
    }
}

impl Lifeline {
    /// For a connection that was just opened, with what its policy has seen on the way.
    pub fn new(spec: Arc<ConnectSpec>, backoff: Backoff) -> Self {
        Lifeline {
            spec,
            backoff,
            opened: Instant::now(),
            times: 0,
        }
    }

    /// What it was made by.
    pub fn spec(&self) -> &Arc<ConnectSpec> {
        &self.spec
    }

    /// Connects again; `lost` is when the loss was noticed.
    ///
    /// Cancel safe: dropping it closes what it had opened.
    pub async fn reconnect(&mut self, lost: Instant, cancel: &Cancel) -> Reconnect {
        let mut done = Reconnect {
            first_wait: Duration::ZERO,
            run: None,
            failure: None,
        };
        if lost.saturating_duration_since(self.opened) >= STABLE {
            self.start_over();
        } else if let Err(failure) = self.wait_first(&mut done, cancel).await {
            done.failure = Some(failure);
            return done;
        }
        let run = run::connect(&self.spec, &mut self.backoff, cancel).await;
        match run.stop {
            Stop::Connected => self.opened = Instant::now(),
            Stop::Policy(_) | Stop::Cancelled => {
                done.failure = Some(failure(&run));
                self.start_over();
            }
        }
        done.run = Some(run);
        done
    }

    /// The pause that the policy puts behind a connection that did not last.
    async fn wait_first(&mut self, done: &mut Reconnect, cancel: &Cancel) -> Result<(), Failure> {
        let lost = Seen::Failure(backoff::FailureKind::Network);
        let wait = match self.backoff.after(&lost, Duration::ZERO).next {
            Next::Wait(wait) => wait,
            // No retry means no waits; the reconnect itself was asked for.
            Next::Stop(GaveUp::NoRetry | GaveUp::Fatal) => return Ok(()),
            Next::Stop(stop) => {
                self.start_over();
                let detail = format!("connections were lost within 5 s again and again; gave up ({stop})");
                return Err(Failure::coded(Code::ConnectionLost, detail));
            }
        };
        let begun = Instant::now();
        let whole = tokio::select! {
            () = cancel.cancelled() => false,
            () = sleep(wait) => true,
        };
        done.first_wait = begun.elapsed();
        if whole {
            Ok(())
        } else {
            Err(Failure::new(CANCELLED, CANCELLED.message))
        }
    }

    fn start_over(&mut self) {
        self.times += 1;
        let seed = self
            .spec
            .seed
            .map(|seed| backoff::stream_seed(seed, &self.spec.user, self.times));
        self.backoff = Backoff::new(self.spec.policy.clone(), seed);
    }
}

fn failure(run: &Run) -> Failure {
    let mut story = "the reconnect failed:\n".to_owned();
    timeline::write(&mut story, run);
    match &run.last().fault {
        Some(fault) if run.stop != Stop::Cancelled => Failure {
            code: fault.code.into(),
            message: fault.message,
            detail: story,
        },
        _ => Failure::new(CANCELLED, story),
    }
}
