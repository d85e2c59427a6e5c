//! Calls that do not block the thread that polls them: of [`Engine::connect`], [`Engine::perform`] and [`Engine::close`], with the same
//! ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::connecting::spec::ConnectSpec;
use crate::engine::performing::{Asked, Ready, finish, note_done, ready};
use crate::engine::{ConnectDone, Engine, Misuse, no_connection, no_runtime};
use crate::failure::Failure;
use crate::keeping::slot::Hold;
use crate::reactor::Berth;
use crate::slab::Handle;
use crate::talking::figures::{Figures, Outcome};
use crate::talking::operation::Operation;
use crate::talking::parked;

impl Engine {
    /// Connects as [`Engine::connect`] does, but that it never blocks: it runs on the shared runtime.
    ///
    /// # Errors
    /// As of `connect`.
    pub async fn connect_parked(
        self: Arc<Self>,
        handle: Handle,
        spec: Arc<ConnectSpec>,
        left: Option<Duration>,
    ) -> Result<ConnectDone, Misuse> {
        let hold = self.hold_new(handle)?;
        let runtime = self.runtime()?;
        let connecting = async move { self.connecting(&hold, &spec, left).await };
        Ok(elsewhere(&runtime, connecting).await)
    }

    /// Does an operation as [`Engine::perform`] does, but that it never blocks the thread that polls it.
    ///
    /// # Errors
    /// As of `perform`.
    pub async fn perform_parked(
        &self,
        berth: &Berth,
        connection: Handle,
        operation: &Operation,
        asked: Asked<'_>,
        figures: &mut Figures,
    ) -> Result<Result<Vec<u8>, Failure>, Misuse> {
        let done = match self.slots.get(connection) {
            None => Err(no_connection()),
            Some(slot) => {
                let hold = slot.hold().ok_or(Misuse::Busy(connection))?;
                let mut done = self.talk_parked(&hold, berth, operation, &asked, figures).await;
                note_done(hold.live().as_mut(), &mut done, figures);
                done
            }
        };
        finish(&done, asked.begun, figures);
        Ok(done)
    }

    async fn talk_parked(
        &self,
        hold: &Hold,
        berth: &Berth,
        operation: &Operation,
        asked: &Asked<'_>,
        figures: &mut Figures,
    ) -> Result<Vec<u8>, Failure> {
        let slot = hold.slot();
        let state = ready(slot, hold.live().as_mut(), operation, asked.begun)?;
        match state {
            Ready::Usable => {}
            Ready::Ask => {
                figures.outcome = Outcome::Ask;
                return Ok(Vec::new());
            }
            Ready::Lost(lost) => {
                let lifeline = hold.live().as_mut().and_then(|live| live.lifeline.take());
                if let Some(mut lifeline) = lifeline {
                    let runtime = self.runtime.get().map_err(|error| no_runtime(&error))?;
                    let (slot, left, board) = (slot.clone(), asked.left, self.board());
                    let reconnect = async move {
                        let done = lifeline.reconnect(lost, left, &slot.cancel, &board).await;
                        (lifeline, done)
                    };
                    // Apart: each operation is a call of its own, and would carry the room for this about.
                    let (lifeline, done) = elsewhere(&runtime, Box::pin(reconnect)).await;
                    let mut locked = hold.live();
                    let live = locked.as_mut().ok_or_else(no_connection)?;
                    self.reconnected(hold.slot(), live, lifeline, done, figures)?;
                }
            }
        }
        parked::perform(hold, berth, operation, asked.payload, asked.begun, figures).await
    }

    /// Closes a connection as [`Engine::close`] does, but that it never blocks the thread that polls it.
    ///
    /// # Errors
    /// As of `close`.
    pub async fn close_parked(
        &self,
        berth: &Berth,
        handle: Handle,
        goodbye: Option<Duration>,
    ) -> Result<(), Misuse> {
        if let Some((mut live, goodbye)) = self.leave(handle, goodbye)? {
            parked::leave(&mut live, berth, &goodbye.spec, goodbye.timeout).await;
        }
        Ok(())
    }
}

/// Has the runtime do something that takes processor time, or that needs its clock, while others have their turn here. A panic in it goes
/// on in whoever waits.
///
/// # Panics
/// Where the work does, and where the runtime ends before the work.
pub async fn elsewhere<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match runtime.spawn(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the end of a runtime cancels what was spawned on it.
            Err(cancelled) => panic!("the runtime ended under a call: {cancelled}"),
        },
    }
}
