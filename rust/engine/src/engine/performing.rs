//! Operations on a connection: what stands before them (a lost connection is made anew first) and behind them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codes::CANCELLED;
use crate::connecting::reconnect::{Lifeline, Reconnect};
use crate::connecting::signs;
use crate::engine::{Engine, Misuse, no_connection, no_runtime};
use crate::failure::Failure;
use crate::keeping::live::Live;
use crate::keeping::slot::{Call, Slot};
use crate::slab::Handle;
use crate::talking::figures::{Figures, Outcome};
use crate::talking::operation::{Action, Operation};
use crate::talking::talk;

/// What is only this call's of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Stands in for the operation's own.
    pub payload: Option<&'a [u8]>,
    /// What is left of the thread's schedule, if that has an end.
    pub left: Option<Duration>,
    /// When it began.
    pub begun: Instant,
}

/// What an operation finds of its connection.
pub(super) enum Ready {
    Usable,
    /// It is lost, and by what it is to be made anew is asked first.
    Ask,
    /// It is lost, since then, and to be made anew first.
    Lost(Instant),
}

impl Engine {
    /// Does an operation on a connection, on the calling thread. Answers the message, which is empty where there is none; the numbers
    /// go into `figures`, which are new.
    ///
    /// # Errors
    /// Misuse only: whatever server, network or plan do is in the result, as why the operation was not done.
    pub fn perform(
        &self,
        connection: Handle,
        operation: &Operation,
        asked: Asked<'_>,
        figures: &mut Figures,
    ) -> Result<Result<Vec<u8>, Failure>, Misuse> {
        let done = match self.slots.get(connection) {
            None => Err(no_connection()),
            Some(slot) => {
                let mut call = slot.enter().ok_or(Misuse::Busy(connection))?;
                let mut done = self.talk(&slot, &mut call, operation, &asked, figures);
                note_done(call.live.as_mut(), &mut done, figures);
                done
            }
        };
        finish(&done, asked.begun, figures);
        Ok(done)
    }

    fn talk(
        &self,
        slot: &Arc<Slot>,
        call: &mut Call<'_>,
        operation: &Operation,
        asked: &Asked<'_>,
        figures: &mut Figures,
    ) -> Result<Vec<u8>, Failure> {
        match ready(slot, call.live.as_mut(), operation, asked.begun)? {
            Ready::Usable => {}
            Ready::Ask => {
                figures.outcome = Outcome::Ask;
                return Ok(Vec::new());
            }
            Ready::Lost(lost) => {
                let live = call.live.as_mut().ok_or_else(no_connection)?;
                if let Some(mut lifeline) = live.lifeline.take() {
                    let runtime = self.runtime.get().map_err(|error| no_runtime(&error))?;
                    let board = self.board();
                    let reconnect = lifeline.reconnect(lost, asked.left, &slot.cancel, &board);
                    let done = runtime.handle().block_on(reconnect);
                    self.reconnected(slot, live, lifeline, done, figures)?;
                }
            }
        }
        let live = call.live.as_mut().ok_or_else(no_connection)?;
        talk::perform(live, operation, asked.payload, asked.begun, figures)
    }

    /// Puts a new connection in the place of the lost one, if there is one, and its lifeline back.
    pub(super) fn reconnected(
        &self,
        slot: &Arc<Slot>,
        live: &mut Live,
        mut lifeline: Box<Lifeline>,
        mut done: Reconnect,
        figures: &mut Figures,
    ) -> Result<(), Failure> {
        figures.waited = done.waited();
        let mut renewed = None;
        if let Some(run) = &mut done.run {
            figures.connect = run.last().connect_time();
            // A trace that cannot be written was told by the connect, and is told again at the end of the test.
            let _ = self.trace(lifeline.spec(), run);
            figures.set_cookies = lifeline.keep_cookies(run);
            self.note_limits(run, &signs::of(lifeline.spec(), run));
            renewed = run
                .connection
                .take()
                .map(|connection| (connection, std::mem::take(&mut run.early)));
        }
        live.lifeline = Some(lifeline);
        if let Some((connection, early)) = renewed {
            slot.watch(&connection);
            figures.reconnects = 1;
            self.notices
                .count("reconnect", || "a lost connection was made anew".to_owned());
            live.renew(connection);
            live.keep(early);
            if !live.kept {
                live.kept = true;
                self.keeper.add(slot, &self.notices);
            }
        }
        done.failure.map_or(Ok(()), Err)
    }
}

/// Looks at the connection that an operation is for, which reads what has come where that is due.
pub(super) fn ready(
    slot: &Slot,
    live: Option<&mut Live>,
    operation: &Operation,
    begun: Instant,
) -> Result<Ready, Failure> {
    if slot.cancel.is_cancelled() {
        return Err(Failure::new(CANCELLED, CANCELLED.message));
    }
    let live = live.ok_or_else(no_connection)?;
    let closes = matches!(operation.action, Action::Close(_));
    if !closes && live.due().is_some_and(|due| due <= begun) && !live.look(|| true) {
        live.keep_alive(); // the keeper finds a busy connection's lock taken
    }
    if !wants_reconnect(live, &operation.action) {
        return Ok(Ready::Usable);
    }
    live.look(|| true); // the keeper sees an end up to 100 ms later
    if live.connection.is_open() {
        return Ok(Ready::Usable);
    }
    if live.lifeline.as_ref().is_some_and(|lifeline| lifeline.must_ask()) {
        return Ok(Ready::Ask);
    }
    Ok(Ready::Lost(live.ended.unwrap_or_else(Instant::now)))
}

/// What the connection has to say of an operation that was done on it.
pub(super) fn note_done(live: Option<&mut Live>, done: &mut Result<Vec<u8>, Failure>, figures: &mut Figures) {
    let Some(live) = live else { return };
    if live.closed_here && figures.close_code != 0 {
        live.close_code = Some(figures.close_code);
    }
    live.note_failure(done.as_ref().err());
    live.settle_queue();
    if let (Err(failure), 1..) = (done, live.queue.dropped()) {
        failure.name_dropped(live.queue.dropped());
    }
    figures.queued = live.queue.len();
    figures.dropped = live.queue.dropped();
    if let Some(closed) = live.connection.close_info() {
        figures.close_code = closed.code;
    }
}

pub(super) fn finish(done: &Result<Vec<u8>, Failure>, begun: Instant, figures: &mut Figures) {
    if done.is_err() {
        figures.outcome = Outcome::Failed;
        figures.kind = None;
        figures.note = 0;
    }
    figures.elapsed = begun.elapsed();
}

/// A lost connection is made anew for whatever needs the server; a close does not, and messages that were kept come first.
fn wants_reconnect(live: &Live, action: &Action) -> bool {
    if live.lifeline.is_none() || live.closed_here {
        return false;
    }
    match action {
        Action::Close(_) => false,
        Action::Receive(wait) => !live.queue.iter().any(|message| wait.wants(message)),
        Action::Send(_) | Action::Exchange(..) | Action::Ping(_) => true,
    }
}
