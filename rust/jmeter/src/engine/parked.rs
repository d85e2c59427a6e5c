//! Calls that do not block: each has a ticket, which is told when it is done; what it came to is then to be taken.

use std::time::{Duration, Instant};

use engine::reactor::{Begun, Berth, Ticket};
use engine::talking::figures::Figures;
use engine::{Asked, Handle, elsewhere};

use crate::engine::{
    Called, Engine, Misuse, Prepared, SCHEDULING, Taken, cannot_be_done, connected, performed, ready,
};

impl Engine {
    /// Connects as [`Engine::connect`] does, but that it does not block. `None`: it goes on, and its ticket will be told by
    /// [`Engine::drive`]; it is then to be [taken](Engine::take).
    ///
    /// # Errors
    /// As of `connect`.
    pub fn connect_parked(
        &self,
        handle: Handle,
        prepared: Handle,
        ordinal: u64,
        own: Option<&[u8]>,
        left: Option<Duration>,
        ticket: Ticket,
    ) -> Result<Option<Taken>, Misuse> {
        let called = match self.called(prepared, ordinal, own)? {
            Called::Invalid(connected) => return Ok(Some((*connected).into())),
            Called::Valid(called) => called,
        };
        let engine = self.engine.clone();
        self.begin_call(ticket, |_| async move {
            let spec = called.spec.clone();
            let done = engine.clone().connect_parked(handle, spec, left).await?;
            Ok(connected(&engine, &called, &done).into())
        })
    }

    /// Does an operation as [`Engine::perform`] does, but that it does not block; see [`Engine::connect_parked`].
    ///
    /// # Errors
    /// As of `perform`.
    pub fn perform_parked(
        &self,
        connection: Handle,
        operation: Handle,
        payload: Option<Vec<u8>>,
        left: Option<Duration>,
        ticket: Ticket,
    ) -> Result<Option<Taken>, Misuse> {
        let begun = Instant::now();
        let found = self.prepared.get(operation);
        let Some(prepared) = found.filter(|found| matches!(**found, Prepared::Operation(_))) else {
            return Err(Misuse::UnknownOperation(operation));
        };
        let engine = self.engine.clone();
        self.begin_call(ticket, |berth| async move {
            let Prepared::Operation(prepared) = &*prepared else {
                return Err(Misuse::UnknownOperation(operation));
            };
            let mut figures = Figures::default();
            let done = match ready(prepared, payload.as_deref()) {
                Ok((operation, payload)) => {
                    let asked = Asked {
                        payload: payload.as_deref(),
                        left,
                        begun,
                    };
                    let checked = &operation.checked;
                    engine
                        .perform_parked(&berth, connection, checked, asked, &mut figures)
                        .await?
                }
                Err(invalid) => cannot_be_done(&invalid, begun, &mut figures),
            };
            Ok(performed(&engine, done, begun, figures).into())
        })
    }

    fn begin_call<F>(&self, ticket: Ticket, call: impl FnOnce(Berth) -> F) -> Result<Option<Taken>, Misuse>
    where
        F: Future<Output = Result<Taken, Misuse>> + Send + 'static,
    {
        let begun = self.reactor.begin(ticket, call);
        Ok(match begun.map_err(::engine::Misuse::Runtime)? {
            Begun::Done(done) => Some(done?),
            Begun::Parked => None,
        })
    }

    /// Takes what a call came to that was told by [`Engine::drive`].
    ///
    /// # Errors
    /// That of the call, and [`Misuse::UnknownTicket`].
    pub fn take(&self, ticket: Ticket) -> Result<Taken, Misuse> {
        let (done, ago) = self.reactor.take(ticket).ok_or(Misuse::UnknownTicket(ticket))?;
        let mut taken = done?;
        self.engine.scheduled(ago);
        if let Some(figures) = &mut taken.figures {
            figures[SCHEDULING] = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
        }
        Ok(taken)
    }

    /// Serves calls that do not block, on the calling thread, until some are done: puts their tickets into `done`, which is not empty.
    /// `None`: a test has ended since [`ends`](Engine::ends) were counted.
    ///
    /// # Errors
    /// The system has no descriptors left to wait with.
    pub fn drive(&self, ends: u64, done: &mut [Ticket]) -> Result<Option<usize>, Misuse> {
        let driven = self.reactor.drive(ends, done);
        Ok(driven.map_err(::engine::Misuse::Runtime)?)
    }

    /// How many tests have ended; whoever drives counts before the first call that he serves is made.
    pub fn ends(&self) -> u64 {
        self.reactor.stops()
    }

    /// Tells a control what happened as [`Engine::step`] does, but that it does not block; see [`Engine::connect_parked`].
    ///
    /// # Errors
    /// As of `step`.
    pub fn step_parked(
        &self,
        control: Handle,
        event: Vec<u8>,
        ticket: Ticket,
    ) -> Result<Option<Taken>, Misuse> {
        let found = self
            .controls
            .get(control)
            .ok_or(Misuse::UnknownControl(control))?;
        let runtime = self.engine.runtime()?;
        let board = self.engine.board();
        let engine = self.engine.clone();
        self.begin_call(ticket, |_| async move {
            let step = async move {
                let (gates, traces) = (engine.gates(), engine.traces());
                found.step(&event, gates, traces, &board).await
            };
            let step = elsewhere(&runtime, step).await;
            Ok(Taken {
                figures: None,
                bytes: Some(step.ok_or(Misuse::BusyControl(control))??),
            })
        })
    }

    /// Closes a connection as [`Engine::close`] does, but that it does not block; see [`Engine::connect_parked`].
    ///
    /// # Errors
    /// As of `close`.
    pub fn close_parked(
        &self,
        handle: Handle,
        goodbye: Option<Duration>,
        ticket: Ticket,
    ) -> Result<Option<Taken>, Misuse> {
        let engine = self.engine.clone();
        self.begin_call(ticket, |berth| async move {
            engine.close_parked(&berth, handle, goodbye).await?;
            Ok(Taken::default())
        })
    }
}
