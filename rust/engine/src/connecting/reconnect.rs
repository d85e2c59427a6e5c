//! Makes a lost connection anew when it is next used, by the policy that first made it. It never sends a message: what may
//! have been delivered is not repeated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backoff::{Attempts, Step, StopReason};
use tokio::time::sleep_until;
use websocket::Code;

use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::codes::{CANCELLED, SCHEDULE_END};
use crate::connecting::drive;
use crate::connecting::run::{ConnectRun, End};
use crate::connecting::signs;
use crate::connecting::spec::ConnectSpec;
use crate::connecting::timeline;
use crate::failure::{Failure, Remark};
use crate::watching::board::Board;

/// What a connection needs to be made anew.
pub struct Lifeline {
    spec: Arc<ConnectSpec>,
    attempts: Attempts,
    clock: Clock,
    opened: Instant,
    times: u64,
    /// Nobody said yet by what the next one is to be made.
    must_ask: bool,
    /// `Set-Cookie` lines of the last reconnect, until they are taken.
    set_cookies: Vec<(String, String)>,
}

/// What came of it.
pub struct Reconnect {
    /// The pause before the first attempt.
    pub first_pause: Duration,
    /// The attempts; `None` when it was cancelled, or given up, before the first one.
    pub run: Option<ConnectRun>,
    /// Why there is no connection.
    pub failure: Option<Failure>,
}

impl Reconnect {
    /// All pauses.
    pub fn waited(&self) -> Duration {
        self.first_pause + self.run.as_ref().map(ConnectRun::waited).unwrap_or_default()
    }
}

impl Lifeline {
    /// For a connection that was just opened, with the machine that opened it and the clock of its times.
    pub fn new(spec: Arc<ConnectSpec>, attempts: Attempts, clock: Clock) -> Self {
        Lifeline {
            must_ask: spec.asks,
            set_cookies: Vec::new(),
            spec,
            attempts,
            clock,
            opened: Instant::now(),
            times: 0,
        }
    }

    /// What it was made by.
    pub fn spec(&self) -> &Arc<ConnectSpec> {
        &self.spec
    }

    /// Whether it is to be [renewed](Lifeline::renew) first.
    pub fn must_ask(&self) -> bool {
        self.must_ask
    }

    /// From now on it is made by this.
    pub fn renew(&mut self, spec: Arc<ConnectSpec>) {
        self.spec = spec;
        self.must_ask = false;
    }

    /// Keeps what servers set in a reconnect, in the place of what an earlier one left.
    pub fn keep_cookies(&mut self, run: &mut ConnectRun) -> usize {
        self.set_cookies = std::mem::take(&mut run.set_cookies);
        self.set_cookies.len()
    }

    /// Those that are kept: `Set-Cookie` lines in order, each behind the address that sent it.
    pub fn take_cookies(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.set_cookies)
    }

    /// Connects again; `lost` is when the loss was noticed, `left` what is left of the thread's schedule, if that has an end. All that
    /// happens is counted on `board`.
    ///
    /// Cancel safe: dropping it closes what it had opened.
    pub async fn reconnect(
        &mut self,
        lost: Instant,
        left: Option<Duration>,
        cancel: &Cancel,
        board: &Board,
    ) -> Reconnect {
        let mut done = Reconnect {
            first_pause: Duration::ZERO,
            run: None,
            failure: None,
        };
        let lived = lost.saturating_duration_since(self.opened);
        let fresh = self.next_seed();
        self.must_ask = self.spec.asks;
        self.attempts.set_end(left.map(|left| self.clock.after(left)));
        self.attempts.lost(lived, fresh, self.clock.now());
        if let Err(reason) = self.pause_first(&mut done, cancel, board).await {
            board.stopped(&self.spec.user, reason);
            done.failure = Some(ended_by(reason, unmade(reason)));
            self.start_over();
            return done;
        }
        let run = drive::connect(&self.spec, &mut self.attempts, self.clock, cancel, board).await;
        match run.end {
            End::Connected => self.opened = Instant::now(),
            End::Stopped(reason) => {
                done.failure = Some(failure(&self.spec, &run, reason));
                self.start_over();
            }
        }
        done.run = Some(run);
        done
    }

    /// The pause that the policy puts behind a connection that did not last.
    async fn pause_first(
        &mut self,
        done: &mut Reconnect,
        cancel: &Cancel,
        board: &Board,
    ) -> Result<(), StopReason> {
        let begun = self.clock.now();
        loop {
            match self.attempts.step(self.clock.now()) {
                Step::Pause { until } => {
                    let _waits = board.waits();
                    tokio::select! {
                        () = cancel.cancelled() => self.attempts.cancel(),
                        () = sleep_until(self.clock.at(until)) => {}
                    }
                    done.first_pause = self.clock.now() - begun;
                    board.waited(done.first_pause);
                }
                Step::Stop(reason) => return Err(reason),
                Step::Turn { .. } | Step::Attempt { .. } => return Ok(()),
            }
        }
    }

    /// The next one knows nothing of what failed before.
    fn start_over(&mut self) {
        self.attempts = Attempts::new(self.spec.policy.clone(), self.next_seed());
    }

    fn next_seed(&mut self) -> Option<u64> {
        self.times += 1;
        self.spec
            .seed
            .map(|seed| backoff::stream_seed(seed, &self.spec.user, self.times))
    }
}

/// Why there was not even an attempt.
fn unmade(reason: StopReason) -> Failure {
    match reason {
        StopReason::Cancelled => Failure::new(CANCELLED, CANCELLED.message),
        StopReason::ScheduleEnd => Failure::new(
            SCHEDULE_END,
            "the connection is lost, and the thread's schedule ends before it could be made again",
        ),
        reason => {
            let detail = format!("connections were lost within 5 s again and again; gave up ({reason})");
            Failure::coded(Code::ConnectionLost, detail)
        }
    }
}

fn failure(spec: &ConnectSpec, run: &ConnectRun, reason: StopReason) -> Failure {
    let mut story = "the reconnect failed:\n".to_owned();
    timeline::write(&mut story, run);
    let why = match &run.last().fault {
        Some(fault) if reason != StopReason::Cancelled => Failure {
            code: fault.code.clone(),
            message: fault.message,
            detail: story,
            end_thread: false,
            remarks: remarks(spec, run),
        },
        _ => Failure::new(CANCELLED, story),
    };
    ended_by(reason, why)
}

fn remarks(spec: &ConnectSpec, run: &ConnectRun) -> Vec<Remark> {
    let cure = run.curable().map(|_| Remark::Cure);
    let signs = signs::of(spec, run);
    let signs = (!signs.smells.is_empty()).then_some(Remark::Signs(signs));
    cure.into_iter().chain(signs).collect()
}

fn ended_by(reason: StopReason, failure: Failure) -> Failure {
    Failure {
        end_thread: reason == StopReason::ScheduleEnd,
        ..failure
    }
}
